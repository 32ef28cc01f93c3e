"""The whole of the positions: sums that add up, a bad day that really was, a score that shows its parts."""

import asyncio
import math
import random
from datetime import datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from looks import NOON, terms, view

from bethna_cli.domain.chain import Address, Hash
from bethna_cli.domain.guarding import ExitRules, GuardState, Unknown
from bethna_cli.domain.market import Asset, Candle, Origin, PriceHistory, Provenance
from bethna_cli.domain.options import OptionKind
from bethna_cli.domain.position import Depth, OptionTerms, Position, PositionState
from bethna_cli.flow import gauge
from bethna_cli.flow.gauge import Gauging
from bethna_cli.options.black import price
from bethna_cli.risk.book import Book
from bethna_cli.risk.chances import chances, worth
from bethna_cli.risk.marks import AssetView, legs_of, mark
from bethna_cli.risk.portfolio import Holdings, exposures, health, score, shocked_value, value_at_risk

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
    value, days_left = np.array([ONE, ONE]), np.array([7.0, 7.0])
    bare = health(Holdings(value, days_left, np.array([False, False])), ONE)
    covered = health(Holdings(value, days_left, np.array([True, True])), ONE)

    assert [part.name for part in bare] == ["risk", "time", "protection", "spread"]
    assert sum(part.most for part in bare) == 100
    assert score(bare) == round(sum(part.points for part in bare)) == 42
    assert score(covered) == 68
    assert all(0 <= part.points <= part.most for part in (*bare, *covered))


class Notebook:
    """A watchbook, as far as the portfolio is kept there."""

    def __init__(self) -> None:
        self.documents: list[Any] = []

    def keep_gauge(self, _at: datetime, document: Any, _token: int) -> None:
        self.documents.append(document)


class Archive:
    async def history(self, asset: Asset, _hours: int) -> PriceHistory:
        return history(61, asset=asset)


def a_position(number: int, option: OptionTerms = OPTIONS[0], contracts: int = ONE) -> Position:
    name, user = Hash(f"0x{number:064x}"), Address("0x" + "11" * 20)
    state, depth = PositionState.OPEN, Depth.FINAL
    return Position(
        8453, name, 0, user, user, user, option, contracts, ONE, NOON, 1, name, contracts, (), state, depth
    )  # fmt: skip


class Reckoning:
    """A watcher's reckoning. bad_days: how many times the bad day was worked out."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.bad_days = 0
        self._notebook, self._gauging = Notebook(), Gauging((Archive(),))
        monkeypatch.setattr(gauge, "value_at_risk", self._value_at_risk)

    def _value_at_risk(self, *given: Any) -> Any:
        self.bad_days += 1
        return value_at_risk(*given)

    def turn(self, book: Book, look: AssetView, at: datetime = NOON, btc: AssetView = VIEWS[Asset.ETH]) -> Any:
        assessment = book.assess({asset: btc if asset is Asset.BTC else look for asset in book.assets}, at)
        ticked: Any = SimpleNamespace(book=book, at=at, assessment=assessment)
        desk: Any = SimpleNamespace(watchbook=self._notebook)
        asyncio.run(self._gauging.turn(desk, 1, ticked))
        return self._notebook.documents[-1]["value_at_risk"]


def book_of(*positions: Position) -> Book:
    return Book(positions, [ExitRules()] * len(positions), [GuardState(one.id) for one in positions])


@pytest.mark.parametrize(
    ("then", "after_s", "expected"),
    [
        (view(), 60, 1),
        (view(3_000.1), 60, 1),
        (view(3_010.0), 60, 2),
        (view(2_990.0), 60, 2),
        (view(iv=0.62), 60, 2),
        (view(), 600, 2),
        (view(), -60, 2),
    ],
)
def test_a_bad_day_is_reckoned_again_once_prices_volatility_or_time_have_moved(
    monkeypatch: pytest.MonkeyPatch, then: AssetView, after_s: float, expected: int
):
    reckoning, book, at = Reckoning(monkeypatch), book_of(a_position(1)), NOON + timedelta(seconds=after_s)
    reckoning.turn(book, view())
    assert reckoning.turn(book, then, at) is not None
    assert reckoning.bad_days == expected


def test_a_bad_day_is_reckoned_again_when_prices_move_though_the_value_does_not(monkeypatch: pytest.MonkeyPatch):
    delta = mark(LEGS, VIEWS, NOON).delta
    puts = round(-ONE * float(delta[0] / delta[1]))
    reckoning, straddle = Reckoning(monkeypatch), book_of(a_position(1), a_position(2, OPTIONS[1], puts))
    reckoning.turn(straddle, view())
    reckoning.turn(straddle, view(3_004.0))
    assert reckoning.bad_days == 2


def test_a_bad_day_is_that_of_the_positions_there_are_and_none_of_those_without_a_value(
    monkeypatch: pytest.MonkeyPatch,
):
    reckoning, two = Reckoning(monkeypatch), book_of(a_position(1), a_position(2))
    one_loss = reckoning.turn(book_of(a_position(1)), view())["loss_usdc"]
    assert reckoning.turn(two, view())["loss_usdc"] == pytest.approx(2 * one_loss)
    assert reckoning.turn(two, AssetView(view().spot, Unknown("no quotes"))) is None


def test_a_bad_day_is_reckoned_again_for_other_positions_of_the_same_value(monkeypatch: pytest.MonkeyPatch):
    call, put = mark(LEGS, VIEWS, NOON).usd
    reckoning, puts = Reckoning(monkeypatch), round(ONE * float(call / put))
    reckoning.turn(book_of(a_position(1)), view())
    reckoning.turn(book_of(a_position(2, OPTIONS[1], puts)), view())
    assert reckoning.bad_days == 2


def test_a_bad_day_is_unknown_while_the_smallest_position_is(monkeypatch: pytest.MonkeyPatch):
    crumb = a_position(2, terms(OptionKind.CALL, 3_000, asset=Asset.BTC), ONE // 10_000)
    reckoning, book = Reckoning(monkeypatch), book_of(a_position(1), crumb)
    assert reckoning.turn(book, view()) is not None
    assert reckoning.turn(book, view(), btc=AssetView(view().spot, Unknown("no quotes"))) is None


def test_nothing_held_has_no_score():
    assert health(Holdings(np.array([], np.int64), np.array([]), np.array([], np.bool_)), None) == ()
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
