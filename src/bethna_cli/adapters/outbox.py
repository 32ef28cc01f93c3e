"""What each channel still has to tell, and how it fares, in the network's store beside the alerts.

Times here are the machine's: a mail server does not live in the simulated world's time.
"""

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from bethna_cli.adapters.alerts import COLUMNS, insert_alert, kept_alert
from bethna_cli.adapters.sql import one_transaction, open_store, translated
from bethna_cli.domain.alert import Alert, ChannelState, Delivery, KeptAlert, Level
from bethna_cli.domain.units import iso

NEW_CHANNEL_TELLS = 20
"""How many of the newest alerts that nobody acknowledged a channel is told when it is first used."""


class SqliteOutbox:
    """`Outbox` in the store at a path."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    @classmethod
    def open(cls, path: Path) -> "SqliteOutbox":
        return cls(open_store(path))

    def close(self) -> None:
        self._db.close()

    def gather(self, channel: str, at: datetime) -> Level | None:
        if self._reached(channel) == self._newest():
            return None
        with one_transaction(self._db):
            return self._gather(channel, at)

    def put_by_hand(self, alert: Alert, channels: Sequence[str], at: datetime) -> KeptAlert:
        with one_transaction(self._db):
            insert_alert(self._db, alert, at)
            row = self._db.execute(f"select {COLUMNS} from alerts where id = ?", (alert.id,)).fetchone()  # noqa: S608
            kept = kept_alert(*row)
            rows = [(channel, kept.sequence, Delivery.REFUSED.value, iso(at)) for channel in channels]
            self._db.executemany("insert into deliveries (channel, sequence, state, at) values (?, ?, ?, ?)", rows)
        return kept

    def _gather(self, channel: str, at: datetime) -> Level | None:
        self._db.execute(
            "insert or ignore into channels (name, reached) values (?, coalesce((select min(sequence) - 1 from"
            " (select sequence from alerts where acked_at is null order by sequence desc limit ?)),"
            " (select max(sequence) from alerts), 0))",
            (channel, NEW_CHANNEL_TELLS),
        )
        reached = self._reached(channel)
        levels = {row[0] for row in self._db.execute("select level from alerts where sequence > ?", (reached,))}
        self._db.execute(
            "insert or ignore into deliveries (channel, sequence, state, at)"
            " select ?, sequence, ?, ? from alerts where sequence > ?",
            (channel, Delivery.PENDING.value, iso(at), reached),
        )
        self._db.execute("update channels set reached = ? where name = ?", (self._newest(), channel))
        return next((level for level in reversed(Level) if level.value in levels), None)

    def state(self, channel: str) -> ChannelState:
        with translated():
            row = self._db.execute(
                "select failures, next_try_at, error from channels where name = ?", (channel,)
            ).fetchone() or (0, None, None)
            pending = self._db.execute(
                "select count(*) from deliveries where channel = ? and state = 'PENDING'", (channel,)
            ).fetchone()[0]
        failures, next_try_at, error = row
        return ChannelState(
            channel, failures, None if next_try_at is None else datetime.fromisoformat(next_try_at), error, pending
        )

    def states(self) -> list[ChannelState]:
        with translated():
            names = [row[0] for row in self._db.execute("select name from channels order by name")]
        return [self.state(name) for name in names]

    def lease(self, channel: str, at: datetime, until: datetime) -> bool:
        # A lease that ends later than one taken now would is from before a clock was turned back.
        with translated():
            taken = self._db.execute(
                "update channels set leased_until = ? where name = ?"
                " and (leased_until is null or leased_until <= ? or leased_until > ?)",
                (iso(until), channel, iso(at), iso(until)),
            )
        return taken.rowcount == 1

    def extend(self, channel: str, until: datetime) -> None:
        with translated():
            self._db.execute("update channels set leased_until = ? where name = ?", (iso(until), channel))

    def release(self, channel: str) -> None:
        with translated():
            self._db.execute("update channels set leased_until = null where name = ?", (channel,))

    def pending(self, channel: str, limit: int, *, only_loud: bool = False) -> list[KeptAlert]:
        with translated():
            rows = self._db.execute(
                f"select {COLUMNS} from deliveries join alerts using (sequence)"  # noqa: S608
                " where deliveries.channel = ? and deliveries.state = 'PENDING' and level <> ?"
                " order by sequence limit ?",
                (channel, Level.INFO.value if only_loud else "", limit),
            ).fetchall()
        return [kept_alert(*row) for row in rows]

    def was_told(self, channel: str, alert: Alert, since: datetime) -> bool:
        with translated():
            row = self._db.execute(
                "select 1 from deliveries join alerts using (sequence) where deliveries.channel = ?"
                " and deliveries.state = 'SENT' and deliveries.at >= ? and kind = ? and position is ? limit 1",
                (channel, iso(since), alert.kind, alert.position),
            ).fetchone()
        return row is not None

    def note(self, channel: str, kept: KeptAlert, state: Delivery, at: datetime) -> None:
        with translated():
            self._db.execute(
                "update deliveries set state = ?, at = ? where channel = ? and sequence = ?",
                (state.value, iso(at), channel, kept.sequence),
            )

    def refused(self, channel: str, kept: KeptAlert) -> int:
        with translated():
            row = self._db.execute(
                "update deliveries set refusals = refusals + 1 where channel = ? and sequence = ? returning refusals",
                (channel, kept.sequence),
            ).fetchone()
        return int(row[0])

    def works(self, channel: str) -> None:
        with translated():
            self._db.execute(
                "update channels set failures = 0, next_try_at = null, error = null where name = ? and failures > 0",
                (channel,),
            )

    def fails(self, channel: str, failures: int, next_try_at: datetime, error: str) -> None:
        with translated():
            self._db.execute(
                "update channels set failures = ?, next_try_at = ?, error = ? where name = ?",
                (failures, iso(next_try_at), error, channel),
            )

    def _reached(self, channel: str) -> int:
        with translated():
            row = self._db.execute("select reached from channels where name = ?", (channel,)).fetchone()
        return -1 if row is None else int(row[0])

    def _newest(self) -> int:
        with translated():
            return int(self._db.execute("select coalesce(max(sequence), 0) from alerts").fetchone()[0])
