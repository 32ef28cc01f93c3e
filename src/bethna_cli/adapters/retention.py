"""What the store, the fetched history and the log folder drop one day, a little at a time, so that nobody waits for it.

Every table is named here: in a rule, or among those that stay for ever.
"""

import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bethna_cli.adapters.history_store import HistoryStore
from bethna_cli.adapters.sql import open_store, translated
from bethna_cli.domain.errors import DataRefused
from bethna_cli.domain.retention import DataSet, StoreSize
from bethna_cli.domain.units import iso

FOR_EVER = frozenset(
    {
        *("trades", "transactions", "trade_moves", "halts", "sending", "decisions", "errands"),
        *(
            "alerts",
            "channels",
            "mandates",
            "exit_rules",
            "guard_states",
            "exit_decisions",
            "mark_layouts",
            "watchers",
            "policies",
        ),
        *("option_terms", "chain_addresses", "chain_blocks", "chain_events", "chain_reach", "chain_checkpoints"),
        "positions",
        "sqlite_sequence",
    }
)
LOG_PATTERN = "*.log*"
_INCREMENTAL = 2


@dataclass(frozen=True, slots=True)
class _Rule:
    """Rows of a table that a data set drops when they are older than `?1` (ISO 8601, UTC)."""

    data_set: DataSet
    table: str
    overdue: str


_FIRST_OF_ITS_DAY = (
    "not exists (select 1 from snapshots as other where other.asset = snapshots.asset"
    " and other.taken_at >= substr(snapshots.taken_at, 1, 10) and (other.taken_at < snapshots.taken_at"
    " or (other.taken_at = snapshots.taken_at and other.id < snapshots.id)))"
)
_UNANSWERED = "id not in (select recommendation_id from decisions)"
_RULES = (
    _Rule(DataSet.MARKET_DATA, "snapshots", f"taken_at < ?1 and not ({_FIRST_OF_ITS_DAY})"),
    _Rule(DataSet.MARKET_DATA, "recommendations", f"created_at < ?1 and {_UNANSWERED}"),
    _Rule(DataSet.MARKET_DATA, "marks", "at < ?1"),
    _Rule(DataSet.MARKET_DATA, "gauges", "at < ?1"),
    _Rule(DataSet.TRAINING_DATA, "snapshots", f"taken_at < ?1 and {_FIRST_OF_ITS_DAY}"),
    _Rule(DataSet.LOGS, "deliveries", "at < ?1 and state <> 'PENDING'"),
)
SWEPT = frozenset(rule.table for rule in _RULES)


class SqliteRetention:
    """`Retention` of the store at a path, the history in a folder, and the log files in another."""

    def __init__(self, db: sqlite3.Connection, history: HistoryStore, logs: Path) -> None:
        self._db = db
        self._history = history
        self._logs = logs

    @classmethod
    def open(cls, path: Path, history: Path, logs: Path) -> "SqliteRetention":
        return cls(open_store(path), HistoryStore(history), logs)

    def close(self) -> None:
        self._db.close()

    def overdue(self, data_set: DataSet, before: datetime) -> int:
        count = sum(self._count(rule, before) for rule in _rules(data_set)) + len(self._old_logs(data_set, before))
        return count + (self._history.count_before(before) if data_set is DataSet.TRAINING_DATA else 0)

    def drop(self, data_set: DataSet, before: datetime, limit: int) -> int:
        for rule in _rules(data_set):
            with translated():
                key = _keys(self._db, rule.table)
                gone = self._db.execute(
                    f"delete from {rule.table} where ({key}) in"  # noqa: S608
                    f" (select {key} from {rule.table} where {rule.overdue} limit ?2)",
                    (iso(before), limit),
                ).rowcount
            if gone:
                return gone
        if data_set is DataSet.TRAINING_DATA:
            return self._drop_history(before)
        old = self._old_logs(data_set, before)[:limit]
        for file in old:
            with suppress(FileNotFoundError):
                file.unlink()
        return len(old)

    def _drop_history(self, before: datetime) -> int:
        """Drop fetched rows, whole files at a time; while a fetch writes there, it drops them itself."""
        if not self._history.count_before(before):
            return 0
        with suppress(DataRefused), self._history.locked():
            return self._history.forget_before(before)
        return 0

    def give_back(self, most_bytes: int) -> int:
        with translated():
            before = self.size()
            if self._pragma("auto_vacuum") == _INCREMENTAL:
                pages = max(1, most_bytes // self._pragma("page_size"))
                self._db.execute(f"pragma incremental_vacuum({pages})").fetchall()
        return before.free_bytes - self.size().free_bytes

    def size(self) -> StoreSize:
        with translated():
            page = self._pragma("page_size")
            return StoreSize(self._pragma("page_count") * page, self._pragma("freelist_count") * page)

    def history_bytes(self) -> int:
        return self._history.size_bytes

    def log_bytes(self) -> int:
        return sum(file.stat().st_size for file in self._logs.glob(LOG_PATTERN) if file.is_file())

    def _count(self, rule: _Rule, before: datetime) -> int:
        with translated():
            row = self._db.execute(f"select count(*) from {rule.table} where {rule.overdue}", (iso(before),)).fetchone()  # noqa: S608
        return int(row[0])

    def _old_logs(self, data_set: DataSet, before: datetime) -> list[Path]:
        if data_set is not DataSet.LOGS:
            return []
        files = (file for file in self._logs.glob(LOG_PATTERN) if file.is_file() and not file.is_symlink())
        return sorted(file for file in files if file.stat().st_mtime < before.timestamp())

    def _pragma(self, name: str) -> int:
        return int(self._db.execute(f"pragma {name}").fetchone()[0])


def _rules(data_set: DataSet) -> Sequence[_Rule]:
    return [rule for rule in _RULES if rule.data_set is data_set]


def _keys(db: sqlite3.Connection, table: str) -> str:
    """Return the columns of a table's primary key, as SQL."""
    keys = db.execute("select name from pragma_table_info(?) where pk > 0 order by pk", (table,)).fetchall()
    return ", ".join(name for (name,) in keys)
