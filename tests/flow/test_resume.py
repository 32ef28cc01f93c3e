"""What a crash, a Ctrl-C or another program leaves agreed to and not sent: gone on with once, never twice."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest

from approval_desk import WATCHER, HereSigner, Person, opened, recommended
from bethna_cli.domain.approval import Schedule
from bethna_cli.domain.journal import TradeState
from bethna_cli.domain.mandate import ExitTerms, MandateState
from bethna_cli.domain.options import OptionKind
from bethna_cli.domain.units import Bps
from bethna_cli.execution.journal import Action
from bethna_cli.flow.approve import approve
from bethna_cli.flow.execute import recover
from bethna_cli.flow.resume import Resumed, resume
from bethna_cli.flow.sight import TradingDesk
from execution_desk import Crash, Market, bought

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

    assert [len(person.shown), done.left, done.filled_gaps] == [2, (), ()]
    assert market.executions() == list(person.shown[0].digests)
    assert person.shown[1].digests == person.shown[0].digests[1:]


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

    assert (stuck, len(done.filled_gaps), len(person.told)) == ([Action.FILL_GAP], 1, 1)
    assert len(market.executions()) == 1


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
