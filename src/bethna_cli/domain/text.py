"""Words from outside, made safe to print, store and quote: plain characters on one line, of a bounded length.

Everything a stranger can write (a post, a ticker, an order field, an error body) passes here once, at the border.
Escape sequences are taken apart, not interpreted: the control characters go and what they carried stays visible, so
that nothing can hide behind an unfinished sequence. It does not escape Rich markup (the renderer prints such text
literally) and does not judge what the words say.
"""

import re

_RAW_PER_KEPT = 4
"""How many raw characters are looked at for each one kept: bounds the work that padding can cause."""

_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]+"
)
"""Fillers, joiners and variation selectors: drawn as nothing, yet printable to Python."""

_ACCENT = "\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
_STACKED = re.compile(f"([{_ACCENT}]{{2}})[{_ACCENT}]+")
"""More than two accents on one letter reach into the neighbouring lines of a terminal."""


def clean(text: str, limit: int) -> str:
    """Return `text` as one printable line of at most `limit` characters, the last one `…` where it was cut.

    Dropped: C0 and C1 control characters (ESC, CSI and OSC introducers among them), bidirectional overrides,
    zero-width and other format characters, lone surrogates, private-use and unassigned code points, invisible
    fillers, accents beyond two on a letter. Line breaks, tabs and any other white space become a single space.
    Raises ValueError when `limit` is below 1.
    """
    if limit < 1:
        raise ValueError(f"not a length: {limit}")
    line = text[: limit * _RAW_PER_KEPT + 1]
    if not line.isprintable():
        line = "".join(_visible(character) for character in line)
    line = " ".join(_STACKED.sub(r"\1", _INVISIBLE.sub("", line)).split())
    if len(line) > limit or len(text) > limit * _RAW_PER_KEPT + 1:
        return line[: limit - 1].rstrip() + "…"
    return line


def _visible(character: str) -> str:
    if character.isprintable():
        return character
    return " " if character.isspace() else ""
