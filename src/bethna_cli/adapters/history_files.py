"""Recorded history from a folder of CSV files: hourly candles, settled funding, Fear & Greed. Read strictly.

    {eth,btc}_usd_1h.csv[.gz]      ts,open,high,low,close[,volume]   ts is the candle's opening
    {eth,btc}_funding.csv[.gz]     ts,venue,interval_h,rate
    fear_greed_daily.csv[.gz]      date,value

Refused, with file and line: rows out of order, two different rows for one time, a number that is not finite, a price
that is not positive, a time without a zone, a candle off the hour. Repaired and counted: a row repeated word for word
is read once. Counted and kept: missing hours (they stay missing) and candles without volume.
"""

import csv
import gzip
import hashlib
import io
import math
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from bethna_cli.domain.errors import DataRefused
from bethna_cli.domain.market import Asset, Candle, FearGreed, FundingPoint
from bethna_cli.domain.model import AssetHistory, DataFile, History

MAX_BYTES = 256 * 1024 * 1024
PIECE_BYTES = 1024 * 1024
_HOUR = timedelta(hours=1)
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class _Line:
    """One line of a file: where it stands, and its cells by column."""

    where: str
    cells: Mapping[str, str]

    def refuse(self, reason: str) -> DataRefused:
        return DataRefused(f"{self.where}: {reason}.")

    def number(self, column: str) -> float:
        try:
            value = float(self.cells[column])
        except ValueError as error:
            raise self.refuse(f"{column} is not a number") from error
        if not math.isfinite(value):
            raise self.refuse(f"{column} is not finite")
        return value

    def time(self, column: str) -> datetime:
        try:
            at = datetime.fromisoformat(self.cells[column])
        except ValueError as error:
            raise self.refuse(f"{column} is not a time") from error
        if at.tzinfo is None:
            raise self.refuse(f"{column} has no time zone")
        return at.astimezone(UTC)


class HistoryFolder:
    """A data folder on disk. assets: which to read; partial: funding and mood may be absent, candles never."""

    def __init__(self, folder: Path, assets: Sequence[Asset] = tuple(Asset), *, partial: bool = False) -> None:
        self._folder = folder
        self._assets = assets
        self._partial = partial

    def read(self, until: datetime) -> History:
        """Read what was known at `until` (aware UTC): candles closed, funding settled, mood published by then.

        Raises DataRefused when a file is missing, malformed, or has nothing before `until`.
        """
        assets: list[AssetHistory] = []
        files: list[DataFile] = []
        for asset in self._assets:
            candles, described = read_candles(self._found(f"{asset.lower()}_usd_1h.csv"), until)
            files.append(described)
            funding: tuple[FundingPoint, ...] = ()
            if (path := self._wanted(f"{asset.lower()}_funding.csv")) is not None:
                funding, described = read_funding(path, until)
                files.append(described)
            assets.append(AssetHistory(asset, candles, funding))
        mood: tuple[FearGreed, ...] = ()
        if (path := self._wanted("fear_greed_daily.csv")) is not None:
            mood, described = read_fear_greed(path, until)
            files.append(described)
        return History(tuple(assets), mood, tuple(files), until)

    def _wanted(self, name: str) -> Path | None:
        return self._find(name) if self._partial else self._found(name)

    def _found(self, name: str) -> Path:
        path = self._find(name)
        if path is None:
            raise DataRefused(f"There is no {name} or {name}.gz in {self._folder}.", hint="bethna train --fetch")
        return path

    def _find(self, name: str) -> Path | None:
        return next((path for path in (self._folder / f"{name}.gz", self._folder / name) if path.is_file()), None)


def read_candles(path: Path, until: datetime) -> tuple[tuple[Candle, ...], DataFile]:
    """Read hourly candles that had closed by `until`. Raises DataRefused, see above."""
    notes: Counter[str] = Counter()

    def candle(line: _Line) -> tuple[datetime, Candle]:
        at = line.time("ts")
        prices = [line.number(column) for column in ("open", "high", "low", "close")]
        if min(prices) <= 0:
            raise line.refuse("a price is not positive")
        opened, high, low, close = prices
        if high < max(opened, close) or low > min(opened, close):
            raise line.refuse("high and low do not enclose open and close")
        if at.minute or at.second or at.microsecond:
            raise line.refuse("the candle does not start on the hour")
        volume = line.number("volume") if "volume" in line.cells else None
        if volume is not None and volume < 0:
            raise line.refuse("volume is negative")
        if at + _HOUR <= until:
            notes["candles_without_volume"] += volume == 0
        return at, Candle(at, *prices)

    rows, described = _read(path, ("ts", "open", "high", "low", "close"), candle, until - _HOUR, notes)
    span = round((described.last - described.first) / _HOUR) + 1
    return rows, _noted(described, {**notes, "missing_hours": span - described.rows})


def read_funding(path: Path, until: datetime) -> tuple[tuple[FundingPoint, ...], DataFile]:
    """Read funding settled by `until`; each venue's times strictly increase. Raises DataRefused, see above."""

    def point(line: _Line) -> tuple[datetime, FundingPoint]:
        at, interval_h, venue = line.time("ts"), line.number("interval_h"), line.cells["venue"]
        rate = line.number("rate")
        if not 0 < interval_h <= 24 or not venue.isidentifier():
            raise line.refuse("interval_h or venue is out of range")
        if abs(rate) > 1:
            raise line.refuse("rate is not a fraction")
        return at, FundingPoint(at, venue, interval_h, rate)

    return _read(path, ("ts", "venue", "interval_h", "rate"), point, until, Counter(), series="venue")


def read_fear_greed(path: Path, until: datetime) -> tuple[tuple[FearGreed, ...], DataFile]:
    """Read the Fear & Greed index published by `until`. Raises DataRefused, see above."""

    def day(line: _Line) -> tuple[datetime, FearGreed]:
        try:
            at = datetime.strptime(line.cells["date"], "%Y-%m-%d").replace(tzinfo=UTC)
        except ValueError as error:
            raise line.refuse("date is not a date") from error
        value = line.number("value")
        if not 0 <= value <= 100 or value != int(value):
            raise line.refuse("value is not a whole number from 0 to 100")
        return at, FearGreed(at, int(value))

    return _read(path, ("date", "value"), day, until, Counter())


def _read(
    path: Path,
    columns: tuple[str, ...],
    parse: Callable[[_Line], tuple[datetime, _T]],
    until: datetime,
    notes: "Counter[str]",
    series: str | None = None,
) -> tuple[tuple[_T, ...], DataFile]:
    """Read one file in order, up to `until`; `series` names the column within whose values times must increase."""
    raw = _bytes(path)
    rows: list[_T] = []
    times: list[datetime] = []
    newest: dict[str, tuple[datetime, Mapping[str, str]]] = {}
    for line in _lines(path.name, _unpacked(path, raw), columns):
        at, row = parse(line)
        key = line.cells[series] if series else ""
        before, cells = newest.get(key, (None, {}))
        if at == before and line.cells == cells:
            notes["repeated_rows_dropped"] += 1
            continue
        if before is not None and at <= before:
            raise line.refuse("two different rows for one time" if at == before else "the row is out of order")
        newest[key] = (at, line.cells)
        if at <= until:
            rows.append(row)
            times.append(at)
    if not rows:
        raise DataRefused(f"{path.name} has nothing up to {until:%Y-%m-%d}.")
    described = DataFile(path.name, hashlib.sha256(raw).hexdigest(), len(rows), min(times), max(times))
    return tuple(rows), _noted(described, notes)


def _noted(file: DataFile, notes: Mapping[str, int]) -> DataFile:
    """Attach the counts that are not zero."""
    kept = {name: count for name, count in sorted({**file.notes, **notes}.items()) if count}
    return DataFile(file.name, file.sha256, file.rows, file.first, file.last, kept)


def _bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise DataRefused(f"{path.name} is larger than {MAX_BYTES} bytes.")
        return path.read_bytes()
    except OSError as error:
        raise DataRefused(f"{path.name} cannot be read: {error.strerror}.") from error


def _unpacked(path: Path, raw: bytes) -> bytes:
    """Decompress when the name says so. Raises DataRefused when damaged or larger than MAX_BYTES."""
    if path.suffix != ".gz":
        return raw
    content = bytearray()
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(raw)) as stream:
            while piece := stream.read(PIECE_BYTES):  # in one go it would reserve MAX_BYTES for any file
                content += piece
                if len(content) > MAX_BYTES:
                    raise DataRefused(f"{path.name} unpacks to more than {MAX_BYTES} bytes.")
    except (OSError, EOFError, zlib.error) as error:
        raise DataRefused(f"{path.name} is not a whole gzip file.") from error
    return bytes(content)


def _lines(name: str, content: bytes, columns: tuple[str, ...]) -> Iterator[_Line]:
    """Yield the lines below the header, each with exactly the header's cells. Further columns are allowed."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataRefused(f"{name} is not UTF-8 text.") from error
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = next(reader, [])
        missing = [column for column in columns if column not in header]
        if missing or len(set(header)) != len(header):
            raise DataRefused(f"{name} has no column {', '.join(missing)}." if missing else f"{name}: repeated column.")
        for cells in reader:
            where = f"{name}, line {reader.line_num}"
            if len(cells) != len(header):
                raise DataRefused(f"{where}: {len(cells)} cells, not {len(header)}.")
            yield _Line(where, dict(zip(header, cells, strict=True)))
    except csv.Error as error:
        raise DataRefused(f"{name}, line {reader.line_num}: not a line of CSV.") from error
