"""Recorded history: what models are trained on and judged by."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from bethna_cli.domain.market import Asset, Candle, FearGreed, FundingPoint
from bethna_cli.domain.model import DataFile, Forest, History, Row, Shares, Split, TrainingSet

if TYPE_CHECKING:
    from bethna_cli.domain.backtest import MarketDescription, Sale, Settlement
    from bethna_cli.domain.options import OptionQuote, Term
from bethna_cli.ports.market import FundingFeed, HistoryFeed, OptionsVenue, SentimentFeed, SpotFeed


class HistoryArchive(Protocol):
    """Recorded history of all assets, as known at `until` (aware UTC). Raises DataRefused; repairs are counted."""

    def read(self, until: datetime) -> History: ...


class RecordedMoment(SpotFeed, HistoryFeed, OptionsVenue, FundingFeed, SentimentFeed, Protocol):
    """One recorded moment as all the sources answered then. Nothing it says is of a later time than `at`."""

    @property
    def at(self) -> datetime: ...

    def sale(self, quote: "OptionQuote") -> "Sale | None":
        """Return what selling one contract of a series would have brought; None where it was not listed."""
        ...


class RecordedMarket(Protocol):
    """A market to walk through again, from front to back, with one moment in memory at a time. Raises DataRefused."""

    @property
    def done(self) -> float:
        """The share of the whole that is behind us, 0..1."""
        ...

    def moments(self) -> "Iterator[RecordedMoment]": ...

    def settlement(self, expires_at: datetime) -> "Settlement | None":
        """Return the price at which options of that expiry are settled; None where it was not recorded."""
        ...

    def described(self) -> "MarketDescription":
        """Say what was walked through; complete when `moments` has ended."""
        ...


class Past(Protocol):
    """Past prices, settled funding and mood, a page of at most 1,000 hours per question, oldest first.

    Candles start, and rates were settled, in [first, before) (aware UTC). Raises SourceUnavailable or one of its kinds.
    """

    async def candles(self, asset: Asset, first: datetime, before: datetime) -> Sequence[Candle]: ...

    async def funding(self, asset: Asset, first: datetime, before: datetime) -> Sequence[FundingPoint]: ...

    async def fear_greed(self, days: int) -> Sequence[FearGreed]: ...


class HistoryStore(Protocol):
    """A data folder that grows: what was added is on the disk before the call returns. Raises DataRefused."""

    def newest_candle(self, asset: Asset) -> datetime | None: ...

    def newest_funding(self, asset: Asset) -> datetime | None: ...

    def add_candles(self, asset: Asset, candles: Sequence[Candle]) -> None: ...

    def add_funding(self, asset: Asset, points: Sequence[FundingPoint]) -> None: ...

    def keep_mood(self, days: Sequence[FearGreed]) -> None: ...

    def forget_before(self, at: datetime) -> int: ...


class Trainer(Protocol):
    """Grows random forests. The same data and rows give the same forest, bit for bit.

    `grow` learns from the given rows; `shares` learns from `split.train` and returns the class shares of each row of
    `split.held_out`; `parameters` are JSON values for the model card: settings, seed, versions of the libraries.
    """

    @property
    def parameters(self) -> Mapping[str, object]: ...

    def grow(self, data: TrainingSet, rows: Sequence[int]) -> Forest: ...

    def shares(self, data: TrainingSet, split: Split) -> list[Shares]: ...


class Regressor(Protocol):
    """Grows random forests of numbers. The same rows give the same answers, bit for bit."""

    def expect(self, rows: Sequence[Row], wanted: Sequence[float], asked: Sequence[Row]) -> list[float]:
        """Learn `wanted` from `rows`, and return what is to be expected of the rows that are asked about."""
        ...


class QuotedVolatility(Protocol):
    """Recorded option chains of one asset, as the volatility that their quotes at the money imply."""

    def terms(self) -> "Sequence[tuple[datetime, Term]]":
        """Return moments, oldest first, each with (years to expiry, implied volatility), shortest first.

        Raises DataRefused.
        """
        ...

    def described(self) -> DataFile:
        """Describe the file that was read; complete after `terms`."""
        ...
