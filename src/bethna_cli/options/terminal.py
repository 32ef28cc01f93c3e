"""The price at expiry as a distribution: lognormal, then re-weighted to the probabilities of three classes.

Every answer is a closed form on plain numbers: the probability and the first moment of a truncated lognormal are
differences of the normal distribution. It refuses to hold a view of its own: mean and volatility come in.

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
class Terminal:
    """A lognormal price in USD, its density multiplied by one factor in each class.

    mean: of the lognormal before weighting; total: its volatility until expiry (a fraction, not a year's); bounds: the
    prices that divide the classes, ascending; factors: one more than bounds, from the lowest class up.
    """

    mean: float
    total: float
    bounds: tuple[float, ...] = ()
    factors: tuple[float, ...] = (1.0,)

    def reweighted(self, bounds: tuple[float, float], probabilities: tuple[float, float, float]) -> "Terminal":
        """Give the classes below, between and above `bounds` (USD) these probabilities; inside each the shape stays.

        Replaces an earlier weighting. Raises ValueError when the bounds don't ascend from above 0, the probabilities
        are not a distribution, or a class with a probability is one the lognormal never reaches.
        """
        if not 0.0 < bounds[0] < bounds[1] < math.inf:
            raise ValueError(f"The bounds of the classes must ascend from above 0, not {bounds}.")
        if min(probabilities) < 0.0 or not math.isclose(math.fsum(probabilities), 1.0, abs_tol=1e-9):
            raise ValueError(f"The classes need probabilities that sum to 1, not {probabilities}.")
        edges = (0.0, *bounds, math.inf)
        factors = []
        for (low, high), probability in zip(pairwise(edges), probabilities, strict=True):
            prior = self._mass(low, high)
            if probability > 0.0 and prior <= 0.0:
                raise ValueError(f"A volatility of {self.total:.3g} never reaches prices from {low:.6g} to {high:.6g}.")
            factors.append(probability / prior if prior > 0.0 else 0.0)
        return replace(self, bounds=bounds, factors=tuple(factors))

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
        """Integrate the line through (low, at_low) and (high, at_high) over the unweighted lognormal."""
        slope = (at_high - at_low) / (high - low)
        return (at_low - slope * low) * self._mass(low, high) + slope * self._first_moment(low, high)

    def _factor(self, spot: float) -> float:
        """Return the factor from `spot` up."""
        return self.factors[bisect_right(self.bounds, spot)]

    def _mass(self, low: float, high: float) -> float:
        return _between(self._score(low), self._score(high), shift=0.5 * self.total)

    def _first_moment(self, low: float, high: float) -> float:
        return self.mean * _between(self._score(low), self._score(high), shift=-0.5 * self.total)

    def _score(self, spot: float) -> float:
        if spot <= 0.0:
            return -math.inf
        return math.log(spot / self.mean) / self.total if spot < math.inf else math.inf


def lognormal(spot: float, volatility: float, years: float) -> Terminal:
    """Return the lognormal price in `years` whose mean is `spot` (USD): no drift, no rate.

    volatility: fraction a year. Raises ValueError unless all three are positive and finite.
    """
    if not all(0.0 < number < math.inf for number in (spot, volatility, years)):
        raise ValueError(f"Spot, volatility and time must be positive, not {spot}, {volatility}, {years}.")
    return Terminal(mean=spot, total=volatility * math.sqrt(years))


def _between(low: float, high: float, shift: float) -> float:
    """Return N(high + shift) - N(low + shift), from the tail in which the difference keeps its digits."""
    low, high = low + shift, high + shift
    return ndtr(high) - ndtr(low) if low < 0.0 else ndtr(-low) - ndtr(-high)
