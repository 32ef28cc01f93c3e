"""The simulated market maker: no free money among its quotes, and the same rows a real feed holds."""

from collections import Counter, defaultdict
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from test_market_laws import moments, seeds
from worlds import NOW, world_at

from bethna_cli.adapters.sim.maker import QUOTE_LIFE_S, expiries
from bethna_cli.adapters.sim.market import SimWorld
from bethna_cli.adapters.sim.venue import UnsignedQuoter
from bethna_cli.adapters.sim.world import MakerOrder
from bethna_cli.domain.market import Asset
from bethna_cli.domain.options import OptionKind
from bethna_cli.domain.units import PRICE_UNIT
from bethna_cli.domain.venue import BASE_R12

CENT = 10**6
KINDS = {BASE_R12.implementation_of(kind): kind for kind in OptionKind}


def live(world: SimWorld) -> list[MakerOrder]:
    """The maker's ordinary quotes, without the odd rows."""
    board = world.board()
    return [
        order
        for order in (row.order for row in board.rows)
        if order.good_until_s == board.written_s + QUOTE_LIFE_S
        and order.implementation in KINDS
        and order.collateral == BASE_R12.usdc
        and not order.listing
    ]


def series(orders: list[MakerOrder], kind: OptionKind, *, is_long: bool) -> list[list[MakerOrder]]:
    """The quotes of one kind and side, a list for each asset and expiry, strikes ascending."""
    found: dict[tuple[Asset, int], list[MakerOrder]] = defaultdict(list)
    for order in orders:
        if KINDS[order.implementation] is kind and order.is_long is is_long:
            found[order.asset, order.expiry_s].append(order)
    return [sorted(rows, key=lambda order: order.strikes) for rows in found.values()]


@settings(max_examples=15, deadline=None)
@given(seed=seeds, at=moments)
@example(seed=47467, at=1_912_538_400)  # a call at a third of the forward, whose cap is what it is worth
def test_puts_get_dearer_as_the_strike_rises_and_calls_cheaper_for_each_dollar_they_can_pay(seed, at):
    """A call pays min(S - K, K): a lower strike may cost less, because it cannot pay more than itself."""
    orders = live(world_at(datetime.fromtimestamp(at, UTC), seed))

    for side in (False, True):
        for calls in series(orders, OptionKind.CALL, is_long=side):
            assert all(low.price * high.strikes[0] > high.price * low.strikes[0] for low, high in pairwise(calls))
        for puts in series(orders, OptionKind.PUT, is_long=side):
            assert all(low.price < high.price for low, high in pairwise(puts))


@settings(max_examples=15, deadline=None)
@given(seed=seeds, at=moments)
def test_the_maker_never_buys_for_more_than_it_sells(seed, at):
    orders = live(world_at(datetime.fromtimestamp(at, UTC), seed))
    asks = {order.ticker: order.price for order in orders if not order.is_long}

    bids = [order for order in orders if order.is_long]

    assert bids
    assert all(0 < bid.price < asks[bid.ticker] for bid in bids)


@settings(max_examples=15, deadline=None)
@given(seed=seeds, at=moments)
def test_no_option_costs_as_much_as_it_can_pay(seed, at):
    for order in live(world_at(datetime.fromtimestamp(at, UTC), seed)):
        most = max(order.strikes) - min(order.strikes) if len(order.strikes) == 2 else order.strikes[0]
        assert 0 < order.price < most


@settings(max_examples=15, deadline=None)
@given(seed=seeds, at=moments, asset=st.sampled_from(list(Asset)))
def test_puts_and_calls_are_in_parity_and_marks_are_convex_in_the_strike(seed, at, asset):
    marks: dict[str, dict[str, dict[float, tuple[float, float]]]] = defaultdict(lambda: defaultdict(dict))
    for row in world_at(datetime.fromtimestamp(at, UTC), seed).reference(asset):
        _, day, _, kind = row.ticker.split("-")
        assert row.bid <= row.mark <= row.ask
        marks[day][kind][row.strike_usd] = (row.mark, row.underlying_usd)

    for chain in marks.values():
        for strike in chain["C"].keys() & chain["P"].keys():
            call, forward = chain["C"][strike]
            put, _ = chain["P"][strike]
            assert call - put == pytest.approx(1 - strike / forward, abs=1e-5)
        for rows in chain.values():
            prices = [rows[strike][0] for strike in sorted(rows)]
            assert all(a + c - 2 * b > -3e-6 for a, b, c in zip(prices, prices[1:], prices[2:], strict=False))


@settings(max_examples=15, deadline=None)
@given(seed=seeds, at=moments)
def test_a_put_spread_costs_no_more_than_its_two_legs(seed, at):
    orders = [order for order in live(world_at(datetime.fromtimestamp(at, UTC), seed)) if not order.is_call]
    asks = {(order.asset, order.expiry_s, order.strikes): order.price for order in orders if not order.is_long}
    bids = {(order.asset, order.expiry_s, order.strikes): order.price for order in orders if order.is_long}
    pairs = [
        (price, asks[asset, expiry, strikes[:1]] - bids[asset, expiry, strikes[1:]])
        for (asset, expiry, strikes), price in asks.items()
        if (asset, expiry, strikes[:1]) in asks and (asset, expiry, strikes[1:]) in bids
    ]

    assert pairs
    assert all(spread <= legs + CENT for spread, legs in pairs)


@settings(max_examples=15, deadline=None)
@given(seed=seeds, at=moments)
def test_a_call_is_priced_below_an_uncapped_one_because_it_pays_twice_its_strike_at_most(seed, at):
    world = world_at(datetime.fromtimestamp(at, UTC), seed)
    marks = {row.ticker: row.mark * row.underlying_usd for asset in Asset for row in world.reference(asset)}
    calls = [order for order in live(world) if KINDS[order.implementation] is OptionKind.CALL]

    assert all(order.price / PRICE_UNIT < marks[order.ticker] + 0.01 for order in calls if order.is_long)


def test_the_listed_expiries_are_three_days_four_fridays_and_three_month_ends_at_eight():
    at = datetime(2026, 11, 23, 10, 31, tzinfo=UTC)

    listed = [datetime.fromtimestamp(expiry, UTC) for expiry in expiries(int(at.timestamp()))]

    assert [f"{day:%d %b %H:%M}" for day in listed] == [
        "24 Nov 08:00", "25 Nov 08:00", "26 Nov 08:00", "27 Nov 08:00", "04 Dec 08:00",
        "11 Dec 08:00", "18 Dec 08:00", "25 Dec 08:00", "29 Jan 08:00",
    ]  # fmt: skip


@pytest.mark.parametrize("minutes_before", [1, 29])
def test_an_option_is_taken_off_half_an_hour_before_it_expires(minutes_before):
    eight = datetime(2026, 11, 24, 8, tzinfo=UTC)

    assert min(expiries(int((eight - timedelta(minutes=minutes_before)).timestamp()))) > eight.timestamp()


def test_the_surface_has_a_smile_and_strikes_span_five_to_ninety_delta():
    for orders in series(live(world_at()), OptionKind.PUT, is_long=False):
        by_strike = [order.greeks["iv"] for order in orders]
        deltas = [abs(order.greeks["delta"]) for order in orders]
        assert max(by_strike[0], by_strike[-1]) > min(by_strike)
        assert 0.05 <= min(deltas) < 0.2
        assert 0.55 < max(deltas) <= 0.90


def test_quotes_are_written_each_minute_and_live_a_minute_and_a_half():
    early, late, next_minute = (world_at(NOW.replace(second=0) + timedelta(seconds=s)).board() for s in (0, 59, 60))

    assert early == late
    assert early.rows != next_minute.rows
    assert {order.good_until_s - late.written_s for order in live(world_at())} == {90}


def test_the_feed_holds_what_a_usdc_buyer_must_leave_out():
    world = world_at()
    odd = Counter(
        "other collateral" if order.collateral != BASE_R12.usdc
        else "listing" if order.listing
        else BASE_R12.not_traded.get(order.implementation, "")
        or ("unknown" if order.implementation not in KINDS else "")
        or ("bid" if order.is_long else "")
        or ("expired" if order.good_until_s < world.board().written_s else "")
        for order in (row.order for row in world.board().rows)
        if order.asset is Asset.ETH
    )  # fmt: skip

    assert {"other collateral", "listing", "PHYSICAL_PUT", "unknown", "bid", "expired"} <= odd.keys()


def test_without_a_chain_nothing_is_signed():
    assert {row.signature for row in world_at().board().rows} == {"0x"}


def test_a_plugged_in_quoter_signs_every_order_over_its_own_terms():
    class Stamp(UnsignedQuoter):
        maker = "0x00000000000000000000000000000000000000aa"

        def sign(self, order: MakerOrder, /) -> bytes:
            return order.price.to_bytes(65, "big")

    venue = replace(BASE_R12, chain_id=31_337_000)

    rows = SimWorld(7, lambda: NOW, venue=venue, quoter=Stamp()).board().rows

    assert {(row.order.maker, row.order.chain_id) for row in rows} == {(Stamp.maker, 31_337_000)}
    assert all(int(row.signature, 16) == row.order.price for row in rows)


def test_one_nonce_covers_a_batch_and_not_the_other_side():
    rows = [row for row in world_at().board().rows if row.order.asset is Asset.ETH]
    by_nonce: dict[int, set[bool]] = defaultdict(set)
    for row in rows:
        by_nonce[row.nonce].add(row.order.is_long)

    assert len(by_nonce) < len(rows) / 3
    assert all(len(sides) == 1 for sides in by_nonce.values())
