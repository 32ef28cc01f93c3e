"""Whether open positions are watched by nobody, cheaply enough to be asked after every command.

Only the standard library, one query and one look at a lock; what cannot be read is somebody else's error to tell.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

from bethna_cli.adapters.watch_lock import WatchLock
from bethna_cli.domain.errors import BethnaError
from bethna_cli.settings import Settings

PATIENCE_S = 0.05


def unwatched_positions(settings: Settings) -> int:
    """Count the open positions of accounts for which no watcher runs on this machine."""
    folder = settings.folders.data
    store = folder / f"{settings.network}.db"
    if not store.exists():
        return 0
    return sum(count for account, count in open_counts(store) if not is_watched(folder, settings.network, account))


def open_counts(store: Path) -> list[tuple[str, int]]:
    """Count the open positions in a store by account."""
    try:
        with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True, timeout=PATIENCE_S)) as db:
            rows = db.execute("select account, count(*) from positions where state = 'OPEN' group by account")
            return [(str(account), int(count)) for account, count in rows]
    except sqlite3.Error:
        return []


def is_watched(folder: Path, network: str, account: str) -> bool:
    """Say whether a watcher runs on this machine for an account."""
    try:
        return WatchLock(folder, network, account).holder() is not None
    except (BethnaError, ValueError):
        return False
