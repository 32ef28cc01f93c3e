"""Two readings of one line, ours and a language model's, made into one. Pure.

The model may see a wish where we saw none; it may not turn a line into an act by itself. Where it alone sees one, the
person is asked which was meant. Values that do not stand in the line are not believed.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal

from bethna_cli.domain.utterance import MONEY_INTENTS, IntentKind, Slots, Understood

SURE = 0.85
ACTS = MONEY_INTENTS | {IntentKind.REJECT, IntentKind.SET_EXIT_RULE}
_NUMBER = re.compile(r"(\d[\d,]*(?:\.\d+)?)\s?(k|m)?\b", re.IGNORECASE)
_PLAIN = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?")
_FIGURE = re.compile(r"(?<![\w.,])(\d+(?:,\d{3})*(?:\.\d+)?)(\s?%)?")
LARGEST_COUNT = 31
_MULTIPLES = {"k": 1_000, "m": 1_000_000}


def wants_second_opinion(understood: Understood) -> bool:
    """Say whether our own reading leaves room for a better one."""
    is_vague = understood.kind in (IntentKind.OUT_OF_SCOPE, IntentKind.HELP)
    return understood.alternative is not None or understood.confidence < SURE or is_vague


def settled(ours: Understood, theirs: Understood, text: str) -> Understood:
    """Return what to go by: their kind, unless it is an act that we did not see, then both, to be asked about."""
    slots = _filled(ours.slots, theirs.slots, text)
    if theirs.kind is ours.kind or theirs.kind not in ACTS:
        return replace(theirs, slots=slots, shock_pct=ours.shock_pct, alternative=None)
    return replace(theirs, slots=slots, shock_pct=ours.shock_pct, alternative=ours.kind)


def _filled(ours: Slots, theirs: Slots, text: str) -> Slots:
    """Fill what we did not find with what they found, as far as it stands in the line."""
    numbers = set(_numbers(text))
    found = {name: getattr(ours, name) for name in Slots.__dataclass_fields__}
    for name, value in ((name, getattr(theirs, name)) for name in found):
        if found[name] is not None or value is None:
            continue
        is_number = isinstance(value, Decimal | float)
        stands_there = Decimal(str(value)) in numbers if is_number else name != "position" or str(value) in text.lower()
        if stands_there:
            found[name] = value
    return Slots(**found)


def _numbers(text: str) -> Iterator[Decimal]:
    for match in _NUMBER.finditer(text):
        yield Decimal(match[1].replace(",", "")) * _MULTIPLES.get((match[2] or "").lower(), 1)


def unsupported_figures(answer: str, sources: Sequence[str]) -> list[str]:
    """List the figures of an answer that stand in none of its sources, rounded as the answer rounds them.

    Small whole numbers (a count, a day) are let pass; a per cent may stand there as a fraction.
    """
    known = {abs(Decimal(one.replace(",", ""))) for source in sources for one in _PLAIN.findall(source)}
    found: dict[str, None] = {}
    for match in _FIGURE.finditer(answer):
        digits = match[1].replace(",", "")
        value = Decimal(digits)
        if not match[2] and value == value.to_integral_value() and value <= LARGEST_COUNT:
            continue
        half_a_step = Decimal(1).scaleb(-len(digits.partition(".")[2])) / 2
        factors = (1, 100) if match[2] else (1,)
        if not any(abs(one * factor - value) <= half_a_step for one in known for factor in factors):
            found[match[0].strip()] = None
    return list(found)
