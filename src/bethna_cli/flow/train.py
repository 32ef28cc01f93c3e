"""Train: recorded history to a model file with its card.

Per asset: features and labels. Together: purged blocks, calibration, shrink, the forest; and a walk-forward test of the
same recipe on each later year, which learned from the years before it only. Bytes depend on the data and the recipe
alone: no clock, no folder name.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from bethna_cli.analysis import calibration, model_file
from bethna_cli.analysis.evaluation import Resampling, measure
from bethna_cli.analysis.trials import Trial
from bethna_cli.analysis.volatility import HORIZONS_H
from bethna_cli.domain.model import Aftermath, Progress, Row, TrainedModel, TrainingSet
from bethna_cli.flow.evaluate import tried_on
from bethna_cli.flow.fit import RECIPE, fit, training_set, weeks_of
from bethna_cli.flow.model_card import card_of
from bethna_cli.ports import HistoryArchive, Trainer


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
    card = card_of(version, history, data, trainer.parameters, fitted, walk)
    content = model_file.serialise(fitted.model(version, card))
    model_file.parse(content)  # a file that a later command would refuse must not leave here
    progress("done", 1.0)
    return TrainedModel(content, card)


def walk_forward(data: TrainingSet, trainer: Trainer, progress: Progress) -> dict[str, object]:
    """Test the recipe year by year, each year by a model of the years before; base rates are those known beforehand."""
    folds: list[dict[str, object]] = []
    tried: list[Trial] = []
    splits = list(calibration.yearly_folds(data.hours))
    for number, (year, split) in enumerate(splits):
        start = 0.25 + 0.5 * number / len(splits)
        past = known_by(data.only(split.train), min(data.hours[i] for i in split.held_out))
        fitted = fit(past, trainer, progress, f"walk-forward {year}", (start, start + 0.5 / len(splits)))
        trials = tried_on(fitted.model(RECIPE, {}), data.only(split.held_out))
        told = {"year": year, "learned_from_rows": len(past.rows), "shrink": fitted.calibrated.shrink}
        folds.append({**told, **scored(trials)})
        tried += trials
    return {"folds": folds, "pooled": scored(tried, Resampling()) if tried else None}


def scored(trials: Sequence[Trial], resampling: Resampling | None = None) -> dict[str, object]:
    """Score trials; `independent_weeks` says how many weeks they cover, the number of observations that count."""
    return {**measure(trials, resampling), "independent_weeks": weeks_of(trial.hour for trial in trials)}


def known_by(data: TrainingSet, hour: int) -> TrainingSet:
    """Forget what was not over at `hour`: the longer horizons of the last rows reach beyond it."""
    over = [sum(row_hour + horizon_h <= hour for horizon_h in HORIZONS_H) for row_hour in data.hours]
    after = (
        Aftermath(*(_first(values, count) for values in (known.returns, known.variances)))
        for known, count in zip(data.after, over, strict=True)
    )
    return replace(data, after=tuple(after))


def _first(values: Row, count: int) -> Row:
    """Keep the first `count` values; the others become missing."""
    return (*values[:count], *[math.nan] * (len(values) - count))
