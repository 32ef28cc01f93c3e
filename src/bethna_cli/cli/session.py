"""One run of a command against a market: settings from its flags, the application opened, and closed again.

Whoever runs commands in its own process (the chat) can listen to what they showed.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

from bethna_cli.bootstrap.market import App, open_app
from bethna_cli.cli.output import waiting
from bethna_cli.domain.market import Asset
from bethna_cli.settings import Settings

T = TypeVar("T")
Shown = list[Mapping[str, object]]

_SHOWN: ContextVar[Shown | None] = ContextVar("shown", default=None)


@contextmanager
def listening() -> Iterator[Shown]:
    """Collect the recommendations that commands show while the body runs, as documents, in order."""
    shown: Shown = []
    token = _SHOWN.set(shown)
    try:
        yield shown
    finally:
        _SHOWN.reset(token)


def note_shown(document: Callable[[], Mapping[str, object]]) -> None:
    """Tell who listens, if anybody, that a recommendation was shown."""
    shown = _SHOWN.get()
    if shown is not None:
        shown.append(document())


def with_market(settings: Settings, asset: Asset, work: Callable[[App], Awaitable[T]], no_color: bool = False) -> T:
    """Open the application for `asset`, do `work` and return its result; a spinner shows when it takes long."""

    async def session() -> T:
        async with open_app(settings, asset) as application:
            return await work(application)

    with waiting("Looking at the market", no_color):
        return asyncio.run(session())
