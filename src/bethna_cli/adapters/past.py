"""Past prices, funding and mood from the services that also answer for the present: dYdX and alternative.me."""

from datetime import datetime

from bethna_cli.adapters.dydx import DydxClient
from bethna_cli.adapters.sentiment import FearGreedIndex
from bethna_cli.domain.market import Asset, Candle, FearGreed, FundingPoint


class RecordedPast:
    """One page per question. Raises SourceUnavailable or one of its kinds."""

    def __init__(self, perpetuals: DydxClient, index: FearGreedIndex) -> None:
        self._perpetuals = perpetuals
        self._index = index

    async def candles(self, asset: Asset, first: datetime, before: datetime) -> tuple[Candle, ...]:
        """Return the closed hourly candles that start in [first, before), oldest first; at most 1,000 hours."""
        return await self._perpetuals.candle_page(asset, first, before)

    async def funding(self, asset: Asset, first: datetime, before: datetime) -> tuple[FundingPoint, ...]:
        """Return the rates settled in [first, before), oldest first; at most 1,000 hours."""
        return await self._perpetuals.funding_page(asset, first, before)

    async def fear_greed(self, days: int) -> tuple[FearGreed, ...]:
        """Return up to `days` days of the index, oldest first."""
        return await self._index.days(days)
