"""Price streams over real sockets on this machine: they go on after an end, and stop when there is no point."""

import asyncio
import json
import random
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

import pytest
import uvicorn
from websockets.asyncio.server import ServerConnection, serve
from wire_samples import CLOCK, KEY, NOW, NOW_S, dydx_markets, edge, hermes_update, run

from bethna_cli.adapters.dydx import DydxClient
from bethna_cli.adapters.http import Edge, Limits
from bethna_cli.adapters.pyth import PythClient
from bethna_cli.adapters.reconnect import Patience, reconnecting
from bethna_cli.domain.errors import SourceDisabled, SourceMalformed, SourceRateLimited, SourceUnavailable
from bethna_cli.domain.market import Asset, SpotPrice
from bethna_cli.ports import PriceStream

AT_ONCE = Patience(first_s=0.0, failures=3)
Talk = Callable[[ServerConnection], Awaitable[None]]


async def first(number: int, feed: PriceStream) -> list[SpotPrice]:
    """The first prices of a stream, which is then closed."""
    prices: list[SpotPrice] = []
    stream = feed.stream(Asset.ETH)
    async for price in stream:
        prices.append(price)
        if len(prices) == number:
            break
    await stream.aclose()  # type: ignore[attr-defined]
    return prices


def event(**price: Any) -> bytes:
    return b"data:" + json.dumps(hermes_update(**price)).encode() + b"\n\n"


class Hermes:
    """A Hermes server: the latest price, and one list of stream chunks per connection (the last one for ever)."""

    def __init__(self, *connections: list[bytes], status: int = 200, headers: dict[str, str] | None = None) -> None:
        self.connections = list(connections)
        self.status = status
        self.headers = {"content-type": "text/event-stream"} | (headers or {})
        self.seen: list[dict[str, str]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        if not scope["path"].endswith("/stream"):
            await self.respond(send, 200, {"content-type": "application/json"}, [json.dumps(hermes_update()).encode()])
            return
        self.seen.append({name.decode(): value.decode() for name, value in scope["headers"]})
        chunks = self.connections.pop(0) if len(self.connections) > 1 else self.connections[0]
        await self.respond(send, self.status, self.headers, chunks)

    async def respond(self, send: Any, status: int, headers: dict[str, str], chunks: list[bytes]) -> None:
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": raw})
        for chunk in chunks:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


@asynccontextmanager
async def hermes(app: Hermes, patience: Patience = AT_ONCE) -> AsyncIterator[PythClient]:
    """The app on a port of this machine, and a client of it."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None))
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/hermes"
        async with Edge(CLOCK) as shared:
            yield PythClient(shared, api_key=KEY, base_url=url, history_url=url, patience=patience)
        server.should_exit = True
        await serving


def pyth_prices(number: int, app: Hermes) -> list[SpotPrice]:
    async def ask() -> list[SpotPrice]:
        async with hermes(app) as client:
            return await first(number, client)

    return run(ask())


def test_a_stream_starts_with_the_latest_price_and_goes_on_with_newer_ones() -> None:
    app = Hermes([event(publish_time=NOW_S - 1, price="245100000000"), event(publish_time=NOW_S, price="245200000000")])

    prices = pyth_prices(3, app)

    assert [price.value_usd for price in prices] == [Decimal("2450.12345678"), Decimal(2451), Decimal(2452)]
    assert app.seen[0]["authorization"] == f"Bearer {KEY}"


def test_an_update_that_is_not_newer_is_dropped() -> None:
    older, newer = event(publish_time=NOW_S - 5, price="1"), event(publish_time=NOW_S - 1)

    prices = pyth_prices(2, Hermes([older, event(publish_time=NOW_S - 2), b": keep-alive\n\n", newer]))

    assert [NOW - price.provenance.observed_at for price in prices] == [timedelta(seconds=2), timedelta(seconds=1)]


@pytest.mark.parametrize(
    "end",
    [
        [],
        [b"event:error\ndata:Connection timeout reached (24h)\n\n"],
        [b"data:{not json\n\n"],
        [b"data:" + json.dumps(hermes_update(publish_time=NOW_S) | {"padding": "x" * 1_200_000}).encode() + b"\n\n"],
    ],
)
def test_after_an_end_or_an_error_it_connects_again(end: list[bytes]) -> None:
    app = Hermes(end, [event(publish_time=NOW_S - 1)])

    prices = pyth_prices(2, app)

    assert len(app.seen) == 2
    assert prices[-1].provenance.observed_at == NOW - timedelta(seconds=1)


def test_one_bad_update_is_passed_over_and_three_in_a_row_are_a_failure() -> None:
    bad, good = event(price="-1"), event(publish_time=NOW_S - 1)
    one_bad = Hermes([bad, good])
    three_bad = Hermes([bad, bad, bad, good], [good])

    pyth_prices(2, one_bad)
    pyth_prices(2, three_bad)

    assert (len(one_bad.seen), len(three_bad.seen)) == (1, 2)


def test_a_refused_key_ends_the_stream() -> None:
    with pytest.raises(SourceDisabled, match="refuses the key"):
        pyth_prices(5, Hermes([b"unauthorized"], status=401))


def test_a_compressed_stream_is_not_read() -> None:
    app = Hermes([event(publish_time=NOW_S - 1)], headers={"content-encoding": "gzip"})

    with pytest.raises(SourceMalformed, match="encoded"):
        pyth_prices(2, app)


def test_a_service_in_this_process_has_no_stream() -> None:
    shared = edge(lambda _: None)

    for feed in (PythClient(shared, api_key=KEY), DydxClient(shared).oracle):
        with pytest.raises(SourceDisabled, match="served over HTTP"):
            run(first(1, feed))


# dYdX

CONNECTED = {"type": "connected", "connection_id": "c", "message_id": 0}


def subscribed(**changes: Any) -> dict[str, Any]:
    return {"type": "subscribed", "channel": "v4_markets", "message_id": 1, "contents": dydx_markets(**changes)}


def oracle(price: str, age_s: float, kind: str = "channel_data") -> dict[str, Any]:
    at = datetime.fromtimestamp(NOW_S - age_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    update = {"oraclePrices": {"ETH-USD": {"oraclePrice": price, "effectiveAt": at, "marketId": 1}}}
    return {"type": kind, "channel": "v4_markets", "contents": update if kind == "channel_data" else [update]}


FOLLOWING = [oracle("9999", 1)]
"""What the server says after a failure: a price that would be the newest."""


class Socks:
    """A dYdX WebSocket server: one list of messages per connection (the last one for ever), sent after `connected`."""

    def __init__(self, *connections: list[Any]) -> None:
        self.connections = list(connections)
        self.requests: list[Any] = []

    async def __call__(self, connection: ServerConnection) -> None:
        await connection.send(json.dumps(CONNECTED))
        self.requests.append(json.loads(await connection.recv()))
        messages = self.connections.pop(0) if len(self.connections) > 1 else self.connections[0]
        for message in messages:
            await connection.send(message if isinstance(message, str | bytes) else json.dumps(message))


def dydx_prices(number: int, socks: Socks) -> list[SpotPrice]:
    async def ask() -> list[SpotPrice]:
        async with serve(socks, "127.0.0.1", 0) as server, Edge(CLOCK, limits=Limits(budget_s=2)) as shared:
            port = server.sockets[0].getsockname()[1]
            client = DydxClient(shared, base_url=f"http://127.0.0.1:{port}", patience=AT_ONCE)
            return await first(number, client.oracle)

    return run(ask())


def test_the_oracle_price_is_streamed_as_it_takes_effect() -> None:
    socks = Socks([subscribed(), oracle("2450.1", 3), oracle("2450.2", 2, "channel_batch_data")])

    prices = dydx_prices(2, socks)

    assert [price.value_usd for price in prices] == [Decimal("2450.1"), Decimal("2450.2")]
    assert prices[0].provenance.observed_at == NOW - timedelta(seconds=3)
    assert socks.requests[0] == {"type": "subscribe", "channel": "v4_markets", "batched": False}


def test_updates_of_other_things_and_older_prices_are_passed_over() -> None:
    trading = {"type": "channel_data", "contents": {"trading": {"ETH-USD": {"nextFundingRate": "0.1"}, "X-USD": {}}}}
    socks = Socks([subscribed(), trading, oracle("2450.1", 2), oracle("1.0", 4), {"type": "new"}, oracle("2450.3", 1)])

    assert [price.value_usd for price in dydx_prices(2, socks)] == [Decimal("2450.1"), Decimal("2450.3")]


@pytest.mark.parametrize(
    "end",
    [
        [],
        [subscribed()],
        [subscribed(), {"type": "error", "message": "Internal error, could not fetch data for subscription"}],
        [subscribed(), "not json"],
        [subscribed(), b"\xff\xfe"],
        [subscribed(), '{"type": "channel_data", "contents": NaN}'],
        [subscribed(), oracle("-1", 1)],
        [subscribed(), oracle("2450", 3600)],
        [subscribed(status="PAUSED"), {"type": "new"}],
        [subscribed(), {"type": "channel_data", "contents": {"trading": {"ETH-USD": {"status": "CANCEL_ONLY"}}}}],
    ],
)
def test_after_an_end_or_a_failure_it_subscribes_again_and_believes_nothing_that_followed(end: list[Any]) -> None:
    socks = Socks([*end, *FOLLOWING[: len(end) // 2]], [subscribed(), oracle("2450.1", 2)])

    assert [price.value_usd for price in dydx_prices(1, socks)] == [Decimal("2450.1")]
    assert len(socks.requests) == 2


def test_a_market_that_stays_closed_ends_the_stream() -> None:
    with pytest.raises(SourceUnavailable, match="PAUSED"):
        dydx_prices(1, Socks([subscribed(status="PAUSED")]))


def test_a_server_that_is_not_there_ends_the_stream() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    client = DydxClient(Edge(CLOCK), base_url=f"http://127.0.0.1:{port}", patience=AT_ONCE)

    with pytest.raises(SourceUnavailable, match="the stream broke"):
        run(first(1, client.oracle))


# What all streams share


TICKS = count()


async def failing(error: SourceUnavailable, ticks: int = 0) -> AsyncIterator[datetime]:
    """A connection that brings some new ticks and then fails."""
    for _ in range(ticks):
        yield NOW + timedelta(seconds=next(TICKS))
    raise error


def endlessly(error: SourceUnavailable, patience: Patience, ticks: int = 0) -> AsyncIterator[datetime]:
    return reconnecting("pyth", lambda: failing(error, ticks), patience, time_of=lambda tick: tick)


async def drain(stream: Any, limit: int = 1000) -> list[Any]:
    items: list[Any] = []
    async for item in stream:
        items.append(item)
        if len(items) == limit:
            return items
    return items


class Waits:
    """Notes how long it was asked to wait, and doesn't."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


def test_each_failure_in_a_row_may_wait_twice_as_long_up_to_a_minute() -> None:
    waits = Waits()
    patience = Patience(first_s=1, longest_s=60, failures=12, chance=random.Random(1), sleep=waits)

    with pytest.raises(SourceUnavailable):
        run(drain(endlessly(SourceUnavailable("pyth", "down"), patience)))

    ceilings = [min(60, 2**n) for n in range(11)]
    assert len(waits.seconds) == 11
    assert all(0 <= wait <= ceiling for wait, ceiling in zip(waits.seconds, ceilings, strict=True))
    assert len(set(waits.seconds)) == 11


def test_a_wait_that_was_asked_for_is_kept() -> None:
    waits = Waits()

    with pytest.raises(SourceRateLimited):
        run(drain(endlessly(SourceRateLimited("pyth", 30), Patience(failures=3, sleep=waits))))

    assert all(wait >= 30 for wait in waits.seconds)


def test_a_price_that_came_through_starts_the_count_again() -> None:
    stream = endlessly(SourceUnavailable("pyth", "down"), Patience(failures=2, sleep=Waits()), ticks=1)

    assert len(run(drain(stream, limit=50))) == 50


def test_a_disabled_source_is_not_tried_again() -> None:
    waits = Waits()

    with pytest.raises(SourceDisabled):
        run(drain(endlessly(SourceDisabled("pyth", "no key"), Patience(sleep=waits))))
    assert waits.seconds == []
