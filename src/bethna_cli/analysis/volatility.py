"""How far the price will move until an option expires: one forecast, and the distribution that follows from it.

The forecast is a heterogeneous autoregression on logarithms: the log of the coming variance is linear in the logs of
the variances of the last 6 hours, day, week, 30 and 56 days, with weights for each horizon. Source: Corsi, "A Simple
Approximate Long-Memory Model of Realized Volatility", Journal of Financial Econometrics, 2009.

The terminal price is a filtered historical simulation, smoothed: what past prices did in units of such forecasts made
before, as a mixture of normals of several widths, times today's forecast. Source: Barone-Adesi, Giannopoulos and
Vosper, "VaR without Correlations for Portfolios of Derivative Securities", Journal of Futures Markets, 1999.

Past drift is not carried on. Probabilities of rise and fall are equal, which fitted the past best; trades are valued
around today's price as the mean, because a drift that nobody can be sure of must not pay for an option. Standard
library only.
"""

import math
from bisect import bisect_right
from dataclasses import dataclass
from operator import mul

from bethna_cli.analysis.features import FEATURE_NAMES, HORIZON_HOURS, YEAR_H, neutral_band
from bethna_cli.domain.model import Row, Shares, VolatilityModel
from bethna_cli.options.backend import ndtr
from bethna_cli.options.terminal import Terminal, mixture

SPANS = tuple(FEATURE_NAMES.index(f"volatility_{span}") for span in ("6h", "1d", "7d", "30d", "56d"))
HORIZONS_H = (24, 72, 168, 336, 720, 1080)
SCALES = (0.4, 0.6, 0.9, 1.35, 2.0, 3.0)
LEAST_VOLATILITY, MOST_VOLATILITY = 0.01, 20.0
"""A span's volatility counts as at least and at most this: zero has no logarithm; no market moves 2,000 % a year."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is expected from one moment on. past: logs of the past annual variances, in the order of SPANS."""

    model: VolatilityModel
    past: tuple[float, ...]

    def log_variance(self, hours: float) -> float:
        """Return the expected log of the annual variance over the next `hours`."""
        at, share = self._between(hours)
        low = self._fitted(at)
        return low + share * (self._fitted(at + 1) - low) if share else low

    def _fitted(self, horizon: int) -> float:
        """Return the expected log of the annual variance over a fitted horizon."""
        intercept, *weights = self.model.weights[horizon]
        return intercept + math.fsum(map(mul, weights, self.past))

    def variance(self, hours: float) -> float:
        """Return the expected annual variance over the next `hours`; above e^log_variance, as every mean of a skew."""
        at, share = self._between(hours)
        low, high = self.model.corrections[at], self.model.corrections[at + 1]
        return math.exp(self.log_variance(hours) + (1 - share) * low + share * high)

    def volatility(self, years: float) -> float:
        """Return the volatility, a fraction a year, to compare with an option's implied one.

        It is the one at which a plain lognormal would price an option at the money as the distribution does: to good
        approximation the mean over its widths.
        """
        return math.fsum(map(mul, *self.mixture(years)))

    def terminal(self, spot_usd: float, years: float) -> Terminal:
        """Return the distribution of the price in `years`, its mean being `spot_usd`."""
        return mixture(spot_usd, years, *self.mixture(years))

    def mixture(self, years: float) -> tuple[list[float], list[float]]:
        """Return volatilities a year, and how likely each is, for the price in `years`."""
        hours, model = years * YEAR_H, self.model
        at, share = self._between(hours)
        width = (1 - share) * model.widths[at] + share * model.widths[at + 1]
        unit = width * math.sqrt(self.variance(hours))
        pairs = zip(model.mixing[at], model.mixing[at + 1], strict=True)
        return [unit * scale for scale in model.scales], [(1 - share) * low + share * high for low, high in pairs]

    def _between(self, hours: float) -> tuple[int, float]:
        """Return the fitted horizon below and how far, in log time, the way to the next is; constant outside them."""
        horizons = self.model.horizons_h
        at = min(max(bisect_right(horizons, hours) - 1, 0), len(horizons) - 2)
        share = math.log(max(hours, 1e-9) / horizons[at]) / math.log(horizons[at + 1] / horizons[at])
        return at, min(max(share, 0.0), 1.0)


_RAREST = 1e-6
"""No class is called impossible."""


def past_log_variances(row: Row) -> tuple[float, ...]:
    """Return the logs of a row's past annual variances, shortest span first; a missing one counts as the next longer.

    Raises ValueError when the longest is missing: a row of `features` always has it.
    """
    found = math.nan
    logs: list[float] = []
    for column in reversed(SPANS):
        found = (
            found if math.isnan(row[column]) else 2 * math.log(min(max(row[column], LEAST_VOLATILITY), MOST_VOLATILITY))
        )
        logs.append(found)
    if math.isnan(logs[0]):
        raise ValueError("a row without its longest volatility")
    return tuple(reversed(logs))


def forecast(model: VolatilityModel, row: Row) -> Forecast:
    """Forecast from one row of `features`. Raises ValueError when its longest volatility is missing."""
    return Forecast(model, past_log_variances(row))


def undirected(model: VolatilityModel, row: Row) -> Shares:
    """Return the probabilities of the coming week's classes that follow from the forecast alone, both sides alike."""
    years = HORIZON_HOURS / YEAR_H
    band = neutral_band(row) / math.sqrt(years)
    beyond = math.fsum(
        weight * ndtr(-band / volatility)
        for volatility, weight in zip(*forecast(model, row).mixture(years), strict=True)
    )
    beyond = min(max(beyond, _RAREST), 0.5 - _RAREST)
    return beyond, 1.0 - 2.0 * beyond, beyond
