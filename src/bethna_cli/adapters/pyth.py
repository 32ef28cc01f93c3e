"""Pyth: spot prices with their confidence, a price at a past time, a price stream, and hourly history.

Speaks Hermes v2 and the history route, both behind one API key; without a key the source is disabled and no request
is made. A price that is stale, uncertain, from the future or not positive is refused, each with its own reason.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from bethna_cli.adapters.candles import HOUR, closed_candles, hour_candle, running_hour
from bethna_cli.adapters.http import Edge, HttpSource, Manners
from bethna_cli.adapters.prices import TRADING, SpotLimits, checked_spot, observed_at
from bethna_cli.adapters.reconnect import Patience, reconnecting
from bethna_cli.adapters.responses import Params
from bethna_cli.adapters.wire import Number, UnixSeconds, Wire, int_text, parse
from bethna_cli.domain.errors import NotEnoughData, SourceDisabled, SourceMalformed, SourceUnavailable
from bethna_cli.domain.market import Asset, Candle, Origin, PriceHistory, Provenance, SpotPrice
from bethna_cli.domain.units import from_unix

NAME = "pyth"
HERMES_URL = "https://pyth.dourolabs.app/hermes"
HISTORY_URL = "https://pyth.dourolabs.app"
FEED_IDS = {
    Asset.ETH: "ff61491a931112ddf1bd8147cd1b641375f79f5825126d665480874634fd0ace",
    Asset.BTC: "e62df6c8b4a85fe1a67db44dc12de5db330f7ac66b72dc658afedf0f4a415b43",
}

_PACE_S = 0.9
_PAGE = timedelta(days=200)  # 4,800 hourly bars; the route fails above about 10,000
_BAD_TICKS = 3

_Column = Annotated[list[Number], Field(max_length=20_000, default_factory=list)]


def _feed_id(value: str) -> str:
    return value.lower().removeprefix("0x")


class _Price(Wire):
    price: Annotated[int, Field(ge=-(2**63), lt=2**63), BeforeValidator(int_text)]
    conf: Annotated[int, Field(ge=0, lt=2**64), BeforeValidator(int_text)]
    expo: Annotated[int, Field(ge=-30, le=12)]
    publish_time: UnixSeconds


class _Update(Wire):
    id: Annotated[str, Field(pattern=r"^(0x)?[0-9a-fA-F]{64}$"), AfterValidator(_feed_id)]
    price: _Price


class _Updates(Wire):
    parsed: Annotated[list[_Update], Field(max_length=1000)]


class _Bars(Wire):
    s: Literal["ok", "no_data", "error"]
    t: Annotated[list[UnixSeconds], Field(max_length=20_000, default_factory=list)]
    o: _Column
    h: _Column
    l: _Column  # noqa: E741 (the wire's own name)
    c: _Column


class PythClient:
    """Pyth behind one key. `limits` say when a price is refused; `origin` marks everything it returns."""

    name = NAME

    def __init__(
        self,
        edge: Edge,
        *,
        api_key: str | None,
        base_url: str = HERMES_URL,
        history_url: str = HISTORY_URL,
        channel: str = "fixed_rate@200ms",
        origin: Origin = Origin.LIVE,
        limits: SpotLimits = TRADING,
        patience: Patience | None = None,
    ) -> None:
        manners = Manners(
            refusals={401: "it refuses the key", 403: "the key is not entitled to this price"}, max_wait_s=60.0
        )
        headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._hermes = HttpSource(edge, NAME, base_url, headers=headers, manners=manners)
        self._history = HttpSource(edge, NAME, history_url, headers=headers, manners=manners)
        self._clock = edge.clock
        self._has_key = bool(api_key)
        self._channel = channel
        self._origin = origin
        self._limits = limits
        self._patience = patience or Patience()

    async def spot(self, asset: Asset) -> SpotPrice:
        """Return the latest price. Raises SourceUnavailable or one of its kinds."""
        self._require_key()
        answer = await self._hermes.get_json("/v2/updates/price/latest", _ids(asset), max_age_s=_PACE_S)
        return self._usable(self._price(asset, answer.data))

    async def spot_at(self, asset: Asset, at: datetime) -> SpotPrice:
        """Return the first price published at or after `at`; not judged by its age, only by how far it is from `at`.

        Raises SourceUnavailable or one of its kinds.
        """
        self._require_key()
        answer = await self._hermes.get_json(f"/v2/updates/price/{int(at.timestamp())}", _ids(asset), max_age_s=60.0)
        price = self._price(asset, answer.data)
        if price.provenance.observed_at < at.replace(microsecond=0):
            raise SourceMalformed(NAME, "it answered with a price from before the time asked for")
        return checked_spot(price, at + timedelta(seconds=self._limits.max_age_s), self._limits)

    async def history(self, asset: Asset, hours: int) -> PriceHistory:
        """Return the closed hourly candles of the last `hours`. Raises SourceUnavailable kinds, NotEnoughData."""
        self._require_key()
        now = self._clock.now()
        running = running_hour(now)
        first = running - hours * HOUR
        candles: list[Candle] = []
        async with self._history.budget(shares=1 + (running - first) // _PAGE):
            while first < running:
                last = min(running, first + _PAGE)
                candles += await self._bars(asset, first, last)
                first = last
        closed = closed_candles(candles, now, hours)
        if not closed:
            raise NotEnoughData(f"{NAME}: it has no closed hourly candles for {asset}")
        return PriceHistory(asset, closed, Provenance(NAME, now, self._origin))

    async def stream(self, asset: Asset) -> AsyncGenerator[SpotPrice, None]:
        """Yield the latest price, then each newer one, connecting again after an end or an error.

        Three updates in a row that may not be used count as a failure. Raises SourceUnavailable or one of its kinds.
        """
        self._require_key()
        self._hermes.require_sockets()
        stream = reconnecting(NAME, lambda: self._connection(asset), self._patience, time_of=observed_at)
        async with aclosing(stream) as prices:
            async for price in prices:
                yield price

    async def _connection(self, asset: Asset) -> AsyncGenerator[SpotPrice, None]:
        """One connection's usable prices. It can't resume where the last one ended, so the latest price comes first."""
        yield await self.spot(asset)
        bad = 0
        async with aclosing(self._events(asset)) as events:
            async for data in events:
                try:
                    price = self._usable(self._price(asset, data))
                except SourceUnavailable:
                    bad += 1
                    if bad >= _BAD_TICKS:
                        raise
                else:
                    bad = 0
                    yield price

    async def _events(self, asset: Asset) -> AsyncGenerator[object, None]:
        from bethna_cli.adapters.pyth_events import events

        async with aclosing(events(NAME, self._hermes, "/v2/updates/price/stream", _ids(asset))) as stream:
            async for event in stream:
                yield event

    def _require_key(self) -> None:
        if not self._has_key:
            raise SourceDisabled(NAME, "it needs an API key and none is set", hint="export BETHNA_PYTH_API_KEY=…")

    def _price(self, asset: Asset, data: object) -> SpotPrice:
        updates = {update.id: update.price for update in parse(NAME, _Updates, data).parsed}
        wire = updates.get(FEED_IDS[asset])
        if wire is None:
            raise SourceMalformed(NAME, f"its answer holds no price of {asset}")
        return SpotPrice(
            asset,
            Decimal(wire.price).scaleb(wire.expo),
            Decimal(wire.conf).scaleb(wire.expo),
            Provenance(NAME, from_unix(wire.publish_time), self._origin),
        )

    def _usable(self, price: SpotPrice) -> SpotPrice:
        return checked_spot(price, self._clock.now(), self._limits)

    async def _bars(self, asset: Asset, first: datetime, last: datetime) -> list[Candle]:
        params = [
            ("symbol", f"Crypto.{asset}/USD"),
            ("resolution", "60"),
            ("from", str(int(first.timestamp()))),
            ("to", str(int(last.timestamp()))),
        ]
        answer = await self._history.get_json(f"/v1/{self._channel}/history", params)
        bars = parse(NAME, _Bars, answer.data)
        if bars.s == "error":
            raise SourceUnavailable(NAME, "it could not answer for this range")
        if not len(bars.t) == len(bars.o) == len(bars.h) == len(bars.l) == len(bars.c):
            raise SourceMalformed(NAME, "its candle columns differ in length")
        rows = zip(bars.t, zip(bars.o, bars.h, bars.l, bars.c, strict=True), strict=True)
        return [hour_candle(NAME, from_unix(at), ohlc) for at, ohlc in rows]


def _ids(asset: Asset) -> Params:
    return (("ids[]", FEED_IDS[asset]), ("encoding", "hex"), ("parsed", "true"))
