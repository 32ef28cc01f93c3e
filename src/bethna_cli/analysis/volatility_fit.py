"""Learn the volatility forecast and the shape of what it misses. Needs NumPy; only training comes here.

The weights of each horizon are the average of two least-squares fits on log variances: one free, which returns to the
level of the years learned from, and one held to the level of the last 56 days, which does not. Walk-forward the average
beat both: levels last longer than one fit believes and shorter than the other does.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bethna_cli.analysis.calibration import purged_split
from bethna_cli.analysis.features import DAY_H, YEAR_H
from bethna_cli.analysis.volatility import (
    HORIZONS_H,
    LEAST_VOLATILITY,
    SCALES,
    past_log_variances,
    undirected,
)
from bethna_cli.domain.errors import NotEnoughData
from bethna_cli.domain.model import Shares, Split, TrainingSet, VolatilityModel

LEAST_ROWS = 300
MEAN_OF_BOTH = 0.5
_MIXING_STEPS = 400
_DECIMALS = 6

_Matrix = NDArray[np.float64]
_Chosen = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Learned:
    """A volatility model, and what it alone says of each row's week when it had not seen that row's block."""

    model: VolatilityModel
    undirected: tuple[Shares, ...]


@dataclass(frozen=True, slots=True)
class _Sample:
    """The columns of a training set as arrays. past: an intercept and the past log variances."""

    past: _Matrix
    hours: NDArray[np.int_]
    returns: _Matrix
    variances: _Matrix

    @classmethod
    def of(cls, data: TrainingSet) -> "_Sample":
        return cls(
            np.array([(1.0, *past_log_variances(row)) for row in data.rows]),
            np.asarray(data.hours),
            np.array([after.returns for after in data.after]),
            np.array([after.variances for after in data.after]),
        )


def learn(data: TrainingSet, splits: Sequence[Split]) -> Learned:
    """Fit on all rows; widths and undirected probabilities come from fits that had not seen the row's block.

    Raises NotEnoughData when a horizon has fewer than LEAST_ROWS rows to learn from.
    """
    sample = _Sample.of(data)
    everything = np.ones(len(data.rows), dtype=bool)
    whole = [_fitted(sample, everything, i) for i in range(len(HORIZONS_H))]
    by_block = [_without(sample, data.hours, split) for split in splits]
    scored = _standardised(sample, splits, by_block)
    mixing = tuple(_mixing(_daily(sample.hours, scored[:, i])) for i in range(len(HORIZONS_H)))
    unseen: list[Shares] = [(0.0, 0.0, 0.0)] * len(data.rows)
    for split, fits in zip(splits, by_block, strict=True):
        model = _model(fits, mixing)
        for row in split.held_out:
            unseen[row] = undirected(model, data.rows[row])
    return Learned(_model(whole, mixing), tuple(unseen))


def _without(sample: _Sample, hours: Sequence[int], split: Split) -> list[tuple[tuple[float, ...], float]]:
    """Fit every horizon on the rows whose coming hours touch none of the block's."""
    held = [hours[i] for i in split.held_out]
    fits = []
    for i, horizon_h in enumerate(HORIZONS_H):
        chosen = np.zeros(len(hours), dtype=bool)
        chosen[list(purged_split(hours, min(held), max(held), horizon_h).train)] = True
        fits.append(_fitted(sample, chosen, i))
    return fits


def forecasters(past: TrainingSet) -> dict[str, tuple[tuple[tuple[float, ...], float], ...]]:
    """Fit each kind of autoregression on rows of the past: per horizon, weights and correction, for comparison."""
    sample, everything = _Sample.of(past), np.ones(len(past.rows), dtype=bool)
    kinds = {"model": MEAN_OF_BOTH, "har_free": 1.0, "har_held_to_56_days": 0.0}
    return {
        name: tuple(_fitted(sample, everything, i, share_of_free) for i in range(len(HORIZONS_H)))
        for name, share_of_free in kinds.items()
    }


def _fitted(
    sample: _Sample, chosen: _Chosen, horizon: int, share_of_free: float = MEAN_OF_BOTH
) -> tuple[tuple[float, ...], float]:
    """Return one horizon's weights (intercept first) and its correction from log to mean variance."""
    usable = chosen & np.isfinite(sample.variances[:, horizon])
    if int(usable.sum()) < LEAST_ROWS:
        days = HORIZONS_H[horizon] // 24
        raise NotEnoughData(f"{int(usable.sum())} rows know the volatility of their next {days} days; it takes more.")
    past, realised = sample.past[usable], np.maximum(sample.variances[usable, horizon], LEAST_VOLATILITY**2)
    logs, level = np.log(realised), past[:, -1]
    free: _Matrix = np.append(_least_squares(past[:, :-1], logs), 0.0)
    from_level = _least_squares(np.column_stack([past[:, 0], past[:, 1:-1] - level[:, None]]), logs - level)
    held: _Matrix = np.append(from_level, 1.0 - from_level[1:].sum())
    weights: _Matrix = (share_of_free * free + (1 - share_of_free) * held).round(_DECIMALS)
    correction = math.log(float(np.mean(realised / np.exp(past @ weights))))
    return tuple(weights.tolist()), round(correction, _DECIMALS)


def _least_squares(design: _Matrix, wanted: _Matrix) -> _Matrix:
    return np.asarray(np.linalg.lstsq(design, wanted, rcond=None)[0], dtype=np.float64)


def _standardised(
    sample: _Sample, splits: Sequence[Split], by_block: Sequence[list[tuple[tuple[float, ...], float]]]
) -> _Matrix:
    """Divide each return by what its block's forecast expected of it."""
    scored: _Matrix = np.full(sample.returns.shape, np.nan)
    for split, fits in zip(splits, by_block, strict=True):
        rows = list(split.held_out)
        for i, (weights, correction) in enumerate(fits):
            variance = np.exp(sample.past[rows] @ np.asarray(weights) + correction) * HORIZONS_H[i] / YEAR_H
            scored[rows, i] = sample.returns[rows, i] / np.sqrt(variance)
    return scored


def _daily(hours: NDArray[np.int_], scored: _Matrix) -> _Matrix:
    """Keep the rows of each day's first hours: the others repeat them, and each costs as much to fit."""
    kept: _Matrix = scored[hours % DAY_H < 5]
    return kept[np.isfinite(kept)]


def _mixing(scored: _Matrix) -> tuple[float, ...]:
    """Return the likeliest shares of SCALES, both signs alike: a convex problem, climbed by expectation-maximisation.

    Source: Laird, "Nonparametric Maximum Likelihood Estimation of a Mixing Distribution", JASA, 1978.
    """
    scales = np.asarray(SCALES)
    likelihood = np.exp(-0.5 * (scored[:, None] / scales) ** 2) / scales + 1e-300
    shares = np.full(len(scales), 1 / len(scales))
    for _ in range(_MIXING_STEPS):
        shares = shares * (likelihood / (likelihood @ shares)[:, None]).mean(axis=0)
    rounded = np.round(shares / shares.sum(), 4)
    rounded[rounded.argmax()] += 1 - rounded.sum()
    return tuple(np.round(rounded, 4).tolist())


def _width(mixing: tuple[float, ...]) -> float:
    """Return what brings a mixture's standard deviation half-way (in logs) to the forecast's own.

    In a market without trends the two are the same; six years of overlapping weeks tell their ratio to about a sixth.
    Walk-forward, half-way gave the likeliest distribution at every horizon.
    """
    variance = math.fsum(share * scale * scale for share, scale in zip(mixing, SCALES, strict=True))
    return round(1 / math.sqrt(math.sqrt(variance)), _DECIMALS)


def _model(fits: Sequence[tuple[tuple[float, ...], float]], mixing: tuple[tuple[float, ...], ...]) -> VolatilityModel:
    weights, corrections = zip(*fits, strict=True)
    return VolatilityModel(HORIZONS_H, weights, corrections, SCALES, tuple(map(_width, mixing)), mixing)
