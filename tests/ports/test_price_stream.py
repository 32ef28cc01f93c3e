"""What every PriceStream promises, over real sockets to the embedded market."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest
from market_worlds import AT, Clients, clients, served

from bethna_cli.adapters.http import Edge
from bethna_cli.adapters.sim.clock import SimClock
from bethna_cli.domain.errors import SourceUnavailable
from bethna_cli.domain.market import Asset, Origin, SpotPrice
from bethna_cli.ports import PriceStream

STREAMS: dict[str, Callable[[Clients], PriceStream]] = {
    "pyth": lambda every: every.pyth,
    "dydx oracle": lambda every: every.dydx.oracle,
}
every_stream = pytest.mark.parametrize("stream", STREAMS)


async def _first(number: int, stream: PriceStream, asset: Asset) -> list[SpotPrice]:
    prices: list[SpotPrice] = []
    async for price in stream.stream(asset):
        prices.append(price)
        if len(prices) == number:
            break
    return prices


def first(number: int, stream: str, asset: Asset) -> list[SpotPrice]:
    """The first prices of a market whose clock runs five times as fast as ours."""

    async def asked() -> list[SpotPrice]:
        clock = SimClock(AT, speed=5.0)
        async with served(clock) as url, Edge(clock) as edge:
            return await _first(number, STREAMS[stream](clients(edge, Origin.SIMULATED, url)), asset)

    return asyncio.run(asyncio.wait_for(asked(), 30))


@every_stream
def test_prices_come_in_the_order_of_their_time_under_their_own_name(stream: str, asset: Asset) -> None:
    prices = first(3, stream, asset)

    times = [price.provenance.observed_at for price in prices]
    assert times == sorted(set(times))
    assert {price.asset for price in prices} == {asset}
    assert {price.provenance.source for price in prices} == {stream}
    assert {price.provenance.origin for price in prices} == {Origin.SIMULATED}
    assert all(price.value_usd > 0 for price in prices)
    assert times[0] >= AT - timedelta(seconds=10)


@every_stream
def test_a_market_that_is_not_there_raises_in_the_end(stream: str) -> None:
    async def asked() -> list[SpotPrice]:
        clock = SimClock(AT)
        async with Edge(clock) as edge:
            return await _first(1, STREAMS[stream](clients(edge, Origin.SIMULATED, "http://127.0.0.1:9")), Asset.ETH)

    with pytest.raises(SourceUnavailable):
        asyncio.run(asyncio.wait_for(asked(), 30))
