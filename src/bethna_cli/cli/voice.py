"""How the chat speaks: one of the agents at a time, in wrapped lines; words from a language model behind a bar.

Everything is cleaned before it is printed, and what a model wrote can never look like a card or a prompt of ours,
because each of its lines begins with a bar.
"""

import sys
from collections.abc import Callable, Iterable, Iterator

from bethna_cli.cli import output
from bethna_cli.domain.conversation import Speaker
from bethna_cli.domain.text import clean

STYLES = {Speaker.ALPHA: "bold cyan", Speaker.BETA: "bold magenta", Speaker.GAMMA: "bold yellow"}
BAR = "│ "
LONGEST_LINE = 2_000
LONGEST_WORD = 200
LONGEST_QUOTATION = 4_000


class Voice:
    """Prints answers on stdout, and keeps nothing."""

    def __init__(self, no_color: bool = False) -> None:
        self._no_color = no_color

    def say(self, speaker: Speaker, text: str) -> None:
        """Print an answer; its line breaks stand, and long lines are wrapped at words."""
        from rich.text import Text

        screen = output.console(self._no_color)
        head, *rest = [_tidy(line) for line in text.split("\n")]
        screen.print(Text.assemble((f"{speaker}: ", STYLES.get(speaker, "bold")), head))
        for line in rest:
            screen.print(Text(line))

    def remark(self, text: str) -> None:
        """Print a remark of the program's own on an answer, beside it on stderr."""
        from rich.text import Text

        output.console(self._no_color, sys.stderr).print(Text(f"! {clean(text, LONGEST_LINE)}", style="yellow"))

    def quote(self, speaker: Speaker) -> "Quotation":
        """Begin an answer that a language model writes; nothing is printed before its first word."""
        from rich.text import Text

        screen = output.console(self._no_color)
        heading = Text.assemble((f"{speaker}", STYLES.get(speaker, "bold")), " (language model):")
        return Quotation(screen.width, lambda: screen.print(heading))


class Quotation:
    """A model's words as they come: whole words only, wrapped, every line behind a bar, at most so many characters."""

    def __init__(self, width: int, begin: Callable[[], None], longest: int = LONGEST_QUOTATION) -> None:
        self._width = width - len(BAR)
        self._begin: Callable[[], None] | None = begin
        self._left = longest
        self._rest = ""
        self._column: int | None = None

    def feed(self, piece: str) -> None:
        """Take some more text; print what is complete of it."""
        if self._left <= 0:
            return
        self._rest += piece
        *complete, self._rest = _split(self._rest)
        for word in complete:
            self._put(word)
        if len(self._rest) > LONGEST_WORD:
            self._put(self._rest)
            self._rest = ""

    def end(self) -> None:
        """Print what is left."""
        if self._rest.strip():
            self._put(self._rest)
        if self._column is not None:
            _write("\n")
        self._rest, self._column = "", None

    def _put(self, word: str) -> None:
        if word == "\n":
            if self._column is not None:
                _write("\n")
                self._column = None
            return
        for part in _pieces(clean(word, LONGEST_WORD), self._width):
            if self._left <= 0:
                return
            self._left -= len(part)
            shown = part if self._left > 0 else "… (cut here)"
            if self._begin is not None:
                self._begin()
                self._begin = None
            if self._column is None:
                _write(BAR + shown)
                self._column = len(shown)
            elif self._column + 1 + len(shown) <= self._width:
                _write(" " + shown)
                self._column += 1 + len(shown)
            else:
                _write("\n" + BAR + shown)
                self._column = len(shown)


def _split(text: str) -> list[str]:
    """Split at white space into words and line breaks; the last item is what may still grow."""
    items: list[str] = []
    word = ""
    for character in text:
        if character == "\n" or character.isspace():
            if word:
                items.append(word)
            word = ""
            if character == "\n" and (not items or items[-1] != "\n"):
                items.append("\n")
        else:
            word += character
    return [*items, word]


def _pieces(word: str, width: int) -> Iterator[str]:
    for start in range(0, len(word), width):
        yield word[start : start + width]


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def _tidy(line: str) -> str:
    """Clean a line; the alignment of one in plain letters stands."""
    is_plain = line.isascii() and line.isprintable()
    indent = "  " if line.startswith("  ") else ""
    return line if is_plain else indent + clean(line, LONGEST_LINE)


def spoken(lines: Iterable[str]) -> str:
    """Join the lines of an answer."""
    return "\n".join(lines)
