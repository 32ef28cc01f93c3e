"""A recorded chain as an order book: what could have been paid at that moment, in the venue's terms.

A recorded ask becomes a maker's ask at ask x forward, rounded up to the venue's 8 decimals; a spread costs its near ask
less its far bid. Sizes were not recorded, so a cap is assumed and stated. The recorded calls are not capped: what a
USDC-collateralised call would have cost is not in the data, so its price is the recorded one, and that is stated too.
"""

import math
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal

from bethna_cli.adapters.sim.replay_chain import Chain, ChainRow
from bethna_cli.adapters.sim.world import MakerOrder, ReferencePrice
from bethna_cli.adapters.tickers import write_ticker
from bethna_cli.domain.options import OptionKind
from bethna_cli.domain.units import PRICE_UNIT, USDC_UNIT, from_unix
from bethna_cli.domain.venue import VenueAddresses

CAP_CONTRACTS = 10
ASSUMED_CAP = (
    f"{CAP_CONTRACTS} contracts a quote, assumed: sizes were not recorded; "
    "calls at the recorded ask, whose payoff has no cap"
)
QUOTE_LIFE_S = 90
NEAR_STRIKES = 3
FAR_STRIKES = 3
RECORDED_MAKER = "0x000000000000000000000000000000000000dEaD"


def recorded_orders(chain: Chain, venue: VenueAddresses) -> Iterator[MakerOrder]:
    """Give the chain's asks and bids as orders, then the spreads that its quotes allow."""
    for row in chain.rows:
        kind = OptionKind.CALL if row.is_call else OptionKind.PUT
        greeks = {"delta": row.delta, "iv": row.iv, "vega": row.vega}
        if row.ask is not None:
            yield _order(chain, venue, kind, (row,), row.ask * row.forward_usd, greeks)
        if row.bid is not None:
            yield _order(chain, venue, kind, (row,), row.bid * row.forward_usd, greeks, is_long=True)
    for near, far in _pairs(chain):
        yield from _spread(chain, venue, near, far)


def recorded_reference(chain: Chain) -> list[ReferencePrice]:
    """Return the chain as fractions of the underlying; zero is no quote."""
    return [
        ReferencePrice(
            _name(chain, OptionKind.CALL if row.is_call else OptionKind.PUT, (row,)),
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


def _spread(chain: Chain, venue: VenueAddresses, near: ChainRow, far: ChainRow) -> Iterator[MakerOrder]:
    if near.ask is None or far.bid is None:
        return
    price_usd = near.ask * near.forward_usd - far.bid * far.forward_usd
    if not 0 < price_usd < abs(near.strike - far.strike):
        return
    kind = OptionKind.CALL_SPREAD if near.is_call else OptionKind.PUT_SPREAD
    greeks = {"delta": near.delta - far.delta, "iv": near.iv, "vega": near.vega - far.vega}
    yield _order(chain, venue, kind, (near, far), price_usd, greeks)


def _order(
    chain: Chain,
    venue: VenueAddresses,
    kind: OptionKind,
    rows: tuple[ChainRow, ...],
    price_usd: float,
    greeks: dict[str, float],
    *,
    is_long: bool = False,
) -> MakerOrder:
    strikes = [row.strike for row in rows]
    collateral_usd = max(strikes) - min(strikes) if kind.is_spread else strikes[0]
    rounded = math.floor if is_long else math.ceil
    budget = CAP_CONTRACTS * (price_usd if is_long else collateral_usd)
    return MakerOrder(
        ticker=_name(chain, kind, rows),
        asset=chain.asset,
        maker=RECORDED_MAKER,
        good_until_s=chain.at_s + QUOTE_LIFE_S,
        collateral=venue.usdc,
        is_call=kind.is_call,
        price_feed=venue.feed_of(chain.asset),
        implementation=venue.implementation_of(kind),
        is_long=is_long,
        max_collateral=math.floor(budget * USDC_UNIT),
        strikes=tuple(round(strike * PRICE_UNIT) for strike in strikes),
        expiry_s=rows[0].expiry_s,
        price=rounded(round(price_usd * PRICE_UNIT, 2)),
        chain_id=venue.chain_id,
        book=venue.book,
        greeks={name: round(value, 8) for name, value in greeks.items()} if greeks["iv"] > 0 else None,
    )


def _name(chain: Chain, kind: OptionKind, rows: tuple[ChainRow, ...]) -> str:
    strikes = [Decimal(repr(row.strike)) for row in rows]
    return write_ticker(chain.asset, kind, strikes, from_unix(rows[0].expiry_s))
