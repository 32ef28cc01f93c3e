"""From a forest's shares to probabilities one can bet on: purged blocks, calibration, its weight, scores.

Labels of neighbouring hours share almost all of their week, so everything is judged on contiguous blocks whose label
windows touch none of those learned from (purging: López de Prado, Advances in Financial Machine Learning, 7.4).
Out-of-bag votes are never used: the overlap leaks through them. Needs NumPy; only training and evaluation come here.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from bethna_cli.analysis.features import HORIZON_HOURS
from bethna_cli.analysis.model import SHARE_FLOOR
from bethna_cli.domain.errors import NotEnoughData
from bethna_cli.domain.model import CLASSES, Calibration, Shares, Split

BLOCKS = 6
SHRINK_STEPS = 20
ECE_BINS = 10
MIN_BLOCK_HOURS = 4 * HORIZON_HOURS
_PENALTY = 1e-6
"""Ridge on the calibration's parameters, so that perfectly separated shares still have an optimum."""

_Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Calibrated:
    """A calibration, the weight it earned on held-out blocks, and the log loss of each weight tried, 0 first."""

    calibration: Calibration
    shrink: float
    log_loss_by_weight: tuple[float, ...]


def purged_split(hours: Sequence[int], first: int, last: int, horizon_h: int = HORIZON_HOURS) -> Split:
    """Hold out the rows known in first..last (hours since the epoch); learn from rows with no common hour to come."""
    held_out = tuple(i for i, hour in enumerate(hours) if first <= hour <= last)
    train = tuple(i for i, hour in enumerate(hours) if hour + horizon_h <= first or hour >= last + horizon_h)
    return Split(train, held_out)


def purged_blocks(hours: Sequence[int], blocks: int = BLOCKS) -> tuple[Split, ...]:
    """Cut the rows into contiguous blocks of about equal size, all assets at the same hours, each purged on both sides.

    Raises NotEnoughData when a block would be shorter than MIN_BLOCK_HOURS.
    """
    distinct = sorted(set(hours))
    edges = [round(k * len(distinct) / blocks) for k in range(blocks + 1)]
    bounds = [(distinct[start], distinct[end - 1]) for start, end in pairwise(edges) if end > start]
    if len(bounds) < blocks or min(last - first for first, last in bounds) < MIN_BLOCK_HOURS:
        weeks = blocks * MIN_BLOCK_HOURS // HORIZON_HOURS
        raise NotEnoughData(f"{len(distinct)} hours have a label; {blocks} purged blocks need {weeks} weeks of them.")
    return tuple(purged_split(hours, first, last) for first, last in bounds)


def yearly_folds(hours: Sequence[int], learn_years: int = 2) -> Iterator[tuple[int, Split]]:
    """Yield each calendar year after the first `learn_years` with what came before it, purged: the past only."""
    years = [datetime.fromtimestamp(hour * 3600, UTC).year for hour in hours]
    for year in range(min(years) + learn_years, max(years) + 1):
        held_out = tuple(i for i, of_row in enumerate(years) if of_row == year)
        if not held_out:
            continue
        first = min(hours[i] for i in held_out)
        yield year, Split(tuple(i for i, hour in enumerate(hours) if hour + HORIZON_HOURS <= first), held_out)


def base_rates(labels: Sequence[int]) -> Shares:
    """Return how often each class occurs, with one occurrence of each added so that none is impossible."""
    counts = [labels.count(k) + 1 for k in range(len(CLASSES))]
    total = sum(counts)
    return counts[0] / total, counts[1] / total, counts[2] / total


def calibrate(
    shares: Sequence[Shares],
    labels: Sequence[int],
    splits: Sequence[Split],
    undirected: Sequence[Shares],
    independent: float,
) -> Calibrated:
    """Fit the calibration on held-out shares and weigh it against probabilities that know no direction.

    shares[i]: what a forest that saw nothing of row i's block said; undirected[i]: what the volatility alone says.
    Each block is calibrated by the others (purged). Every weight in steps of 1/SHRINK_STEPS counts by the likelihood it
    gave the held-out rows, as if they were `independent` observations, which overlapping weeks are not; the answer is
    their mean, rounded to a step. Source: Stone, "The Opinion Pool", 1961; weight under a flat prior by Bayes' rule.
    """
    raw, truth, plain = np.asarray(shares), np.asarray(labels), np.asarray(undirected)
    rows = np.concatenate([split.held_out for split in splits])
    seen = np.concatenate(
        [
            probabilities(fit_calibration(raw[list(split.train)], truth[list(split.train)]), raw[list(split.held_out)])
            for split in splits
        ]
    )
    weights = np.arange(SHRINK_STEPS + 1) / SHRINK_STEPS
    losses = [log_loss(plain[rows] + weight * (seen - plain[rows]), truth[rows]) for weight in weights]
    likelihood = np.exp(-independent * (np.asarray(losses) - min(losses)))
    mean = float(weights @ likelihood / likelihood.sum())
    shrink = round(mean * SHRINK_STEPS) / SHRINK_STEPS
    return Calibrated(fit_calibration(raw[rows], truth[rows]), shrink, tuple(losses))


def fit_calibration(shares: _Matrix, labels: NDArray[np.int_]) -> Calibration:
    """Minimise the log loss of `softmax(slope * log share + bias)`, slope >= 0, the neutral bias being 0.

    Convex, so Newton's method finds the one optimum. A forest that points the wrong way gets slope 0: the base rate.
    Rounded to 6 decimals, so that the last bits of a processor's arithmetic do not reach the model file.
    """
    logs = np.log(np.maximum(shares, SHARE_FLOOR))
    fitted = _newton(logs, labels, with_slope=True)
    if fitted[0] < 0:
        fitted = _newton(logs, labels, with_slope=False)
    slope, bearish, bullish = (round(float(value), 6) for value in fitted)
    return Calibration(slope, (bearish, 0.0, bullish))


def _newton(logs: _Matrix, labels: NDArray[np.int_], *, with_slope: bool) -> _Matrix:
    """Find (slope, bearish bias, bullish bias) by damped Newton steps on the penalised mean log loss."""
    n = len(labels)
    design = np.zeros((n, 3, 3))  # row, class, parameter
    design[:, :, 0] = logs if with_slope else 0.0
    design[:, 0, 1] = design[:, 2, 2] = 1.0
    own = design[np.arange(n), labels]

    def loss(parameters: _Matrix) -> float:
        z = design @ parameters
        top = z.max(axis=1, keepdims=True)
        return float(np.mean(np.log(np.exp(z - top).sum(axis=1)) + top[:, 0] - own @ parameters)) + _PENALTY * float(
            parameters @ parameters
        )

    parameters = np.zeros(3)
    for _ in range(50):
        p = _softmax(design @ parameters)
        expected = np.einsum("nk,nkp->np", p, design)
        gradient = (expected - own).mean(axis=0) + 2 * _PENALTY * parameters
        second = np.einsum("nk,nkp,nkq->pq", p, design, design) / n - expected.T @ expected / n
        step = np.linalg.solve(second + 2 * _PENALTY * np.eye(3), gradient)
        scale = 1.0
        while loss(parameters - scale * step) > loss(parameters) and scale > 1e-6:
            scale /= 2
        parameters = parameters - scale * step
        if np.abs(step).max() < 1e-10:
            break
    return parameters


def _softmax(z: _Matrix) -> _Matrix:
    odds: _Matrix = np.exp(z - z.max(axis=1, keepdims=True))
    shares: _Matrix = odds / odds.sum(axis=1, keepdims=True)
    return shares


def probabilities(calibration: Calibration, shares: _Matrix) -> _Matrix:
    """Apply a calibration to many rows at once; the same formula as `model.calibrated`."""
    logs = np.log(np.maximum(shares, SHARE_FLOOR))
    return _softmax(calibration.slope * logs + np.asarray(calibration.bias))


def log_loss(predicted: _Matrix, labels: NDArray[np.int_]) -> float:
    """Mean negative log probability of what happened, in nats; nothing counts as less likely than SHARE_FLOOR."""
    happened = predicted[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(happened, SHARE_FLOOR)).mean())
