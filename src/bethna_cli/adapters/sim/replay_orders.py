"""A recorded chain as an order book: what could have been paid at that moment, in the venue's terms.

A recorded ask becomes a maker's ask at ask x forward, rounded up to the venue's 8 decimals; a spread costs its near ask
less its far bid. Sizes were not recorded, so a cap is assumed and stated. The recorded calls are not capped: what a
USDC-collateralised call would have cost is not in the data, so its price is the recorded one, and that is stated too.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple, TypeAlias

from bethna_cli.adapters.sim.replay_chain import Chain, ChainRow
from bethna_cli.adapters.sim.world import MakerOrder, ReferencePrice
from bethna_cli.adapters.tickers import write_ticker
from bethna_cli.domain.backtest import Sale
from bethna_cli.domain.market import Asset
from bethna_cli.domain.options import OptionKind, OptionQuote, QuoteGreeks
from bethna_cli.domain.units import PRICE_UNIT, USDC_UNIT, Contracts, PriceE8, from_unix, price_to_decimal
from bethna_cli.domain.venue import VenueAddresses

SeriesKey: TypeAlias = tuple[bool, float, int]
"""Whether a call, strike in USD, expiry in Unix seconds."""

CAP_CONTRACTS = 10
ASSUMED_CAP = (
    f"{CAP_CONTRACTS} contracts a quote, assumed: sizes were not recorded; "
    "calls at the recorded ask, whose payoff has no cap"
)
QUOTE_LIFE_S = 90
NEAR_STRIKES = 3
FAR_STRIKES = 3
FURTHEST_STRIKE = 20
RECORDED_MAKER = "0x000000000000000000000000000000000000dEaD"


@dataclass(frozen=True, slots=True)
class Offer:
    """What a recorded chain offers: one row, or (near, far) of a spread. price_e8: USD, rounded up to 8 decimals."""

    kind: OptionKind
    rows: tuple[ChainRow, ...]
    price_e8: int
    greeks: Mapping[str, float]


def recorded_orders(chain: Chain, venue: VenueAddresses) -> Iterator[MakerOrder]:
    """Give the chain's asks and bids as orders, then the spreads that its quotes allow."""
    for row in chain.rows:
        if row.ask is not None:
            yield _order(chain, venue, _single(row, row.ask))
        if row.bid is not None:
            yield _order(chain, venue, _single(row, row.bid, rounded=math.floor), is_long=True)
    for near, far in _pairs(chain):
        offer = _spread(near, far)
        if offer is not None:
            yield _order(chain, venue, offer)


def recorded_quotes(chain: Chain) -> tuple[OptionQuote, ...]:
    """Return the same asks and spreads as the quotes that the venue's client would make of them.

    Not by way of the wire: a backtest looks at a hundred chains. A quote is named by its ticker; nobody can fill it.
    """
    offers = [_single(row, row.ask) for row in chain.rows if row.ask is not None]
    offers += [spread for near, far in _pairs(chain) if (spread := _spread(near, far))]
    index_usd, good_until = chain.index_usd, from_unix(chain.at_s + QUOTE_LIFE_S)
    quotes = (_quote(chain, offer, good_until, index_usd) for offer in offers)
    return tuple(quote for quote in quotes if quote)


def by_series(chain: Chain) -> Mapping[SeriesKey, ChainRow]:
    """Index a chain's rows by what identifies a plain option."""
    return {(row.is_call, row.strike, row.expiry_s): row for row in chain.rows}


def recorded_sale(rows: Mapping[SeriesKey, ChainRow], quote: OptionQuote) -> Sale | None:
    """Return what selling one contract of `quote` would have brought; None where the chain does not list it.

    A spread is sold near at the bid, far bought back at the ask; where that is not possible, or brings nothing, nobody
    bids. Rounded down to 8 decimals.
    """
    expiry_s = int(quote.expires_at.timestamp())
    strikes = [float(strike) for strike in quote.strikes]
    near_strike, *far_strike = strikes if quote.kind.is_call else reversed(strikes)
    near = rows.get((quote.kind.is_call, near_strike, expiry_s))
    far = rows.get((quote.kind.is_call, far_strike[0], expiry_s)) if far_strike else None
    if near is None or (far_strike and far is None):
        return None
    bid = None if near.bid is None else near.bid * near.forward_usd
    mark = near.mark * near.forward_usd
    if far is not None:
        bid = None if bid is None or far.ask is None else bid - far.ask * far.forward_usd
        mark -= far.mark * far.forward_usd
    bid_e8 = 0 if bid is None else _floor_e8(bid)
    return Sale(PriceE8(bid_e8) if bid_e8 > 0 else None, PriceE8(max(0, _floor_e8(mark))), near.iv or None)


def _floor_e8(usd: float) -> int:
    return math.floor(round(usd * PRICE_UNIT, 2))


def recorded_reference(chain: Chain) -> list[ReferencePrice]:
    """Return the chain as fractions of the underlying; zero is no quote."""
    return [
        ReferencePrice(
            _series(
                chain.asset, OptionKind.CALL if row.is_call else OptionKind.PUT, (row.strike,), row.expiry_s
            ).ticker,
            row.bid or 0.0,
            row.ask or 0.0,
            row.mark,
            row.forward_usd,
            row.strike,
        )
        for row in chain.rows
    ]


def _pairs(chain: Chain) -> Iterator[tuple[ChainRow, ChainRow]]:
    """Give (near, far) of one expiry and type: near around the money, far the next strikes further out."""
    series: dict[tuple[int, bool], list[ChainRow]] = defaultdict(list)
    for row in chain.rows:
        series[row.expiry_s, row.is_call].append(row)
    for (_, is_call), rows in sorted(series.items()):
        outward = sorted(rows, key=lambda row: row.strike, reverse=not is_call)
        middle = min(range(len(outward)), key=lambda i: abs(outward[i].strike - outward[i].forward_usd))
        for i in range(max(0, middle - NEAR_STRIKES), min(len(outward), middle + NEAR_STRIKES + 1)):
            for far in outward[i + 1 : i + 1 + FAR_STRIKES]:
                yield outward[i], far


def _single(row: ChainRow, coin_price: float, rounded: Callable[[float], int] = math.ceil) -> Offer:
    kind = OptionKind.CALL if row.is_call else OptionKind.PUT
    greeks = {"delta": row.delta, "iv": row.iv, "vega": row.vega}
    return Offer(kind, (row,), rounded(round(coin_price * row.forward_usd * PRICE_UNIT, 2)), greeks)


def _spread(near: ChainRow, far: ChainRow) -> Offer | None:
    if near.ask is None or far.bid is None:
        return None
    price_usd = near.ask * near.forward_usd - far.bid * far.forward_usd
    if not 0 < price_usd < abs(near.strike - far.strike):
        return None
    kind = OptionKind.CALL_SPREAD if near.is_call else OptionKind.PUT_SPREAD
    greeks = {"delta": near.delta - far.delta, "iv": near.iv, "vega": near.vega - far.vega}
    return Offer(kind, (near, far), math.ceil(round(price_usd * PRICE_UNIT, 2)), greeks)


def _rounded(greeks: Mapping[str, float]) -> dict[str, float] | None:
    return {name: round(value, 8) for name, value in greeks.items()} if greeks["iv"] > 0 else None


class Series(NamedTuple):
    """What is the same on every day that lists a series. strikes: USD, ascending; max_contracts: the assumed cap."""

    ticker: str
    strikes: tuple[Decimal, ...]
    expires_at: datetime
    collateral_usd: float
    max_contracts: Contracts


@lru_cache(maxsize=16_384)
def _series(asset: Asset, kind: OptionKind, strikes: tuple[float, ...], expiry_s: int) -> Series:
    """Describe a series by its strikes, the bought one first."""
    expires_at, exact = from_unix(expiry_s), [Decimal(repr(strike)) for strike in strikes]
    collateral_usd = max(strikes) - min(strikes) if kind.is_spread else strikes[0]
    budget = math.floor(CAP_CONTRACTS * collateral_usd * USDC_UNIT)
    return Series(
        ticker=write_ticker(asset, kind, exact, expires_at),
        strikes=tuple(sorted(price_to_decimal(round(strike * PRICE_UNIT)) for strike in strikes)),
        expires_at=expires_at,
        collateral_usd=collateral_usd,
        max_contracts=Contracts(budget * PRICE_UNIT // round(collateral_usd * PRICE_UNIT)),
    )


def _series_of(asset: Asset, offer: Offer) -> Series:
    return _series(asset, offer.kind, tuple([row.strike for row in offer.rows]), offer.rows[0].expiry_s)


def _quote(chain: Chain, offer: Offer, good_until: datetime, index_usd: float) -> OptionQuote | None:
    """Judge as the venue's client does: alive, strikes of the spot's scale, a price below what it can pay."""
    series = _series_of(chain.asset, offer)
    lowest, highest = float(series.strikes[0]), float(series.strikes[-1])
    in_scale = index_usd <= lowest * FURTHEST_STRIKE and highest <= index_usd * FURTHEST_STRIKE
    is_priced = 0 < offer.price_e8 < series.collateral_usd * PRICE_UNIT
    if not (in_scale and is_priced and offer.rows[0].expiry_s > chain.at_s):
        return None
    stated = _rounded(offer.greeks)
    return OptionQuote(
        ticker=series.ticker,
        kind=offer.kind,
        strikes=series.strikes,
        expires_at=series.expires_at,
        price=PriceE8(offer.price_e8),
        max_contracts=series.max_contracts,
        good_until=good_until,
        order_id=series.ticker,
        greeks=None if stated is None else QuoteGreeks(stated["iv"], stated["delta"], vega=stated["vega"]),
    )


def _order(chain: Chain, venue: VenueAddresses, offer: Offer, *, is_long: bool = False) -> MakerOrder:
    kind, rows = offer.kind, offer.rows
    series = _series_of(chain.asset, offer)
    budget = CAP_CONTRACTS * (offer.price_e8 / PRICE_UNIT if is_long else series.collateral_usd)
    return MakerOrder(
        ticker=series.ticker,
        asset=chain.asset,
        maker=RECORDED_MAKER,
        good_until_s=chain.at_s + QUOTE_LIFE_S,
        collateral=venue.usdc,
        is_call=kind.is_call,
        price_feed=venue.feed_of(chain.asset),
        implementation=venue.implementation_of(kind),
        is_long=is_long,
        max_collateral=math.floor(budget * USDC_UNIT),
        strikes=tuple(round(row.strike * PRICE_UNIT) for row in rows),
        expiry_s=rows[0].expiry_s,
        price=offer.price_e8,
        chain_id=venue.chain_id,
        book=venue.book,
        greeks=_rounded(offer.greeks),
    )
