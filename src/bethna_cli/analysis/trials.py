"""One prediction beside what came of it, and beside what simple rules would have said at that hour."""

import math
from dataclasses import dataclass

from bethna_cli.analysis import model as models
from bethna_cli.analysis.features import FEATURE_NAMES, HORIZON_HOURS, YEAR_H, Series
from bethna_cli.analysis.outlook import DAILY_DECAY, Outlook
from bethna_cli.analysis.volatility import HORIZONS_H, LEAST_VOLATILITY, forecast
from bethna_cli.domain.model import Aftermath, Model, Row, Shares

WEEK = HORIZONS_H.index(HORIZON_HOURS)
FORECASTERS = ("model", "realised_7d", "realised_30d", "ewma")
"""Who forecasts the week's variance: the model, the last 7 and 30 days, and an EWMA that forgets 6 % a day."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One prediction of a week and its outcome.

    hour: since the epoch; base: the base rates known beforehand; place: the share of the predicted distribution below
    the price of a week later, 0..1; log_realised: log of the week's annual variance; log_expected, variances: by
    FORECASTERS, the expected log of that variance and the expected variance.
    """

    hour: int
    predicted: Shares
    base: Shares
    label: int
    place: float
    log_realised: float
    log_expected: tuple[float, ...]
    variances: tuple[float, ...]


def judge(model: Model, hour: int, row: Row, label: int, after: Aftermath, ewma: float) -> Trial | None:
    """Compare a model's answer with what came after; None when too much of the week's prices is missing.

    ewma: annual variance by `ewma_variances`, known at that hour.
    """
    change, realised = after.returns[WEEK], after.variances[WEEK]
    if math.isnan(change) or math.isnan(realised):
        return None
    prediction, expected = models.predict(model, row), forecast(model.volatility, row)
    terminal = Outlook(1.0, expected, prediction).terminal(HORIZON_HOURS / YEAR_H)
    past = [_floored(row[FEATURE_NAMES.index(name)] ** 2) for name in ("volatility_7d", "volatility_30d")]
    yardsticks = (*past, _floored(ewma))
    return Trial(
        hour=hour,
        predicted=(prediction.bearish, prediction.neutral, prediction.bullish),
        base=model.base,
        label=label,
        place=1.0 - terminal.probability_above(math.exp(change)),
        log_realised=math.log(_floored(realised)),
        log_expected=(expected.log_variance(HORIZON_HOURS), *map(math.log, yardsticks)),
        variances=(expected.variance(HORIZON_HOURS), *yardsticks),
    )


def ewma_variances(series: Series) -> list[float]:
    """Return the exponentially weighted annual variance up to each entry of the series; NaN before the first return.

    Source: RiskMetrics, Technical Document, 1996, 5.3.
    """
    decay = DAILY_DECAY ** (1 / 24)
    weighted = weights = 0.0
    found: list[float] = []
    for i, square in enumerate(series.squares):
        weighted = decay * weighted + square
        weights = decay * weights + (series.counts_return[i + 1] - series.counts_return[i])
        found.append(weighted / weights * YEAR_H if weights > 0 else math.nan)
    return found


def _floored(variance: float) -> float:
    """A variance with a logarithm; a missing one stays missing."""
    return variance if math.isnan(variance) else max(variance, LEAST_VOLATILITY**2)
