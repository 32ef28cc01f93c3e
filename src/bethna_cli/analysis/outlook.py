"""What Alpha believes about the terminal price: class probabilities, the person's view on them, and volatility.

The distribution is lognormal with EWMA volatility and the spot as its mean, re-weighted so that the three classes of
the prediction have their probabilities. It knows no drift of its own.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from bethna_cli.domain.errors import NotEnoughData
from bethna_cli.domain.intent import View
from bethna_cli.domain.market import Candle
from bethna_cli.domain.recommendation import Prediction
from bethna_cli.options.terminal import Terminal, lognormal

DAILY_DECAY = 0.94
"""Weight of yesterday against today in the EWMA variance. Source: RiskMetrics, Technical Document, 1996, 5.3."""

HOURS_PER_YEAR = 8760
LEAST_RETURNS = 7 * 24


@dataclass(frozen=True, slots=True)
class Outlook:
    """A belief to value trades under: class probabilities, their band, and the volatility (fraction a year)."""

    spot_usd: float
    volatility: float
    prediction: Prediction

    def terminal(self, years: float) -> Terminal:
        """Return the distribution of the price in `years`.

        The prediction speaks of its own horizon; for another expiry its classes keep their probabilities and the
        neutral band grows with the square root of time.
        """
        horizon_years = self.prediction.horizon_days / 365
        band = self.prediction.neutral_band * math.sqrt(years / horizon_years)
        classes = (self.prediction.bearish, self.prediction.neutral, self.prediction.bullish)
        bounds = (self.spot_usd * math.exp(-band), self.spot_usd * math.exp(band))
        return lognormal(self.spot_usd, self.volatility, years).reweighted(bounds, classes)


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
