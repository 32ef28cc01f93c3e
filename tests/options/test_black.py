"""Black-76: the laws that every price and Greek must obey, for one option and for arrays."""

import math
import subprocess
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bethna_cli.options import black

HOUR = 1 / 8760
ROUNDING = 1e-15


class Option(NamedTuple):
    forward: float
    strike: float
    years: float
    iv: float


@st.composite
def options(draw: st.DrawFn) -> Option:
    """Options of any age within three years, up to seven times in or out of the money."""
    forward = draw(st.floats(0.01, 1e6))
    strike = forward * math.exp(draw(st.floats(-2, 2)))
    return Option(forward, strike, draw(st.floats(HOUR, 3)), draw(st.floats(0.05, 4)))


flags = st.booleans()


@given(options())
def test_a_call_less_a_put_is_worth_forward_less_strike(option: Option) -> None:
    difference = black.price(*option, True) - black.price(*option, False)

    assert difference == pytest.approx(option.forward - option.strike, abs=1e-14 * (option.forward + option.strike))


@given(options(), flags)
def test_a_price_lies_between_intrinsic_and_the_most_the_option_can_pay(option: Option, is_call: bool) -> None:
    intrinsic = max((option.forward - option.strike) * (1 if is_call else -1), 0)
    most = option.forward if is_call else option.strike

    assert intrinsic <= black.price(*option, is_call) <= most * (1 + ROUNDING)


@pytest.mark.parametrize("is_call", [True, False])
def test_rounding_next_to_the_strike_never_takes_a_price_below_intrinsic(is_call: bool) -> None:
    chance = np.random.default_rng(5)
    strike = 3000.0 * np.exp(1e-13 * chance.normal(size=20_000))
    almost_no_iv = np.exp(chance.uniform(math.log(1e-16), math.log(1e-12), strike.size))
    intrinsic = np.maximum((3000.0 - strike) * (1 if is_call else -1), 0)

    assert (black.price(3000.0, strike, 1.0, almost_no_iv, is_call) >= intrinsic).all()


@given(st.floats(-300, 300), st.floats(-300, 300), st.floats(0, 5), st.floats(0, 5), flags)
def test_no_size_of_number_breaks_a_price(
    log_forward: float, log_ratio: float, years: float, iv: float, is_call: bool
) -> None:
    forward = math.exp(log_forward)

    price, greeks = black.price_and_greeks(forward, forward * math.exp(log_ratio), years, iv, is_call)

    assert price >= 0
    assert all(math.isfinite(greek) for greek in greeks)


@given(options(), st.floats(1.001, 2), flags)
def test_more_volatility_or_more_time_never_makes_an_option_cheaper(
    option: Option, factor: float, is_call: bool
) -> None:
    price = black.price(*option, is_call)
    noise = 1e-14 * min(option.forward, option.strike)

    assert black.price(*option._replace(iv=option.iv * factor), is_call) >= price - noise
    assert black.price(*option._replace(years=option.years * factor), is_call) >= price - noise


@given(options(), st.floats(1.001, 2))
def test_a_higher_strike_makes_a_call_cheaper_and_a_put_dearer(option: Option, factor: float) -> None:
    higher = option._replace(strike=option.strike * factor)
    noise = 1e-14 * (option.forward + higher.strike)

    assert black.price(*higher, True) <= black.price(*option, True) + noise
    assert black.price(*higher, False) >= black.price(*option, False) - noise


@given(options(), st.floats(0.01, 100), flags)
def test_price_scales_with_the_currency_and_delta_does_not(option: Option, rate: float, is_call: bool) -> None:
    other = option._replace(forward=option.forward * rate, strike=option.strike * rate)
    price, greeks = black.price_and_greeks(*option, is_call)
    other_price, other_greeks = black.price_and_greeks(*other, is_call)

    assert other_price == pytest.approx(price * rate, rel=1e-9, abs=1e-12 * other.forward)
    assert other_greeks.delta == pytest.approx(greeks.delta, abs=1e-9)


@given(options(), flags)
def test_a_call_on_one_coin_is_a_put_on_the_other(option: Option, is_call: bool) -> None:
    swapped = option._replace(forward=option.strike, strike=option.forward)

    assert black.price(*swapped, not is_call) == pytest.approx(
        black.price(*option, is_call), rel=1e-12, abs=1e-14 * (option.forward + option.strike)
    )


@given(options())
def test_call_and_put_of_one_strike_share_gamma_vega_and_theta(option: Option) -> None:
    call, put = black.greeks(*option, True), black.greeks(*option, False)

    assert (call.gamma, call.vega, call.theta) == (put.gamma, put.vega, put.theta)
    assert call.delta - put.delta == pytest.approx(1, abs=1e-15)
    assert call.rho - put.rho == pytest.approx(option.strike * option.years / 100, rel=1e-12)


@pytest.mark.parametrize("is_call", [True, False])
@pytest.mark.parametrize("strike", [2000.0, 2900.0, 3000.0, 3300.0, 4500.0])
@pytest.mark.parametrize(("years", "iv"), [(2 / 365, 0.9), (30 / 365, 0.65), (1.0, 0.5), (2.0, 1.4)])
def test_each_greek_is_the_slope_of_the_price(strike: float, years: float, iv: float, is_call: bool) -> None:
    option = Option(3000.0, strike, years, iv)
    greeks = black.greeks(*option, is_call)

    def slope(of: Callable[[float], float], at: float) -> float:
        step = 1e-4 * at
        return (8 * (of(at + step) - of(at - step)) - (of(at + 2 * step) - of(at - 2 * step))) / (12 * step)

    def price(**changed: float) -> float:
        return black.price(*option._replace(**changed), is_call)

    def delta(forward: float) -> float:
        return black.greeks(*option._replace(forward=forward), is_call).delta

    def price_at_rate(growth: float) -> float:
        """The discounted price when a rate lifts the forward of a fixed spot; growth is exp(rate * years)."""
        return price(forward=option.forward * growth) / growth

    assert greeks.delta == pytest.approx(slope(lambda forward: price(forward=forward), option.forward), abs=1e-8)
    assert greeks.gamma == pytest.approx(slope(delta, option.forward), abs=1e-9)
    assert greeks.vega == pytest.approx(slope(lambda iv: price(iv=iv), iv) / 100, abs=1e-7)
    assert greeks.theta == pytest.approx(-slope(lambda years: price(years=years), years) / 365, abs=1e-6)
    assert greeks.rho == pytest.approx(slope(price_at_rate, 1.0) * years / 100, abs=1e-6)


@pytest.mark.parametrize("is_call", [True, False])
@pytest.mark.parametrize("strike", [1500.0, 3000.0, 5000.0])
def test_the_price_is_the_mean_payoff_of_a_lognormal_forward(strike: float, is_call: bool) -> None:
    total = 0.7 * math.sqrt(0.25)
    z = np.linspace(-12, 12, 2_000_001)
    spots = 3000.0 * np.exp(total * z - total**2 / 2)
    payoffs = np.maximum((spots - strike) * (1 if is_call else -1), 0)
    mean = np.trapezoid(payoffs * np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi), z)

    assert black.price(3000.0, strike, 0.25, 0.7, is_call) == pytest.approx(mean, rel=1e-9)


@given(st.lists(options(), min_size=1, max_size=20), flags)
def test_an_array_gets_the_answers_of_its_options_one_by_one(chain: list[Option], is_call: bool) -> None:
    columns = np.array(chain).T
    prices, greeks = black.price_and_greeks(*columns, is_call)

    for i, option in enumerate(chain):
        price, single = black.price_and_greeks(*option, is_call)
        assert prices[i] == pytest.approx(price, rel=1e-12, abs=1e-13 * min(option.forward, option.strike))
        assert [column[i] for column in greeks] == pytest.approx(list(single), rel=1e-12, abs=1e-13)
    assert np.array_equal(black.price(*columns, is_call), prices)
    assert all(np.array_equal(*pair) for pair in zip(black.greeks(*columns, is_call), greeks, strict=True))


def test_arrays_broadcast_across_the_chunk_border() -> None:
    strikes = np.linspace(1000, 9000, 5000)

    prices = black.price(3000.0, strikes, 0.1, 0.6, np.array([[True], [False]]))

    assert prices.shape == (2, 5000)
    assert prices[0, 4500] == pytest.approx(black.price(3000.0, float(strikes[4500]), 0.1, 0.6, True), rel=1e-12)
    assert prices[1] - prices[0] == pytest.approx(strikes - 3000.0)
    assert black.price(3000.0, np.empty(0), 0.1, 0.6, True).shape == (0,)


@pytest.mark.parametrize(("years", "iv"), [(0.0, 0.6), (0.5, 0.0), (0.0, 0.0)])
@pytest.mark.parametrize(
    ("strike", "is_call", "price", "delta"),
    [
        (2900.0, True, 100.0, 1.0),
        (3000.0, True, 0.0, 0.5),
        (3100.0, True, 0.0, 0.0),
        (2900.0, False, 0.0, 0.0),
        (3000.0, False, 0.0, -0.5),
        (3100.0, False, 100.0, -1.0),
    ],
)
def test_without_time_or_volatility_an_option_is_its_intrinsic_value(
    strike: float, is_call: bool, price: float, delta: float, years: float, iv: float
) -> None:
    value, greeks = black.price_and_greeks(3000.0, strike, years, iv, is_call)
    values, columns = black.price_and_greeks(np.array([3000.0]), strike, years, iv, is_call)

    assert (value, greeks.delta, greeks.gamma, greeks.vega, greeks.theta) == (price, delta, 0.0, 0.0, 0.0)
    assert (values[0], *(column[0] for column in columns)) == (value, *greeks)


OUT_OF_RANGE = [
    (field, value)
    for field, values in {
        "forward": (0.0, -3000.0, math.inf, math.nan),
        "strike": (0.0, -3000.0, math.inf, math.nan),
        "years": (-0.1, math.inf, math.nan),
        "iv": (-0.6, math.inf, math.nan),
    }.items()
    for value in values
]


@pytest.mark.parametrize(("field", "value"), OUT_OF_RANGE)
def test_an_argument_out_of_range_is_refused_by_name(field: str, value: float) -> None:
    option = Option(3000.0, 3100.0, 0.1, 0.6)._replace(**{field: value})

    with pytest.raises(ValueError, match=field):
        black.price(*option, True)
    with pytest.raises(ValueError, match=field):
        black.greeks(*option, False)


@pytest.mark.parametrize(("field", "value"), OUT_OF_RANGE)
def test_an_element_out_of_range_is_nan_and_leaves_its_neighbours_alone(field: str, value: float) -> None:
    good = Option(3000.0, 3100.0, 0.1, 0.6)
    price, greeks = black.price_and_greeks(*np.array([good, good._replace(**{field: value})]).T, True)

    assert price[0] == pytest.approx(black.price(*good, True), rel=1e-12)
    assert math.isnan(price[1])
    assert all(math.isfinite(column[0]) and math.isnan(column[1]) for column in greeks)


def test_both_prices_negative_do_not_pass_for_a_ratio() -> None:
    assert np.isnan(black.price(np.array([-3000.0]), -3100.0, 0.1, 0.6, True)).all()


@pytest.mark.parametrize("is_call", [-1, 2, np.array([1, -1])])
def test_a_sign_is_not_a_flag(is_call: Any) -> None:
    with pytest.raises(ValueError, match="is_call"):
        black.price(3000.0, 3100.0, 0.1, 0.6, is_call)


@given(options(), flags)
def test_numbers_of_any_library_give_the_same_plain_float(option: Option, is_call: bool) -> None:
    assume(all(option))
    price = black.price(*(np.float64(field) for field in option), np.bool_(is_call))

    assert type(price) is float
    assert price == black.price(*option, is_call)


def test_pricing_one_option_imports_neither_numpy_nor_scipy() -> None:
    program = (
        "import sys\n"
        "from bethna_cli.options import black\n"
        "price, greeks = black.price_and_greeks(3000.0, 3100.0, 0.1, 0.6, True)\n"
        "black.implied_vol(price, 3000.0, 3100.0, 0.1, True)\n"
        "print(sorted({name.split('.')[0] for name in sys.modules} & {'numpy', 'scipy'}))\n"
    )

    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert run.stdout.strip() == "[]"
