"""Pyth on the wire: Hermes v2 prices, feeds and the event stream, and the candles of the history API."""

import asyncio
import json
import re
from collections.abc import Mapping

from bethna_cli.adapters.sim.wire import (
    Channel,
    Mark,
    Receive,
    Refused,
    Reply,
    Request,
    Route,
    Send,
    json_reply,
    text_reply,
)
from bethna_cli.adapters.sim.world import DAY_S, Tick, World
from bethna_cli.domain.market import Asset

FEED_IDS = {
    Asset.ETH: "ff61491a931112ddf1bd8147cd1b641375f79f5825126d665480874634fd0ace",
    Asset.BTC: "e62df6c8b4a85fe1a67db44dc12de5db330f7ac66b72dc658afedf0f4a415b43",
}
DESCRIPTIONS = {Asset.ETH: "ETHEREUM", Asset.BTC: "BITCOIN"}
EXPONENT = -8
GENESIS_SLOT_S = 1_600_000_000
UNSIGNED_PAYLOAD = (b"PNAU\x01\x00\x00\x00" + b"not signed: embedded market").hex()
RESOLUTIONS = {
    **{str(minutes): minutes * 60 for minutes in (1, 2, 5, 15, 30, 60, 120, 240, 360, 720)},
    **{"D": DAY_S, "1D": DAY_S},
}
MOST_BARS = 10_000
STREAM_PAUSE_S = 1.0


def latest(world: World, request: Request) -> Reply:
    """Answer the newest price of each feed asked for."""
    ticks = {asset: world.latest(asset) for asset in _feeds(world, request)}
    return _update(world, request, ticks)


def at_time(world: World, request: Request) -> Reply:
    """Answer the first price at or after a time."""
    stamp = request.parts["publish_time"]
    if not re.fullmatch(r"\d{1,11}", stamp):
        raise Refused(text_reply("Invalid URL: Cannot parse `publish_time` to a `i64`", status=400))
    ticks = {asset: world.tick(asset, int(stamp)) for asset in _feeds(world, request)}
    return _update(world, request, ticks)


def price_feeds(world: World, request: Request) -> Reply:
    """Answer the metadata of the feeds whose symbol holds `query`."""
    query = (request.get("query") or "").lower()
    kind = request.get("asset_type")
    rows = [_metadata(asset) for asset in world.assets if query in f"crypto.{asset}/usd".lower()]
    return json_reply(rows if kind in (None, "crypto") else [])


def alive(_world: World, _request: Request) -> Reply:
    """Answer the health check."""
    return text_reply("OK", status=200)


def history(world: World, request: Request) -> Reply:
    """Answer candles as parallel arrays (TradingView UDF); failures say `error` with HTTP 200."""
    symbols = {f"crypto.{asset}/usd".lower(): asset for asset in world.assets}
    asset = symbols.get((request.get("symbol") or "").lower())
    resolution_s = RESOLUTIONS.get(request.get("resolution") or "")
    start, end = request.get("from") or "", request.get("to") or ""
    if asset is None:
        return _failed("symbol not found")
    if resolution_s is None:
        return _failed("resolution not supported")
    if not (re.fullmatch(r"\d{1,11}", start) and re.fullmatch(r"\d{1,11}", end)):
        return _failed("from and to must be unix seconds")
    end_s = min(int(end), int(world.now().timestamp()))
    if (end_s - int(start)) // resolution_s > MOST_BARS:
        return _failed(f"too many bars: at most {MOST_BARS}")
    bars = world.bars(asset, int(start), end_s + 1, resolution_s)
    columns = {"o": "open", "h": "high", "l": "low", "c": "close"}
    arrays = {name: [round(getattr(bar, field), 6) for bar in bars] for name, field in columns.items()}
    document = {"s": "ok", "t": [bar.starts_s for bar in bars], **arrays, "v": [0] * len(bars)}
    return json_reply(document, observed_s=min(bars[-1].starts_s + resolution_s, end_s) if bars else None)


async def stream(world: World, request: Request, receive: Receive, send: Send, mark: Mark) -> None:
    """Send an event with every new price until the reader leaves."""
    try:
        assets = _feeds(world, request)
    except Refused as refusal:
        reply = refusal.reply
        headers = [(b"content-type", reply.content_type.encode()), *mark(None)]
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": reply.body})
        return
    headers = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-cache"), *mark(None)]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    gone = asyncio.ensure_future(_wait_until_gone(receive))
    seen: set[int] = set()
    while not gone.done():
        ticks = {asset: world.latest(asset) for asset in assets}
        stamps = {tick.at_s for tick in ticks.values() if tick is not None}
        if not stamps <= seen:
            seen = stamps
            line = json.dumps(_document(request, ticks), separators=(",", ":"))
            await send({"type": "http.response.body", "body": f"data:{line}\n\n".encode(), "more_body": True})
        await asyncio.wait({gone}, timeout=STREAM_PAUSE_S)


async def _wait_until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _feeds(world: World, request: Request) -> list[Asset]:
    asked = request.all("ids[]")
    if not asked:
        raise Refused(text_reply("Failed to deserialize query string: missing field `ids`", status=400))
    skips_unknown = _boolean(request, "ignore_invalid_price_ids", default=False)
    known = {FEED_IDS[asset]: asset for asset in world.assets}
    found: list[Asset] = []
    missing: list[str] = []
    for text in asked:
        feed = text.lower().removeprefix("0x")
        if not re.fullmatch(r"[0-9a-f]{64}", feed):
            raise Refused(text_reply("Failed to deserialize query string: invalid price feed id", status=400))
        if feed in known:
            found.append(known[feed])
        else:
            missing.append(f"0x{feed}")
    if missing and not skips_unknown:
        raise Refused(text_reply(f"Price ids not found: {', '.join(missing)}", status=404))
    return found


def _boolean(request: Request, name: str, *, default: bool) -> bool:
    text = request.get(name)
    if text not in (None, "true", "false"):
        message = f"Failed to deserialize query string: provided string was not `true` or `false` for {name}"
        raise Refused(text_reply(message, status=400))
    return default if text is None else text == "true"


def _update(world: World, request: Request, ticks: Mapping[Asset, Tick | None]) -> Reply:
    if any(tick is None for tick in ticks.values()):
        raise Refused(text_reply("Update data not found", status=404))
    stamps = [tick.at_s for tick in ticks.values() if tick is not None]
    return json_reply(_document(request, ticks), observed_s=min(stamps, default=world.now().timestamp()))


def _document(request: Request, ticks: Mapping[Asset, Tick | None]) -> dict[str, object]:
    encoding = request.get("encoding") or "hex"
    if encoding not in ("hex", "base64"):
        raise Refused(text_reply("Failed to deserialize query string: unknown variant for encoding", status=400))
    import base64

    payload = bytes.fromhex(UNSIGNED_PAYLOAD)
    data = payload.hex() if encoding == "hex" else base64.b64encode(payload).decode()
    document: dict[str, object] = {"binary": {"encoding": encoding, "data": [data]}}
    if _boolean(request, "parsed", default=True):
        document["parsed"] = [_parsed(asset, tick) for asset, tick in ticks.items() if tick is not None]
    return document


def _parsed(asset: Asset, tick: Tick) -> dict[str, object]:
    return {
        "id": FEED_IDS[asset],
        "price": _figures(tick.price_usd, tick),
        "ema_price": _figures(tick.hour_average_usd, tick),
        "metadata": {
            "slot": (tick.at_s - GENESIS_SLOT_S) * 2,
            "proof_available_time": tick.at_s,
            "prev_publish_time": tick.at_s - 1,
        },
    }


def _figures(value_usd: float, tick: Tick) -> dict[str, object]:
    scale = 10**-EXPONENT
    return {
        "price": str(round(value_usd * scale)),
        "conf": str(round(tick.confidence_usd * scale)),
        "expo": EXPONENT,
        "publish_time": tick.at_s,
    }


def _metadata(asset: Asset) -> dict[str, object]:
    attributes = {
        "asset_type": "Crypto",
        "base": asset.value,
        "quote_currency": "USD",
        "symbol": f"Crypto.{asset}/USD",
        "display_symbol": f"{asset}/USD",
        "generic_symbol": f"{asset}USD",
        "description": f"{DESCRIPTIONS[asset]} / US DOLLAR (embedded market)",
    }
    return {"id": FEED_IDS[asset], "attributes": attributes}


def _failed(message: str) -> Reply:
    return json_reply({"s": "error", "errmsg": message})


ROUTES = (
    Route("/hermes/v2/updates/price/latest", "hermes", latest),
    Route("/hermes/v2/updates/price/{publish_time}", "hermes", at_time),
    Route("/hermes/v2/price_feeds", "hermes", price_feeds, is_open=True),
    Route("/hermes/live", "hermes", alive, is_open=True),
    Route("/hermes/ready", "hermes", alive, is_open=True),
    Route("/hermes/v1/{channel}/history", "hermes", history),
    Route("/v1/{channel}/history", "hermes", history),
)
STREAMS: dict[str, Channel] = {"/hermes/v2/updates/price/stream": stream}
