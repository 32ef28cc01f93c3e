"""What a contract pays at expiry, and where a trade begins to earn."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bethna_cli.domain.options import OptionKind
from bethna_cli.options.payoff import break_evens, payoff_at, payoff_knots

strikes = st.floats(1, 1e6)
spots = st.floats(0, 1e7)


@given(strikes, spots)
def test_a_call_pays_what_is_above_its_strike_and_at_most_its_strike(strike: float, spot: float) -> None:
    paid = payoff_at(payoff_knots(OptionKind.CALL, [strike]), spot)

    assert paid == pytest.approx(min(max(spot - strike, 0), strike), abs=1e-9 * strike)


@given(strikes, spots)
def test_a_put_pays_what_is_below_its_strike(strike: float, spot: float) -> None:
    paid = payoff_at(payoff_knots(OptionKind.PUT, [strike]), spot)

    assert paid == pytest.approx(max(strike - spot, 0), abs=1e-9 * strike)


@given(strikes, st.floats(0.01, 1), spots)
def test_a_spread_pays_the_near_option_less_the_far_one(near: float, width: float, spot: float) -> None:
    far = near * (1 + width)
    call_spread = payoff_at(payoff_knots(OptionKind.CALL_SPREAD, [near, far]), spot)
    put_spread = payoff_at(payoff_knots(OptionKind.PUT_SPREAD, [near, far]), spot)

    assert call_spread == pytest.approx(max(spot - near, 0) - max(spot - far, 0), abs=1e-9 * (far + spot))
    assert put_spread == pytest.approx(max(far - spot, 0) - max(near - spot, 0), abs=1e-9 * far)


def test_payoffs_of_the_venue_at_settlement() -> None:
    assert payoff_at(payoff_knots(OptionKind.CALL, [2500.0]), 2450.0) == 0.0
    assert payoff_at(payoff_knots(OptionKind.CALL, [2500.0]), 9000.0) == 2500.0
    assert payoff_at(payoff_knots(OptionKind.PUT, [2075.0]), 2000.0) == 75.0
    assert payoff_at(payoff_knots(OptionKind.CALL_SPREAD, [2200.0, 2300.0]), 2250.0) == 50.0
    assert payoff_at(payoff_knots(OptionKind.PUT_SPREAD, [2200.0, 2300.0]), 100.0) == 100.0


@pytest.mark.parametrize(
    ("kind", "given_strikes"),
    [
        (OptionKind.CALL, []),
        (OptionKind.CALL, [0.0]),
        (OptionKind.CALL, [-2500.0]),
        (OptionKind.PUT, [2400.0, 2500.0]),
        (OptionKind.PUT, [math.nan]),
        (OptionKind.CALL_SPREAD, [2500.0]),
        (OptionKind.CALL_SPREAD, [0.0, 2500.0]),
        (OptionKind.PUT_SPREAD, [2500.0, 2400.0]),
        (OptionKind.PUT_SPREAD, [2500.0, 2500.0]),
        (OptionKind.PUT_SPREAD, [2500.0, math.inf]),
    ],
)
def test_strikes_that_make_no_such_option_are_refused(kind: OptionKind, given_strikes: list[float]) -> None:
    with pytest.raises(ValueError, match=r"[Ss]trike"):
        payoff_knots(kind, given_strikes)


def test_a_bought_call_earns_above_strike_plus_premium() -> None:
    assert break_evens([(3000.0, -90.0), (6000.0, 2910.0)]) == [3090.0]


def test_a_bought_put_earns_below_strike_less_premium() -> None:
    assert break_evens([(0.0, 2910.0), (3000.0, -90.0)]) == [2910.0]


def test_a_straddle_earns_on_both_sides_of_what_it_cost() -> None:
    assert break_evens([(0.0, 2820.0), (3000.0, -180.0), (6000.0, 2820.0)]) == [2820.0, 3180.0]


def test_a_spread_bought_for_its_width_never_earns() -> None:
    assert break_evens([(3000.0, -100.0), (3100.0, 0.0)]) == []


@given(strikes, st.floats(0.001, 0.9))
def test_a_curve_is_zero_where_it_breaks_even(strike: float, share: float) -> None:
    curve = [(spot, value - share * strike) for spot, value in payoff_knots(OptionKind.CALL, [strike])]

    (turn,) = break_evens(curve)

    assert payoff_at(curve, turn) == pytest.approx(0, abs=1e-9 * strike)
    assert payoff_at(curve, turn * 0.999) < 0 < payoff_at(curve, turn * 1.001)
