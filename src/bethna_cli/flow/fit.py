"""From history to a fitted model: rows with their labels and what came after, a forest per block, one on everything."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bethna_cli.analysis import calibration, volatility_fit
from bethna_cli.analysis import features as featuring
from bethna_cli.analysis.aftermath import Aftermaths
from bethna_cli.analysis.trials import ewma_variances
from bethna_cli.domain.errors import NotEnoughData
from bethna_cli.domain.model import Forest, History, Model, Progress, Row, Shares, Split, TrainingSet, VolatilityModel
from bethna_cli.ports import Trainer

RECIPE = "alpha-2"
STEP_HOURS = 5
"""Hours between two rows. Neighbouring hours share 167 of their label's 168 and teach nothing new; 5 and 24 have no
common divisor, so every hour of the day is seen."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """A forest with what makes it honest: calibration, base rates, volatility, the weight earned on held-out blocks."""

    forest: Forest
    calibrated: calibration.Calibrated
    base: Shares
    volatility: VolatilityModel

    def model(self, version: str, card: Mapping[str, object]) -> Model:
        weight, fitted = self.calibrated.shrink, self.calibrated.calibration
        return Model(version, self.forest, fitted, self.base, weight, self.volatility, card)


def training_set(history: History, progress: Progress) -> TrainingSet:
    """Turn every STEP_HOURS-th hour of each asset into a row with its label; hours without enough history are left out.

    Raises NotEnoughData when no hour has both.
    """
    sets: list[TrainingSet] = []
    for number, asset in enumerate(history.assets):
        series = featuring.series_of(asset.candles, asset.funding, history.fear_greed)
        progress(f"features of {asset.asset}", 0.25 * number / len(history.assets))
        sets.append(labelled_rows(series, [hour for hour in series.hours if hour % STEP_HOURS == 0]))
    if not any(found.rows for found in sets):
        raise NotEnoughData("No hour of the history has 60 days before it and a week after it.")
    return TrainingSet(*(sum(column, ()) for column in zip(*map(_columns, sets), strict=True)))


def labelled_rows(series: featuring.Series, hours: Sequence[int]) -> TrainingSet:
    """Take the rows of the given hours, with their labels and what came after; those that lack either are left out."""
    aftermaths, ewma = Aftermaths(series), ewma_variances(series)
    found = [(hour, labelled) for hour in hours if (labelled := _labelled(series, hour))]
    return TrainingSet(
        rows=tuple(row for _, (row, _) in found),
        labels=tuple(label for _, (_, label) in found),
        hours=tuple(hour for hour, _ in found),
        after=tuple(aftermaths.of(hour) for hour, _ in found),
        ewma=tuple(ewma[hour - series.start_hour] for hour, _ in found),
    )


def _columns(data: TrainingSet) -> tuple[tuple[Any, ...], ...]:
    return data.rows, data.labels, data.hours, data.after, data.ewma


def _labelled(series: featuring.Series, hour: int) -> tuple[Row, int] | None:
    """One hour's row and label, or None when its past is too thin or its week is not over."""
    try:
        row = featuring.features_at_hour(series, hour)
    except NotEnoughData:
        return None
    label = featuring.label(series, hour, featuring.neutral_band(row))
    return None if label is None else (row, label)


def fit(
    data: TrainingSet,
    trainer: Trainer,
    progress: Progress,
    stage: str = "fitting",
    span: tuple[float, float] = (0.0, 1.0),
) -> Fitted:
    """Fit and calibrate on all rows: a forest per purged block for the calibration, then one on everything.

    `span` is the part of the whole that this is, for `progress`. Raises NotEnoughData when blocks would be too small.
    """
    splits = calibration.purged_blocks(data.hours)

    def tell(done: float) -> None:
        progress(stage, span[0] + (span[1] - span[0]) * done)

    shares = cross_fitted(data, trainer, splits, tell)
    learned = volatility_fit.learn(data, splits)
    calibrated = calibration.calibrate(shares, data.labels, splits, learned.undirected, independent_weeks(data))
    forest = trainer.grow(data, range(len(data.rows)))
    return Fitted(forest, calibrated, calibration.base_rates(data.labels), learned.model)


def cross_fitted(
    data: TrainingSet, trainer: Trainer, splits: Sequence[Split], tell: Callable[[float], None]
) -> list[Shares]:
    """Return each row's shares by a forest that had not seen its block."""
    shares: list[Shares] = [(0.0, 0.0, 0.0)] * len(data.rows)
    for number, split in enumerate(splits):
        tell(number / (len(splits) + 1))
        for row, found in zip(split.held_out, trainer.shares(data, split), strict=True):
            shares[row] = found
    tell(len(splits) / (len(splits) + 1))
    return shares


def independent_weeks(data: TrainingSet) -> int:
    """Count the weeks that the rows cover: overlapping rows, and assets that move together, add nothing to them."""
    return weeks_of(data.hours)


def weeks_of(hours: Iterable[int]) -> int:
    return len(set(hours)) * STEP_HOURS // featuring.HORIZON_HOURS
