"""Score forecasts of volatility on the same rows, and say which differences are more than chance.

Neighbouring rows share most of what came after them: intervals come from resampling blocks of days that are longer than
the horizon. Needs NumPy; only comparison comes here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bethna_cli.analysis.evaluation import BLOCK_DAYS, INTERVAL, Resampling, block_counts

FEW_SPANS = 8
"""Below so many horizons that do not overlap, no interval is given: there is too little to resample."""
_DECIMALS = 6

_Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Said:
    """One forecast beside what came: logs of the realised annual variance, of its median and of its mean as expected.

    hour: since the epoch, from which the horizon runs.
    """

    hour: int
    came: float
    middle: float
    mean: float


def scored(
    said: Mapping[str, Sequence[Said]], own: str, horizon_h: int, resampling: Resampling
) -> dict[str, dict[str, object]]:
    """Score every forecaster; all have the same rows, and `own` is the one that the others are compared with.

    r2: 1 - squared error / variance, of the log of the realised variance. qlike: mean of realised / expected -
    log(realised / expected) - 1 (Patton, 2011), 0 is perfect. qlike_over_own, with its 95 % interval: how much larger
    it is than that of `own`; None for `own` itself, and where FEW_SPANS says so.
    """
    came = np.array([one.came for one in said[own]])
    hours = np.array([one.hour for one in said[own]])
    spread = float(np.mean((came - came.mean()) ** 2))
    losses = {name: _qlike(came - np.array([one.mean for one in rows])) for name, rows in said.items()}
    intervals = _intervals(
        hours, {n: loss - losses[own] for n, loss in losses.items() if n != own}, horizon_h, resampling
    )
    return {
        name: {
            "n": len(rows),
            "r2": _rounded(1 - float(np.mean((came - np.array([one.middle for one in rows])) ** 2)) / spread),
            "qlike": _rounded(float(losses[name].mean())),
            "qlike_over_own": None if name == own else _rounded(float((losses[name] - losses[own]).mean())),
            "interval": intervals.get(name),
        }
        for name, rows in said.items()
    }


def _qlike(off: _Array) -> _Array:
    return np.exp(off) - off - 1


def _intervals(
    hours: NDArray[np.int_], over: Mapping[str, _Array], horizon_h: int, resampling: Resampling
) -> dict[str, list[float]]:
    """Resample blocks of days for the mean of each difference; nothing where there are too few spans."""
    days, number = np.unique(hours // 24, return_inverse=True)
    span_days = int(days[-1] - days[0]) + 1
    if span_days * 24 < FEW_SPANS * horizon_h:
        return {}
    block = max(BLOCK_DAYS, 2 * horizon_h // 24)
    weights = block_counts(len(days), resampling, round(block * len(days) / span_days))
    rows = weights @ np.bincount(number).astype(float)
    found = {}
    for name, values in over.items():
        sums = np.bincount(number, weights=values)
        edges = np.percentile(weights @ sums / rows, INTERVAL)
        found[name] = [_rounded(float(edge)) for edge in edges]
    return found


def _rounded(value: float) -> float:
    return round(value, _DECIMALS)
