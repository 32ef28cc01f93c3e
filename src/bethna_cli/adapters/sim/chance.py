"""Chance that can be asked again: every draw is a function of a seed and a name, whatever was drawn before.

The embedded market is a function of (seed, time). A generator that is carried along would make the answer depend on
the questions asked before; here each day, hour and minute has a generator of its own.
"""

import hashlib
import random
from collections.abc import Callable
from threading import Lock
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")

REMEMBERED = 4096


def generator(seed: int, *name: object) -> random.Random:
    """Return a generator that depends on `seed` and `name` alone, in every process."""
    return random.Random(number(seed, *name))


def number(seed: int, *name: object) -> int:
    """Return 64 bits that depend on `seed` and `name` alone."""
    text = "|".join((str(seed), *map(str, name)))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


class Memory(dict[K, V]):
    """Remembers the last `size` values that a function gave, for several threads."""

    def __init__(self, compute: Callable[[K], V], size: int) -> None:
        super().__init__()
        self._compute, self._size = compute, size
        self._making_room = Lock()

    def __missing__(self, key: K) -> V:
        value = self._compute(key)
        with self._making_room:
            if len(self) >= self._size:
                del self[next(iter(self))]
            self[key] = value
        return value


class Wave:
    """A stationary Gaussian sequence x_k with unit variance and correlation `persistence` between neighbours.

    x_k is a moving average of hashed shocks, so that any k costs the same; the tail that is cut off weighs less than
    1 %. With `pinned` the sequence is conditioned on x_0 = 0 (exact for the Gaussian process of this covariance).
    """

    def __init__(self, seed: int, name: str, persistence: float, *, pinned: bool = False) -> None:
        self._seed, self._name, self._pinned = seed, name, pinned
        self._persistence = persistence
        self._weights: list[float] = []
        weight = (1 - persistence**2) ** 0.5
        while weight > 0.005:
            self._weights.append(weight)
            weight *= persistence
        self._shocks = Memory(self._shock, REMEMBERED)
        self._values = Memory(self._value, REMEMBERED)

    def at(self, k: int) -> float:
        """Return x_k."""
        return self._values[k]

    def _value(self, k: int) -> float:
        value = self._raw(k)
        return value - self._raw(0) * self._persistence ** abs(k) if self._pinned else value

    def _raw(self, k: int) -> float:
        return sum(weight * self._shocks[k - lag] for lag, weight in enumerate(self._weights))

    def _shock(self, k: int) -> float:
        return generator(self._seed, self._name, k).gauss(0, 1)
