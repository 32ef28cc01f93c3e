"""The prompt at a terminal: editing, history, completion, a toolbar, and alerts above the line.

It reads a line and returns it. What the line leads to runs after the prompt has let go of the terminal, so that a card
or a password has the terminal for itself.
"""

import asyncio
import textwrap
from collections.abc import Callable, Iterable

from prompt_toolkit import PromptSession
from prompt_toolkit.application import get_app
from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
from prompt_toolkit.completion import Completer
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.history import History
from prompt_toolkit.patch_stdout import patch_stdout
from prompt_toolkit.styles import Style

PROMPT = "bethna> "
LOOK_EVERY_S = 1.0
STYLE = Style.from_dict(
    {
        "prompt": "bold",
        "bottom-toolbar": "noreverse bg:#303030 #d0d0d0",
        "network.sim": "bg:#303030 #87d787 bold",
        "network.real": "bg:#af0000 #ffffff bold",
        "bad": "#ff8787 bold",
        "good": "#87d787",
    }
)


def wrapped(line: str, columns: int) -> str:
    """Break a line at words, so that no terminal breaks it within one."""
    return textwrap.fill(line, max(columns - 1, 20), subsequent_indent="  ", break_on_hyphens=False)


class Prompt:
    """Reads lines.

    toolbar: what stands at the bottom; news: what is to be printed above the prompt, asked often; warm_up: done once
    beside the typing, after the prompt stands.
    """

    def __init__(
        self,
        history: History,
        completer: Completer,
        toolbar: Callable[[], StyleAndTextTuples],
        news: Callable[[], Iterable[str]],
        warm_up: Callable[[], object],
    ) -> None:
        self._news = news
        self._warm_up = warm_up
        self._session: PromptSession[str] = PromptSession(
            [("class:prompt", PROMPT)],
            history=history,
            completer=completer,
            complete_while_typing=False,
            auto_suggest=AutoSuggestFromHistory(),
            bottom_toolbar=toolbar,
            style=STYLE,
            refresh_interval=LOOK_EVERY_S,
            enable_open_in_editor=False,
            color_depth=None,
        )

    def read(self) -> str:
        """Read one line; pasted line breaks stay in it. Raises EOFError for Ctrl-D, KeyboardInterrupt for Ctrl-C."""
        with patch_stdout(raw=True):
            return self._session.prompt(pre_run=self._follow_news)

    def _follow_news(self) -> None:
        async def follow() -> None:
            await asyncio.to_thread(self._warm_up)
            while True:
                for line in self._news():
                    print(wrapped(line, get_app().output.get_size().columns))  # noqa: T201 (patched: above the prompt)
                await asyncio.sleep(LOOK_EVERY_S)

        get_app().create_background_task(follow())
