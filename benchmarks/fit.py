"""Fit and calibrate a forest of 300 trees on 26,000 rows of 12 features: bethna against CalibratedClassifierCV.

Run: python benchmarks/fit.py [ROWS]. Seeded rows at overlapping weeks: labels come from known probabilities, shared by
the rows of a week as real labels are. Peer: scikit-learn's CalibratedClassifierCV (isotonic, 5 folds, n_jobs=2) over
RandomForestClassifier(300), once as scikit-learn ships it and once with bethna's tree settings. Checked on fresh weeks:
log loss against the true probabilities' own, the base rate's, and the peers'. Goal: at most 10 s.
"""

import sys
import time

import numpy as np
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import RandomForestClassifier

from bethna_cli.adapters.trainer import ForestTrainer
from bethna_cli.analysis.calibration import base_rates, calibrate, log_loss, purged_blocks
from bethna_cli.analysis.model import calibrated, shares
from bethna_cli.domain.model import TrainingSet
from bethna_cli.flow.fit import STEP_HOURS, cross_fitted

WIDTH = 12
Matrix = np.ndarray[tuple[int, int], np.dtype[np.float64]]
Labels = np.ndarray[tuple[int], np.dtype[np.int64]]


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 26_000
    rows, labels, _ = market(count, seed=1)
    fresh, happened, truth = market(4_000, seed=2)

    started = time.perf_counter()
    hours = tuple(range(0, STEP_HOURS * count, STEP_HOURS))
    data = TrainingSet(tuple(map(tuple, rows.tolist())), tuple(labels.tolist()), hours, after=(), ewma=())
    trainer, splits, known = ForestTrainer(trees=300), purged_blocks(hours), base_rates(data.labels)
    held_out = cross_fitted(data, trainer, splits, lambda _done: None)
    fitted = calibrate(held_out, data.labels, splits, [known] * count, count * STEP_HOURS / 168)
    forest = trainer.grow(data, range(count))
    took = time.perf_counter() - started
    weight, base = fitted.shrink, np.asarray(known)
    learned = np.asarray([calibrated(fitted.calibration, shares(forest, tuple(row))) for row in fresh.tolist()])
    losses = {
        "bethna": log_loss(base + weight * (learned - base), happened),
        "truth": log_loss(truth, happened),
        "base rate": log_loss(np.tile(base, (len(fresh), 1)), happened),
    }
    print(f"bethna, 6 purged blocks and the final fit: {took:.2f} s, weight {weight:.2f}")
    own = {"max_depth": 6, "min_samples_leaf": 50, "max_samples": 0.1}
    for name, settings in (("scikit-learn as shipped", {}), ("scikit-learn, same trees", own)):
        started = time.perf_counter()
        forest = RandomForestClassifier(n_estimators=300, random_state=1, **settings)
        peer = CalibratedClassifierCV(forest, method="isotonic", cv=5, n_jobs=2).fit(rows.astype(np.float32), labels)
        peer_took = time.perf_counter() - started
        predicted = np.maximum(peer.predict_proba(fresh.astype(np.float32)), 1e-4)
        losses[name] = log_loss(predicted / predicted.sum(axis=1, keepdims=True), happened)
        print(f"{name}: {peer_took:.2f} s, ratio {took / peer_took:.3f}")
    print("log loss on fresh weeks: " + ", ".join(f"{name} {loss:.4f}" for name, loss in losses.items()))
    assert losses["truth"] < losses["bethna"] < losses["base rate"], "bethna did not learn what is there"
    assert losses["bethna"] < losses["scikit-learn as shipped"] + 0.01, "bethna is faster and worse"


def market(count: int, seed: int) -> tuple[Matrix, Labels, Matrix]:
    """Rows, labels and true probabilities; features move slowly, and a week's rows draw their label together."""
    chance = np.random.default_rng(seed)
    weeks = -(-count * STEP_HOURS // 168)
    slow = np.repeat(chance.normal(size=(weeks, WIDTH)), -(-168 // STEP_HOURS), axis=0)[:count]
    rows = slow + 0.3 * chance.normal(size=(count, WIDTH))
    odds = np.exp(
        np.column_stack([0.5 * slow[:, 0], 0.4 * slow[:, 1] * slow[:, 2], -0.5 * slow[:, 0] + 0.3 * slow[:, 3]])
    )
    truth = odds / odds.sum(axis=1, keepdims=True)
    drawn = np.repeat(chance.random(weeks), -(-168 // STEP_HOURS))[:count]
    return rows, (drawn[:, None] > truth.cumsum(axis=1)[:, :2]).sum(axis=1), truth


if __name__ == "__main__":
    main()
