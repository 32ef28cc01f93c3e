"""Word that a chain has news: a WebSocket subscription, and asking again and again where there is none.

What is heard here is only a reason to look: nothing is taken from a notification but that there was one.
"""

import asyncio
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing

from bethna_cli.adapters.evm_wire import filter_param
from bethna_cli.adapters.reconnect import Patience, reconnecting
from bethna_cli.adapters.wire import read_json
from bethna_cli.domain.chain import LogQuery
from bethna_cli.domain.errors import SourceUnavailable
from bethna_cli.ports import Chain

NAME = "rpc news"
SILENCE_S = 60.0
"""A chain makes a block every few seconds: a longer silence is a broken line."""

OPEN_WITHIN_S = 10.0
FRAME_BYTES = 1_000_000
IMPATIENT = Patience(first_s=1.0, longest_s=10.0, failures=3)
_HEADS, _LOGS = 1, 2


class ChainNews:
    """`News` of one chain, by WebSocket at `url` where that works; None asks from the start.

    wanted: the logs that are worth a look at once; a new block alone is one every `calm_s` at most.
    """

    def __init__(
        self,
        chain: Chain,
        url: str | None,
        wanted: LogQuery,
        *,
        calm_s: float,
        patience: Patience = IMPATIENT,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._chain = chain
        self._url = url
        self._wanted = wanted
        self._calm_s = calm_s
        self._patience = patience
        self._monotonic = monotonic

    async def news(self) -> AsyncIterator[None]:
        if self._url is not None:
            try:
                async with aclosing(reconnecting(NAME, self._heard, self._patience)) as heard:
                    async for _ in heard:
                        yield
            except SourceUnavailable:
                pass  # this endpoint has no WebSocket: asking works everywhere
        async for _ in self._asked():
            yield

    async def _asked(self) -> AsyncGenerator[None, None]:
        known: str | None = None
        while True:
            try:
                head = (await self._chain.block()).hash
            except SourceUnavailable:
                head = None  # who listens hears of it when they look themselves
            if head is not None and head != known:
                known = head
                yield
            await asyncio.sleep(self._calm_s)

    async def _heard(self) -> AsyncGenerator[None, None]:
        """One connection's news."""
        looked_at = -self._calm_s
        async with aclosing(self._messages()) as messages:
            async for is_log in messages:
                if is_log or self._monotonic() - looked_at >= self._calm_s:
                    looked_at = self._monotonic()
                    yield

    async def _messages(self) -> AsyncGenerator[bool, None]:
        """Say of each notification whether it is a wanted log. Raises SourceUnavailable when the line breaks."""
        from websockets.asyncio.client import connect
        from websockets.exceptions import WebSocketException

        assert self._url is not None
        logs_name: object = None
        try:
            async with connect(self._url, open_timeout=OPEN_WITHIN_S, max_size=FRAME_BYTES) as socket:
                await socket.send(_subscribe(_HEADS, "newHeads"))
                await socket.send(_subscribe(_LOGS, "logs", filter_param(self._wanted)))
                while True:
                    async with asyncio.timeout(SILENCE_S):
                        frame = await socket.recv(decode=False)
                    number, result, name = _read(frame)
                    if number == _LOGS:
                        logs_name = result
                        yield True  # whatever happened before the line stood was not heard
                    elif number is None:
                        yield name == logs_name
        except (WebSocketException, OSError) as error:  # TimeoutError is an OSError
            raise SourceUnavailable(NAME, "the stream broke") from error


def _subscribe(number: int, *params: object) -> str:
    return json.dumps({"jsonrpc": "2.0", "id": number, "method": "eth_subscribe", "params": params})


def _read(frame: bytes) -> tuple[int | None, object, object]:
    """Read a message: which request it confirms and with what, or which subscription it is for.

    Raises SourceUnavailable when the node refuses, or says what is not JSON-RPC.
    """
    try:
        message = read_json(frame)
    except ValueError as error:
        raise SourceUnavailable(NAME, "a message of its stream is not strict JSON") from error
    if isinstance(message, dict) and message.get("id") in (_HEADS, _LOGS) and "result" in message:
        return int(message["id"]), message["result"], None
    params = message.get("params") if isinstance(message, dict) else None
    if not isinstance(params, dict) or "subscription" not in params:
        raise SourceUnavailable(NAME, "it refused the subscription")
    return None, None, params["subscription"]


def websocket_url(url: str) -> str:
    """Return where an HTTP endpoint takes WebSockets, as nodes and most providers have it: the same place."""
    return "ws" + url.removeprefix("http")
