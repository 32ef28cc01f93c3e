"""Turns of speech that borrow the words of an order: "close the door", "take it easy", "I don't buy it".

Most hold a word that has no place in an order: orders are made of few words, and the model file lists those that the
training orders are made of. Whoever says "close the app" wants something, but not to sell; an order in words that
nobody expected is asked about, never guessed. The few turns that are made of an order's words alone stand here.
"""

import re
from collections.abc import Sequence, Set

from bethna_cli.domain.utterance import IntentKind

_FIGURES = re.compile(
    r"\b(?:let (?:it|that|this) (?:go|be)|take (?:it|that|this) (?:easy|slow|back|away)|take (?:care|over|off|place)"
    r"|go (?:away|home|to bed|to sleep|out|back|off|long way)|do (?:it|that|this) (?:yourself|again|myself)|do the math"
    r"|make my day|make it so,? number|shut up|take my money|copy that \w+|make (?:the|a) ~call|make sense"
    r"|way to go|go team|no go|deal (?:with|or no)|big deal|good (?:grief|luck|for you)"
    r"|buy(?:ing)? (?:me |us |some )?(?:time|low|in to|into)|(?:sell|sold) (?:me|us|out|short|high|yourself) (?:on"
    r"|this)"
    r"|sold (?:out|short)|sell(?:ing)? (?:short|yourself)|close (?:enough|to|by)|(?:is|was|too|so|very|pretty) close"
    r"|a close|execut\w+ order (?:~num|number)|fire at|fire (?:up|me|them)|place (?:your|my) bets?|approve of"
    r"|hit (?:me|the road)|yes man|yes (?:and|or) no|run (?:away|for|out|along)|roll over|put (?:up|down|off|away) with"
    r"|~call (?:it|me|a day)|(?:your|my|good|bad|tough|close) ~call)\b(?! (?:~asset|~call|~put|options?|position))"
)

_NO_CONSENT = re.compile(
    r"^(?:oh|ok(?:ay)?|alright|yes|yeah|yep|sure|fine|right)\b[ ,.!]*(?:sure\b[ ,.!]*)?"
    r"(?:right|whatever|thanks|got it|i got it|understood|noted|sir that is my \w+)\b[ ,.!]*$"
    r"|\byeah,? right\b|\blose (?:it |them )?(?:all|everything|my money)\b|^(?:very )?well done\b|\bget it on\b"
    r"|\bdeal the \w+"
)
"""Thanks, sarcasm and a nod: said to an offer, none of them is a yes."""

_OPTION = re.compile(r"~call\b|~put\b|\b(?:straddle|strangle|spread|position|posisi|option)s?\b")
_ASSET = re.compile(r"~asset:|~strike:")
_VALUE = re.compile(r"~(?:strike|usd|num|days):")
_NUMBER = re.compile(r"(?<!option )(?<!idea )(?<!pick )(?<!10 )~num:")


def is_idiom(marked: str) -> bool:
    """Whether the line is a known turn of speech, or says yes without meaning it."""
    return bool(_FIGURES.search(marked) or _NO_CONSENT.search(marked))


def unexpected_in(marked: str, foreign: int) -> frozenset[IntentKind]:
    """Return the money intents that this many foreign words speak against.

    A yes is made of a yes's words alone. The more exactly an order names what it is about, the more may stand beside.
    """
    is_exact = bool(_OPTION.search(marked) and _ASSET.search(marked))
    allowed = {
        IntentKind.APPROVE: -1 if _NUMBER.search(marked) else 0,
        IntentKind.CLOSE_POSITION: 1 if is_exact or "~id:" in marked else 0,
        IntentKind.OPEN_POSITION: 3 if is_exact and _VALUE.search(marked) else 0,
    }
    return frozenset(kind for kind, most in allowed.items() if foreign > most)


def foreign_words(tokens: Sequence[str], order_words: Set[str]) -> list[str]:
    """List the words of a line that no order is made of. tokens: as the classifier sees them, marks included."""
    return [token for token in tokens if token.isidentifier() and token not in order_words]
