"""Recorded history to walk through: every source as it answered at the moments of the daily option chains.

The feeds answer from memory and not by way of the wire, which would take minutes; a test holds the quotes to those that
the venue's client reads from a replay. Each answer is cut at its moment: candles that had closed, funding that was
settled, mood that was published. Sizes were not recorded: see `sim.replay_orders`.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from bethna_cli.adapters.history_files import read_candles, read_fear_greed, read_funding
from bethna_cli.adapters.sim.replay import candle_sources
from bethna_cli.adapters.sim.replay_chain import Chain, ChainFile, ChainRow
from bethna_cli.adapters.sim.replay_orders import ASSUMED_CAP, SeriesKey, by_series, recorded_quotes, recorded_sale
from bethna_cli.domain.backtest import MarketDescription, Sale, Settlement
from bethna_cli.domain.errors import ConfigurationError, DataRefused, SourceUnavailable
from bethna_cli.domain.market import (
    Asset,
    Candle,
    FearGreed,
    Funding,
    FundingPoint,
    OptionBoard,
    Origin,
    PriceHistory,
    Provenance,
    Sentiment,
    SpotPrice,
)
from bethna_cli.domain.model import DataFile
from bethna_cli.domain.options import OptionQuote
from bethna_cli.domain.units import from_unix

HOUR = timedelta(hours=1)
SETTLEMENT_SLACK_H = 3
"""How old the last close before an expiry may be to settle by; such settlements are counted."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Past:
    """One asset's candles, funding and mood, with the times from which each was known; cut at a moment on request."""

    candles: Sequence[Candle]
    closed_at: Sequence[datetime]
    funding: Sequence[FundingPoint]
    settled_at: Sequence[datetime]
    mood: Sequence[FearGreed]
    published_at: Sequence[datetime]
    files: Sequence[DataFile]
    sources: str

    @classmethod
    def read(cls, folder: Path, asset: Asset, until: datetime) -> "Past":
        """Read what was known by `until`; funding and mood may be absent. Raises DataRefused, ConfigurationError."""
        candle_path = _find(folder, f"{asset.lower()}_usd_1h.csv")
        if candle_path is None:
            raise ConfigurationError(
                f"There is no {asset.lower()}_usd_1h.csv.gz in {folder}.",
                hint="bethna backtest --data DIR --candles DIR2",
            )
        candles, candle_file = read_candles(candle_path, until)
        funding_path = _find(folder, f"{asset.lower()}_funding.csv")
        funding, *funding_file = read_funding(funding_path, until) if funding_path else ((),)
        mood_path = _find(folder, "fear_greed_daily.csv")
        mood, *mood_file = read_fear_greed(mood_path, until) if mood_path else ((),)
        settled = sorted(funding, key=lambda point: point.at)
        return cls(
            candles,
            [candle.starts_at + HOUR for candle in candles],
            settled,
            [point.at for point in settled],
            mood,
            [day.day for day in mood],
            (candle_file, *funding_file, *mood_file),
            candle_sources(candle_path, len(candles)),
        )

    def candles_at(self, at: datetime, hours: int) -> tuple[Candle, ...]:
        """Return the closed candles of the last `hours` before `at`'s running hour, oldest first."""
        running = at.replace(minute=0, second=0, microsecond=0)
        return tuple(_between(self.candles, self.closed_at, running - (hours - 1) * HOUR, at))

    def funding_at(self, at: datetime, days: int) -> tuple[FundingPoint, ...]:
        return tuple(_between(self.funding, self.settled_at, at - timedelta(days=days), at))

    def mood_at(self, at: datetime, days: int) -> tuple[FearGreed, ...]:
        return tuple(_between(self.mood, self.published_at, at - timedelta(days=days), at))

    def reaches(self, at: datetime) -> bool:
        """Say whether there are candles before `at`, and some not long before it."""
        place = bisect_right(self.closed_at, at) - 1
        return place >= 0 and at - self.closed_at[place] <= SETTLEMENT_SLACK_H * HOUR

    def close_at(self, at: datetime) -> Settlement | None:
        """Return the last close at or before `at`, at most SETTLEMENT_SLACK_H older."""
        if not self.reaches(at):
            return None
        place = bisect_right(self.closed_at, at) - 1
        return Settlement(self.candles[place].close, int((at - self.closed_at[place]) / HOUR))


def _between(rows: Sequence[T], known_at: Sequence[datetime], first: datetime, last: datetime) -> Sequence[T]:
    """Return the rows that became known from `first` to `last`."""
    end = bisect_right(known_at, last)
    start = end
    while start > 0 and known_at[start - 1] >= first:
        start -= 1
    return rows[start:end]


def _find(folder: Path, name: str) -> Path | None:
    return next((path for path in (folder / f"{name}.gz", folder / name) if path.is_file()), None)


class PastMoment:
    """The sources of one moment that need no option chain."""

    def __init__(self, asset: Asset, at: datetime, past: Past) -> None:
        self.asset, self.at = asset, at
        self.name = "recorded"
        self._past = past

    async def history(self, asset: Asset, hours: int) -> PriceHistory:
        return PriceHistory(asset, self._past.candles_at(self.at, hours), self._said(self._past.sources))

    async def funding(self, asset: Asset, days: int) -> Funding:
        """Return the settled rates, each with its own interval; the next rate is the last settled one."""
        points = self._past.funding_at(self.at, days)
        if not points:
            raise SourceUnavailable(self.name, "no funding was recorded then")
        last = points[-1]
        next_rate = Decimal(repr(last.rate / last.interval_h))
        return Funding(asset, next_rate, None, points, self._said(last.venue))

    async def sentiment(self, asset: Asset, days: int) -> Sentiment:
        mood = self._past.mood_at(self.at, days)
        if not mood:
            raise SourceUnavailable(self.name, "no mood was recorded then")
        return Sentiment(asset, mood, None, self._said("alternative.me Fear & Greed"))

    def _said(self, source: str) -> Provenance:
        return Provenance(source, self.at, Origin.REPLAY)


class ChainMoment(PastMoment):
    """One moment of a recorded chain: what it asked and bid, and what else was known then."""

    def __init__(self, chain: Chain, past: Past) -> None:
        super().__init__(chain.asset, from_unix(chain.at_s), past)
        self._chain = chain

    async def spot(self, asset: Asset) -> SpotPrice:
        """Return the median of the index prices recorded with the chain; band: half their interquartile range."""
        value, band = (Decimal(str(round(usd, 8))) for usd in (self._chain.index_usd, self._chain.index_spread_usd))
        return SpotPrice(asset, value, band, self._said("deribit index"))

    async def board(self, asset: Asset) -> OptionBoard:
        return OptionBoard(asset, recorded_quotes(self._chain), {}, self._said("deribit"), ASSUMED_CAP)

    def sale(self, quote: OptionQuote) -> Sale | None:
        return recorded_sale(self._rows, quote)

    @cached_property
    def _rows(self) -> Mapping[SeriesKey, ChainRow]:
        return by_series(self._chain)


class RecordedChains:
    """The daily chains of `folder`, and candles, funding and mood of `period`, from `first` to `last` (aware UTC).

    Raises ConfigurationError when a file is missing, DataRefused when one is damaged or has nothing in that span.
    """

    def __init__(self, folder: Path, period: Path, asset: Asset, first: datetime, last: datetime) -> None:
        self._file = ChainFile(folder, asset)
        self._span = first, last
        self._past = Past.read(period, asset, last)
        self._read: DataFile | None = None
        self._days_without = self._beyond_candles = 0

    @property
    def done(self) -> float:
        return self._file.done

    def moments(self) -> Iterator[ChainMoment]:
        rows, days, edges = 0, 0, list[datetime]()
        self._beyond_candles = 0
        for chain in self._file.chains(*self._span):
            moment = ChainMoment(chain, self._past)
            rows += len(chain.rows)
            self._beyond_candles += not self._past.reaches(moment.at)
            days += not edges or moment.at.date() != edges[-1].date()
            edges = [*edges[:1], moment.at]
            yield moment
        if not edges:
            first, last = (at.strftime("%Y-%m-%d") for at in self._span)
            raise DataRefused(f"{self._file.path.name} has no chain from {first} to {last}.", hint="bethna backtest -h")
        self._days_without = (edges[-1].date() - edges[0].date()).days + 1 - days
        name, digest = self._file.path.name, self._file.sha256()
        self._read = DataFile(name, digest, rows, edges[0], edges[-1], dict(self._file.notes))

    def settlement(self, expires_at: datetime) -> Settlement | None:
        return self._past.close_at(expires_at)

    def described(self) -> MarketDescription:
        files = (*([self._read] if self._read else []), *self._past.files)
        counted = Counter({"days_without_chain": self._days_without, "chains_beyond_candles": self._beyond_candles})
        for file in files:
            counted.update(file.notes)
        return MarketDescription(
            pricing="bought at the recorded ask, sold at the recorded bid (Deribit, in USD by the row's forward); "
            + ASSUMED_CAP,
            settlement=f"close of the hourly candle that ends at the expiry ({self._past.sources})",
            modelled=False,
            files=files,
            counted={name: count for name, count in sorted(counted.items()) if count},
        )
