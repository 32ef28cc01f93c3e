"""Implied volatility: exact to 1e-8 wherever a price determines it, and no answer anywhere else."""

import contextlib
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bethna_cli.options import black

ONE_DIGIT = 2.0**-52


def any_chain(seed: int, size: int) -> tuple[np.ndarray, ...]:
    """Options from one second to three years, 5 % to 400 %, down to prices of 1e-280, in and out of the money."""
    chance = np.random.default_rng(seed)
    forward = np.exp(chance.uniform(math.log(0.1), math.log(1e6), size))
    strike = forward * np.exp(chance.normal(size=size) * chance.choice([0.0, 1e-6, 0.01, 0.3, 1.5], size))
    years = np.exp(chance.uniform(math.log(1 / 31_536_000), math.log(3), size))
    iv = chance.uniform(0.05, 4, size)
    return forward, strike, years, iv, chance.random(size) < 0.5


@pytest.mark.parametrize("seed", range(3))
def test_a_price_gives_back_its_volatility_wherever_it_determines_it(seed: int) -> None:
    forward, strike, years, iv, is_call = any_chain(seed, 200_000)
    price, greeks = black.price_and_greeks(forward, strike, years, iv, is_call)
    digit_moves_iv_by = ONE_DIGIT * price / (100 * np.maximum(greeks.vega, 1e-300))
    determined = (digit_moves_iv_by < 1e-9) & (price > 1e-280)

    found = black.implied_vol(price, forward, strike, years, is_call)

    assert determined.mean() > 0.4
    assert np.abs(found - iv)[determined].max() < 1e-8


@pytest.mark.parametrize("seed", range(3))
def test_an_answer_is_never_further_off_than_it_promises(seed: int) -> None:
    forward, strike, years, iv, is_call = any_chain(seed, 200_000)
    price = black.price(forward, strike, years, iv, is_call)

    found = black.implied_vol(price, forward, strike, years, is_call)

    assert np.isnan(found).any()
    assert np.nanmax(np.abs(found - iv)) < black.IV_TOLERANCE


@given(st.floats(-1.5, 1.5), st.floats(1 / 365, 2), st.floats(0.1, 3), st.booleans())
def test_one_option_gets_the_answer_of_an_array(log_strike: float, years: float, iv: float, is_call: bool) -> None:
    strike = 3000.0 * math.exp(log_strike)
    price = black.price(3000.0, strike, years, iv, is_call)
    found = float(black.implied_vol(np.array([price]), 3000.0, strike, years, is_call)[0])

    if math.isnan(found):
        with pytest.raises(ValueError):
            black.implied_vol(price, 3000.0, strike, years, is_call)
    else:
        assert black.implied_vol(price, 3000.0, strike, years, is_call) == pytest.approx(found, rel=1e-12, abs=1e-8)


BOUNDS, TIME, DIGITS = "must lie between", "time left", "does not determine"
IMPOSSIBLE = {
    "worth nothing": (0.0, 3100.0, 0.1, True, BOUNDS),
    "negative": (-5.0, 3100.0, 0.1, True, "at least 0"),
    "not a number": (math.nan, 3100.0, 0.1, True, "finite"),
    "infinite": (math.inf, 3100.0, 0.1, True, "finite"),
    "call at intrinsic": (200.0, 2800.0, 0.1, True, BOUNDS),
    "call below intrinsic": (199.0, 2800.0, 0.1, True, BOUNDS),
    "put below intrinsic": (99.0, 3100.0, 0.1, False, BOUNDS),
    "call as dear as the forward": (3000.0, 2800.0, 0.1, True, BOUNDS),
    "call dearer than the forward": (3001.0, 2800.0, 0.1, True, BOUNDS),
    "put as dear as the strike": (2800.0, 2800.0, 0.1, False, BOUNDS),
    "no time left": (250.0, 2800.0, 0.0, True, TIME),
    "time value in the last digits only": (2000.0000000000002, 1000.0, 0.1, True, DIGITS),
    "a digit below the forward": (math.nextafter(3000.0, 0.0), 2800.0, 0.1, True, DIGITS),
    "below the smallest normal double": (1e-310, 9000.0, 0.1, True, DIGITS),
}


@pytest.mark.parametrize("case", IMPOSSIBLE)
def test_a_price_without_a_volatility_gets_none(case: str) -> None:
    price, strike, years, is_call, reason = IMPOSSIBLE[case]

    with pytest.raises(ValueError, match=reason):
        black.implied_vol(price, 3000.0, strike, years, is_call)
    assert math.isnan(black.implied_vol(np.array([price]), 3000.0, strike, years, is_call)[0])


@pytest.mark.parametrize(
    ("field", "value"), [("forward", 0.0), ("strike", -1.0), ("years", -1.0), ("strike", math.nan)]
)
def test_an_option_out_of_range_has_no_volatility(field: str, value: float) -> None:
    arguments = {"price": 100.0, "forward": 3000.0, "strike": 3100.0, "years": 0.1, "is_call": True, field: value}

    with pytest.raises(ValueError, match=field):
        black.implied_vol(**arguments)
    assert math.isnan(black.implied_vol(**{**arguments, "price": np.array([100.0])})[0])


@given(st.floats(0, 1e7), st.floats(1e-3, 1e6), st.floats(1e-3, 1e6), st.floats(0, 5), st.booleans())
def test_any_answer_prices_back_to_where_it_came_from(
    price: float, forward: float, strike: float, years: float, is_call: bool
) -> None:
    found = black.implied_vol(np.array([price]), forward, strike, years, is_call)

    answers = found[np.isfinite(found)]
    assert (answers > 0).all()
    assert black.price(forward, strike, years, answers, is_call) == pytest.approx(
        np.full(answers.shape, price), rel=1e-9, abs=1e-12 * min(forward, strike)
    )


@given(st.floats(-300, 300), st.floats(-300, 300), st.floats(-20, 5), st.floats(-745, 0), st.booleans())
def test_one_price_gets_a_volatility_or_a_refusal_and_never_a_crash(
    log_forward: float, log_ratio: float, log_years: float, log_share: float, is_call: bool
) -> None:
    forward, years = math.exp(log_forward), math.exp(log_years)
    strike = forward * math.exp(log_ratio)
    intrinsic = max((forward - strike) * (1 if is_call else -1), 0)
    price = intrinsic + min(forward, strike) * math.exp(log_share)

    with contextlib.suppress(ValueError):
        found = black.implied_vol(price, forward, strike, years, is_call)
        assert black.price(forward, strike, years, found, is_call) == pytest.approx(
            price, rel=1e-9, abs=1e-14 * min(forward, strike)
        )
