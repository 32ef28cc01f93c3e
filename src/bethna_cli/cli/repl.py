"""`bethna chat` with a person at a terminal: read a line, do it, read the next, until Ctrl-D.

The prompt is one of two: prompt-toolkit's, or a plain line for screen readers and dumb terminals.
"""

import os
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from bethna_cli.cli import output
from bethna_cli.cli.talk import INTERRUPTED, LEAVING, Talk
from bethna_cli.cli.tour import OFFER, take_tour
from bethna_cli.domain.errors import BethnaError

if TYPE_CHECKING:
    from bethna_cli.bootstrap.chat import ChatDesk

TOURING = frozenset({"/tour", "tour"})
GREETING = "Alpha looks and thinks, Beta checks and executes, Gamma watches; you decide. /help says what can be said."


class LineReader(Protocol):
    """Where lines come from. Raises EOFError at the end, KeyboardInterrupt for Ctrl-C."""

    def read(self) -> str: ...


class PlainReader:
    """Lines without any control of the screen: what is new is said before the prompt."""

    def __init__(self, news: Callable[[], Iterable[str]], status: Callable[[], str]) -> None:
        self._news = news
        self._status = status
        self._last = ""

    def read(self) -> str:
        for line in self._news():
            print(line)  # noqa: T201
        status = self._status()
        if status != self._last:
            print(status)  # noqa: T201
            self._last = status
        return input("bethna> ")


def converse(talk: Talk, reader: LineReader) -> int:
    """Hold a conversation until the person leaves. Ctrl-C drops the line or the running answer, whenever it comes."""
    while True:
        try:
            if not _heard(talk, reader.read()):
                return 0
        except KeyboardInterrupt:
            print()  # noqa: T201
        except EOFError:
            print("Goodbye.")  # noqa: T201
            return 0


def _heard(talk: Talk, entered: str) -> bool:
    """Do what was entered, and say whether the person stays."""
    for one in utterances(entered):
        if one.lower() in LEAVING:
            return False
        if one.lower() in TOURING:
            take_tour(talk, wants_more, show)
        elif talk.hear(one).exit_code == INTERRUPTED:
            sys.stderr.write("Stopped.\n")
    if entered.strip():
        print()  # noqa: T201
    return True


def show(text: str) -> None:
    """Print a remark of the program's own."""
    output.console().print(text)


def wants_more() -> bool:
    """Wait for Enter; anything else typed, Ctrl-C or Ctrl-D says no."""
    try:
        return not input("      Enter goes on, q leaves: ").strip()
    except (EOFError, KeyboardInterrupt):
        return False


def utterances(pasted: str) -> Iterator[str]:
    """Split what was entered: several lines that are all commands are one each, anything else is one utterance."""
    lines = [line.strip() for line in pasted.splitlines() if line.strip()]
    if lines and all(line.startswith(("/", "bethna ")) for line in lines):
        yield from lines
    elif lines:
        yield " ".join(lines)


def is_plain_terminal() -> bool:
    """Say whether the terminal cannot draw."""
    return os.environ.get("TERM", "dumb") in ("dumb", "unknown", "") or not sys.stdout.isatty()


def hold(desk: "ChatDesk", talk: Talk, *, plain: bool) -> int:
    """Open the prompt and hold the conversation."""
    from bethna_cli.bootstrap.chat import KEPT, chat_folder
    from bethna_cli.bootstrap.glance import Glancer
    from bethna_cli.cli.repl_status import Status

    status = Status(Glancer(desk.settings))
    history = chat_folder(desk.settings) / "history"
    _greet(GREETING)
    if not history.exists() and desk.settings.network == "sim":
        _greet(OFFER)
    if plain:
        history.touch(mode=0o600)
        return converse(talk, PlainReader(status.news, status.line))
    from bethna_cli.cli.repl_completion import Known, RegistryCompleter
    from bethna_cli.cli.repl_history import PrivateHistory
    from bethna_cli.cli.repl_prompt import Prompt

    def known() -> Known:
        try:
            held = tuple((one.id, one.title) for one in desk.held())
            expiries = tuple(at.replace(":00Z", "Z") for at in desk.expiries())
            return Known(tuple(desk.recent()), held, tuple(desk.trades()), expiries)
        except BethnaError:
            return Known()

    completer = RegistryCompleter(_root_group, known)
    typed = PrivateHistory(history, desk.clock.now() - KEPT)
    return converse(talk, Prompt(typed, completer, status.toolbar, status.news, desk.understander))


def _greet(words: str) -> None:
    """Print plain words, wrapped, without Rich: nobody should wait for it before the first prompt."""
    print(textwrap.fill(words, min(shutil.get_terminal_size().columns, output.WIDEST)))  # noqa: T201


def _root_group() -> Any:
    import typer

    from bethna_cli.cli.app import app

    return typer.main.get_command(app)


def run_here(command: Sequence[str]) -> int:
    """Run a command line through the outer edge, in this process."""
    from bethna_cli.cli.app import run

    return run(command)
