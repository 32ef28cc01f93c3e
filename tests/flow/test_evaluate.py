"""Judging a finished model on recorded days: only unseen ones, nothing fitted, every defect refused or told."""

import csv
import gzip
import json
import math
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bethna_cli.bootstrap.model import evaluate_on, load_model
from bethna_cli.domain.errors import DataRefused, InSample, NotEnoughData
from bethna_cli.domain.market import Asset
from bethna_cli.flow.evaluate import verdict

START = datetime(2024, 1, 1, tzinfo=UTC)
RESAMPLES = (100, 7)
Line = list[str]


def recorded(folder: Path, start: datetime = START, days: int = 110, seed: int = 5) -> Path:
    """A folder that holds one asset's candles and nothing else."""
    chance, price = random.Random(seed), 2000.0
    lines: list[Line] = [["ts", "open", "high", "low", "close", "volume"]]
    for hour in range(24 * days):
        price *= math.exp(chance.gauss(0, 0.006))
        at = start + timedelta(hours=hour)
        lines.append([at.isoformat(), *[f"{price:.6f}"] * 4, "1"])
    write(folder, lines)
    return folder


def write(folder: Path, lines: list[Line]) -> None:
    with gzip.open(folder / "eth_usd_1h.csv.gz", "wt", newline="") as file:
        csv.writer(file).writerows(lines)


def read(folder: Path) -> list[Line]:
    with gzip.open(folder / "eth_usd_1h.csv.gz", "rt", newline="") as file:
        return list(csv.reader(file))


def judged(folder: Path, **question: Any) -> dict[str, Any]:
    days = question.pop("days", (None, None))
    return evaluate_on(folder, Asset.ETH, load_model(), days, RESAMPLES, **{"in_sample": False, **question})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return recorded(tmp_path_factory.mktemp("candles"))


@pytest.fixture(scope="module")
def report(folder: Path) -> dict[str, Any]:
    return judged(folder)


def test_candles_alone_are_enough_and_what_is_missing_is_said(report: dict[str, Any]) -> None:
    assert report["missing"] == ["funding", "sentiment"]
    assert report["n"] == sum(1 for h in range(24 * 110) if _decided(h))
    assert report["left_out_hours"] > 0  # the first 60 days have no past


def _decided(hour: int) -> bool:
    """Whether the hour after candle `hour` is a decision: on the grid, enough of 60 days before it, a week after it."""
    known = int(START.timestamp()) // 3600 + hour + 1
    return known % 5 == 0 and hour + 1 >= math.ceil(0.95 * 1440) and hour + 168 < 24 * 110


def test_every_promised_figure_is_there_with_its_interval_and_its_baselines(report: dict[str, Any]) -> None:
    promised = {"n", "base_rate", "brier", "brier_base", "brier_skill", "log_loss", "ece", "auc"}

    assert {"log_loss", "coverage_80", "vol_r2", "vol_qlike"} <= set(report) & set(report["intervals"])
    assert set(report["classes"]) == {"bearish", "neutral", "bullish"}
    assert all(promised <= set(figures) for figures in report["classes"].values())
    assert all(set(b) == {"vol_r2", "vol_qlike"} for b in report["baselines"].values())
    assert json.loads(json.dumps(report, allow_nan=False)) == report


def test_nothing_is_called_better_that_chance_could_have_done(report: dict[str, Any]) -> None:
    """In a random walk nobody knows the direction: what is ahead there is ahead by luck."""
    ahead, (log_loss, *_) = report["ahead"]["base_rates"]["log_loss"], report["verdict"]

    assert ahead["by"] == pytest.approx(report["log_loss_base"] - report["log_loss"], abs=2e-6)
    assert ahead["interval"][0] < ahead["by"] < ahead["interval"][1]
    assert (": better than" in log_loss) is (ahead["interval"][0] > 0)
    by_luck = {"by": 0.1, "interval": [-0.1, 0.3]}
    surely = {"by": 0.1, "interval": [0.05, 0.3]}
    behind = {"by": -0.1, "interval": [-0.3, -0.05]}
    better = {name: {"vol_r2": behind, "vol_qlike": surely} for name in report["baselines"]}
    said = verdict(report, {"base_rates": {"log_loss": by_luck, "brier": surely}, **better})
    assert [line.split(": ", 1)[1].split(" than")[0] for line in said[:4]] == [
        "not shown to be better",
        "better",
        "better",
        "NOT better",
    ]


def test_the_same_data_and_seed_give_the_same_report(folder: Path, report: dict[str, Any]) -> None:
    assert json.dumps(judged(folder)) == json.dumps(report)


def test_a_later_week_that_turns_out_otherwise_changes_no_earlier_prediction(
    tmp_path: Path, folder: Path, report: dict[str, Any]
) -> None:
    """Only decisions whose week is over before the change are asked about: each must be what it was."""
    lines = read(folder)
    cut = 24 * 90
    spoilt = [line if i <= cut else [line[0], *[f"{float(line[4]) * 3:.6f}"] * 4, "1"] for i, line in enumerate(lines)]
    write(tmp_path, spoilt)
    ends = START + timedelta(hours=cut)

    assert judged(tmp_path, days=(None, ends))["classes"] == judged(folder, days=(None, ends))["classes"]
    assert judged(tmp_path)["classes"] != report["classes"]


def test_days_that_the_model_learned_from_are_refused_unless_allowed(tmp_path: Path) -> None:
    seen = recorded(tmp_path, start=datetime(2023, 1, 1, tzinfo=UTC))

    with pytest.raises(InSample, match="2018-02-28 to 2023-12-31") as refused:
        judged(seen)
    assert "--in-sample" in str(refused.value.hint)
    assert judged(seen, in_sample=True)["in_sample"] is True


def test_a_range_that_begins_a_day_too_early_is_refused(tmp_path: Path) -> None:
    both = recorded(tmp_path, start=datetime(2023, 10, 1, tzinfo=UTC), days=200)

    with pytest.raises(InSample):
        judged(both, days=(datetime(2023, 12, 30, tzinfo=UTC), None))
    assert judged(both)["from"] >= "2023-12-31"


def test_too_short_a_record_is_not_judged(tmp_path: Path) -> None:
    with pytest.raises(NotEnoughData):
        judged(recorded(tmp_path, days=50))


def test_a_range_after_the_data_is_said_to_be_empty(folder: Path) -> None:
    with pytest.raises(NotEnoughData, match="from 2026-01-01 on"):
        judged(folder, days=(datetime(2026, 1, 1, tzinfo=UTC), None))


@pytest.mark.parametrize("years", [1, 5])
def test_any_later_day_can_be_judged_and_the_same_prices_give_the_same_forecasts_of_volatility(
    years: int, folder: Path, report: dict[str, Any], tmp_path: Path
) -> None:
    """The same weeks in another year, at the same hours of the day and days of the week."""
    later = START + timedelta(days=364 * years)
    moved = judged(recorded(tmp_path, start=later))

    assert moved["from"][:10] == (datetime.fromisoformat(report["from"]) + (later - START)).isoformat()[:10]
    assert moved["vol_qlike"] == pytest.approx(report["vol_qlike"], rel=0.02)
    assert moved["n"] == pytest.approx(report["n"], abs=2)


def swapped(lines: list[Line]) -> list[Line]:
    return [*lines[:500], lines[501], lines[500], *lines[502:]]


def cell(column: int, value: str) -> "Callable[[list[Line]], list[Line]]":
    return lambda lines: [
        [*line[:column], value, *line[column + 1 :]] if i == 700 else line for i, line in enumerate(lines)
    ]


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (swapped, "out of order"),
        (lambda lines: [*lines[:500], [*lines[499][:4], "1", "1"], *lines[500:]], "do not enclose|two different rows"),
        (cell(4, "nan"), "not finite"),
        (cell(4, ""), "not a number"),
        (cell(0, "2024-02-01T00:00:00"), "no time zone"),
        (cell(0, "2024-01-30T03:30:00+00:00"), "on the hour"),
    ],
    ids=["unsorted", "contradiction", "nan", "empty", "zone-less", "off the hour"],
)
def test_what_cannot_be_repaired_is_refused_with_its_line(
    spoil: "Callable[[list[Line]], list[Line]]", reason: str, folder: Path, tmp_path: Path
) -> None:
    write(tmp_path, spoil(read(folder)))

    with pytest.raises(DataRefused, match=rf"eth_usd_1h.csv.gz, line \d+: .*({reason})"):
        judged(tmp_path)


def test_gaps_repeats_and_hours_without_trade_are_counted(folder: Path, tmp_path: Path) -> None:
    lines = read(folder)
    lines = [*lines[:2000], *lines[2010:2020], lines[2019], *lines[2020:]]
    lines[1500] = [*lines[1500][:5], "0"]
    write(tmp_path, lines)

    notes = judged(tmp_path)["data"][0]["notes"]

    assert notes == {"candles_without_volume": 1, "missing_hours": 10, "repeated_rows_dropped": 1}
