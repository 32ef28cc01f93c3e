"""The distribution of the price at expiry: a distribution, with the classes given to it, and Black's prices without."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bethna_cli.domain.options import OptionKind
from bethna_cli.options import black
from bethna_cli.options.payoff import Knot, payoff_knots
from bethna_cli.options.terminal import Terminal, lognormal

SPOT = 3000.0
YEARS = 7 / 365

volatilities = st.floats(0.2, 2)
bands = st.floats(0.02, 0.1)
weights = st.floats(0.01, 1)


@st.composite
def classes(draw: st.DrawFn) -> tuple[float, float, float]:
    """Probabilities of the price ending below, between and above."""
    parts = draw(st.tuples(weights, weights, weights))
    low, middle = parts[0] / sum(parts), parts[1] / sum(parts)
    return low, middle, 1 - low - middle


def bounds(band: float) -> tuple[float, float]:
    return SPOT * math.exp(-band), SPOT * math.exp(band)


def far_line(slope: float, at_zero: float) -> list[Knot]:
    """A straight line as far as any price goes."""
    return [(0.0, at_zero), (1e12, at_zero + slope * 1e12)]


def mean(terminal: Terminal) -> float:
    return terminal.expected(far_line(slope=1, at_zero=0))


@given(volatilities, st.floats(1 / 365, 1))
def test_the_price_has_the_spot_as_its_mean(volatility: float, years: float) -> None:
    assert mean(lognormal(SPOT, volatility, years)) == pytest.approx(SPOT, rel=1e-12)


@given(volatilities, st.floats(1500, 6000))
def test_a_payoff_is_worth_its_black_price(volatility: float, strike: float) -> None:
    terminal = lognormal(SPOT, volatility, YEARS)
    call = black.price(SPOT, strike, YEARS, volatility, True) - black.price(SPOT, 2 * strike, YEARS, volatility, True)

    assert terminal.expected(payoff_knots(OptionKind.CALL, [strike])) == pytest.approx(call, rel=1e-9, abs=1e-9)
    assert terminal.expected(payoff_knots(OptionKind.PUT, [strike])) == pytest.approx(
        black.price(SPOT, strike, YEARS, volatility, False), rel=1e-9, abs=1e-9
    )


@given(volatilities, st.floats(1500, 6000))
def test_the_chance_to_end_above_a_strike_is_n_of_d2(volatility: float, strike: float) -> None:
    total = volatility * math.sqrt(YEARS)
    d2 = math.log(SPOT / strike) / total - total / 2

    assert lognormal(SPOT, volatility, YEARS).probability_above(strike) == pytest.approx(
        0.5 * math.erfc(-d2 / math.sqrt(2)), rel=1e-9, abs=1e-15
    )


@given(volatilities, bands, classes())
def test_each_class_gets_the_probability_it_was_given(
    volatility: float, band: float, probabilities: tuple[float, float, float]
) -> None:
    low, high = bounds(band)
    terminal = lognormal(SPOT, volatility, YEARS).reweighted((low, high), probabilities)

    assert terminal.probability_above(0.0) == pytest.approx(1, abs=1e-12)
    assert terminal.probability_above(low) == pytest.approx(1 - probabilities[0], abs=1e-12)
    assert terminal.probability_above(high) == pytest.approx(probabilities[2], abs=1e-12)
    assert terminal.expected([(SPOT, 1.0)]) == pytest.approx(1, abs=1e-12)


@given(volatilities, bands)
def test_weights_that_change_nothing_change_nothing(volatility: float, band: float) -> None:
    plain = lognormal(SPOT, volatility, YEARS)
    low, high = bounds(band)
    above_low, above_high = plain.probability_above(low), plain.probability_above(high)

    same = plain.reweighted((low, high), (1 - above_low, above_low - above_high, above_high))

    assert same.factors == pytest.approx((1, 1, 1), rel=1e-9)
    assert mean(same) == pytest.approx(SPOT, rel=1e-9)


@given(volatilities, bands, classes(), st.floats(-3, 3), st.floats(-100, 100))
def test_expectation_is_linear(
    volatility: float, band: float, probabilities: tuple[float, float, float], slope: float, at_zero: float
) -> None:
    terminal = lognormal(SPOT, volatility, YEARS).reweighted(bounds(band), probabilities)

    assert terminal.expected(far_line(slope, at_zero)) == pytest.approx(
        slope * mean(terminal) + at_zero, rel=1e-9, abs=1e-6
    )


@given(volatilities, bands, classes(), st.floats(1000, 9000), st.floats(1, 1.5))
def test_a_higher_price_is_never_likelier_to_be_exceeded(
    volatility: float, band: float, probabilities: tuple[float, float, float], spot: float, factor: float
) -> None:
    terminal = lognormal(SPOT, volatility, YEARS).reweighted(bounds(band), probabilities)

    assert terminal.probability_above(spot * factor) <= terminal.probability_above(spot) + 1e-12


@given(volatilities, bands, classes(), st.floats(0.01, 1))
def test_belief_moved_from_bearish_to_bullish_makes_a_call_dearer_and_a_put_cheaper(
    volatility: float, band: float, probabilities: tuple[float, float, float], share: float
) -> None:
    plain = lognormal(SPOT, volatility, YEARS)
    low, middle, high = probabilities
    before = plain.reweighted(bounds(band), probabilities)
    after = plain.reweighted(bounds(band), (low * (1 - share), middle, high + low * share))
    call, put = payoff_knots(OptionKind.CALL, [SPOT]), payoff_knots(OptionKind.PUT, [SPOT])

    assert after.expected(call) > before.expected(call)
    assert after.expected(put) < before.expected(put)


def test_inside_a_class_the_shape_stays_lognormal() -> None:
    plain = lognormal(SPOT, 0.6, YEARS)
    weighted = plain.reweighted((2900.0, 3100.0), (0.2, 0.3, 0.5))

    assert weighted.probability_above(3300.0) / weighted.probability_above(3200.0) == pytest.approx(
        plain.probability_above(3300.0) / plain.probability_above(3200.0), rel=1e-12
    )


def test_a_weighted_expectation_agrees_with_adding_up_thin_slices() -> None:
    terminal = lognormal(SPOT, 0.6, YEARS).reweighted((2900.0, 3100.0), (0.2, 0.3, 0.5))
    edges = [1500 + 0.25 * step for step in range(18_001)]
    above = [terminal.probability_above(edge) for edge in edges]
    slices = zip(edges, edges[1:], above, above[1:], strict=False)
    summed = math.fsum(min(max((a + b) / 2 - 3050, 0), 100) * (more - less) for a, b, more, less in slices)

    assert terminal.expected(payoff_knots(OptionKind.CALL_SPREAD, [3050.0, 3150.0])) == pytest.approx(summed, rel=1e-5)


def test_a_class_without_probability_is_never_reached() -> None:
    terminal = lognormal(SPOT, 0.6, YEARS).reweighted((2900.0, 3100.0), (0.0, 0.4, 0.6))

    assert terminal.probability_above(2900.0) == pytest.approx(1, abs=1e-12)
    assert terminal.expected(payoff_knots(OptionKind.PUT, [2900.0])) == 0.0


def test_a_class_far_in_the_tail_keeps_its_shape() -> None:
    total = 0.05 * math.sqrt(YEARS)
    tails = [math.erfc((math.log(spot / SPOT) / total + total / 2) / math.sqrt(2)) for spot in (3600.0, 3605.0)]

    terminal = lognormal(SPOT, 0.05, YEARS).reweighted((2500.0, 3600.0), (0.3, 0.4, 0.3))

    assert tails[0] < 1e-100
    assert terminal.probability_above(3600.0) == pytest.approx(0.3, rel=1e-12)
    assert terminal.probability_above(3605.0) == pytest.approx(0.3 * tails[1] / tails[0], rel=1e-9)


def test_a_class_that_the_volatility_never_reaches_is_refused() -> None:
    with pytest.raises(ValueError, match="never reaches"):
        lognormal(SPOT, 0.001, YEARS).reweighted((2500.0, 3600.0), (0.3, 0.4, 0.3))


@pytest.mark.parametrize("given_bounds", [(3100.0, 2900.0), (3000.0, 3000.0), (0.0, 3100.0), (2900.0, math.inf)])
def test_bounds_that_do_not_ascend_are_refused(given_bounds: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="bounds"):
        lognormal(SPOT, 0.6, YEARS).reweighted(given_bounds, (0.3, 0.4, 0.3))


@pytest.mark.parametrize("probabilities", [(0.3, 0.4, 0.4), (-0.1, 0.6, 0.5), (math.nan, 0.5, 0.5)])
def test_classes_that_are_no_distribution_are_refused(probabilities: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="sum to 1"):
        lognormal(SPOT, 0.6, YEARS).reweighted((2900.0, 3100.0), probabilities)


@pytest.mark.parametrize("arguments", [(0.0, 0.6, 0.1), (SPOT, 0.0, 0.1), (SPOT, 0.6, 0.0), (SPOT, math.nan, 0.1)])
def test_a_distribution_needs_a_price_a_volatility_and_time(arguments: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="positive"):
        lognormal(*arguments)
