"""Completion at the prompt: command names, their subcommands and flags, and values, from the one registry.

A command's module is imported when its flags are asked for, as the shell's completion does.
"""

import shlex
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document

from bethna_cli.cli.registry import COMMANDS
from bethna_cli.cli.values import ALIASES, KINDS
from bethna_cli.domain.market import Asset

FOR_CHAT = {"help": "What can be said here", "tour": "Buy and watch a pretend trade", "quit": "Leave (Ctrl-D)"}
SPANS = ("1d", "3d", "7d", "14d", "30d")
ASSETS = tuple(asset.value for asset in Asset)
PRODUCTS = tuple(f"{asset.lower()}-{kind}" for asset in ASSETS for kind in (*KINDS, "straddle"))


@dataclass(frozen=True, slots=True)
class Known:
    """Values that can be completed now: ids, each with what it names, and expiries on offer."""

    recommendations: tuple[tuple[str, str], ...] = ()
    positions: tuple[tuple[str, str], ...] = ()
    trades: tuple[tuple[str, str], ...] = ()
    expiries: tuple[str, ...] = ()


class RegistryCompleter(Completer):
    """Completes what stands before the cursor. known: asked anew each time, so that a fresh id is offered."""

    def __init__(self, group: Callable[[], Any], known: Callable[[], Known]) -> None:
        self._group = group
        self._known = known

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:  # noqa: ARG002
        line = document.text_before_cursor.lstrip()
        word = document.get_word_before_cursor(WORD=True)
        if not line.startswith("/"):
            yield from _matching(word, ((asset, "") for asset in ASSETS), least=1)
            return
        before = _words(line[1 : len(line) - len(word)] if word else line[1:])
        if not before:
            named = [(f"/{command.name}", command.summary) for command in COMMANDS if command.name != "chat"]
            chat = [(f"/{name}", summary) for name, summary in FOR_CHAT.items()]
            yield from _matching(word or "/", (*named, *chat))
            return
        yield from _matching(word, self._after(before, word))

    def _after(self, before: list[str], word: str) -> Iterator[tuple[str, str]]:
        """Give what may follow a command's name: members of a group, values of an argument or a flag, flags."""
        command = self._group().commands.get(before[0]) if before[0] in self._group().commands else None
        if command is None:
            return
        members = getattr(command, "commands", None)
        if members:
            if len(before) == 1:
                yield from ((name, member.get_short_help_str(60)) for name, member in members.items())
                return
            command = members.get(before[1])
            before = before[1:]
            if command is None:
                return
        if before[-1].startswith("--") and (values := self._of_flag(before[-1])):
            yield from values
            return
        if not word.startswith("-"):
            yield from self._arguments(before[0])
        for parameter in command.params:
            for flag in parameter.opts:
                if flag.startswith("--") and flag not in before:
                    yield flag, parameter.help or ""

    def _of_flag(self, flag: str) -> list[tuple[str, str]]:
        known = self._known()
        values: dict[str, list[tuple[str, str]]] = {
            "--network": [("sim", ""), ("base", ""), ("base-sepolia", "")],
            "--expiry": [(span, "") for span in (*SPANS, *known.expiries)],
            "--asset": [(asset, "") for asset in ASSETS],
        }
        return values.get(flag, [])

    def _arguments(self, name: str) -> Iterator[tuple[str, str]]:
        known = self._known()
        if name in ("recommend", "market"):
            yield from ((asset, "") for asset in ASSETS)
        elif name in ("strategies", "buy"):
            yield from ((product, "") for product in PRODUCTS)
        elif name in ("approve", "reject"):
            yield from known.recommendations
        elif name in ("close", "exits"):
            yield from known.positions
        elif name == "trades":
            yield from known.trades
        elif name == "why":
            yield from (*known.positions, *known.recommendations)


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()


def _matching(word: str, offered: Iterable[tuple[str, str]], least: int = 0) -> Iterator[Completion]:
    """Offer what begins with the word, whatever the case."""
    if len(word) < least or word.lower() in ALIASES:
        return
    for text, meaning in offered:
        if text.lower().startswith(word.lower()):
            yield Completion(text, start_position=-len(word), display_meta=meaning)
