"""Thetanuts on the wire: the order feed, the exchange-derived prices, and an indexer of a chain nobody trades on.

The indexer knows the roles that the venue's own book gives out, and here nobody has one: what is traded on a served
world's chain are tokens, and who holds them is read from that chain.
"""

import re

from bethna_cli.adapters.sim.wire import Refused, Reply, Request, Route, json_reply
from bethna_cli.adapters.sim.world import Board, ReferencePrice, SignedOrder, World, unix

CACHE_LIFE_MS = 60_000
SPOT_LIFE_S = 60
BLOCK_S = 2
GENESIS_BLOCK_S = unix("2026-01-01T00:00:00Z")
ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")


def orders(world: World, _request: Request) -> Reply:
    """Answer the live orders of all assets. The feed is as new as its spot prices; orders are written each minute.

    An asset whose newest price is old has none in the feed: one time stands for all of them.
    """
    board = world.board()
    known = {asset.value: tick for asset in world.assets if (tick := world.latest(asset)) is not None}
    newest_s = max((tick.at_s for tick in known.values()), default=board.written_s)
    ticks = {name: tick for name, tick in known.items() if newest_s - tick.at_s <= SPOT_LIFE_S}
    updated_s = min((tick.at_s for tick in ticks.values()), default=newest_s)
    now_ms = int(world.now().timestamp() * 1000)
    document = {
        "data": {
            "timestamp": world.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
            "orders": [_row(row) for row in board.rows],
            "market_data": {name: round(tick.price_usd, 2) for name, tick in ticks.items()},
            "market_weather": _weather(board),
        },
        "metadata": {"last_updated": updated_s * 1000, "current_time": now_ms, "origin": world.origin.value},
    }
    cap = {"x-bethna-assumed-cap": board.assumed_cap} if board.assumed_cap else {}
    return json_reply(document, headers=cap, observed_s=updated_s)


def pricing(world: World, _request: Request) -> Reply:
    """Answer reference prices of vanilla options, as fractions of the underlying."""
    now_s = int(world.now().timestamp())
    fetched_s = world.board().written_s
    age_ms = (now_s - fetched_s) * 1000
    metadata = {
        "last_fetched": fetched_s * 1000,
        "cache_ttl": CACHE_LIFE_MS,
        "cache_expires_in": max(0, CACHE_LIFE_MS - age_ms),
        "endpoint": "all",
        "is_stale": age_ms > CACHE_LIFE_MS,
        "in_cooldown": False,
        "manually_loaded": False,
        "origin": world.origin.value,
    }
    data = {asset.value: dict(map(_priced, world.reference(asset))) for asset in world.assets}
    return json_reply({"data": data, "metadata": metadata}, observed_s=fetched_s)


def positions(_world: World, request: Request) -> Reply:
    """Answer the positions of an account: none."""
    if not ADDRESS.fullmatch(request.parts["address"]):
        raise Refused(json_reply({"error": "Invalid address"}, status=400))
    return json_reply({"data": []})


def stats(world: World, _request: Request) -> Reply:
    """Answer the book's counters."""
    now_s = int(world.now().timestamp())
    counts = {"total": 0, "open": 0, "settled": 0, "closed": 0, "pendingInit": 0}
    document = {
        "totalOptionsTracked": 0,
        "openPositions": 0,
        "settledPositions": 0,
        "closedPositions": 0,
        "uniqueUsers": 0,
        "lastProcessedBlock": _height(now_s),
        "lastUpdateTimestamp": now_s,
        "positions": counts,
    }
    return json_reply(document)


def health(world: World, _request: Request) -> Reply:
    """Answer how far the indexer is."""
    now_s = int(world.now().timestamp())
    chain_id = next((row.order.chain_id for row in world.board().rows), 0)
    document = {
        "status": "ok",
        "chain_id": chain_id,
        "last_indexed_block": _height(now_s),
        "head_block": _height(now_s),
        "lag_blocks": 0,
        "last_ping": now_s,
        "seconds_since_ping": 0,
        "timestamp": now_s,
    }
    return json_reply(document)


def _row(row: SignedOrder) -> dict[str, object]:
    order = row.order
    terms = {
        "ticker": order.ticker,
        "maker": order.maker,
        "orderExpiryTimestamp": order.good_until_s,
        "collateral": order.collateral,
        "isCall": order.is_call,
        "priceFeed": order.price_feed,
        "implementation": order.implementation,
        "isLong": order.is_long,
        "maxCollateralUsable": str(order.max_collateral),
        "strikes": [str(strike) for strike in order.strikes],
        "expiry": order.expiry_s,
        "price": str(order.price),
        "numContracts": "0",
        "extraOptionData": "0x",
        **order.listing,
    }
    return {
        "order": terms,
        "signature": row.signature,
        "chainId": order.chain_id,
        "optionBookAddress": order.book,
        "nonce": str(row.nonce),
        "greeks": order.greeks,
    }


def _weather(board: Board) -> dict[str, object]:
    return {
        name: {"curVol": round(now, 4), "forecast": [round(value, 4) for value in later]}
        for name, (now, *later) in board.volatility.items()
    }


def _priced(row: ReferencePrice) -> tuple[str, dict[str, object]]:
    strike = int(row.strike_usd) if row.strike_usd == int(row.strike_usd) else row.strike_usd
    return row.ticker, {
        "bid_price": row.bid,
        "ask_price": row.ask,
        "mark_price": row.mark,
        "underlying_price": row.underlying_usd,
        "strike": strike,
        "passesToleranceCheck": True,
    }


def _height(now_s: int) -> int:
    return max(0, (now_s - GENESIS_BLOCK_S) // BLOCK_S)


_BOOK = "/thetanuts/indexer/api/v1/book"
ROUTES = (
    Route("/thetanuts/orders", "thetanuts", orders, is_open=True),
    Route("/thetanuts/orders/", "thetanuts", orders, is_open=True),
    Route("/thetanuts/pricing/all", "thetanuts", pricing, is_open=True),
    Route("/thetanuts/indexer/health", "thetanuts", health, is_open=True),
    *(
        Route(f"{base}{path}", "thetanuts", handler, is_open=True)
        for base in (_BOOK, "/thetanuts/indexer")
        for path, handler in (
            ("/user/{address}/positions", positions),
            ("/user/{address}/history", positions),
            ("/stats", stats),
        )
    ),
)
