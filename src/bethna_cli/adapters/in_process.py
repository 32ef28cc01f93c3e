"""One HTTP request to an ASGI application in this process: no socket, and no HTTP library to import.

The application is ours, so its failure is our bug and comes through as it is.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import unquote, urlencode, urlsplit

from bethna_cli.adapters.responses import Params, Response

Message = MutableMapping[str, Any]
AsgiApp = Callable[[Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]]


class InProcessClient:
    """Asks one application; the host in an address is a name only."""

    def __init__(self, app: AsgiApp) -> None:
        self._app = app

    @asynccontextmanager
    async def get(self, url: str, params: Params, headers: Mapping[str, str]) -> AsyncIterator[Response]:
        """Send a GET and wait for the whole answer."""
        sent: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Message) -> None:
            sent.append(message)

        await self._app(_scope(url, params, headers), receive, send)
        start, *bodies = sent
        names = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in start["headers"]}
        yield Response(start["status"], names, _chunks(bodies))

    async def aclose(self) -> None:
        """Nothing is open."""


def _scope(url: str, params: Params, headers: Mapping[str, str]) -> Message:
    parts = urlsplit(url)
    pairs = {"host": parts.netloc, "user-agent": "bethna", **{name.lower(): value for name, value in headers.items()}}
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": parts.scheme,
        "path": unquote(parts.path),
        "raw_path": parts.path.encode(),
        "query_string": urlencode(list(params)).encode(),
        "root_path": "",
        "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in pairs.items()],
        "client": ("127.0.0.1", 0),
        "server": (parts.hostname, parts.port or 80),
    }


async def _chunks(bodies: list[Message]) -> AsyncIterator[bytes]:
    for message in bodies:
        yield message.get("body", b"")
