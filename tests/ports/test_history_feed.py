"""What every HistoryFeed promises."""

from datetime import timedelta
from functools import cache

import pytest
from market_worlds import HISTORIES, HOURS, Market

from bethna_cli.domain.errors import OutsideError
from bethna_cli.domain.market import Asset, PriceHistory

HOUR = timedelta(hours=1)
every_feed = pytest.mark.parametrize("feed", HISTORIES)


@cache
def history(market: Market, feed: str) -> PriceHistory:
    return market.ask(lambda clients: HISTORIES[feed](clients).history(market.asset, HOURS))


@every_feed
def test_candles_are_closed_whole_hours_oldest_first(market: Market, feed: str) -> None:
    starts = [candle.starts_at for candle in history(market, feed).candles]

    assert 0 < len(starts) <= HOURS
    assert starts == sorted(set(starts))
    assert all((at.minute, at.second, at.microsecond, at.utcoffset()) == (0, 0, 0, timedelta(0)) for at in starts)
    assert starts[-1] + HOUR <= market.now


@every_feed
def test_nothing_older_than_asked_for_is_returned(market: Market, feed: str) -> None:
    assert history(market, feed).candles[0].starts_at + (HOURS + 1) * HOUR > market.now


@every_feed
def test_the_newest_closed_hour_is_there(market: Market, feed: str) -> None:
    assert market.now - history(market, feed).candles[-1].starts_at < 2 * HOUR


@every_feed
def test_the_prices_of_a_candle_are_positive_and_in_order(market: Market, feed: str) -> None:
    for candle in history(market, feed).candles:
        assert 0 < candle.low <= min(candle.open, candle.close) <= max(candle.open, candle.close) <= candle.high


@every_feed
def test_its_mark_says_who_said_so_and_whether_it_is_real(market: Market, feed: str) -> None:
    found = history(market, feed)

    assert found.asset is market.asset
    assert (found.provenance.source, found.provenance.origin) == (feed, market.origin)


def test_the_feeds_agree_on_every_close_within_a_tenth_of_a_per_cent(market: Market) -> None:
    one, other = ({candle.starts_at: candle.close for candle in history(market, feed).candles} for feed in HISTORIES)

    assert one.keys() == other.keys()
    assert all(close == pytest.approx(other[at], rel=1e-3) for at, close in one.items())


@every_feed
def test_an_outage_raises(outage: Market, feed: str) -> None:
    with pytest.raises(OutsideError):
        outage.ask(lambda clients: HISTORIES[feed](clients).history(Asset.ETH, HOURS))
