"""Recorded option chains: finds the last whole chain at or before a moment, and reads only that one, strictly.

Files: `deribit_options_{eth,btc}.csv.gz` and, where there is one, `deribit_options_{eth,btc}_intraday.csv.gz`, sorted
by `snapshot_ts`. Prices are in coin; times the row's own `underlying_price` they are USD. Nothing is filled in: an
empty bid or ask is no quote.
"""

import csv
import gzip
import math
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from bethna_cli.adapters.sim.world import unix
from bethna_cli.domain.errors import ConfigurationError, DataRefused, NotFound
from bethna_cli.domain.market import Asset

MAX_BYTES = 512 * 1024 * 1024
MAX_LINE = 4096
STAMP_LENGTH = len("2026-05-05T16:54:03Z")
COLUMNS = ("snapshot_ts", "type", "strike", "expiry", "underlying_price", "index_price", "bid", "ask", "mark")
GREEKS = ("mark_iv", "delta", "vega")


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
    names = (f"deribit_options_{asset.lower()}.csv.gz", f"deribit_options_{asset.lower()}_intraday.csv.gz")
    paths = [path for name in names if (path := folder / name).is_file()]
    if not paths:
        raise ConfigurationError(
            f"There is no {names[0]} in {folder}.", hint="bethna recommend ETH --replay DIR --at 2026-05-05T15:30Z"
        )
    limit = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    found = [(path, *_last_snapshot(path, limit)) for path in paths]
    path, stamp, header, lines = max(found, key=lambda snapshot: snapshot[1])
    if not stamp:
        first = min(_first_stamp(path) for path in paths)
        raise NotFound(f"The first recorded {asset} chain is of {first}, after {limit}.", hint=f"--at {first}")
    return Chain(asset, unix(stamp), tuple(_rows(path, header, lines)))


def _last_snapshot(path: Path, limit: str) -> tuple[str, str, list[str]]:
    """Return the newest stamp up to `limit` ("" when there is none), the file's header, and that stamp's lines."""
    newest, kept = "", list[str]()
    lines = _lines(path)
    header = next(lines, "")
    for line in lines:
        stamp = line[:STAMP_LENGTH]
        if stamp == newest:
            kept.append(line)
        elif stamp > limit:
            break
        elif stamp > newest:
            newest, kept = stamp, [line]
        else:
            raise DataRefused(f"{path.name}: the snapshot of {stamp!r} is out of order.")
    return newest, header, kept


def _first_stamp(path: Path) -> str:
    lines = _lines(path)
    next(lines, "")
    return next(lines, "")[:STAMP_LENGTH]


def _lines(path: Path) -> Iterator[str]:
    """Give the lines of a gzipped text one by one. Raises DataRefused when it is damaged or too large."""
    size = 0
    try:
        with gzip.open(path, "rt", encoding="utf-8", newline="") as stream:
            while line := stream.readline(MAX_LINE):
                size += len(line)
                if size > MAX_BYTES or len(line) == MAX_LINE:
                    raise DataRefused(f"{path.name} has a line or a size beyond its bounds.")
                yield line
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise DataRefused(f"{path.name} is not a whole gzip file of UTF-8 text.") from error


def _rows(path: Path, header: str, lines: list[str]) -> Iterator[ChainRow]:
    try:
        reader = csv.DictReader([header, *lines], strict=True)
        missing = [name for name in (*COLUMNS, *GREEKS) if name not in (reader.fieldnames or ())]
        if missing:
            raise DataRefused(f"{path.name} has no column {', '.join(missing)}.")
        for cells in reader:
            yield _row(cells)
    except (csv.Error, ValueError, TypeError) as error:
        raise DataRefused(f"{path.name}, snapshot {lines[0][:STAMP_LENGTH]}: {error}.") from error


def _row(cells: dict[str, str]) -> ChainRow:
    if cells["type"] not in ("C", "P"):
        raise ValueError("type is neither C nor P")
    bid, ask = (_number(cells, name, lowest=0.0) if cells[name] else None for name in ("bid", "ask"))
    if bid is not None and ask is not None and bid > ask:
        raise ValueError("bid is above ask")
    return ChainRow(
        is_call=cells["type"] == "C",
        strike=_positive(cells, "strike"),
        expiry_s=unix(cells["expiry"]),
        forward_usd=_positive(cells, "underlying_price"),
        index_usd=_positive(cells, "index_price"),
        bid=bid or None,
        ask=ask or None,
        mark=_number(cells, "mark", lowest=0.0),
        iv=_number(cells, "mark_iv", lowest=0.0),
        delta=_number(cells, "delta", lowest=-1.5),
        vega=_number(cells, "vega", lowest=0.0),
    )


def _positive(cells: dict[str, str], name: str) -> float:
    value = _number(cells, name, lowest=0.0)
    if value == 0.0:
        raise ValueError(f"{name} is not positive")
    return value


def _number(cells: dict[str, str], name: str, *, lowest: float) -> float:
    value = float(cells[name])
    if not math.isfinite(value) or value < lowest:
        raise ValueError(f"{name} is out of range")
    return value
