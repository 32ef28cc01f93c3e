"""The dYdX v4 indexer on the wire: markets, funding, candles, book, trades. The WebSocket is in `wire_dydx_ws.py`.

Numbers are strings as the service sends them; rates are fractions per hour; lists are newest first.
"""

import math
from datetime import datetime

from bethna_cli.adapters.sim.chance import generator
from bethna_cli.adapters.sim.wire import (
    MOST_LIMIT,
    Refused,
    Reply,
    Request,
    Route,
    decimal,
    iso_ms,
    json_reply,
)
from bethna_cli.adapters.sim.world import DAY_S, HOUR_S, Bar, Perpetual, SettledFunding, World, unix
from bethna_cli.domain.market import Asset

CHAIN_START_S = unix("2023-10-26T00:00:00Z")
RESOLUTIONS = {
    "1MIN": 60,
    "5MINS": 300,
    "15MINS": 900,
    "30MINS": 1800,
    "1HOUR": HOUR_S,
    "4HOURS": 4 * HOUR_S,
    "1DAY": DAY_S,
}
PAIR_IDS = {Asset.BTC: "0", Asset.ETH: "1"}
TICK_PLACES = {Asset.BTC: 0, Asset.ETH: 1}
STEP_SIZE = {Asset.BTC: "0.0001", Asset.ETH: "0.001"}
TRADES_PER_COIN = {Asset.BTC: 30.0, Asset.ETH: 2.3}
CANDLE_PLACES = 2  # finer than the tick, so that recorded prices come out as they were recorded
BOOK_LEVELS = 20
BRIEF = {"cache-control": "public, max-age=1"}
UNHURRIED = {"cache-control": "public, max-age=10"}


def markets(world: World, request: Request) -> Reply:
    """Answer the perpetual markets, or one of them."""
    names = [name for name in (request.get("ticker"), request.get("market")) if name is not None]
    if len(names) > 1:
        raise _invalid("market", names[1], "ticker and market may not both be given")
    _limit(request)
    assets = [_ticker(world, names[0], location="query")] if names else list(world.assets)
    return json_reply(markets_document(world, assets), headers=BRIEF)


def markets_document(world: World, assets: list[Asset]) -> dict[str, object]:
    """Return the document of the markets route, which is also the first message of `v4_markets`."""
    states = {asset: world.perpetual(asset) for asset in assets}
    return {"markets": {f"{asset}-USD": _market(asset, state) for asset, state in states.items() if state is not None}}


def historical_funding(world: World, request: Request) -> Reply:
    """Answer settled rates up to a time or a height, newest first."""
    asset = _ticker(world, request.parts["ticker"], location="params")
    limit = _limit(request)
    until_s = math.floor(world.now().timestamp()) - 1
    before = request.get("effectiveBeforeOrAt")
    if before is not None:
        until_s = min(until_s, math.ceil(_time(request, "effectiveBeforeOrAt")) - 1)
    height = request.get("effectiveBeforeOrAtHeight")
    if height is not None and not (height.isdecimal() and len(height) < 16):
        raise _invalid("effectiveBeforeOrAtHeight", height, "effectiveBeforeOrAtHeight must be a non-negative integer")
    if height is not None and int(height) > 0:
        until_s = min(until_s, int(height) - 1 + CHAIN_START_S)
    rows = world.settled_funding(asset, until_s, limit) if until_s > CHAIN_START_S else []
    listed = [_funding_row(asset, row) for row in rows if row.at_s > CHAIN_START_S]
    observed = rows[0].at_s if rows else None
    return json_reply({"historicalFunding": listed}, headers=UNHURRIED, observed_s=observed)


def candles(world: World, request: Request) -> Reply:
    """Answer candles that start in [fromISO, toISO), newest first."""
    asset = _ticker(world, request.parts["ticker"], location="params")
    name = request.get("resolution") or ""
    if name not in RESOLUTIONS:
        message = "resolution must be a valid Candle Resolution, one of 1DAY,4HOURS,1HOUR,30MINS,15MINS,5MINS,1MIN"
        raise _invalid("resolution", name, message)
    limit = _limit(request)
    end_s = math.floor(world.now().timestamp()) + 1
    if request.get("toISO") is not None:
        end_s = min(end_s, math.ceil(_time(request, "toISO")))
    start_s = end_s - limit * RESOLUTIONS[name]
    if request.get("fromISO") is not None:
        start_s = max(start_s, math.ceil(_time(request, "fromISO")))
    start_s = max(start_s, CHAIN_START_S)
    return json_reply(candles_document(world, asset, name, start_s, end_s), headers=BRIEF)


def candles_document(world: World, asset: Asset, resolution: str, start_s: int, end_s: int) -> dict[str, object]:
    """Return the document of the candles route, which is also the first message of `v4_candles`."""
    bars = world.bars(asset, start_s, end_s, RESOLUTIONS[resolution])
    return {"candles": [candle_row(asset, resolution, bar) for bar in reversed(bars)]}


def candle_row(asset: Asset, resolution: str, bar: Bar) -> dict[str, object]:
    """Return one candle as the wire has it."""
    places = CANDLE_PLACES
    row: dict[str, object] = {
        "startedAt": iso_ms(bar.starts_s),
        "ticker": f"{asset}-USD",
        "resolution": resolution,
        "low": decimal(bar.low, places),
        "high": decimal(bar.high, places),
        "open": decimal(bar.open, places),
        "close": decimal(bar.close, places),
        "baseTokenVolume": decimal(bar.volume_coin, 4),
        "usdVolume": decimal(bar.volume_coin * (bar.high + bar.low) / 2, 4),
        "trades": int(bar.volume_coin * TRADES_PER_COIN[asset]),
    }
    if bar.open_interest_coin is not None:
        row["startingOpenInterest"] = decimal(bar.open_interest_coin, 6)
        row["orderbookMidPriceOpen"] = row["open"]
        row["orderbookMidPriceClose"] = row["close"]
    return row


def order_book(world: World, request: Request) -> Reply:
    """Answer the resting orders around the perpetual's price; both sides are empty where nothing was recorded."""
    asset = _ticker(world, request.parts["ticker"], location="book")
    state = world.perpetual(asset)
    if state is None or state.premium is None:
        return json_reply({"bids": [], "asks": []}, headers=BRIEF)
    tick = 10.0 ** -TICK_PLACES[asset]
    middle = state.oracle_usd * (1 + state.premium)
    draw = generator(0, "book", asset, int(world.now().timestamp()))
    sides: dict[str, list[dict[str, str]]] = {"bids": [], "asks": []}
    for level in range(1, BOOK_LEVELS + 1):
        for side, sign in (("bids", -1), ("asks", 1)):
            edge = math.floor(middle / tick) + (1 if sign > 0 else 0)
            price = (edge + sign * (level - 1)) * tick
            size = draw.expovariate(1.0) * 25_000 * math.sqrt(level) / state.oracle_usd
            sides[side].append({"price": decimal(price, TICK_PLACES[asset]), "size": decimal(size + 0.001, 4)})
    return json_reply(sides, headers=BRIEF)


def trades(world: World, request: Request) -> Reply:
    """Answer one trade a minute, at its close, newest first."""
    asset = _ticker(world, request.parts["ticker"], location="book")
    now_s = math.floor(world.now().timestamp())
    bars = world.bars(asset, now_s - _limit(request, default=100) * 60, now_s, 60)
    rows = [
        {
            "id": f"{height_at(bar.starts_s):08x}-00000000",
            "side": "BUY" if bar.close >= bar.open else "SELL",
            "size": decimal(bar.volume_coin, 4),
            "price": decimal(bar.close, TICK_PLACES[asset]),
            "type": "LIMIT",
            "createdAt": iso_ms(min(bar.starts_s + 59, now_s)),
            "createdAtHeight": str(height_at(bar.starts_s)),
        }
        for bar in reversed(bars)
    ]
    return json_reply({"trades": rows}, headers=BRIEF)


def time_now(world: World, _request: Request) -> Reply:
    """Answer the indexer's clock."""
    now_s = world.now().timestamp()
    return json_reply({"iso": iso_ms(now_s), "epoch": round(now_s, 3)}, headers=BRIEF)


def height(world: World, _request: Request) -> Reply:
    """Answer the newest block."""
    return json_reply(height_document(world), headers=BRIEF)


def height_document(world: World) -> dict[str, object]:
    """Return the document of the height route, which is also the first message of `v4_block_height`."""
    at_s = world.indexed_s()
    return {"height": str(height_at(at_s)), "time": iso_ms(at_s)}


def height_at(at_s: int) -> int:
    """Return the block at a time: one a second since the chain's start."""
    return max(1, at_s - CHAIN_START_S + 1)


def find_asset(world: World, ticker: str) -> Asset | None:
    """Return the asset of a ticker, None when there is no such market."""
    return next((asset for asset in world.assets if ticker == f"{asset}-USD"), None)


def _market(asset: Asset, state: Perpetual) -> dict[str, object]:
    volume_usd = state.volume_24h_usd
    trades = None if volume_usd is None else int(volume_usd / state.oracle_usd * TRADES_PER_COIN[asset])
    return {
        "clobPairId": PAIR_IDS[asset],
        "ticker": f"{asset}-USD",
        "status": "ACTIVE",
        "oraclePrice": decimal(state.oracle_usd, 6),
        "priceChange24H": _known(state.change_24h_usd, 6),
        "volume24H": _known(volume_usd, 4),
        "trades24H": trades,
        "nextFundingRate": decimal(state.next_rate_1h, 12),
        "initialMarginFraction": "0.02",
        "maintenanceMarginFraction": "0.012",
        "openInterest": _known(state.open_interest_coin, 6),
        "atomicResolution": -10 if asset is Asset.BTC else -9,
        "quantumConversionExponent": -9,
        "tickSize": decimal(10.0 ** -TICK_PLACES[asset], 1),
        "stepSize": STEP_SIZE[asset],
        "stepBaseQuantums": 1_000_000,
        "subticksPerTick": 100_000,
        "marketType": "CROSS",
        "openInterestLowerCap": "0",
        "openInterestUpperCap": "0",
        "baseOpenInterest": _known(state.open_interest_coin, 2),
        "defaultFundingRate1H": "0",
    }


def _known(value: float | None, places: int) -> str | None:
    """Write a number, null where a recording has none."""
    return None if value is None else decimal(value, places)


def _funding_row(asset: Asset, row: SettledFunding) -> dict[str, str | None]:
    """Write a settlement: the block that carries it comes a fraction of a second after the hour."""
    late_s = (row.at_s // HOUR_S * 37 % 900 + 57) / 1000
    return {
        "ticker": f"{asset}-USD",
        "rate": decimal(row.rate_1h, 12),
        "price": _known(row.price_usd, 6),
        "effectiveAt": iso_ms(row.at_s + late_s),
        "effectiveAtHeight": str(height_at(row.at_s)),
    }


def _ticker(world: World, name: str, *, location: str) -> Asset:
    asset = find_asset(world, name)
    if asset is not None:
        return asset
    if location == "book":
        body = {"errors": [{"msg": f"{name} not found in markets of type PERPETUAL"}]}
        raise Refused(json_reply(body, status=404))
    raise _invalid("ticker", name, "ticker must be a valid ticker (BTC-USD, etc)", location=location)


def _limit(request: Request, *, default: int = MOST_LIMIT) -> int:
    text = request.get("limit")
    if text is None:
        return default
    if not (text.isdecimal() and len(text) <= 4 and 1 <= int(text) <= MOST_LIMIT):
        raise _invalid("limit", text, f"limit must be a positive integer that is not greater than max: {MOST_LIMIT}")
    return int(text)


def _time(request: Request, name: str) -> float:
    text = request.get(name) or ""
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
    except (ValueError, OverflowError) as error:
        raise _invalid(name, text, f"{name} must be a valid ISO8601 timestamp") from error


def _invalid(param: str, value: str, message: str, *, location: str = "query") -> Refused:
    row = {"value": value, "msg": message, "param": param, "location": location}
    return Refused(json_reply({"errors": [row]}, status=400))


_P = "perpetualMarket"
ROUTES = (
    Route("/dydx/v4/perpetualMarkets", "dydx", markets, is_open=True),
    Route("/dydx/v4/historicalFunding/{ticker}", "dydx", historical_funding, is_open=True),
    Route(f"/dydx/v4/candles/{_P}s/{{ticker}}", "dydx-candles", candles, is_open=True),
    Route(f"/dydx/v4/orderbooks/{_P}/{{ticker}}", "dydx", order_book, is_open=True),
    Route(f"/dydx/v4/trades/{_P}/{{ticker}}", "dydx", trades, is_open=True),
    Route("/dydx/v4/time", "dydx", time_now, is_open=True),
    Route("/dydx/v4/height", "dydx", height, is_open=True),
)
