"""How alerts reach the person on this machine: the channels that are set up, and the stream for other programs."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import time
from typing import TYPE_CHECKING

from bethna_cli.adapters.clocks import SystemClock
from bethna_cli.bootstrap.places import store_path
from bethna_cli.domain.errors import BethnaError, ConfigurationError
from bethna_cli.domain.market import Origin
from bethna_cli.settings import Settings
from bethna_cli.settings_files import make_private

if TYPE_CHECKING:
    from bethna_cli.adapters.alerts import SqliteAlerts
    from bethna_cli.adapters.outbox import SqliteOutbox
    from bethna_cli.flow.notify import NotifyDesk
    from bethna_cli.ports import Notifier

LOOPBACK = ("localhost", "127.0.0.1", "::1")
LAST_WORDS_S = 5.0
PUSH_FOLDER = "push"
LONGEST_FILE = 4_096


def open_alerts(settings: Settings) -> "SqliteAlerts":
    """Open the alerts of the network in use; the caller closes them."""
    from bethna_cli.adapters.alerts import SqliteAlerts

    return SqliteAlerts.open(store_path(settings, Origin.LIVE))


def open_outbox(settings: Settings) -> "SqliteOutbox":
    """Open the outbox of the network in use; the caller closes it."""
    from bethna_cli.adapters.outbox import SqliteOutbox

    return SqliteOutbox.open(store_path(settings, Origin.LIVE))


def notifiers(settings: Settings) -> "tuple[Notifier, ...]":
    """Return every channel that is set up. Raises ConfigurationError for one that is set up badly."""
    found: list[Notifier] = []
    if settings.smtp_host and settings.mail_to:
        found.append(_mailer(settings))
    if settings.alert_urls:
        from bethna_cli.adapters.apprise_rooms import apprise_rooms

        found += apprise_rooms(settings.alert_urls.get_secret_value().split(), settings.network)
    return tuple(found)


def _mailer(settings: Settings) -> "Notifier":
    from bethna_cli.adapters.mail import MailAccount, Mailer

    host, recipients = str(settings.smtp_host), tuple(str(settings.mail_to).split())
    if settings.smtp_security == "none" and host not in LOOPBACK:
        raise ConfigurationError(
            f"Mail to {host} would be readable on its way.", hint="bethna config set smtp_security starttls"
        )
    password = settings.smtp_password
    if (settings.smtp_user is None) != (password is None):
        missing = "smtp_user" if settings.smtp_user is None else "smtp_password"
        raise ConfigurationError(f"{missing} is not set; both are or none.", hint=f"bethna config set {missing}")
    account = MailAccount(
        host,
        settings.smtp_port,
        settings.smtp_security,
        settings.mail_from or recipients[0],
        recipients,
        settings.smtp_user,
        password.get_secret_value() if password else None,
    )
    return Mailer(account, settings.network)


def notify_desk(settings: Settings, outbox: "SqliteOutbox") -> "NotifyDesk":
    """Return what telling needs. Raises ConfigurationError for a channel that is set up badly."""
    from bethna_cli.flow.notify import NotifyDesk
    from bethna_cli.risk.telling import QuietHours

    quiet = None
    if settings.quiet_hours:
        begin, end = (time.fromisoformat(part) for part in settings.quiet_hours.split("-"))
        quiet = QuietHours(begin, end)
    return NotifyDesk(outbox, notifiers(settings), SystemClock(), quiet)


@asynccontextmanager
async def telling(settings: Settings, report: Callable[[str, BethnaError], None]) -> AsyncIterator[str]:
    """Tell alerts while the body runs, beside it and never in its way; yields the stream's URL.

    For the watcher: `async with telling(settings, log): …` around its loop. Whatever any process writes with
    `insert_alert` is told within a second or two. On leaving, what is due is told once more, for a few seconds at most;
    the rest waits in the store for the next start. report: hears of a store that could not be used meanwhile.
    """
    from bethna_cli.adapters.push import PushServer
    from bethna_cli.flow.notify import keep_telling

    alerts, outbox, stop = open_alerts(settings), open_outbox(settings), asyncio.Event()
    try:
        desk = notify_desk(settings, outbox)
        token = secrets.token_hex(16)
        server = PushServer(alerts, settings.network, token)
        async with server.listening(settings.push_port) as url:
            looking = asyncio.create_task(server.keep_looking(report))
            speaking = asyncio.create_task(keep_telling(desk, stop, report))
            try:
                with _announced(settings, url, token):
                    yield url
            finally:
                stop.set()
                await asyncio.wait([speaking], timeout=LAST_WORDS_S)
                looking.cancel()
                speaking.cancel()
                await asyncio.gather(looking, speaking, return_exceptions=True)
    finally:
        outbox.close()
        alerts.close()


async def tell_once(settings: Settings, report: Callable[[str, BethnaError], None]) -> None:
    """Tell what is due over every channel, once, for whoever is no watcher."""
    from bethna_cli.flow.notify import keep_telling

    outbox, stop = open_outbox(settings), asyncio.Event()
    stop.set()
    try:
        await keep_telling(notify_desk(settings, outbox), stop, report)
    finally:
        outbox.close()


@contextmanager
def _announced(settings: Settings, url: str, token: str) -> Iterator[None]:
    """Keep a private file that says where the stream is while it is there."""
    from bethna_cli.adapters.private_files import PrivateFolder

    folder = PrivateFolder(make_private(settings.folders.data) / PUSH_FOLDER)
    with folder.locked():
        folder.replace(f"{settings.network}.json", json.dumps({"url": url, "token": token}).encode())
    try:
        yield
    finally:
        if stream_place(settings) == (url, token):  # another wallet's watcher may serve the same alerts by now
            (folder.path / f"{settings.network}.json").unlink(missing_ok=True)


def stream_place(settings: Settings) -> tuple[str, str] | None:
    """Return the URL and the token of the alerts' stream, None while nobody serves it."""
    from bethna_cli.adapters.private_files import PrivateFolder

    content = PrivateFolder(settings.folders.data / PUSH_FOLDER).read(f"{settings.network}.json", LONGEST_FILE)
    if content is None:
        return None
    document = json.loads(content)
    return str(document["url"]), str(document["token"])


async def hear_stream(settings: Settings, alert_id: str, after: int, patience_s: float) -> bool | None:
    """Listen to what the stream brings after a sequence number, until it is an alert: False when it does not come.

    None when nobody serves the stream.
    """
    from bethna_cli.adapters.push_client import hear

    place = stream_place(settings)
    return None if place is None else await hear(f"{place[0]}?after={after}", place[1], alert_id, patience_s)
