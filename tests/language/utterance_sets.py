"""Reads the hand-written sets of utterances: `= KIND`, then `text | slot=value …` a line; `#` opens a remark."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
WORDS = frozenset({"asset", "sentiment", "option_type", "position"})


class Labelled(NamedTuple):
    """An utterance and what it means. kind: in the traps, the sort of trap."""

    kind: str
    text: str
    slots: dict[str, object]


def read(name: str) -> list[Labelled]:
    return list(_rows((HERE / name).read_text("utf-8").splitlines()))


def _rows(lines: Sequence[str]) -> Iterator[Labelled]:
    kind = ""
    for line in lines:
        if line.startswith("= "):
            kind = line[2:].strip()
        elif line.strip() and not line.startswith("#"):
            text, _, slots = line.partition(" | ")
            pairs = (one.split("=") for one in slots.split())
            yield Labelled(kind, text, {name: value if name in WORDS else float(value) for name, value in pairs})


def macro_f1(pairs: Sequence[tuple[str, str]]) -> float:
    """The mean F1 over the kinds that occur, each counted alike. pairs: (true, found)."""
    right = Counter(true for true, found in pairs if true == found)
    wrong = Counter(kind for pair in pairs if pair[0] != pair[1] for kind in pair)
    kinds = {true for true, _ in pairs}
    return sum(2 * right[kind] / (2 * right[kind] + wrong[kind]) for kind in kinds) / len(kinds)
