"""Server-sent events of a price stream: each one decoded, bounded in length, until the connection ends or breaks.

In a file of its own, because it needs httpx, which a single price from the embedded market does not.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

import httpx
from httpx_sse import SSEError, aconnect_sse

from bethna_cli.adapters.http import HttpSource
from bethna_cli.adapters.responses import Params
from bethna_cli.adapters.sockets import SocketClient
from bethna_cli.adapters.wire import read_json
from bethna_cli.domain.errors import SourceMalformed, SourceUnavailable

SILENCE_S = 30.0
EVENT_BYTES = 1_000_000


async def events(name: str, source: HttpSource, path: str, params: Params) -> AsyncGenerator[object, None]:
    """Yield the JSON of each event below `source`. Raises SourceUnavailable or one of its kinds, under `name`."""
    client = source.edge.client
    if not isinstance(client, SocketClient):
        raise SourceUnavailable(name, "a stream needs a market served over HTTP", hint="bethna sim up")
    try:
        async with aconnect_sse(
            client.client,
            "GET",
            source.base_url + path,
            params=list(params),
            headers=source.headers | {"Accept-Encoding": "identity"},
            timeout=httpx.Timeout(source.edge.limits.budget_s, read=SILENCE_S),
        ) as connection:
            response = connection.response
            refusal = source.refusal(response.status_code, dict(response.headers))
            if refusal is not None:
                raise refusal
            if response.headers.get("Content-Encoding", "identity") != "identity":
                raise SourceMalformed(name, "its stream is encoded in a way we did not offer")
            response.stream = _BoundedEvents(name, response.stream)
            async with aclosing(connection.aiter_sse()) as incoming:
                async for event in incoming:
                    yield _decoded(name, event.event, event.data)
    except (httpx.HTTPError, httpx.StreamError, SSEError) as error:
        raise SourceUnavailable(name, "the stream broke") from error


class _BoundedEvents(httpx.AsyncByteStream):
    """A response body whose single lines stay below a bound, so that no event can fill the memory."""

    def __init__(self, name: str, body: httpx.SyncByteStream | httpx.AsyncByteStream) -> None:
        if not isinstance(body, httpx.AsyncByteStream):
            raise TypeError("an asynchronous body was expected")
        self._name, self._body = name, body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        pending = 0
        async for chunk in self._body:
            _, newline, rest = chunk.rpartition(b"\n")
            pending = len(rest) if newline else pending + len(chunk)
            if pending > EVENT_BYTES:
                raise SourceMalformed(self._name, "one event of its stream has no end")
            yield chunk

    async def aclose(self) -> None:
        await self._body.aclose()


def _decoded(name: str, kind: str, data: str) -> object:
    if kind == "error":
        raise SourceUnavailable(name, "it closed the stream")
    try:
        return read_json(data.encode())
    except ValueError as error:
        raise SourceMalformed(name, "an event of its stream is not strict JSON") from error
