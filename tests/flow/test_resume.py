"""What a crash, a Ctrl-C or another program leaves agreed to and not sent: gone on with once, never twice."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeVar

import pytest

from approval_desk import WATCHER, HereSigner, Person, Session, opened, recommended
from bethna_cli.domain.approval import Schedule
from bethna_cli.domain.journal import JournalEntry, TradeState
from bethna_cli.domain.mandate import ExitTerms, MandateState
from bethna_cli.domain.options import OptionKind
from bethna_cli.domain.signing import Plan
from bethna_cli.domain.units import Bps
from bethna_cli.execution.journal import Action
from bethna_cli.flow.approve import approve
from bethna_cli.flow.execute import recover
from bethna_cli.flow.resume import Resumed, resume
from bethna_cli.flow.sight import TradingDesk
from execution_desk import USER, Crash, Market, bought

T = TypeVar("T")
EXITS = ExitTerms(Bps(5_000), Bps(10_000))


def at_the_desk(market: Market, work: Callable[[TradingDesk], Awaitable[T]], signer: HereSigner | None = None) -> T:
    async def session() -> T:
        async with opened(market, signer or HereSigner(), watcher=WATCHER) as desk:
            return await work(desk)

    return asyncio.run(session())


def stop_after(market: Market, sent: int) -> None:
    """Have the process end when it has sent so many transactions."""
    market.transport.faults.extend([*["none"] * sent, "crash before"])


def test_a_straddle_that_broke_off_after_its_first_leg_is_gone_on_with_under_the_same_intent(market):
    person = Person()

    async def broken_off(desk: TradingDesk) -> None:
        pause = desk.venue.outcome
        calls = iter(range(10))

        async def dying(*arguments: object) -> object:
            if next(calls) == 1:
                raise Crash
            return await pause(*arguments)

        desk.venue.outcome = dying
        with pytest.raises(Crash):
            await approve(desk, await recommended(desk, OptionKind.CALL, OptionKind.PUT), person)

    async def next_day(desk: TradingDesk) -> Resumed:
        return await resume(desk, person)

    at_the_desk(market, broken_off)
    market.clock.advance(4)
    done = at_the_desk(market, next_day)

    assert [len(person.shown), done.left, done.made_way] == [2, (), ()]
    assert market.executions() == list(person.shown[0].digests)
    assert person.shown[1].digests == person.shown[0].digests[1:]


def test_what_is_gone_on_with_is_what_was_agreed_to_or_nothing(market):
    class Liar(HereSigner):
        @contextmanager
        def unlocked(self, plan: Plan) -> Iterator[Any]:
            other = replace(plan.intents[0], nonce=plan.intents[0].nonce ^ 1)
            yield Session(replace(plan, intents=(other,)), self.signed)

    async def broken_off(desk: TradingDesk) -> None:
        def dying(*_: object) -> None:
            raise Crash

        desk.execution.journal.sign = dying
        with pytest.raises(Crash):
            await approve(desk, await recommended(desk, OptionKind.CALL), Person())

    async def next_day(desk: TradingDesk) -> Resumed:
        return await resume(desk, Person())

    at_the_desk(market, broken_off)
    market.clock.advance(4)
    done = at_the_desk(market, next_day, Liar())

    ((entry, error),) = done.left
    assert (entry.state, "not what was shown" in error.message) == (TradeState.APPROVED, True)
    assert (done.carried, market.transport.sent, market.executions()) == ((), [], [])


def test_the_parts_of_a_large_order_that_were_left_are_bought_with_their_exits_once(market):
    person, signer = Person(), HereSigner()

    async def broken_off(desk: TradingDesk) -> None:
        stop_after(market, 2)
        with pytest.raises(Crash):
            await approve(desk, await recommended(desk, OptionKind.CALL), person, EXITS, Schedule(3, 10))

    async def gone_on(desk: TradingDesk) -> tuple[Resumed, list[MandateState], list[TradeState]]:
        done = await resume(desk, person)
        await resume(desk, person)
        live = [one.state for one in desk.mandates.live()]
        return done, live, [entry.state for entry in desk.execution.journal.entries()]

    at_the_desk(market, broken_off)
    market.clock.advance(4)
    done, exits, states = at_the_desk(market, gone_on, signer)

    assert (len(done.carried), done.left) == (1, ())
    assert sorted(market.executions()) == sorted(person.shown[0].digests)
    assert (exits, len(states)) == ([MandateState.OPEN] * 2, 3)


def test_a_gap_that_nobody_has_a_transaction_for_is_filled_with_one_that_changes_nothing(market):
    market.ask("evm_setAutomine", False)
    missing = market.send(market.order.book, b"")
    trade = market.trade("above the gap")
    asyncio.run(bought(market.desk(), market, trade))
    market.ask("bethna_dropTransaction", missing)
    person = Person()

    async def healed(desk: TradingDesk) -> tuple[list[Action], Resumed]:
        stuck = [one.waits_for for one in await recover(desk.execution)]
        market.ask("evm_setAutomine", True)
        done = await resume(desk, person)
        market.clock.advance(13)
        await recover(desk.execution)
        return stuck, done

    stuck, done = at_the_desk(market, healed)

    assert (stuck, len(done.made_way), [one.held_by for one in person.ways]) == ([Action.FILL_GAP], 1, [None])
    assert len(market.executions()) == 1


def stuck_past_its_deadline(market: Market, signer: HereSigner) -> JournalEntry:
    """Buy, and let the transaction wait in the node's pool until its deadline has passed."""

    async def sent(desk: TradingDesk) -> None:
        market.ask("evm_setAutomine", False)
        await approve(desk, await recommended(desk, OptionKind.CALL), Person())

    at_the_desk(market, sent, signer)
    (entry,) = market.desk().journal.entries()
    market.clock.advance(entry.trade.intent.deadline_s + 4 - market.clock().timestamp())
    market.exchange.catch_up()
    return entry


def mine_what_comes(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the next transaction that the node accepts put into a block, with what waits before it."""
    inner = market.transport.exchange

    async def mining(body: bytes) -> bytes:
        answer = await inner(body)
        if b"eth_sendRawTransaction" in body:
            market.ask("evm_mine")
        return answer

    monkeypatch.setattr(market.transport, "exchange", mining)


@pytest.mark.parametrize("is_dead", [False, True], ids=["before that is final", "when it is dead here and not there"])
def test_what_is_stuck_past_its_deadline_is_replaced_by_a_transaction_that_changes_nothing_and_bids_more(
    market, monkeypatch, is_dead
):
    person, signer = Person(), HereSigner()
    entry = stuck_past_its_deadline(market, signer)
    if is_dead:
        market.finalise()

    async def made_way(desk: TradingDesk) -> tuple[list[Action], Resumed]:
        return [one.waits_for for one in await recover(desk.execution)], await resume(desk, person)

    mine_what_comes(market, monkeypatch)
    waits, done = at_the_desk(market, made_way, signer)
    market.finalise()
    at_the_desk(market, made_way)

    (way,), free = person.ways, signer.signed[-1].transactions[0]
    mined = market.ask("eth_getTransactionByHash", free.hash)
    assert (waits, way.held_by) == ([Action.NOTHING if is_dead else Action.MAKE_WAY], entry.digest)
    assert (done.made_way, way.nonce, free.nonce) == ((entry.account_nonce,), entry.account_nonce, entry.account_nonce)
    assert [mined[name].lower() for name in ("to", "value", "input")] == [USER, "0x0", "0x"]
    assert market.ask("eth_getTransactionByHash", entry.variants[0].hash) is None
    assert ([one.state for one in market.desk().journal.entries()], market.executions()) == ([TradeState.DEAD], [])
    assert market.desk().journal.errands() == []


def test_a_dearer_form_that_was_signed_with_it_is_sent_when_the_first_is_not_mined(market):
    signer = HereSigner()

    async def waiting(desk: TradingDesk) -> int:
        market.ask("evm_setAutomine", False)
        name = await recommended(desk, OptionKind.CALL)
        carried = await approve(desk, name, Person())
        return carried.progresses[0].entry.handed_out

    handed_out = at_the_desk(market, waiting, signer)

    variants = signer.signed[0].steps[0]
    assert (len(variants), handed_out) == (3, 2)
    assert set(market.transport.sent) == {one.raw for one in variants[:2]}
