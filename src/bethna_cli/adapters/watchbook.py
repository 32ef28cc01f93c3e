"""What Gamma remembers, in the network's store: a tick and everything it concludes are one transaction.

A tick's marks are one row of bytes, whatever the number of positions; only states that changed are written. Every
write compares the fencing token: a watcher that was stopped for a while and replaced meanwhile changes nothing. Tokens
are counted over all accounts, so that one names its account too.
"""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from bethna_cli.adapters.alerts import insert_alert
from bethna_cli.adapters.clocks import SystemClock
from bethna_cli.adapters.sql import one_transaction, open_store, translated
from bethna_cli.domain.alert import Alert
from bethna_cli.domain.chain import Address
from bethna_cli.domain.errors import WatcherReplaced
from bethna_cli.domain.guarding import (
    Breach,
    Decided,
    ExitRule,
    ExitRules,
    GuardState,
    PackedMarks,
    Protection,
    Reaction,
    TickNotes,
    Watcher,
)
from bethna_cli.domain.units import Bps, iso
from bethna_cli.ports import Clock

_STATE = "position, breach_rule, breach_since, entry_iv, protection, reason, selling_since, attempts, next_try_at"


class SqliteWatchbook:
    """`Watchbook` in the store at a path. wall: this machine's clock, for heartbeats alone."""

    def __init__(self, db: sqlite3.Connection, wall: Clock) -> None:
        self._db = db
        self._wall = wall

    @classmethod
    def open(cls, path: Path) -> "SqliteWatchbook":
        return cls(open_store(path), SystemClock())

    def close(self) -> None:
        self._db.close()

    # ── the watcher ───────────────────────────────────────────────────────────────────────────────────────────

    def start(self, account: Address, pid: int, interval_s: float) -> int:
        at = self._wall.now()
        with one_transaction(self._db):
            token = int(self._db.execute("select coalesce(max(token), 0) + 1 from watchers").fetchone()[0])
            self._db.execute(
                "insert or replace into watchers values (?, ?, ?, ?, ?, ?, 0, null)",
                (account, token, pid, at.isoformat(), at.isoformat(), interval_s),
            )
        return token

    def stop(self, token: int) -> None:
        with one_transaction(self._db):
            self._db.execute("update watchers set pid = 0 where token = ?", (token,))

    def watcher(self, account: Address) -> Watcher | None:
        with translated():
            row = self._db.execute(
                "select token, pid, started_at, beat_at, interval_s, ticks, trouble from watchers"
                " where account = ? and pid != 0",
                (account,),
            ).fetchone()
        if row is None:
            return None
        token, pid, started_at, beat_at, interval_s, ticks, trouble = row
        return Watcher(token, pid, _time(started_at), _time(beat_at), interval_s, ticks, trouble)

    def require_newest(self, token: int) -> None:
        with translated():
            self._require_newest(token)

    def _require_newest(self, token: int) -> None:
        if self._db.execute("select 1 from watchers where token = ?", (token,)).fetchone() is None:
            raise WatcherReplaced("Another watcher has started; this one is not needed.", hint="bethna watch status")

    # ── a tick ────────────────────────────────────────────────────────────────────────────────────────────────

    def keep(self, notes: TickNotes, token: int, trouble: str | None = None) -> list[Alert]:
        with one_transaction(self._db):
            self._require_newest(token)
            if notes.marks is not None:
                self._write_marks(notes.marks, notes.at)
            fresh = self._write(notes.decisions, notes.states, notes.alerts, notes.at)
            self._db.execute(
                "update watchers set beat_at = ?, ticks = ticks + 1, trouble = ? where token = ?",
                (self._wall.now().isoformat(), trouble, token),
            )
        return fresh

    def note(
        self,
        decisions: Sequence[Decided],
        states: Sequence[GuardState],
        alerts: Sequence[Alert],
        token: int,
        at: datetime,
    ) -> None:
        with one_transaction(self._db):
            self._require_newest(token)
            self._write(decisions, states, alerts, at)

    def keep_gauge(self, at: datetime, document: Mapping[str, object], token: int) -> None:
        with one_transaction(self._db):
            self._require_newest(token)
            self._db.execute(
                "insert into gauges (account, at, document) select account, ?, ? from watchers where token = ?",
                (iso(at), _json(document), token),
            )

    def _write_marks(self, marks: PackedMarks, at: datetime) -> None:
        known = self._db.execute("select 1 from mark_layouts where key = ?", (marks.key,)).fetchone()
        if known is None:
            self._db.execute("insert into mark_layouts values (?, ?)", (marks.key, _json(marks.layout())))
        self._db.execute(
            "insert into marks (at, layout, spots, options) values (?, ?, ?, ?)",
            (at.isoformat(), marks.key, _json(marks.spots), marks.options),
        )

    def _write(
        self, decisions: Sequence[Decided], states: Sequence[GuardState], alerts: Sequence[Alert], at: datetime
    ) -> list[Alert]:
        self._db.executemany(
            f"insert or replace into guard_states ({_STATE}) values (?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
            [_state_row(state) for state in states],
        )
        self._db.executemany(
            "insert into exit_decisions (position, at, verdict, rule, words, facts) values (?, ?, ?, ?, ?, ?)",
            [
                (
                    one.position,
                    one.at.isoformat(),
                    one.verdict,
                    one.rule and one.rule.value,
                    one.words,
                    _json(one.facts),
                )
                for one in decisions
            ],
        )
        return [alert for alert in alerts if insert_alert(self._db, alert, at)]

    # ── reading ───────────────────────────────────────────────────────────────────────────────────────────────

    def revision(self) -> int:
        with translated():
            return int(self._db.execute("pragma data_version").fetchone()[0])

    def states(self) -> Mapping[str, GuardState]:
        with translated():
            rows = self._db.execute(f"select {_STATE} from guard_states").fetchall()  # noqa: S608
        return {row[0]: _state(row) for row in rows}

    def set_rules(self, position: str, rules: ExitRules | None, at: datetime) -> None:
        with one_transaction(self._db):
            self._db.execute("delete from exit_rules where position = ?", (position,))
            if rules is not None:
                self._db.execute(
                    "insert into exit_rules values (?, ?, ?)", (position, _json(asdict(rules)), at.isoformat())
                )

    def rules(self) -> Mapping[str, ExitRules]:
        with translated():
            rows = self._db.execute("select position, document from exit_rules").fetchall()
        return {position: _rules(document) for position, document in rows}

    def decisions(self, position: str, limit: int) -> list[Decided]:
        with translated():
            rows = self._db.execute(
                "select position, at, verdict, rule, words, facts from exit_decisions where position = ?"
                " order by id desc limit ?",
                (position, limit),
            ).fetchall()
        return [
            Decided(name, _time(at), verdict, None if rule is None else ExitRule(rule), words, json.loads(facts))
            for name, at, verdict, rule, words, facts in reversed(rows)
        ]

    def gauges(self, account: Address, limit: int) -> list[Mapping[str, Any]]:
        with translated():
            rows = self._db.execute(
                "select document from gauges where account = ? order by id desc limit ?", (account, limit)
            ).fetchall()
        return [json.loads(document) for (document,) in reversed(rows)]

    def marks(self, limit: int) -> list[tuple[datetime, Mapping[str, object], PackedMarks]]:
        with translated():
            rows = self._db.execute(
                "select at, key, document, spots, options from marks join mark_layouts on key = layout"
                " order by id desc limit ?",
                (limit,),
            ).fetchall()
        found = []
        for at, key, document, spots, options in reversed(rows):
            layout = json.loads(document)
            found.append((_time(at), layout, PackedMarks(key, dict, json.loads(spots), options)))
        return found


def _json(document: object) -> str:
    return json.dumps(document, allow_nan=False, separators=(",", ":"))


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def _rule(rule: ExitRule | None) -> str | None:
    return None if rule is None else rule.value


def _state_row(state: GuardState) -> tuple[object, ...]:
    breach = state.breach
    return (
        state.position,
        None if breach is None else breach.rule.value,
        None if breach is None else breach.since.isoformat(),
        state.entry_iv,
        state.protection.value,
        state.reason,
        _moment(state.selling_since),
        state.attempts,
        _moment(state.next_try_at),
    )


def _state(row: tuple[str, str | None, str | None, float | None, str, str, str | None, int, str | None]) -> GuardState:
    position, rule, since, entry_iv, protection, reason, selling_since, attempts, next_try_at = row
    return GuardState(
        position=position,
        breach=None if rule is None or since is None else Breach(ExitRule(rule), _time(since)),
        entry_iv=entry_iv,
        protection=Protection(protection),
        reason=reason,
        selling_since=None if selling_since is None else _time(selling_since),
        attempts=attempts,
        next_try_at=None if next_try_at is None else _time(next_try_at),
    )


def _rules(text: str) -> ExitRules:
    document = json.loads(text)
    stop, goal = document["stop_loss"], document["take_profit"]
    return ExitRules(
        stop_loss=None if stop is None else Bps(stop),
        take_profit=None if goal is None else Bps(goal),
        decay=Reaction(document["decay"]),
        decay_days=document["decay_days"],
        iv=Reaction(document["iv"]),
        iv_change=Bps(document["iv_change"]),
        expiry=Reaction(document["expiry"]),
        expiry_near_h=document["expiry_near_h"],
    )
