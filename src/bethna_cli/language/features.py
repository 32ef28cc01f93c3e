"""What the classifier sees of an utterance: words, neighbours, concepts and their order, pieces of words, and its form.

Marks lose their values here. Features are text; the model file says how each is numbered.
"""

import re
from collections.abc import Callable, Iterator
from itertools import pairwise

from bethna_cli.language.concepts import CONCEPTS

_TOKEN = re.compile(r"~[a-z]+|[a-z_]+(?:-[a-z_]+)*|[0-9]+|[?!\"]")
_ASKING = frozenset(
    "what which why how when where who whose is are am was were do does did can could should would will has have"
    " apa kenapa mengapa bagaimana gimana apakah berapa siapa kapan mana".split()
)
_PIECES = (3, 4, 5)
MOST_TOKENS = 60
"""An utterance is a sentence or two; what comes after that many words does not change what it asks for."""


def tokens_of(marked: str, correct: Callable[[str], str]) -> list[str]:
    """Split a marked line into words and kinds of marks, each word corrected."""
    found = _TOKEN.findall(re.sub(r"(~[a-z]+):[A-Za-z0-9.]+", r"\1", marked))
    return [token if token[0] == "~" or len(token) < 4 else correct(token) for token in found[:MOST_TOKENS]]


def features_of(tokens: list[str]) -> list[str]:
    """Return the features of an utterance, each once, in a stable order."""
    return list(dict.fromkeys((*_words(tokens), *_concepts(tokens), *_pieces(tokens), *_form(tokens))))


def _words(tokens: list[str]) -> Iterator[str]:
    framed = ["^", *tokens, "$"]
    for at, token in enumerate(framed):
        if 0 < at < len(framed) - 1:
            yield f"w {token}"
        if at + 1 < len(framed):
            yield f"b {token} {framed[at + 1]}"
        if at + 2 < len(framed):
            yield f"t {token} {framed[at + 1]} {framed[at + 2]}"


def _concepts(tokens: list[str]) -> Iterator[str]:
    """Yield concepts, neighbouring concepts, and pairs in order at any distance."""
    rows = [_row(token) for token in tokens]
    for row in rows:
        yield from (f"c {concept}" for concept in row)
    for first, second in pairwise(rows):
        yield from (f"n {one} {other}" for one in first for other in second)
    seen: list[str] = []
    for row in rows:
        yield from (f"p {one} {other}" for one in seen for other in row)
        seen += [concept for concept in row if concept not in seen]
    if rows:
        yield from (f"f {concept}" for concept in rows[0])
        yield from (f"l {concept}" for concept in rows[-1])


def _row(token: str) -> tuple[str, ...]:
    return (token,) if token[0] == "~" else CONCEPTS.get(token, ())


def _pieces(tokens: list[str]) -> Iterator[str]:
    for token in tokens:
        if token[0] == "~" or len(token) < 4:
            continue
        framed = f"<{token}>"
        for size in _PIECES:
            yield from (f"g {framed[at : at + size]}" for at in range(len(framed) - size + 1))


def _form(tokens: list[str]) -> Iterator[str]:
    words = [token for token in tokens if token not in ("?", "!", '"')]
    yield f"len {min(len(words), 4) if len(words) < 5 else 6 if len(words) < 9 else 12}"
    if "?" in tokens:
        yield "form asks"
    if words and words[0] in _ASKING:
        yield "form opens with a question"
    if words:
        yield f"first {words[0]}"
