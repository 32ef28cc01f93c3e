"""History files are read strictly: refused with file and line, or repaired and counted."""

import gzip
import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bethna_cli.adapters import history_files
from bethna_cli.adapters.history_files import HistoryFolder, read_candles, read_fear_greed, read_funding
from bethna_cli.domain.errors import DataRefused
from bethna_cli.domain.market import Candle, FearGreed, FundingPoint

UNTIL = datetime(2024, 1, 1, tzinfo=UTC)
NEW_YEAR = datetime(2023, 1, 1, tzinfo=UTC)
CANDLES = "ts,open,high,low,close,volume"
FUNDING = "ts,venue,interval_h,rate"
GOOD = "2023-01-01T00:00:00Z,10,12,9,11,5"


def written(folder: Path, *lines: str, name: str = "eth_usd_1h.csv") -> Path:
    path = folder / name
    text = "\n".join(lines).encode()
    path.write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
    return path


def test_candles_are_read_as_written_from_plain_and_packed_files(tmp_path: Path) -> None:
    lines = (CANDLES, GOOD, "2023-01-01T01:00:00+00:00,11,13,10,12,0", "2023-01-01T04:00:00Z,12,12,12,12,1")
    path = written(tmp_path, *lines)

    candles, file = read_candles(path, UNTIL)

    assert candles[0] == Candle(NEW_YEAR, 10, 12, 9, 11)
    assert [c.starts_at.hour for c in candles] == [0, 1, 4]
    assert file.notes == {"missing_hours": 2, "candles_without_volume": 1}
    assert (file.rows, file.first, file.last) == (3, NEW_YEAR, NEW_YEAR + timedelta(hours=4))
    assert file.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert read_candles(written(tmp_path, *lines, name="eth_usd_1h.csv.gz"), UNTIL)[0] == candles


def test_a_candle_is_known_only_when_its_hour_is_over(tmp_path: Path) -> None:
    path = written(tmp_path, CANDLES, GOOD, "2023-01-01T01:00:00Z,11,13,10,12,1")

    assert len(read_candles(path, NEW_YEAR + timedelta(hours=2))[0]) == 2
    assert len(read_candles(path, NEW_YEAR + timedelta(hours=2, seconds=-1))[0]) == 1


def test_further_columns_are_allowed(tmp_path: Path) -> None:
    path = written(tmp_path, f"{CANDLES},source", f"{GOOD},binance_spot")

    assert len(read_candles(path, UNTIL)[0]) == 1


def test_a_row_repeated_word_for_word_is_read_once_and_counted(tmp_path: Path) -> None:
    candles, file = read_candles(written(tmp_path, CANDLES, GOOD, GOOD), UNTIL)

    assert len(candles) == 1
    assert file.notes == {"repeated_rows_dropped": 1}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("2022-12-31T23:00:00Z,10,12,9,11,5", "out of order"),
        ("2023-01-01T00:00:00Z,10,12,9,10,5", "two different rows"),
        ("2023-01-01T01:00:00,10,12,9,11,5", "time zone"),
        ("yesterday,10,12,9,11,5", "not a time"),
        ("2023-01-01T01:30:00Z,10,12,9,11,5", "on the hour"),
        ("2023-01-01T01:00:00Z,10,12,9,nan,5", "not finite"),
        ("2023-01-01T01:00:00Z,10,1e400,9,11,5", "not finite"),
        ("2023-01-01T01:00:00Z,10,12,9,,5", "not a number"),
        ("2023-01-01T01:00:00Z,10,12,0,11,5", "not positive"),
        ("2023-01-01T01:00:00Z,10,12,-9,11,5", "not positive"),
        ("2023-01-01T01:00:00Z,10,10.5,9,11,5", "enclose"),
        ("2023-01-01T01:00:00Z,10,12,9,11,-5", "volume"),
        ("2023-01-01T01:00:00Z,10,12,9,11", "5 cells"),
        ('2023-01-01T01:00:00Z,10,12,9,11,"5', "CSV"),
    ],
)
def test_a_bad_candle_is_refused_with_its_line(tmp_path: Path, row: str, reason: str) -> None:
    with pytest.raises(DataRefused, match=rf"eth_usd_1h\.csv, line 3: .*{reason}"):
        read_candles(written(tmp_path, CANDLES, GOOD, row), UNTIL)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "no column"),
        (b"ts,open,high,low,volume\n", "no column close"),
        (b"ts,ts,open,high,low,close,volume\n", "repeated column"),
        (CANDLES.encode(), "nothing up to"),
        (b"\xff\xfe\x00", "UTF-8"),
    ],
)
def test_what_is_not_such_a_file_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "eth_usd_1h.csv"
    path.write_bytes(content)

    with pytest.raises(DataRefused, match=reason):
        read_candles(path, UNTIL)


def test_a_damaged_archive_is_refused(tmp_path: Path) -> None:
    whole = written(tmp_path, CANDLES, GOOD, name="eth_usd_1h.csv.gz").read_bytes()
    path = tmp_path / "cut.csv.gz"

    swapped = [whole[:i] + bytes([whole[i] ^ 0xFF]) + whole[i + 1 :] for i in range(10, len(whole))]
    for damaged in (whole[:-9], b"\x1f\x8b nonsense", b"plain", *swapped):
        path.write_bytes(damaged)
        with pytest.raises(DataRefused, match="gzip"):
            read_candles(path, UNTIL)


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataRefused, match="cannot be read"):
        read_candles(tmp_path / "absent.csv", UNTIL)


def test_an_archive_that_swells_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history_files, "MAX_BYTES", 1000)

    with pytest.raises(DataRefused, match="more than 1000 bytes"):
        read_candles(written(tmp_path, CANDLES, GOOD, " " * 2000, name="eth_usd_1h.csv.gz"), UNTIL)


def test_venues_keep_their_own_order_in_one_funding_file(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        FUNDING,
        "2023-01-01T08:00:00Z,binance,8,0.0001",
        "2023-01-01T07:00:00Z,hyperliquid,1,-0.0000125",
        "2023-01-01T08:00:00Z,hyperliquid,1,0.0000125",
    )

    points, file = read_funding(path, UNTIL)

    assert points[1] == FundingPoint(NEW_YEAR + timedelta(hours=7), "hyperliquid", 1, -0.0000125)
    assert (file.rows, file.first) == (3, NEW_YEAR + timedelta(hours=7))


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("2023-01-01T00:00:00Z,binance,8,0.0001", "out of order"),
        ("2023-01-01T08:00:00Z,binance,8,0.0002", "two different rows"),
        ("2023-01-01T16:00:00Z,binance,0,0.0001", "out of range"),
        ("2023-01-01T16:00:00Z,binance,8,1.5", "fraction"),
        ("2023-01-01T16:00:00Z,\x1b[31mbinance,8,0.1", "out of range"),
    ],
)
def test_bad_funding_is_refused_with_its_line(tmp_path: Path, row: str, reason: str) -> None:
    with pytest.raises(DataRefused, match=f"line 3: .*{reason}"):
        read_funding(written(tmp_path, FUNDING, "2023-01-01T08:00:00Z,binance,8,0.0001", row), UNTIL)


def test_fear_and_greed_counts_from_midnight_utc(tmp_path: Path) -> None:
    points, _ = read_fear_greed(written(tmp_path, "date,value", "2023-01-01,30", "2023-01-03,0"), UNTIL)

    assert points == (FearGreed(NEW_YEAR, 30), FearGreed(NEW_YEAR + timedelta(days=2), 0))


@pytest.mark.parametrize("row", ["2023-01-02,101", "2023-01-02,-1", "2023-01-02,3.5", "02.01.2023,3", "2023-01-01,31"])
def test_a_bad_day_is_refused_with_its_line(tmp_path: Path, row: str) -> None:
    with pytest.raises(DataRefused, match="line 3"):
        read_fear_greed(written(tmp_path, "date,value", "2023-01-01,30", row), UNTIL)


def test_the_recorded_folder_is_read_whole(market_data_dir: Path) -> None:
    history = HistoryFolder(market_data_dir).read(UNTIL)

    assert [asset.asset for asset in history.assets] == ["ETH", "BTC"]
    assert [len(asset.candles) for asset in history.assets] == [52_462, 52_462]
    assert history.files[0].notes == {"candles_without_volume": 3, "missing_hours": 122}
    assert len(history.fear_greed) == 2157
