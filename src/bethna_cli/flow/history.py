"""Looking back: what was gained and lost, beside what the same money would have made in a coin.

Prices come from the market's own recorded hours; where one is missing the comparison is left out, never guessed.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from bethna_cli.domain.errors import OutsideError, UnknownAsset
from bethna_cli.domain.market import Asset, PriceHistory
from bethna_cli.domain.position import Position
from bethna_cli.domain.report import Gain, Period, Report
from bethna_cli.ports import Clock, HistoryFeed
from bethna_cli.risk.report import gains_of, report

HOUR = timedelta(hours=1)
MOST_HOURS = 61 * 24
"""How far back the price sources are asked; what was bought before that has no comparison."""

MARGIN_HOURS = 3


def gains(positions: Sequence[Position]) -> list[Gain]:
    """List what was sold or paid out, in the order in which it was."""
    return gains_of(positions)


async def look_back(
    positions: Sequence[Position], period: Period, feeds: Sequence[HistoryFeed], clock: Clock
) -> Report:
    """Add up what was gained and lost, with the coins' prices where they are to be had."""
    sold = [one for one in positions if one.exits]
    prices: dict[Asset, PriceHistory] = {}
    if sold:
        span = clock.now() - min(one.opened_at for one in sold)
        hours = min(MOST_HOURS, int(span / HOUR) + MARGIN_HOURS)
        prices = {asset: found for asset in Asset if (found := await _prices(feeds, asset, hours)) is not None}
    return report(positions, period, lambda asset, at: price_at(prices, asset, at))


async def _prices(feeds: Sequence[HistoryFeed], asset: Asset, hours: int) -> PriceHistory | None:
    for feed in feeds:
        try:
            return await feed.history(asset, hours)
        except (OutsideError, UnknownAsset):
            continue
    return None


def price_at(prices: Mapping[Asset, PriceHistory], asset: Asset, at: datetime) -> float | None:
    """Return the price at the beginning of the hour a moment is in; for the hour that runs, the last close."""
    history = prices.get(asset)
    if history is None:
        return None
    candles = history.candles
    place = bisect_right(candles, at, key=lambda candle: candle.starts_at) - 1
    if place < 0:
        return None
    candle = candles[place]
    if at < candle.starts_at + HOUR:
        return candle.open
    return candle.close if at < candle.starts_at + 2 * HOUR else None
