"""Alerts to Telegram, Discord, Slack, the desktop and what else apprise reaches (an optional package).

An apprise URL is a secret: it carries the token. A channel is known by the service's name alone, and what apprise logs,
which quotes URLs, goes nowhere.
"""

import logging
from collections import Counter
from collections.abc import Sequence
from typing import Any

from bethna_cli.domain.alert import KeptAlert, Level
from bethna_cli.domain.errors import ChannelDown, ConfigurationError


def apprise_rooms(urls: Sequence[str], network: str) -> "list[AppriseRoom]":
    """Return a notifier for each URL. Raises ConfigurationError, which says which one by its place, never by its text.

    Plain-text services alone: an alert's words reach each room as they are.
    """
    try:
        import apprise
    except ModuleNotFoundError as error:
        raise ConfigurationError("alert_urls needs a package.", hint="pip install 'bethna[notify]'") from error
    logger = logging.getLogger("apprise")
    logger.propagate = False
    logger.addHandler(logging.NullHandler())
    rooms, used = [], Counter[str]()
    for place, url in enumerate(urls, 1):
        room = apprise.Apprise()
        if not room.add(url):
            raise ConfigurationError(
                f"alert_urls: number {place} is not a URL that apprise knows.", hint="bethna config set alert_urls"
            )
        service = "".join(letter for letter in str(room[0].service_name).lower() if letter.isalnum()) or "apprise"
        used[service] += 1
        name = service if used[service] == 1 else f"{service}-{used[service]}"
        rooms.append(AppriseRoom(name, room, network))
    return rooms


class AppriseRoom:
    """`Notifier` through one apprise URL."""

    def __init__(self, name: str, room: Any, network: str) -> None:
        self.name = name
        self._room = room
        self._network = network

    async def tell(self, kept: KeptAlert) -> None:
        alert = kept.alert
        kinds = {Level.INFO: "info", Level.WARNING: "warning", Level.CRITICAL: "failure"}
        try:
            is_told = await self._room.async_notify(
                title=f"bethna {self._network} · {alert.level.value}: {alert.title}",
                body=f"{alert.text}\n{kept.at:%Y-%m-%d %H:%M} UTC · {alert.id[:8]}",
                notify_type=kinds[alert.level],
                body_format="text",
            )
        except Exception:  # noqa: BLE001 (a hundred plug-ins, each with the exceptions of its own library)
            is_told = False
        if not is_told:
            raise ChannelDown(self.name, "it did not take the message")
