"""The store: one SQLite file per network, written through the standard library because one-shot commands start often.

WAL, synchronous=FULL, foreign keys on; a busy file is waited for, never skipped.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from bethna_cli.adapters.migrations import migrate
from bethna_cli.domain.documents import snapshot_document
from bethna_cli.domain.errors import ConfigurationError, NotFound
from bethna_cli.domain.market import MarketSnapshot
from bethna_cli.domain.units import iso

BUSY_TIMEOUT_S = 5.0
SHORTEST_PREFIX = 4


def open_store(path: Path) -> sqlite3.Connection:
    """Open (or create, 0600) the store at `path` in autocommit mode, its schema up to date.

    Raises ConfigurationError when the file cannot be used.
    """
    with translated(path):
        path.touch(mode=0o600, exist_ok=True)
        db = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None)
        db.execute("pragma auto_vacuum = incremental")  # counts in a new file alone, before anything is in it
        db.execute("pragma journal_mode = wal")
        db.execute("pragma synchronous = full")
        db.execute("pragma foreign_keys = on")
        migrate(db)
    return db


def quarantined(path: Path) -> tuple[str, Path | None]:
    """Check every page of a store, and move one that is damaged aside with its companions before a new one is begun.

    Returns SQLite's verdict and where the damaged file is now, None when it was sound. Nothing is deleted, and a store
    that is only busy or not readable is left alone. Raises ConfigurationError.
    """
    verdict = _verdict(path)
    if verdict == "ok":
        open_store(path).close()
        return verdict, None
    number = 1
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    with translated(path):
        for suffix in ("", "-wal", "-shm"):
            part = path.with_name(path.name + suffix)
            if part.exists():
                part.rename(aside.with_name(aside.name + suffix))
    open_store(path).close()
    return verdict, aside


def _verdict(path: Path) -> str:
    """Say what SQLite thinks of a store's pages: `ok`, or the first thing that is wrong. Changes nothing."""
    if not path.exists():
        return "ok"
    try:
        db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY_TIMEOUT_S)
        try:
            return str(db.execute("pragma integrity_check(1)").fetchone()[0])
        finally:
            db.close()
    except sqlite3.Error as error:
        if type(error) is not sqlite3.DatabaseError:  # its kinds stand for other troubles, like a lock
            raise ConfigurationError(f"The store {path} cannot be used: {error}.", hint="bethna doctor") from error
        return str(error)


class SqliteLedger:
    """Snapshots and recommendations as JSON documents (ports.Ledger). Raises ConfigurationError on a bad file."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    @classmethod
    def open(cls, path: Path) -> "SqliteLedger":
        """Open (or create, 0600) the store at `path` and bring its schema up to date."""
        return cls(open_store(path))

    def close(self) -> None:
        self._db.close()

    def add_snapshot(self, snapshot: MarketSnapshot) -> None:
        """Keep what was seen, every quote included."""
        document = snapshot_document(snapshot, quotes=True)
        origins = {part.provenance.origin.value for part in snapshot.parts if part.provenance}
        with translated():
            self._db.execute(
                "insert into snapshots (asset, taken_at, origin, document) values (?, ?, ?, ?)",
                (snapshot.asset.value, iso(snapshot.taken_at), ",".join(sorted(origins)), _encode(document)),
            )

    def add_recommendation(self, recommendation_id: str, at: datetime, document: Mapping[str, object]) -> None:
        """Keep a recommendation; the same one twice is one row."""
        with translated():
            self._db.execute(
                "insert or ignore into recommendations (id, created_at, asset, signal, document)"
                " values (?, ?, ?, ?, ?)",
                (recommendation_id, iso(at), document["asset"], document["signal"], _encode(document)),
            )

    def recommendation(self, prefix: str) -> Mapping[str, object]:
        """Return the one recommendation whose id starts with `prefix` (4 characters or more). Raises NotFound."""
        if len(prefix) < SHORTEST_PREFIX:
            words = f"{prefix!r} is too short for an id; give {SHORTEST_PREFIX} characters or more."
            raise NotFound(words, hint="bethna recommend ETH")
        with translated():
            rows = self._db.execute(
                "select document from recommendations where substr(id, 1, ?) = ? limit 2", (len(prefix), prefix.lower())
            ).fetchall()
        if len(rows) != 1:
            found = "No" if not rows else "More than one"
            raise NotFound(
                f"{found} recommendation has an id that starts with {prefix!r}.", hint="bethna recommend ETH"
            )
        document: Mapping[str, object] = json.loads(rows[0][0])
        return document

    def newest_snapshot(self) -> datetime | None:
        """Return when a market was last looked at, None before the first time."""
        with translated():
            row = self._db.execute("select max(taken_at) from snapshots").fetchone()
        return datetime.fromisoformat(row[0]) if row[0] else None

    def newest_expiries(self) -> list[str]:
        """List the expiries on offer in the newest snapshot, as they stand there."""
        with translated():
            row = self._db.execute(
                "select json_extract(document, '$.options.expiries') from snapshots order by taken_at desc limit 1"
            ).fetchone()
        return [] if row is None or row[0] is None else [str(at) for at in json.loads(row[0])]

    def newest_recommendations(self, limit: int) -> list[tuple[str, str]]:
        """List recommendations, newest first: id, and asset with signal."""
        with translated():
            rows = self._db.execute(
                "select id, asset, signal from recommendations order by created_at desc limit ?", (limit,)
            ).fetchall()
        return [(name, f"{asset} {signal}") for name, asset, signal in rows]

    def check(self) -> str:
        """Return SQLite's own verdict on the file: `ok`, or what is wrong."""
        with translated():
            return str(self._db.execute("pragma integrity_check").fetchone()[0])

    def sizes(self) -> dict[str, int]:
        """Return the number of rows per table."""
        with translated():
            names = [row[0] for row in self._db.execute("select name from sqlite_schema where type = 'table'")]
            return {name: self._db.execute(f'select count(*) from "{name}"').fetchone()[0] for name in names}  # noqa: S608


def _encode(document: Mapping[str, object]) -> str:
    return json.dumps(document, allow_nan=False, separators=(",", ":"))


@contextmanager
def one_transaction(db: sqlite3.Connection, kind: str = "immediate") -> Iterator[None]:
    """Do everything inside in one transaction of a connection in autocommit mode, or nothing of it."""
    with translated():
        db.execute(f"begin {kind}")
        try:
            yield
            db.execute("commit")
        except BaseException:
            if db.in_transaction:
                db.execute("rollback")
            raise


@contextmanager
def translated(path: Path | None = None) -> Iterator[None]:
    """Turn SQLite's and the file system's words into ours."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        where = f" {path}" if path else ""
        is_damaged = type(error) is sqlite3.DatabaseError  # its kinds stand for other troubles, like a lock
        hint = "bethna db migrate" if path and is_damaged else "bethna doctor"
        raise ConfigurationError(f"The store{where} cannot be used: {error}.", hint=hint) from error
