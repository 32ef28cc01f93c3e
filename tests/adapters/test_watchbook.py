"""What Gamma remembers: each account has one watcher, and only its newest one writes."""

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bethna_cli.adapters.migrations import STEPS, migrate
from bethna_cli.adapters.watchbook import SqliteWatchbook
from bethna_cli.domain.chain import Address
from bethna_cli.domain.errors import WatcherReplaced
from bethna_cli.domain.guarding import TickNotes

AT = datetime(2026, 11, 26, 12, tzinfo=UTC)
MINE, YOURS = Address("0x" + "11" * 20), Address("0x" + "22" * 20)


@pytest.fixture
def book(tmp_path: Path) -> Iterator[SqliteWatchbook]:
    opened = SqliteWatchbook.open(tmp_path / "sim.db")
    yield opened
    opened.close()


def test_the_watcher_of_one_wallet_does_not_end_that_of_another(book: SqliteWatchbook):
    mine = book.start(MINE, 1, 60.0)
    yours = book.start(YOURS, 2, 15.0)

    book.keep(TickNotes(AT, None, [], [], []), mine, "the chain is silent")
    seen = {account: book.watcher(account) for account in (MINE, YOURS)}
    assert {account: (one.pid, one.ticks, one.trouble) for account, one in seen.items() if one} == {
        MINE: (1, 1, "the chain is silent"),
        YOURS: (2, 0, None),
    }
    book.stop(yours)
    assert book.watcher(YOURS) is None
    assert book.watcher(MINE) is not None


def test_a_second_watcher_of_the_same_wallet_replaces_the_first_for_good(book: SqliteWatchbook):
    first = book.start(MINE, 1, 60.0)
    book.start(YOURS, 2, 60.0)
    second = book.start(MINE, 3, 60.0)

    with pytest.raises(WatcherReplaced):
        book.keep(TickNotes(AT, None, [], [], []), first)
    book.keep(TickNotes(AT, None, [], [], []), second)


def test_a_start_from_before_the_store_was_brought_up_to_date_is_never_taken_for_a_newer_one(tmp_path: Path):
    with sqlite3.connect(tmp_path / "sim.db", isolation_level=None) as db:
        for step in STEPS[:12]:
            step(db)
        db.execute("pragma user_version = 12")
        db.execute("insert into watcher values (1, 41, 9, ?, ?, 60, 3, null)", (AT.isoformat(), AT.isoformat()))
        migrate(db)

    book = SqliteWatchbook.open(tmp_path / "sim.db")
    assert book.start(MINE, 1, 60.0) == 42
    book.close()
