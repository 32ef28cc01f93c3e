"""From quotes to sized purchases: what is chosen, and that the budget holds."""

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from trades import NOW, SPOT, chain, quote, usdc

from bethna_cli.analysis.strategies import Purchase, at_expiry_nearest, purchase_of, purchases
from bethna_cli.domain.errors import NothingSuitable
from bethna_cli.domain.options import OptionKind, OptionQuote
from bethna_cli.domain.recommendation import Signal
from bethna_cli.domain.units import Contracts, Usdc

CALL, PUT = OptionKind.CALL, OptionKind.PUT


def proposed(quotes: list[OptionQuote], budget: Usdc | None = None, delta: float = 0.30) -> dict[Signal, Purchase]:
    found = purchases(quotes, SPOT, delta, usdc(100) if budget is None else budget, NOW)
    return {purchase.signal: purchase for purchase in found}


def strikes(purchase: Purchase) -> list[tuple[int, ...]]:
    return [tuple(map(int, leg.quote.strikes)) for leg in purchase.legs]


def test_the_expiry_nearest_to_the_wish_is_the_only_one_used() -> None:
    board = [*chain(3), *chain(8), *chain(30)]

    assert {q.expires_at for q in at_expiry_nearest(board, 7, NOW)} == {NOW + timedelta(days=8)}


def test_of_two_expiries_as_near_the_later_is_used() -> None:
    assert {q.expires_at for q in at_expiry_nearest([*chain(6), *chain(8)], 7, NOW)} == {NOW + timedelta(days=8)}


def test_an_option_about_to_expire_or_a_quote_that_ran_out_is_never_used() -> None:
    about_to_expire = quote(CALL, [3000], "5", 0.5, days=0.04)

    assert at_expiry_nearest([about_to_expire], 0.04, NOW) == ()
    assert at_expiry_nearest(chain(), 7, NOW + timedelta(seconds=60)) == ()


def test_every_strategy_is_proposed_once_from_a_full_board() -> None:
    assert set(proposed(chain())) == set(Signal) - {Signal.HOLD}


def test_calls_and_puts_are_chosen_by_the_delta_asked_for() -> None:
    near_the_money = proposed(chain(), delta=0.5)
    far = proposed(chain(), delta=0.2)

    assert strikes(near_the_money[Signal.LONG_CALL]) == [(3000,)]
    assert strikes(far[Signal.LONG_CALL]) == [(3200,)]
    assert strikes(far[Signal.LONG_PUT]) == [(2800,)]


def test_a_venue_without_greeks_is_judged_by_the_delta_its_own_price_implies() -> None:
    bare = [quote(CALL, [strike], ask) for strike, ask in [(2800, "235"), (3000, "100"), (3200, "34")]]

    assert strikes(proposed(bare, delta=0.25)[Signal.LONG_CALL]) == [(3200,)]


def test_the_straddle_takes_the_common_strike_nearest_the_spot_and_the_same_size_of_both() -> None:
    straddle = proposed(chain())[Signal.LONG_STRADDLE]

    assert strikes(straddle) == [(3000,), (3000,)]
    assert [leg.quote.kind for leg in straddle.legs] == [CALL, PUT]
    assert straddle.legs[0].contracts == straddle.legs[1].contracts


def test_spreads_buy_near_the_spot_and_sell_towards_the_target_delta() -> None:
    found = proposed(chain())

    assert strikes(found[Signal.CALL_SPREAD]) == [(3000, 3200)]
    assert strikes(found[Signal.PUT_SPREAD]) == [(2800, 3000)]


def test_a_strategy_nobody_quotes_is_left_out() -> None:
    assert set(proposed([q for q in chain() if q.kind is CALL])) == {Signal.LONG_CALL}


def test_a_budget_that_buys_nothing_proposes_nothing() -> None:
    assert proposed(chain(), budget=Usdc(0)) == {}


@given(
    budget=st.integers(min_value=1, max_value=10**12),
    depth=st.integers(min_value=1, max_value=10**10),
    cents=st.integers(min_value=1, max_value=10**7),
)
def test_no_purchase_costs_more_than_the_budget_or_exceeds_what_a_maker_offers(
    budget: int, depth: int, cents: int
) -> None:
    ask = f"{Decimal(cents) / 777:.8f}"
    board = [
        quote(CALL, [3000], ask, 0.5, depth=Contracts(depth)),
        quote(PUT, [3000], ask, -0.5, depth=Contracts(depth)),
        quote(OptionKind.CALL_SPREAD, [3000, 3200], ask, depth=Contracts(depth)),
    ]

    for purchase in purchases(board, SPOT, 0.3, Usdc(budget), NOW):
        assert 0 < purchase.amount <= budget
        assert 0 < purchase.contracts <= depth


def test_a_named_trade_is_exactly_what_was_named() -> None:
    call = purchase_of(chain(), (Decimal(3200),), frozenset({CALL}), usdc(100))
    straddle = purchase_of(chain(), (Decimal(3000),), frozenset({CALL, PUT}), usdc(100))

    assert (call.signal, strikes(call)) == (Signal.LONG_CALL, [(3200,)])
    assert (straddle.signal, strikes(straddle)) == (Signal.LONG_STRADDLE, [(3000,), (3000,)])


def test_of_several_makers_at_one_strike_the_cheapest_is_bought() -> None:
    board = [quote(CALL, [3200], "36", 0.24), quote(CALL, [3200], "34", 0.24), quote(CALL, [3200], "35", 0.24)]

    assert purchase_of(board, (Decimal(3200),), frozenset({CALL}), usdc(100)).legs[0].quote.price_usd == 34


def test_a_strike_nobody_quotes_is_refused_with_those_on_offer() -> None:
    with pytest.raises(NothingSuitable, match=r"No quote at 3100; on offer: 2800, 3000, 3200"):
        purchase_of(chain(), (Decimal(3100),), frozenset({CALL}), usdc(100))
