"""Trains the classifier of utterances and writes its file.

    .venv/bin/python benchmarks/training/intents/train.py [FOLDER]

Utterances that are held out in tests/language take no part. Confidence is calibrated on whole lines
left out in turn, so that near-copies are never on both sides. Same lines, same seed, same libraries: same bytes.
"""

import hashlib
import random
import re
import sys
from array import array
from collections import Counter
from datetime import date
from pathlib import Path

import numpy as np
from expand import filled, lines_of, unmistyped, variants
from scipy.optimize import minimize_scalar
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

from bethna_cli.domain.utterance import MONEY_INTENTS, IntentKind
from bethna_cli.language.concepts import CONCEPTS
from bethna_cli.language.features import features_of, tokens_of
from bethna_cli.language.marks import mark
from bethna_cli.language.model import IntentModel, bucket_of, dump, weight_of
from bethna_cli.language.spelling import Speller
from bethna_cli.language.words import fold

HERE = Path(__file__).resolve().parent
TARGET = HERE.parents[2] / "src" / "bethna_cli" / "artifacts" / "intents"
HELD_OUT = HERE.parents[2] / "tests" / "language"
VERSION = "intents-2"
SEED = 20261125
TODAY = date(2026, 11, 25)
BUCKETS = 1 << 15
STRENGTH = 30.0
FOLDS = 3
SEEN_TWICE = 2


def main(folder: Path = TARGET) -> None:
    """Train, and write the file into `folder`."""
    chance = random.Random(SEED)
    lines = list(lines_of(HERE / "utterances.txt"))
    rows = [(kind, text, group) for group, (kind, line) in enumerate(lines) for text in variants(line, chance)]
    kept_apart = {plain(text) for path in HELD_OUT.glob("held_out*.txt") for _, text in lines_of(path)}
    rows = [row for row in rows if plain(row[1]) not in kept_apart]
    marked = [mark(fold(text), TODAY) for _, text, _ in rows]
    words = vocabulary([mark(fold(text), TODAY) for _, line in lines for text in unmistyped(line, chance)])
    speller = Speller({word: rank for rank, word in enumerate(words)})
    matrix = encode([features_of(tokens_of(line, speller.correct)) for line in marked])
    kinds = tuple(IntentKind)
    labels = np.asarray([kinds.index(IntentKind(kind)) for kind, _, _ in rows])
    groups = np.asarray([group for _, _, group in rows])
    weights = row_weights(labels, groups)
    temperature = calibrated(matrix, labels, groups, weights)
    model = to_model(fitted(matrix, labels, weights), kinds, words, order_words(lines, chance), temperature)
    content = dump(model)
    (folder / f"{VERSION}.bin").write_bytes(content)
    print(f"{len(rows)} utterances of {len(lines)} lines, {len(content):,} bytes")
    print(f"SHA256 = {hashlib.sha256(content).hexdigest()}")


def plain(text: str) -> str:
    """Return an utterance without what letters' case and white space add."""
    return " ".join(text.partition(" | ")[0].lower().split())


def vocabulary(marked: list[str]) -> tuple[str, ...]:
    """Words that are spelled the same way at least twice, and all that have a concept; the most common first."""
    counts = Counter(token for line in marked for token in tokens_of(line, str) if token.isalpha())
    counts.update(dict.fromkeys(CONCEPTS, SEEN_TWICE))
    return tuple(
        word for word, count in sorted(counts.items(), key=lambda one: (-one[1], one[0])) if count >= SEEN_TWICE
    )


def order_words(lines: list[tuple[str, str]], chance: random.Random) -> frozenset[str]:
    """Every word of every line of an order, correctly spelt: what a line may be made of that means one."""
    parts = [
        filled(part, chance)
        for kind, line in lines
        if IntentKind(kind) in MONEY_INTENTS
        for part in (*re.split(r"[()|]", line), *unmistyped(line, chance))
    ]
    found = (token for part in parts for token in tokens_of(mark(fold(part), TODAY), str))
    return frozenset(token for token in found if token.isidentifier())


def encode(featured: list[list[str]]) -> csr_matrix:
    """Hash and normalise features exactly as the shipped model does."""
    data, columns, ends = [], [], [0]
    for features in featured:
        values = [weight_of(feature) for feature in features]
        norm = sum(value * value for value in values) ** 0.5 or 1.0
        data += [value / norm for value in values]
        columns += [bucket_of(feature, BUCKETS) for feature in features]
        ends.append(len(columns))
    return csr_matrix((data, columns, ends), shape=(len(featured), BUCKETS))


def row_weights(labels: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Give every kind the same weight, and a line with many variants more than one with few, but not in proportion."""
    sizes = np.bincount(groups)[groups]
    weights: np.ndarray = sizes**-0.5
    for kind in np.unique(labels):
        weights[labels == kind] *= len(labels) / (15 * weights[labels == kind].sum())
    return weights


def fitted(matrix: csr_matrix, labels: np.ndarray, weights: np.ndarray) -> LogisticRegression:
    return LogisticRegression(C=STRENGTH, max_iter=300, tol=1e-3).fit(matrix, labels, sample_weight=weights)


def calibrated(matrix: csr_matrix, labels: np.ndarray, groups: np.ndarray, weights: np.ndarray) -> float:
    """Return the temperature at which the probabilities for left-out lines are most honest, and report the accuracy."""
    scores = np.zeros((len(labels), 15))
    for train, test in GroupKFold(FOLDS).split(matrix, labels, groups):
        scores[test] = fitted(matrix[train], labels[train], weights[train]).decision_function(matrix[test])
    accuracy = np.average(scores.argmax(axis=1) == labels, weights=weights)

    def loss(temperature: float) -> float:
        scaled = scores / temperature
        logs = scaled - np.logaddexp.reduce(scaled, axis=1, keepdims=True)
        return -float(np.average(logs[np.arange(len(labels)), labels], weights=weights))

    best = minimize_scalar(loss, bounds=(0.2, 5.0), method="bounded")
    print(f"lines left out: accuracy {accuracy:.3f}, log loss {best.fun:.3f} at temperature {best.x:.2f}")
    return round(float(best.x), 3)


def to_model(
    regression: LogisticRegression,
    kinds: tuple[IntentKind, ...],
    words: tuple[str, ...],
    ordered: frozenset[str],
    temperature: float,
) -> IntentModel:
    """Quantise the weights to one signed byte each."""
    table = regression.coef_.T
    scale = float(np.abs(table).max()) / 127
    bytes_ = np.rint(table / scale).astype(np.int8)
    bias = tuple(round(float(value), 4) for value in regression.intercept_)
    return IntentModel(VERSION, kinds, BUCKETS, scale, bias, temperature, words, ordered, array("b", bytes_.tobytes()))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
