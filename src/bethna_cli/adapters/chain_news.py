"""Word of new blocks as they come: a WebSocket subscription, and asking again and again where there is none.

What is heard here is only a reason to look: nothing is read from a notification but that there was one.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

from bethna_cli.adapters.reconnect import Patience, reconnecting
from bethna_cli.adapters.wire import read_json
from bethna_cli.domain.errors import NodeBehind, SourceUnavailable
from bethna_cli.ports import Chain

NAME = "rpc news"
POLL_S = 2.0
SILENCE_S = 60.0
"""A chain makes a block every few seconds: a longer silence is a broken line."""

OPEN_WITHIN_S = 10.0
FRAME_BYTES = 1_000_000
IMPATIENT = Patience(first_s=1.0, longest_s=10.0, failures=3)


class ChainNews:
    """`News` of one chain, by WebSocket at `url` where that works; None polls from the start."""

    def __init__(
        self, chain: Chain, url: str | None, *, patience: Patience = IMPATIENT, poll_s: float = POLL_S
    ) -> None:
        self._chain = chain
        self._url = url
        self._patience = patience
        self._poll_s = poll_s

    async def heads(self) -> AsyncIterator[None]:
        if self._url is not None:
            try:
                async with aclosing(reconnecting(NAME, self._subscribed, self._patience)) as news:
                    async for _ in news:
                        yield
            except SourceUnavailable:
                pass  # this endpoint has no WebSocket: asking works everywhere
        async for _ in self._polled():
            yield

    async def _polled(self) -> AsyncGenerator[None, None]:
        known: str | None = None
        while True:
            try:
                head = (await self._chain.block()).hash
            except (SourceUnavailable, NodeBehind):
                head = None  # down for now; who listens hears of it when they look themselves
            if head is not None and head != known:
                known = head
                yield
            await asyncio.sleep(self._poll_s)

    async def _subscribed(self) -> AsyncGenerator[None, None]:
        """One connection's new heads. The first word is the confirmation, a reason to look as well."""
        from websockets.asyncio.client import connect
        from websockets.exceptions import WebSocketException

        subscribe = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "eth_subscribe", "params": ["newHeads"]})
        assert self._url is not None
        try:
            async with connect(self._url, open_timeout=OPEN_WITHIN_S, max_size=FRAME_BYTES) as socket:
                await socket.send(subscribe)
                while True:
                    async with asyncio.timeout(SILENCE_S):
                        frame = await socket.recv(decode=False)
                    _require_news(frame)
                    yield
        except (WebSocketException, OSError) as error:  # TimeoutError is an OSError
            raise SourceUnavailable(NAME, "the stream broke") from error


def _require_news(frame: bytes) -> None:
    """Raise SourceUnavailable when the node refuses, or says what is not JSON-RPC."""
    try:
        message = read_json(frame)
    except ValueError as error:
        raise SourceUnavailable(NAME, "a message of its stream is not strict JSON") from error
    is_news = isinstance(message, dict) and (message.get("id") == 1 or message.get("method") == "eth_subscription")
    if not is_news or not isinstance(message, dict) or "error" in message:
        raise SourceUnavailable(NAME, "it refused the subscription")


def websocket_url(url: str) -> str:
    """Return where an HTTP endpoint takes WebSockets, as nodes and most providers have it: the same place."""
    return "ws" + url.removeprefix("http")
