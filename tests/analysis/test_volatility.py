"""The volatility forecast and the distribution that follows from it: exact where it is a formula, learned where not."""

import math
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bethna_cli.analysis.aftermath import Aftermaths
from bethna_cli.analysis.calibration import purged_blocks, purged_split
from bethna_cli.analysis.features import FEATURE_NAMES, features_at_hour, series_of
from bethna_cli.analysis.trials import ewma_variances
from bethna_cli.analysis.volatility import (
    HORIZONS_H,
    SPANS,
    forecast,
    past_log_variances,
    undirected,
)
from bethna_cli.analysis.volatility_fit import learn
from bethna_cli.domain.errors import NotEnoughData
from bethna_cli.domain.market import Candle
from bethna_cli.domain.model import Aftermath, Row, TrainingSet, VolatilityModel

MODEL = VolatilityModel(
    horizons_h=(24, 168, 1080),
    weights=(
        (-0.1, 0.2, 0.3, 0.2, 0.1, 0.1),
        (-0.2, 0.1, 0.2, 0.3, 0.2, 0.1),
        (-0.3, 0.0, 0.1, 0.2, 0.3, 0.3),
    ),
    corrections=(0.4, 0.3, 0.2),
    scales=(0.5, 1.0, 2.0),
    widths=(1.0, 0.95, 0.9),
    mixing=((0.4, 0.5, 0.1), (0.3, 0.6, 0.1), (0.2, 0.8, 0.0)),
)
WEEK = 7 / 365
volatilities = st.floats(0.1, 3.0)


def row_of(*volatility: float) -> Row:
    """A row with these volatilities, shortest span first; everything else is half."""
    by_column = dict(zip(SPANS, volatility, strict=True))
    return tuple(by_column.get(i, 0.5) for i in range(len(FEATURE_NAMES)))


@given(st.tuples(*[volatilities] * 5))
def test_at_a_learned_horizon_the_forecast_is_the_weighted_sum_of_logs(past: tuple[float, ...]) -> None:
    intercept, *weights = MODEL.weights[1]
    expected = intercept + sum(weight * 2 * math.log(v) for weight, v in zip(weights, past, strict=True))

    found = forecast(MODEL, row_of(*past))

    assert found.log_variance(168) == pytest.approx(expected, abs=1e-12)
    assert found.variance(168) == pytest.approx(math.exp(expected + 0.3), rel=1e-12)


@given(st.tuples(*[volatilities] * 5), st.floats(1, 2000))
def test_between_two_learned_horizons_the_forecast_lies_between_them(past: tuple[float, ...], hours: float) -> None:
    found = forecast(MODEL, row_of(*past))
    fitted = [found.log_variance(h) for h in MODEL.horizons_h]

    assert min(fitted) - 1e-9 <= found.log_variance(hours) <= max(fitted) + 1e-9
    assert found.log_variance(1) == found.log_variance(24)
    assert found.log_variance(2000) == found.log_variance(1080)


@given(st.tuples(*[volatilities] * 5), st.floats(1 / 365, 45 / 365))
def test_the_distribution_has_the_spot_as_its_mean_and_all_the_probability(
    past: tuple[float, ...], years: float
) -> None:
    terminal = forecast(MODEL, row_of(*past)).terminal(3000.0, years)

    assert terminal.expected([(0.0, 0.0), (1e13, 1e13)]) == pytest.approx(3000.0, rel=1e-6)
    assert terminal.probability_above(0.0) == pytest.approx(1.0, abs=1e-12)


@given(st.tuples(*[volatilities] * 5), st.floats(1.1, 2.0))
def test_a_wilder_past_makes_a_wider_distribution(past: tuple[float, ...], factor: float) -> None:
    calm = forecast(MODEL, row_of(*past))
    wild = forecast(MODEL, row_of(*(v * factor for v in past)))

    assert wild.volatility(WEEK) > calm.volatility(WEEK)


def test_the_volatility_shown_is_that_of_an_option_at_the_money() -> None:
    found = forecast(MODEL, row_of(0.6, 0.6, 0.6, 0.6, 0.6))
    straddle = found.terminal(1.0, WEEK).expected([(0.0, 1.0), (1.0, 0.0), (1e6, 1e6 - 1)])

    assert straddle == pytest.approx(found.volatility(WEEK) * math.sqrt(WEEK) * math.sqrt(2 / math.pi), rel=0.01)


@given(st.tuples(*[volatilities] * 5))
def test_the_forecast_alone_thinks_a_rise_as_likely_as_a_fall(past: tuple[float, ...]) -> None:
    bearish, neutral, bullish = undirected(MODEL, row_of(*past))

    assert bearish == bullish
    assert bearish + neutral + bullish == pytest.approx(1.0, abs=1e-12)


def test_a_market_that_calmed_down_makes_little_movement_likelier() -> None:
    """The band is wide because of last month; the coming week is expected to be quieter."""
    calmed, steady = row_of(0.3, 0.3, 0.4, 0.8, 0.8), row_of(0.8, 0.8, 0.8, 0.8, 0.8)

    assert undirected(MODEL, calmed)[1] > undirected(MODEL, steady)[1] + 0.1


def test_a_missing_span_counts_as_the_next_longer_one() -> None:
    assert past_log_variances(row_of(math.nan, math.nan, 0.7, 0.6, 0.5)) == past_log_variances(
        row_of(0.7, 0.7, 0.7, 0.6, 0.5)
    )
    with pytest.raises(ValueError, match="longest"):
        past_log_variances(row_of(0.7, 0.7, 0.7, 0.6, math.nan))


def test_hours_without_a_move_still_have_a_logarithm() -> None:
    assert math.isfinite(forecast(MODEL, row_of(0.0, 0.0, 0.5, 0.5, 0.5)).variance(24))


def persistent(weeks: int, seed: int) -> TrainingSet:
    """Weeks whose variance is that of the week before them, times noise of a known size."""
    chance = np.random.default_rng(seed)
    logs = np.cumsum(chance.normal(0, 0.05, size=weeks * 34)) - 1.0
    rows = tuple(row_of(*[math.exp(log / 2)] * 5) for log in logs)
    shocks = np.exp(chance.normal(0, 0.4, size=(len(logs), len(HORIZONS_H))))
    variances = np.exp(logs)[:, None] * shocks
    spread = np.sqrt(variances * np.asarray(HORIZONS_H) / 8760)
    returns = chance.normal(size=variances.shape) * spread
    after = tuple(Aftermath(tuple(r), tuple(v)) for r, v in zip(returns.tolist(), variances.tolist(), strict=True))
    hours = tuple(range(400_000, 400_000 + 5 * len(logs), 5))
    return TrainingSet(rows, (1,) * len(logs), hours, after, tuple(np.exp(logs).tolist()))


def test_what_persists_is_learned_and_the_mean_is_above_the_median() -> None:
    data = persistent(weeks=60, seed=4)

    learned = learn(data, purged_blocks(data.hours)).model

    last = forecast(learned, data.rows[-1])
    assert last.log_variance(168) == pytest.approx(past_log_variances(data.rows[-1])[0], abs=0.15)
    assert learned.corrections[2] == pytest.approx(0.4**2 / 2, abs=0.04)  # of a lognormal: half its log's variance
    assert all(math.fsum(shares) == pytest.approx(1.0, abs=1e-12) for shares in learned.mixing)


@given(st.integers(400_100, 409_000), st.sampled_from(HORIZONS_H))
def test_no_hour_that_is_learned_from_reaches_into_a_held_out_block(first: int, horizon_h: int) -> None:
    hours = range(400_000, 410_000, 5)
    split = purged_split(hours, first, first + 500, horizon_h)

    coming = {h for i in split.held_out for h in (hours[i] + 1, hours[i] + horizon_h)}
    assert all(hours[i] + horizon_h < min(coming) or hours[i] + 1 > max(coming) for i in split.train)


def test_too_little_that_is_over_is_not_enough() -> None:
    data = persistent(weeks=60, seed=4)
    unfinished = tuple(replace(after, variances=(*after.variances[:5], math.nan)) for after in data.after)

    with pytest.raises(NotEnoughData, match="next 45 days"):
        learn(replace(data, after=unfinished), purged_blocks(data.hours))


START = datetime(2024, 1, 1, tzinfo=UTC)


def walk(seed: int, hours: int = 3000) -> list[Candle]:
    chance, price, candles = random.Random(seed), 2000.0, []
    for hour in range(hours):
        price *= math.exp(chance.gauss(0, 0.006))
        candles.append(Candle(START + hour * timedelta(hours=1), price, price, price, price))
    return candles


@pytest.mark.parametrize("decision", [1500, 1777, 2400])
def test_nothing_that_is_decided_at_an_hour_depends_on_what_comes_after_it(decision: int) -> None:
    real, other = walk(seed=1), walk(seed=2)
    jump = real[decision - 1].close / other[decision - 1].close
    shifted = real[:decision] + [replace(c, close=c.close * jump) for c in other[decision:]]
    hour = int(START.timestamp()) // 3600 + decision

    answers = []
    for candles in (real, shifted):
        series = series_of(candles)
        row = features_at_hour(series, hour)
        found = forecast(MODEL, row)
        answers.append(
            (
                [value.hex() for value in row],
                found.volatility(WEEK),
                undirected(MODEL, row),
                found.terminal(1.0, WEEK),
                ewma_variances(series)[hour - series.start_hour],
            )
        )

    assert repr(answers[0]) == repr(answers[1])


def test_what_came_after_is_counted_from_the_next_hour_on() -> None:
    candles = walk(seed=3)
    series = series_of(candles)
    hour = int(START.timestamp()) // 3600 + 2000
    closes = [candle.close for candle in candles]

    found = Aftermaths(series).of(hour)

    moves = [math.log(closes[i] / closes[i - 1]) ** 2 for i in range(2000, 2024)]
    assert found.returns[0] == pytest.approx(math.log(closes[2023] / closes[1999]))
    assert found.variances[0] == pytest.approx(sum(moves) / 24 * 8760)
    assert math.isnan(found.variances[-1])  # 45 days later lies beyond the record
