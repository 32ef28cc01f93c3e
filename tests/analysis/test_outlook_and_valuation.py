"""What Alpha believes, and what a trade is worth under it."""

import math
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st
from trades import NOW, SPOT, STEADY, candles, chain, quote, usdc

from bethna_cli.analysis.outlook import Outlook, ewma_volatility, with_view
from bethna_cli.analysis.strategies import Purchase, purchase_of
from bethna_cli.analysis.valuation import QUANTILES, profit_curve, value, with_quantiles
from bethna_cli.analysis.volatility import Forecast
from bethna_cli.domain.errors import NotEnoughData
from bethna_cli.domain.intent import View
from bethna_cli.domain.options import OptionKind
from bethna_cli.domain.recommendation import Prediction
from bethna_cli.options import black
from bethna_cli.options.payoff import payoff_at

CALL, PUT = OptionKind.CALL, OptionKind.PUT
WEEK = 7 / 365


def prediction(bullish: float, neutral: float, bearish: float) -> Prediction:
    shares = (bullish, neutral, bearish)
    return Prediction(*shares, 7, 0.033, (0.35, 0.33, 0.32), shares, 0.0, "test")


def lognormal_outlook(volatility: float) -> Outlook:
    """An outlook in which neither forest nor person has anything to say: the distribution is the plain lognormal."""
    shares = (0.34, 0.34, 0.32)
    believed = Prediction(*shares, 7, 0.4 * volatility * math.sqrt(WEEK), (0.3, 0.3, 0.4), shares, 0.0, "test")
    return Outlook(SPOT, Forecast(STEADY, (2 * math.log(volatility),) * 5), believed)


def named(strikes: list[int], *kinds: OptionKind) -> Purchase:
    return purchase_of(chain(), tuple(map(Decimal, strikes)), frozenset(kinds), usdc(1000))


def test_a_view_multiplies_the_odds_of_its_class_and_keeps_the_proportion_of_the_others() -> None:
    before, after = prediction(0.25, 0.50, 0.25), with_view(prediction(0.25, 0.50, 0.25), View.BULLISH, 3)

    assert after.bullish / (1 - after.bullish) == pytest.approx(3 * before.bullish / (1 - before.bullish))
    assert after.neutral / after.bearish == pytest.approx(2)


@given(st.floats(0.0, 1.0), st.floats(0.0, 1.0), st.sampled_from(View), st.floats(1.0, 100.0))
def test_probabilities_stay_a_distribution_under_any_view(a: float, b: float, view: View, odds: float) -> None:
    low, high = sorted((a, b))
    after = with_view(prediction(low, high - low, 1 - high), view, odds)

    assert math.isclose(after.bullish + after.neutral + after.bearish, 1, abs_tol=1e-12)
    assert min(after.bullish, after.neutral, after.bearish) >= 0


def test_ewma_volatility_of_a_steady_market_is_its_plain_volatility() -> None:
    assert ewma_volatility(candles(0.0064)) == pytest.approx(math.log(1.0064) * math.sqrt(8760), rel=1e-9)


def test_ewma_volatility_follows_the_latest_moves() -> None:
    calm, wild = candles(0.002), candles(0.02)

    assert ewma_volatility(calm[:-200] + wild[-200:]) > 2 * ewma_volatility(wild[:-1000] + calm[-1000:])


def test_a_gap_in_the_history_counts_by_its_length_and_not_as_one_hour() -> None:
    whole = candles(0.0064)

    assert ewma_volatility(whole[:700] + whole[724:]) == pytest.approx(ewma_volatility(whole), rel=0.05)


@pytest.mark.parametrize("history", [candles(0.0064)[:168], candles(0.0)])
def test_too_short_or_motionless_a_history_has_no_volatility(history: tuple) -> None:  # type: ignore[type-arg]
    with pytest.raises(NotEnoughData):
        ewma_volatility(history)


def test_without_a_view_of_its_own_a_purchase_is_worth_its_black_76_value_less_its_price() -> None:
    trade = value(named([3200], CALL), lognormal_outlook(0.6), NOW)
    capped = black.price(SPOT, 3200, WEEK, 0.6, True) - black.price(SPOT, 6400, WEEK, 0.6, True)

    size = trade.contracts / 1e6
    assert trade.expected_value / 1e6 == pytest.approx(size * capped - trade.amount / 1e6, abs=1e-4)


def test_a_call_breaks_even_at_strike_plus_price_and_a_put_at_strike_less_price() -> None:
    outlook = lognormal_outlook(0.6)

    assert value(named([3200], CALL), outlook, NOW).break_even_usd == (Decimal("3234.00"),)
    assert value(named([2800], PUT), outlook, NOW).break_even_usd == (Decimal("2767.00"),)
    assert value(named([3000], CALL, PUT), outlook, NOW).break_even_usd == (Decimal("2800.00"), Decimal("3200.00"))


def test_profit_is_capped_by_the_collateral_and_loss_by_the_premium() -> None:
    outlook = lognormal_outlook(0.6)
    call, spread = (
        value(named([3000], CALL), outlook, NOW),
        value(named([3000, 3200], OptionKind.CALL_SPREAD), outlook, NOW),
    )

    assert call.max_loss == call.amount
    assert call.max_profit is not None
    assert spread.max_profit is not None
    assert call.max_profit / 1e6 == pytest.approx(3000 * call.contracts / 1e6 - call.amount / 1e6, abs=1e-5)
    assert spread.max_profit / 1e6 == pytest.approx(200 * spread.contracts / 1e6 - spread.amount / 1e6, abs=1e-5)


def test_probability_of_profit_is_that_of_ending_beyond_break_even() -> None:
    outlook = lognormal_outlook(0.6)
    call, straddle = value(named([3200], CALL), outlook, NOW), value(named([3000], CALL, PUT), outlook, NOW)
    terminal = outlook.terminal(WEEK)

    assert call.probability_of_profit == pytest.approx(terminal.probability_above(3234), abs=1e-9)
    outside = terminal.probability_above(3200) + 1 - terminal.probability_above(2800)
    assert straddle.probability_of_profit == pytest.approx(outside, abs=1e-9)


@pytest.mark.parametrize("view", [None, View.BULLISH])
@pytest.mark.parametrize(("strikes", "kinds"), [([3200], [CALL]), ([2800], [PUT]), ([3000], [CALL, PUT])])
def test_payoff_quantiles_are_those_of_many_prices_drawn_from_the_same_distribution(
    strikes: list[int], kinds: list[OptionKind], view: View | None
) -> None:
    outlook = lognormal_outlook(0.6)
    if view:
        outlook = replace(outlook, prediction=with_view(outlook.prediction, view, 3))
    trade = with_quantiles(value(named(strikes, *kinds), outlook, NOW), outlook, NOW)
    terminal, curve = outlook.terminal(WEEK), profit_curve(trade.legs)

    draws = 5_000
    total = 0.6 * math.sqrt(WEEK)
    normals = (NormalDist().inv_cdf((i + 0.5) / draws) for i in range(draws))
    prices = [SPOT * math.exp(total * z - total * total / 2) for z in normals]
    weights = [terminal.factors[sum(price > bound for bound in terminal.bounds)] / draws for price in prices]
    ends = [payoff_at(curve, price) for price in prices]

    assert [share for share, _ in trade.quantiles] == list(QUANTILES)
    for share, pnl in trade.quantiles:
        at_most = math.fsum(w for w, end in zip(weights, ends, strict=True) if end <= pnl / 1e6 + 0.005)
        below = math.fsum(w for w, end in zip(weights, ends, strict=True) if end < pnl / 1e6 - 0.015)
        assert below - 0.001 <= share <= at_most + 0.001
    assert trade.quantiles[0][1] >= -trade.max_loss
    won = math.fsum(w for w, end in zip(weights, ends, strict=True) if end > 0)
    assert trade.probability_of_profit == pytest.approx(won, abs=0.001)
    mean = math.fsum(w * end for w, end in zip(weights, ends, strict=True))
    assert trade.expected_value / 1e6 == pytest.approx(mean, abs=0.5)


def test_a_likelier_rise_makes_calls_worth_more_and_puts_less() -> None:
    outlook = lognormal_outlook(0.6)
    bullish = replace(outlook, prediction=with_view(outlook.prediction, View.BULLISH, 3))

    assert (
        value(named([3200], CALL), bullish, NOW).expected_value
        > value(named([3200], CALL), outlook, NOW).expected_value
    )
    assert (
        value(named([2800], PUT), bullish, NOW).expected_value < value(named([2800], PUT), outlook, NOW).expected_value
    )


def test_the_payoff_curve_ascends_in_spot_and_never_loses_more_than_the_premium() -> None:
    trade = value(named([3000], CALL, PUT), lognormal_outlook(0.6), NOW)
    spots, profits = zip(*trade.payoff, strict=True)

    assert list(spots) == sorted(set(spots))
    assert min(profits) >= -trade.max_loss / 1e6 - 1e-6
    assert 3000.0 in spots


@pytest.mark.parametrize("lean", [(0.5, 0.3, 0.2), (0.1, 0.2, 0.7)])
def test_a_direction_that_history_paid_for_does_not_pay_for_an_option(lean: tuple[float, float, float]) -> None:
    plain = lognormal_outlook(0.6)
    leaning = replace(
        plain, prediction=replace(plain.prediction, silent=lean, bullish=lean[0], neutral=lean[1], bearish=lean[2])
    )

    assert leaning.terminal(WEEK).expected([(0.0, 0.0), (1e9, 1e9)]) == pytest.approx(SPOT)


def test_a_view_on_a_week_raises_the_odds_of_another_expiry_as_much() -> None:
    outlook = lognormal_outlook(0.6)
    bullish = replace(outlook, prediction=with_view(outlook.prediction, View.BULLISH, 3))
    plain, raised = (
        [1 - t.probability_above(t.bounds[0]), t.probability_above(t.bounds[1])]
        for t in (outlook.terminal(3 * WEEK), bullish.terminal(3 * WEEK))
    )

    assert raised[1] / raised[0] == pytest.approx(3 * plain[1] / plain[0], rel=1e-9)


def test_a_longer_life_widens_the_neutral_band_with_the_root_of_time() -> None:
    outlook = lognormal_outlook(0.6)
    longer = quote(CALL, [3000], "200", 0.5, days=28)
    four_weeks = outlook.terminal((longer.expires_at - NOW) / timedelta(days=365))

    assert math.log(four_weeks.bounds[1] / SPOT) == pytest.approx(2 * outlook.prediction.neutral_band)
