"""What Alpha believes about the terminal price: class probabilities, the person's view on them, and volatility.

The distribution is that of `analysis.volatility` (filtered historical simulation, today's price as its mean). Each of
the prediction's three classes weighs in it as much more or less as the forest, and then the person's view, made the
class likelier than it would be without them. With neither it has no drift: an option at the forecast's volatility is
worth its price, and what history paid on average for a direction is not counted on again.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from bethna_cli.analysis.volatility import Forecast
from bethna_cli.domain.errors import NotEnoughData
from bethna_cli.domain.intent import View
from bethna_cli.domain.market import Candle
from bethna_cli.domain.recommendation import Prediction
from bethna_cli.options.terminal import Terminal

DAILY_DECAY = 0.94
"""Weight of yesterday against today in the EWMA variance. Source: RiskMetrics, Technical Document, 1996, 5.3."""

HOURS_PER_YEAR = 8760
LEAST_RETURNS = 7 * 24


@dataclass(frozen=True, slots=True)
class Outlook:
    """A belief to value trades under: how far the price will move, and the probabilities of its three classes."""

    spot_usd: float
    forecast: Forecast
    prediction: Prediction

    def volatility(self, years: float) -> float:
        """Return the forecast for an option's life, as a fraction a year."""
        return self.forecast.volatility(years)

    def terminal(self, years: float) -> Terminal:
        """Return the distribution of the price in `years`.

        The prediction speaks of its own horizon. For another expiry the neutral band grows with the square root of
        time, and each class is as much likelier or less likely there as the prediction makes it at its own.
        """
        believed = (self.prediction.bearish, self.prediction.neutral, self.prediction.bullish)
        there = self.forecast.terminal(self.spot_usd, years)
        classes = zip(there.classes(self._bounds(years)), believed, reversed(self.prediction.silent), strict=True)
        raised = [share * said / without for share, said, without in classes]
        low, middle, high = (share / math.fsum(raised) for share in raised)
        return there.reweighted(self._bounds(years), (low, middle, high))

    def _bounds(self, years: float) -> tuple[float, float]:
        band = self.prediction.neutral_band * math.sqrt(years * 365 / self.prediction.horizon_days)
        return self.spot_usd * math.exp(-band), self.spot_usd * math.exp(band)


def with_view(prediction: Prediction, view: View, odds: float) -> Prediction:
    """Multiply the odds of the view's class by `odds` (> 0); the other two keep their proportion.

    Source: Bayes' rule in odds form, with the view as evidence of that likelihood ratio.
    """
    classes = {
        View.BULLISH: prediction.bullish,
        View.NEUTRAL: prediction.neutral,
        View.BEARISH: prediction.bearish,
    }
    believed = classes[view]
    raised = odds * believed / (1 - believed + odds * believed)
    rest = (1 - raised) / (1 - believed) if believed < 1 else 0.0
    shifted = {name: raised if name is view else share * rest for name, share in classes.items()}
    return replace(
        prediction, bullish=shifted[View.BULLISH], neutral=shifted[View.NEUTRAL], bearish=shifted[View.BEARISH]
    )


def ewma_volatility(candles: Sequence[Candle]) -> float:
    """Estimate the volatility (fraction a year) from hourly closes, newest weighing most; a gap counts by its length.

    Raises NotEnoughData with fewer than a week of returns, or when the price never moved.
    """
    if len(candles) <= LEAST_RETURNS:
        raise NotEnoughData(f"{len(candles)} hourly prices are too few for a volatility; it takes {LEAST_RETURNS + 1}.")
    newest = candles[-1].starts_at.timestamp()
    squares, hours = [], []
    for before, after in pairwise(candles):
        gap_h = (after.starts_at - before.starts_at).total_seconds() / 3600
        weight = DAILY_DECAY ** ((newest - after.starts_at.timestamp()) / 86_400)
        squares.append(weight * math.log(after.close / before.close) ** 2)
        hours.append(weight * gap_h)
    variance_per_hour = math.fsum(squares) / math.fsum(hours)
    if variance_per_hour <= 0:
        raise NotEnoughData("The price has not moved; there is no volatility to speak of.")
    return math.sqrt(variance_per_hour * HOURS_PER_YEAR)
