"""The trained linear model as it is shipped: hashed features, one signed byte a weight, the standard library alone.

A file that is not the pinned one, or not complete, is refused: a damaged model would misread people with confidence.
"""

import hashlib
import json
import math
import zlib
from array import array
from collections.abc import Sequence
from dataclasses import dataclass

from bethna_cli.domain.errors import ModelCorrupt
from bethna_cli.domain.utterance import IntentKind

MAGIC = b"BETHNA-INTENTS-1\n"
GROUP_WEIGHTS = {"g": 0.35, "t": 0.7, "p": 0.7}
"""How much a feature counts by the sort it is of (its first letter); 1 where none is named."""


@dataclass(frozen=True, slots=True)
class IntentModel:
    """A linear model over hashed features: row `bucket` holds a weight for each of `kinds`.

    scale turns a stored byte into a weight; temperature divides the scores before they become probabilities.
    words: what the model has seen, most common first. order_words: those that the orders it has seen are made of.
    """

    version: str
    kinds: tuple[IntentKind, ...]
    buckets: int
    scale: float
    bias: tuple[float, ...]
    temperature: float
    words: tuple[str, ...]
    order_words: frozenset[str]
    weights: "array[int]"

    def probabilities(self, features: Sequence[str]) -> dict[IntentKind, float]:
        """Return how likely each kind is, from features as features_of makes them."""
        groups: dict[float, list[array[int]]] = {}
        for feature in features:
            groups.setdefault(weight_of(feature), []).append(self._row(feature))
        sums = [0.0] * len(self.kinds)
        for weight, rows in groups.items():
            columns = map(sum, zip(*rows, strict=True))
            sums = [total + weight * column for total, column in zip(sums, columns, strict=True)]
        square = math.fsum(weight * weight * len(rows) for weight, rows in groups.items())
        norm = self.scale / math.sqrt(square) if square else 0.0
        scores = [(total * norm + bias) / self.temperature for total, bias in zip(sums, self.bias, strict=True)]
        top = max(scores)
        parts = [math.exp(score - top) for score in scores]
        whole = math.fsum(parts)
        return {kind: part / whole for kind, part in zip(self.kinds, parts, strict=True)}

    def _row(self, feature: str) -> "array[int]":
        start = bucket_of(feature, self.buckets) * len(self.kinds)
        return self.weights[start : start + len(self.kinds)]


def weight_of(feature: str) -> float:
    """Return how much a feature counts beside the others."""
    return GROUP_WEIGHTS.get(feature[: feature.index(" ")], 1.0)


def bucket_of(feature: str, buckets: int) -> int:
    """Number a feature. The same on every machine and in every run."""
    return zlib.crc32(feature.encode()) % buckets


def dump(model: IntentModel) -> bytes:
    """Return the bytes of a model file; the same model gives the same bytes."""
    header = {
        "version": model.version,
        "kinds": [kind.value for kind in model.kinds],
        "buckets": model.buckets,
        "scale": model.scale,
        "bias": list(model.bias),
        "temperature": model.temperature,
        "words": list(model.words),
        "order_words": sorted(model.order_words),
    }
    body = json.dumps(header, separators=(",", ":")).encode() + b"\n" + model.weights.tobytes()
    return MAGIC + zlib.compress(body, 9)


def parse(content: bytes, *, pinned_sha256: str) -> IntentModel:
    """Read a model file. Raises ModelCorrupt when it is not the pinned one."""
    if hashlib.sha256(content).hexdigest() != pinned_sha256:
        raise ModelCorrupt(
            "The file that understands what you type was changed.", hint="pip install --force-reinstall bethna"
        )
    head, _, weights = zlib.decompress(content[len(MAGIC) :]).partition(b"\n")
    header = json.loads(head)
    return IntentModel(
        version=header["version"],
        kinds=tuple(IntentKind(name) for name in header["kinds"]),
        buckets=header["buckets"],
        scale=header["scale"],
        bias=tuple(header["bias"]),
        temperature=header["temperature"],
        words=tuple(header["words"]),
        order_words=frozenset(header["order_words"]),
        weights=array("b", weights),
    )
