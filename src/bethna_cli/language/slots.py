"""The slots of an utterance, read from its marks: what a value means depends on the words beside it and on the kind.

A percentage is a stop when the words near it speak of losing, a target when they speak of winning; a bare number is an
amount or a strike only where money is asked about. A value whose meaning is not clear fills no slot.
"""

import re
from decimal import Decimal

from bethna_cli.domain.utterance import Feeling, IntentKind, OptionSide, Slots
from bethna_cli.language.evidence import RANGE
from bethna_cli.language.feelings import feeling_of
from bethna_cli.language.marks import VALUE

_LEAST_STRIKE = 500
_BUYING = frozenset({IntentKind.REQUEST_TRADE_RECOMMENDATION, IntentKind.OPEN_POSITION, IntentKind.BROWSE_STRATEGIES})
_ABOUT_HELD = frozenset({IntentKind.CLOSE_POSITION, IntentKind.SET_EXIT_RULE})
_ALL = re.compile(r"\b(?:everything|all|every|semua(?:nya)?|flatten|entire|whole)\b")
_LAST = re.compile(
    r"\b(?:last|latest|newest|most recent|terakhir) (?:one|position|trade|buy|purchase|option"
    r"|posisi)\b"
)
_LOSS = re.compile(
    r"\b(?:stop_loss\w*|stops?|down|los\w+|drops?|dropp\w+|falls?|fell|fallen|fall\w*|below|minus|rugi"
    r"|turun|decline\w*|sinks?"
    r"|red|dips?|bleed\w*|worse|crash\w*|dumps?|tanks?|cut|shed\w*|under)\b"
)
_GAIN = re.compile(
    r"\b(?:take_profit\w*|targets?|up|gain\w*|profit\w*|wins?|winning|untung|naik|rises?|rose|above"
    r"|green|plus|makes?|made|earn\w*|higher"
    r"|jumps?|climbs?|rall\w+|grow\w*|pumps?|cuan|increas\w*|ahead|over|returns?)\b"
)
_MULTIPLES = (
    (re.compile(r"\b(?:doubl\w+|2x|2 ?× ?|twice)\b|~num:2 ?x\b"), 100.0),
    (re.compile(r"\b(?:tripl\w+|3x|threefold)\b|~num:3 ?x\b"), 200.0),
    (re.compile(r"\b(?:quadrupl\w+|4x)\b|~num:4 ?x\b"), 300.0),
    (re.compile(r"\b(?:5x|fivefold)\b|~num:5 ?x\b"), 400.0),
    (re.compile(r"\b10x\b|~num:10 ?x\b"), 900.0),
)
_HALVES = re.compile(
    r"\b(?:halv\w+|half (?:its|the|of its|my|of my) (?:value|money|price|worth|premium|cost)|(?:los\w+"
    r"|drops?(?: by)?|down(?: by)?|falls?(?: by)?|cut in|in) (?:a |by )?half|(?:rugi )?setengah)\b"
)
_RULE_NUMBER = re.compile(
    rf"\b(?P<rule>stop_loss|take_profit|stop|target)s?(?: (?:at|of|to|is|di|ke|jadi|around|="
    rf"|level))*[ :=@]*~num:(?P<value>{VALUE})(?! ?x\b)"
)
_LARGEST_BARE_PCT = 500
_SHOCK_DOWN = re.compile(
    r"\b(?:drop\w*|fall\w*|fell|crash\w*|dump\w*|down|turun|anjlok|tank\w*|sink\w*|los\w+|decline\w*"
    r"|plunge\w*|correct\w*|dips?|slides?|tumbles?|lower|jatuh)\b"
)
_SHOCK_UP = re.compile(
    r"\b(?:ris\w+|rall\w+|up|naik|gain\w*|pump\w*|jump\w*|climb\w*|moon\w*|higher|increas\w*|surg\w*"
    r"|rips?|soars?|plus|melonjak)\b"
)
_AMOUNT_WORDS = (
    r"(?:spare|extra|another|have|had|got|having|spend|spending|for|with|budget|budget (?:is|of)|risk|max|amount"
    r"|only|make it"
    r"|worth|put|place|use|invest|ape|about|to|of|sebesar|senilai|modal|pakai|seharga|dengan|jadi|than"
    r"|under|below|up to|most|is|,|of:|amount:|budget:)"
)


def slots_of(marked: str, kind: IntentKind) -> Slots:
    """Read the slots of a marked line, understood as `kind`."""
    stop, take = _exit_levels(marked, kind)
    single = RANGE.sub(" ", marked)
    strike = _strike(single, kind)
    return Slots(
        asset=_asset(marked),
        sentiment=_sentiment(marked, kind),
        option_type=_side(marked),
        strike=strike,
        expiry_days=_expiry(marked, kind),
        amount=_amount(single, kind, has_strike=strike is not None),
        position=_position(marked, kind),
        stop_loss_pct=stop,
        take_profit_pct=take,
    )


def shock_of(marked: str) -> float | None:
    """Return the move a what-if asks about, signed: "drops 10 %" is -10. A move without a direction is a fall."""
    found = re.search(rf"~pct:([mp]?)({VALUE})", marked)
    if found is None:
        return None
    is_up = found[1] == "p" or (found[1] != "m" and _nearest(marked, found) is _SHOCK_UP)
    return float(found[2]) if is_up else -float(found[2])


def _nearest(marked: str, at: re.Match[str]) -> re.Pattern[str]:
    ups = [_gap(word, at) for word in _SHOCK_UP.finditer(marked)]
    downs = [_gap(word, at) for word in _SHOCK_DOWN.finditer(marked)]
    return _SHOCK_UP if ups and (not downs or min(ups) < min(downs)) else _SHOCK_DOWN


def _first(pattern: str, marked: str) -> str | None:
    found = re.search(pattern, marked)
    return found[1] if found else None


def _asset(marked: str) -> str | None:
    """Return the first asset that is named; of "ETH or BTC" neither."""
    either = re.search(r"~asset:([A-Z]+) or ~asset:([A-Z]+)", marked)
    if either and either[1] != either[2]:
        return None
    return _first(r"~asset:([A-Z]+)", marked)


def _sentiment(marked: str, kind: IntentKind) -> Feeling | None:
    if kind not in _BUYING:
        return None
    return feeling_of(marked, only_named=kind is not IntentKind.REQUEST_TRADE_RECOMMENDATION)


def _side(marked: str) -> OptionSide | None:
    """Return the side that is named; of two, the one that is not ruled out; of two alike, none."""
    named = set(re.findall(r"~(call|put)\b", marked))
    if len(named) == 2:
        named -= set(
            re.findall(
                r"(?:\bnot|\binstead_of|\brather than|\bover)(?: (?:a|an|the|another))? (?:~asset:[A-Z]+ )?~(call"
                r"|put)\b",
                marked,
            )
        )
    return OptionSide(named.pop().upper()) if len(named) == 1 else None


def _strike(marked: str, kind: IntentKind) -> Decimal | None:
    named = _first(rf"~strike:({VALUE})", marked)
    has_option = re.search(r"~(?:call|put)\b|\bstrikes?\b", marked)
    if named is not None and (has_option or kind in _BUYING or kind in _ABOUT_HELD):
        return Decimal(named)
    if kind not in _BUYING or not has_option:
        return None
    bare = [Decimal(value) for value in re.findall(rf"~num:({VALUE})", marked)]
    large = [value for value in bare if value >= _LEAST_STRIKE]
    return large[0] if len(large) == 1 or (large and re.search(r"~usd:", marked)) else None


def _expiry(marked: str, kind: IntentKind) -> float | None:
    days = _first(rf"~days:({VALUE})", marked)
    return float(days) if days is not None and kind in _BUYING else None


def _amount(marked: str, kind: IntentKind, *, has_strike: bool) -> Decimal | None:
    named = _first(rf"~usd:({VALUE})", marked)
    if named is not None:
        return Decimal(named)
    if kind not in _BUYING:
        return None
    bare = re.search(
        rf"\b{_AMOUNT_WORDS} ~num:({VALUE})(?! (?:~(?:call|put)|~asset|contracts?|options?|times|trades?"
        rf"|x\b))",
        marked,
    )
    if bare is None and has_strike:
        bare = re.search(
            rf"~num:({VALUE})(?! (?:~(?:call|put)|~asset|contracts?|options?))(?=\W*$)"
            rf"|~num:({VALUE})(?= (?:into|on|in|at)\b)",
            marked,
        )
    value = next((group for group in bare.groups() if group), None) if bare else None
    return Decimal(value) if value is not None and Decimal(value) > 0 else None


def _position(marked: str, kind: IntentKind) -> str | None:
    if kind is IntentKind.OUT_OF_SCOPE:
        return None
    named = _first(r"~id:([0-9a-fx]+)", marked)
    if named is not None or kind not in _ABOUT_HELD:
        return named
    if _ALL.search(marked):
        return "all"
    return "last" if _LAST.search(marked) else None


# ── exit levels ───────────────────────────────────────────────────────────────────────────────────────────────────


def _exit_levels(marked: str, kind: IntentKind) -> tuple[float | None, float | None]:
    """Return (stop, take): the words nearest to a percentage say which of the two it is."""
    by_words = kind is IntentKind.SET_EXIT_RULE
    if not by_words and not re.search(r"\b(?:stop_loss|take_profit)\b", marked):
        return None, None
    marked = _RULE_NUMBER.sub(_as_percent, marked)
    levels: dict[str, float] = {}
    marked = re.sub(r"\b(?:from|dari) ~pct:\w+ (?=(?:to|ke|jadi) ~pct)", "", marked)
    percentages = list(re.finditer(rf"~pct:([mp]?)({VALUE})", marked))
    paired = _paired(marked, percentages)
    for at, found in enumerate(percentages):
        side = paired[at] if paired else _side_of(marked, found)
        levels.setdefault(side, float(found[2]))
    if by_words:
        if _HALVES.search(marked):
            levels.setdefault("stop", 50.0)
        for pattern, value in _MULTIPLES:
            if pattern.search(marked):
                levels.setdefault("take", value)
    return levels.get("stop"), levels.get("take")


def _as_percent(found: re.Match[str]) -> str:
    """Write "stop at 30" as "stop ~pct:30": nothing then stands between a rule and its number."""
    return f"{found['rule']} ~pct:{found['value']}" if Decimal(found["value"]) <= _LARGEST_BARE_PCT else found[0]


def _paired(marked: str, percentages: list[re.Match[str]]) -> list[str] | None:
    """Read "stop and target at 20% and 50%": two rules, then two numbers, in the same order."""
    rules = list(re.finditer(r"\b(stop_loss|stop|take_profit|target)\b", marked))
    if len(rules) == 2 == len(percentages) and rules[1].end() < percentages[0].start():
        return ["stop" if rule[1].startswith("stop") else "take" for rule in rules]
    return None


def _side_of(marked: str, found: re.Match[str]) -> str:
    if found[1]:
        return "stop" if found[1] == "m" else "take"
    losses = [_gap(word, found) for word in _LOSS.finditer(marked)]
    gains = [_gap(word, found) for word in _GAIN.finditer(marked)]
    if not losses and not gains:
        return "take" if re.search(r"\b(?:hits?|reach\w*)\b", marked) else "stop"
    return "stop" if losses and (not gains or min(losses) <= min(gains)) else "take"


def _gap(word: re.Match[str], at: re.Match[str]) -> int:
    """Count the characters between a word and a mark; a word before is a little nearer than one behind."""
    if word.end() <= at.start():
        return 2 * (at.start() - word.end())
    return 2 * (word.start() - at.end()) + 1
