"""Alerts and their outbox in the network's store.

An alert is written in the transaction of its cause (`insert_alert`), so that neither exists without the other; which
channels have told it is noted afterwards. A crash between telling and noting tells again, under the same id.
"""

import sqlite3
from datetime import datetime
from pathlib import Path

from bethna_cli.adapters.sql import SHORTEST_PREFIX, open_store, translated
from bethna_cli.domain.alert import Alert, KeptAlert, Level
from bethna_cli.domain.errors import NotFound
from bethna_cli.domain.units import iso

COLUMNS = "alerts.sequence, cause, level, kind, title, text, position, alerts.at, acked_at"


def insert_alert(db: sqlite3.Connection, alert: Alert, at: datetime) -> bool:
    """Keep an alert inside the caller's own transaction; say whether it is new. The same cause twice is one row.

    Only a new one is inserted at all: an insert that is ignored would use up a sequence number, and whoever follows the
    stream would miss an alert that never was.
    """
    row = (
        alert.id,
        alert.cause,
        alert.level.value,
        alert.kind,
        alert.title,
        alert.text,
        alert.position,
        iso(at),
    )
    done = db.execute(
        "insert into alerts (id, cause, level, kind, title, text, position, at)"
        " select ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8 where not exists (select 1 from alerts where id = ?1)",
        row,
    )
    return done.rowcount == 1


class SqliteAlerts:
    """`Alerts` in the store at a path."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    @classmethod
    def open(cls, path: Path) -> "SqliteAlerts":
        return cls(open_store(path))

    def close(self) -> None:
        self._db.close()

    def add(self, alert: Alert, at: datetime) -> bool:
        with translated():
            return insert_alert(self._db, alert, at)

    def after(self, sequence: int, limit: int) -> list[KeptAlert]:
        return self._select("where sequence > ? order by sequence limit ?", sequence, limit)

    def latest(self, limit: int, *, only_open: bool = False) -> list[KeptAlert]:
        which = "where acked_at is null" if only_open else ""
        return self._select(f"{which} order by sequence desc limit ?", limit)[::-1]

    def acknowledge(self, prefix: str, at: datetime) -> KeptAlert:
        kept = self._one(prefix)
        with translated():
            self._db.execute(
                "update alerts set acked_at = ? where sequence = ? and acked_at is null", (iso(at), kept.sequence)
            )
        return self._one(kept.alert.id)

    def _one(self, prefix: str) -> KeptAlert:
        if len(prefix) < SHORTEST_PREFIX:
            words = f"{prefix!r} is too short for an id; give {SHORTEST_PREFIX} characters or more."
            raise NotFound(words, hint="bethna alerts")
        found = self._select("where substr(id, 1, ?) = ? limit 2", len(prefix), prefix.lower())
        if len(found) != 1:
            how_many = "More than one" if found else "No"
            raise NotFound(f"{how_many} alert has an id that starts with {prefix!r}.", hint="bethna alerts")
        return found[0]

    def _select(self, rest: str, *values: object) -> list[KeptAlert]:
        with translated():
            rows = self._db.execute(f"select {COLUMNS} from alerts {rest}", values).fetchall()  # noqa: S608
        return [kept_alert(*row) for row in rows]


def kept_alert(
    sequence: int,
    cause: str,
    level: str,
    kind: str,
    title: str,
    text: str,
    position: str | None,
    at: str,
    acked_at: str | None,
) -> KeptAlert:
    """Read a row of `COLUMNS`."""
    alert = Alert(cause, Level(level), kind, title, text, position)
    return KeptAlert(
        sequence, alert, datetime.fromisoformat(at), None if acked_at is None else datetime.fromisoformat(acked_at)
    )
