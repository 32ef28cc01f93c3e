"""The dYdX WebSocket: subscriptions to markets, candles and block heights.

Every message of a connection is numbered. Updates come once a second of real time, whatever the market's clock does:
markets as partial objects (oracle prices apart from the rest), candles as the running candle alone.
"""

import asyncio
import json
import math
import uuid
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field

from bethna_cli.adapters.sim import wire_dydx
from bethna_cli.adapters.sim.wire import Channel, Mark, Receive, Refused, Request, Send, decimal, iso_ms
from bethna_cli.adapters.sim.world import World

PAUSE_S = 1.0
VERSION = "1.0.0"
MOST_SUBSCRIPTIONS = 32
LONGEST_MESSAGE = 4096
Say = Callable[[Mapping[str, object]], Awaitable[None]]


@dataclass(slots=True)
class Connection:
    """One client: its id, the number of its next message, and what it listens to (whether batched)."""

    id: str
    next_message: int = 0
    subscriptions: dict[tuple[str, str], bool] = field(default_factory=dict)
    sent: dict[tuple[str, str], object] = field(default_factory=dict)

    def message(self, kind: str, **fields: object) -> dict[str, object]:
        """Return a numbered message."""
        self.next_message += 1
        return {"type": kind, "connection_id": self.id, "message_id": self.next_message - 1, **fields}


async def channel(world: World, _request: Request, receive: Receive, send: Send, mark: Mark) -> None:
    """Serve one connection until the client leaves."""
    await receive()
    await send({"type": "websocket.accept", "headers": mark(None)})
    connection = Connection(str(uuid.uuid4()))
    lock = asyncio.Lock()

    async def say(message: Mapping[str, object]) -> None:
        await send({"type": "websocket.send", "text": json.dumps(message, separators=(",", ":"))})

    async with lock:
        await say(connection.message("connected"))
    updates = asyncio.ensure_future(_updates(world, connection, lock, say))
    try:
        while (event := await receive())["type"] == "websocket.receive":
            async with lock:
                await say(_answer(world, connection, event.get("text") or ""))
    finally:
        updates.cancel()


async def _updates(world: World, connection: Connection, lock: asyncio.Lock, say: Say) -> None:
    while True:
        await asyncio.sleep(PAUSE_S)
        async with lock:
            for (name, key), is_batched in list(connection.subscriptions.items()):
                for message in _news(world, connection, name, key, is_batched=is_batched):
                    await say(message)


def _news(
    world: World, connection: Connection, name: str, key: str, *, is_batched: bool
) -> Iterator[Mapping[str, object]]:
    """Give the messages of a subscription, nothing when nothing has changed since the last ones."""
    contents = CHANNELS[name].update(world, key)
    if contents == connection.sent.get((name, key)):
        return
    connection.sent[name, key] = contents
    where = {**_where(name, key), "version": VERSION}
    if is_batched:
        yield connection.message("channel_batch_data", **where, contents=contents)
    else:
        yield from (connection.message("channel_data", **where, contents=content) for content in contents)


def _answer(world: World, connection: Connection, text: str) -> dict[str, object]:
    try:
        asked = json.loads(text) if len(text) <= LONGEST_MESSAGE else None
    except ValueError:
        asked = None
    if not isinstance(asked, dict) or asked.get("type") not in ("subscribe", "unsubscribe"):
        return connection.message("error", message="Invalid message: could not parse")
    name, key = str(asked.get("channel")), str(asked.get("id") or "")
    if name not in CHANNELS:
        return connection.message("error", message=f"Invalid channel: {name[:64]}")
    if asked["type"] == "unsubscribe":
        connection.subscriptions.pop((name, key), None)
        return connection.message("unsubscribed", **_where(name, key))
    if (name, key) in connection.subscriptions:
        label = f"{name}-{key}" if key else name
        return connection.message("error", message=f"Invalid subscribe message: already subscribed ({label[:128]})")
    if sum(known == name for known, _ in connection.subscriptions) >= MOST_SUBSCRIPTIONS:
        return connection.message("error", message=f"Per-connection subscription limit reached for {name}")
    try:
        contents = CHANNELS[name].first(world, key)
    except (Refused, KeyError, ValueError):
        return connection.message("error", message=f"Invalid subscription id for channel: ({name}-{key[:64]})")
    connection.subscriptions[name, key] = asked.get("batched") is True
    return connection.message("subscribed", **_where(name, key), contents=contents)


def _where(name: str, key: str) -> dict[str, object]:
    return {"channel": name, "id": key} if key else {"channel": name}


@dataclass(frozen=True, slots=True)
class Feed:
    """A channel: what a subscriber gets first, and what is new now, in messages' contents."""

    first: Callable[[World, str], object]
    update: Callable[[World, str], list[object]]


def _markets_first(world: World, key: str) -> object:
    if key:
        raise ValueError("this channel has no id")
    return wire_dydx.markets_document(world, list(world.assets))


def _markets_update(world: World, _key: str) -> list[object]:
    """Return what changed as the service cuts it: trading figures, and oracle prices apart from them."""
    at_s = world.indexed_s()
    states = {asset: state for asset in world.assets if (state := world.perpetual(asset)) is not None}
    trading = {f"{asset}-USD": {"nextFundingRate": decimal(state.next_rate_1h, 12)} for asset, state in states.items()}
    prices = {
        f"{asset}-USD": {
            "oraclePrice": decimal(state.oracle_usd, 6),
            "effectiveAt": iso_ms(at_s),
            "effectiveAtHeight": str(wire_dydx.height_at(at_s)),
            "marketId": int(wire_dydx.PAIR_IDS[asset]),
        }
        for asset, state in states.items()
    }
    return [{"trading": trading}, {"oraclePrices": prices}]


def _candles_first(world: World, key: str) -> object:
    ticker, _, resolution = key.partition("/")
    asset = wire_dydx.find_asset(world, ticker)
    if asset is None:
        raise ValueError("no such market")
    now_s = math.floor(world.now().timestamp())
    start_s = now_s - wire_dydx.RESOLUTIONS[resolution] * 1000
    return wire_dydx.candles_document(world, asset, resolution, max(start_s, wire_dydx.CHAIN_START_S), now_s + 1)


def _candles_update(world: World, key: str) -> list[object]:
    ticker, _, resolution = key.partition("/")
    asset = wire_dydx.find_asset(world, ticker)
    now_s = math.floor(world.now().timestamp())
    start_s = now_s // wire_dydx.RESOLUTIONS[resolution] * wire_dydx.RESOLUTIONS[resolution]
    bars = [] if asset is None else world.bars(asset, start_s, now_s + 1, wire_dydx.RESOLUTIONS[resolution])
    return [wire_dydx.candle_row(asset, resolution, bar) for bar in bars[-1:]] if asset is not None else []


CHANNELS: dict[str, Feed] = {
    "v4_markets": Feed(_markets_first, _markets_update),
    "v4_candles": Feed(_candles_first, _candles_update),
    "v4_block_height": Feed(
        lambda world, _: wire_dydx.height_document(world), lambda world, _: [wire_dydx.height_document(world)]
    ),
}
STREAMS: dict[str, Channel] = {"/dydx/v4/ws": channel}
