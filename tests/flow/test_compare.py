"""The comparison of volatility forecasts: scored by definition, taught by earlier years alone."""

import math
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bethna_cli.adapters.history_files import HistoryFolder
from bethna_cli.adapters.implied import RecordedVolatility
from bethna_cli.adapters.trainer import RegressionForest
from bethna_cli.analysis.evaluation import Resampling
from bethna_cli.domain.errors import NotEnoughData
from bethna_cli.domain.market import Asset, Candle
from bethna_cli.domain.model import AssetHistory, History
from bethna_cli.flow.compare import Quoted, compare
from recordings import recording

START = datetime(2021, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAYS = 365 * 3


class Recorded:
    """Calm and wild months by the toss of a coin: tomorrow is as wild as today, next month who knows."""

    def __init__(self, days: int = DAYS) -> None:
        chance, price, candles = random.Random(3), 2000.0, []
        is_wild = [chance.random() < 0.5 for _ in range(days // 30 + 1)]
        for hour in range(24 * days):
            price *= math.exp(chance.gauss(0, 0.012 if is_wild[hour // 720] else 0.004))
            candles.append(Candle(START + hour * HOUR, price, price, price, price))
        self.history = History((AssetHistory(Asset.ETH, tuple(candles), ()),), (), (), START + timedelta(days=days))

    def read(self, until: datetime) -> History:
        return self.history


def quiet(stage: str, done: float) -> None:
    assert 0 <= done <= 1


FOREST = RegressionForest(trees=10)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Three years to learn from and, three years later, twelve days of option chains."""
    made = recording(tmp_path_factory.mktemp("chains"), days=12, iv=0.6)
    quoted = Quoted("ETH", RecordedVolatility(made.folder, Asset.ETH), HistoryFolder(made.period, (Asset.ETH,)))
    return compare(Recorded(), FOREST, made.moments[-1] + HOUR, quiet, [quoted], Resampling(count=200))


def test_what_persists_is_forecast_for_a_day_and_not_for_a_month_and_a_half(report: dict[str, Any]) -> None:
    assert report["years"] == [2023]
    assert report["horizons"]["1d"]["model"]["r2"] > 0.6
    assert report["horizons"]["45d"]["model"]["r2"] < 0.2


def test_the_model_is_compared_with_both_of_its_halves_and_with_the_volatility_of_late(report: dict[str, Any]) -> None:
    names = {"model", "har_free", "har_held_to_56_days", "forest", "realised_7d", "realised_30d", "ewma"}

    assert all(set(horizon) == names for horizon in report["horizons"].values())
    assert report["horizons"]["1d"]["model"]["qlike"] < report["horizons"]["1d"]["realised_30d"]["qlike"]
    assert len({figures["n"] for figures in report["horizons"]["7d"].values()}) == 1


def test_a_forest_learns_what_persists_as_well(report: dict[str, Any]) -> None:
    assert report["horizons"]["1d"]["forest"]["r2"] > 0.6


def test_where_chains_exist_what_they_imply_is_scored_on_the_same_moments(report: dict[str, Any]) -> None:
    beside = report["chains"]["ETH"]
    day = beside["horizons"]["1d"]

    assert set(day) == {*report["horizons"]["1d"], "implied"}
    assert {figures["n"] for figures in day.values()} == {11}
    assert {figures["n"] for figures in beside["horizons"]["7d"].values()} == {5}
    assert set(beside["horizons"]) == {"1d", "3d", "7d"}  # nobody knows yet what came of the longer ones
    assert (beside["moments"], beside["moments_left_out"]) == (12, 0)


def test_a_market_at_the_implied_volatility_is_forecast_best_by_it(report: dict[str, Any]) -> None:
    """The recording's prices move at 60 % a year by design, and its options are priced at just that."""
    week = report["chains"]["ETH"]["horizons"]["7d"]

    assert week["implied"]["qlike"] == min(figures["qlike"] for figures in week.values())


def test_less_than_two_years_cannot_be_walked_through() -> None:
    with pytest.raises(NotEnoughData, match="two years"):
        compare(Recorded(days=200), FOREST, START, quiet)
