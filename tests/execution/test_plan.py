"""A straddle is one card and two intents; a large order is several, each bounded by itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plans import NOW_S, leg, terms

from bethna_cli.adapters.abi import keccak
from bethna_cli.domain.trade import Side
from bethna_cli.execution.approval import card
from bethna_cli.execution.plan import chunked, has_moved_too_far, planned


def test_a_straddle_is_one_card_with_two_intents_that_cannot_be_taken_for_each_other():
    trades = planned([leg(amount_in=60_000_000), leg(amount_in=40_000_000)], terms(), keccak)

    assert [trade.purpose for trade in trades] == ["buy-1", "buy-2"]
    assert trades[0].intent.nonce != trades[1].intent.nonce
    assert [line.value for line in card(trades) if line.label == "Trade"] == ["1 of 2: buy-1", "2 of 2: buy-2"]


def test_a_plan_without_a_trade_or_with_nothing_to_pay_is_refused():
    with pytest.raises(ValueError, match="without a trade"):
        planned([], terms(), keccak)
    with pytest.raises(ValueError, match="nothing to trade"):
        planned([leg(amount_in=0)], terms(), keccak)


@given(st.integers(1_000, 10**15), st.integers(1_000, 10**15), st.integers(1, 20), st.integers(0, 60))
def test_the_parts_of_a_large_order_add_up_to_it_and_never_promise_more(amount: int, quoted: int, n: int, every_s: int):
    parts = chunked(leg(amount_in=amount, quoted=quoted), n, every_s)

    assert sum(part.amount_in for part in parts) == amount
    assert quoted - n < sum(part.quoted_amount_out for part in parts) <= quoted
    assert max(part.amount_in for part in parts) - min(part.amount_in for part in parts) <= 1
    assert [part.after_s for part in parts] == [every_s * number for number in range(n)]


def test_a_later_part_lives_longer_because_its_turn_comes_later():
    trades = planned(chunked(leg(), 3, interval_s=60), terms(lifetime_s=120), keccak)

    assert [trade.intent.deadline_s - NOW_S for trade in trades] == [120, 180, 240]


def test_parts_that_would_outlive_a_signature_are_refused_before_anything_is_signed():
    with pytest.raises(ValueError, match="lives"):
        planned(chunked(leg(), 10, interval_s=100), terms(lifetime_s=120), keccak)


@pytest.mark.parametrize(("amount", "chunks"), [(100, 0), (100, 21), (3, 4), (0, 1)])
def test_an_order_that_cannot_be_cut_so_is_refused(amount: int, chunks: int):
    with pytest.raises(ValueError, match="parts"):
        chunked(leg(amount_in=amount), chunks, 0)


@pytest.mark.parametrize("price", [102_000_000, 98_000_000, 100_000_000])
def test_the_next_part_is_sent_while_the_price_is_within_two_percent(price: int):
    assert not has_moved_too_far(100_000_000, price)


@pytest.mark.parametrize("price", [102_000_001, 97_999_999, 200_000_000])
def test_the_rest_is_left_undone_when_the_price_moves_by_more_than_two_percent(price: int):
    assert has_moved_too_far(100_000_000, price)


@pytest.mark.parametrize("price", [0, -5, float("nan"), None, True])
def test_a_price_that_is_none_stops_the_rest(price: object):
    with pytest.raises(ValueError, match="not prices"):
        has_moved_too_far(100_000_000, price)


def test_a_sale_is_planned_under_its_own_name():
    (sale,) = planned([leg(Side.SELL)], terms(lifetime_s=86_400), keccak)

    assert (sale.purpose, sale.intent.side) == ("sell", Side.SELL)
