"""Hourly candles from any source: checked, in order, each hour once, the running one left out. Fills no gap."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal

from bethna_cli.adapters.prices import checked_price
from bethna_cli.domain.errors import SourceMalformed
from bethna_cli.domain.market import Candle

HOUR = timedelta(hours=1)


def hour_candle(source: str, starts_at: datetime, ohlc: tuple[Decimal, Decimal, Decimal, Decimal]) -> Candle:
    """Build a candle from open, high, low and close in USD.

    Raises SourceMalformed when a price is out of bounds, they contradict each other, or the hour is not whole.
    """
    opened, high, low, close = (checked_price(source, price) for price in ohlc)
    if not low <= min(opened, close) <= max(opened, close) <= high:
        raise SourceMalformed(source, "a candle contradicts itself")
    if starts_at.timestamp() % 3600:
        raise SourceMalformed(source, "an hourly candle starts within the hour")
    return Candle(starts_at, float(opened), float(high), float(low), float(close))


def running_hour(now: datetime) -> datetime:
    """Return the start of the hour that `now` is in."""
    return now.replace(minute=0, second=0, microsecond=0)


def closed_candles(candles: Iterable[Candle], now: datetime, hours: int) -> tuple[Candle, ...]:
    """Return the closed ones of the last `hours`, oldest first; of two for one hour the later one given."""
    running = running_hour(now)
    by_hour = {candle.starts_at: candle for candle in candles}
    return tuple(by_hour[at] for at in sorted(by_hour) if running - hours * HOUR <= at < running)
