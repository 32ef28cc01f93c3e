"""What bethna needs from outside, as Protocols. A Protocol's docstring is its contract.

Every method raises a `BethnaError` subclass when it cannot answer; none answers with an invented or stale number,
an empty list for an outage, or an exception of the library underneath.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from bethna_cli.domain.market import (
    Asset,
    Funding,
    MarketSnapshot,
    OptionBoard,
    PriceHistory,
    Sentiment,
    SpotPrice,
)
from bethna_cli.domain.model import Forest, History, Shares, Split, TrainingSet


class Clock(Protocol):
    """The one clock of market, blocks and deadlines. Aware UTC."""

    def now(self) -> datetime: ...


class SpotFeed(Protocol):
    """One source's spot price in USD, under its own name; as old as the source says, never adjusted."""

    @property
    def name(self) -> str: ...

    async def spot(self, asset: Asset) -> SpotPrice: ...


class HistoryFeed(Protocol):
    """One source's hourly candles: the closed ones among the last `hours`, oldest first, gaps left as gaps."""

    @property
    def name(self) -> str: ...

    async def history(self, asset: Asset, hours: int) -> PriceHistory: ...


class PriceStream(Protocol):
    """Spot prices as they come, until the caller stops; reconnects by itself, raises when it cannot."""

    def stream(self, asset: Asset) -> AsyncIterator[SpotPrice]: ...


class OptionsVenue(Protocol):
    """Quotes that can be bought: asks, unexpired, known payoff, USDC collateral, cash-settled. The rest is counted."""

    async def board(self, asset: Asset) -> OptionBoard: ...


class FundingFeed(Protocol):
    """Perpetual funding: predicted hourly rate and `days` of settled history."""

    async def funding(self, asset: Asset, days: int) -> Funding: ...


class SentimentFeed(Protocol):
    """The mood: `days` of Fear & Greed, and posts where a source is set up."""

    async def sentiment(self, asset: Asset, days: int) -> Sentiment: ...


class HistoryArchive(Protocol):
    """Recorded history of all assets, as known at `until` (aware UTC). Raises DataRefused; repairs are counted."""

    def read(self, until: datetime) -> History: ...


class Trainer(Protocol):
    """Grows random forests. The same data and rows give the same forest, bit for bit.

    `grow` learns from the given rows; `shares` learns from `split.train` and returns the class shares of each row of
    `split.held_out`; `parameters` are JSON values for the model card: settings, seed, versions of the libraries.
    """

    @property
    def parameters(self) -> Mapping[str, object]: ...

    def grow(self, data: TrainingSet, rows: Sequence[int]) -> Forest: ...

    def shares(self, data: TrainingSet, split: Split) -> list[Shares]: ...


class Ledger(Protocol):
    """What is remembered. Documents are JSON objects as shown to scripts, keyed by their id."""

    def add_snapshot(self, snapshot: MarketSnapshot) -> None: ...

    def add_recommendation(self, recommendation_id: str, at: datetime, document: Mapping[str, object]) -> None: ...

    def recommendation(self, prefix: str) -> Mapping[str, object]: ...
