"""Crashes, lost answers and contradicting nodes: one purchase, always found again, never a second one."""

import asyncio
import contextlib
import random
import sqlite3
from dataclasses import replace
from typing import Any, cast

import pytest

from bethna_cli.adapters.abi import artifact
from bethna_cli.domain.chain import Block, BlockAt, Tag
from bethna_cli.domain.journal import TradeState
from bethna_cli.domain.trade import PlannedTrade
from bethna_cli.execution.journal import Action, Patience
from bethna_cli.flow.execute import recover, submit
from bethna_cli.ports import Chain
from execution_desk import Crash, Market, approved, bought, digest


def journaled_bytes(market: Market) -> set[bytes]:
    with contextlib.closing(sqlite3.connect(market.store)) as db:
        return {raw for (raw,) in db.execute("select raw from transactions")}


def integrity(market: Market) -> str:
    with contextlib.closing(sqlite3.connect(market.store)) as db:
        return str(db.execute("pragma integrity_check").fetchone()[0])


def assert_bought_once(market: Market, trade: PlannedTrade) -> None:
    assert market.executions() == [digest(trade)]
    assert set(market.transport.sent) <= journaled_bytes(market)
    assert integrity(market) == "ok"


def buy_with(market: Market, *faults: str) -> PlannedTrade:
    market.transport.faults.extend(faults)
    trade = market.trade("one")
    with contextlib.suppress(Crash):
        asyncio.run(bought(market.desk(), market, trade))
    return trade


def recovered(market: Market, looks: int = 3) -> list[TradeState]:
    """Start again, and look as often as patience takes to send the bytes once more."""
    for _ in range(looks):
        asyncio.run(recover(market.desk()))
        market.clock.advance(13)
        market.exchange.catch_up()
    return [progress.entry.state for progress in asyncio.run(recover(market.desk()))] or [
        entry.state for entry in market.desk().journal.entries()
    ]


def test_a_crash_after_approval_sends_nothing_and_asks_for_the_wallet(market: Market):
    trade = market.trade("one")
    asyncio.run(approved(market.desk(), trade))

    (waiting,) = asyncio.run(recover(market.desk()))

    assert waiting.waits_for is Action.SIGN
    assert market.transport.sent == []
    assert len(market.desk().journal.entries()) == 1


def test_an_approval_that_ran_out_is_dead_once_that_is_final(market: Market):
    asyncio.run(approved(market.desk(), market.trade("one", lifetime_s=60)))
    market.clock.advance(61)
    market.exchange.catch_up()

    assert recovered(market) == [TradeState.DEAD]
    assert market.executions() == []


def test_a_crash_before_the_bytes_left_sends_the_same_bytes_at_the_next_start(market: Market):
    trade = buy_with(market, "crash before")
    (signed,) = market.desk().journal.entries()
    assert signed.state is TradeState.TX_SIGNED

    asyncio.run(recover(market.desk()))

    assert set(market.transport.sent) == {signed.variants[0].raw}
    assert_bought_once(market, trade)


def test_a_crash_after_the_bytes_left_finds_the_receipt_at_the_next_start(market: Market):
    trade = buy_with(market, "crash after")

    (mined,) = asyncio.run(recover(market.desk()))

    assert mined.entry.state is TradeState.MINED
    assert len(market.transport.sent) == 1
    assert_bought_once(market, trade)


LOSSES = ("answer lost", "request lost", "answer garbled", "never reached")


@pytest.mark.parametrize(
    "seed",
    [*range(10), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(10, 200))],
)
def test_a_lost_answer_is_not_a_failure_and_no_second_purchase(market: Market, seed: int):
    chance = random.Random(seed)
    trade = buy_with(market, *chance.choices(LOSSES, k=chance.randint(1, 4)))

    assert recovered(market, looks=6) == [TradeState.FINAL]
    assert_bought_once(market, trade)


@pytest.mark.parametrize(
    "words",
    [
        "already known",  # geth, op-node
        "known transaction: 0x12",  # Parity's line
        "ALREADY_EXISTS: already known",  # erigon
        "transaction already imported",  # reth, anvil
        "nonce too low: next nonce 4, tx nonce 3",  # geth
        "nonce is too low",  # reth
        "OldNonce",  # Nethermind
        "replacement transaction underpriced",
        "something nobody has seen before",
    ],
)
@pytest.mark.parametrize("before", ["answer lost", "request lost"])
def test_what_a_node_says_of_bytes_it_may_know_decides_nothing(market: Market, before: str, words: str):
    trade = buy_with(market, before, f"says {words}")

    assert recovered(market, looks=5) == [TradeState.FINAL]
    assert_bought_once(market, trade)


def test_a_restart_asks_for_nothing_that_was_done(market: Market):
    trade = buy_with(market, "crash after")
    for _ in range(5):
        recovered(market)

    assert len(market.transport.sent) == 1
    assert recovered(market) == [TradeState.FINAL]
    assert_bought_once(market, trade)


class MinedBetweenTwoLooks:
    """A chain on which the transaction is mined and final just after its receipt was first looked for."""

    def __init__(self, market: Market, chain: Chain) -> None:
        self._market, self._chain = market, chain
        self._looks = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._chain, name)

    async def block(self, at: BlockAt = Tag.LATEST) -> Block:
        self._looks += at is Tag.FINALIZED
        if self._looks == 2:
            self._looks += 1
            self._market.ask("eth_sendRawTransaction", "0x" + self._market.transport.sent[0].hex())
            self._market.finalise()
        return await self._chain.block(at)


def test_what_is_mined_and_final_between_two_looks_is_not_taken_for_cancelled(market: Market):
    trade = buy_with(market, "request lost")
    desk = market.desk()
    hasty = replace(desk, chain=cast(Chain, MinedBetweenTwoLooks(market, desk.chain)))

    asyncio.run(recover(hasty))

    assert recovered(market) == [TradeState.FINAL]
    assert_bought_once(market, trade)


# ── the same wallet elsewhere ─────────────────────────────────────────────────────────────────────────────────────


def test_a_wallet_used_elsewhere_takes_the_nonce_and_the_trade_is_signed_again_only_when_that_is_final(market: Market):
    trade = buy_with(market, "request lost")
    market.approve_usdc(1_000_000_000)  # another program sends from the account, at the same nonce
    (unknown,) = asyncio.run(recover(market.desk()))
    market.finalise()
    desk = market.desk()

    (waiting,) = asyncio.run(recover(desk))
    asyncio.run(submit(desk, waiting.entry, market.transactions(trade, market.nonce())))

    assert unknown.entry.state is TradeState.BROADCAST
    assert (waiting.entry.state, waiting.waits_for) == (TradeState.APPROVED, Action.SIGN)
    assert recovered(market) == [TradeState.FINAL]
    assert_bought_once(market, trade)


def test_a_trade_that_another_copy_of_the_wallet_executed_is_found_by_its_digest(market: Market):
    trade = buy_with(market, "request lost")
    (elsewhere,) = market.transactions(trade, market.nonce(), 7.0)  # the same intent, other fees, not in this journal
    market.ask("eth_sendRawTransaction", "0x" + elsewhere.raw.hex())

    assert recovered(market) == [TradeState.FINAL]
    (entry,) = market.desk().journal.entries()
    assert entry.fill is not None
    assert entry.fill.transaction == elsewhere.hash
    assert market.executions() == [digest(trade)]


def test_a_store_put_back_to_an_earlier_day_finds_what_was_executed_since(market: Market):
    trade = market.trade("one")
    asyncio.run(approved(market.desk(), trade))
    with contextlib.closing(sqlite3.connect(market.store)) as db:
        backup = sqlite3.connect(":memory:")
        db.backup(backup)
    desk = market.desk()
    asyncio.run(submit(desk, desk.journal.entries()[0], market.transactions(trade, market.nonce())))
    with contextlib.closing(sqlite3.connect(market.store)) as db:
        backup.backup(db)

    assert recovered(market) == [TradeState.FINAL]
    assert market.executions() == [digest(trade)]
    assert len(market.transport.sent) == 1


def test_a_cancelled_nonce_ends_the_trade_without_a_purchase(market: Market):
    trade = buy_with(market, "request lost")
    cancel = artifact("SentientTrader").function("cancelNonce").encode(trade.intent.nonce)
    market.send(trade.domain.verifying_contract, cancel)

    assert recovered(market) == [TradeState.CANCELLED]
    assert market.executions() == []


# ── stuck transactions ────────────────────────────────────────────────────────────────────────────────────────────


def test_a_gap_below_is_filled_by_sending_the_journaled_transaction_again(market: Market):
    first, second = market.trade("one"), market.trade("two")
    market.ask("evm_setAutomine", False)
    desk = market.desk()
    lost = asyncio.run(bought(desk, market, first)).entry
    asyncio.run(bought(desk, market, second))
    market.ask("bethna_dropTransaction", lost.variants[0].hash)
    market.ask("evm_mine")
    assert market.executions() == []
    market.clock.advance(13)

    asyncio.run(recover(market.desk()))
    market.ask("evm_mine")

    assert market.executions() == [digest(first), digest(second)]


def test_a_purchase_stuck_past_its_deadline_is_dead_only_when_a_final_block_says_so(market: Market):
    market.ask("evm_setAutomine", False)
    trade = market.trade("one", lifetime_s=30)
    asyncio.run(bought(market.desk(), market, trade))
    market.ask("bethna_dropTransaction", market.desk().journal.entries()[0].variants[0].hash)
    market.clock.advance(trade.intent.deadline_s + 1 - market.clock().timestamp())
    (late,) = asyncio.run(recover(market.desk()))
    market.clock.advance(10)
    (dead,) = asyncio.run(recover(market.desk()))

    assert market.head_time_s() > trade.intent.deadline_s
    assert late.entry.state is TradeState.BROADCAST
    assert dead.entry.state is TradeState.DEAD
    assert market.executions() == []


@pytest.mark.parametrize("seed", [*range(5), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(5, 100))])
def test_whichever_of_original_and_replacement_is_mined_is_the_one_that_is_recorded(market: Market, seed: int):
    chance = random.Random(seed)
    market.patience = Patience(resend_s=2, bump_s=4)
    market.ask("evm_setAutomine", False)
    trade = market.trade("one")
    asyncio.run(bought(market.desk(), market, trade, (1.0, 1.5, 2.5)))
    for _ in range(chance.randint(0, 3)):
        market.clock.advance(5)
        asyncio.run(recover(market.desk()))
        if chance.random() < 0.4:
            entry = market.desk().journal.entries()[0]
            market.ask("bethna_dropTransaction", chance.choice(entry.variants[: entry.handed_out]).hash)
    market.ask("evm_setAutomine", True)

    assert recovered(market) == [TradeState.FINAL]
    (entry,) = market.desk().journal.entries()
    assert entry.fill is not None
    assert market.ask("eth_getTransactionReceipt", entry.fill.transaction)["status"] == "0x1"
    assert_bought_once(market, trade)
