"""Recorded history as a world: the same questions, answered from files, at the moment of a real option chain.

The clock stands at the snapshot of the last chain at or before the wished moment, so that spot and quotes are of one
time. Nothing after it is read: candles that had closed, funding that was settled, mood that was published by then. Each
asset has snapshots of its own; the asked one sets the clock. Recorded quotes carry no signature and cannot be bought.
"""

import csv
import gzip
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path

from bethna_cli.adapters.clocks import FixedClock
from bethna_cli.adapters.history_files import read_candles, read_fear_greed, read_funding
from bethna_cli.adapters.sim.market import merged
from bethna_cli.adapters.sim.replay_chain import Chain, read_chain
from bethna_cli.adapters.sim.replay_orders import ASSUMED_CAP, QUOTE_LIFE_S, recorded_orders, recorded_reference
from bethna_cli.adapters.sim.world import (
    DAY_S,
    HOUR_S,
    Bar,
    Board,
    Mood,
    Perpetual,
    Post,
    ReferencePrice,
    SettledFunding,
    SignedOrder,
    Tick,
)
from bethna_cli.domain.errors import ConfigurationError, DataRefused
from bethna_cli.domain.market import Asset, Candle, FundingPoint, Origin
from bethna_cli.domain.units import from_unix
from bethna_cli.domain.venue import BASE_R12, VenueAddresses

PERIOD_FOLDER = "replay_2026"
FUNDING_LIFE_S = 8 * HOUR_S
UNSIGNED = "0x"

PARTS_OF_SERVICE = {
    "hermes": ("spot", "history"),
    "dydx": ("funding", "history"),
    "thetanuts": ("options",),
    "fng": ("sentiment",),
}


@dataclass(frozen=True, slots=True)
class Recording:
    """What was recorded about one asset up to the moment."""

    chain: Chain
    bars: Mapping[int, Bar]
    bars_from: str
    funding: tuple[FundingPoint, ...]


class ReplayWorld:
    """Recorded history at one moment. `clock` stands still."""

    origin = Origin.REPLAY

    def __init__(
        self, clock: FixedClock, recordings: Mapping[Asset, Recording], mood: Sequence[Mood], venue: VenueAddresses
    ) -> None:
        self.clock = clock
        self._recordings = recordings
        self._mood = mood
        self._venue = venue

    @classmethod
    def open(
        cls,
        folder: Path,
        asset: Asset,
        at: datetime,
        *,
        beside: Sequence[Asset] = (),
        venue: VenueAddresses = BASE_R12,
    ) -> "ReplayWorld":
        """Read the last chain of `asset` at or before `at`, and what was known then.

        `beside` names further assets, with their own last chains before that moment. Raises ConfigurationError
        (DataRefused) when files are missing or damaged, NotFound when `at` is before the first chain.
        """
        chain = read_chain(folder, asset, at)
        clock = FixedClock(from_unix(chain.at_s))
        chains = {asset: chain, **{other: read_chain(folder, other, clock.at) for other in beside if other != asset}}
        period = folder / PERIOD_FOLDER
        recordings = {
            name: Recording(found, *_bars(period, name, clock.at), funding=_funding(period, name, clock.at))
            for name, found in chains.items()
        }
        mood, _ = read_fear_greed(_file(period, "fear_greed_daily.csv"), clock.at)
        newest_first = [Mood(int(day.day.timestamp()), day.value) for day in reversed(mood)]
        return cls(clock, recordings, newest_first, venue)

    @property
    def remarks(self) -> Mapping[str, str]:
        """Return what stands behind the figures of each part of a snapshot, in words."""
        recording = next(iter(self._recordings.values()))
        last = recording.funding[-1]
        return {
            "spot": "median of the index prices recorded with the chain; band: half their interquartile range",
            "options": "quotes recorded on Deribit, in USD by their forward; its calls pay without a cap; spreads are "
            "near ask less far bid",
            "funding": f"recorded {last.interval_h:g}-hour rates of {last.venue}, per hour; the next rate is the last "
            "settled one",
            "history": f"recorded candles of {recording.bars_from}, without volume",
            "sentiment": "recorded index of alternative.me",
        }

    @property
    def notes(self) -> Mapping[str, str]:
        """Return the remarks by service."""
        remarks = self.remarks
        return {
            service: "; ".join(f"{part}: {remarks[part]}" for part in parts)
            for service, parts in PARTS_OF_SERVICE.items()
        }

    @property
    def assets(self) -> tuple[Asset, ...]:
        """Return the assets that were read."""
        return tuple(self._recordings)

    def now(self) -> datetime:
        """Return the moment of the asked asset's chain."""
        return self.clock.now()

    def indexed_s(self) -> int:
        """Return the newest settlement when the funding record has ended before now, else now."""
        newest = min(int(recording.funding[-1].at.timestamp()) for recording in self._recordings.values())
        now_s = self._now_s()
        return now_s if now_s - newest <= FUNDING_LIFE_S + HOUR_S else newest

    def latest(self, asset: Asset) -> Tick | None:
        """Return the spot price of the chain's moment."""
        chain = self._recordings[asset].chain
        return Tick(chain.at_s, chain.index_usd, chain.index_spread_usd, self._hour_average(asset))

    def tick(self, asset: Asset, at_s: int) -> Tick | None:
        """Return the close of the first candle that ended at or after `at_s`, or the spot price of the chain."""
        newest = self.latest(asset)
        if newest is None or at_s > newest.at_s:
            return None
        bar = self._recordings[asset].bars.get(-(-at_s // HOUR_S) * HOUR_S - HOUR_S)
        if bar is None:
            return newest if newest.at_s - at_s < HOUR_S else None
        return Tick(bar.starts_s + HOUR_S, bar.close, (bar.high - bar.low) / 2, (bar.open + bar.close) / 2)

    def bars(self, asset: Asset, start_s: int, end_s: int, resolution_s: int) -> list[Bar]:
        """Return closed candles; nothing below an hour was recorded. Gaps stay gaps."""
        if resolution_s < HOUR_S:
            return []
        start_s = -(-start_s // resolution_s) * resolution_s
        hours = self._recordings[asset].bars
        first = max(start_s, min(hours, default=start_s) // resolution_s * resolution_s)
        last = min(end_s, self._now_s() + 1)
        found: list[Bar] = []
        for starts_s in range(first, last, resolution_s):
            parts = [hours[hour] for hour in range(starts_s, starts_s + resolution_s, HOUR_S) if hour in hours]
            if parts:
                found.append(merged(starts_s, parts))
        return found

    def perpetual(self, asset: Asset) -> Perpetual | None:
        """Return what is known of the perpetual: the index, and the last settled rate as the next one.

        None where the asset's last chain is older than the clock: its index is not a price of now.
        """
        recording = self._recordings[asset]
        if not self._is_current(recording.chain):
            return None
        spot = recording.chain.index_usd
        day_ago = recording.bars.get(self._now_s() // HOUR_S * HOUR_S - DAY_S)
        last = recording.funding[-1]
        return Perpetual(
            oracle_usd=spot,
            change_24h_usd=None if day_ago is None else spot - day_ago.open,
            volume_24h_usd=None,
            next_rate_1h=last.rate / last.interval_h,
            open_interest_coin=None,
            premium=None,
        )

    def settled_funding(self, asset: Asset, until_s: int, limit: int) -> list[SettledFunding]:
        """Return the recorded settlements, per hour, newest first."""
        return list(self._settlements(asset, until_s))[:limit]

    def fear_greed(self, days: int) -> list[Mood]:
        """Return the recorded index, newest first; 0 days is all of it."""
        return list(self._mood[: days or None])

    def posts(self, _start_s: int, _end_s: int, /) -> list[Post] | None:
        """Return None: posts were not recorded."""
        return None

    def board(self) -> Board:
        """Return the recorded asks and bids as orders, and spreads made of two of them."""
        chains = [recording.chain for recording in self._recordings.values()]
        orders = (order for chain in chains for order in recorded_orders(chain, self._venue))
        return Board(
            rows=tuple(SignedOrder(order, nonce, UNSIGNED) for nonce, order in enumerate(orders)),
            written_s=self._now_s(),
            volatility={},
            assumed_cap=ASSUMED_CAP,
        )

    def reference(self, asset: Asset) -> list[ReferencePrice]:
        """Return the recorded chain itself: fractions of the underlying; nothing where it is older than the clock."""
        chain = self._recordings[asset].chain
        return recorded_reference(chain) if self._is_current(chain) else []

    def _is_current(self, chain: Chain) -> bool:
        """Say whether a chain is of the clock's moment; assets beside the asked one may have older ones."""
        return self._now_s() - chain.at_s <= QUOTE_LIFE_S

    def _now_s(self) -> int:
        return int(self.now().timestamp())

    def _hour_average(self, asset: Asset) -> float:
        """Return the middle of the last closed hour, the nearest thing to an hourly average that was recorded."""
        recording = self._recordings[asset]
        bar = recording.bars.get(recording.chain.at_s // HOUR_S * HOUR_S - HOUR_S)
        return recording.chain.index_usd if bar is None else (bar.open + bar.close) / 2

    def _settlements(self, asset: Asset, until_s: int) -> Iterator[SettledFunding]:
        recording = self._recordings[asset]
        for point in reversed(recording.funding):
            at_s = int(point.at.timestamp())
            if at_s <= until_s:
                bar = recording.bars.get(at_s - HOUR_S)
                yield SettledFunding(at_s, point.rate / point.interval_h, None if bar is None else bar.close)


def _bars(folder: Path, asset: Asset, at: datetime) -> tuple[dict[int, Bar], str]:
    """Return the candles that had closed by `at`, and where they are from, in words."""
    path = _file(folder, f"{asset.lower()}_usd_1h.csv")
    candles, _ = read_candles(path, at)
    return {bar.starts_s: bar for bar in map(_bar, candles)}, candle_sources(path, len(candles))


def candle_sources(path: Path, rows: int) -> str:
    """Name the venues in the `source` column of the first `rows` rows, and from when on each later one."""
    raw = path.read_bytes()
    text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf-8-sig")
    seen: list[tuple[str, str]] = []
    for cells in islice(csv.DictReader(io.StringIO(text)), rows):
        source = cells.get("source") or "an unnamed source"
        if not source.replace(" ", "_").isidentifier():
            raise DataRefused(f"{path.name}: the source at {cells['ts'][:20]} is not a name.")
        if not seen or seen[-1][0] != source:
            seen.append((source, cells["ts"]))
    first, *later = seen
    return ", ".join([first[0], *(f"from {since} on {source}" for source, since in later)])


def _bar(candle: Candle) -> Bar:
    return Bar(int(candle.starts_at.timestamp()), candle.open, candle.high, candle.low, candle.close, volume_coin=0.0)


def _funding(folder: Path, asset: Asset, at: datetime) -> tuple[FundingPoint, ...]:
    points, _ = read_funding(_file(folder, f"{asset.lower()}_funding.csv"), at)
    return points


def _file(folder: Path, name: str) -> Path:
    for path in (folder / f"{name}.gz", folder / name):
        if path.is_file():
            return path
    raise ConfigurationError(f"There is no {name} in {folder}.", hint="a replay needs candles, funding and mood there")
