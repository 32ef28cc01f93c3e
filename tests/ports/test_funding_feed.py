"""What every FundingFeed promises."""

from datetime import timedelta
from functools import cache

import pytest
from market_worlds import DAYS, FUNDINGS, Market

from bethna_cli.domain.errors import OutsideError
from bethna_cli.domain.market import Asset, Funding

every_feed = pytest.mark.parametrize("feed", FUNDINGS)


@cache
def funding(market: Market, feed: str) -> Funding:
    return market.ask(lambda clients: FUNDINGS[feed](clients).funding(market.asset, DAYS))


@every_feed
def test_settled_rates_are_oldest_first_within_the_days_asked_for(market: Market, feed: str) -> None:
    times = [point.at for point in funding(market, feed).history]

    assert times
    assert times == sorted(set(times))
    assert market.now - timedelta(days=DAYS) <= times[0]
    assert times[-1] <= market.now


@every_feed
def test_rates_are_fractions_an_hour_that_a_market_could_charge(market: Market, feed: str) -> None:
    found = funding(market, feed)

    assert abs(found.next_rate_1h) < 0.015
    assert all(abs(point.rate) < 0.015 and point.interval_h == 1.0 for point in found.history)


@every_feed
def test_its_mark_says_who_said_so_when_and_whether_it_is_real(market: Market, feed: str) -> None:
    provenance = funding(market, feed).provenance

    assert (provenance.source, provenance.origin) == (feed, market.origin)
    assert timedelta(0) <= market.now - provenance.observed_at <= timedelta(seconds=60)


@every_feed
def test_an_outage_raises(outage: Market, feed: str) -> None:
    with pytest.raises(OutsideError):
        outage.ask(lambda clients: FUNDINGS[feed](clients).funding(Asset.ETH, DAYS))
