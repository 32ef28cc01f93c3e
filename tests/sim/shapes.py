"""The documented shapes of the services' answers, field by field, and how to compare an answer with one."""

import re
from collections.abc import Callable
from typing import Any

Shape = Any
"""A type, a pattern, a predicate, a list of one shape, or a dict of shapes (a key may end in `?`)."""

INTEGER = re.compile(r"-?\d+")
DECIMAL = re.compile(r"-?\d+(\.\d+)?")
ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")


def departures(shape: Shape, value: object, where: str = "$") -> list[str]:
    """Name the places where `value` is not of the documented shape; nothing is an empty list."""
    if isinstance(shape, dict):
        return _object_departures(shape, value, where)
    if isinstance(shape, list):
        if not isinstance(value, list):
            return [f"{where}: not a list"]
        return [found for i, inner in enumerate(value) for found in departures(shape[0], inner, f"{where}[{i}]")]
    if isinstance(shape, re.Pattern):
        fits = isinstance(value, str) and shape.fullmatch(value) is not None
    elif isinstance(shape, type):
        fits = type(value) is shape
    elif isinstance(shape, Callable):
        fits = bool(shape(value))
    else:
        fits = value == shape
    return [] if fits else [f"{where}: {value!r}"]


def _object_departures(shape: dict[str, Shape], value: object, where: str) -> list[str]:
    if not isinstance(value, dict):
        return [f"{where}: not an object"]
    required = {name for name in shape if not name.endswith("?")}
    missing = [f"{where}.{name}: missing" for name in sorted(required - value.keys())]
    known = {name.rstrip("?"): inner for name, inner in shape.items()}
    inner = [
        found
        for name in known.keys() & value.keys()
        for found in departures(known[name], value[name], f"{where}.{name}")
    ]
    return missing + inner


PRICE = {"price": INTEGER, "conf": INTEGER, "expo": int, "publish_time": int}
PYTH_UPDATE = {
    "binary": {"encoding": "hex", "data": [re.compile(r"504e4155[0-9a-f]*")]},
    "parsed": [
        {
            "id": re.compile(r"[0-9a-f]{64}"),
            "price": PRICE,
            "ema_price": PRICE,
            "metadata": {"slot": int, "proof_available_time": int, "prev_publish_time": int},
        }
    ],
}
PYTH_FEED = {
    "id": re.compile(r"[0-9a-f]{64}"),
    "attributes": {
        "asset_type": "Crypto",
        "base": str,
        "quote_currency": "USD",
        "symbol": re.compile(r"Crypto\.[A-Z]+/USD"),
        "display_symbol": str,
        "generic_symbol": str,
        "description": str,
    },
}
DYDX_MARKET = {
    "clobPairId": INTEGER,
    "ticker": re.compile(r"[A-Z]+-USD"),
    "status": "ACTIVE",
    "oraclePrice": DECIMAL,
    "priceChange24H": DECIMAL,
    "volume24H": DECIMAL,
    "trades24H": int,
    "nextFundingRate": DECIMAL,
    "initialMarginFraction": DECIMAL,
    "maintenanceMarginFraction": DECIMAL,
    "openInterest": DECIMAL,
    "atomicResolution": int,
    "quantumConversionExponent": int,
    "tickSize": DECIMAL,
    "stepSize": DECIMAL,
    "stepBaseQuantums": int,
    "subticksPerTick": int,
    "marketType": "CROSS",
    "openInterestLowerCap": DECIMAL,
    "openInterestUpperCap": DECIMAL,
    "baseOpenInterest": DECIMAL,
    "defaultFundingRate1H": DECIMAL,
}
DYDX_FUNDING = {
    "ticker": "BTC-USD",
    "rate": DECIMAL,
    "price": DECIMAL,
    "effectiveAt": ISO,
    "effectiveAtHeight": INTEGER,
}
DYDX_CANDLE = {
    "startedAt": ISO,
    "ticker": "ETH-USD",
    "resolution": "1HOUR",
    **dict.fromkeys(("low", "high", "open", "close", "baseTokenVolume", "usdVolume", "startingOpenInterest"), DECIMAL),
    "trades": int,
    "orderbookMidPriceOpen": DECIMAL,
    "orderbookMidPriceClose": DECIMAL,
}
DYDX_LEVEL = {"price": DECIMAL, "size": DECIMAL}
DYDX_TRADE = {
    "id": str,
    "side": re.compile("BUY|SELL"),
    "size": DECIMAL,
    "price": DECIMAL,
    "type": str,
    "createdAt": ISO,
    "createdAtHeight": INTEGER,
}
THETANUTS_ROW = {
    "order": {
        "ticker": str,
        "maker": ADDRESS,
        "orderExpiryTimestamp": int,
        "collateral": ADDRESS,
        "isCall": bool,
        "priceFeed": ADDRESS,
        "implementation": ADDRESS,
        "isLong": bool,
        "maxCollateralUsable": INTEGER,
        "strikes": [INTEGER],
        "expiry": int,
        "price": INTEGER,
        "numContracts": "0",
        "extraOptionData": "0x",
        "type?": "binaries",
        "name?": str,
    },
    "signature": re.compile(r"0x([0-9a-f]{2})*"),
    "chainId": int,
    "optionBookAddress": ADDRESS,
    "nonce": INTEGER,
    "greeks": lambda greeks: (
        greeks is None
        or not departures({"delta": float, "iv": float, "gamma": float, "theta": float, "vega": float}, greeks)
    ),
}
THETANUTS_ORDERS = {
    "data": {
        "timestamp": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"),
        "orders": [THETANUTS_ROW],
        "market_data": {"ETH": float, "BTC": float},
        "market_weather": {
            "ETH": {"curVol": float, "forecast": [float]},
            "BTC": {"curVol": float, "forecast": [float]},
        },
    },
    "metadata": {"last_updated": int, "current_time": int},
}
THETANUTS_PRICE = {
    "bid_price": float,
    "ask_price": float,
    "mark_price": float,
    "underlying_price": float,
    "strike": int,
    "passesToleranceCheck": bool,
}
THETANUTS_PRICING_METADATA = {
    "last_fetched": int,
    "cache_ttl": int,
    "cache_expires_in": int,
    "endpoint": "all",
    "is_stale": bool,
    "in_cooldown": bool,
    "manually_loaded": bool,
}
THETANUTS_HEALTH = {
    "status": "ok",
    "chain_id": int,
    "last_indexed_block": int,
    "head_block": int,
    "lag_blocks": int,
    "last_ping": int,
    "seconds_since_ping": int,
    "timestamp": int,
}
THETANUTS_STATS = {
    **dict.fromkeys(("totalOptionsTracked", "openPositions", "settledPositions", "closedPositions"), int),
    **dict.fromkeys(("uniqueUsers", "lastProcessedBlock", "lastUpdateTimestamp"), int),
    "positions": dict.fromkeys(("total", "open", "settled", "closed", "pendingInit"), int),
}
METRICS = ("retweet_count", "reply_count", "like_count", "quote_count", "bookmark_count", "impression_count")
X_SEARCH = {
    "data": [
        {
            "id": INTEGER,
            "text": str,
            "created_at": ISO,
            "author_id": INTEGER,
            "lang": "en",
            "public_metrics": dict.fromkeys(METRICS, int),
            "edit_history_tweet_ids": [INTEGER],
        }
    ],
    "includes": {"users": [{"id": INTEGER, "username": str, "verified": bool}]},
    "meta": {"newest_id": INTEGER, "oldest_id": INTEGER, "result_count": int, "next_token": str},
}
FNG = {
    "name": str,
    "data": [
        {
            "value": INTEGER,
            "value_classification": re.compile("Extreme Fear|Fear|Neutral|Greed|Extreme Greed"),
            "timestamp": INTEGER,
            "time_until_update?": INTEGER,
        }
    ],
    "metadata": {"error": None},
}
