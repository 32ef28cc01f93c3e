"""An embedded exchange for each test, copied from one that was begun once, with the wallet's allowance given."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bethna_cli.adapters.sim import maker
from execution_desk import Market


@pytest.fixture(scope="session")
def begun_exchange(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exchange")
    market = Market(folder / "chain.db", folder / "sim.db")
    market.approve_usdc(10_000_000_000)
    market.finalise()
    market.close()
    return folder / "chain.db"


@pytest.fixture(autouse=True, scope="module")
def two_expiries() -> Iterator[None]:
    """Have the maker list two expiries alone, weeks away: the whole board is half of what a look at it costs."""
    listed = maker.expiries
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(maker, "expiries", lambda at_s: listed(at_s)[4:6])
        yield


def copied(chain: Path, folder: Path, store: Path | None = None) -> Market:
    """Open a copy of a market in a folder of its own."""
    if store is not None:
        with closing(sqlite3.connect(store)) as old, closing(sqlite3.connect(folder / "sim.db")) as new:
            old.backup(new)
    return Market(Path(shutil.copy(chain, folder / "chain.db")), folder / "sim.db")


@pytest.fixture
def market(begun_exchange: Path, tmp_path: Path) -> Iterator[Market]:
    opened = copied(begun_exchange, tmp_path)
    yield opened
    opened.close()
