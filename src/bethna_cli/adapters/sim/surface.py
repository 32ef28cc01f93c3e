"""The volatility surface of one expiry, and what options are worth on it, priced once each.

A call that is collateralised in USDC pays min(S - K, K), so it is worth the spread K / 2K. A put is worth its call less
the forward's distance from the strike, exactly: put-call parity holds by construction.
"""

import math
from dataclasses import dataclass

from bethna_cli.adapters.sim.chance import Memory
from bethna_cli.domain.options import OptionKind
from bethna_cli.options.black import price_and_greeks

MOST_DEVIATIONS = 2.5
CURVATURE = 0.035


@dataclass(frozen=True, slots=True)
class Value:
    """What one contract is worth in USD, and its Greeks; `iv` is that of the first strike."""

    usd: float
    iv: float
    delta: float
    gamma: float
    vega: float
    theta: float

    def less(self, other: "Value") -> "Value":
        """Return the worth of this contract and of one sold of the other."""
        return Value(
            self.usd - other.usd,
            self.iv,
            self.delta - other.delta,
            self.gamma - other.gamma,
            self.vega - other.vega,
            self.theta - other.theta,
        )


class Surface:
    """One expiry: forward in USD, years left, volatility at the money, and how it leans towards high strikes."""

    def __init__(self, expiry_s: int, forward: float, years: float, at_the_money: float, slope: float) -> None:
        self.expiry_s, self.forward, self.years = expiry_s, forward, years
        self.at_the_money, self.slope = at_the_money, slope
        self._calls = Memory(self._call, 256)

    @property
    def deviation(self) -> float:
        """The standard deviation of the log price until expiry."""
        return self.at_the_money * math.sqrt(self.years)

    def iv(self, strike: float) -> float:
        """Return the volatility at a strike; moneyness is counted in standard deviations and ends at 2.5."""
        k = math.log(strike / self.forward) / self.deviation
        k = max(-MOST_DEVIATIONS, min(MOST_DEVIATIONS, k))
        return self.at_the_money * (1 + self.slope * k + CURVATURE * k * k)

    def option(self, strike: float, *, is_call: bool) -> Value:
        """Return the worth of a plain call or put."""
        call = self._calls[strike]
        if is_call:
            return call
        usd = max(0.0, call.usd - (self.forward - strike))
        return Value(usd, call.iv, call.delta - 1, call.gamma, call.vega, call.theta)

    def contract(self, kind: OptionKind, strikes: tuple[float, ...]) -> Value:
        """Return the worth of a series of the venue, its cap included."""
        near = self.option(strikes[0], is_call=kind.is_call)
        if kind is OptionKind.PUT:
            return near
        far = strikes[1] if kind.is_spread else 2 * strikes[0]
        return near.less(self.option(far, is_call=kind.is_call))

    def _call(self, strike: float) -> Value:
        iv = self.iv(strike)
        usd, greeks = price_and_greeks(self.forward, strike, self.years, iv, True)
        return Value(usd, iv, greeks.delta, greeks.gamma, greeks.vega, greeks.theta)
