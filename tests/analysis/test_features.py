"""Features: what they mean, what they may see, and that training and a live answer compute the same numbers."""

import math
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bethna_cli.analysis.features import (
    FEATURE_NAMES,
    FEATURES,
    HORIZON_HOURS,
    LOOKBACK_HOURS,
    features,
    features_at_hour,
    hour_of,
    label,
    missing_groups,
    neutral_band,
    series_of,
)
from bethna_cli.domain.errors import NotEnoughData
from bethna_cli.domain.market import Candle, FearGreed, FundingPoint
from bethna_cli.domain.model import BEARISH, BULLISH, NEUTRAL, Row

START = datetime(2023, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def candle(hour: int, close: float) -> Candle:
    return Candle(START + hour * HOUR, close, close, close, close)


def walk(hours: int, seed: int = 1) -> list[Candle]:
    """A random walk of hourly closes."""
    chance = random.Random(seed)
    price = 2000.0
    candles = []
    for hour in range(hours):
        price *= math.exp(chance.gauss(0.0, 0.006))
        candles.append(candle(hour, price))
    return candles


def funding(hours: int, seed: int = 2) -> list[FundingPoint]:
    """Eight-hourly funding of one venue, hourly of another."""
    chance = random.Random(seed)
    slow = [FundingPoint(START + h * HOUR, "binance", 8, chance.gauss(1e-4, 5e-5)) for h in range(0, hours, 8)]
    fast = [FundingPoint(START + h * HOUR, "dydx", 1, chance.gauss(1e-5, 5e-6)) for h in range(hours)]
    return slow + fast


def mood(hours: int, seed: int = 3) -> list[FearGreed]:
    chance = random.Random(seed)
    return [FearGreed(START + timedelta(days=d), chance.randint(0, 100)) for d in range(hours // 24 + 1)]


def named(row: Row) -> dict[str, float]:
    return dict(zip(FEATURE_NAMES, row, strict=True))


def bits(row: Row) -> list[str]:
    return [value.hex() for value in row]


def test_a_row_of_a_live_answer_equals_the_training_row_bit_for_bit() -> None:
    candles, paid, moods = walk(3000), funding(3000), mood(3000)
    at = START + 2900 * HOUR + timedelta(minutes=37)
    recent = at - timedelta(hours=LOOKBACK_HOURS + 2)

    training = features(series_of(candles, paid, moods), at)
    live = features(
        series_of(
            [c for c in candles if recent <= c.starts_at and c.starts_at + HOUR <= at],
            [p for p in paid if recent <= p.at <= at][::-1],
            [m for m in moods if recent <= m.day <= at],
        ),
        at,
    )

    assert bits(live) == bits(training)
    assert not any(map(math.isnan, live))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32), st.sets(st.integers(1000, 1499), max_size=60))
def test_gaps_do_not_part_training_from_live(seed: int, gaps: set[int]) -> None:
    candles = [c for i, c in enumerate(walk(1600, seed)) if i not in gaps]
    at = START + 1600 * HOUR

    live = series_of([c for c in candles if c.starts_at > at - (LOOKBACK_HOURS + 1) * HOUR])

    assert bits(features(live, at)) == bits(features(series_of(candles), at))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32), st.integers(1500, 1900))
def test_the_future_does_not_reach_a_row(seed: int, now: int) -> None:
    candles, paid, moods = walk(2000), funding(2000), mood(2000)
    at = START + now * HOUR
    other = [c if c.starts_at + HOUR <= at else replace(c, close=c.close * 7) for c in candles]
    shifted = [p if p.at <= at else replace(p, rate=0.5) for p in paid]
    turned = [m if m.day <= at else FearGreed(m.day, (m.value + seed) % 101) for m in moods]

    changed = features(series_of(other, shifted, turned), at)

    assert bits(changed) == bits(features(series_of(candles, paid, moods), at))


def test_the_close_of_the_running_hour_is_not_known() -> None:
    candles = walk(1600)
    at = START + 1600 * HOUR - timedelta(seconds=1)
    tampered = [*candles[:-1], replace(candles[-1], close=1.0)]

    assert bits(features(series_of(tampered), at)) == bits(features(series_of(candles), at))


def test_a_steady_rise_is_read_as_one() -> None:
    # 0.1 % and 0.3 % in turn: mean 0.2 %, root mean square sqrt(5) / 10 %
    moves = [0.001 if i % 2 else 0.003 for i in range(1500)]
    logs = [math.log(2000) + math.fsum(moves[: i + 1]) for i in range(1500)]
    row = named(features(series_of([candle(i, math.exp(x)) for i, x in enumerate(logs)]), START + 1500 * HOUR))
    volatility = math.sqrt(5e-6 * 8760)

    assert row["volatility_30d"] == pytest.approx(volatility, rel=1e-9)
    assert row["volatility_ratio_7d_30d"] == pytest.approx(0.0, abs=1e-9)
    assert row["momentum_7d"] == pytest.approx(168 * 0.002 / (volatility * math.sqrt(168 / 8760)), rel=1e-9)
    assert row["drawdown_60d"] == 0.0
    assert row["range_position_60d"] == 1.0
    assert row["rsi_14d"] == pytest.approx(100.0)
    assert row["bollinger_7d"] == pytest.approx(math.sqrt(3), rel=0.02)  # the last of n equally spaced values


def test_a_fall_from_the_high_is_the_drawdown() -> None:
    candles = walk(1500)
    high = max(c.close for c in candles[-720:])
    row = named(features(series_of(candles), START + 1500 * HOUR))

    assert row["drawdown_30d"] == pytest.approx(math.log(candles[-1].close / high), abs=1e-12)
    assert row["drawdown_60d"] <= row["drawdown_30d"] <= 0


def test_funding_is_annualised_and_averaged_over_venues() -> None:
    at = 1500
    slow = [FundingPoint(START + h * HOUR, "binance", 8, 8e-5 if h <= at - 168 else 16e-5) for h in range(4, at + 1, 8)]
    fast = [FundingPoint(START + h * HOUR, "dydx", 1, 4e-5) for h in range(at + 1)]
    row = named(features(series_of(walk(at), slow + fast), START + at * HOUR))

    assert row["funding_1d"] == pytest.approx((16e-5 / 8 + 4e-5) / 2 * 8760)
    assert row["funding_change"] == pytest.approx(0.0, abs=1e-12)
    assert row["funding_trend"] == pytest.approx((16e-5 - 8e-5) / 8 / 2 * 8760)


def test_a_venue_that_covers_too_little_of_a_span_does_not_count() -> None:
    at = 1500
    slow = [FundingPoint(START + h * HOUR, "binance", 8, 1e-4) for h in range(4, at + 1, 8)]
    hole = [FundingPoint(START + h * HOUR, "dydx", 1, 9.0e-4) for h in range(at - 18, at + 1)]
    row = named(features(series_of(walk(at), slow + hole), START + at * HOUR))

    assert row["funding_1d"] == pytest.approx(1e-4 / 8 * 8760)


def test_the_index_of_a_day_counts_from_its_midnight_and_for_two_more_days() -> None:
    series = series_of(walk(1700), (), [FearGreed(START + timedelta(days=d), d) for d in range(61)])

    assert named(features(series, START + timedelta(days=60)))["fear_greed"] == 60
    assert named(features(series, START + timedelta(days=60)))["fear_greed_change_7d"] == 7
    assert named(features(series, START + timedelta(days=60)))["fear_greed_change_30d"] == 30
    assert named(features(series, START + timedelta(days=62, hours=23)))["fear_greed"] == 60
    assert math.isnan(named(features(series, START + timedelta(days=63)))["fear_greed"])


def test_a_group_without_data_is_missing_and_named() -> None:
    row = features(series_of(walk(1500)), START + 1500 * HOUR)

    assert missing_groups(row) == ("funding", "sentiment")
    assert [spec.group for spec, value in zip(FEATURES, row, strict=True) if math.isnan(value)] == ["funding"] * 4 + [
        "sentiment"
    ] * 3


def test_ninety_five_percent_of_sixty_days_is_enough_and_an_hour_less_is_not() -> None:
    candles = walk(1500)
    at = START + 1500 * HOUR

    assert features(series_of(candles[-1368:]), at)
    with pytest.raises(NotEnoughData, match="1367 of the last 1440"):
        features(series_of(candles[-1367:]), at)


def test_a_price_older_than_three_hours_gives_no_row() -> None:
    series = series_of(walk(1500))

    assert features(series, START + 1503 * HOUR)
    with pytest.raises(NotEnoughData):
        features(series, START + 1504 * HOUR)
    with pytest.raises(NotEnoughData):
        features(series, START + 9000 * HOUR)


def test_a_price_that_never_moved_gives_no_row() -> None:
    with pytest.raises(NotEnoughData, match="not moved"):
        features(series_of([candle(i, 2000.0) for i in range(1500)]), START + 1500 * HOUR)


def test_no_history_gives_no_series() -> None:
    with pytest.raises(NotEnoughData):
        series_of([])


@pytest.mark.parametrize("close", [0.0, -1.0, math.nan, math.inf])
def test_what_is_not_a_price_is_refused(close: float) -> None:
    with pytest.raises(ValueError, match="not a price"):
        series_of([candle(0, close)])


def test_candles_out_of_order_are_refused() -> None:
    with pytest.raises(ValueError, match="increasing"):
        series_of(walk(10)[::-1])


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        features(series_of(walk(1500)), datetime(2023, 3, 1))  # noqa: DTZ001


@pytest.mark.parametrize(
    ("change", "expected"),
    [(0.0519, BULLISH), (0.0518, NEUTRAL), (0.0, NEUTRAL), (-0.0518, NEUTRAL), (-0.0519, BEARISH)],
)
def test_the_label_is_the_week_ahead_against_four_tenths_of_its_usual_move(change: float, expected: int) -> None:
    # hourly moves of ±1 %: 30-day volatility sqrt(8760) %; 0.4 × that × sqrt(7/365) = 0.4 × sqrt(168) % = 5.1846 %
    logs = [math.log(2000) + (0.01 if i % 2 else 0.0) for i in range(1500)]
    weeks = [logs[-1] + change] * HORIZON_HOURS
    series = series_of([candle(i, math.exp(x)) for i, x in enumerate(logs + weeks)])
    now = hour_of(START + 1500 * HOUR)
    band = neutral_band(features_at_hour(series, now))

    assert band == pytest.approx(0.4 * math.sqrt(168) * 0.01, rel=1e-9)
    assert label(series, now, band) is expected


def test_a_label_needs_both_of_its_closes() -> None:
    candles = walk(1700)
    now = hour_of(START + 1500 * HOUR)
    without_end = [c for c in candles if c.starts_at + HOUR != START + (1500 + HORIZON_HOURS) * HOUR]
    without_start = [c for c in candles if c.starts_at + HOUR != START + 1500 * HOUR]

    assert label(series_of(candles), now, 0.05) is not None
    assert label(series_of(without_end), now, 0.05) is None
    assert label(series_of(without_start), now, 0.05) is None
    assert label(series_of(candles), now + 100, 0.05) is None
