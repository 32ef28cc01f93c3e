"""One row through the shipped forest: bethna's array walk against scikit-learn's predict_proba.

Run: python benchmarks/forest.py [ROUNDS] [--process]. scikit-learn walks the same trees: forests of the shipped shape
(trees, depth, leaf size, features) are grown here on seeded noise with missing values, once, and laid out as arrays.
Both answer the same rows in turn; each answer is compared to 1e-12. Also measured: loading the shipped file with all
its checks. --process times whole processes from a file to an answer: arrays against joblib and scikit-learn.
Goals: at most 0.6 ms a row and 5 ms to load.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import joblib
import numpy as np
from sklearn.ensemble import RandomForestClassifier

from bethna_cli.adapters.trainer import to_forest
from bethna_cli.analysis.features import FEATURE_NAMES
from bethna_cli.analysis.model import shares
from bethna_cli.analysis.model_file import parse, serialise
from bethna_cli.artifacts import model as shipped
from bethna_cli.domain.model import Calibration, Model

WIDTH = len(FEATURE_NAMES)
SHIPPED = Path(shipped.__file__).with_name(shipped.SHIPPED)
WALK = """
import pathlib, sys
from bethna_cli.analysis.model import shares
from bethna_cli.analysis.model_file import parse
model = parse(pathlib.Path(sys.argv[1]).read_bytes())
print(*shares(model.forest, tuple(0.01 * i for i in range(model.forest.features))))
"""
PEER = """
import sys
import joblib, numpy
forest = joblib.load(sys.argv[1])
row = numpy.array([[0.01 * i for i in range(forest.n_features_in_)]], dtype=numpy.float32)
print(*forest.predict_proba(row)[0])
"""


def main() -> None:
    arguments = [argument for argument in sys.argv[1:] if argument != "--process"]
    rounds = int(arguments[0]) if arguments else 200
    peer, rows = grown()
    forest = to_forest(peer)
    content = SHIPPED.read_bytes()
    print(f"{len(forest.roots)} trees, {len(forest.feature)} nodes here; {len(parse(content).forest.feature)} shipped")
    ours, theirs = [], []
    for number in range(rounds):
        row = rows[number % len(rows)]
        values = tuple(map(float, row))
        took, found = timed(lambda values=values: shares(forest, values))
        ours.append(took)
        took, expected = timed(lambda row=row: peer.predict_proba(row[None])[0])
        theirs.append(took)
        assert np.abs(np.asarray(found) - expected).max() < 1e-12, "the answers differ"
    report("one row", ours, "scikit-learn", theirs)
    loads = [timed(lambda: parse(content))[0] for _ in range(30)]
    print(f"load {len(content):,} bytes with every check: {1000 * statistics.median(loads):.2f} ms")
    if "--process" in sys.argv:
        processes(peer, forest)


def grown() -> tuple[RandomForestClassifier, "np.ndarray[tuple[int, int], np.dtype[np.float32]]"]:
    """A forest of the shipped shape, and rows of which a tenth of the values is missing."""
    chance = np.random.default_rng(1)
    rows = chance.normal(size=(20_000, WIDTH)).astype(np.float32)
    rows[chance.random(rows.shape) < 0.1] = np.nan
    labels = chance.integers(0, 3, size=len(rows))
    settings = {"n_estimators": 300, "max_depth": 6, "min_samples_leaf": 50, "max_samples": 0.1}
    return RandomForestClassifier(**settings, random_state=1, n_jobs=2).fit(rows, labels).set_params(n_jobs=1), rows


def timed(work: Callable[[], object]) -> tuple[float, object]:
    started = time.perf_counter()
    answer = work()
    return time.perf_counter() - started, answer


def report(what: str, ours: list[float], peer: str, theirs: list[float]) -> None:
    mine, other = statistics.median(ours), statistics.median(theirs)
    quarter = statistics.quantiles(ours, n=4)
    print(
        f"{what}: bethna {1000 * mine:.3f} ms (quartiles {1000 * quarter[0]:.3f}-{1000 * quarter[2]:.3f}), "
        f"{peer} {1000 * other:.3f} ms, ratio {mine / other:.4f}"
    )


def processes(peer: RandomForestClassifier, forest: object, rounds: int = 7) -> None:
    """Time whole processes in turn, bytecode allowed, and compare what they print."""
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    card: dict[str, object] = {"version": "benchmark", "features": [{"name": name} for name in FEATURE_NAMES]}
    volatility = parse(SHIPPED.read_bytes()).volatility
    model = Model("benchmark", forest, Calibration(1.0, (0.0, 0.0, 0.0)), (0.3, 0.4, 0.3), 0.0, volatility, card)  # type: ignore[arg-type]
    with tempfile.TemporaryDirectory() as folder:
        arrays, pickled = Path(folder, "forest.bin"), Path(folder, "forest.joblib")
        arrays.write_bytes(serialise(model))
        joblib.dump(peer, pickled)
        runs: dict[str, list[float]] = {"ours": [], "theirs": []}
        for _ in range(rounds + 1):  # the first fills the bytecode cache
            answers = []
            for name, script, path in (("ours", WALK, arrays), ("theirs", PEER, pickled)):
                started = time.perf_counter()
                done = subprocess.run(
                    [sys.executable, "-c", script, str(path)], env=env, capture_output=True, text=True, check=True
                )
                runs[name].append(time.perf_counter() - started)
                answers.append([float(word) for word in done.stdout.split()])
            assert np.abs(np.subtract(*answers)).max() < 1e-12, "the answers differ"
    report("whole process", runs["ours"][1:], "joblib and scikit-learn", runs["theirs"][1:])


if __name__ == "__main__":
    main()
