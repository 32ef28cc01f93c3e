"""One run of a command against a market: settings from its flags, the application opened, and closed again."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from bethna_cli.bootstrap.market import App, open_app
from bethna_cli.cli.output import waiting
from bethna_cli.domain.market import Asset
from bethna_cli.settings import Settings

T = TypeVar("T")


def with_market(settings: Settings, asset: Asset, work: Callable[[App], Awaitable[T]], no_color: bool = False) -> T:
    """Open the application for `asset`, do `work` and return its result; a spinner shows when it takes long."""

    async def session() -> T:
        async with open_app(settings, asset) as application:
            return await work(application)

    with waiting("Looking at the market", no_color):
        return asyncio.run(session())
