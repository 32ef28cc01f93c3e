"""What every SpotFeed promises."""

from datetime import timedelta
from decimal import Decimal
from functools import cache
from itertools import combinations

import pytest
from market_worlds import SPOTS, Market

from bethna_cli.domain.errors import OutsideError
from bethna_cli.domain.market import Asset, SpotPrice

every_feed = pytest.mark.parametrize("feed", SPOTS)


@cache
def spot(market: Market, feed: str) -> SpotPrice:
    return market.ask(lambda clients: SPOTS[feed](clients).spot(market.asset))


@every_feed
def test_it_is_a_positive_price_of_the_asset_under_the_feeds_own_name(market: Market, feed: str) -> None:
    price = spot(market, feed)

    assert price.asset is market.asset
    assert price.value_usd > 0
    assert price.provenance.source == feed == market.ask(lambda clients: _name(SPOTS[feed](clients).name))


async def _name(name: str) -> str:
    return name


@every_feed
def test_its_time_is_aware_recent_and_not_in_the_future(market: Market, feed: str) -> None:
    observed_at = spot(market, feed).provenance.observed_at

    assert observed_at.utcoffset() == timedelta(0)
    assert timedelta(0) <= market.now - observed_at <= timedelta(seconds=10)


@every_feed
def test_its_mark_says_whether_it_is_real(market: Market, feed: str) -> None:
    assert spot(market, feed).provenance.origin is market.origin


@every_feed
def test_a_stated_band_is_not_negative_and_not_wide(market: Market, feed: str) -> None:
    price = spot(market, feed)

    assert 0 <= (price.confidence_usd or Decimal(0)) <= price.value_usd / 100


@every_feed
def test_asking_twice_gives_the_same_answer(market: Market, feed: str) -> None:
    assert spot(market, feed) == market.ask(lambda clients: SPOTS[feed](clients).spot(market.asset))


def test_the_feeds_agree_within_two_per_cent(market: Market) -> None:
    prices = [spot(market, feed).value_usd for feed in SPOTS]

    assert all(abs(one - other) <= min(one, other) * Decimal("0.02") for one, other in combinations(prices, 2))


@every_feed
def test_an_outage_raises(outage: Market, feed: str) -> None:
    with pytest.raises(OutsideError):
        outage.ask(lambda clients: SPOTS[feed](clients).spot(Asset.ETH))
