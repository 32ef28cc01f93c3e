"""A signed trade is journaled, sent, seen and settled; what the chain says is what is written down."""

import asyncio
from dataclasses import replace

import pytest

from bethna_cli.adapters.abi import artifact
from bethna_cli.adapters.journal import SqliteJournal
from bethna_cli.adapters.sim.public_keys import signed_transaction
from bethna_cli.adapters.sql import open_store
from bethna_cli.domain.chain import Address, Receipt, Tag
from bethna_cli.domain.errors import (
    ChainAnomaly,
    ConfigurationError,
    NotFound,
    TradeKnown,
    TradeRefused,
    TradingHalted,
)
from bethna_cli.domain.journal import Errand, TradeState
from bethna_cli.execution.journal import Action
from bethna_cli.flow.execute import ExecutionDesk, add_fee_bump, advance, approve, recover, run_errand, settle, submit
from execution_desk import FIVE_USDC, TRADER, USDC, USER, Crash, Market, approved, bought, digest, plan_id, signed


def test_a_purchase_is_mined_with_the_events_amounts_and_becomes_final(market: Market):
    desk, trade, before = market.desk(), market.trade("one"), market.usdc()

    async def journey():
        mined = await settle(desk, (await bought(desk, market, trade)).entry)
        market.finalise()
        return mined, await recover(desk)

    mined, (final,) = asyncio.run(journey())

    assert mined.entry.state is TradeState.MINED
    assert final.entry.state is TradeState.FINAL
    fill = final.entry.fill
    assert fill is not None
    assert market.purchases() == [(fill.amount_in, fill.amount_out)]
    assert before - market.usdc() == fill.amount_in <= FIVE_USDC
    assert fill.amount_out >= trade.intent.min_amount_out


def test_the_journal_remembers_all_of_it_in_the_next_process(market: Market):
    desk, trade = market.desk(), market.trade("one")
    mined = asyncio.run(settle(desk, asyncio.run(bought(desk, market, trade)).entry))

    reopened = SqliteJournal.open(market.store)

    assert reopened.entries() == [mined.entry]
    assert reopened.entry(digest(trade)[:8]) == mined.entry
    assert reopened.entries()[0].trade == trade


def test_an_entry_that_is_not_there_or_not_named_well_is_not_found(market: Market):
    journal = market.desk().journal

    for prefix in ("abcd", "0x", "12"):
        with pytest.raises(NotFound):
            journal.entry(prefix)


def test_approving_twice_by_pressing_enter_twice_is_one_trade(market: Market):
    desk, trade = market.desk(), market.trade("one")
    asyncio.run(bought(desk, market, trade))

    with pytest.raises(TradeKnown):
        asyncio.run(approved(desk, trade))

    assert market.executions() == [digest(trade)]


def test_a_plan_is_kept_whole_or_not_at_all(market: Market):
    desk, first, second = market.desk(), market.trade("one"), market.trade("two")
    asyncio.run(approved(desk, second))

    with pytest.raises(TradeKnown):
        asyncio.run(approve(desk, plan_id("both"), [(digest(first), first), (digest(second), second)]))

    assert [entry.digest for entry in desk.journal.entries()] == [digest(second)]


def test_two_trades_of_one_plan_are_two_transactions_in_a_row(market: Market):
    desk, trades = market.desk(), [market.trade("one"), market.trade("two")]

    async def journey():
        entries = await approve(desk, plan_id("both"), [(digest(trade), trade) for trade in trades])
        for entry in entries:
            await submit(desk, entry, market.transactions(entry.trade, market.nonce()))
        return await recover(desk)

    assert [one.entry.state for one in asyncio.run(journey())] == [TradeState.SAFE, TradeState.MINED]
    assert market.executions() == [digest(trade) for trade in trades]


def test_two_processes_that_change_one_entry_are_told_apart(market: Market):
    trade = market.trade("one")
    here, there = market.desk(), market.desk()
    entry = asyncio.run(approved(here, trade))
    asyncio.run(submit(here, entry, market.transactions(trade, market.nonce())))

    with pytest.raises(TradeKnown):
        there.journal.move(entry, TradeState.DEAD, None, market.clock.now())
    with pytest.raises(TradeRefused):
        asyncio.run(submit(there, entry, market.transactions(trade, market.nonce())))

    assert market.executions() == [digest(trade)]


def test_while_one_process_sends_another_waits_and_then_says_so(market: Market, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("bethna_cli.adapters.journal.LOCK_PATIENCE_S", 0.1)
    trade, here, there = market.trade("one"), market.desk(), market.desk()
    entry = asyncio.run(approved(here, trade))

    async def at_the_same_time():
        async with here.journal.sending(trade.intent.user):
            await submit(there, entry, market.transactions(trade, market.nonce()))

    with pytest.raises(TradeRefused, match="Another process is sending"):
        asyncio.run(at_the_same_time())
    assert market.transport.sent == []


def test_a_transaction_signed_before_the_account_sent_something_else_is_not_sent(market: Market):
    desk, trade = market.desk(), market.trade("one")
    entry = asyncio.run(approved(desk, trade))
    stale = market.transactions(trade, market.nonce())
    market.approve_usdc(FIVE_USDC)

    with pytest.raises(TradeRefused, match="sign again"):
        asyncio.run(submit(desk, entry, stale))

    assert desk.journal.entries() == [entry]
    assert market.transport.sent == []


def test_an_account_nonce_that_is_journaled_is_given_away_even_if_the_node_has_never_heard_of_it(market: Market):
    desk, first, second = market.desk(), market.trade("one"), market.trade("two")
    market.transport.faults.append("request lost")
    taken = asyncio.run(bought(desk, market, first)).entry.account_nonce
    entry = asyncio.run(approved(desk, second))
    assert taken == market.nonce()

    with pytest.raises(TradeRefused, match="sign again"):
        asyncio.run(submit(desk, entry, market.transactions(second, market.nonce())))
    asyncio.run(submit(desk, entry, market.transactions(second, market.nonce() + 1)))
    market.clock.advance(13)
    asyncio.run(recover(desk))

    assert market.executions() == [digest(first), digest(second)]


def test_a_fee_bump_keeps_the_account_nonce(market: Market):
    market.ask("evm_setAutomine", False)
    desk, trade = market.desk(), market.trade("one")
    waiting = asyncio.run(bought(desk, market, trade)).entry
    (other,) = market.transactions(trade, (waiting.account_nonce or 0) + 1, 3.0)

    with pytest.raises(ValueError, match="account nonce"):
        asyncio.run(add_fee_bump(desk, waiting, other))


def test_a_stuck_purchase_goes_out_again_at_a_higher_fee_and_is_bought_once(market: Market):
    market.ask("evm_setAutomine", False)
    desk, trade = market.desk(), market.trade("one")
    entry = asyncio.run(bought(desk, market, trade)).entry
    (dearer,) = market.transactions(trade, entry.account_nonce or 0, 2.0)
    asyncio.run(add_fee_bump(desk, entry, dearer))
    market.clock.advance(46)

    (waiting,) = asyncio.run(recover(desk))
    market.ask("evm_mine")
    (mined,) = asyncio.run(recover(desk))

    assert (waiting.entry.state, waiting.entry.handed_out) == (TradeState.BROADCAST, 2)
    assert mined.entry.fill is not None
    assert mined.entry.fill.transaction in {variant.hash for variant in mined.entry.variants}
    assert market.executions() == [digest(trade)]


def test_if_the_second_leg_fails_the_first_stands(market: Market):
    desk, legs = market.desk(), [market.trade("call"), market.trade("put")]

    async def journey():
        first, second = await approve(desk, plan_id("straddle"), [(digest(leg), leg) for leg in legs])
        await submit(desk, first, market.transactions(legs[0], market.nonce()))
        pause = artifact("SentientTrader").function("pause").encode()
        market.ask("eth_sendRawTransaction", "0x" + signed_transaction("guardian", 0, TRADER, pause, 200_000).hex())
        await submit(desk, second, market.transactions(legs[1], market.nonce()))
        await recover(desk)
        market.finalise()
        await recover(desk)

    asyncio.run(journey())
    states = {entry.digest: entry.state for entry in desk.journal.entries()}

    assert states == {digest(legs[0]): TradeState.FINAL, digest(legs[1]): TradeState.REVERTED}
    assert market.executions() == [digest(legs[0])]


# ── the store ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_full_disk_before_the_journal_is_written_means_that_nothing_is_sent(market: Market):
    trade, db = market.trade("one"), open_store(market.store)
    desk = replace(market.desk(), journal=SqliteJournal(db, market.store.parent))
    entry = asyncio.run(approved(desk, trade))
    pages = db.execute("pragma page_count").fetchone()[0]
    db.execute(f"pragma max_page_count = {pages}")
    transactions = market.transactions(trade, market.nonce(), *(1 + n / 10 for n in range(20)))

    with pytest.raises(ConfigurationError, match="full"):
        asyncio.run(submit(desk, entry, transactions))

    assert market.transport.sent == []
    assert desk.journal.entries() == [entry]


def test_the_journal_is_on_the_disk_when_a_method_returns(market: Market):
    db = open_store(market.store)

    assert db.execute("pragma journal_mode").fetchone() == ("wal",)
    assert db.execute("pragma synchronous").fetchone() == (2,)  # FULL: each commit reaches the disk


def test_before_the_contract_was_there_no_nonce_was_used(market: Market):
    desk, trade = market.desk(), market.trade("one")
    asyncio.run(bought(desk, market, trade))

    assert asyncio.run(desk.evidence.is_nonce_used(trade, Tag.LATEST))
    assert not asyncio.run(desk.evidence.is_nonce_used(trade, 1))


# ── anomalies ─────────────────────────────────────────────────────────────────────────────────────────────────────


def receipt_of(market: Market, desk: ExecutionDesk) -> Receipt:
    entry = desk.journal.entries()[0]
    receipt = asyncio.run(desk.chain.receipt(entry.variants[0].hash))
    assert receipt is not None
    return receipt


def test_the_same_event_from_another_contract_is_an_alarm_and_no_fill(market: Market):
    desk, trade = market.desk(), market.trade("one")
    asyncio.run(bought(desk, market, trade))
    receipt = receipt_of(market, desk)
    stranger = Address("0x" + "5e" * 20)
    contract = trade.domain.verifying_contract
    faked = tuple(log._replace(address=stranger) if log.address == contract else log for log in receipt.logs)

    assert desk.evidence.fill(trade, digest(trade), receipt).transaction == receipt.transaction_hash
    with pytest.raises(ChainAnomaly, match=stranger):
        desk.evidence.fill(trade, digest(trade), replace(receipt, logs=faked))
    with pytest.raises(ChainAnomaly, match="says nothing"):
        desk.evidence.fill(trade, digest(trade), replace(receipt, logs=()))


def test_amounts_that_did_not_move_are_an_alarm(market: Market):
    desk, trade = market.desk(), market.trade("one")
    asyncio.run(bought(desk, market, trade))
    receipt = receipt_of(market, desk)
    without_money = tuple(log for log in receipt.logs if log.address == trade.domain.verifying_contract)

    with pytest.raises(ChainAnomaly, match="moved"):
        desk.evidence.fill(trade, digest(trade), replace(receipt, logs=without_money))


def test_a_fill_below_the_signed_minimum_is_an_alarm(market: Market):
    desk, trade = market.desk(), market.trade("one")
    asyncio.run(bought(desk, market, trade))
    stricter = replace(trade, intent=replace(trade.intent, min_amount_out=trade.intent.quoted_amount_out + 1))

    with pytest.raises(ChainAnomaly, match="nobody signed"):
        desk.evidence.fill(stricter, digest(trade), receipt_of(market, desk))


class LyingEvidence:
    """Evidence of a chain whose success comes without its event."""

    def __init__(self, honest: ExecutionDesk) -> None:
        self._honest = honest.evidence
        self.is_nonce_used, self.execution = self._honest.is_nonce_used, self._honest.execution

    def fill(self, trade, digest, receipt):
        return self._honest.fill(trade, digest, replace(receipt, logs=()))


def test_an_anomaly_halts_all_trading_until_a_person_has_looked(market: Market):
    honest = market.desk()
    desk = replace(honest, evidence=LyingEvidence(honest))
    entry = asyncio.run(bought(desk, market, market.trade("one"))).entry
    with pytest.raises(ChainAnomaly):
        asyncio.run(advance(desk, entry))

    with pytest.raises(TradingHalted, match="says nothing"):
        asyncio.run(approved(market.desk(), market.trade("two")))
    assert desk.journal.entries()[0].fill is None

    desk.journal.resume(market.clock.now())
    (settled,) = asyncio.run(recover(honest))
    assert settled.entry.state is TradeState.MINED
    assert settled.waits_for is Action.WAIT


# ── transactions that trade nothing ───────────────────────────────────────────────────────────────────────────────


def permission(market: Market, nonce: int, amount: int = FIVE_USDC) -> Errand:
    data = artifact("DevelopmentUSDC").function("approve").encode(TRADER, amount)
    return Errand(USER, "permission", signed(USDC, data, nonce, 1.0))


def test_a_permission_is_journaled_before_it_is_sent_and_over_when_it_is_final(market: Market):
    desk = market.desk()
    errand = permission(market, market.nonce())

    receipt = asyncio.run(run_errand(desk, errand))

    assert receipt is not None
    assert receipt.succeeded
    assert SqliteJournal.open(market.store).errands() == [errand]
    market.finalise()
    asyncio.run(recover(desk))
    assert desk.journal.errands() == []
    assert len(market.transport.sent) == 1


def test_a_permission_that_got_lost_keeps_its_account_nonce_and_goes_out_again_before_the_trade_above_it(
    market: Market,
):
    market.transport.faults.append("crash before")
    errand, trade = permission(market, market.nonce()), market.trade("one")
    with pytest.raises(Crash):
        asyncio.run(run_errand(market.desk(), errand))
    desk = market.desk()
    entry = asyncio.run(approved(desk, trade))
    asyncio.run(submit(desk, entry, market.transactions(trade, market.nonce() + 1)))
    assert market.executions() == []

    asyncio.run(recover(desk))

    assert market.executions() == [digest(trade)]
    assert market.transport.sent.count(errand.transaction.raw) == 2


def test_a_permission_signed_before_the_account_sent_something_else_is_not_sent(market: Market):
    errand = permission(market, market.nonce())
    market.approve_usdc(FIVE_USDC)

    with pytest.raises(TradeRefused, match="sign again"):
        asyncio.run(run_errand(market.desk(), errand))
    assert market.desk().journal.errands() == []
    assert market.transport.sent == []
