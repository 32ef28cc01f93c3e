"""The model file: flat arrays behind a checksum, never a pickle, so that reading one cannot run code.

After the checksum every index and share is checked too, so that a forged file can neither loop, nor read out of bounds,
nor give NaN. Standard library only.

    magic 8 · format u16 · payload sha256 32 · card length u32 · array length u32 | card JSON | arrays, little-endian
"""

import hashlib
import json
import math
import struct
import sys
from array import array
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import TypeVar

from bethna_cli.analysis.features import FEATURE_NAMES
from bethna_cli.analysis.volatility import SPANS
from bethna_cli.domain.errors import ModelCorrupt
from bethna_cli.domain.model import CLASSES, Calibration, Forest, Model, VolatilityModel

_N = TypeVar("_N", int, float)

_MAGIC = b"BETHNAFM"
_FORMAT = 2
_HEADER = struct.Struct("<8sH32sII")
_COUNTS = struct.Struct("<IIIIII")
_SCALARS = struct.Struct("<8d")
_ARRAYS = (("roots", "i"), ("feature", "h"), ("threshold", "d"), ("right", "i"), ("missing_left", "b"), ("leaf", "d"))
_MAX_BYTES = 32 * 1024 * 1024
_MAX_WEIGHT = 30.0


def serialise(model: Model) -> bytes:
    """Write a model as one file; the same model gives the same bytes."""
    forest = model.forest
    scalars = (model.calibration.slope, *model.calibration.bias, *model.base, model.shrink)
    arrays = b"".join(_little_endian(getattr(forest, name)) for name, _ in _ARRAYS)
    volatility = model.volatility
    counts = _COUNTS.pack(
        forest.features,
        len(forest.roots),
        len(forest.feature),
        len(forest.leaf) // forest.classes,
        len(volatility.horizons_h),
        len(volatility.scales),
    )
    body = counts + _SCALARS.pack(*scalars) + arrays + _little_endian(array("d", _flat(volatility)))
    card = json.dumps(model.card, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()
    digest = hashlib.sha256(card + body).digest()
    return _HEADER.pack(_MAGIC, _FORMAT, digest, len(card), len(body)) + card + body


def parse(
    content: bytes, expected_features: tuple[str, ...] = FEATURE_NAMES, pinned_sha256: str | None = None
) -> Model:
    """Read a model file; `pinned_sha256`, where given, is what the whole file must hash to.

    Raises ModelCorrupt when it is another file, anything in it is not as written, or it has other features.
    """
    name = hashlib.sha256(content).hexdigest()
    if pinned_sha256 is not None and name != pinned_sha256:
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
    forest, scalars, volatility = _parse_body(payload[card_bytes:])
    if forest.features != len(expected_features):
        raise _corrupt(f"{forest.features} features, not {len(expected_features)}")
    _check_forest(forest)
    _check_scalars(scalars)
    _check_volatility(volatility)
    calibration = Calibration(scalars[0], (scalars[1], scalars[2], scalars[3]))
    base = (scalars[4], scalars[5], scalars[6])
    return Model(str(card["version"]), forest, calibration, base, scalars[7], volatility, card, name)


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


def _parse_body(body: bytes) -> tuple[Forest, tuple[float, ...], VolatilityModel]:
    """Cut the array part into forest, scalars and volatility, checking that the lengths add up."""
    fixed = _COUNTS.size + _SCALARS.size
    if len(body) < fixed:
        raise _corrupt("its arrays are cut short")
    width, trees, nodes, leaves, horizons, scales = _COUNTS.unpack_from(body)
    lengths = (trees, nodes, nodes, nodes, nodes, leaves * len(CLASSES))
    sizes = [length * array(code).itemsize for length, (_, code) in zip(lengths, _ARRAYS, strict=True)]
    numbers = sum(_volatility_lengths(horizons, scales))
    if len(body) != fixed + sum(sizes) + numbers * array("d").itemsize:
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
    volatility = _volatility(_native(array("d"), body[ends[-1] :]), horizons, scales)
    return forest, _SCALARS.unpack_from(body, _COUNTS.size), volatility


def _volatility_lengths(horizons: int, scales: int) -> tuple[int, ...]:
    """How many numbers each part has: horizons, weights, corrections, scales, widths, mixing."""
    return horizons, horizons * (1 + len(SPANS)), horizons, scales, horizons, horizons * scales


def _flat(model: VolatilityModel) -> list[float]:
    """Lay a volatility model's numbers end to end."""
    weights, mixing = sum(model.weights, ()), sum(model.mixing, ())
    return [*map(float, model.horizons_h), *weights, *model.corrections, *model.scales, *model.widths, *mixing]


def _volatility(numbers: Sequence[float], horizons: int, scales: int) -> VolatilityModel:
    """Cut the numbers into a volatility model."""
    ends = list(accumulate(_volatility_lengths(horizons, scales), initial=0))
    hours, weights, corrections, scale, widths, mixing = (tuple(numbers[a:b]) for a, b in pairwise(ends))
    if not all(math.isfinite(number) for number in numbers):
        raise _corrupt("its volatility is not made of numbers")
    return VolatilityModel(
        horizons_h=tuple(map(int, hours)),
        weights=_rows(weights, horizons),
        corrections=corrections,
        scales=scale,
        widths=widths,
        mixing=_rows(mixing, horizons),
    )


def _rows(numbers: tuple[float, ...], count: int) -> tuple[tuple[float, ...], ...]:
    width = len(numbers) // max(1, count)
    return tuple(numbers[i * width : (i + 1) * width] for i in range(count))


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


def _check_volatility(model: VolatilityModel) -> None:
    """Refuse a volatility that could not give a distribution."""
    if len(model.horizons_h) < 2 or not _ascends(model.horizons_h) or not _ascends(model.scales):
        raise _corrupt("its horizons or scales do not ascend")
    if not all(abs(number) <= _MAX_WEIGHT for number in _flat(model)[len(model.horizons_h) :]):
        raise _corrupt("its volatility is out of range")
    if not min(model.widths) > 0:
        raise _corrupt("its widths are not positive")
    if not all(min(shares) >= 0 and abs(math.fsum(shares) - 1) < 1e-9 for shares in model.mixing):
        raise _corrupt("its scales' shares do not add up to 1")


def _ascends(numbers: Sequence[float]) -> bool:
    return bool(numbers) and numbers[0] > 0 and all(low < high for low, high in pairwise(numbers))
