"""Thetanuts V4: makers' orders as quotes that can be bought, spot and reference prices, and the indexer.

Speaks to three services. Which order becomes a quote is decided in `thetanuts_orders`; the signed order behind a quote
is kept, so that it can be filled unchanged.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from bethna_cli.adapters.http import Answer, Edge, HttpSource, Manners
from bethna_cli.adapters.prices import TRADING, SpotLimits, checked_price, checked_spot
from bethna_cli.adapters.thetanuts_orders import Sight, sorted_out
from bethna_cli.adapters.thetanuts_wire import Feed, Health, Metadata, PositionRow, Positions, PriceRow, Pricing, Spot
from bethna_cli.adapters.tickers import read_ticker
from bethna_cli.adapters.wire import parse
from bethna_cli.domain.errors import (
    NotFound,
    NothingSuitable,
    SourceMalformed,
    SourceStale,
    SourceUnavailable,
    UsageError,
)
from bethna_cli.domain.market import Asset, OptionBoard, Origin, Provenance, SpotPrice
from bethna_cli.domain.text import clean
from bethna_cli.domain.units import PRICE_UNIT, from_unix
from bethna_cli.domain.venue import BASE_R12, IndexedPosition, IndexerHealth, RawOrder, ReferencePrice, VenueAddresses

NAME = "thetanuts"
_QUOTES_PACE_S = 5.0
_REFERENCE_PACE_S = 30.0
_BOARD_LIMIT_S = 120.0
_AHEAD_LIMIT_S = 5.0
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")


@dataclass(frozen=True, slots=True)
class ThetanutsUrls:
    """The three services: orders, reference prices, indexer."""

    orders: str = "https://round-snowflake-9c31.devops-118.workers.dev"
    pricing: str = "https://pricing.thetanuts.finance"
    indexer: str = "https://indexer.thetanuts.finance"

    @classmethod
    def below(cls, base_url: str) -> "ThetanutsUrls":
        """Name the three services below one base URL."""
        base = base_url.rstrip("/")
        return cls(f"{base}/orders", f"{base}/pricing", f"{base}/indexer")


class ThetanutsClient:
    """The options venue; also a source of spot prices (its own market data). Keeps the last boards' signed orders.

    venues: the pinned releases whose orders are taken, the usual one first. signed_only: leave out orders that nobody
    signed (default: on a live market); where there is no chain nobody can, and quotes are to be looked at only.
    """

    name = NAME

    def __init__(
        self,
        edge: Edge,
        *,
        urls: ThetanutsUrls | None = None,
        venues: Sequence[VenueAddresses] = (BASE_R12,),
        signed_only: bool | None = None,
        origin: Origin = Origin.LIVE,
        limits: SpotLimits = TRADING,
    ) -> None:
        urls = urls or ThetanutsUrls()
        manners = Manners(refusals={403: "it refuses this country or network"})
        self._orders = HttpSource(edge, NAME, urls.orders, manners=manners)
        self._pricing = HttpSource(edge, NAME, urls.pricing, manners=manners)
        self._indexer = HttpSource(edge, NAME, urls.indexer, manners=manners)
        self._clock = edge.clock
        self._venues = venues
        self._signed_only = origin is Origin.LIVE if signed_only is None else signed_only
        self._origin = origin
        self._limits = limits
        self._seen: dict[tuple[Asset, bool], dict[str, RawOrder]] = {}

    async def board(self, asset: Asset) -> OptionBoard:
        """Return the asks that can be bought now, and a count of the other orders by reason.

        Raises SourceUnavailable or one of its kinds.
        """
        return await self._board(asset, wants_bids=False)

    async def bids(self, asset: Asset) -> OptionBoard:
        """Return the bids that a holder can sell to now, and a count of the other orders by reason.

        Raises NothingSuitable where makers do not buy back what they sold, SourceUnavailable or one of its kinds.
        """
        return await self._board(asset, wants_bids=True)

    async def _board(self, asset: Asset, *, wants_bids: bool) -> OptionBoard:
        answer = await self._orders.get_json("/", max_age_s=_QUOTES_PACE_S)
        feed, written_at = self._feed(answer)
        now = self._clock.now()
        age_s = (now - written_at).total_seconds()
        if age_s > _BOARD_LIMIT_S:
            raise SourceStale(NAME, age_s, _BOARD_LIMIT_S)
        spot = feed.market_data.get(asset)
        spot_e8 = None if spot is None else int(self._spot_usd(spot) * PRICE_UNIT)
        venue = self._venue_of(feed)
        if wants_bids and not venue.buys_back:
            raise NothingSuitable("Makers do not buy back there: to take a bid is to write a new option.")
        sight = Sight(asset, venue, now.timestamp(), spot_e8, self._signed_only, wants_bids)
        found = sorted_out(feed.orders, sight)
        self._seen[asset, wants_bids] = found.orders
        provenance = Provenance(NAME, written_at, self._origin)
        return OptionBoard(asset, found.quotes, found.left_out, provenance, self._assumed_cap(answer))

    def order(self, order_id: str) -> RawOrder:
        """Return the signed order behind a quote of the last boards. Raises NotFound."""
        for orders in self._seen.values():
            if order_id in orders:
                return orders[order_id]
        raise NotFound("No order of the last board has this id.", hint="bethna strategies")

    async def spot(self, asset: Asset) -> SpotPrice:
        """Return the spot price that the venue's market data states. Raises SourceUnavailable or one of its kinds."""
        answer = await self._orders.get_json("/", max_age_s=_QUOTES_PACE_S)
        feed, written_at = self._feed(answer)
        if feed.market_data.get(asset) is None:
            raise SourceUnavailable(NAME, f"its market data holds no price of {asset}")
        value_usd = self._spot_usd(feed.market_data[asset])
        price = SpotPrice(asset, value_usd, None, Provenance(NAME, written_at, self._origin))
        return checked_spot(price, self._clock.now(), self._limits)

    async def reference_prices(self, asset: Asset) -> tuple[ReferencePrice, ...]:
        """Return the exchange-derived prices, for comparison only. Raises SourceUnavailable or one of its kinds."""
        answer = await self._pricing.get_json("/all", max_age_s=_REFERENCE_PACE_S)
        pricing = parse(NAME, Pricing, answer.data)
        meta = pricing.metadata
        age_s = self._clock.now().timestamp() - meta.last_fetched / 1000
        if meta.is_stale:
            raise SourceStale(NAME, age_s, meta.cache_ttl / 1000)
        return tuple(_reference(asset, ticker, row) for ticker, row in pricing.data.get(asset, {}).items())

    async def positions(self, address: str) -> tuple[IndexedPosition, ...]:
        """Return the positions of an address on the book. Raises UsageError, SourceUnavailable or one of its kinds."""
        return await self._indexed(address, "positions")

    async def past_positions(self, address: str) -> tuple[IndexedPosition, ...]:
        """Return the settled and closed ones. Raises UsageError, SourceUnavailable or one of its kinds."""
        return await self._indexed(address, "history")

    async def health(self) -> IndexerHealth:
        """Return how far the indexer has come. Raises SourceUnavailable or one of its kinds."""
        answer = await self._indexer.get_json("/health")
        health = parse(NAME, Health, answer.data)
        return IndexerHealth(health.status == "ok", health.chain_id, health.last_indexed_block, health.lag_blocks)

    async def _indexed(self, address: str, route: str) -> tuple[IndexedPosition, ...]:
        if not _ADDRESS.fullmatch(address):
            raise UsageError("That is not an address.")
        answer = await self._indexer.get_json(f"/api/v1/book/user/{address}/{route}")
        return tuple(_position(row) for row in parse(NAME, Positions, answer.data).data)

    def _feed(self, answer: Answer) -> tuple[Feed, datetime]:
        """Read either wrapping of the feed, and when it was written: as it says, else when it arrived."""
        outer = answer.data if isinstance(answer.data, dict) else {}
        feed = parse(NAME, Feed, outer.get("data", outer))
        written_ms = parse(NAME, Metadata, outer.get("metadata", {})).last_updated
        written_at = answer.received_at if written_ms is None else from_unix(written_ms / 1000)
        ahead_s = (written_at - answer.received_at).total_seconds()
        if ahead_s > _AHEAD_LIMIT_S:
            raise SourceMalformed(NAME, f"its orders are dated {ahead_s:.0f} s in the future")
        return feed, written_at

    def _venue_of(self, feed: Feed) -> VenueAddresses:
        """Choose among the pinned releases by the chain that the feed's orders name; the first when they name none."""
        named = {row["chainId"] for row in feed.orders if isinstance(row, dict) and type(row.get("chainId")) is int}
        return next((venue for venue in self._venues if venue.chain_id in named), self._venues[0])

    def _spot_usd(self, value: object) -> Decimal:
        return checked_price(NAME, parse(NAME, Spot, {"price": value}).price)

    def _assumed_cap(self, answer: Answer) -> str | None:
        """Recorded chains hold no sizes; the replay says what it assumes instead."""
        stated = answer.headers.get("x-bethna-assumed-cap")
        return clean(stated, 200) if stated and self._origin is Origin.REPLAY else None


def _reference(asset: Asset, ticker: str, row: PriceRow) -> ReferencePrice:
    try:
        series = read_ticker(ticker)
    except ValueError as error:
        raise SourceMalformed(NAME, "a reference price has no proper ticker") from error
    if series.kind is None or series.kind.is_spread or (series.asset, series.strikes) != (asset, (row.strike,)):
        raise SourceMalformed(NAME, "a reference price contradicts its ticker")
    bid, ask, mark = (share * row.underlying if share else None for share in (row.bid, row.ask, row.mark))
    return ReferencePrice(ticker, series.kind, row.strike, series.expires_at, bid, ask, mark, row.underlying)


def _position(row: PositionRow) -> IndexedPosition:
    return IndexedPosition(
        row.address,
        row.side,
        row.status,
        from_unix(row.opened),
        row.transaction,
        row.premium,
        row.contracts,
        row.collateral_token,
        row.collateral,
        row.asset,
        tuple(row.strikes),
        from_unix(row.expiry),
        row.implementation,
        row.book,
    )
