"""Compare: ways to forecast volatility, each year by what the years before taught, over every horizon."""

import math
from collections.abc import Iterable, Sequence
from datetime import datetime
from operator import mul

from bethna_cli.analysis import calibration, volatility_fit
from bethna_cli.analysis.features import FEATURE_NAMES
from bethna_cli.analysis.volatility import HORIZONS_H, LEAST_VOLATILITY, past_log_variances
from bethna_cli.domain.errors import NotEnoughData
from bethna_cli.domain.model import Progress, TrainingSet
from bethna_cli.flow.fit import training_set
from bethna_cli.flow.train import known_by
from bethna_cli.ports import HistoryArchive

_Seen = tuple[float, float, float]
"""Log of the realised variance, its expected log, log of the expected variance."""


def compare(archive: HistoryArchive, until: datetime, progress: Progress) -> dict[str, object]:
    """Score every forecaster on every horizon, walk-forward, and return the report as JSON values.

    r2: 1 - squared error / variance of the log of the realised variance; qlike: mean of realised / expected -
    log(realised / expected) - 1, 0 is perfect. Raises DataRefused, NotEnoughData.
    """
    progress("reading history", 0.0)
    data = training_set(archive.read(until), progress)
    seen: dict[str, list[list[_Seen]]] = {}
    years = list(calibration.yearly_folds(data.hours))
    for number, (year, split) in enumerate(years):
        progress(f"walk-forward {year}", 0.3 + 0.7 * number / len(years))
        past = known_by(data.only(split.train), min(data.hours[i] for i in split.held_out))
        for name, horizons in _seen(past, data.only(split.held_out)).items():
            for pooled, found in zip(seen.setdefault(name, [[] for _ in HORIZONS_H]), horizons, strict=True):
                pooled += found
    if not seen:
        raise NotEnoughData("A walk-forward test takes more than two years of history.")
    progress("done", 1.0)
    table = {
        f"{hours // 24}d": {name: _scored(horizons[i]) for name, horizons in seen.items()}
        for i, hours in enumerate(HORIZONS_H)
    }
    return {"years": [year for year, _ in years], "rows": len(data.rows), "horizons": table}


def _seen(past: TrainingSet, tested: TrainingSet) -> dict[str, list[list[_Seen]]]:
    """Let each forecaster, fitted on the past where it is fitted, forecast the rows that are tested."""
    found: dict[str, list[list[_Seen]]] = {}
    for name, fits in volatility_fit.forecasters(past).items():
        logs = [past_log_variances(row) for row in tested.rows]
        found[name] = [
            _paired(tested, i, [weights[0] + math.fsum(map(mul, weights[1:], row)) for row in logs], correction)
            for i, (weights, correction) in enumerate(fits)
        ]
    for name, variances in _rules(tested).items():
        plain = [math.log(max(variance, LEAST_VOLATILITY**2)) for variance in variances]
        found[name] = [_paired(tested, i, plain, 0.0) for i in range(len(HORIZONS_H))]
    return found


def _rules(tested: TrainingSet) -> dict[str, list[float]]:
    """What simple rules say of any horizon: the volatility of late."""
    columns = {"realised_7d": "volatility_7d", "realised_30d": "volatility_30d"}
    past = {name: [row[FEATURE_NAMES.index(column)] ** 2 for row in tested.rows] for name, column in columns.items()}
    return {**past, "ewma": list(tested.ewma)}


def _paired(tested: TrainingSet, horizon: int, logs: Iterable[float], correction: float) -> list[_Seen]:
    realised = (after.variances[horizon] for after in tested.after)
    return [
        (math.log(max(came, LEAST_VOLATILITY**2)), said, said + correction)
        for came, said in zip(realised, logs, strict=True)
        if not math.isnan(came) and not math.isnan(said)
    ]


def _scored(seen: Sequence[_Seen]) -> dict[str, object]:
    n = len(seen)
    mean = math.fsum(came for came, _, _ in seen) / n
    spread = math.fsum((came - mean) ** 2 for came, _, _ in seen)
    missed = math.fsum((came - said) ** 2 for came, said, _ in seen)
    qlike = math.fsum(math.exp(came - said) - (came - said) - 1 for came, _, said in seen) / n
    return {"n": n, "r2": round(1 - missed / spread, 6), "qlike": round(qlike, 6)}
