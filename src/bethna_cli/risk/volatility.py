"""The implied volatility of any strike and expiry, from the quotes that are on offer.

A listed option has its own; another strike of a listed expiry is read off the straight line between its neighbours,
flat outside them; another expiry off the line through total variance, flat in volatility outside. Nothing is fitted.
"""

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from bethna_cli.domain.options import OptionQuote

LARGEST_IV = 10.0
"""1,000 % a year: a quote that says more is not used."""


@dataclass(frozen=True, slots=True)
class Smile:
    """One expiry: strikes in USD, ascending, each with a volatility. seconds: from the board's writing to expiry."""

    expires_s: float
    strikes: tuple[float, ...]
    ivs: tuple[float, ...]

    def at(self, strike: float) -> float:
        """Return the volatility at a strike."""
        right = bisect_left(self.strikes, strike)
        if right == 0:
            return self.ivs[0]
        if right == len(self.strikes):
            return self.ivs[-1]
        low, high = self.strikes[right - 1], self.strikes[right]
        share = (strike - low) / (high - low)
        return self.ivs[right - 1] + share * (self.ivs[right] - self.ivs[right - 1])


@dataclass(frozen=True, slots=True)
class Smiles:
    """One asset's volatilities, by expiry, ascending (Unix seconds)."""

    smiles: tuple[Smile, ...]

    @property
    def strikes(self) -> tuple[float, ...]:
        """Every strike that has a volatility."""
        return tuple(sorted({strike for smile in self.smiles for strike in smile.strikes}))

    def at(self, strike: float, expires_s: float, now_s: float) -> float:
        """Return the volatility for a strike and an expiry, NaN when nothing is on offer."""
        if not self.smiles:
            return math.nan
        right = bisect_left(self.smiles, expires_s, key=lambda smile: smile.expires_s)
        if right < len(self.smiles) and self.smiles[right].expires_s == expires_s:
            return self.smiles[right].at(strike)
        if right in (0, len(self.smiles)):
            return self.smiles[min(right, len(self.smiles) - 1)].at(strike)
        return _between(self.smiles[right - 1], self.smiles[right], strike, expires_s, now_s)


def _between(near: Smile, far: Smile, strike: float, expires_s: float, now_s: float) -> float:
    """Interpolate total variance between two expiries, which keeps the forward variance from going below zero."""
    near_iv, far_iv = near.at(strike), far.at(strike)
    near_s, far_s, wanted_s = near.expires_s - now_s, far.expires_s - now_s, expires_s - now_s
    if near_s <= 0.0:
        return far_iv
    share = (wanted_s - near_s) / (far_s - near_s)
    variance = (1.0 - share) * near_iv * near_iv * near_s + share * far_iv * far_iv * far_s
    return math.sqrt(max(0.0, variance) / wanted_s)


def smiles_of(quotes: Sequence[OptionQuote]) -> Smiles:
    """Read the volatilities of plain calls and puts; where both are listed at a strike, their mean."""
    found: dict[float, dict[float, list[float]]] = {}
    for quote in quotes:
        iv = math.nan if quote.greeks is None else quote.greeks.iv
        if not quote.kind.is_spread and 0.0 < iv <= LARGEST_IV:
            expiry = found.setdefault(quote.expires_at.timestamp(), {})
            expiry.setdefault(float(quote.strikes[0]), []).append(iv)
    return Smiles(
        tuple(
            Smile(expires_s, tuple(sorted(by_strike)), tuple(_mean(by_strike[one]) for one in sorted(by_strike)))
            for expires_s, by_strike in sorted(found.items())
        )
    )


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)
