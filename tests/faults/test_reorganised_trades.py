"""A block that is taken back takes its trade back to unknown; the same entry follows whatever replaces it."""

import asyncio
import random

import pytest

from bethna_cli.adapters.abi import artifact
from bethna_cli.adapters.sim.public_keys import signed_transaction
from bethna_cli.domain.embedded import PUBLIC_CONTRACTS
from bethna_cli.domain.journal import JournalEntry, TradeState
from bethna_cli.flow.execute import recover
from execution_desk import Market, bought


def mined_trade(market: Market, name: str = "one") -> JournalEntry:
    desk = market.desk()
    asyncio.run(bought(desk, market, market.trade(name)))
    (mined,) = asyncio.run(recover(desk))
    assert mined.entry.state is TradeState.MINED
    return mined.entry


def depth_of(market: Market, entry: JournalEntry) -> int:
    """How many blocks must go for the trade's block to go."""
    assert entry.fill is not None
    return int(market.ask("eth_blockNumber"), 16) - entry.fill.block_number + 1


def look(market: Market) -> JournalEntry:
    asyncio.run(recover(market.desk()))
    (entry,) = market.desk().journal.entries()
    return entry


def test_a_purchase_whose_block_is_gone_has_no_fill_and_comes_back_in_the_same_entry(market: Market):
    before = mined_trade(market)
    market.ask("bethna_reorg", depth_of(market, before), {"drop": True})

    unmined = look(market)
    market.clock.advance(13)
    again = look(market)

    assert (unmined.state, unmined.fill) == (TradeState.BROADCAST, None)
    assert again.state is TradeState.MINED
    assert again.fill is not None
    assert again.fill.transaction == before.variants[0].hash
    assert set(market.transport.sent) == {before.variants[0].raw}
    assert market.executions() == [before.digest]


def test_a_purchase_that_moves_to_another_block_is_the_same_position(market: Market):
    before = mined_trade(market)
    assert before.fill is not None
    market.ask("bethna_reorg", depth_of(market, before), {"drop": []})

    after = look(market).fill

    assert after is not None
    assert after.block_hash != before.fill.block_hash
    assert (after.transaction, after.ordinal) == (before.fill.transaction, before.fill.ordinal)


def test_a_purchase_that_reverts_when_mined_again_loses_its_fill_and_ends_reverted(market: Market):
    entry = mined_trade(market)
    guardian = artifact("SentientTrader").function("pause").encode()
    pause = signed_transaction("guardian", 0, PUBLIC_CONTRACTS["trader"], guardian, 200_000)
    market.ask("bethna_reorg", depth_of(market, entry), {"drop": [], "insert": ["0x" + pause.hex()]})

    reverted = look(market)
    market.finalise()
    ended = look(market)

    assert (reverted.state, reverted.fill) == (TradeState.MINED, None)
    assert (ended.state, ended.fill) == (TradeState.REVERTED, None)
    assert market.executions() == []
    assert entry.digest == ended.digest


@pytest.mark.parametrize("seed", [*range(5), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(5, 200))])
def test_after_any_reorganisations_the_journal_and_the_chain_agree(market: Market, seed: int):
    chance = random.Random(seed)
    entry = mined_trade(market)
    for _ in range(chance.randint(1, 4)):
        since = int(market.ask("eth_blockNumber"), 16) - (market.desk().journal.entries()[0].first_block)
        market.ask("bethna_reorg", chance.randint(1, max(1, since)), {"drop": chance.choice([True, []])})
        market.clock.advance(chance.choice([0, 13]))
        look(market)
        if market.desk().journal.entries()[0].state is TradeState.FINAL:
            break
    for _ in range(4):
        market.clock.advance(13)
        final = look(market)

    assert final.state is TradeState.FINAL
    assert final.fill is not None
    receipt = market.ask("eth_getTransactionReceipt", final.fill.transaction)
    assert receipt["blockHash"] == final.fill.block_hash
    assert market.executions() == [entry.digest]
