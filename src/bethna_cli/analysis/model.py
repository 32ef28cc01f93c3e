"""The trained forest: its file format, its check on loading, and the prediction of one row.

The file is flat arrays behind a checksum, never a pickle: reading one cannot run code. After the checksum every index
and share is checked too, so that a forged file can neither loop, nor read out of bounds, nor give NaN. Standard library
only: this is on the path of every recommendation.

    magic 8 · format u16 · payload sha256 32 · card length u32 · array length u32 | card JSON | arrays, little-endian

Missing data. The forest learned where a missing value goes. On top, with `c` the share of the row's features that are
present, the answer is c parts model and 1 - c parts even odds: less seen, less claimed, also when the model's answer is
the base rate, which was measured on markets that were seen whole.
"""

import hashlib
import json
import math
import struct
import sys
from array import array
from itertools import accumulate, pairwise
from typing import TypeVar

from bethna_cli.analysis.features import FEATURE_NAMES, HORIZON_HOURS, missing_groups, neutral_band
from bethna_cli.domain.errors import ModelCorrupt
from bethna_cli.domain.model import CLASSES, Calibration, Forest, Model, Row, Shares
from bethna_cli.domain.recommendation import Prediction

_N = TypeVar("_N", int, float)

_MAGIC = b"BETHNAFM"
_FORMAT = 1
_HEADER = struct.Struct("<8sH32sII")
_COUNTS = struct.Struct("<IIII")
_SCALARS = struct.Struct("<8d")
_ARRAYS = (("roots", "i"), ("feature", "h"), ("threshold", "d"), ("right", "i"), ("missing_left", "b"), ("leaf", "d"))
_MAX_BYTES = 32 * 1024 * 1024
SHARE_FLOOR = 1e-4
"""Shares below this count as this before the logarithm: no leaf of a few weeks' data knows more."""


def serialise(model: Model) -> bytes:
    """Write a model as one file; the same model gives the same bytes."""
    forest = model.forest
    scalars = (model.calibration.slope, *model.calibration.bias, *model.base, model.shrink)
    arrays = b"".join(_little_endian(getattr(forest, name)) for name, _ in _ARRAYS)
    counts = _COUNTS.pack(forest.features, len(forest.roots), len(forest.feature), len(forest.leaf) // forest.classes)
    body = counts + _SCALARS.pack(*scalars) + arrays
    card = json.dumps(model.card, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()
    digest = hashlib.sha256(card + body).digest()
    return _HEADER.pack(_MAGIC, _FORMAT, digest, len(card), len(body)) + card + body


def parse(
    content: bytes, expected_features: tuple[str, ...] = FEATURE_NAMES, pinned_sha256: str | None = None
) -> Model:
    """Read a model file; `pinned_sha256`, where given, is what the whole file must hash to.

    Raises ModelCorrupt when it is another file, anything in it is not as written, or it has other features.
    """
    if pinned_sha256 is not None and hashlib.sha256(content).hexdigest() != pinned_sha256:
        raise _corrupt("it is not the file that was shipped")
    if len(content) > _MAX_BYTES:
        raise _corrupt(f"larger than {_MAX_BYTES} bytes")
    if len(content) < _HEADER.size:
        raise _corrupt("too short")
    magic, version, digest, card_bytes, body_bytes = _HEADER.unpack_from(content)
    if magic != _MAGIC or version != _FORMAT:
        raise _corrupt("not a model file of this format")
    payload = content[_HEADER.size :]
    if len(payload) != card_bytes + body_bytes or hashlib.sha256(payload).digest() != digest:
        raise _corrupt("its checksum does not match")
    card = _parse_card(payload[:card_bytes], expected_features)
    forest, scalars = _parse_body(payload[card_bytes:])
    if forest.features != len(expected_features):
        raise _corrupt(f"{forest.features} features, not {len(expected_features)}")
    _check_forest(forest)
    _check_scalars(scalars)
    calibration = Calibration(scalars[0], (scalars[1], scalars[2], scalars[3]))
    return Model(str(card["version"]), forest, calibration, (scalars[4], scalars[5], scalars[6]), scalars[7], card)


def shares(forest: Forest, row: Row) -> Shares:
    """Average the class shares of the leaves that `row` falls into. Raises ValueError on another width or infinity."""
    if len(row) != forest.features or any(map(math.isinf, row)):
        raise ValueError(f"a row is {forest.features} finite or missing numbers")
    rounded = array("f", row).tolist()
    is_missing = [value != value for value in rounded]
    feature, threshold, right, leaf = forest.feature, forest.threshold, forest.right, forest.leaf
    bearish = neutral = bullish = 0.0
    for node in forest.roots:
        while (beyond := right[node]) >= 0:
            column = feature[node]
            if is_missing[column]:
                node = node + 1 if forest.missing_left[node] else beyond
            else:
                node = node + 1 if rounded[column] <= threshold[node] else beyond
        at = len(CLASSES) * (-1 - beyond)
        bearish += leaf[at]
        neutral += leaf[at + 1]
        bullish += leaf[at + 2]
    trees = len(forest.roots)
    return bearish / trees, neutral / trees, bullish / trees


def calibrated(calibration: Calibration, raw: Shares) -> Shares:
    """Turn a forest's shares into probabilities. Source: Guo et al., 2017 (temperature), with a bias per class."""
    logs = [
        calibration.slope * math.log(max(share, SHARE_FLOOR)) + bias
        for share, bias in zip(raw, calibration.bias, strict=True)
    ]
    top = max(logs)
    odds = [math.exp(value - top) for value in logs]
    total = math.fsum(odds)
    return odds[0] / total, odds[1] / total, odds[2] / total


def completeness(row: Row) -> float:
    """Share of the row's features that are present, 0..1."""
    return sum(not math.isnan(value) for value in row) / len(row)


def probabilities(model: Model, row: Row) -> Shares:
    """Probabilities in the order of CLASSES: calibrated, shrunk towards the base rate, then towards even odds for what
    is missing."""
    learned, seen = calibrated(model.calibration, shares(model.forest, row)), completeness(row)
    even = (1 - seen) / len(CLASSES)
    bearish, neutral, bullish = (
        even + seen * (base + model.shrink * (value - base)) for value, base in zip(learned, model.base, strict=True)
    )
    return bearish, neutral, bullish


def predict(model: Model, row: Row) -> Prediction:
    """Predict the coming week from one row of `features`.

    `shrink` of the answer is the weight that the forest had in this row; with 0 there is no directional view. Raises
    ValueError when the row is not as wide as the model's features.
    """
    bearish, neutral, bullish = probabilities(model, row)
    return Prediction(
        bullish=bullish,
        neutral=neutral,
        bearish=bearish,
        horizon_days=HORIZON_HOURS / 24,
        neutral_band=neutral_band(row),
        base=(model.base[2], model.base[1], model.base[0]),
        shrink=model.shrink * completeness(row),
        model_version=model.version,
        missing=missing_groups(row),
    )


def _corrupt(reason: str) -> ModelCorrupt:
    return ModelCorrupt(f"The model file cannot be used: {reason}.", hint="bethna train --data DIR")


def _little_endian(values: "array[int] | array[float]") -> bytes:
    ordered = array(values.typecode, values)
    if sys.byteorder == "big":
        ordered.byteswap()
    return ordered.tobytes()


def _native(values: "array[_N]", raw: bytes) -> "array[_N]":
    values.frombytes(raw)
    if sys.byteorder == "big":
        values.byteswap()
    return values


def _parse_card(raw: bytes, expected_features: tuple[str, ...]) -> dict[str, object]:
    try:
        card = json.loads(raw)
    except ValueError as error:
        raise _corrupt("its card is not JSON") from error
    if not isinstance(card, dict) or not isinstance(card.get("version"), str):
        raise _corrupt("its card has no version")
    listed = card.get("features")
    names = tuple(entry.get("name") for entry in listed if isinstance(entry, dict)) if isinstance(listed, list) else ()
    if names != expected_features:
        raise _corrupt("it was trained on other features, or in another order")
    return card


def _parse_body(body: bytes) -> tuple[Forest, tuple[float, ...]]:
    """Cut the array part into a forest and the eight scalars, checking that the lengths add up."""
    fixed = _COUNTS.size + _SCALARS.size
    if len(body) < fixed:
        raise _corrupt("its arrays are cut short")
    width, trees, nodes, leaves = _COUNTS.unpack_from(body)
    lengths = (trees, nodes, nodes, nodes, nodes, leaves * len(CLASSES))
    sizes = [length * array(code).itemsize for length, (_, code) in zip(lengths, _ARRAYS, strict=True)]
    if len(body) != fixed + sum(sizes):
        raise _corrupt("its arrays have the wrong length")
    ends = list(accumulate(sizes, initial=fixed))
    raw = [body[start:end] for start, end in pairwise(ends)]
    forest = Forest(
        features=width,
        classes=len(CLASSES),
        roots=_native(array("i"), raw[0]),
        feature=_native(array("h"), raw[1]),
        threshold=_native(array("d"), raw[2]),
        right=_native(array("i"), raw[3]),
        missing_left=_native(array("b"), raw[4]),
        leaf=_native(array("d"), raw[5]),
    )
    return forest, _SCALARS.unpack_from(body, _COUNTS.size)


def _check_forest(forest: Forest) -> None:
    """Refuse a forest that could loop, leave its arrays, or answer with something that is not a share."""
    nodes, leaves = len(forest.feature), len(forest.leaf) // forest.classes
    if not forest.roots or forest.roots[0] != 0 or any(a >= b for a, b in pairwise(forest.roots)):
        raise _corrupt("its trees are not laid end to end")
    if forest.roots[-1] >= nodes:
        raise _corrupt("a tree starts outside its arrays")
    if not all(node + 1 < right < nodes or -leaves <= right < 0 for node, right in enumerate(forest.right)):
        raise _corrupt("a node leads nowhere")
    if min(forest.feature) < 0 or max(forest.feature) >= forest.features:
        raise _corrupt("a node tests a feature that is not there")
    if any(map(math.isnan, forest.threshold)) or not set(forest.missing_left) <= {0, 1}:
        raise _corrupt("a node tests for something that is not a number")
    sums = map(math.fsum, zip(forest.leaf[0::3], forest.leaf[1::3], forest.leaf[2::3], strict=True))
    if min(forest.leaf, default=-1) < 0 or not all(abs(total - 1) < 1e-9 for total in sums):
        raise _corrupt("a leaf's shares do not add up to 1")


def _check_scalars(scalars: tuple[float, ...]) -> None:
    """Refuse calibration, base rate or shrink that could not give probabilities."""
    slope, bias, base, shrink = scalars[0], scalars[1:4], scalars[4:7], scalars[7]
    if not (0 <= slope <= 100 and all(-100 <= value <= 100 for value in bias)):
        raise _corrupt("its calibration is out of range")
    if not (all(0 < value < 1 for value in base) and abs(math.fsum(base) - 1) < 1e-9):
        raise _corrupt("its base rates do not add up to 1")
    if not 0 <= shrink <= 1:
        raise _corrupt("its shrink is out of range")
