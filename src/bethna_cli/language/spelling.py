"""One slip of the finger, put right: a word nobody uses here becomes the known word that is one edit away.

Only longer words are touched, and only towards words that the classifier knows; a word that is one is left alone.
"""

from collections.abc import Mapping
from functools import lru_cache

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
SHORTEST = 5
_LONGEST = 20


class Speller:
    """Corrects words against a vocabulary. ranks: each known word with its rank, 0 the most common."""

    def __init__(self, ranks: Mapping[str, int]) -> None:
        self._ranks = ranks
        self.correct = lru_cache(maxsize=4_096)(self._correct)

    def _correct(self, word: str) -> str:
        if word in self._ranks or not word.isalpha() or not SHORTEST - 1 <= len(word) <= _LONGEST:
            return word
        candidates = _swaps(word) if len(word) < SHORTEST else _edits(word)
        known = [candidate for candidate in candidates if candidate in self._ranks and len(candidate) >= SHORTEST - 1]
        return min(known, key=lambda candidate: (self._ranks[candidate], candidate), default=word)


def _swaps(word: str) -> set[str]:
    """Two neighbours swapped, or one letter of a pair left out."""
    swapped = {word[:at] + word[at + 1] + word[at] + word[at + 2 :] for at in range(len(word) - 1)}
    halved = {word[:at] + word[at + 1 :] for at in range(len(word) - 1) if word[at] == word[at + 1]}
    return swapped | halved


def _edits(word: str) -> set[str]:
    places = range(len(word) + 1)
    deleted = {word[:at] + word[at + 1 :] for at in range(len(word))}
    replaced = {word[:at] + letter + word[at + 1 :] for at in range(len(word)) for letter in _LETTERS}
    inserted = {word[:at] + letter + word[at:] for at in places for letter in _LETTERS}
    return _swaps(word) | deleted | replaced | inserted
