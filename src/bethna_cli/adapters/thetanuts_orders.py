"""Which of the venue's orders can be taken: every rule, in order, and a count of the rest by reason.

Addresses are compared with the pinned ones, never taken from an order. Nothing is repaired: an order that contradicts
itself is left out. A maker's capacity is shared by all orders with its nonce, so the sizes of two quotes do not add up.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from hashlib import sha256

from pydantic import ValidationError

from bethna_cli.adapters.thetanuts_wire import Order, Row
from bethna_cli.adapters.tickers import read_ticker, write_ticker
from bethna_cli.domain.market import Asset
from bethna_cli.domain.options import OptionKind, OptionQuote, QuoteGreeks
from bethna_cli.domain.units import PRICE_UNIT, Contracts, PriceE8, from_unix, price_to_decimal
from bethna_cli.domain.venue import RawOrder, VenueAddresses

_SIGNATURE_CHARS = 2 + 2 * 65
_FURTHEST_STRIKE = 20


class LeftOut(StrEnum):
    """Why an order is no quote."""

    MALFORMED = "malformed"
    OTHER_CHAIN = "another chain"
    OTHER_BOOK = "another book"
    UNKNOWN_FEED = "unknown price feed"
    OTHER_ASSET = "another asset"
    SPECIAL_LISTING = "binary or special listing"
    NOT_TRADED = "payoff not traded"
    UNKNOWN_IMPLEMENTATION = "unknown implementation"
    OTHER_COLLATERAL = "other collateral"
    MAKER_BUYS = "maker buys"
    MAKER_SELLS = "maker sells"
    UNSIGNED = "unsigned"
    QUOTE_EXPIRED = "quote expired"
    OPTION_EXPIRED = "option expired"
    EXTRA_TERMS = "extra terms"
    MISLABELLED = "label contradicts terms"
    BAD_STRIKES = "bad strikes"
    BAD_PRICE = "bad price"
    NO_CAPACITY = "no capacity"
    DUPLICATE = "duplicate"


@dataclass(frozen=True, slots=True)
class Sight:
    """What an order is judged against. wants_bids: look for makers who buy, not for makers who sell."""

    asset: Asset
    venue: VenueAddresses
    now_s: float
    spot_e8: int | None
    signed_only: bool
    wants_bids: bool = False

    def kind(self, order: Order) -> OptionKind:
        return self.venue.implementations[order.implementation]


# In this order: each rule may rely on the ones above it.
_RULES: tuple[tuple[LeftOut, Callable[[Row, Sight], bool]], ...] = (
    (LeftOut.OTHER_CHAIN, lambda row, sight: row.chain_id != sight.venue.chain_id),
    (LeftOut.OTHER_BOOK, lambda row, sight: row.book != sight.venue.book),
    (LeftOut.UNKNOWN_FEED, lambda row, sight: row.order.price_feed not in sight.venue.feeds),
    (LeftOut.OTHER_ASSET, lambda row, sight: sight.venue.feeds[row.order.price_feed] is not sight.asset),
    (LeftOut.SPECIAL_LISTING, lambda row, _: row.order.type not in (None, "vanilla")),
    (LeftOut.NOT_TRADED, lambda row, sight: row.order.implementation in sight.venue.not_traded),
    (LeftOut.UNKNOWN_IMPLEMENTATION, lambda row, sight: row.order.implementation not in sight.venue.implementations),
    (LeftOut.OTHER_COLLATERAL, lambda row, sight: row.order.collateral != sight.venue.usdc),
    (LeftOut.MAKER_BUYS, lambda row, sight: row.order.is_long and not sight.wants_bids),
    (LeftOut.MAKER_SELLS, lambda row, sight: sight.wants_bids and not row.order.is_long),
    (LeftOut.UNSIGNED, lambda row, sight: sight.signed_only and len(row.signature) != _SIGNATURE_CHARS),
    (LeftOut.QUOTE_EXPIRED, lambda row, sight: row.order.order_expiry <= sight.now_s),
    (LeftOut.OPTION_EXPIRED, lambda row, sight: row.order.expiry <= sight.now_s),
    (LeftOut.EXTRA_TERMS, lambda row, _: row.order.extra != "0x" or row.order.contracts != 0),
    (LeftOut.BAD_STRIKES, lambda row, sight: not _strikes_make_sense(row.order, sight)),
    (LeftOut.MISLABELLED, lambda row, sight: _is_mislabelled(row.order, sight)),
    (LeftOut.BAD_PRICE, lambda row, sight: not 0 < row.order.price < _collateral_e8(row.order, sight)),
    (LeftOut.NO_CAPACITY, lambda row, sight: _capacity(row.order, sight) <= 0),
)


_ORDER_FIELDS = tuple(field.name for field in fields(RawOrder))


def order_id(order: RawOrder) -> str:
    """Return the sha256 (hex) of the order's fields and signature in their order: our name, unknown to the chain."""
    return sha256("|".join(str(getattr(order, name)) for name in _ORDER_FIELDS).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Sorted:
    """The quotes, the signed orders behind them by id, and how many rows were left out for which reason."""

    quotes: tuple[OptionQuote, ...]
    orders: dict[str, RawOrder]
    left_out: dict[str, int]


def sorted_out(rows: Sequence[object], sight: Sight) -> Sorted:
    """Judge each row of the feed by itself, so that a bad one cannot hide the others."""
    quotes: list[OptionQuote] = []
    orders: dict[str, RawOrder] = {}
    left_out: Counter[str] = Counter()
    for value in rows:
        if _is_plainly_of_another_asset(value, sight):
            left_out[LeftOut.OTHER_ASSET] += 1
            continue
        try:
            row = Row.model_validate(value)
        except ValidationError:
            left_out[LeftOut.MALFORMED] += 1
            continue
        reason = next((reason for reason, applies in _RULES if applies(row, sight)), None)
        if reason is not None:
            left_out[reason] += 1
            continue
        raw = _raw(row)
        name = order_id(raw)
        if name in orders:
            left_out[LeftOut.DUPLICATE] += 1
            continue
        orders[name] = raw
        quotes.append(_quote(row, name, sight))
    return Sorted(tuple(quotes), orders, {str(reason): count for reason, count in sorted(left_out.items())})


def _is_plainly_of_another_asset(value: object, sight: Sight) -> bool:
    """Spot a row of another asset before it is parsed: most of the feed, which need not be judged any further."""
    order = value.get("order") if isinstance(value, dict) else None
    feed = order.get("priceFeed") if isinstance(order, dict) else None
    return isinstance(feed, str) and sight.venue.feeds.get(feed.lower(), sight.asset) is not sight.asset


def _quote(row: Row, name: str, sight: Sight) -> OptionQuote:
    order, kind = row.order, sight.kind(row.order)
    expires_at = from_unix(order.expiry)
    strikes = [price_to_decimal(strike) for strike in order.strikes]
    return OptionQuote(
        ticker=write_ticker(sight.asset, kind, strikes, expires_at),
        kind=kind,
        strikes=tuple(sorted(strikes)),
        expires_at=expires_at,
        price=PriceE8(order.price),
        max_contracts=_capacity(order, sight),
        good_until=from_unix(order.order_expiry),
        order_id=name,
        greeks=_greeks(row),
    )


def _greeks(row: Row) -> QuoteGreeks | None:
    stated = row.greeks
    if stated is None:
        return None
    gamma, vega, theta = (
        None if value is None else float(value) for value in (stated.gamma, stated.vega, stated.theta)
    )
    return QuoteGreeks(float(stated.iv), float(stated.delta), gamma, vega, theta)


def _raw(row: Row) -> RawOrder:
    order = row.order
    return RawOrder(
        order.maker,
        order.order_expiry,
        order.collateral,
        order.is_call,
        order.price_feed,
        order.implementation,
        order.is_long,
        order.max_collateral,
        tuple(order.strikes),
        order.expiry,
        order.price,
        order.contracts,
        order.extra,
        row.signature,
        row.chain_id,
        row.book,
        row.nonce,
    )


def _collateral_e8(order: Order, sight: Sight) -> int:
    """What one contract is collateralised with, USD with 8 decimals: also the most it can pay."""
    if sight.kind(order).is_spread:
        return max(order.strikes) - min(order.strikes)
    return order.strikes[0]


def _capacity(order: Order, sight: Sight) -> Contracts:
    """Count what the maker has money for: collateral behind an ask, the premium of a bid."""
    each = order.price if order.is_long else _collateral_e8(order, sight)
    return Contracts(order.max_collateral * PRICE_UNIT // each)


def _strikes_make_sense(order: Order, sight: Sight) -> bool:
    """As many distinct strikes as the payoff has, in any order, and not in another scale than the spot price."""
    if len(order.strikes) != (2 if sight.kind(order).is_spread else 1) or len(set(order.strikes)) != len(order.strikes):
        return False
    lowest, highest = min(order.strikes), max(order.strikes)
    if sight.spot_e8 is None:
        return lowest > 0
    return sight.spot_e8 <= lowest * _FURTHEST_STRIKE and highest <= sight.spot_e8 * _FURTHEST_STRIKE


def _is_mislabelled(order: Order, sight: Sight) -> bool:
    """Say whether the call flag or the ticker (which may be absent) contradicts what the order pays."""
    kind = sight.kind(order)
    if order.is_call != kind.is_call:
        return True
    if order.ticker is None:
        return False
    try:
        stated = read_ticker(order.ticker)
    except ValueError:
        return True
    strikes = tuple(sorted(price_to_decimal(strike) for strike in order.strikes))
    facts = (str(sight.asset), from_unix(order.expiry).date(), strikes, kind)
    return (stated.asset, stated.day, stated.strikes, stated.kind) != facts
