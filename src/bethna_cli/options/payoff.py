"""What one contract pays at expiry, as the corners of a piecewise-linear curve, and where a curve turns to profit.

A curve is a sequence of knots (spot USD, value USD) in ascending spot, straight between two knots and flat outside
them. Several legs and what they cost add up to one more such curve. It refuses time before expiry: see black.py.
"""

import math
from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from typing import TypeAlias

from bethna_cli.domain.options import OptionKind

Knot: TypeAlias = tuple[float, float]


def payoff_knots(kind: OptionKind, strikes: Sequence[float]) -> list[Knot]:
    """Return the payoff in USD per contract to its holder.

    strikes: USD, > 0, ascending; two for a spread, else one. A call pays min(max(S - K, 0), K), flat from 2 K on,
    because collateral in USDC can promise no more; a put max(K - S, 0); a spread is capped at its width.
    Raises ValueError on other strikes. Source: Thetanuts V4, LINEAR_CALL, PUT, CALL_SPREAD, PUT_SPREAD.
    """
    if len(strikes) != (2 if kind.is_spread else 1):
        raise ValueError(f"A {kind} has {2 if kind.is_spread else 1} strike(s), not {len(strikes)}.")
    lowest = 0.0 if kind is OptionKind.PUT else strikes[0]
    highest = 2.0 * strikes[0] if kind is OptionKind.CALL else strikes[-1]
    if not (strikes[0] > 0.0 and lowest < highest < math.inf):
        raise ValueError(f"Strikes must be positive, finite and ascending, not {list(strikes)}.")
    most = highest - lowest
    return [(lowest, 0.0), (highest, most)] if kind.is_call else [(lowest, most), (highest, 0.0)]


def payoff_at(knots: Sequence[Knot], spot: float) -> float:
    """Return the curve's value at a spot, both in USD."""
    right = bisect_right(knots, spot, key=lambda knot: knot[0])
    if right == 0:
        return knots[0][1]
    if right == len(knots):
        return knots[-1][1]
    (low, at_low), (high, at_high) = knots[right - 1], knots[right]
    return at_low + (at_high - at_low) * (spot - low) / (high - low)


def break_evens(knots: Sequence[Knot]) -> list[float]:
    """Return the spots, ascending, at which a curve of profit and loss passes between "above zero" and "not"."""
    return [
        low + (high - low) * at_low / (at_low - at_high)
        for (low, at_low), (high, at_high) in pairwise(knots)
        if (at_low > 0.0) != (at_high > 0.0)
    ]
