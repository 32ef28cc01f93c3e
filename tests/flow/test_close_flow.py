"""Selling what was bought: the card, the checks, the journal and the exits that end with it, on the real contracts."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from fractions import Fraction
from io import StringIO
from itertools import pairwise
from typing import Any, TypeVar

import pytest
from rich.console import Console

from approval_desk import WATCHER, HereSigner, Person, opened, pause_exits, recommended
from bethna_cli.adapters.abi import artifact
from bethna_cli.cli.render_exits import print_exits
from bethna_cli.domain.approval import Schedule
from bethna_cli.domain.chain import Address
from bethna_cli.domain.errors import ContractPaused, NothingSuitable, SlippageTooHigh, TradeRefused
from bethna_cli.domain.mandate import ExitTerms, Mandate, MandateState
from bethna_cli.domain.options import OptionKind
from bethna_cli.domain.position import ChainEvent, EventKind, OptionTerms, Position
from bethna_cli.domain.signing import Approve, CancelNonce, Submit
from bethna_cli.domain.trade import Side
from bethna_cli.domain.units import Bps
from bethna_cli.execution.approval import read_card
from bethna_cli.flow.approve import approve
from bethna_cli.flow.carry import Carried, card_lines
from bethna_cli.flow.close import close, prepare_close
from bethna_cli.flow.mandate import ExitReview, authorise, call_off
from bethna_cli.flow.recover import recover
from bethna_cli.flow.sight import TradingDesk
from execution_desk import TRADER, USER, Crash, Market

T = TypeVar("T")
ALL, HALF = Fraction(1), Fraction(1, 2)
EXITS = ExitTerms(Bps(5_000), Bps(10_000))
TOKEN = artifact("DevelopmentUSDC")


def at_the_desk(market: Market, work: Callable[[TradingDesk], Awaitable[T]], signer: Any = None, **terms: Any) -> T:
    async def session() -> T:
        async with opened(market, signer or HereSigner(), **terms) as desk:
            return await work(desk)

    return asyncio.run(session())


async def holding(desk: TradingDesk, market: Market, exits: ExitTerms | None = None) -> Position:
    """Buy an option, and let a minute pass."""
    carried = await approve(desk, await recommended(desk, OptionKind.CALL), Person(), exits)
    noted(desk, carried)
    market.clock.advance(61)
    market.exchange.catch_up()
    (position,) = desk.positions.all()
    return position


def noted(desk: TradingDesk, carried: Carried) -> None:
    """Note a purchase as the listener does."""
    for leg, progress in zip(carried.review.wanted.legs, carried.progresses, strict=True):
        intent, fill = progress.entry.trade.intent, progress.entry.fill
        bought = ChainEvent(
            EventKind.BOUGHT, intent.user, TRADER, intent.option_token, fill.amount_out, fill.amount_in,
            fill.transaction, fill.ordinal, fill.block_number, fill.block_hash, fill.block_number, 1,
        )  # fmt: skip
        terms = OptionTerms(carried.review.wanted.asset, leg.kind, leg.strikes, leg.expires_at, leg.ticker)
        desk.positions.add([bought], {intent.option_token: terms}, desk.clock.now(), lambda _: None)


class Agreeing:
    """Says yes to exits; `shown` is what it saw."""

    def __init__(self, shown: list[ExitReview]) -> None:
        self.shown = shown

    def ask_exits(self, shown: ExitReview) -> None:
        self.shown.append(shown)


def read(market: Market, token: str, name: str, *arguments: object) -> int:
    return int.from_bytes(market.call(token, TOKEN.function(name).encode(*arguments)), "big")


def held(market: Market, position: Position) -> tuple[int, int]:
    """The account's contracts, and how many of them the contract may take."""
    return read(market, position.token, "balanceOf", USER), read(market, position.token, "allowance", USER, TRADER)


def states(desk: TradingDesk, position: Position) -> list[MandateState]:
    return [one.state for one in desk.mandates.of_token(USER, position.token)]


# ── what is agreed to is what happens ─────────────────────────────────────────────────────────────────────────────


def test_a_position_is_sold_for_what_the_card_says_and_nothing_is_left_behind(market):
    person, signer = Person(), HereSigner()

    async def work(desk: TradingDesk) -> tuple[Position, Carried]:
        position = await holding(desk, market)
        return position, await close(desk, position.short_id, ALL, person)

    before = market.usdc()
    position, carried = at_the_desk(market, work, signer)

    (progress,) = carried.progresses
    fill = progress.entry.fill
    card = "\n".join(str(line) for line in card_lines(person.shown[0]))
    assert [progress.entry.trade] == read_card(card)
    assert progress.entry.trade.intent.side is Side.SELL
    assert (fill.amount_in, held(market, position)) == (position.contracts, (0, 0))
    assert -carried.usdc_spent == fill.amount_out == market.usdc() - (before - position.cost)
    assert fill.amount_out >= progress.entry.trade.intent.min_amount_out >= fill.amount_out * 0.9
    assert [type(step.action) for step in signer.unlocked_plans[-1].steps] == [Submit]


def test_a_part_is_sold_and_the_rest_stays(market):
    async def work(desk: TradingDesk) -> Position:
        position = await holding(desk, market)
        await close(desk, position.id, HALF, Person())
        return position

    position = at_the_desk(market, work)

    assert held(market, position) == (position.contracts - position.contracts // 2, 0)


def test_what_was_sold_once_is_not_sold_again_but_the_rest_can_be(market):
    async def work(desk: TradingDesk) -> Position:
        position = await holding(desk, market)
        await close(desk, position.id, HALF, Person())
        market.clock.advance(4)
        await close(desk, position.id, ALL, Person())
        market.clock.advance(4)
        with pytest.raises(TradeRefused, match="nothing to sell"):
            await close(desk, position.id, ALL, Person())
        return position

    position = at_the_desk(market, work)

    assert (held(market, position)[0], len(market.executions())) == (0, 3)


def test_a_large_position_is_sold_in_parts_with_one_yes_and_one_key(market):
    person, signer = Person(), HereSigner()

    async def work(desk: TradingDesk) -> tuple[Position, Carried]:
        position = await holding(desk, market)
        return position, await close(desk, position.id, ALL, person, Schedule(4, 20))

    position, carried = at_the_desk(market, work, signer)

    sales = [one.entry for one in carried.progresses]
    blocks = [market.ask("eth_getBlockByNumber", hex(one.fill.block_number), False) for one in sales]
    times = [int(block["timestamp"], 16) for block in blocks]
    assert (len(person.shown), len(signer.unlocked_plans), carried.is_complete) == (1, 2, True)
    assert [one.trade.purpose for one in sales] == ["sell-1", "sell-2", "sell-3", "sell-4"]
    assert sum(one.fill.amount_in for one in sales) == position.contracts
    assert all(later - earlier >= 18 for earlier, later in pairwise(times))
    assert held(market, position) == (0, 0)


def test_the_rest_of_a_large_order_is_left_undone_when_the_price_moves_by_more_than_two_percent(market):
    async def work(desk: TradingDesk) -> tuple[Position, Carried]:
        position = await holding(desk, market)
        bids, looks = desk.book.bids, iter(range(100))

        async def sinking(asset: Any) -> Any:
            board = await bids(asset)
            if next(looks) < 2:
                return board
            lower = [replace(one, price=one.price * 97 // 100) for one in board.quotes]
            return replace(board, quotes=tuple(lower))

        desk.book.bids = sinking
        return position, await close(desk, position.id, ALL, Person(), Schedule(3, 10))

    position, carried = at_the_desk(market, work)

    assert isinstance(carried.stopped, SlippageTooHigh)
    assert (len(carried.progresses), carried.is_complete) == (1, False)
    assert held(market, position) == (position.contracts - carried.progresses[0].entry.fill.amount_in, 0)


# ── exits ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_purchase_with_exits_leaves_two_mandates_with_one_nonce_and_exactly_their_allowance(market):
    person = Person()

    async def work(desk: TradingDesk) -> tuple[Position, Any]:
        carried = await approve(desk, await recommended(desk, OptionKind.CALL), person, EXITS)
        noted(desk, carried)
        (position,) = desk.positions.all()
        return position, desk.mandates.of_token(USER, position.token)

    position, mandates = at_the_desk(market, work, watcher=WATCHER)

    stop, goal = (one.trade.intent for one in mandates)
    card = "\n".join(str(line) for line in card_lines(person.shown[0]))
    assert read_card(card)[1:] == [one.trade for one in mandates]
    assert [one.state for one in mandates] == [MandateState.OPEN] * 2
    assert (stop.nonce, stop.executor, stop.amount_in) == (goal.nonce, WATCHER, goal.amount_in)
    assert abs(mandates[0].trigger_value(position.contracts) - position.cost // 2) < position.cost // 40
    assert abs(mandates[1].trigger_value(position.contracts) - position.cost * 2) < position.cost // 20
    assert [one.trade.intent.min_amount_out for one in mandates] == [
        stop.quoted_amount_out // 2,
        goal.quoted_amount_out // 2,
    ]
    balance, allowance = held(market, position)
    assert balance <= allowance == stop.amount_in


def test_selling_out_ends_the_exits_and_takes_the_allowance_back(market):
    signer = HereSigner()

    async def work(desk: TradingDesk) -> tuple[Position, list[MandateState], list[Any]]:
        position = await holding(desk, market, EXITS)
        mandates = desk.mandates.of_token(USER, position.token)
        await close(desk, position.id, ALL, Person())
        used = [
            await desk.execution.evidence.is_nonce_used(one.trade, (await desk.chain.block()).hash) for one in mandates
        ]
        return position, states(desk, position), used

    position, ended, used = at_the_desk(market, work, signer, watcher=WATCHER)

    actions = [type(step.action) for step in signer.unlocked_plans[-1].steps]
    assert actions == [Submit, CancelNonce, Approve]
    assert (held(market, position), used) == ((0, 0), [True, True])
    assert ended == [MandateState.CANCELLED] * 2


def test_a_partial_sale_leaves_the_exits_enough_allowance_for_the_rest(market):
    async def work(desk: TradingDesk) -> tuple[Position, list[MandateState]]:
        position = await holding(desk, market, EXITS)
        await close(desk, position.id, HALF, Person())
        return position, states(desk, position)

    position, open_still = at_the_desk(market, work, watcher=WATCHER)

    balance, allowance = held(market, position)
    assert 0 < balance <= allowance
    assert open_still == [MandateState.OPEN] * 2


def test_a_watcher_without_an_account_gets_no_exits_and_the_card_says_so(market):
    person = Person()

    async def work(desk: TradingDesk) -> list[Any]:
        await approve(desk, await recommended(desk, OptionKind.CALL), person, EXITS)
        return desk.mandates.live()

    assert at_the_desk(market, work) == []
    assert (person.shown[0].exits, person.shown[0].has_watcher) == ((), False)


def test_exits_are_signed_anew_before_the_old_ones_are_called_off(market):
    shown: list[ExitReview] = []

    async def work(desk: TradingDesk) -> tuple[Position, list[Mandate], list[bool]]:
        position = await holding(desk, market, EXITS)
        await authorise(desk, position.id, ExitTerms(Bps(2_000), Bps(5_000)), Agreeing(shown))
        mandates = desk.mandates.of_token(USER, position.token)
        head = (await desk.chain.block()).hash
        return position, mandates, [await desk.execution.evidence.is_nonce_used(one.trade, head) for one in mandates]

    position, mandates, used = at_the_desk(market, work, watcher=WATCHER)

    old, new = mandates[:2], mandates[2:]
    assert [one.state for one in (*old, *new)] == [MandateState.CANCELLED] * 2 + [MandateState.OPEN] * 2
    assert {one.position for one in new} == {position.id}
    assert used == [True, True, False, False]
    assert [type(step.action) for step in shown[0].plan.steps] == [Approve, CancelNonce]
    assert read_card("\n".join(str(line) for line in shown[0].card_lines)) == [one.trade for one in new]
    assert new[0].trigger_value(position.contracts) == position.cost * 8 // 10
    assert held(market, position) == (position.contracts, position.contracts)


def test_exits_that_are_called_off_end_on_chain_for_all_that_they_guard_and_the_card_says_so(market):
    shown: list[ExitReview] = []

    async def work(desk: TradingDesk) -> tuple[list[Position], list[MandateState]]:
        bought = await approve(desk, await recommended(desk, OptionKind.CALL), Person(), EXITS, Schedule(2, 10))
        noted(desk, bought)
        first, second = desk.positions.all()
        await call_off(desk, second.id, Agreeing(shown))
        with pytest.raises(TradeRefused, match="no exits"):
            await call_off(desk, first.id, Agreeing([]))
        return [first, second], states(desk, first)

    (first, second), ended = at_the_desk(market, work, watcher=WATCHER)

    assert (held(market, first), ended) == ((first.contracts + second.contracts, 0), [MandateState.CANCELLED] * 2)
    assert shown[0].bared == (first,)
    screen = Console(file=StringIO(), width=80)
    print_exits(screen, shown[0])
    line = f"Unprotected   {first.short_id} afterwards: what is called off guards it, too\n"
    assert screen.file.getvalue().endswith(line)


def test_a_crash_between_purchase_and_permission_is_made_good_at_the_next_start(market):
    async def work(desk: TradingDesk) -> None:
        market.transport.faults.extend(["none", "crash before"])
        with pytest.raises(Crash):
            await approve(desk, await recommended(desk, OptionKind.CALL), Person(), EXITS)

    async def next_start(desk: TradingDesk) -> tuple[list[MandateState], list[MandateState], int]:
        before = [one.state for one in desk.mandates.live()]
        await recover(desk.execution, desk.mandates)
        token = desk.mandates.live()[0].token
        return before, [one.state for one in desk.mandates.live()], read(market, token, "allowance", USER, TRADER)

    at_the_desk(market, work, watcher=WATCHER)
    before, after, allowance = at_the_desk(market, next_start, watcher=WATCHER)

    assert (before, after) == ([MandateState.WAITING] * 2, [MandateState.OPEN] * 2)
    assert (allowance > 0, len(market.executions())) == (True, 1)


def test_exits_that_ended_just_before_a_crash_are_permitted_nothing_by_the_next_purchase(market):
    async def sold_and_gone(desk: TradingDesk) -> None:
        position = await holding(desk, market, EXITS)

        def dying(*_: object) -> None:
            raise Crash

        desk.mandates.move = dying
        with pytest.raises(Crash):
            await close(desk, position.id, ALL, Person())

    async def next_purchase(desk: TradingDesk) -> tuple[list[Mandate], int, int]:
        await recover(desk.execution, desk.mandates)
        market.clock.advance(4)
        await approve(desk, await recommended(desk, OptionKind.CALL), Person(), EXITS)
        mandates = desk.mandates.live()
        return mandates, *(
            read(market, mandates[0].token, *question)
            for question in (("balanceOf", USER), ("allowance", USER, TRADER))
        )

    at_the_desk(market, sold_and_gone, watcher=WATCHER)
    mandates, balance, allowance = at_the_desk(market, next_purchase, watcher=WATCHER)

    assert len(mandates) == 4  # the watcher puts the old two away, by what is final
    assert 0 < balance <= allowance == mandates[-1].trade.intent.amount_in


def test_exits_of_a_purchase_that_never_came_are_forgotten_and_nothing_is_permitted(market):
    async def work(desk: TradingDesk) -> Address:
        market.transport.faults.append("crash before")
        with pytest.raises(Crash):
            await approve(desk, await recommended(desk, OptionKind.CALL), Person(), EXITS)
        return desk.mandates.live()[0].token

    async def much_later(desk: TradingDesk) -> list[Mandate]:
        await recover(desk.execution, desk.mandates)
        return desk.mandates.of_token(USER, token)

    token = at_the_desk(market, work, watcher=WATCHER)
    market.clock.advance(400)
    market.exchange.catch_up()
    market.finalise()
    mandates = at_the_desk(market, much_later, watcher=WATCHER)

    assert [(one.state, one.signature) for one in mandates] == [(MandateState.CANCELLED, b"")] * 2
    assert (market.executions(), market.desk().journal.errands()) == ([], [])


def test_a_permission_is_not_sent_while_its_purchase_is_not_filled(market):
    async def work(desk: TradingDesk) -> None:
        market.ask("evm_setAutomine", False)
        market.transport.faults.append("crash after")
        with pytest.raises(Crash):
            await approve(desk, await recommended(desk, OptionKind.CALL), Person(), EXITS)
        await recover(desk.execution, desk.mandates)

    at_the_desk(market, work, watcher=WATCHER)

    (entry,) = market.desk().journal.entries()
    assert set(market.transport.sent) == {entry.variants[0].raw}
    assert len(market.desk().journal.errands()) == 1


# ── what stands in the way ────────────────────────────────────────────────────────────────────────────────────────


def test_paused_exits_refuse_a_sale_before_anything_is_signed(market):
    signer = HereSigner()

    async def work(desk: TradingDesk) -> None:
        position = await holding(desk, market)
        pause_exits(market)
        market.clock.advance(4)
        signer.unlocked_plans.clear()
        await close(desk, position.id, ALL, Person())

    with pytest.raises(ContractPaused):
        at_the_desk(market, work, signer)

    assert (signer.unlocked_plans, len(market.executions())) == ([], 1)


def test_where_no_maker_bids_nothing_is_sold(market):
    async def work(desk: TradingDesk) -> None:
        position = await holding(desk, market)
        bids = desk.book.bids

        async def others(asset: Any) -> Any:
            board = await bids(asset)
            return replace(board, quotes=tuple(one for one in board.quotes if one.ticker != position.terms.ticker))

        desk.book.bids = others
        await close(desk, position.id, ALL, Person())

    with pytest.raises(NothingSuitable, match="it stays yours"):
        at_the_desk(market, work)


def test_a_dry_run_signs_nothing_and_makes_every_check_of_a_sale(market):
    signer = HereSigner()

    async def work(desk: TradingDesk) -> Any:
        position = await holding(desk, market)
        signer.unlocked_plans.clear()
        shown = await prepare_close(desk, position.id, ALL)
        return shown, desk.venue.calls(shown.plan, [offer.order for offer in shown.sight.offers])

    shown, (call,) = at_the_desk(market, work, signer)

    assert shown.refusal is None
    assert {"balance", "allowance", "slippage", "paused", "order", "deadline"} <= {
        one.check for one in shown.results[0]
    }
    assert (call.to, signer.unlocked_plans) == (TRADER, [])
