"""Train: recorded history to a model file with its card.

Per asset: features and labels. Together: purged blocks, calibration, shrink, the forest; and a walk-forward test of the
same recipe on each later year, which learned from the years before it only. Bytes depend on the data and the recipe
alone: no clock, no folder name.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bethna_cli.analysis import calibration, model
from bethna_cli.analysis import features as featuring
from bethna_cli.domain.errors import NotEnoughData
from bethna_cli.domain.model import (
    CLASSES,
    DataFile,
    Forest,
    History,
    Model,
    Progress,
    Row,
    Shares,
    TrainedModel,
    TrainingSet,
)
from bethna_cli.domain.units import from_unix, iso
from bethna_cli.ports import HistoryArchive, Trainer

RECIPE = "alpha-1"
STEP_HOURS = 5
"""Hours between two rows. Neighbouring hours share 167 of their label's 168 and teach nothing new; 5 and 24 have no
common divisor, so every hour of the day is seen."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """A forest with what makes it honest: calibration, base rates and the weight that held-out blocks gave it."""

    forest: Forest
    calibrated: calibration.Calibrated
    base: Shares

    def model(self, version: str, card: Mapping[str, object]) -> Model:
        return Model(version, self.forest, self.calibrated.calibration, self.base, self.calibrated.shrink, card)


def train(archive: HistoryArchive, trainer: Trainer, until: datetime, progress: Progress) -> TrainedModel:
    """Train on what was known at `until` (aware UTC).

    Raises DataRefused when a file is not what it should be, NotEnoughData when there is too little history.
    """
    progress("reading history", 0.0)
    history = archive.read(until)
    data = training_set(history, progress)
    walk = walk_forward(data, trainer, progress)
    fitted = fit(data, trainer, progress, "fitting", (0.75, 1.0))
    version = f"{RECIPE}-{max(asset.candles[-1].starts_at for asset in history.assets):%Y-%m-%d}"
    card = _card(version, history, data, trainer, fitted, walk)
    content = model.serialise(fitted.model(version, card))
    model.parse(content)  # a file that a later command would refuse must not leave here
    progress("done", 1.0)
    return TrainedModel(content, card)


def training_set(history: History, progress: Progress) -> TrainingSet:
    """Turn every STEP_HOURS-th hour of each asset into a row with its label; hours without enough history are left out.

    Raises NotEnoughData when no hour has both.
    """
    rows: list[Row] = []
    labels: list[int] = []
    hours: list[int] = []
    for number, asset in enumerate(history.assets):
        series = featuring.series_of(asset.candles, asset.funding, history.fear_greed)
        progress(f"features of {asset.asset}", 0.25 * number / len(history.assets))
        for hour in (hour for hour in series.hours if hour % STEP_HOURS == 0):
            labelled = _labelled(series, hour)
            if labelled:
                rows.append(labelled[0])
                labels.append(labelled[1])
                hours.append(hour)
    if not rows:
        raise NotEnoughData("No hour of the history has 60 days before it and a week after it.")
    return TrainingSet(tuple(rows), tuple(labels), tuple(hours))


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
    shares: list[Shares] = [(0.0, 0.0, 0.0)] * len(data.rows)
    for number, split in enumerate(splits):
        progress(stage, span[0] + (span[1] - span[0]) * number / (len(splits) + 1))
        for row, found in zip(split.held_out, trainer.shares(data, split), strict=True):
            shares[row] = found
    progress(stage, span[0] + (span[1] - span[0]) * len(splits) / (len(splits) + 1))
    calibrated = calibration.calibrate(shares, data.labels, splits)
    forest = trainer.grow(data, range(len(data.rows)))
    return Fitted(forest, calibrated, calibration.base_rates(data.labels))


def walk_forward(data: TrainingSet, trainer: Trainer, progress: Progress) -> dict[str, object]:
    """Test the recipe year by year, each year by a model of the years before; base rates are those known beforehand."""
    folds: list[dict[str, object]] = []
    predicted: list[Shares] = []
    base: list[Shares] = []
    splits = list(calibration.yearly_folds(data.hours))
    for number, (year, split) in enumerate(splits):
        start = 0.25 + 0.5 * number / len(splits)
        past = data.only(split.train)
        fitted = fit(past, trainer, progress, f"walk-forward {year}", (start, start + 0.5 / len(splits)))
        alpha = fitted.model(RECIPE, {})
        seen = [model.probabilities(alpha, data.rows[i]) for i in split.held_out]
        known = [fitted.base] * len(seen)
        shrink = {"year": year, "learned_from_rows": len(past.rows), "shrink": fitted.calibrated.shrink}
        folds.append({**shrink, **_scored(seen, known, data.only(split.held_out))})
        predicted, base = predicted + seen, base + known
    tested = data.only([i for _, split in splits for i in split.held_out])
    return {"folds": folds, "pooled": _scored(predicted, base, tested) if splits else None}


def _scored(predicted: Sequence[Shares], base: Sequence[Shares], tested: TrainingSet) -> dict[str, object]:
    """Score predictions; `independent_weeks` says how many weeks they cover, the number of observations that count."""
    weeks = len(set(tested.hours)) * STEP_HOURS // featuring.HORIZON_HOURS
    return {**calibration.score(predicted, base, tested.labels), "independent_weeks": weeks}


def _card(
    version: str,
    history: History,
    data: TrainingSet,
    trainer: Trainer,
    fitted: Fitted,
    walk: Mapping[str, object],
) -> dict[str, object]:
    """Write the model card as JSON values."""
    return {
        "version": version,
        "recipe": RECIPE,
        "predicts": {
            "classes": list(CLASSES),
            "horizon_hours": featuring.HORIZON_HOURS,
            "neutral": f"log return within ±{featuring.BAND_WIDTH} × 30-day volatility × √(7/365)",
        },
        "trained_on": {
            "from": iso(from_unix(min(data.hours) * 3600)),
            "to": iso(from_unix((max(data.hours) + featuring.HORIZON_HOURS) * 3600)),
            "assets": [str(asset.asset) for asset in history.assets],
            "rows": len(data.rows),
            "step_hours": STEP_HOURS,
            "independent_weeks": len(set(data.hours)) * STEP_HOURS // featuring.HORIZON_HOURS,
        },
        "data": [_data_card(file) for file in history.files],
        "features": [
            {"name": spec.name, "group": spec.group, "unit": spec.unit, "meaning": spec.meaning}
            for spec in featuring.FEATURES
        ],
        "forest": dict(trainer.parameters),
        "calibration": _calibration_card(fitted),
        "base_rates": dict(zip(CLASSES, (round(rate, 6) for rate in fitted.base), strict=True)),
        "shrink": fitted.calibrated.shrink,
        "missing": "as many parts even odds as features are missing",
        "walk_forward": {
            **walk,
            "method": "each year by a model of the years before, purged by the horizon; base: their base rates",
            "overlap": "rows overlap and both assets move together: independent_weeks is the number that counts",
        },
    }


def _data_card(file: DataFile) -> dict[str, object]:
    return {
        "file": file.name,
        "sha256": file.sha256,
        "rows": file.rows,
        "from": iso(file.first),
        "to": iso(file.last),
        "notes": dict(file.notes),
    }


def _calibration_card(fitted: Fitted) -> dict[str, object]:
    calibrated = fitted.calibrated
    losses = calibrated.log_loss_by_weight
    return {
        "method": "softmax(slope × log share + bias)",
        "slope": calibrated.calibration.slope,
        "bias": dict(zip(CLASSES, calibrated.calibration.bias, strict=True)),
        "blocks": calibration.BLOCKS,
        "purged_hours": featuring.HORIZON_HOURS,
        "held_out_log_loss": {
            "base_rate": round(losses[0], 6),
            "forest": round(losses[-1], 6),
            "chosen": round(min(losses), 6),
        },
    }
