"""What the person said to recommendations, kept in the network's store; rows are added and never changed."""

import sqlite3
from datetime import datetime
from pathlib import Path

from bethna_cli.adapters.sql import open_store, translated
from bethna_cli.domain.approval import Answer, Decision
from bethna_cli.domain.units import iso


class SqliteDecisions:
    """`Decisions` in the store at a path."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    @classmethod
    def open(cls, path: Path) -> "SqliteDecisions":
        return cls(open_store(path))

    def close(self) -> None:
        self._db.close()

    def add(self, decision: Decision) -> None:
        row = (decision.recommendation_id, iso(decision.at), decision.answer.value, decision.plan_id, decision.reason)
        with translated():
            self._db.execute(
                "insert into decisions (recommendation_id, at, answer, plan_id, reason) values (?, ?, ?, ?, ?)", row
            )

    def all(self) -> list[Decision]:
        with translated():
            rows = self._db.execute(
                "select recommendation_id, at, answer, plan_id, reason from decisions order by id"
            ).fetchall()
        return [
            Decision(name, datetime.fromisoformat(at), Answer(answer), plan_id, reason)
            for name, at, answer, plan_id, reason in rows
        ]
