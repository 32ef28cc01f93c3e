"""Score trials: probabilities, coverage, volatility, each with an interval that knows that weeks overlap.

Every figure is a function of sums over days, so a resample of whole blocks of days is a weighted sum of the same rows.
Needs NumPy; only training and evaluation come here.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bethna_cli.analysis.calibration import ECE_BINS
from bethna_cli.analysis.model import SHARE_FLOOR
from bethna_cli.analysis.trials import FORECASTERS, Trial
from bethna_cli.domain.model import CLASSES

BLOCK_DAYS = 28
"""Days resampled together: four times the week over which neighbouring trials share their outcome."""
COVERED = (0.1, 0.9)
INTERVAL = (2.5, 97.5)
RANKS = 500
_DECIMALS = 6

_Array = NDArray[np.float64]
_Figures = dict[tuple[str, ...], _Array]


@dataclass(frozen=True, slots=True)
class Resampling:
    """How many resamples an interval is made of, and the seed they are drawn with."""

    count: int = 1000
    seed: int = 20180101


def measure(trials: Sequence[Trial], resampling: Resampling | None = None) -> dict[str, object]:
    """Return the figures of trials as JSON values, with 95 % intervals when `resampling` is given.

    Brier scores are mean squared errors of one class, or summed over the classes; skills are 1 - score / score of the
    base rates; ece is the expected calibration error over ten bins (Naeini et al., 2015), overall the mean of the
    classes; auc ranks the hours by a class's probability. coverage_80: how often the price ended inside the predicted
    10-90 % band. vol_r2: 1 - squared error / variance of the log of the week's variance. vol_qlike: mean of
    realised / expected - log(realised / expected) - 1 (Patton, 2011); 0 is perfect.
    Raises ValueError without trials.
    """
    figures = _weighed(trials, resampling)
    document: dict[str, object] = {"n": len(trials)}
    _nest(document, figures, lambda values: _rounded(values[0]))
    if resampling:
        intervals: dict[str, object] = {"level": 0.95, "block_days": BLOCK_DAYS, "resamples": resampling.count}
        _nest(intervals, figures, _interval)
        document["intervals"] = intervals
    return document


def ahead(trials: Sequence[Trial], resampling: Resampling) -> dict[str, object]:
    """Return by how much the model is better than each baseline in each figure, with the 95 % interval of that.

    The intervals are of the differences, resampled together: two figures whose own intervals overlap may well differ
    beyond chance. Raises ValueError without trials.
    """
    figures = _weighed(trials, resampling)
    found: _Figures = {
        ("base_rates", name): figures[(f"{name}_base",)] - figures[(name,)] for name in ("log_loss", "brier")
    }
    for name in FORECASTERS[1:]:
        r2, qlike = (figures[("baselines", name, figure)] for figure in ("vol_r2", "vol_qlike"))
        found[(name, "vol_r2")], found[(name, "vol_qlike")] = figures[("vol_r2",)] - r2, qlike - figures[("vol_qlike",)]
    document: dict[str, object] = {}
    _nest(document, found, lambda values: {"by": _rounded(values[0]), "interval": _interval(values)})
    return document


def _weighed(trials: Sequence[Trial], resampling: Resampling | None) -> _Figures:
    """Return the figures of the trials as they are, first, and then of every resample."""
    if not trials:
        raise ValueError("no trials")
    days, sums = _by_day(trials)
    weights = np.ones((1, len(days)))
    if resampling:
        weights = np.vstack([weights, block_counts(len(days), resampling)])
    return _figures({name: weights @ column for name, column in sums.items()})


def _interval(values: _Array) -> list[float | None]:
    return [_rounded(edge) for edge in np.nanpercentile(values[1:], INTERVAL)]


def _by_day(trials: Sequence[Trial]) -> tuple[_Array, dict[str, _Array]]:
    """Add up, day by day, everything that the figures are made of."""
    days, number = np.unique([trial.hour // 24 for trial in trials], return_inverse=True)
    rows: dict[str, _Array] = {"n": np.ones(len(trials))}
    predicted, base = (np.array([getattr(t, name) for t in trials]) for name in ("predicted", "base"))
    labels = np.array([trial.label for trial in trials])
    happened = labels[:, None] == np.arange(len(CLASSES))
    rows["log_loss"] = -np.log(np.maximum(predicted[happened], SHARE_FLOOR))
    rows["log_loss_base"] = -np.log(base[happened])
    place = np.array([trial.place for trial in trials])
    rows["covered"] = ((place >= COVERED[0]) & (place <= COVERED[1])).astype(float)
    for k, name in enumerate(CLASSES):
        _class_rows(rows, name, predicted[:, k], base[:, k], happened[:, k])
    _volatility_rows(rows, trials)
    sums = {}
    for name, values in rows.items():
        table = np.zeros((len(days), *np.shape(values)[1:]))
        np.add.at(table, number, values)
        sums[name] = table
    return days, sums


def _class_rows(rows: dict[str, _Array], name: str, said: _Array, base: _Array, happened: NDArray[np.bool_]) -> None:
    """Add one class's columns; those of calibration and rank have one cell per bin."""
    rows[f"{name} happened"] = happened.astype(float)
    rows[f"{name} base"] = base
    rows[f"{name} brier"] = (said - happened) ** 2
    rows[f"{name} brier_base"] = (base - happened) ** 2
    rows[f"{name} log_loss"] = -np.log(np.maximum(np.where(happened, said, 1 - said), SHARE_FLOOR))
    bins = np.minimum((said * ECE_BINS).astype(int), ECE_BINS - 1)
    rows[f"{name} gaps"] = np.eye(ECE_BINS)[bins] * (said - happened)[:, None]
    ranks = np.searchsorted(np.unique(np.quantile(said, np.arange(1, RANKS) / RANKS)), said)
    rows[f"{name} ranks"] = np.eye(RANKS)[ranks]
    rows[f"{name} ranks_happened"] = np.eye(RANKS)[ranks] * happened[:, None]


def _volatility_rows(rows: dict[str, _Array], trials: Sequence[Trial]) -> None:
    realised = np.array([trial.log_realised for trial in trials])
    rows["realised"], rows["realised_squared"] = realised, realised**2
    for k, name in enumerate(FORECASTERS):
        expected = np.array([trial.log_expected[k] for trial in trials])
        off = realised - np.log([trial.variances[k] for trial in trials])
        known = np.isfinite(expected)
        rows[f"{name} errors"] = np.where(known, (realised - expected) ** 2, 0.0)
        rows[f"{name} qlike"] = np.where(known, np.exp(off) - off - 1, 0.0)
        rows[f"{name} known"] = known.astype(float)


def block_counts(days: int, resampling: Resampling, block_days: int = BLOCK_DAYS) -> _Array:
    """Draw blocks of consecutive days, the end joined to the beginning; return how often each day was drawn.

    Source: Politis and Romano, "A Circular Block-Resampling Procedure for Stationary Data", 1992.
    """
    chance = np.random.default_rng(resampling.seed)
    length = max(1, min(block_days, days))
    starts = chance.integers(0, days, size=(resampling.count, -(-days // length)))
    drawn = ((starts[:, :, None] + np.arange(length)) % days).reshape(resampling.count, -1)[:, :days]
    counts = np.zeros((resampling.count, days))
    for row, places in zip(counts, drawn, strict=True):
        np.add.at(row, places, 1.0)
    return counts


def _figures(sums: Mapping[str, _Array]) -> _Figures:
    """Turn sums (one row a resample) into figures, by their place in the document."""
    n = sums["n"]
    found: _Figures = {(name,): sums[name] / n for name in ("log_loss", "log_loss_base")}
    by_class = {name: _class_figures(sums, name, n) for name in CLASSES}
    for figure in ("brier", "brier_base"):
        found[(figure,)] = np.sum([figures[figure] for figures in by_class.values()], axis=0)
    found[("brier_skill",)] = 1 - found[("brier",)] / found[("brier_base",)]
    found[("ece",)] = np.mean([figures["ece"] for figures in by_class.values()], axis=0)
    found[("coverage_80",)] = sums["covered"] / n
    for k, name in enumerate(FORECASTERS):
        r2, qlike = _volatility_figures(sums, name)
        place = ("baselines", name) if k else ()
        found[(*place, "vol_r2")], found[(*place, "vol_qlike")] = r2, qlike
    for name, figures in by_class.items():
        found |= {("classes", name, figure): values for figure, values in figures.items()}
    return found


def _class_figures(sums: Mapping[str, _Array], name: str, n: _Array) -> dict[str, _Array]:
    brier, brier_base = sums[f"{name} brier"] / n, sums[f"{name} brier_base"] / n
    return {
        "n": n,
        "share": sums[f"{name} happened"] / n,
        "base_rate": sums[f"{name} base"] / n,
        "brier": brier,
        "brier_base": brier_base,
        "brier_skill": 1 - brier / brier_base,
        "log_loss": sums[f"{name} log_loss"] / n,
        "ece": np.abs(sums[f"{name} gaps"]).sum(axis=1) / n,
        "auc": _area(sums[f"{name} ranks"], sums[f"{name} ranks_happened"]),
    }


def _area(all_of_them: _Array, happened: _Array) -> _Array:
    """Return the chance that a trial in which it happened ranks above one in which it did not; ties count half."""
    did_not = all_of_them - happened
    below = np.cumsum(did_not, axis=1) - did_not / 2
    pairs = happened.sum(axis=1) * did_not.sum(axis=1)
    with np.errstate(invalid="ignore"):
        area: _Array = (happened * below).sum(axis=1) / np.where(pairs > 0, pairs, math.nan)
    return area


def _volatility_figures(sums: Mapping[str, _Array], name: str) -> tuple[_Array, _Array]:
    n, known = sums["n"], sums[f"{name} known"]
    spread = sums["realised_squared"] / n - (sums["realised"] / n) ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        return 1 - sums[f"{name} errors"] / known / spread, sums[f"{name} qlike"] / known


def _nest(document: dict[str, object], figures: _Figures, value: Callable[[_Array], object]) -> None:
    """Put each figure at its place."""
    for path, values in figures.items():
        inner: dict[str, object] = document
        for name in path[:-1]:
            inner = inner.setdefault(name, {})  # type: ignore[assignment]
        inner[path[-1]] = int(values[0]) if path[-1] == "n" else value(values)


def _rounded(value: float) -> float | None:
    return round(float(value), _DECIMALS) if math.isfinite(value) else None
