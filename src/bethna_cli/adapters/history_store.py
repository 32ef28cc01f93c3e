"""A data folder that grows: fetched history is appended to the files that `history_files` reads.

A page is on the disk before the next is asked for, so an interrupted fetch goes on where it stopped. A last line that
was cut short is dropped. One process at a time.
"""

import fcntl
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from bethna_cli.domain.errors import DataRefused
from bethna_cli.domain.market import Asset, Candle, FearGreed, FundingPoint
from bethna_cli.domain.units import iso

CANDLE_HEADER = "ts,open,high,low,close"
FUNDING_HEADER = "ts,venue,interval_h,rate"
MOOD_HEADER = "date,value"


class HistoryStore:
    """Candles, funding and mood in one folder, oldest first. Raises DataRefused when the disk says no."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other fetches out while the body runs; makes the folder where there is none."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = os.open(self.folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise _refused(self.folder, error) from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
        except BlockingIOError as error:
            raise DataRefused(f"Another fetch is writing to {self.folder}.") from error
        finally:
            os.close(handle)

    def newest_candle(self, asset: Asset) -> datetime | None:
        """Return when the last stored candle starts."""
        return _newest(self._candles(asset))

    def newest_funding(self, asset: Asset) -> datetime | None:
        """Return when the last stored rate was settled."""
        return _newest(self._funding(asset))

    def add_candles(self, asset: Asset, candles: Sequence[Candle]) -> None:
        rows = (f"{iso(c.starts_at)},{c.open!r},{c.high!r},{c.low!r},{c.close!r}" for c in candles)
        _append(self._candles(asset), CANDLE_HEADER, rows)

    def add_funding(self, asset: Asset, points: Sequence[FundingPoint]) -> None:
        rows = (f"{iso(p.at)},{p.venue},{p.interval_h:g},{p.rate!r}" for p in points)
        _append(self._funding(asset), FUNDING_HEADER, rows)

    def keep_mood(self, days: Sequence[FearGreed]) -> None:
        """Replace the index's days."""
        lines = [MOOD_HEADER, *(f"{point.day:%Y-%m-%d},{point.value}" for point in days)]
        _replace(self._mood, lines)

    def count_before(self, at: datetime) -> int:
        """Count the rows that are older than `at`."""
        return sum(_older(_lines(path)[1:], at) for path in self._files())

    def forget_before(self, at: datetime) -> int:
        """Drop what is older than `at`; return how many rows went."""
        dropped = 0
        for path in self._files():
            header, *rows = _lines(path) or [""]
            older = _older(rows, at)
            if older:
                _replace(path, [header, *rows[older:]])
            dropped += older
        return dropped

    @property
    def size_bytes(self) -> int:
        """What its files take."""
        return sum(path.stat().st_size for path in self._files() if path.is_file())

    def _files(self) -> list[Path]:
        by_asset = [place(asset) for asset in Asset for place in (self._candles, self._funding)]
        return [*by_asset, self._mood]

    @property
    def _mood(self) -> Path:
        return self.folder / "fear_greed_daily.csv"

    def _candles(self, asset: Asset) -> Path:
        return self.folder / f"{asset.lower()}_usd_1h.csv"

    def _funding(self, asset: Asset) -> Path:
        return self.folder / f"{asset.lower()}_funding.csv"


def _lines(path: Path) -> list[str]:
    """Return a file's whole lines; nothing when there is no file."""
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise _refused(path, error) from error
    return text[: text.rfind("\n") + 1].splitlines()


def _older(rows: Sequence[str], at: datetime) -> int:
    """Count the rows at the beginning that are older than a moment; a day is, once it is over."""
    limit, times = iso(at), (row.partition(",")[0] for row in rows)
    return next((place for place, time in enumerate(times) if time >= limit[: len(time)]), len(rows))


def _newest(path: Path) -> datetime | None:
    rows = _lines(path)[1:]
    try:
        return datetime.fromisoformat(rows[-1].partition(",")[0]) if rows else None
    except ValueError as error:
        raise DataRefused(
            f"The last line of {path} does not begin with a time.", hint=f"mv {path} {path}.bad"
        ) from error


def _append(path: Path, header: str, rows: Iterable[str]) -> None:
    """Add rows and bring them to the disk."""
    whole = "".join(f"{line}\n" for line in _lines(path) or [header])
    try:
        with path.open("r+" if path.exists() else "w+", encoding="utf-8") as file:
            if file.read() != whole:
                file.seek(0)
                file.write(whole)
                file.truncate()
            file.writelines(f"{row}\n" for row in rows)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise _refused(path, error) from error


def _replace(path: Path, lines: Iterable[str]) -> None:
    """Write a file whole or not at all."""
    fresh = path.with_name(f".{path.name}.new")
    try:
        with fresh.open("w", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in lines)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError as error:
        raise _refused(path, error) from error


def _refused(path: Path, error: Exception) -> DataRefused:
    return DataRefused(f"{path} cannot be used: {type(error).__name__}.", hint=f"ls -ld {path}")
