"""A straddle is one card and two intents; a large order is several, each bounded by itself."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plans import NOW_S, leg, terms

from bethna_cli.adapters.abi import keccak
from bethna_cli.domain.approval import Schedule, Wanted, WantedLeg
from bethna_cli.domain.errors import UsageError
from bethna_cli.domain.market import Asset
from bethna_cli.domain.options import OptionKind
from bethna_cli.domain.trade import Side
from bethna_cli.execution.approval import card
from bethna_cli.execution.plan import has_moved_too_far, in_parts, planned


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


AT = datetime(2026, 11, 27, 8, tzinfo=UTC)


def wish(amount: int = 100_000_000, expected: int | None = 2_000_000, legs: int = 1) -> Wanted:
    one = WantedLeg("ETH-27NOV26-3000-C", OptionKind.CALL, (Decimal(3000),), AT, amount, expected)
    return Wanted("3f2a", Asset.ETH, AT, (one,) * legs, {})


@given(st.integers(12, 10**15), st.integers(0, 10**15), st.integers(1, 12), st.integers(0, 50))
def test_the_parts_of_a_large_order_add_up_to_it_and_never_promise_more(
    amount: int, expected: int, n: int, every_s: int
):
    whole = in_parts(wish(amount, expected), Schedule(n, every_s))
    parts = whole.legs

    assert whole.amount_in == amount
    assert expected - n < sum(part.expected_out or 0 for part in parts) <= expected
    assert max(part.amount_in for part in parts) - min(part.amount_in for part in parts) <= 1
    assert [part.after_s for part in parts] == [every_s * number for number in range(n)]
    assert whole.is_schedule is (n > 1)


def test_a_later_part_lives_longer_because_its_turn_comes_later():
    legs = [replace(leg(), after_s=after_s) for after_s in (0, 60, 120)]

    trades = planned(legs, terms(lifetime_s=120), keccak)

    assert [trade.intent.deadline_s - NOW_S for trade in trades] == [120, 180, 240]


@pytest.mark.parametrize(
    ("wanted", "schedule"),
    [
        (wish(), Schedule(0, 10)),
        (wish(), Schedule(13, 0)),
        (wish(), Schedule(2, 601)),
        (wish(), Schedule(2, -1)),
        (wish(amount=3), Schedule(4, 0)),
        (wish(legs=2), Schedule(2, 0)),
    ],
    ids=["no part", "too many", "too late", "backwards", "less than one unit each", "a straddle"],
)
def test_an_order_that_cannot_be_cut_so_is_refused(wanted: Wanted, schedule: Schedule):
    with pytest.raises(UsageError):
        in_parts(wanted, schedule)


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
