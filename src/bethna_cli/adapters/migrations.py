"""The store's schema, as numbered steps; each runs once, in a transaction of its own.

A step is never edited after a release: a change is a new step at the end.
"""

import sqlite3
from collections.abc import Callable

from bethna_cli.domain.errors import ConfigurationError

Step = Callable[[sqlite3.Connection], None]


def _first_tables(db: sqlite3.Connection) -> None:
    db.execute(
        """create table snapshots (
            id integer primary key, asset text not null, taken_at text not null, origin text not null,
            document text not null check (json_valid(document)))"""
    )
    db.execute("create index snapshots_by_time on snapshots (asset, taken_at)")
    db.execute(
        """create table recommendations (
            id text primary key, created_at text not null, asset text not null, signal text not null,
            document text not null check (json_valid(document))) without rowid"""
    )
    db.execute("create index recommendations_by_time on recommendations (created_at)")


STEPS: tuple[Step, ...] = (_first_tables,)


def migrate(db: sqlite3.Connection) -> None:
    """Bring `db` (autocommit mode) to the newest schema. Raises ConfigurationError when it is newer than we are."""
    version = db.execute("pragma user_version").fetchone()[0]
    if version > len(STEPS):
        raise ConfigurationError(
            f"The store has schema {version}; this version of bethna knows {len(STEPS)}.", hint="pip install -U bethna"
        )
    for number in range(version, len(STEPS)):
        _apply(db, number)


def _apply(db: sqlite3.Connection, number: int) -> None:
    """Run step `number` unless another process has done so meanwhile."""
    db.execute("begin immediate")
    try:
        if db.execute("pragma user_version").fetchone()[0] == number:
            STEPS[number](db)
            db.execute(f"pragma user_version = {number + 1}")
        db.execute("commit")
    except BaseException:
        db.execute("rollback")
        raise
