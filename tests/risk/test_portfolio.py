"""The whole of the positions: sums that add up, a bad day that really was, a score that shows its parts."""

import math
import random
from datetime import timedelta
from decimal import Decimal

import numpy as np
import pytest
from looks import NOON, terms, view

from bethna_cli.domain.guarding import Unknown
from bethna_cli.domain.market import Asset, Candle, Origin, PriceHistory, Provenance
from bethna_cli.domain.options import OptionKind
from bethna_cli.options.black import price
from bethna_cli.risk.chances import chances, worth
from bethna_cli.risk.marks import AssetView, legs_of, mark
from bethna_cli.risk.portfolio import Holding, exposures, health, score, shocked_value, value_at_risk

ONE = 1_000_000
OPTIONS = [terms(OptionKind.CALL, 3_000), terms(OptionKind.PUT, 3_000)]
LEGS = legs_of(OPTIONS)
VIEWS = {Asset.ETH: view()}


def history(days: int, drift: float = 0.0, asset: Asset = Asset.ETH) -> PriceHistory:
    """Hourly closes that wander, ending now."""
    chance, close, candles = random.Random(asset), 3_000.0, []
    for hour in range(days * 24):
        close *= math.exp(chance.gauss(drift, 0.006))
        candles.append(Candle(NOON - timedelta(hours=days * 24 - hour), close, close, close, close))
    return PriceHistory(asset, tuple(candles), Provenance("test", NOON, Origin.SIMULATED))


def test_greeks_add_up_over_positions():
    marks = mark(LEGS, VIEWS, NOON)
    (both,) = exposures(LEGS, marks, np.array([2 * ONE, 3 * ONE]), VIEWS)

    assert both.delta == pytest.approx(2 * marks.delta[0] + 3 * marks.delta[1])
    assert both.delta_usd == pytest.approx(both.delta * 3_000)
    assert both.vega_usd == pytest.approx(2 * marks.vega[0] + 3 * marks.vega[1])
    assert both.theta_usd < 0


def test_what_cannot_be_valued_is_left_out_of_the_sums_and_said_to_have_no_price():
    views = {Asset.ETH: AssetView(Unknown("stale"), view().smiles)}
    (one,) = exposures(LEGS, mark(LEGS, views, NOON), np.array([ONE, ONE]), views)

    assert (one.delta, one.delta_usd, one.spot_usd) == (0.0, None, None)


@pytest.mark.parametrize("shock", [-0.5, -0.1, 0.0, 0.1, 0.9])
def test_a_shock_is_a_revaluation_at_the_shocked_price(shock: float):
    spot, years = 3_000 * (1 + shock), 7 / 365
    call = price(spot, 3_000.0, years, 0.6, True) - price(spot, 6_000.0, years, 0.6, True)
    put = price(spot, 3_000.0, years, 0.6, False)

    value = shocked_value(LEGS, np.array([ONE, 2 * ONE]), VIEWS, NOON, {Asset.ETH: shock})

    assert value == pytest.approx((call + 2 * put) * ONE, abs=2)


@pytest.mark.parametrize("shock", [-1.0, -2.0, math.nan, math.inf])
def test_no_price_falls_by_all_of_itself(shock: float):
    with pytest.raises(ValueError, match="100 %"):
        shocked_value(LEGS, np.array([ONE, ONE]), VIEWS, NOON, {Asset.ETH: shock})


def test_value_at_risk_is_the_loss_that_one_day_in_twenty_of_the_data_exceeds():
    data = history(61)
    held = np.array([ONE, 0])
    found = value_at_risk(LEGS, held, VIEWS, NOON, {Asset.ETH: data})
    closes = [candle.close for candle in data.candles]
    ratios = [later / now for now, later in zip(closes, closes[24:], strict=False)]

    def worth(spot: float, days: float) -> float:
        return (price(spot, 3_000.0, days / 365, 0.6, True) - price(spot, 6_000.0, days / 365, 0.6, True)) * ONE

    losses = sorted(worth(3_000, 7) - worth(3_000 * ratio, 6) for ratio in ratios)
    assert found is not None
    assert found.scenarios == len(ratios)
    assert (
        sum(loss > found.loss for loss in losses)
        <= 0.05 * len(losses)
        <= sum(loss >= found.loss - 2 for loss in losses)
    )


def test_value_at_risk_never_exceeds_what_the_positions_are_worth():
    held = np.array([5 * ONE, ONE])
    found = value_at_risk(LEGS, held, VIEWS, NOON, {Asset.ETH: history(61, drift=-0.02)})

    assert found is not None
    assert found.loss <= shocked_value(LEGS, held, VIEWS, NOON, {}) + 1


@pytest.mark.parametrize("histories", [{}, {Asset.ETH: history(13)}])
def test_without_enough_shared_history_there_is_no_value_at_risk(histories):
    assert value_at_risk(LEGS, np.array([ONE, ONE]), VIEWS, NOON, histories) is None


# ── health and chances ────────────────────────────────────────────────────────────────────────────────────────────


def test_the_score_is_the_sum_of_its_parts_and_protection_helps():
    bare = health([Holding(ONE, 7.0, False), Holding(ONE, 7.0, False)], ONE)
    covered = health([Holding(ONE, 7.0, True), Holding(ONE, 7.0, True)], ONE)

    assert [part.name for part in bare] == ["risk", "time", "protection", "spread"]
    assert sum(part.most for part in bare) == 100
    assert score(bare) == round(sum(part.points for part in bare)) == 42
    assert score(covered) == 68
    assert all(0 <= part.points <= part.most for part in (*bare, *covered))


def test_nothing_held_has_no_score():
    assert health([], None) == ()
    assert score(()) is None


def test_the_chances_add_up_and_tighter_stops_are_hit_more_often():
    call = terms(OptionKind.CALL, 3_000)
    value = price(3_000.0, 3_000.0, 7 / 365, 0.6, True)

    tight, wide, none = (
        chances(call, 3_000.0, 0.6, 7 * 86_400.0, share * value, 2 * value) for share in (0.8, 0.5, -1.0)
    )

    for one in (tight, wide, none):
        assert one.stopped + one.reached + one.neither == pytest.approx(1.0)
    assert tight.stopped > wide.stopped > 0.5
    assert none.stopped == 0.0


def test_the_chance_of_a_goal_agrees_with_a_thousand_walks():
    call, steps, years = terms(OptionKind.CALL, 3_000), 96, 7 / 365
    value = price(3_000.0, 3_000.0, years, 0.6, True)
    chance, reached, walks = random.Random(1), 0, 1_000
    for _ in range(walks):
        spot = 3_000.0
        for step in range(1, steps + 1):
            spot *= math.exp(chance.gauss(-0.18 * years / steps, 0.6 * math.sqrt(years / steps)))
            now = price(spot, 3_000.0, years * (1 - step / steps), 0.6, True)
            if now <= 0.5 * value or now >= 2 * value:
                reached += now >= 2 * value
                break

    found = chances(call, 3_000.0, 0.6, 7 * 86_400.0, 0.5 * value, 2 * value)

    assert found.reached == pytest.approx(reached / walks, abs=3 * math.sqrt(0.25 / walks))


@pytest.mark.parametrize("kind", [OptionKind.CALL, OptionKind.PUT])
@pytest.mark.parametrize(("stop", "goal"), [(0.995, 1.03), (0.98, 1.01), (0.8, 1.5), (0.5, 2.0)])
def test_where_one_limit_is_always_reached_the_chances_are_those_of_a_fair_game(kind, stop, goal):
    option = terms(kind, 3_000)
    value = worth(option, 3_000.0, 0.6, 7 / 365)

    found = chances(option, 3_000.0, 0.6, 7 * 86_400.0, stop * value, goal * value)

    assert found.neither < 0.003
    assert found.reached == pytest.approx((1 - stop) / (goal - stop), abs=0.003)


def test_a_limit_that_is_broken_already_is_certain():
    call = terms(OptionKind.CALL, 3_000)
    value = worth(call, 3_000.0, 0.6, 7 / 365)

    assert chances(call, 3_000.0, 0.6, 7 * 86_400.0, 1.01 * value, 2 * value).stopped == 1.0
    assert chances(call, 3_000.0, 0.6, 7 * 86_400.0, -1.0, 0.99 * value).reached == 1.0


def test_chances_of_what_is_not_there_are_refused():
    with pytest.raises(ValueError, match="positive"):
        chances(terms(OptionKind.CALL, 3_000), math.nan, 0.6, 1.0, 0.0, math.inf)
    assert Decimal(terms(OptionKind.CALL, 3_000).strikes[0]) == 3_000
