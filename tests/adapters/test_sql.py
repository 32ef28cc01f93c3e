"""The store: what was seen and said is kept with its time, for its owner alone, and a damaged file is named."""

import random
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bethna_cli.adapters import sql
from bethna_cli.adapters.sql import SqliteLedger, quarantined
from bethna_cli.domain.errors import ConfigurationError, NotFound
from bethna_cli.domain.market import Asset, MarketSnapshot, Origin, Part, Provenance, Status

AT = datetime(2026, 3, 4, 12, tzinfo=UTC)
DOCUMENT = {"asset": "ETH", "signal": "HOLD"}


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[SqliteLedger]:
    opened = SqliteLedger.open(tmp_path / "sim.db")
    yield opened
    opened.close()


def dark_market() -> MarketSnapshot:
    """A market in which every source is down, one of them after it had said who it is."""
    told = Provenance("pyth", AT, Origin.SIMULATED)
    names = ("options", "funding", "sentiment", "history")
    down: dict[str, Part[Any]] = {name: Part(name, Status.FAILED, reason="refused") for name in names}
    return MarketSnapshot(Asset.ETH, AT, spot=Part("spot", Status.STALE, provenance=told, reason="old"), **down)


def test_a_snapshot_is_kept_with_its_time_and_origin_whatever_failed_in_it(ledger: SqliteLedger, tmp_path: Path):
    ledger.add_snapshot(dark_market())

    with sqlite3.connect(tmp_path / "sim.db") as db:
        rows = db.execute("select asset, taken_at, origin from snapshots").fetchall()
    assert rows == [("ETH", "2026-03-04T12:00:00Z", "simulated")]


def test_a_recommendation_is_found_by_any_unique_beginning_of_its_id(ledger: SqliteLedger):
    for identity in ("abcd1111", "abcd2222"):
        ledger.add_recommendation(identity, AT, {**DOCUMENT, "id": identity})

    assert ledger.recommendation("ABCD1")["id"] == "abcd1111"
    for prefix, reason in (("abcd", "More than one"), ("ffff", "No recommendation"), ("ab", "too short")):
        with pytest.raises(NotFound, match=reason):
            ledger.recommendation(prefix)


def test_the_same_recommendation_twice_is_one_row(ledger: SqliteLedger):
    ledger.add_recommendation("abcd1111", AT, DOCUMENT)
    ledger.add_recommendation("abcd1111", AT, DOCUMENT)

    assert ledger.sizes()["recommendations"] == 1


def test_the_file_is_its_owners_alone(ledger: SqliteLedger, tmp_path: Path):
    assert ledger.check() == "ok"
    assert (tmp_path / "sim.db").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("seed", range(12))
def test_a_store_with_a_flipped_page_is_set_aside_whole_and_a_sound_one_never(tmp_path: Path, seed: int):
    path, chance = tmp_path / "sim.db", random.Random(seed)
    ledger = SqliteLedger.open(path)
    for number in range(200):
        ledger.add_recommendation(f"{number:08x}", AT, DOCUMENT)
    ledger.close()
    assert quarantined(path) == ("ok", None)

    octets = bytearray(path.read_bytes())
    page = chance.randrange(0, len(octets) // 4096) * 4096
    octets[page : page + 100] = chance.randbytes(100)
    path.write_bytes(octets)
    verdict, aside = quarantined(path)

    assert verdict != "ok"
    assert aside is not None
    assert aside.read_bytes()[: len(octets)] == bytes(octets)
    assert SqliteLedger.open(path).sizes()["recommendations"] == 0


def test_a_store_that_is_only_busy_is_not_set_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "sim.db"
    SqliteLedger.open(path).close()
    monkeypatch.setattr(sql, "BUSY_TIMEOUT_S", 0.05)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("pragma locking_mode = exclusive")
    other.execute("begin exclusive")

    with pytest.raises(ConfigurationError, match="locked"):
        quarantined(path)
    assert path.exists()


def test_a_damaged_file_is_refused_with_the_line_that_sets_it_aside(tmp_path: Path):
    path = tmp_path / "sim.db"
    path.write_text("this was a database once\n" * 9)

    with pytest.raises(ConfigurationError, match="not a database") as refused:
        SqliteLedger.open(path)

    assert refused.value.hint == "bethna db migrate"
