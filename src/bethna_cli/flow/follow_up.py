"""Short answers that only make sense after something was said: "and for BTC?", "make it 200", "closer strike".

Pure. A sentence counts as a follow-up when, without its filler words, nothing is left of it but values; a sentence that
says more is understood by itself.
"""

import re
from dataclasses import replace
from decimal import Decimal, InvalidOperation

from bethna_cli.domain.conversation import Request
from bethna_cli.domain.utterance import Feeling, OptionSide, Slots

LONGEST_FOLLOW_UP = 9
DELTA_STEP, NEAREST_DELTA, FARTHEST_DELTA, DEFAULT_DELTA = Decimal("0.10"), Decimal("0.50"), Decimal("0.05"), "0.30"
DEFAULT_EXPIRY = "7d"
DEFAULT_BUDGET = "100"

_FILLERS = frozenset(
    """
    a actually again also amount an and at bagaimana budget but by change do expiring expiry for from gimana go how i
    i'd if in instead is it it's its just kalau let let's lets make maybe mean meant now of ok okay on only oh option
    options or please pls prefer put premium rather same set should show size so sorry spend strike strikes switch take
    the then thing time to try untuk up use want wait was well what whatabout with would yeah you me my hmm um uh yang
    saja dong deh aja about yes yep sure usd usdc dollars dollar bucks buck days day weeks week month months
    d w k no nope not
    """.split()  # noqa: SIM905 (a list of words reads better as words)
)
_VALUE_WORDS = re.compile(
    r"\$?\d[\d,.]*(?:k|d|w|h|%|usdc?)?|(?:mon|tues|wednes|thurs|fri|satur|sun)day|tomorrow|next|two|three|one|four|five"
    r"|jan\w*|feb\w*|mar\w*|apr\w*|may|jun\w*|jul\w*|aug\w*|sep\w*|oct\w*|nov\w*|dec\w*|end|eom"
    r"|eth|ether|ethereum|weth|btc|bitcoin|xbt|cbbtc|sol|solana"
    r"|calls?|puts?|straddles?|spreads?|bullish|bearish|neutral|sideways|flat|up|down|hundred|thousand|grand"
)
_NOT_THIS = re.compile(r"\bnot\s+(?:a |the |on |for )?(calls?|puts?|eth\w*|btc|bitcoin)\b")
_NUMBER = re.compile(r"\$?\s?(\d[\d,]*(?:\.\d+)?)\s?(k\b)?")
_IS_MONEY = re.compile(r"\$|\b(usdc?|bucks?|dollars?|budget|amount|spend)\b|\d\s?usdc?\b")
_NEARER = re.compile(r"\b(closer|nearer|tighter)\b.*|\bat[- ]the[- ]money\b|\batm\b|\bhigher delta\b")
_FARTHER = re.compile(r"\b(further|farther|wider|cheaper)\b.*|\bout[- ]of[- ]the[- ]money\b|\botm\b|\blower delta\b")
_LONGER = re.compile(r"\b(longer|later|more time)\b")
_SHORTER = re.compile(r"\b(shorter|sooner|less time|earlier)\b")
_DOUBLE = re.compile(r"\b(double (it|that|the (amount|size|budget))|twice (as much|the)|2x)\b")
_HALVE = re.compile(r"\b(half (of )?(it|that|as much|the (amount|size|budget))|halve (it|that))\b")
_AGAIN = re.compile(r"(once more|again|refresh|same again|new quote|try again|update( it)?|lagi)[.!]*", re.IGNORECASE)
_SPAN = re.compile(r"(\d+(?:\.\d+)?)([hdw])")
_VIEWS = {Feeling.BULLISH: "bullish", Feeling.BEARISH: "bearish", Feeling.NEUTRAL: "neutral"}


def changed(text: str, slots: Slots, last: Request) -> Request | None:
    """Return the last request with what a follow-up changes, None when the text is no follow-up."""
    line = " ".join(text.lower().split()).strip(" .!?,")
    if not line or len(line.split()) > LONGEST_FOLLOW_UP:
        return None
    if _AGAIN.fullmatch(line):
        return last
    turned = _turned(line, last)
    if turned is not None:
        return turned
    if not _is_only_values(line):
        return None
    return _with_values(line, slots, last)


def _turned(line: str, last: Request) -> Request | None:
    """Follow an order like "closer strike" or "double it"."""
    if last.verb == "recommend" and (_NEARER.search(line) or _FARTHER.search(line)):
        step = DELTA_STEP if _NEARER.search(line) else -DELTA_STEP
        if re.search(r"\bat[- ]the[- ]money\b|\batm\b", line):
            return replace(last, delta=str(NEAREST_DELTA))
        wanted = Decimal(last.delta or DEFAULT_DELTA) + step
        return replace(last, delta=str(min(NEAREST_DELTA, max(FARTHEST_DELTA, wanted))))
    if last.verb == "buy" and (_NEARER.search(line) or _FARTHER.search(line)):
        return Request("strategies", last.asset, last.kind)
    if last.verb in ("recommend", "buy"):
        if _LONGER.search(line):
            return replace(last, expiry=_scaled(last.expiry or DEFAULT_EXPIRY, Decimal(2)))
        if _SHORTER.search(line):
            return replace(last, expiry=_scaled(last.expiry or DEFAULT_EXPIRY, Decimal("0.5")))
        if _DOUBLE.search(line) or _HALVE.search(line):
            factor = Decimal(2) if _DOUBLE.search(line) else Decimal("0.5")
            return replace(last, budget=plain(Decimal(last.budget or DEFAULT_BUDGET) * factor))
    return None


def _is_only_values(line: str) -> bool:
    words = [word.strip("?,!.'\"") for word in line.replace("-", " ").split()]
    rest = [word for word in words if word and word not in _FILLERS]
    kept = [word for word in rest if not _VALUE_WORDS.fullmatch(word)]
    return not kept and any(_VALUE_WORDS.fullmatch(word) for word in words)


def _with_values(line: str, slots: Slots, last: Request) -> Request | None:
    line = _NOT_THIS.sub("", line)
    wanted = last
    if slots.asset is not None and slots.asset != last.asset:
        wanted = _for_asset(wanted, slots.asset)
    kind = _kind(line, slots)
    if kind is not None and kind != wanted.kind:
        wanted = Request("strategies", wanted.asset, kind)
    if slots.sentiment in _VIEWS and last.verb in ("recommend", "market"):
        wanted = replace(wanted, verb="recommend", view=_VIEWS[slots.sentiment])
    if slots.expiry_days is not None and last.verb in ("recommend", "buy"):
        wanted = replace(wanted, expiry=f"{slots.expiry_days:g}d")
    else:
        wanted = _with_number(line, wanted)
    return None if wanted == last else wanted


def _for_asset(last: Request, asset: str) -> Request:
    """Ask the same of another asset; a strike means nothing there, so a purchase becomes a look at what is on offer."""
    if last.verb == "buy":
        return Request("strategies", asset, last.kind)
    return replace(last, asset=asset, delta=last.delta)


def _kind(line: str, slots: Slots) -> str | None:
    if re.search(r"\bcalls?\b", line):
        return "call"
    if re.search(r"\bputs\b|\b(?:a|the) put\b|\bput\b(?= (?:option|instead|please)|$)", line):
        return "put"
    return {OptionSide.CALL: "call", OptionSide.PUT: "put"}.get(slots.option_type) if slots.option_type else None


def _with_number(line: str, wanted: Request) -> Request:
    """Take a bare number for a strike where it is near the last one, else for the amount."""
    match = _NUMBER.search(line)
    if match is None or wanted.verb not in ("recommend", "buy"):
        return wanted
    try:
        number = Decimal(match[1].replace(",", "")) * (1000 if match[2] else 1)
    except InvalidOperation:
        return wanted
    if number <= 0:
        return wanted
    is_money = bool(_IS_MONEY.search(line))
    is_strike = "strike" in line or (not is_money and _is_near(number, wanted.strike))
    if is_strike and wanted.verb == "buy":
        return replace(wanted, strike=plain(number))
    return wanted if is_strike else replace(wanted, budget=plain(number))


def _is_near(number: Decimal, strike: str | None) -> bool:
    try:
        known = Decimal(strike) if strike else None
    except InvalidOperation:
        return False
    return known is not None and known / 2 <= number <= known * 2


def _scaled(span: str, factor: Decimal) -> str:
    """Make a span longer or shorter; a fixed day cannot be scaled and gives the default, scaled."""
    match = _SPAN.fullmatch(span) or _SPAN.fullmatch(DEFAULT_EXPIRY)
    if match is None:
        return span
    return f"{plain(Decimal(match[1]) * factor)}{match[2]}"


def plain(number: Decimal) -> str:
    """Write a number as flags take it: no exponent, no needless zeros."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
