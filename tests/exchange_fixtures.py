"""An embedded exchange for each test, copied from one that was begun once, with the wallet's allowance given."""

import shutil
from collections.abc import Iterator
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


@pytest.fixture(autouse=True)
def two_expiries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the maker list two expiries alone, weeks away: the whole board is half of what a look at it costs."""
    listed = maker.expiries
    monkeypatch.setattr(maker, "expiries", lambda at_s: listed(at_s)[4:6])


@pytest.fixture
def market(begun_exchange: Path, tmp_path: Path) -> Iterator[Market]:
    path = Path(shutil.copy(begun_exchange, tmp_path / "chain.db"))
    opened = Market(path, tmp_path / "sim.db")
    yield opened
    opened.close()
