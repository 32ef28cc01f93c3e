"""Alerts pushed over WebSocket to programs of the same person on the same machine.

Listens on loopback alone and wants the token from the file beside the store (0600). A web page cannot get in: a request
with a foreign Origin or Host is refused. Clients only listen. Each has its own place in one shared list of the newest
alerts, so a slow one costs nothing: it is told how much it missed (`gap`), and let go when it does not read at all.
"""

import asyncio
import hmac
import json
import logging
import resource
from bisect import bisect_right
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from bethna_cli.domain.alert import KeptAlert, alert_document
from bethna_cli.domain.errors import BethnaError, ConfigurationError
from bethna_cli.ports import Alerts

REMEMBERED = 1_000
MOST_CLIENTS = 1_000
PATIENCE_S = 30.0
LOOK_EVERY_S = 0.5
HOST = "127.0.0.1"


class PushServer:
    """The newest alerts, and who listens to them.

    clients counts them. patience_s: how long a client may leave a message unread before it is let go.
    """

    def __init__(self, alerts: Alerts, network: str, token: str, patience_s: float = PATIENCE_S) -> None:
        self._alerts = alerts
        self._network = network
        self._token = token
        self._patience_s = patience_s
        self._sequences: list[int] = []
        self._messages: list[str] = []
        self._remember(alerts.latest(REMEMBERED))
        self._news = asyncio.Event()
        self._most_clients = min(MOST_CLIENTS, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2)
        self.clients = 0

    @property
    def newest(self) -> int:
        """The sequence number of the newest alert, 0 before there is one."""
        return self._sequences[-1] if self._sequences else 0

    @property
    def remembered(self) -> int:
        return len(self._messages)

    def look(self) -> None:
        """Take in what was kept since the last look, and wake the clients. Raises what the store raises."""
        added = self._alerts.after(self.newest, REMEMBERED)
        if not added:
            return
        self._remember(added)
        self._news.set()
        self._news = asyncio.Event()

    def _remember(self, added: Sequence[KeptAlert]) -> None:
        self._sequences += [kept.sequence for kept in added]
        self._messages += [_message("alert", **alert_document(kept)) for kept in added]
        del self._sequences[:-REMEMBERED], self._messages[:-REMEMBERED]

    async def keep_looking(self, report: Callable[[str, BethnaError], None]) -> None:
        """Look for alerts until cancelled; a store that cannot be read now is looked at again."""
        while True:
            try:
                self.look()
            except BethnaError as error:
                report("push", error)
            await asyncio.sleep(LOOK_EVERY_S)

    @asynccontextmanager
    async def listening(self, port: int = 0) -> AsyncIterator[str]:
        """Listen while the body runs; yields the URL. Raises ConfigurationError when the port is taken."""
        logger = logging.getLogger("bethna.push")
        logger.propagate = False
        logger.addHandler(logging.NullHandler())
        try:
            server = await serve(
                self._serve,
                HOST,
                port,
                process_request=self._admit,
                compression=None,
                max_size=1_024,
                max_queue=4,
                close_timeout=1,
                logger=logger,
                server_header=None,
            )
        except OSError as error:
            raise ConfigurationError(f"Port {port} is taken.", hint="bethna config set push_port 0") from error
        async with server:
            yield f"ws://{HOST}:{_port(server)}/alerts"

    # ── who gets in ───────────────────────────────────────────────────────────────────────────────────────────

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        if not self._is_from_here(connection, request):
            return connection.respond(HTTPStatus.FORBIDDEN, "Not from there.\n")
        if not self._has_token(request):
            return connection.respond(HTTPStatus.UNAUTHORIZED, "The token is in the file beside the store.\n")
        if urlsplit(request.path).path != "/alerts" or _resume_point(request) is None:
            return connection.respond(HTTPStatus.NOT_FOUND, "Try /alerts?after=SEQUENCE.\n")
        if self.clients >= self._most_clients:
            return connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "Too many clients.\n")
        return None

    def _is_from_here(self, connection: ServerConnection, request: Request) -> bool:
        """Say whether neither a foreign page nor a name that resolves to this machine stands behind a request."""
        port = connection.local_address[1]
        here = {f"{name}:{port}" for name in (HOST, "localhost")}
        pages = [origin.removeprefix("http://") for origin in request.headers.get_all("Origin")]
        names = request.headers.get_all("Host")
        return len(names) == 1 and here.issuperset(names) and here.issuperset(pages)

    def _has_token(self, request: Request) -> bool:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        given = given or parse_qs(urlsplit(request.path).query).get("token", [""])[-1]
        return hmac.compare_digest(given.encode(), self._token.encode())

    # ── what they get ─────────────────────────────────────────────────────────────────────────────────────────

    async def _serve(self, connection: ServerConnection) -> None:
        self.clients += 1
        speaking = asyncio.create_task(self._speak(connection))
        try:
            await connection.recv()  # until it leaves: nobody has anything to say here
            await connection.close(1008, "read only")
        except ConnectionClosed:
            pass
        finally:
            speaking.cancel()
            await asyncio.gather(speaking, return_exceptions=True)
            self.clients -= 1

    async def _speak(self, connection: ServerConnection) -> None:
        place = _resume_point(connection.request)
        place = self.newest if place is None or place < 0 else place
        await self._send(connection, _message("hello", network=self._network, sequence=self.newest))
        while True:
            news = self._news
            while place < self.newest:
                place = await self._send_next(connection, place)
            await news.wait()

    async def _send_next(self, connection: ServerConnection, place: int) -> int:
        """Send what comes after `place`, or how much of it is no longer remembered, and return the new place."""
        first = self._sequences[0]
        if place + 1 < first:
            await self._send(connection, _message("gap", first=place + 1, last=first - 1))
            return first - 1
        index = bisect_right(self._sequences, place)
        sequence, message = self._sequences[index], self._messages[index]
        await self._send(connection, message)
        return sequence

    async def _send(self, connection: ServerConnection, message: str) -> None:
        try:
            async with asyncio.timeout(self._patience_s):
                await connection.send(message)
        except TimeoutError:
            connection.transport.abort()
            raise
        await asyncio.sleep(0)  # a send that fits into the buffer returns at once: let the watcher have its turn


def _resume_point(request: Request | None) -> int | None:
    """Return the sequence number after which a client wants to hear; -1 without one, None when it is no number."""
    given = parse_qs(urlsplit(request.path if request else "").query).get("after", ["-1"])[-1]
    return int(given) if given == "-1" or (given.isascii() and given.isdigit() and len(given) < 16) else None


def _message(type_: str, **fields: object) -> str:
    return json.dumps({"type": type_, **fields}, allow_nan=False, separators=(",", ":"))


def _port(server: Server) -> int:
    return int(next(iter(server.sockets)).getsockname()[1])
