"""What bethna needs from outside, as Protocols. A Protocol's docstring is its contract.

Every method raises a `BethnaError` subclass when it cannot answer; none answers with an invented or stale number,
an empty list for an outage, or an exception of the library underneath.
"""

from collections.abc import AsyncIterator, Mapping
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


class Ledger(Protocol):
    """What is remembered. Documents are JSON objects as shown to scripts, keyed by their id."""

    def add_snapshot(self, snapshot: MarketSnapshot) -> None: ...

    def add_recommendation(self, recommendation_id: str, at: datetime, document: Mapping[str, object]) -> None: ...

    def recommendation(self, prefix: str) -> Mapping[str, object]: ...
