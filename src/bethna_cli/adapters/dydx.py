"""dYdX's public indexer: funding, the oracle price (also as a stream), and hourly candles.

Rates are fractions per hour; positive means that longs pay shorts. A market that is not active is refused. Prices and
rates carry no time of their own, so they are dated by the indexer's latest block: a halted chain shows as stale.
"""

import asyncio
import json
import math
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from datetime import datetime, timedelta
from decimal import Decimal

from bethna_cli.adapters.candles import HOUR, closed_candles, hour_candle, running_hour
from bethna_cli.adapters.dydx_wire import (
    PAGE_ROWS,
    Block,
    CandlePage,
    FundingPage,
    FundingRow,
    Market,
    Markets,
    Message,
    Partial,
    Update,
)
from bethna_cli.adapters.http import Edge, HttpSource, Manners, at_once
from bethna_cli.adapters.prices import TRADING, SpotLimits, checked_spot, observed_at
from bethna_cli.adapters.reconnect import Patience, reconnecting
from bethna_cli.adapters.wire import parse, read_json
from bethna_cli.domain.errors import NotEnoughData, SourceDisabled, SourceMalformed, SourceStale, SourceUnavailable
from bethna_cli.domain.market import Asset, Candle, Funding, FundingPoint, Origin, PriceHistory, Provenance, SpotPrice

NAME = "dydx"
ORACLE_NAME = "dydx oracle"
INDEXER_URL = "https://indexer.dydx.trade"

_PRICE_PACE_S = 0.9
_FUNDING_PACE_S = 60.0
_BLOCK_LIMIT_S = 60.0
_SILENCE_S = 60.0
_FRAME_BYTES = 8_000_000


class DydxClient:
    """Funding and candles; `oracle` is the same service as a source of spot prices, under its own name."""

    name = NAME

    def __init__(
        self,
        edge: Edge,
        *,
        base_url: str = INDEXER_URL,
        origin: Origin = Origin.LIVE,
        limits: SpotLimits = TRADING,
        patience: Patience | None = None,
    ) -> None:
        # The service counts waits in milliseconds, against the HTTP standard.
        manners = Manners(
            retry_after_unit_s=0.001,
            reset_unit_s=0.001,
            wait_s=10.0,
            max_wait_s=15.0,
            refusals={403: "it refuses this country or network"},
        )
        self._http = HttpSource(edge, NAME, base_url, manners=manners)
        self._clock = edge.clock
        self._origin = origin
        self.oracle = DydxOracle(self, limits, patience or Patience())

    @property
    def http(self) -> HttpSource:
        return self._http

    async def funding(self, asset: Asset, days: int) -> Funding:
        """Return the predicted rate and `days` of settled ones. Raises SourceUnavailable or one of its kinds."""
        since = self._clock.now() - timedelta(days=days)
        async with self._http.budget(_shares(days * 24)), at_once() as tasks:
            market = tasks.create_task(self.market(asset, _FUNDING_PACE_S))
            block = tasks.create_task(self.block_time(_FUNDING_PACE_S))
            rows = tasks.create_task(self._funding_rows(asset, since, wanted=days * 24 + 1))
        next_rate = market.result().next_rate
        if next_rate is None:
            raise SourceUnavailable(NAME, f"it predicts no funding rate of {asset}")
        return Funding(
            asset,
            next_rate,
            market.result().open_interest,
            _hourly_points(rows.result(), since),
            self.provenance(NAME, block.result()),
        )

    async def history(self, asset: Asset, hours: int) -> PriceHistory:
        """Return the closed hourly candles of the last `hours`. Raises SourceUnavailable kinds, NotEnoughData."""
        now = self._clock.now()
        before = running_hour(now)
        earliest = before - hours * HOUR
        candles: list[Candle] = []
        async with self._http.budget(_shares(hours)):
            while before > earliest:
                page = await self._candle_page(asset, earliest, before)
                if not page:
                    break
                candles += page
                oldest = min(candle.starts_at for candle in page)
                if oldest >= before:
                    raise SourceMalformed(NAME, "its pages of candles do not end")
                before = oldest
        closed = closed_candles(candles, now, hours)
        if not closed:
            raise NotEnoughData(f"{NAME}: it has no closed hourly candles for {asset}")
        return PriceHistory(asset, closed, self.provenance(NAME, now))

    async def candle_page(self, asset: Asset, first: datetime, before: datetime) -> tuple[Candle, ...]:
        """Return the closed hourly candles that start in [first, before), at most PAGE_ROWS hours, oldest first."""
        async with self._http.budget():
            page = await self._candle_page(asset, first, before)
        found = closed_candles(page, self._clock.now(), math.ceil((self._clock.now() - first) / HOUR) + 1)
        return tuple(candle for candle in found if first <= candle.starts_at < before)

    async def funding_page(self, asset: Asset, first: datetime, before: datetime) -> tuple[FundingPoint, ...]:
        """Return the rates settled in [first, before), at most PAGE_ROWS hours, oldest first."""
        params = [("limit", str(PAGE_ROWS)), ("effectiveBeforeOrAt", _iso_millis(before))]
        async with self._http.budget():
            answer = await self._http.get_json(f"/v4/historicalFunding/{_ticker(asset)}", params)
        rows = parse(NAME, FundingPage, answer.data).rows
        _check_funding(asset, rows, answer.received_at)
        return tuple(point for point in _hourly_points(rows, first) if point.at < before)

    async def market(self, asset: Asset, max_age_s: float) -> Market:
        """Return the active perpetual market. Raises SourceUnavailable when it is not active, or one of its kinds."""
        ticker = _ticker(asset)
        answer = await self._http.get_json("/v4/perpetualMarkets", [("ticker", ticker)], max_age_s=max_age_s)
        return active_market(asset, answer.data)

    async def block_time(self, max_age_s: float) -> datetime:
        """Return the time of the indexer's latest block. Raises SourceStale when it lags by over a minute."""
        answer = await self._http.get_json("/v4/height", max_age_s=max_age_s)
        at = parse(NAME, Block, answer.data).time
        age_s = (answer.received_at - at).total_seconds()
        if age_s > _BLOCK_LIMIT_S:
            raise SourceStale(NAME, age_s, _BLOCK_LIMIT_S)
        return at

    def provenance(self, name: str, at: datetime) -> Provenance:
        return Provenance(name, at, self._origin)

    async def _funding_rows(self, asset: Asset, since: datetime, wanted: int) -> list[FundingRow]:
        """Page backwards by height, which is exact, until `since` or the beginning of the market."""
        rows: list[FundingRow] = []
        limit = ("limit", str(min(PAGE_ROWS, wanted)))
        params = [limit]
        path = f"/v4/historicalFunding/{_ticker(asset)}"
        while True:
            answer = await self._http.get_json(path, params, max_age_s=_FUNDING_PACE_S)
            page = parse(NAME, FundingPage, answer.data).rows
            _check_funding(asset, page, answer.received_at)
            if not page:
                return rows
            lowest = min(row.height for row in page)
            if rows and lowest >= min(row.height for row in rows):
                raise SourceMalformed(NAME, "its pages of funding do not end")
            rows += page
            if min(row.at for row in page) <= since:
                return rows
            params = [limit, ("effectiveBeforeOrAtHeight", str(lowest - 1))]

    async def _candle_page(self, asset: Asset, earliest: datetime, before: datetime) -> list[Candle]:
        params = [
            ("resolution", "1HOUR"),
            ("limit", str(PAGE_ROWS)),
            ("fromISO", _iso_millis(earliest)),
            ("toISO", _iso_millis(before)),
        ]
        answer = await self._http.get_json(f"/v4/candles/perpetualMarkets/{_ticker(asset)}", params)
        rows = parse(NAME, CandlePage, answer.data).candles
        if any(row.ticker != _ticker(asset) or row.resolution != "1HOUR" for row in rows):
            raise SourceMalformed(NAME, "it answered with candles of something else")
        return [hour_candle(NAME, row.starts_at, (row.open, row.high, row.low, row.close)) for row in rows]


class DydxOracle:
    """The index price that dYdX settles against, as a spot source."""

    name = ORACLE_NAME

    def __init__(self, client: DydxClient, limits: SpotLimits, patience: Patience) -> None:
        self._client = client
        self._limits = limits
        self._patience = patience

    async def spot(self, asset: Asset) -> SpotPrice:
        """Return the oracle price, dated by the latest block. Raises SourceUnavailable or one of its kinds."""
        async with self._client.http.budget(), at_once() as tasks:
            market = tasks.create_task(self._client.market(asset, _PRICE_PACE_S))
            block = tasks.create_task(self._client.block_time(_PRICE_PACE_S))
        value_usd = market.result().oracle_price
        if value_usd is None:
            raise SourceUnavailable(ORACLE_NAME, f"it has no price of {asset} yet")
        return self._usable(asset, value_usd, block.result())

    async def stream(self, asset: Asset) -> AsyncGenerator[SpotPrice, None]:
        """Yield each oracle price as it takes effect, connecting again after an end or an error.

        Raises SourceUnavailable or one of its kinds.
        """
        self._client.http.require_sockets()
        stream = reconnecting(ORACLE_NAME, lambda: self._connection(asset), self._patience, time_of=observed_at)
        async with aclosing(stream) as prices:
            async for price in prices:
                yield price

    async def _connection(self, asset: Asset) -> AsyncGenerator[SpotPrice, None]:
        ticker = _ticker(asset)
        async with aclosing(self._messages()) as messages:
            async for message in messages:
                if message.type == "error":
                    raise SourceUnavailable(ORACLE_NAME, "it refused the subscription")
                if message.type == "subscribed":
                    active_market(asset, message.contents)
                for update in _updates(message):
                    _check_active(asset, update.trading.get(ticker, Partial()).status)
                    price = update.prices.get(ticker)
                    if price is not None:
                        yield self._usable(asset, price.price, price.at)

    async def _messages(self) -> AsyncGenerator[Message, None]:
        """One connection's messages; the server speaks first, and a minute of silence ends it."""
        from websockets.asyncio.client import connect
        from websockets.exceptions import InvalidStatus, WebSocketException

        http = self._client.http
        url = "ws" + http.base_url.removeprefix("http") + "/v4/ws"
        subscribe = json.dumps({"type": "subscribe", "channel": "v4_markets", "batched": False})
        try:
            async with connect(url, open_timeout=http.edge.limits.budget_s, max_size=_FRAME_BYTES) as socket:
                while True:
                    async with asyncio.timeout(_SILENCE_S):
                        frame = await socket.recv(decode=False)
                    message = _message(frame)
                    if message.type == "connected":
                        await socket.send(subscribe)
                    yield message
        except InvalidStatus as error:
            if error.response.status_code == 403:
                raise SourceDisabled(ORACLE_NAME, "it refuses this country or network") from error
            raise SourceUnavailable(ORACLE_NAME, f"it answered {error.response.status_code}") from error
        except (WebSocketException, OSError) as error:  # TimeoutError is an OSError
            raise SourceUnavailable(ORACLE_NAME, "the stream broke") from error

    def _usable(self, asset: Asset, value_usd: Decimal, at: datetime) -> SpotPrice:
        price = SpotPrice(asset, value_usd, None, self._client.provenance(ORACLE_NAME, at))
        return checked_spot(price, self._client.http.edge.clock.now(), self._limits)


def active_market(asset: Asset, data: object) -> Market:
    """Find the asset's perpetual in an answer. Raises SourceMalformed, or SourceUnavailable when it is not active."""
    markets = parse(NAME, Markets, data).markets
    if _ticker(asset) not in markets:
        raise SourceMalformed(NAME, f"its answer holds no market of {asset}")
    market = parse(NAME, Market, markets[_ticker(asset)])
    _check_active(asset, market.status)
    return market


def _check_active(asset: Asset, status: str | None) -> None:
    if status not in (None, "ACTIVE"):
        raise SourceUnavailable(NAME, f"its {asset} market is {status}")


def _check_funding(asset: Asset, page: list[FundingRow], now: datetime) -> None:
    if any(row.ticker != _ticker(asset) for row in page):
        raise SourceMalformed(NAME, "it answered with funding of something else")
    if any(row.at > now + timedelta(seconds=5) for row in page):
        raise SourceMalformed(NAME, "a settled rate is dated in the future")


def _hourly_points(rows: list[FundingRow], since: datetime) -> tuple[FundingPoint, ...]:
    """One point an hour, oldest first. A tick's block comes just after its hour: floor it."""
    by_hour: Mapping[datetime, FundingRow] = {
        row.at.replace(minute=0, second=0, microsecond=0): row for row in sorted(rows, key=lambda row: row.height)
    }
    return tuple(FundingPoint(at, NAME, 1.0, float(by_hour[at].rate)) for at in sorted(by_hour) if at >= since)


def _updates(message: Message) -> list[Update]:
    if message.type == "channel_data":
        return [parse(NAME, Update, message.contents)]
    if message.type == "channel_batch_data" and isinstance(message.contents, list):
        return [parse(NAME, Update, contents) for contents in message.contents]
    return []


def _message(frame: bytes) -> Message:
    try:
        return parse(NAME, Message, read_json(frame))
    except ValueError as error:
        raise SourceMalformed(NAME, "a message of its stream is not strict JSON") from error


def _ticker(asset: Asset) -> str:
    return f"{asset}-USD"


def _iso_millis(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _shares(rows: int) -> int:
    """A look back of 61 days is two pages and has one time budget; longer ones get one for every two pages."""
    return max(1, -(-rows // (2 * PAGE_ROWS)))
