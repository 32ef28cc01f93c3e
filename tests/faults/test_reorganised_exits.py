"""The watcher's own sales under reorganisations: whatever is taken back, each is made once on the chain that stays.

Blocks go between looks and in the middle of them, the sales in them are lost or come again in other blocks.
"""

import asyncio
import random
from contextlib import suppress
from dataclasses import dataclass

import pytest

from bethna_cli.domain.errors import BethnaError
from bethna_cli.flow.record import rebuild
from execution_desk import Market
from guard_desk import Guarded, Meddling, two_expiries  # noqa: F401 (a fixture of this module)
from record_desk import rows, with_desk

DEEPEST, FINAL = 20, 45
"""How many blocks a reorganisation takes back at most, and how many below the newest one are never taken back."""

REQUESTS = 30
"""More than a look asks until its transaction has left."""


@pytest.fixture
def guarded(market: Market) -> Guarded:
    made = Guarded(market)
    made.fund_watcher()
    market.exchange.node.chain.finalized_depth = FINAL
    return made


@dataclass
class Weather:
    """Reorganisations of a chain, none of which reaches below a block. sales: of how many the block was taken back."""

    guarded: Guarded
    first: int
    chance: random.Random
    happened: int = 0
    sales: int = 0

    def strike(self) -> None:
        """Replace the newest blocks: what was in them is gone, or is in others."""
        head = self.guarded.height()
        deepest = min(DEEPEST, head - self.first)
        if deepest > 0:
            depth = self.chance.randint(1, deepest)
            self.sales += sum(block > head - depth for block in self.guarded.sale_blocks())
            self.guarded.market.ask("bethna_reorg", depth, {"drop": self.chance.choice([True, []])})
            self.happened += 1


async def watched(guarded: Guarded, weather: Weather) -> None:
    """Look a few times, with reorganisations in the middle of looks and between them."""
    node, chance = guarded.market.transport.inner, weather.chance
    async with guarded.watch() as watch:
        for _ in range(chance.randint(2, 5)):
            if chance.random() < 0.6:
                guarded.market.transport.inner = Meddling(node, chance.randint(1, REQUESTS), weather.strike)  # type: ignore[assignment]
            with suppress(BethnaError):
                await watch.tick()
            if chance.random() < 0.6:
                weather.strike()
            done = guarded.market.executions()
            assert len(done) == len(set(done))
            guarded.market.clock.advance(chance.choice([2, 12, 30]))
            guarded.market.exchange.catch_up()
    guarded.market.transport.inner = node


@pytest.mark.parametrize("histories", [5, pytest.param(200, marks=[pytest.mark.slow, pytest.mark.timeout(3600)])])
def test_after_any_reorganisations_each_stop_has_sold_once_and_positions_are_the_chains(
    guarded: Guarded, histories: int
):
    older, younger = (guarded.buy(name, 5_000_000) for name in ("older", "younger"))
    start, happened, sales = guarded.moment(), 0, 0
    for seed in range(histories):
        start, chance = guarded.back_to(start), random.Random(seed)
        goes_first = chance.random() < 0.3
        guarded.sign_exits(older, name=f"older {seed}", stop_share=0.999 if goes_first else 0.5, allow=2)
        guarded.sign_exits(younger, name=f"younger {seed}", allow=2)
        weather = Weather(guarded, guarded.height(), chance)
        asyncio.run(watched(guarded, weather))
        happened, sales = happened + weather.happened, sales + weather.sales

        guarded.market.clock.advance(30)
        guarded.ticks(3)

        expected = [older.contracts, younger.contracts] if goes_first else [younger.contracts]
        assert [sold for sold, _ in guarded.sales()] == expected, seed
        fresh = guarded.market.store.with_suffix(f".fresh-{seed}")
        with_desk(guarded.market, rebuild, store=fresh)
        assert rows(guarded.market.store) == rows(fresh), seed
        assert sum(one.contracts_left for one in guarded.positions()) == older.contracts * 2 - sum(expected)
    print(f"{histories} histories, {happened} reorganisations, the blocks of {sales} sales taken back")
    assert sales
