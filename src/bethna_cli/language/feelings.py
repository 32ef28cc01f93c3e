"""A person's opinion on the price, as they put it: up, down, still, or a large move either way.

A question about other people's opinion is no opinion; the caller asks only where the person speaks of their own.
"""

import re

from bethna_cli.domain.utterance import Feeling

_NAMED = (
    (
        Feeling.VOLATILE,
        r"either_way|moves? hard|hard move|(?:on|from|long|for) volatility|big (?:move|swing)s?|huge (?:move|swing)s?"
        r"|large (?:move|swing)s?|massive (?:move"
        r"|swing)s?|violent\w*|wild\w*|whipsaw\w*|explosive|volatile|volatility (?:spike|explosion|will"
        r"|is going|to (?:rise|explode|spike|increase))|long volatility|some volatility|more volatility"
        r"|(?:lots?|a lot) of volatility|high volatility|fireworks|bergejolak|volatil|break out of (?:the "
        r"|its )?range|goes crazy|move a lot|moves? big|straddle|strangle",
    ),
    (
        Feeling.NEUTRAL,
        r"neutral|netral|sideways?|flat|chops?|choppy|chopping|crabs?|crabbing|range[ -]?bound|rang(?:e"
        r"|ing)|consolidat\w*|stable|boring|quiet|calm|stagnant|stagnat\w*|nowhere|not (?:move|moving|do"
        r"|doing) much|(?:barely|hardly|scarcely) (?:move|moves|budge|budges)|nothing (?:much )?(?:will "
        r"|is going to )?(?:happen\w*|moves?)|stays? (?:put|here"
        r"|where it is|around|the same|in (?:the |this |a )?range)|no (?:big |real |clear )?(?:move|moves"
        r"|movement|direction|trend)|tenang|datar|low volatility|pinned|hovers?",
    ),
    (Feeling.BULLISH, r"bull(?:ish)?|bulls|optimistic|(?:outlook|view|opinion|feeling)[^.?]* positive"),
    (Feeling.BEARISH, r"bear(?:ish)?|bears|pessimistic|toppy|(?:outlook|view|opinion|feeling)[^.?]* negative"),
)
_MOVING = (
    (
        Feeling.BULLISH,
        r"to the moon|on a tear|on fire|ride (?:it|the)|moon\w*|lambo|pump\w*|rall(?:y|ies|ying)|ris(?:e"
        r"|es|ing)|rips?|ripping|soar\w*"
        r"|surg\w*|climb\w*|higher|break\w* ?out|goes? up|going up|go up|head\w* up|heading north|north"
        r"|upside|up (?:from here|big|only|bad|soon)|naik|menguat|terbang|(?:looks?|looking|is|seems|very"
        r"|pretty|super) strong|recover\w*|rebound\w*"
        r"|bounc\w*|undervalued|cheap here|bottom(?:ed)?(?: is)?(?: in)?|takes? off|fly\w*|skyrocket\w*"
        r"|explod(?:e|es|ing) (?:up\w*|higher)|appreciat\w*|increas\w*|long (?:on )?~asset|go(?:ing)? long"
        r"|all[ -]time high|new highs?|gains?|run up|uptrend|send(?:s|ing)? it|above ~level"
        r"|~asset:[A-Z]+ to ~level|jump\w*|green candles?|bagus(?! (?:ga|gak|nggak|tidak|apa)\b)|(?:leaning|lean"
        r"|biased|bias is) (?:long|up)",
    ),
    (
        Feeling.BEARISH,
        r"dump\w*|dips?|dipping|crash\w*|fall\w*|drop\w*|tank\w*|sink\w*|lower|roll\w* over|collaps\w*"
        r"|correct(?:ion|s)?"
        r"|bleed\w*|goes? down|going down|go down|head\w* down|heading south|south|downside|downtrend"
        r"|turun|anjlok|jatuh|melemah|weak\w*|overvalued|overbought|top(?:ped)?(?: is)? in|topped|plung\w*"
        r"|slid(?:e|es|ing)|tumbl\w*|nosedive\w*|rekt|short(?:ing)?|bet(?:ting)? against|against ~asset"
        r"|below ~level|die|dead|dying|doomed|decline\w*|pull ?back|retrace\w*|sell[ -]?off|going to zero"
        r"|hedge|protect\w* (?:me )?(?:against|from)|bearmarket|lose value|cools? (?:off|down)|ambruk"
        r"|red candles?|goes? under|(?:leaning|lean|biased|bias is) (?:short|down)",
    ),
)
_NAMED_PATTERNS = tuple((feeling, re.compile(rf"(?<![a-z_])(?:{words})(?![a-z])")) for feeling, words in _NAMED)
_MOVING_PATTERNS = tuple((feeling, re.compile(rf"(?<![a-z_])(?:{words})(?![a-z])")) for feeling, words in _MOVING)
_NEGATION = re.compile(r"\b(?:not|no|never|n't|tidak|nggak|gak|bukan|doubt|without)\b(?: \S+){0,4} ?$")
_NO_VIEW = re.compile(r"\b(?:limited|low|little|capped|small|max|maximum) (?:downside|upside)\b")
_OPPOSITE = {Feeling.BULLISH: Feeling.BEARISH, Feeling.BEARISH: Feeling.BULLISH}
_UNSURE = re.compile(
    r"\blong or short\b|\bshort or long\b|\bup or down\b|\b~?call or (?:a )?~?put\b"
    r"|\bbullish or bearish\b|\bnaik atau turun\b"
)


def feeling_of(line: str, *, only_named: bool) -> Feeling | None:
    """Return the opinion in a marked line, None where there is none or two contradict each other.

    only_named: take a view by its name alone ("bullish"), because words of movement are about something else there.
    """
    line = _NO_VIEW.sub(" ", line)
    if re.search(r"\beither_way\b", line):
        return Feeling.VOLATILE
    if _UNSURE.search(line):
        return None
    return _found(_NAMED_PATTERNS, line) or (None if only_named else _found(_MOVING_PATTERNS, line))


def _found(patterns: tuple[tuple[Feeling, re.Pattern[str]], ...], line: str) -> Feeling | None:
    said: set[Feeling] = set()
    for feeling, pattern in patterns:
        for found in pattern.finditer(line):
            is_denied = bool(_NEGATION.search(line[: found.start()]))
            if not is_denied:
                said.add(feeling)
            elif feeling in _OPPOSITE:
                said.add(_OPPOSITE[feeling])
    return said.pop() if len(said) == 1 else None
