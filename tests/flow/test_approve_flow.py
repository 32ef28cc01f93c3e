"""What stands between a yes and a purchase, tried on the real contracts: every way to buy what was not agreed to."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from typing import Any, TypeVar

import pytest

from approval_desk import HereSigner, Person, Session, opened, pause_trading, recommended
from bethna_cli.adapters.abi import artifact
from bethna_cli.domain.chain import Address
from bethna_cli.domain.documents import Document
from bethna_cli.domain.errors import (
    BethnaError,
    ContractPaused,
    OutcomeUnknown,
    SlippageTooHigh,
    SourceUnavailable,
    TradeKnown,
    TradeRefused,
)
from bethna_cli.domain.journal import TradeState
from bethna_cli.domain.options import OptionKind
from bethna_cli.domain.signing import Plan
from bethna_cli.execution.approval import read_card
from bethna_cli.flow.approve import approve, prepare
from bethna_cli.flow.carry import Carried, card_lines
from bethna_cli.flow.recover import recover
from bethna_cli.flow.review import Review
from bethna_cli.flow.sight import TradingDesk
from execution_desk import TRADER, USDC, USER, Market
from record_desk import positions

T = TypeVar("T")
CALL = (OptionKind.CALL,)
STRADDLE = (OptionKind.CALL, OptionKind.PUT)


class No(TradeRefused):
    """The person's no."""


def at_the_desk(market: Market, work: Callable[[TradingDesk], Awaitable[T]], signer: Any = None, **terms: Any) -> T:
    async def session() -> T:
        async with opened(market, signer or HereSigner(), **terms) as desk:
            return await work(desk)

    return asyncio.run(session())


def bought(market: Market, person: Person, *kinds: OptionKind, signer: Any = None, **terms: Any) -> Carried:
    """Have a trade proposed and approve it."""

    async def work(desk: TradingDesk) -> Carried:
        return await approve(desk, await recommended(desk, *(kinds or CALL)), person)

    return at_the_desk(market, work, signer, **terms)


def allowance(market: Market) -> int:
    call = artifact("DevelopmentUSDC").function("allowance").encode(USER, TRADER)
    return int.from_bytes(market.call(USDC, call), "big")


@pytest.fixture(autouse=True)
def without_an_allowance(market: Market) -> None:
    market.approve_usdc(0)
    market.clock.advance(30)  # its tip is out of the blocks that fees are judged by
    market.exchange.catch_up()


def states(market: Market) -> list[TradeState]:
    return [entry.state for entry in market.desk().journal.entries()]


# ── what is agreed to is what happens ─────────────────────────────────────────────────────────────────────────────


def test_what_the_card_shows_is_what_is_executed_and_paid(market):
    person, before = Person(), market.usdc()

    carried = bought(market, person)

    card = "\n".join(str(line) for line in card_lines(person.shown[0]))
    (progress,), (paid, received) = carried.progresses, market.purchases()[0]
    assert [progress.entry.trade] == read_card(card)
    assert market.executions() == [progress.entry.digest] == list(person.shown[0].digests)
    assert (progress.entry.fill.amount_in, progress.entry.fill.amount_out) == (paid, received)
    assert before - market.usdc() == carried.usdc_spent == paid
    assert (list(carried.held), allowance(market)) == ([received], 0)


def test_what_was_bought_is_a_position_when_approve_returns(market):
    carried = bought(market, Person())

    (position,) = positions(market)
    fill = carried.progresses[0].entry.fill
    assert (position.transaction, position.ordinal) == (fill.transaction, fill.ordinal)
    assert (position.cost, position.contracts) == (fill.amount_in, fill.amount_out)
    assert position.terms.ticker == carried.review.wanted.legs[0].ticker


def test_it_is_final_once_the_chain_is_and_approve_does_not_wait_for_that(market):
    carried = bought(market, Person())

    async def bring(desk: TradingDesk) -> list[TradeState]:
        return [progress.entry.state for progress in await recover(desk.execution, desk.mandates)]

    assert carried.progresses[0].entry.state is TradeState.MINED
    assert at_the_desk(market, bring) == [TradeState.FINAL]


def test_the_calldata_of_a_dry_run_is_the_signed_one_but_for_the_signatures(market):
    signer, function = HereSigner(), artifact("SentientTrader").function("executeTradeWithPermit")

    async def work(desk: TradingDesk) -> tuple[bytes, bytes]:
        name = await recommended(desk, *CALL)
        shown = await prepare(desk, name)
        (call,) = desk.venue.calls(shown.plan, [shown.sight.offers[0].order])
        await approve(desk, name, Person())
        return call.data, signer.signed[0].transactions[0].raw

    unsigned, raw = at_the_desk(market, work, signer)

    intent, signature, least, route, deadline_s, *permit = function.decode_input(unsigned)
    start = raw.index(function.selector)
    signed_intent, its_signature, *rest = function.decode_input(raw[start : start + len(unsigned)])
    assert (intent, [least, route, deadline_s]) == (signed_intent, rest[:3])
    assert (signature, permit) == (bytes(65), [0, bytes(32), bytes(32)])
    assert its_signature != bytes(65)


def test_a_straddle_is_shown_once_and_bought_leg_by_leg(market):
    person = Person()

    carried = bought(market, person, *STRADDLE)

    assert (len(person.shown), carried.is_complete) == (1, True)
    assert market.executions() == list(person.shown[0].digests)
    assert carried.usdc_spent == sum(paid for paid, _ in market.purchases())
    assert allowance(market) == 0


# ── without a yes, and after a different one ──────────────────────────────────────────────────────────────────────


def test_without_a_yes_no_key_is_opened_and_nothing_is_kept(market):
    signer = HereSigner()

    def no(_: Review) -> None:
        raise No("no")

    with pytest.raises(No):
        bought(market, Person(no), signer=signer)

    assert (signer.unlocked_plans, states(market), market.transport.sent) == ([], [], [])


def falling_short(desk: TradingDesk, *is_kept: bool) -> None:
    """Let the venue deliver what it quotes, or nothing, look after look."""
    real, looks = desk.venue.quote, iter(is_kept)

    async def quote(intent: Any, order: Any) -> Any:
        return await real(intent, order) if next(looks) else 0

    desk.venue.quote = quote  # type: ignore[method-assign]


def test_a_price_beyond_the_bound_after_the_password_is_shown_and_asked_again(market):
    signer, person = HereSigner(), Person(lambda _: market.clock.advance(4))

    async def work(desk: TradingDesk) -> Carried:
        name = await recommended(desk, *CALL)
        falling_short(desk, True, False, True, True)
        return await approve(desk, name, person)

    carried = at_the_desk(market, work, signer)

    first, second = person.shown
    assert first.code != second.code
    assert (len(signer.unlocked_plans), len(signer.signed)) == (2, 1)
    assert market.executions() == list(second.digests) == [carried.progresses[0].entry.digest]


def test_a_price_that_never_keeps_its_bound_ends_in_a_refusal(market):
    signer = HereSigner()

    async def work(desk: TradingDesk) -> None:
        name = await recommended(desk, *CALL)
        falling_short(desk, *[True, False] * 3)
        await approve(desk, name, Person())

    with pytest.raises(SlippageTooHigh, match="3 times"):
        at_the_desk(market, work, signer)

    assert (states(market), signer.signed) == ([], [])


def test_what_has_become_dearer_than_proposed_is_a_question_for_the_person(market):
    async def work(desk: TradingDesk) -> tuple[str, ...]:
        name = await recommended(desk, *CALL)
        document: Document = json.loads(json.dumps(desk.ledger.recommendation(name)))
        leg: Any = document["legs"][0]  # type: ignore[index]
        leg["contracts"] = round(leg["contracts"] * 1.05, 6)
        desk.ledger.add_recommendation("feedfeedfeedfeed", desk.clock.now(), document)
        return (await prepare(desk, name)).questions + (await prepare(desk, "feedfeed")).questions

    (question,) = at_the_desk(market, work)

    assert "5.0% dearer" in question


# ── what changes between the card and the chain ───────────────────────────────────────────────────────────────────


def test_a_contract_paused_after_the_yes_refuses_before_anything_is_sent(market):
    person = Person(lambda _: pause_trading(market))

    with pytest.raises(ContractPaused):
        bought(market, person)

    assert (states(market), market.transport.sent) == ([], [])


def test_a_signer_that_signs_something_else_is_not_believed(market):
    class Liar(HereSigner):
        @contextmanager
        def unlocked(self, plan: Plan) -> Iterator[Any]:
            other = replace(plan.intents[0], nonce=plan.intents[0].nonce ^ 1)
            yield Session(replace(plan, intents=(other,)), self.signed)

    with pytest.raises(TradeRefused, match="not what was shown"):
        bought(market, Person(), signer=Liar())

    assert (states(market), market.transport.sent) == ([], [])


def test_the_same_recommendation_approved_elsewhere_at_the_last_moment_is_one_purchase(market):
    async def work(desk: TradingDesk) -> None:
        name = await recommended(desk, *CALL)
        journal, turns = desk.execution.journal, iter([True])
        lock = journal.sending

        @asynccontextmanager
        async def overtaken(account: Address) -> AsyncIterator[None]:
            if next(turns, False):
                market.clock.advance(4)
                await approve(desk, name, Person())
            async with lock(account):
                yield

        journal.sending = overtaken  # type: ignore[method-assign]
        await approve(desk, name, Person())

    with pytest.raises(TradeKnown, match="approved meanwhile"):
        at_the_desk(market, work)

    assert (len(market.executions()), len(states(market))) == (1, 1)


def test_what_was_approved_before_is_refused_before_it_is_asked(market):
    person = Person()

    async def work(desk: TradingDesk) -> None:
        name = await recommended(desk, *CALL)
        await approve(desk, name, Person())
        await approve(desk, name, person)

    with pytest.raises(TradeRefused, match="approved before"):
        at_the_desk(market, work)

    assert (person.shown, len(market.executions())) == ([], 1)


def test_a_lost_answer_is_no_failure_and_no_second_purchase(market):
    market.transport.faults.append("answer lost")

    carried = bought(market, Person())

    assert (carried.is_complete, len(market.executions())) == (True, 1)


def test_a_chain_that_falls_silent_after_the_send_is_unknown_and_later_found_bought_once(market, monkeypatch):
    inner = market.transport.exchange

    async def silent(body: bytes) -> bytes:
        if market.transport.sent:
            raise SourceUnavailable("rpc", "no answer in time")
        return await inner(body)

    async def bring(desk: TradingDesk) -> list[TradeState]:
        return [progress.entry.state for progress in await recover(desk.execution, desk.mandates)]

    with monkeypatch.context() as broken:
        broken.setattr(market.transport, "exchange", silent)
        with pytest.raises(OutcomeUnknown) as unknown:
            bought(market, Person())

    assert (unknown.value.hint, states(market)) == ("bethna recover", [TradeState.BROADCAST])
    assert (at_the_desk(market, bring), len(market.executions())) == ([TradeState.FINAL], 1)


def test_when_the_second_leg_is_refused_the_first_stands_and_no_allowance_is_left(market, monkeypatch):
    inner = market.transport.exchange

    async def pausing(body: bytes) -> bytes:
        answer = await inner(body)
        if b"eth_sendRawTransaction" in body and len(market.transport.sent) == 1:
            pause_trading(market)
        return answer

    monkeypatch.setattr(market.transport, "exchange", pausing)

    carried = bought(market, Person(), *STRADDLE)

    assert isinstance(carried.stopped, ContractPaused)
    assert (len(carried.progresses), len(market.transport.sent), len(market.executions())) == (1, 1, 1)
    assert sorted(state is TradeState.APPROVED for state in states(market)) == [False, True]
    assert (carried.is_complete, allowance(market)) == (False, 0)


def test_an_account_without_money_is_told_before_it_is_asked(market):
    market.send(USDC, artifact("DevelopmentUSDC").function("transfer").encode(TRADER, market.usdc()))
    market.clock.advance(30)
    market.exchange.catch_up()
    person = Person()

    with pytest.raises(BethnaError, match="holds 0 USDC"):
        bought(market, person)

    assert (person.shown, states(market)) == ([], [])
