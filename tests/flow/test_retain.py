"""What is old is dropped in small steps, what Alpha may learn from later, trades never; and the room is given back."""

import asyncio
import os
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bethna_cli.adapters.history_store import HistoryStore
from bethna_cli.adapters.retention import FOR_EVER, SWEPT, SqliteRetention
from bethna_cli.adapters.sql import open_store
from bethna_cli.domain.market import Asset, Candle, FearGreed, FundingPoint
from bethna_cli.domain.retention import DataSet
from bethna_cli.domain.units import iso
from bethna_cli.flow import retain
from bethna_cli.flow.retain import Daily, overdue, sweep

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


class Attic:
    """A store and a log folder to sweep, with rows of any age."""

    def __init__(self, folder: Path) -> None:
        self.logs = folder / "logs"
        self.logs.mkdir(exist_ok=True)
        self.path = folder / "sim.db"
        self.retention = SqliteRetention.open(self.path, folder / "history", self.logs)
        self.db = open_store(self.path)

    def close(self) -> None:
        self.retention.close()
        self.db.close()

    def snapshot(self, at: datetime, asset: str = "ETH", size: int = 10) -> None:
        row = (asset, iso(at), "live", '"' + "x" * size + '"')
        self.db.execute("insert into snapshots (asset, taken_at, origin, document) values (?, ?, ?, ?)", row)

    def times(self) -> list[str]:
        return [row[0] for row in self.db.execute("select taken_at from snapshots order by taken_at, id")]

    def sweep(self) -> dict[DataSet, int]:
        return {one.data_set: one.count for one in asyncio.run(sweep(self.retention, NOW))}


@pytest.fixture
def attic(tmp_path: Path) -> Iterator[Attic]:
    opened = Attic(tmp_path)
    yield opened
    opened.close()


def test_fetched_history_goes_after_three_years_whether_or_not_anybody_fetches_again(attic: Attic, tmp_path: Path):
    history, limit = HistoryStore(tmp_path / "history"), NOW - timedelta(days=3 * 365)
    times = [limit + timedelta(hours=hours) for hours in (-30, -1, 0, 1)]
    with history.locked():
        history.add_candles(Asset.ETH, [Candle(at, 1.0, 2.0, 0.5, 1.5) for at in times])
        history.add_funding(Asset.BTC, [FundingPoint(at, "dydx", 1.0, 0.00001) for at in times])
        history.keep_mood([FearGreed(at, 50) for at in times])
        # Whoever fetches drops it themselves, and nobody writes to a file that another one writes to.
        assert attic.sweep()[DataSet.TRAINING_DATA] == 0

    due = {one.data_set: one.count for one in overdue(attic.retention, NOW)}
    assert due[DataSet.TRAINING_DATA] == attic.sweep()[DataSet.TRAINING_DATA] == 2 + 2 + 1
    assert history.count_before(limit) == 0
    assert history.newest_candle(Asset.ETH) == times[-1]
    candles = (tmp_path / "history" / "eth_usd_1h.csv").read_text().splitlines()
    assert [line.partition(",")[0] for line in candles] == ["ts", iso(times[2]), iso(times[3])]


def test_every_table_is_swept_or_stays_for_ever(attic: Attic):
    tables = {row[0] for row in attic.db.execute("select name from sqlite_schema where type = 'table'")}

    assert tables == FOR_EVER | SWEPT
    assert set() == FOR_EVER & SWEPT


def test_after_90_days_the_first_snapshot_of_a_day_stays_for_training_and_after_3_years_nothing(attic: Attic):
    for days in (0, 89, 91, 3 * 365 - 1, 3 * 365 + 1):
        for hours in (0, 1, 2):
            attic.snapshot(NOW - timedelta(days=days) + timedelta(hours=hours))

    planned = {one.data_set: one.count for one in overdue(attic.retention, NOW)}
    swept = attic.sweep()

    first = [iso(NOW - timedelta(days=days)) for days in (3 * 365 - 1, 91)]
    recent = [iso(NOW - timedelta(days=days) + timedelta(hours=hours)) for days in (89, 0) for hours in (0, 1, 2)]
    assert attic.times() == first + recent
    assert planned == swept == {DataSet.MARKET_DATA: 6, DataSet.TRAINING_DATA: 1, DataSet.LOGS: 0}


@settings(max_examples=25)
@given(
    ages=st.lists(st.tuples(st.integers(0, 1500 * 24), st.sampled_from(["ETH", "BTC"])), max_size=40),
)
def test_a_sweep_keeps_one_a_day_and_asset_of_what_is_between_90_days_and_3_years_and_nothing_twice(
    tmp_path_factory: pytest.TempPathFactory, ages: list[tuple[int, str]]
):
    attic = Attic(tmp_path_factory.mktemp("attic"))
    attic.db.execute("begin")
    for hours, asset in ages:
        attic.snapshot(NOW - timedelta(hours=hours), asset)
    attic.db.execute("commit")

    planned = {one.data_set: one.count for one in overdue(attic.retention, NOW)}
    swept = attic.sweep()

    left = attic.db.execute("select asset, taken_at from snapshots").fetchall()
    fresh = sum(hours <= 90 * 24 for hours, _ in ages)
    days = {(asset, iso(NOW - timedelta(hours=hours))[:10]) for hours, asset in ages if 90 * 24 < hours <= 3 * 365 * 24}
    assert len(left) >= fresh
    assert {(asset, at[:10]) for asset, at in left if at < iso(NOW - timedelta(days=90))} <= days
    assert sum(at < iso(NOW - timedelta(days=90)) for _, at in left) <= len(days)
    assert sum(swept.values()) == len(ages) - len(left)
    assert planned == swept
    assert attic.sweep() == dict.fromkeys(DataSet, 0)
    attic.close()


def test_a_recommendation_that_was_answered_stays_and_so_does_every_trade(attic: Attic):
    old = iso(NOW - timedelta(days=4_000))
    for name in ("answered", "ignored"):
        attic.db.execute("insert into recommendations values (?, ?, 'ETH', 'HOLD', '{}')", (name, old))
    attic.db.execute("insert into decisions (recommendation_id, at, answer) values ('answered', ?, 'REJECTED')", (old,))
    attic.db.execute("insert into halts (at, reason) values (?, 'a look-alike event')", (old,))

    attic.sweep()

    assert [row[0] for row in attic.db.execute("select id from recommendations")] == ["answered"]
    assert attic.db.execute("select count(*) from decisions").fetchone() == (1,)
    assert attic.db.execute("select count(*) from halts").fetchone() == (1,)


def test_deliveries_are_dropped_after_a_month_unless_they_wait_and_alerts_stay(attic: Attic):
    old = iso(NOW - timedelta(days=31))
    attic.db.execute("insert into channels (name, reached) values ('e-mail', 2)")
    for number, state in ((1, "SENT"), (2, "PENDING")):
        alert = (number, str(number), old)
        attic.db.execute(
            "insert into alerts (sequence, id, cause, level, kind, title, text, at)"
            " values (?, ?, 'c', 'INFO', 'k', 't', 't', ?)",
            alert,
        )
        attic.db.execute("insert into deliveries values ('e-mail', ?, ?, ?, 0)", (number, state, old))

    assert attic.sweep()[DataSet.LOGS] == 1
    assert attic.db.execute("select state from deliveries").fetchall() == [("PENDING",)]
    assert attic.db.execute("select count(*) from alerts").fetchone() == (2,)


def test_old_log_files_go_and_neither_links_nor_other_files_do(attic: Attic, tmp_path: Path):
    long_ago = (NOW - timedelta(days=31)).timestamp()
    precious = tmp_path / "precious.txt"
    for file in (attic.logs / "watch.log.3", attic.logs / "notes.txt", precious):
        file.write_text("words")
        os.utime(file, (long_ago, long_ago))
    new = attic.logs / "watch.log"
    new.write_text("words")
    os.utime(new, (NOW.timestamp(), NOW.timestamp()))
    (attic.logs / "link.log").symlink_to(precious)

    assert attic.sweep()[DataSet.LOGS] == 1
    assert sorted(file.name for file in attic.logs.iterdir()) == ["link.log", "notes.txt", "watch.log"]
    assert precious.exists()


def test_no_step_holds_the_store_for_long_and_the_room_goes_back_to_the_disk(
    attic: Attic, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(retain, "STEP", 10)
    attic.db.execute("begin")
    for hours in range(30):
        attic.snapshot(NOW - timedelta(days=2_000, hours=hours), size=100_000)
    attic.db.execute("commit")
    before = attic.retention.size()
    steps: list[int] = []
    meanwhile = sqlite3.connect(attic.path, timeout=0, isolation_level=None)

    def write_between_steps(_: DataSet, count: int) -> None:
        steps.append(count)
        meanwhile.execute("insert into halts (at, reason) values ('now', 'not locked out')")

    asyncio.run(sweep(attic.retention, NOW, write_between_steps))
    meanwhile.close()

    assert max(after - count for count, after in zip([0, *steps], steps, strict=False) if after > count) <= 10
    assert attic.retention.size().file_bytes < before.file_bytes / 10
    assert attic.retention.size().free_bytes == 0


def test_the_watcher_sweeps_at_its_start_and_then_once_a_day_of_its_clock(attic: Attic):
    async def counts() -> list[int]:
        daily, found = Daily(), []
        for hours in (0, 1, 23, 24, 25, 47, 48, -24 * 365):
            attic.snapshot(NOW - timedelta(days=2_000))
            attic.snapshot(NOW - timedelta(days=4_000))
            swept = await daily.turn(attic.retention, NOW + timedelta(hours=hours))
            found.append(sum(one.count for one in swept))
        return found

    assert asyncio.run(counts()) == [2, 0, 0, 6, 0, 0, 6, 2]
