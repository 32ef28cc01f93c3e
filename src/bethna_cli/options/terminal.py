"""The price at expiry as a distribution: lognormals of several widths, then re-weighted to three classes.

Every answer is a closed form on plain numbers: the probability and the first moment of a truncated lognormal are
differences of the normal distribution. It refuses to hold a view of its own: centre, widths and weights come in.

Source: Johnson, Kotz and Balakrishnan, "Continuous Univariate Distributions", vol. 1, 2nd ed., 14.3 (truncation).
"""

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from bethna_cli.options.backend import ndtr
from bethna_cli.options.payoff import Knot, payoff_at


@dataclass(frozen=True, slots=True)
class Lognormal:
    """One part of a mixture. mean: USD; total: volatility until expiry (a fraction, not a year's)."""

    weight: float
    mean: float
    total: float

    def mass(self, low: float, high: float) -> float:
        return self.weight * _between(self.score(low), self.score(high), shift=0.5 * self.total)

    def first_moment(self, low: float, high: float) -> float:
        return self.weight * self.mean * _between(self.score(low), self.score(high), shift=-0.5 * self.total)

    def score(self, spot: float) -> float:
        """Return the distance of a price from the mean, in standard deviations of the log."""
        if spot <= 0.0:
            return -math.inf
        return math.log(spot / self.mean) / self.total if spot < math.inf else math.inf


@dataclass(frozen=True, slots=True)
class Terminal:
    """A mixture of lognormal prices in USD, its density multiplied by one factor in each class.

    bounds: the prices that divide the classes, ascending; factors: one more than bounds, from the lowest class up.
    """

    parts: tuple[Lognormal, ...]
    bounds: tuple[float, ...] = ()
    factors: tuple[float, ...] = (1.0,)

    def reweighted(self, bounds: tuple[float, float], probabilities: tuple[float, float, float]) -> "Terminal":
        """Give the classes below, between and above `bounds` (USD) these probabilities; inside each the shape stays.

        Replaces an earlier weighting. Raises ValueError when the bounds don't ascend from above 0, the probabilities
        are not a distribution, or a class with a probability is one the mixture never reaches.
        """
        if min(probabilities) < 0.0 or not math.isclose(math.fsum(probabilities), 1.0, abs_tol=1e-9):
            raise ValueError(f"The classes need probabilities that sum to 1, not {probabilities}.")
        factors = []
        for probability, prior in zip(probabilities, self.classes(bounds), strict=True):
            if probability > 0.0 and prior <= 0.0:
                widest = max(part.total for part in self.parts)
                raise ValueError(f"A volatility of {widest:.3g} never reaches a class beyond {bounds}.")
            factors.append(probability / prior if prior > 0.0 else 0.0)
        return replace(self, bounds=bounds, factors=tuple(factors))

    def classes(self, bounds: tuple[float, float]) -> tuple[float, float, float]:
        """Return the unweighted probabilities below, between and above `bounds` (USD, ascending from above 0)."""
        if not 0.0 < bounds[0] < bounds[1] < math.inf:
            raise ValueError(f"The bounds of the classes must ascend from above 0, not {bounds}.")
        low = middle = high = 0.0
        for part in self.parts:
            start, end = (part.score(bound) + 0.5 * part.total for bound in bounds)
            low += part.weight * ndtr(start)
            middle += part.weight * _between(start, end, shift=0.0)
            high += part.weight * ndtr(-end)
        return low, middle, high

    def probability_above(self, spot: float) -> float:
        """Return the probability that the price ends above `spot` (USD)."""
        edges = [max(spot, 0.0), *(bound for bound in self.bounds if bound > spot), math.inf]
        return math.fsum(self._factor(low) * self._mass(low, high) for low, high in pairwise(edges))

    def expected(self, knots: Sequence[Knot]) -> float:
        """Return the mean of a piecewise-linear curve of the price, flat outside its knots, in the curve's unit."""
        edges = sorted({0.0, *(spot for spot, _ in knots), *self.bounds, math.inf})
        return math.fsum(
            self._factor(low) * self._integral(low, high, payoff_at(knots, low), payoff_at(knots, high))
            for low, high in pairwise(edges)
        )

    def _integral(self, low: float, high: float, at_low: float, at_high: float) -> float:
        """Integrate the line through (low, at_low) and (high, at_high) over the unweighted mixture."""
        slope = (at_high - at_low) / (high - low)
        first = math.fsum(part.first_moment(low, high) for part in self.parts) if slope else 0.0
        return (at_low - slope * low) * self._mass(low, high) + slope * first

    def _factor(self, spot: float) -> float:
        """Return the factor from `spot` up."""
        return self.factors[bisect_right(self.bounds, spot)]

    def _mass(self, low: float, high: float) -> float:
        return math.fsum(part.mass(low, high) for part in self.parts)


def lognormal(spot: float, volatility: float, years: float) -> Terminal:
    """Return the lognormal price in `years` whose mean is `spot` (USD): no drift, no rate.

    volatility: fraction a year. Raises ValueError unless all three are positive and finite.
    """
    return mixture(spot, years, (volatility,), (1.0,))


def mixture(spot: float, years: float, volatilities: Sequence[float], mixing: Sequence[float]) -> Terminal:
    """Return the price in `years` as a mixture of lognormals, each with `spot` (USD) as its mean: no drift, no rate.

    volatilities: each one's, fraction a year; mixing: their probabilities, which sum to 1. Raises ValueError unless
    spot, volatilities and years are positive and finite.
    """
    parts = []
    for volatility, weight in zip(volatilities, mixing, strict=True):
        _check(spot, volatility, years)
        if weight > 0.0:
            parts.append(Lognormal(weight, spot, volatility * math.sqrt(years)))
    return Terminal(tuple(parts))


def _check(spot: float, volatility: float, years: float) -> None:
    if not all(0.0 < number < math.inf for number in (spot, volatility, years)):
        raise ValueError(f"Spot, volatility and time must be positive, not {spot}, {volatility}, {years}.")


def _between(low: float, high: float, shift: float) -> float:
    """Return N(high + shift) - N(low + shift), from the tail in which the difference keeps its digits."""
    low, high = low + shift, high + shift
    return ndtr(high) - ndtr(low) if low < 0.0 else ndtr(-low) - ndtr(-high)
