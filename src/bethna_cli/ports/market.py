"""The market's sources, and the clock they share."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from bethna_cli.domain.market import Asset, Funding, OptionBoard, PriceHistory, Sentiment, SpotPrice

if TYPE_CHECKING:
    pass


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
