"""What is said about a position that is held: sell it, or sell it later by a rule, and which one is meant.

Pure. A sale goes to its card, a rule is asked about before it is set.
"""

import re
from collections.abc import Sequence

from bethna_cli.domain.conversation import Choice, Choose, Confirm, Context, Held, Run, Say, Speaker, Step
from bethna_cli.domain.utterance import IntentKind, Slots, Understood

USAGE, REFUSED = 2, 3
_HALF = re.compile(r"\b(half|setengah)\b")
_SHARE = re.compile(r"\b(\d{1,2}(?:\.\d+)?)\s?(?:%|per ?cent|percent)")
_REMOVES = re.compile(r"\b(remove|cancel|drop|delete|clear|turn off|no more|without|hapus)\b")


def for_position(text: str, understood: Understood, context: Context, held: Sequence[Held]) -> Step:
    """Sell, or set a rule, for the position that was meant; ask which one where several fit."""
    is_sale = understood.kind is IntentKind.CLOSE_POSITION
    if not is_sale and not _names_rule(text, understood.slots):
        return Say(Speaker.GAMMA, "Sell when? For example: sell my ETH call if it is down 50 % or up 100 %.", USAGE)
    fitting = _fitting(understood.slots, context, held)
    if not fitting:
        named = "You hold nothing of that kind." if held else "You hold no position that I know of."
        return Say(Speaker.GAMMA, f"{named} Look: bethna positions", REFUSED)
    steps = [_sale(text, one) if is_sale else _rule(text, understood.slots, one) for one in fitting]
    if len(steps) == 1:
        return steps[0]
    question = "One at a time. Sell which one?" if is_sale else "A rule for which one?"
    choices = tuple(Choice(f"{one.title} ({one.id})", step) for one, step in zip(fitting, steps, strict=True))
    return Choose(Speaker.GAMMA, question, choices)


def _fitting(slots: Slots, context: Context, held: Sequence[Held]) -> list[Held]:
    """Find the positions that were meant: by id, by what they are, or the one spoken of last."""
    name = (slots.position or "").lower()
    if re.fullmatch(r"(?:0x)?[0-9a-f]{4,64}", name):
        digits = name.removeprefix("0x")
        return [one for one in held if one.transaction.removeprefix("0x").startswith(digits)]
    fitting = [one for one in held if slots.asset in (None, one.asset)]
    if slots.option_type is not None:
        fitting = [one for one in fitting if slots.option_type.value in one.option_type]
    if name == "last" and fitting:
        return fitting[-1:]
    if slots.asset is None and slots.option_type is None and name != "all":
        spoken_of = [one for one in fitting if one.id == context.position]
        return spoken_of or fitting
    return fitting


def _sale(text: str, one: Held) -> Run:
    """Go to the card of a sale; of a part where one was named."""
    line = text.lower()
    share = "50%" if _HALF.search(line) else None
    match = _SHARE.search(line)
    if match is not None and 0 < float(match[1]) < 100:
        share = f"{match[1]}%"
    words = ("close", one.id) if share is None else ("close", one.id, "--fraction", share)
    return Run(Speaker.BETA, words, f"Selling {share + ' of ' if share else ''}{one.title}: the card comes first.")


def _names_rule(text: str, slots: Slots) -> bool:
    named = slots.stop_loss_pct is not None or slots.take_profit_pct is not None
    return named or bool(_REMOVES.search(text.lower()))


def _rule(text: str, slots: Slots, one: Held) -> Confirm:
    """Ask before a rule is set or taken away."""
    flags: list[str] = []
    said: list[str] = []
    if slots.stop_loss_pct is not None:
        flags += ["--stop-loss", f"{slots.stop_loss_pct:g}%"]
        said.append(f"sell when it is down {slots.stop_loss_pct:g} %")
    if slots.take_profit_pct is not None:
        flags += ["--take-profit", f"{slots.take_profit_pct:g}%"]
        said.append(f"sell when it is up {slots.take_profit_pct:g} %")
    if not flags and _REMOVES.search(text.lower()):
        flags, said = ["--remove"], ["take its rules away"]
    question = f"{one.title} ({one.id}): {' or '.join(said)}. Set this?"
    return Confirm(Speaker.GAMMA, question, Run(Speaker.GAMMA, ("exits", one.id, *flags)))
