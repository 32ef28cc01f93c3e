"""Fetch: past candles, funding and mood from their services into a data folder, page by page, and go on later."""

import asyncio
from datetime import datetime, timedelta

from bethna_cli.domain.errors import UsageError
from bethna_cli.domain.market import Asset
from bethna_cli.domain.model import Progress
from bethna_cli.domain.retention import KEPT_FOR, DataSet
from bethna_cli.ports import Clock, HistoryStore, Past

PAGE = timedelta(hours=1000)
HOUR = timedelta(hours=1)


async def fetch(
    past: Past, store: HistoryStore, clock: Clock, since: datetime | None, progress: Progress
) -> dict[str, object]:
    """Bring the folder up to date and return what was added, as JSON values.

    since: from when, where nothing is stored yet; never from before what is kept, which is the default. Raises
    SourceUnavailable kinds; what was fetched until then stays.
    """
    now = clock.now()
    oldest = _hour(now - KEPT_FOR[DataSet.TRAINING_DATA])
    starts = max(oldest, _hour(since)) if since else oldest
    if starts >= now:
        raise UsageError("There is no history to fetch after now.", hint="bethna train --fetch")
    added: dict[str, object] = {}
    for number, asset in enumerate(Asset):
        share = number / len(Asset)
        added[f"{asset.lower()}_candles"] = await _candles(past, store, asset, (starts, now), progress, share)
        added[f"{asset.lower()}_funding"] = await _funding(past, store, asset, (starts, now), progress, share)
    days = await past.fear_greed((now - starts).days + 1)
    store.keep_mood([point for point in days if point.day >= starts.replace(hour=0)])
    added["mood_days"] = len(days)
    added["dropped_rows"] = store.forget_before(oldest)
    progress("fetched", 1.0)
    return added


async def _candles(
    past: Past, store: HistoryStore, asset: Asset, span: tuple[datetime, datetime], progress: Progress, share: float
) -> int:
    newest = store.newest_candle(asset)
    first, last, count = max(span[0], newest + HOUR) if newest else span[0], _hour(span[1]), 0
    while first < last:
        progress(f"{asset} candles {first:%Y-%m-%d}", share + 0.25 * _done(first, span))
        before = min(first + PAGE, last)
        await asyncio.sleep(0)  # a source that answers at once would not let Ctrl-C in
        page = await past.candles(asset, first, before)
        store.add_candles(asset, page)
        count, first = count + len(page), before
    return count


async def _funding(
    past: Past, store: HistoryStore, asset: Asset, span: tuple[datetime, datetime], progress: Progress, share: float
) -> int:
    newest = store.newest_funding(asset)
    first, last, count = max(span[0], newest + HOUR) if newest else span[0], _hour(span[1]), 0
    while first < last:
        progress(f"{asset} funding {first:%Y-%m-%d}", share + 0.25 + 0.25 * _done(first, span))
        before = min(first + PAGE, last)
        await asyncio.sleep(0)
        page = await past.funding(asset, first, before)
        store.add_funding(asset, page)
        count, first = count + len(page), before
    return count


def _done(at: datetime, span: tuple[datetime, datetime]) -> float:
    return (at - span[0]) / (span[1] - span[0])


def _hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)
