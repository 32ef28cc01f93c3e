"""A small recording laid out as the real one: seeded candles, funding, mood, and daily chains priced by Black-76."""

import csv
import gzip
import io
import math
import random
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

from bethna_cli.options import black

CHAIN_COLUMNS = (
    *("snapshot_ts", "instrument", "type", "strike", "expiry", "underlying_index", "underlying_price", "index_price"),
    *("bid", "ask", "mark", "mark_iv", "delta", "vega", "open_interest", "volume_24h"),
)
FIRST_DAY = datetime(2026, 3, 1, tzinfo=UTC)
HISTORY_DAYS = 64
STRIKES = range(1600, 2500, 50)
HOUR = timedelta(hours=1)

Cells = list[object]


@dataclass(frozen=True)
class Recording:
    """Where it lies, and the days of its chains."""

    folder: Path
    days: int

    @property
    def period(self) -> Path:
        return self.folder / "replay_2026"

    @property
    def moments(self) -> list[datetime]:
        return [FIRST_DAY + timedelta(days=day, hours=15, minutes=30) for day in range(self.days)]

    def rows(self, name: str) -> list[list[str]]:
        """Read a file's cells, the header first."""
        return list(csv.reader(io.StringIO(gzip.decompress((self.folder / name).read_bytes()).decode())))

    def change(self, name: str, edit: Callable[[list[list[str]]], Iterable[Sequence[object]]]) -> None:
        """Write a file again with its rows (not the header) edited."""
        header, *rows = self.rows(name)
        write(self.folder / name, header, edit(rows))


CHAINS = "deribit_options_eth.csv.gz"
CANDLES = "replay_2026/eth_usd_1h.csv.gz"
FUNDING = "replay_2026/eth_funding.csv.gz"
MOOD = "replay_2026/fear_greed_daily.csv.gz"


def copied(made: Recording, folder: Path) -> Recording:
    """Copy a recording to a new folder, to be changed there."""
    return replace(made, folder=Path(shutil.copytree(made.folder, folder)))


def recording(folder: Path, days: int = 6, iv: float = 0.6, seed: int = 1) -> Recording:
    """Write a recording; iv: at which all options are priced. The price itself moves at about 60 % a year."""
    made = Recording(folder, days)
    made.period.mkdir(parents=True)
    chance = random.Random(seed)
    begin = FIRST_DAY - timedelta(days=HISTORY_DAYS)
    closes = _walk(chance, 24 * (HISTORY_DAYS + days + 1))
    candles = [_candle(begin + n * HOUR, before, after) for n, (before, after) in enumerate(pairwise(closes))]
    write(folder / CANDLES, ["ts", "open", "high", "low", "close", "volume", "source"], candles)
    funding = [
        [stamp(begin + 8 * n * HOUR), "binance", 8, chance.uniform(-1e-4, 2e-4)] for n in range(len(closes) // 8)
    ]
    write(folder / FUNDING, ["ts", "venue", "interval_h", "rate"], funding)
    mood = [[f"{begin + n * 24 * HOUR:%Y-%m-%d}", chance.randint(10, 90)] for n in range(len(closes) // 24)]
    write(folder / MOOD, ["date", "value"], mood)
    chains: list[Cells] = []
    for at in made.moments:
        spot = closes[int((at - begin) / HOUR) + 1]
        chains += _chain(at, spot, iv)
    write(folder / CHAINS, CHAIN_COLUMNS, chains)
    return made


def _walk(chance: random.Random, hours: int) -> list[float]:
    closes = [2000.0]
    for _ in range(hours):
        closes.append(round(closes[-1] * math.exp(chance.gauss(0, 0.6 / math.sqrt(8760))), 2))
    return closes


def _candle(at: datetime, before: float, after: float) -> Cells:
    high, low = round(max(before, after) + 1, 2), round(min(before, after) - 1, 2)
    return [stamp(at), before, high, low, after, 5, "binance_spot"]


def _chain(at: datetime, spot: float, iv: float) -> list[Cells]:
    """One snapshot: every strike, two expiries, asked and bid two points around the volatility."""
    rows: list[Cells] = []
    for expiry in (_friday(at + timedelta(days=3)), _friday(at + timedelta(days=10))):
        years = (expiry - at).total_seconds() / black.SECONDS_PER_YEAR
        for strike in STRIKES:
            for kind in "CP":
                bid, mark, ask = (
                    round(black.price(spot, strike, years, iv + step, kind == "C") / spot, 6)
                    for step in (-0.02, 0.0, 0.02)
                )
                greeks = black.greeks(spot, strike, years, iv, kind == "C")
                name = f"ETH-{expiry:%d%b%y}-{strike}-{kind}".upper()
                quoted = [bid or "", ask or "", mark, iv, round(greeks.delta, 5), round(greeks.vega, 5)]
                rows.append([stamp(at), name, kind, strike, stamp(expiry), "SYN", spot, spot, *quoted, 1, 1])
    return rows


def _friday(after: datetime) -> datetime:
    """The first Friday 08:00 at or after a moment."""
    day = after.replace(hour=8, minute=0) + timedelta(days=1)
    return day + timedelta(days=(4 - day.weekday()) % 7)


def write(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([columns, *rows])
    path.write_bytes(gzip.compress(text.getvalue().encode(), mtime=0))


def stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
