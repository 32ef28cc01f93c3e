"""Training: recorded history in, the same bytes out every time, and a card that tells what was measured."""

import hashlib
import json
import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bethna_cli.adapters.history_files import HistoryFolder
from bethna_cli.adapters.trainer import ForestTrainer
from bethna_cli.analysis.features import FEATURE_NAMES, HORIZON_HOURS, features_at_hour, series_of
from bethna_cli.analysis.model_file import parse
from bethna_cli.analysis.valuation import LEAST_EDGE
from bethna_cli.artifacts import model as shipped
from bethna_cli.domain.errors import DataRefused, NotEnoughData
from bethna_cli.domain.intent import TradeRequest
from bethna_cli.domain.market import Asset, Candle, FearGreed, FundingPoint
from bethna_cli.domain.model import AssetHistory, Forest, History, Model, Shares, Split, TrainingSet
from bethna_cli.flow.fit import STEP_HOURS, fit, training_set
from bethna_cli.flow.trade_rules import trade_rules
from bethna_cli.flow.train import train, walk_forward

START = datetime(2021, 4, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
SHIPPED = Path(shipped.__file__).with_name(shipped.SHIPPED)
SMALL = ForestTrainer(trees=10, depth=3, leaf_rows=20, sample_share=0.3)


def quiet(stage: str, done: float) -> None:
    """Nobody watches."""


class Recorded:
    """A history that is already in memory."""

    def __init__(self, hours: int = 9_000) -> None:
        chance = random.Random(11)
        assets = tuple(AssetHistory(asset, self._candles(chance, hours), self._funding(hours)) for asset in Asset)
        moods = tuple(FearGreed(START + timedelta(days=d), chance.randint(0, 100)) for d in range(hours // 24))
        self.history = History(assets, moods, (), START + hours * HOUR)

    def read(self, until: datetime) -> History:
        return self.history

    @staticmethod
    def _candles(chance: random.Random, hours: int) -> tuple[Candle, ...]:
        price, candles = 2000.0, []
        for hour in range(hours):
            price *= math.exp(chance.gauss(0, 0.006))
            candles.append(Candle(START + hour * HOUR, price, price, price, price))
        return tuple(candles)

    @staticmethod
    def _funding(hours: int) -> tuple[FundingPoint, ...]:
        return tuple(FundingPoint(START + h * HOUR, "dydx", 1, 1e-5 * math.sin(h / 500)) for h in range(hours))


RECORDED = Recorded()
UNTIL = RECORDED.history.until


@pytest.fixture(scope="module")
def data() -> TrainingSet:
    return training_set(RECORDED.history, quiet)


def test_the_same_history_gives_the_same_bytes() -> None:
    first, second = (train(RECORDED, SMALL, UNTIL, quiet) for _ in range(2))

    assert first.content == second.content
    assert parse(first.content).card == json.loads(json.dumps(first.card))


def test_the_number_of_threads_does_not_reach_the_model(data: TrainingSet) -> None:
    one, two = (ForestTrainer(trees=10, jobs=jobs) for jobs in (1, 2))

    assert fit(data, one, quiet) == fit(data, two, quiet)


def test_a_training_row_is_what_a_live_answer_would_have_seen(data: TrainingSet) -> None:
    asset = RECORDED.history.assets[0]
    number = 700
    at = datetime.fromtimestamp(data.hours[number] * 3600, UTC)

    live = features_at_hour(
        series_of(
            [c for c in asset.candles if at - 1440 * HOUR <= c.starts_at < at],
            [p for p in asset.funding if at - 1440 * HOUR <= p.at <= at],
            [m for m in RECORDED.history.fear_greed if at - 1440 * HOUR <= m.day <= at],
        ),
        data.hours[number],
    )

    assert [x.hex() for x in live] == [x.hex() for x in data.rows[number]]


def test_a_row_is_taken_every_step_and_only_when_its_week_is_over(data: TrainingSet) -> None:
    last = int((START + 9_000 * HOUR).timestamp()) // 3600

    assert all(hour % STEP_HOURS == 0 for hour in data.hours)
    assert max(data.hours) <= last - HORIZON_HOURS < max(data.hours) + STEP_HOURS
    assert sorted(set(data.labels)) == [0, 1, 2]


def test_the_future_changes_no_earlier_row_or_label(data: TrainingSet) -> None:
    cut = START + 7000 * HOUR
    assets = tuple(
        replace(
            asset,
            candles=tuple(c if c.starts_at < cut else replace(c, close=c.close * 3) for c in asset.candles),
            funding=tuple(p if p.at < cut else replace(p, rate=0.1) for p in asset.funding),
        )
        for asset in RECORDED.history.assets
    )
    shifted = training_set(replace(RECORDED.history, assets=assets), quiet)
    before = int(cut.timestamp()) // 3600 - HORIZON_HOURS
    early = [i for i, hour in enumerate(data.hours) if hour <= before]

    assert len(early) > 1000
    for column in ("rows", "labels", "ewma"):
        assert repr([getattr(shifted, column)[i] for i in early]) == repr([getattr(data, column)[i] for i in early])


class Witness(ForestTrainer):
    """Grows forests and remembers the latest hour each was shown."""

    def __init__(self) -> None:
        super().__init__(trees=5, depth=3)
        self.latest: list[int] = []

    def grow(self, data: TrainingSet, rows: Sequence[int]) -> Forest:
        self.latest.append(max(data.hours[i] for i in rows))
        return super().grow(data, rows)

    def shares(self, data: TrainingSet, split: Split) -> list[Shares]:
        self.latest.append(max(data.hours[i] for i in (*split.train, *split.held_out)))
        return super().shares(data, split)


def test_each_year_is_predicted_by_forests_that_saw_none_of_it(data: TrainingSet) -> None:
    new_year, two_years = 455_832, 17_520  # the record has no third year, so what is after New Year 2022 is moved there
    moved = replace(data, hours=tuple(h if h < new_year else h + two_years for h in data.hours))
    witness = Witness()

    folds: Any = walk_forward(moved, witness, quiet)["folds"]

    assert [fold["year"] for fold in folds] == [2024]
    assert len(witness.latest) == 7
    assert max(witness.latest) + HORIZON_HOURS <= new_year + two_years


def test_progress_never_goes_back_and_ends_at_one() -> None:
    told: list[float] = []

    train(RECORDED, SMALL, UNTIL, lambda _, done: told.append(done))

    assert told == sorted(told)
    assert told[0] == 0.0
    assert told[-1] == 1.0


def test_too_little_history_is_refused() -> None:
    with pytest.raises(NotEnoughData):
        train(Recorded(1500), SMALL, UNTIL, quiet)
    with pytest.raises(NotEnoughData):
        train(Recorded(3000), SMALL, UNTIL, quiet)


def test_a_folder_without_data_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataRefused, match=r"eth_usd_1h\.csv"):
        train(HistoryFolder(tmp_path), SMALL, UNTIL, quiet)


def test_the_shipped_model_is_the_pinned_one_and_loads() -> None:
    content = SHIPPED.read_bytes()

    model = parse(content, pinned_sha256=shipped.SHA256)

    assert len(content) < 2_000_000
    assert model.version == "alpha-2-2023-12-31"
    assert len(model.forest.roots) == 300


def card_of(model: Model) -> Mapping[str, Any]:
    return model.card


def test_the_shipped_card_says_what_was_measured() -> None:
    card = card_of(parse(SHIPPED.read_bytes()))

    assert card["trained_on"]["to"] <= "2024-01-01T00:00:00Z"
    assert [feature["name"] for feature in card["features"]] == list(FEATURE_NAMES)
    assert [fold["year"] for fold in card["walk_forward"]["folds"]] == [2020, 2021, 2022, 2023]
    assert card["walk_forward"]["pooled"]["n"] == sum(fold["n"] for fold in card["walk_forward"]["folds"])
    assert {len(file["sha256"]) for file in card["data"]} == {64}


def test_the_rules_of_trading_stand_on_the_card_as_they_are() -> None:
    """What decides a trade besides the model: the least edge, what is looked for, and when it is sold."""
    rules = trade_rules()

    assert rules["least_expected_value"] == LEAST_EDGE
    request = TradeRequest(Asset.ETH, None)
    assert (rules["target_delta"], rules["expiry_days"]) == (request.target_delta, request.expiry_days)
    assert (rules["stop_loss"], rules["take_profit"]) == (0.5, 1.0)
    assert "2026" in rules["fitted"]


def test_the_shipped_card_names_the_recorded_files(market_data_dir: Path) -> None:
    card = card_of(parse(SHIPPED.read_bytes()))

    for file in card["data"]:
        assert hashlib.sha256((market_data_dir / file["file"]).read_bytes()).hexdigest() == file["sha256"]


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_training_again_on_the_recorded_files_gives_the_shipped_model(market_data_dir: Path) -> None:
    kept = parse(SHIPPED.read_bytes())

    again = parse(
        train(HistoryFolder(market_data_dir), ForestTrainer(), datetime(2024, 1, 1, tzinfo=UTC), quiet).content
    )

    assert (again.forest, again.calibration, again.base, again.shrink, again.volatility) == (
        kept.forest,
        kept.calibration,
        kept.base,
        kept.shrink,
        kept.volatility,
    )
    versions = {"forest": None}
    assert {**again.card, **versions} == {**kept.card, **versions}
