"""Fetching history: page by page to the disk, going on where it stopped, kept for three years."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bethna_cli.adapters.clocks import FixedClock
from bethna_cli.adapters.history_files import HistoryFolder
from bethna_cli.adapters.history_store import HistoryStore
from bethna_cli.domain.errors import DataRefused, SourceUnavailable, UsageError
from bethna_cli.domain.market import Asset, Candle, FearGreed, FundingPoint
from bethna_cli.domain.retention import KEPT_FOR, DataSet
from bethna_cli.flow.fetch import fetch

KEPT = KEPT_FOR[DataSet.TRAINING_DATA]
NOW = datetime(2026, 11, 25, 12, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
SINCE = NOW - timedelta(days=150)


def quiet(stage: str, done: float) -> None:
    assert 0 <= done <= 1


class Recorded:
    """A past that answers every hour since `begins`, and breaks down before question number `breaks_at`."""

    def __init__(self, begins: datetime = SINCE, breaks_at: int | None = None) -> None:
        self.begins = begins
        self.breaks_at = breaks_at
        self.asked: list[tuple[datetime, datetime]] = []

    def _hours(self, first: datetime, before: datetime) -> list[datetime]:
        if len(self.asked) == self.breaks_at:
            raise SourceUnavailable("dydx", "it hung up")
        self.asked.append((first, before))
        assert first < before <= first + 1000 * HOUR
        start = max(first, self.begins.replace(minute=0))
        return [start + i * HOUR for i in range(max(0, int((before - start) / HOUR)))]

    async def candles(self, asset: Asset, first: datetime, before: datetime) -> Sequence[Candle]:
        return [Candle(at, 100.0, 130.0, 99.25, 100.1 + at.hour) for at in self._hours(first, before)]

    async def funding(self, asset: Asset, first: datetime, before: datetime) -> Sequence[FundingPoint]:
        return [FundingPoint(at, "dydx", 1.0, 1.25e-05) for at in self._hours(first, before)]

    async def fear_greed(self, days: int) -> Sequence[FearGreed]:
        today = NOW.replace(hour=0, minute=0)
        return [FearGreed(today - timedelta(days=d), 40) for d in reversed(range(days))]


def run(past: Recorded, folder: Path, since: datetime | None = SINCE, now: datetime = NOW) -> dict[str, object]:
    return asyncio.run(fetch(past, HistoryStore(folder), FixedClock(now), since, quiet))


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    run(Recorded(), folder)
    return folder


def test_what_was_fetched_is_what_training_reads(whole: Path) -> None:
    history = HistoryFolder(whole).read(NOW)

    assert [len(asset.candles) for asset in history.assets] == [150 * 24, 150 * 24]
    assert history.assets[0].candles[-1].starts_at == NOW.replace(minute=0) - HOUR
    assert history.assets[1].funding[0].rate == 1.25e-05
    assert len(history.fear_greed) == 151
    assert all(not file.notes for file in history.files)


@pytest.mark.parametrize("breaks_at", range(0, 16, 3))
def test_a_fetch_that_broke_off_goes_on_and_ends_with_the_same_bytes(
    breaks_at: int, whole: Path, tmp_path: Path
) -> None:
    with pytest.raises(SourceUnavailable):
        run(Recorded(breaks_at=breaks_at), tmp_path)
    rest = Recorded()
    run(rest, tmp_path)

    assert content(tmp_path) == content(whole)
    assert len(rest.asked) == 16 - breaks_at


def test_a_line_that_was_cut_short_is_fetched_again(whole: Path, tmp_path: Path) -> None:
    run(Recorded(), tmp_path)
    file = tmp_path / "eth_usd_1h.csv"
    file.write_bytes(file.read_bytes()[:-9])

    run(Recorded(), tmp_path)

    assert content(tmp_path) == content(whole)


def test_up_to_date_asks_for_nothing_old(whole: Path, tmp_path: Path) -> None:
    run(Recorded(), tmp_path)
    again = Recorded()
    added = run(again, tmp_path)

    assert again.asked == []
    assert added["eth_candles"] == added["btc_funding"] == 0


def test_nothing_older_than_three_years_is_asked_for_or_kept(tmp_path: Path) -> None:
    run(Recorded(), tmp_path)
    later = NOW + KEPT - timedelta(days=100)
    far = Recorded(begins=later - timedelta(days=30))
    added = run(far, tmp_path, since=datetime(2018, 1, 1, tzinfo=UTC), now=later)

    oldest = HistoryFolder(tmp_path).read(later).assets[0].candles[0].starts_at
    assert oldest >= later - KEPT - HOUR
    assert added["dropped_rows"] == 4 * 50 * 24


def test_two_fetches_at_once_do_not_mix(tmp_path: Path) -> None:
    with (
        HistoryStore(tmp_path).locked(),
        pytest.raises(DataRefused, match="Another fetch"),
        HistoryStore(tmp_path).locked(),
    ):
        pass


def test_a_file_of_something_else_is_not_added_to(tmp_path: Path) -> None:
    (tmp_path / "eth_usd_1h.csv").write_text("ts,open\nyesterday,1\n")

    with pytest.raises(DataRefused, match="does not begin with a time"):
        run(Recorded(), tmp_path)


def test_the_future_cannot_be_fetched(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        run(Recorded(), tmp_path, since=NOW + timedelta(days=1))
