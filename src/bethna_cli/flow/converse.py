"""Answer one turn: from what was understood and what is on the table to the step that follows.

Pure. Whoever understood the text (the grammar, a classifier, a language model), a money intent leads to the review card
and no further, a change without a card is asked about first, and what was not understood does nothing.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from bethna_cli.domain.conversation import (
    Choice,
    Choose,
    Confirm,
    Context,
    Explain,
    Held,
    Request,
    Run,
    Say,
    Speaker,
    Step,
    TakeToCard,
)
from bethna_cli.domain.redaction import holds_key
from bethna_cli.domain.utterance import Feeling, IntentKind, OptionSide, Slots, Understood
from bethna_cli.flow.explain import is_about_the_table, is_definition
from bethna_cli.flow.follow_up import changed, plain
from bethna_cli.flow.position_talk import for_position
from bethna_cli.flow.small_talk import beyond

REFUSED = 3
DEFAULT_ASSET = "ETH"
LABELS = {
    IntentKind.REQUEST_TRADE_RECOMMENDATION: "get an idea from Alpha",
    IntentKind.BROWSE_STRATEGIES: "see what is on offer",
    IntentKind.OPEN_POSITION: "price a purchase of your own",
    IntentKind.APPROVE: "take what is on the table to the card",
    IntentKind.REJECT: "turn down what is on the table",
    IntentKind.SHOW_POSITIONS: "see your positions",
    IntentKind.CLOSE_POSITION: "sell a position now",
    IntentKind.SET_EXIT_RULE: "set a rule for selling later",
    IntentKind.SHOW_MARKET: "see the market",
    IntentKind.SHOW_RISK: "see your risk",
    IntentKind.SHOW_HISTORY: "see past trades",
    IntentKind.SHOW_ALERTS: "see the alerts",
    IntentKind.EXPLAIN: "have something explained",
    IntentKind.HELP: "see what I can do",
    IntentKind.OUT_OF_SCOPE: "something else",
}
_YES = re.compile(
    r"(?:yes|y|yep|yeah|yup|sure|ok|okay|do it|please do|go|ya|iya|boleh|confirm(?:ed)?)[ ,.!]*(?:please)?[.!]*"
)
_NO = re.compile(r"(?:no|n|nope|nah|don'?t|do not|cancel|never ?mind|neither|none|stop|tidak|nggak|jangan|batal)[ .!]*")
_ORDINALS = {"first": 1, "former": 1, "second": 2, "latter": 2, "third": 3, "fourth": 4}
_REPORTS = re.compile(r"\b(report|performance|win ?rate|statistics?|stats|drawdown|laporan)\b")

_STRADDLE = "A straddle gains from a large move either way; bethna can price one: bethna buy eth-straddle -h"


def reply(text: str, understood: Understood, context: Context, held: Sequence[Held]) -> tuple[Step, Context]:
    """Return the step that answers a turn, and the context with what the step itself is about.

    held: the open positions, as a person may refer to them.
    """
    step = _answer(text, understood, context, held)
    pending = step if isinstance(step, Choose | Confirm) else None
    return step, replace(context, pending=pending)


def _answer(text: str, understood: Understood, context: Context, held: Sequence[Held]) -> Step:
    if holds_key(_without_ids(text, held)):
        return Say(
            Speaker.BETA,
            "That looked like a key or a password. I neither keep it nor pass it on, and nobody needs it here. Treat "
            "it as known to others now; bethna wallet import reads a key at a hidden prompt.",
            REFUSED,
        )
    if context.pending is not None:
        answered = _answered(text, context.pending)
        if answered is not None:
            return answered
    follow_up = _follow_up(text, understood, context)
    if follow_up is not None:
        return follow_up
    if understood.alternative is not None:
        kinds = {understood.kind, understood.alternative}
        about_the_table = context.offered is not None and is_about_the_table(text)
        if IntentKind.EXPLAIN in kinds and (about_the_table or is_definition(text)):
            return Explain(text)
        return _which(text, understood, understood.alternative, context, held)
    return for_kind(text, understood, context, held)


def _without_ids(text: str, held: Sequence[Held]) -> str:
    """Shorten the ids of positions: a transaction's hash looks like a private key."""
    for one in held:
        text = text.replace(one.transaction, one.id).replace(one.transaction.removeprefix("0x"), one.id)
    return text


# ── what was asked before ─────────────────────────────────────────────────────────────────────────────────────────


def _answered(text: str, pending: Choose | Confirm) -> Step | None:
    """Read an answer to the open question; None when the text is none, and the question is dropped."""
    line = " ".join(text.lower().split()).strip(" .!")
    if _NO.fullmatch(line):
        return Say(pending.speaker, "Left as it is.")
    if isinstance(pending, Confirm):
        return pending.run if _YES.fullmatch(line) else None
    number = int(line) if line.isdecimal() and len(line) < 3 else None
    for word, place in _ORDINALS.items():
        if re.fullmatch(rf"(?:the )?{word}(?: one)?", line):
            number = place
    if number is not None and 1 <= number <= len(pending.choices):
        return pending.choices[number - 1].step
    named = [choice for choice in pending.choices if line and line in choice.label.lower()]
    return named[0].step if len(named) == 1 else None


def _which(text: str, understood: Understood, alternative: IntentKind, context: Context, held: Sequence[Held]) -> Step:
    """Ask which of two kinds was meant; "something else" comes last."""
    kinds = sorted((understood.kind, alternative), key=lambda kind: kind is IntentKind.OUT_OF_SCOPE)
    choices = tuple(
        Choice(LABELS[kind], for_kind(text, replace(understood, kind=kind, alternative=None), context, held))
        for kind in kinds
    )
    return Choose(Speaker.COPILOT, "I am not sure what you mean. Which of these?", choices)


def _follow_up(text: str, understood: Understood, context: Context) -> Step | None:
    """Follow on from the last look at a market, or from the trade on the table where that fits better."""
    for last in dict.fromkeys((context.request, context.idea)):
        wanted = None if last is None else changed(text, understood.slots, last)
        if last is not None and wanted is not None:
            is_later = understood.kind is IntentKind.REJECT and wanted == replace(last, expiry=wanted.expiry)
            return None if is_later else look(wanted)
    return None


def look(request: Request, remark: str = "") -> Run:
    """Look at the market as requested; Alpha speaks, and a purchase of one's own goes on to Beta's card."""
    return Run(Speaker.ALPHA, request.command, remark or _said(request), to_card=request.verb == "buy")


def _said(request: Request) -> str:
    """Repeat a request in a few words, so that a misunderstanding is seen before its answer is read."""
    if request.verb == "recommend":
        view = f", you are {request.view}" if request.view else ""
        money = f", at most {request.budget} USDC" if request.budget else ""
        span = f", about {request.expiry}" if request.expiry else ""
        delta = f", delta near {request.delta}" if request.delta else ""
        return f"An idea for {request.asset}{view}{money}{span}{delta}."
    if request.verb == "strategies":
        return f"What is on offer: {request.asset} {request.kind or 'options'}{'s' if request.kind else ''}."
    if request.verb == "buy":
        kind = (request.kind or "").replace("-", " ")
        return f"Your choice: {request.asset} {kind} at {request.strike}."
    return ""


# ── by kind ───────────────────────────────────────────────────────────────────────────────────────────────────────


def for_kind(text: str, understood: Understood, context: Context, held: Sequence[Held]) -> Step:
    """Return what a kind of utterance leads to."""
    slots, kind = understood.slots, understood.kind
    match kind:
        case IntentKind.REQUEST_TRADE_RECOMMENDATION:
            return _idea(slots, context)
        case IntentKind.BROWSE_STRATEGIES:
            return look(Request("strategies", _asset(slots, context), _kind(slots)))
        case IntentKind.OPEN_POSITION:
            return _purchase(text, slots, context)
        case IntentKind.APPROVE:
            return _approval(context)
        case IntentKind.REJECT:
            return _rejection(context)
        case IntentKind.SHOW_POSITIONS:
            return Run(Speaker.GAMMA, ("positions",))
        case IntentKind.CLOSE_POSITION | IntentKind.SET_EXIT_RULE:
            return for_position(text, understood, context, held)
        case IntentKind.SHOW_MARKET:
            return look(Request("market", _asset(slots, context)))
        case IntentKind.SHOW_RISK:
            return _risk(text, understood.shock_pct, context, held)
        case IntentKind.SHOW_HISTORY:
            return Run(Speaker.GAMMA, ("report",) if _REPORTS.search(text.lower()) else ("history",))
        case IntentKind.SHOW_ALERTS:
            return Run(Speaker.GAMMA, ("alerts",))
        case IntentKind.EXPLAIN:
            return Explain(text)
        case IntentKind.HELP | IntentKind.OUT_OF_SCOPE:
            return beyond(text, kind)


def _asset(slots: Slots, context: Context) -> str:
    return slots.asset or context.asset or DEFAULT_ASSET


def _kind(slots: Slots) -> str | None:
    return {OptionSide.CALL: "call", OptionSide.PUT: "put"}.get(slots.option_type) if slots.option_type else None


def _idea(slots: Slots, context: Context) -> Step:
    view = {Feeling.BULLISH: "bullish", Feeling.BEARISH: "bearish", Feeling.NEUTRAL: "neutral"}
    request = Request(
        "recommend",
        _asset(slots, context),
        view=view.get(slots.sentiment) if slots.sentiment else None,
        budget=None if slots.amount is None else plain(slots.amount),
        expiry=None if slots.expiry_days is None else f"{slots.expiry_days:g}d",
    )
    remark = _said(request)
    if slots.asset is None and context.asset is None:
        remark += f" You named no asset, so {DEFAULT_ASSET}."
    if slots.sentiment is Feeling.VOLATILE:
        remark += f" {_STRADDLE}"
    return look(request, remark)


def _purchase(text: str, slots: Slots, context: Context) -> Step:
    """Price a purchase and go on to its card, or ask for what is missing to name it."""
    asset = _asset(slots, context)
    kind = "straddle" if "straddle" in text.lower() else _kind(slots)
    if kind is None and slots.strike is None and context.offered is not None and slots.asset in (None, asset):
        return _approval(context)
    if kind is None:
        question = f"A call gains when {asset} rises, a put when it falls. Which one?"
        sides = ("call", "put")
        steps = [look(Request("strategies", asset, side)) for side in sides]
        choices = tuple(Choice(side, step) for side, step in zip(sides, steps, strict=True))
        return Choose(Speaker.ALPHA, question, choices)
    if slots.strike is None:
        board = Request("strategies", asset, None if kind == "straddle" else kind)
        return look(board, f"Which strike? These are on offer. Then: buy the STRIKE {asset} {kind}, AMOUNT usdc.")
    request = Request(
        "buy",
        asset,
        kind,
        strike=plain(slots.strike),
        expiry=None if slots.expiry_days is None else f"{slots.expiry_days:g}d",
        budget=None if slots.amount is None else plain(slots.amount),
    )
    return look(request)


def _risk(text: str, shock: float | None, context: Context, held: Sequence[Held]) -> Step:
    """Look at the risk of what is held; whoever holds nothing asks about the trade on the table."""
    if shock is None and not held and context.offered is not None and is_about_the_table(text):
        return Explain(text)
    return Run(Speaker.GAMMA, ("risk",) if shock is None else ("risk", f"--shock={shock:g}%"))


def _approval(context: Context) -> Step:
    offered = context.offered
    if offered is None:
        return Say(
            Speaker.BETA, "Nothing is on the table to say yes to. Ask first: what should I do with ETH?", REFUSED
        )
    if not offered.is_hold:
        return TakeToCard()
    if not offered.buy_line:
        return Say(Speaker.BETA, "Alpha's answer was HOLD, and there is nothing to buy in it.", REFUSED)
    run = Run(Speaker.BETA, offered.buy_line, "Your choice, against Alpha's advice.", to_card=True)
    question = "Alpha's answer was HOLD. Put the candidate it refused on a card anyway?"
    return Confirm(Speaker.BETA, question, run)


def _rejection(context: Context) -> Step:
    if context.offered is None:
        return Say(Speaker.COPILOT, "Nothing is on the table, so there is nothing to turn down.")
    return Run(Speaker.BETA, ("reject", context.offered.id))
