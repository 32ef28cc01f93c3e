"""Recorded option chains: the last whole one at or before a moment, or all of a span one after the other, strictly.

Files: `deribit_options_{eth,btc}.csv.gz` and, where there is one, `deribit_options_{eth,btc}_intraday.csv.gz`, sorted
by `snapshot_ts`. Prices are in coin; times the row's own `underlying_price` they are USD. Nothing is filled in: an
empty bid or ask is no quote. Refused: snapshots out of order, two different rows for one option, a time without a zone,
a number that is not finite. Repaired and counted: an option repeated word for word is read once.
"""

import csv
import gzip
import hashlib
import math
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from statistics import median
from typing import BinaryIO

from bethna_cli.adapters.sim.world import unix
from bethna_cli.domain.errors import ConfigurationError, DataRefused, NotFound
from bethna_cli.domain.market import Asset

MAX_BYTES = 512 * 1024 * 1024
MAX_LINE = 4096
STAMP_LENGTH = len("2026-05-05T16:54:03Z")
COLUMNS = (
    "type",
    "strike",
    "expiry",
    "underlying_price",
    "index_price",
    "bid",
    "ask",
    "mark",
    "mark_iv",
    "delta",
    "vega",
)


@dataclass(frozen=True, slots=True)
class ChainRow:
    """One recorded option. forward: what coin prices are multiplied with, USD; bid, ask: coin, None without a quote."""

    is_call: bool
    strike: float
    expiry_s: int
    forward_usd: float
    index_usd: float
    bid: float | None
    ask: float | None
    mark: float
    iv: float
    delta: float
    vega: float


@dataclass(frozen=True, slots=True)
class Chain:
    """All options of one asset at one moment."""

    asset: Asset
    at_s: int
    rows: tuple[ChainRow, ...]

    @property
    def index_usd(self) -> float:
        """The median of the index prices that were read along with the options: the spot price of the moment."""
        return median(row.index_usd for row in self.rows)

    @property
    def index_spread_usd(self) -> float:
        """Half the distance between the quartiles of those prices: how far spot moved while the chain was read."""
        ordered = sorted(row.index_usd for row in self.rows)
        return (ordered[len(ordered) * 3 // 4] - ordered[len(ordered) // 4]) / 2


def read_chain(folder: Path, asset: Asset, at: datetime) -> Chain:
    """Return the last recorded chain of `asset` at or before `at` (aware UTC).

    Raises ConfigurationError when there is no file, DataRefused when one is damaged, NotFound when all are later.
    """
    names = (daily_name(asset), f"deribit_options_{asset.lower()}_intraday.csv.gz")
    paths = [path for name in names if (path := folder / name).is_file()]
    if not paths:
        raise _no_chains(folder, asset, "bethna recommend ETH --replay DIR --at 2026-05-05T15:30Z")
    limit = _stamp_of(at)
    found = [(path, *_last_snapshot(path, limit)) for path in paths]
    path, stamp, header, lines = max(found, key=lambda snapshot: snapshot[1])
    if not stamp:
        first = min(_first_stamp(path) for path in paths)
        raise NotFound(f"The first recorded {asset} chain is of {first}, after {limit}.", hint=f"--at {first}")
    return Chain(asset, _unix(path, stamp), _Parser(path, header, Counter()).rows(lines))


class ChainFile:
    """The daily chains of one asset, read from front to back with one of them in memory at a time.

    notes: repairs, by kind, of what was read so far; done: the share of the file that is behind us.
    Raises ConfigurationError when there is no file.
    """

    def __init__(self, folder: Path, asset: Asset) -> None:
        self.path = folder / daily_name(asset)
        if not self.path.is_file():
            raise _no_chains(folder, asset, "bethna backtest --data DIR --modelled")
        self._asset = asset
        self.notes: Counter[str] = Counter()
        self.done = 0.0

    def chains(self, first: datetime, last: datetime) -> Iterator[Chain]:
        """Give the chains from `first` to `last` (aware UTC), oldest first. Raises DataRefused when damaged."""
        self.notes.clear()
        start, end, size = _stamp_of(first), _stamp_of(last), max(1, self.path.stat().st_size)
        with self.path.open("rb") as packed:
            lines = _lines(self.path, packed)
            parser = _Parser(self.path, next(lines, ""), self.notes)
            for stamp, of_one in groupby(_in_order(self.path, lines), key=lambda line: line[:STAMP_LENGTH]):
                if stamp > end:
                    return
                if stamp >= start:
                    self.done = packed.tell() / size
                    yield Chain(self._asset, _unix(self.path, stamp), parser.rows(list(of_one)))

    def sha256(self) -> str:
        """Return the checksum of the file's bytes."""
        with self.path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()


def daily_name(asset: Asset) -> str:
    """Name the file with one chain a day."""
    return f"deribit_options_{asset.lower()}.csv.gz"


def _no_chains(folder: Path, asset: Asset, hint: str) -> ConfigurationError:
    return ConfigurationError(f"There is no {daily_name(asset)} in {folder}.", hint=hint)


def _stamp_of(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _unix(path: Path, stamp: str) -> int:
    try:
        return unix(stamp)
    except ValueError as error:
        raise DataRefused(f"{path.name}: {stamp!a} is not a UTC time like 2026-05-05T16:54:03Z.") from error


def _in_order(path: Path, lines: Iterator[str]) -> Iterator[str]:
    """Pass the lines on. Raises DataRefused when a snapshot is before the one above it."""
    newest = ""
    for line in lines:
        stamp = line[:STAMP_LENGTH]
        if stamp < newest:
            raise DataRefused(f"{path.name}: the snapshot of {stamp!a} is out of order.")
        newest = stamp
        yield line


def _last_snapshot(path: Path, limit: str) -> tuple[str, str, list[str]]:
    """Return the newest stamp up to `limit` ("" when there is none), the file's header, and that stamp's lines."""
    newest, kept = "", list[str]()
    lines = _lines(path)
    header = next(lines, "")
    for line in _in_order(path, lines):
        stamp = line[:STAMP_LENGTH]
        if stamp > limit:
            break
        if stamp > newest:
            newest, kept = stamp, []
        kept.append(line)
    return newest, header, kept


def _first_stamp(path: Path) -> str:
    lines = _lines(path)
    next(lines, "")
    return next(lines, "")[:STAMP_LENGTH]


def _lines(path: Path, packed: BinaryIO | None = None) -> Iterator[str]:
    """Give the lines of a gzipped text one by one, from `packed` where it is open already.

    Raises DataRefused when it is damaged or too large.
    """
    size = 0
    try:
        with gzip.open(packed or path, "rt", encoding="utf-8", newline="") as stream:
            while line := stream.readline(MAX_LINE):
                size += len(line)
                if size > MAX_BYTES or len(line) == MAX_LINE:
                    raise DataRefused(f"{path.name} has a line or a size beyond its bounds.")
                yield line
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise DataRefused(f"{path.name} is not a whole gzip file of UTF-8 text.") from error


class _Parser:
    """Reads the lines of one snapshot into rows; `notes` counts what was repaired."""

    def __init__(self, path: Path, header: str, notes: "Counter[str]") -> None:
        names = next(csv.reader([header]), [])
        missing = [name for name in COLUMNS if name not in names]
        if missing:
            raise DataRefused(f"{path.name} has no column {', '.join(missing)}.")
        self._path, self._width, self._notes = path, len(names), notes
        self._pick = itemgetter(*(names.index(name) for name in COLUMNS))

    def rows(self, lines: list[str]) -> tuple[ChainRow, ...]:
        """Raises DataRefused when a line is not what it should be."""
        found: dict[tuple[bool, float, int], ChainRow] = {}
        try:
            for cells in csv.reader(lines, strict=True):
                if len(cells) != self._width:
                    raise ValueError(f"{len(cells)} cells, not {self._width}")
                row = _row(*self._pick(cells))
                key = (row.is_call, row.strike, row.expiry_s)
                if found.setdefault(key, row) is not row:
                    if found[key] != row:
                        raise ValueError(f"two different rows for {'call' if row.is_call else 'put'} {row.strike:g}")
                    self._notes["repeated_rows_dropped"] += 1
        except (csv.Error, ValueError, OverflowError) as error:
            raise DataRefused(f"{self._path.name}, snapshot {lines[0][:STAMP_LENGTH]}: {error}.") from error
        return tuple(found.values())


def _row(
    kind: str,
    strike: str,
    expiry: str,
    underlying: str,
    index: str,
    bid: str,
    ask: str,
    mark: str,
    iv: str,
    delta: str,
    vega: str,
) -> ChainRow:
    """Read one line's cells, in the order of COLUMNS."""
    if kind not in ("C", "P"):
        raise ValueError("type is neither C nor P")
    bought = _number(bid, "bid") if bid else None
    asked = _number(ask, "ask") if ask else None
    if bought is not None and asked is not None and bought > asked:
        raise ValueError("bid is above ask")
    return ChainRow(
        is_call=kind == "C",
        strike=_positive(strike, "strike"),
        expiry_s=_expiry_s(expiry),
        forward_usd=_positive(underlying, "underlying_price"),
        index_usd=_positive(index, "index_price"),
        bid=bought or None,
        ask=asked or None,
        mark=_number(mark, "mark"),
        iv=_number(iv, "mark_iv"),
        delta=_number(delta, "delta", lowest=-1.5),
        vega=_number(vega, "vega"),
    )


@lru_cache(maxsize=4096)
def _expiry_s(text: str) -> int:
    return unix(text)


def _positive(text: str, name: str) -> float:
    value = _number(text, name)
    if value == 0.0:
        raise ValueError(f"{name} is not positive")
    return value


def _number(text: str, name: str, lowest: float = 0.0) -> float:
    value = float(text)
    if not lowest <= value < math.inf:
        raise ValueError(f"{name} is out of range")
    return value
