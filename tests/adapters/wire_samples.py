"""The services' documented answers as Python values, and an edge that serves them: the material of the client tests."""

import asyncio
import copy
import json
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any, TypeVar

import httpx

from bethna_cli.adapters.clocks import FixedClock
from bethna_cli.adapters.dydx import DydxClient
from bethna_cli.adapters.http import Edge, Limits
from bethna_cli.adapters.pyth import FEED_IDS, PythClient
from bethna_cli.adapters.thetanuts import ThetanutsClient, ThetanutsUrls
from bethna_cli.domain.market import Asset
from bethna_cli.ports import Clock

T = TypeVar("T")
Handler = Callable[[httpx.Request], httpx.Response]

NOW = datetime(2026, 8, 30, 10, 0, 30, tzinfo=UTC)
NOW_S = int(NOW.timestamp())
CLOCK = FixedClock(NOW)
KEY = "sk-canary-5f2d"
QUICK = Limits(budget_s=0.25)

ETH_FEED = "0x71041dddad3595F9CEd3DcCFBe3D1F4b0a16Bb70"
BTC_FEED = "0x64c911996D3c6aC71f9b455B1E8E7266BcbD848F"
USDC = "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913"
WETH = "0x4200000000000000000000000000000000000006"
BOOK = "0x1bDff855d6811728acaDC00989e79143a2bdfDed"
PUT = "0x7355EB92dfb0503DB558a70c10843618932ab290"
CALL = "0x051791df68223AE173Fade5217C48875e36eef61"
CALL_SPREAD = "0xfaeD63f7040E65b79cF0Ae29706fDc423eE249A9"
PUT_SPREAD = "0x02Fe0d9635e0139DBB3768a5d5Db404Fd84d9134"
STRANGER = "0x00000000000000000000000000000000000000Ff"
ZERO = "0x" + "0" * 40


def hermes_update(asset: Asset = Asset.ETH, **price: Any) -> dict[str, Any]:
    """The latest-price answer: 2450.12345678 ± 0.98 USD, two seconds old."""
    fields = {"price": "245012345678", "conf": "98000000", "expo": -8, "publish_time": NOW_S - 2} | price
    return {
        "binary": {"encoding": "hex", "data": ["504e4155010000"]},
        "parsed": [
            {
                "id": FEED_IDS[asset],
                "price": fields,
                "ema_price": {"price": "245000000000", "conf": "99000000", "expo": -8, "publish_time": NOW_S - 2},
                "metadata": {"slot": 138881186, "proof_available_time": None, "prev_publish_time": None},
            }
        ],
    }


def hermes_bars(hours: int = 3) -> dict[str, Any]:
    """Candles of the last closed hours and the running one."""
    running_s = NOW_S // 3600 * 3600
    starts = [running_s - 3600 * back for back in range(hours, -1, -1)]
    flat = [2450.5 + number for number in range(len(starts))]
    highs, lows = [price + 10 for price in flat], [price - 10 for price in flat]
    return {"s": "ok", "t": starts, "o": flat, "h": highs, "l": lows, "c": flat, "v": [0] * len(starts)}


def dydx_markets(ticker: str = "ETH-USD", **changes: Any) -> dict[str, Any]:
    market = {
        "clobPairId": "1",
        "ticker": ticker,
        "status": "ACTIVE",
        "oraclePrice": "2449.9",
        "priceChange24H": "-12.5",
        "volume24H": "67487133.70842158",
        "trades24H": 137552,
        "nextFundingRate": "0.00000747",
        "initialMarginFraction": "0.02",
        "openInterest": "44027.853711",
        "atomicResolution": -9,
    }
    return {"markets": {ticker: market | changes}}


def dydx_height(age_s: float = 1.0) -> dict[str, Any]:
    at = datetime.fromtimestamp(NOW_S - age_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"height": "51234567", "time": at}


def dydx_funding_row(hours_ago: int, rate: str = "0.0000125", **changes: Any) -> dict[str, Any]:
    at_s = NOW_S // 3600 * 3600 - hours_ago * 3600
    row = {
        "ticker": "ETH-USD",
        "rate": rate,
        "price": "2449.12",
        "effectiveAt": datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:00:00.357Z"),
        "effectiveAtHeight": str(51_234_000 - 3000 * hours_ago),
    }
    return row | changes


def dydx_candle(hours_ago: int, **changes: Any) -> dict[str, Any]:
    at_s = NOW_S // 3600 * 3600 - hours_ago * 3600
    row = {
        "startedAt": datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:00:00.000Z"),
        "ticker": "ETH-USD",
        "resolution": "1HOUR",
        "low": "2440.1",
        "high": "2462.4",
        "open": "2450.0",
        "close": "2451.7",
        "baseTokenVolume": "812.443",
        "trades": 1893,
        "orderbookMidPriceOpen": None,
    }
    return row | changes


def order_row(**changes: Any) -> dict[str, Any]:
    """The documented ask: an ETH put at 2300, expiring 2026-09-25 08:00 UTC, 41.25 USD, 10,000 USDC behind it.

    Changes name members of the inner order, or of the row: signature, chainId, optionBookAddress, nonce, greeks.
    """
    row: dict[str, Any] = {
        "order": {
            "ticker": "ETH-25SEP26-2300-P",
            "maker": "0x1111111111111111111111111111111111111111",
            "orderExpiryTimestamp": NOW_S + 60,
            "collateral": USDC,
            "isCall": False,
            "priceFeed": ETH_FEED,
            "implementation": PUT,
            "isLong": False,
            "maxCollateralUsable": "10000000000",
            "strikes": ["230000000000"],
            "expiry": 1790323200,
            "price": "4125000000",
            "numContracts": "0",
            "extraOptionData": "0x",
        },
        "signature": "0x" + "ab" * 65,
        "chainId": 8453,
        "optionBookAddress": BOOK,
        "nonce": "98230114",
        "greeks": {"delta": -0.2871, "iv": 0.61, "gamma": 0.0007, "theta": -1.94, "vega": 2.41},
    }
    for name, value in changes.items():
        (row if name in row else row["order"])[name] = value
    return row


def without(row: dict[str, Any], *names: str) -> dict[str, Any]:
    """The same row without some members."""
    row = copy.deepcopy(row)
    for name in names:
        (row if name in row else row["order"]).pop(name)
    return row


def order_feed(*rows: Any, written_s: float = NOW_S - 5, **market_data: Any) -> dict[str, Any]:
    return {
        "data": {
            "timestamp": "2026-08-30T10:00:25Z",
            "orders": list(rows) or [order_row()],
            "market_data": {"ETH": 2450.1, "BTC": 79510.0, "SOL": 141.2} | market_data,
            "market_weather": {"ETH": {"curVol": 0.58, "forecast": [0.57, 0.6]}},
        },
        "metadata": {"last_updated": int(written_s * 1000), "current_time": NOW_S * 1000},
    }


def reference_prices(**metadata: Any) -> dict[str, Any]:
    row = {
        "bid_price": 0.000175,
        "ask_price": 0.0003375,
        "mark_price": 0.000339,
        "underlying_price": 2115.0,
        "strike": 2075,
        "passesToleranceCheck": True,
    }
    return {
        "data": {"ETH": {"ETH-19MAY26-2075-P": row}, "BTC": {}},
        "metadata": {"last_fetched": (NOW_S - 19) * 1000, "cache_ttl": 60000, "is_stale": False} | metadata,
    }


class MovingClock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> datetime:
        return self.at


class Service:
    """Answers by path, remembers what it was asked. A value is sent as JSON; bytes and responses as they are."""

    def __init__(self, **answers: Any) -> None:
        self.answers = {name.replace("__", "/"): answer for name, answer in answers.items()}
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        for part, answer in self.answers.items():
            if part in request.url.path:
                answer = answer(request) if callable(answer) else answer
                return as_response(answer)
        return httpx.Response(404, text="not found")


def as_response(answer: Any) -> httpx.Response:
    if isinstance(answer, httpx.Response):
        return answer
    body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    return httpx.Response(200, content=body, headers={"content-type": "application/json"})


def edge(handler: Any, limits: Limits | None = None, *, clock: Clock = CLOCK, **more: Any) -> Edge:
    return Edge(clock, transport=httpx.MockTransport(handler), limits=limits, **more)


def pyth(handler: Any, patience: Limits | None = None, **more: Any) -> PythClient:
    more = {"api_key": KEY, "base_url": "https://pyth.example/hermes", "history_url": "https://pyth.example"} | more
    return PythClient(edge(handler, patience), **more)


def dydx(handler: Any, patience: Limits | None = None) -> DydxClient:
    return DydxClient(edge(handler, patience), base_url="https://dydx.example")


def thetanuts(handler: Any, patience: Limits | None = None, **more: Any) -> ThetanutsClient:
    return ThetanutsClient(edge(handler, patience), urls=ThetanutsUrls.below("https://venue.example"), **more)


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run to the end, and not for longer than five seconds."""
    return asyncio.run(asyncio.wait_for(coroutine, 5))
