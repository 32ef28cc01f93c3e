"""What the watcher bears: a sale refused on chain, a sleeping process, a locked store, a chain that is silent, time.

Each on the real exchange, contracts, journal and store; nothing is sold twice, nothing is lost, and the person hears.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from bethna_cli.adapters import sql
from bethna_cli.adapters.abi import artifact
from bethna_cli.adapters.rpc_transport import InProcess
from bethna_cli.domain.chain import Hash
from bethna_cli.domain.errors import ConfigurationError, NodeBehind, WatcherReplaced
from bethna_cli.domain.journal import TradeState
from bethna_cli.domain.market import SpotPrice
from bethna_cli.domain.position import Position, PositionState
from bethna_cli.flow import guard, selling
from bethna_cli.flow.execute import recover
from bethna_cli.flow.guard import Ticked
from execution_desk import TRADER, FaultyTransport, HandClock, Market
from guard_desk import NEVER, Guarded, Meddling, seen, two_expiries  # noqa: F401 (a fixture of this module)


@pytest.fixture
def guarded(market: Market) -> Guarded:
    made = Guarded(market)
    made.fund_watcher()
    return made


async def frozen() -> None:
    raise NodeBehind("rpc", "its newest block is 5 minutes old")


def meddle(guarded: Guarded, before: int, happens: Callable[[], None], *, only_sends: bool = False) -> Meddling:
    inner = guarded.market.transport.inner
    made = Meddling(inner, before, happens, only_sends=only_sends)
    guarded.market.transport = made  # type: ignore[assignment]
    return made


def allow(guarded: Guarded, position: Position, contracts: int) -> None:
    guarded.market.send(position.token, artifact("OptionSeries").function("approve").encode(TRADER, contracts))


# ── refused on chain ──────────────────────────────────────────────────────────────────────────────────────────────


def test_an_exit_that_the_chain_refused_is_tried_again_though_a_reorganisation_takes_both_tries_out(
    guarded: Guarded,
):
    guarded.market.exchange.node.chain.finalized_depth = 45
    position = guarded.breached()
    meddle(guarded, 1, lambda: allow(guarded, position, 0), only_sends=True)
    before = guarded.height()
    (refused,) = guarded.ticks(1)
    assert refused.attempts[position.id].refusal == "the chain refused it"
    assert guarded.sales() == []
    allow(guarded, position, position.contracts)
    guarded.market.clock.advance(30)
    guarded.ticks(1)
    assert len(guarded.sales()) == 1

    # The account nonce of the refused one is empty again, and below that of the second try.
    guarded.market.ask("bethna_reorg", guarded.height() - before, {"drop": True})
    allow(guarded, position, position.contracts)
    guarded.market.clock.advance(60)
    guarded.ticks(2)

    assert [sold for sold, _ in guarded.sales()] == [position.contracts]
    assert guarded.positions()[0].state is PositionState.CLOSED


def test_exits_whose_purchase_was_filled_meanwhile_stand_from_the_next_look_on(guarded: Guarded):
    position = guarded.buy("a purchase", 5_000_000)
    with closing(sqlite3.connect(guarded.market.store)) as db:
        (purchase,) = db.execute("select digest from trades").fetchone()
    guarded.sign_exits(position, purchase=purchase)

    guarded.ticks(2)

    assert [sold for sold, _ in guarded.sales()] == [position.contracts]


# ── asleep, replaced ──────────────────────────────────────────────────────────────────────────────────────────────

BEFORE_THE_SEND = (12, 6, 3, 2)
"""How many requests before its transaction leaves something happens to a watcher; at the last one it is journaled."""


def requests_up_to_the_send(guarded: Guarded) -> int:
    """Let an exit happen undisturbed, and return which request carries its transaction."""
    counted = meddle(guarded, 0, lambda: None)
    at: list[int] = []
    meddle_at_send = meddle(guarded, 1, lambda: at.append(counted.asked), only_sends=True)
    meddle_at_send.inner = counted  # type: ignore[assignment]
    guarded.ticks(1)
    guarded.market.transport = counted.inner  # type: ignore[assignment]
    return at[0] + 1


def test_a_watcher_that_sleeps_in_the_middle_of_an_exit_does_not_act_on_the_price_it_saw(guarded: Guarded):
    position = guarded.breached()
    start, node = guarded.moment(), guarded.market.transport.inner
    send = requests_up_to_the_send(guarded)
    for before in BEFORE_THE_SEND:
        start = guarded.back_to(start)
        transport = Meddling(node, send - before, lambda: guarded.market.clock.advance(600))
        guarded.market.transport = transport  # type: ignore[assignment]

        (slept,) = guarded.ticks(1)

        assert transport.sent == 0, before
        refusal = slept.attempts[position.id].refusal
    assert refusal == "the price that asked for it is too old by now"  # earlier on the contract says no
    guarded.market.clock.advance(60)
    guarded.ticks(2)
    assert [sold for sold, _ in guarded.sales()] == [position.contracts]


def test_a_watcher_that_is_replaced_in_the_middle_of_an_exit_sends_nothing_any_more(guarded: Guarded):
    guarded.breached()
    start, node = guarded.moment(), guarded.market.transport.inner
    send = requests_up_to_the_send(guarded)

    async def replaced(before: int) -> None:
        transport = Meddling(node, send - before, lambda: None)
        guarded.market.transport = transport  # type: ignore[assignment]
        async with guarded.watch() as sleeper:
            transport.happens = lambda: sleeper.desk.watchbook.start(sleeper.desk.account, 2, 60.0) and None
            with pytest.raises(WatcherReplaced):
                await sleeper.tick()
        assert transport.asked >= send - before
        assert transport.sent == 0, before

    for before in BEFORE_THE_SEND:
        start = guarded.back_to(start)
        asyncio.run(replaced(before))
        assert guarded.sales() == []


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_clock_that_jumps_between_two_looks_neither_loses_a_sale_nor_makes_a_second(guarded: Guarded, hours: int):
    position = guarded.buy("a purchase", 5_000_000)
    guarded.sign_exits(position)
    guarded.ticks(1)

    guarded.market.clock.advance(hours * 3600)
    guarded.ticks(1)
    guarded.market.clock.advance(-hours * 3600 + 60)
    guarded.ticks(3)

    assert [sold for sold, _ in guarded.sales()] == [position.contracts]
    assert guarded.positions()[0].state is PositionState.CLOSED
    assert seen(guarded.alerts()).count("sold-stop-loss") == 1


# ── what fails beside it ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_position_whose_turn_goes_wrong_stops_no_other_one(guarded: Guarded, monkeypatch: pytest.MonkeyPatch):
    bad, worse, good = (guarded.buy(name, 5_000_000) for name in ("bad", "worse", "good"))
    for one in (bad, worse, good):
        guarded.sign_exits(one)
    decide, act = guard._decide, selling.sell

    def decided(book: Any, covers: Any, views: Any, decision: Any, work: Any) -> None:
        if book.positions[decision.row].id == bad.id:
            raise KeyError("a mistake")
        decide(book, covers, views, decision, work)

    async def sold(desk: Any, position: Position, *rest: Any) -> Any:
        if position.id == worse.id:
            raise ZeroDivisionError
        return await act(desk, position, *rest)

    monkeypatch.setattr(guard, "_decide", decided)
    monkeypatch.setattr(selling, "sell", sold)
    _, second = guarded.ticks(2)

    assert f"{bad.short_id}: bethna made a mistake: KeyError" in second.troubles
    assert second.attempts[worse.id].refusal == "bethna made a mistake: ZeroDivisionError"
    assert second.attempts[good.id].is_sold
    assert len(guarded.sales()) == 1


def test_a_store_that_another_program_holds_stops_a_sale_and_loses_none(
    guarded: Guarded, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sql, "BUSY_TIMEOUT_S", 0.0)
    position = guarded.breached()
    start, node = guarded.moment(), guarded.market.transport.inner
    send = requests_up_to_the_send(guarded)
    for step in (1, 9, send - 3, send - 2):  # from the last one on it is journaled
        start = guarded.back_to(start)
        with closing(sqlite3.connect(guarded.market.store, isolation_level=None)) as backup:
            transport = Meddling(node, step, lambda: backup.execute("begin immediate") and None)
            guarded.market.transport = transport  # type: ignore[assignment]
            with suppress(ConfigurationError):
                guarded.ticks(1)
            assert transport.asked >= step
            assert transport.sent == 0, step
            backup.execute("rollback")

        guarded.market.transport = FaultyTransport(node)
        guarded.market.clock.advance(60)
        guarded.ticks(2)
        assert [sold for sold, _ in guarded.sales()] == [position.contracts]
        assert seen(guarded.alerts()).count("sold-stop-loss") == 1


@dataclass
class Holder:
    """Another program that takes the store for itself when it is told to."""

    db: sqlite3.Connection

    def take(self) -> None:
        self.db.execute("begin immediate")

    def leave(self) -> None:
        self.db.execute("rollback")


@pytest.fixture
def holder(guarded: Guarded, monkeypatch: pytest.MonkeyPatch) -> Iterator[Holder]:
    monkeypatch.setattr(sql, "BUSY_TIMEOUT_S", 0.0)
    with closing(sqlite3.connect(guarded.market.store, isolation_level=None)) as db:
        yield Holder(db)


def test_what_a_look_could_not_write_down_is_told_by_the_next_one_once(guarded: Guarded, holder: Holder):
    guarded.rules = NEVER
    guarded.buy("a purchase", 5_000_000)

    looks = iter([holder.take])

    def taken(price: SpotPrice) -> SpotPrice:
        next(looks, lambda: None)()
        return price

    guarded.change = taken  # all that is left to do then is to write it down

    async def work() -> list[list[str]]:
        async with guarded.watch() as watch:
            watch.desk = replace(watch.desk, read_on=frozen)  # nothing new comes from the chain either
            with pytest.raises(ConfigurationError):
                await watch.tick()
            holder.leave()
            assert guarded.alerts() == []
            return [[one.kind for one in (await watch.tick()).alerts] for _ in range(2)]

    assert asyncio.run(work()) == [["chain-silent", "unprotected"], []]


def test_a_sale_that_could_not_be_written_down_is_told_once_however_it_has_ended_since(
    guarded: Guarded, holder: Holder
):
    position = guarded.breached()

    async def work() -> None:
        async with guarded.watch() as watch:
            note_fill = watch.desk.note_fill

            async def noted(transaction: Hash) -> None:
                await note_fill(transaction)
                holder.take()

            watch.desk = replace(watch.desk, note_fill=noted)
            with pytest.raises(ConfigurationError):
                await watch.tick()
        holder.leave()

    asyncio.run(work())
    guarded.market.finalise()
    asyncio.run(recover(guarded.market.desk()))  # as any command does
    assert [one.state for one in guarded.market.desk().journal.entries() if one.is_mandated] == [TradeState.FINAL]
    assert seen(guarded.alerts()) == []

    guarded.ticks(2)

    assert [sold for sold, _ in guarded.sales()] == [position.contracts]
    assert seen(guarded.alerts()) == ["sold-stop-loss"]
    assert guarded.positions()[0].state is PositionState.CLOSED


def test_a_chain_that_cannot_be_read_is_told_of_at_the_second_look_while_prices_are_still_watched(guarded: Guarded):
    guarded.buy("a purchase", 5_000_000)

    async def work() -> list[Ticked]:
        async with guarded.watch() as watch:
            await watch.tick()
            read_on = watch.desk.read_on
            for way in (frozen, frozen, frozen, read_on, read_on):
                watch.desk = replace(watch.desk, read_on=way)
                guarded.market.clock.advance(60)
                await watch.tick()
        return watch.ticks

    first, *silent, back, after = asyncio.run(work())

    assert [[one.kind for one in ticked.alerts] for ticked in (back, after)] == [["chain-answers"], []]
    told = [[one.kind for one in ticked.alerts if one.kind == "chain-silent"] for ticked in silent]
    assert told == [[], ["chain-silent"], []]
    assert all(ticked.assessment is not None for ticked in silent)
    assert first.alerts[0].kind == "unprotected"


# ── time ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_signed_exits_that_run_out_are_told_of_a_day_and_an_hour_before_and_then_leave_it_unprotected(
    guarded: Guarded,
):
    guarded.rules = NEVER
    position = guarded.buy("a purchase", 5_000_000)
    guarded.sign_exits(position, days=2.0, stop_share=0.1)
    market = guarded.market
    ends_at = market.clock.at + timedelta(days=2, minutes=-15)  # its last minutes are no use
    told: list[list[str]] = []
    for left in (
        timedelta(hours=25),
        timedelta(hours=23),
        timedelta(hours=2),
        timedelta(minutes=50),
        -timedelta(hours=1),
    ):
        market.clock.at = ends_at - left
        market.exchange.catch_up()
        (ticked,) = guarded.ticks(1)
        told.append([one.title.partition(" exits end ")[2] or one.kind for one in ticked.alerts])

    assert told == [[], ["within 24 hours"], [], ["within 1 hour"], ["unprotected"]]
    assert ("WARNING", "unprotected") in [alert[:2] for alert in guarded.alerts()]


# ── many ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class Slow:
    """A node that takes half a second for an answer, by the market's own clock."""

    inner: InProcess
    clock: HandClock
    asked: int = 0

    async def exchange(self, body: bytes) -> bytes:
        self.asked += 1
        self.clock.advance(0.5)
        return await self.inner.exchange(body)

    async def aclose(self) -> None:
        await self.inner.aclose()


def looked_at_slowly(guarded: Guarded, count: int) -> None:
    """Buy so many positions of one option, let the stop of all fire at once, and watch over a slow node.

    After the look that confirms it each look sells at least three, and none of them is without its exits meanwhile.
    """
    market = guarded.market
    for number in range(count):
        bought = guarded.buy(f"purchase {number}", 5_000_000)
        guarded.sign_exits(bought, name=f"exits {number}", allow=count, spare=101)
    node = market.transport.inner
    seconds = []
    for _ in range(1 + -(-count // 3)):
        market.transport = Slow(node, market.clock)  # type: ignore[assignment]
        began = market.clock.at
        guarded.ticks(1)
        seconds.append((market.clock.at - began).total_seconds())
        if len(guarded.sales()) == count:
            break
        market.clock.at = max(market.clock.at, began + timedelta(seconds=60))
    print(f"{count} positions: {len(seconds)} looks of {min(seconds):.0f} to {max(seconds):.0f} s")
    assert len(guarded.sales()) == count
    assert sum(sold for sold, _ in guarded.sales()) == sum(one.contracts for one in guarded.positions())
    assert {one.state for one in guarded.positions()} == {PositionState.CLOSED}
    assert set(seen(guarded.alerts())) == {"sold-stop-loss"}
    assert max(seconds) < 60


def test_a_look_at_several_positions_that_all_have_to_go_ends_within_a_minute_over_a_slow_node(guarded: Guarded):
    looked_at_slowly(guarded, 3)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_look_at_fifty_positions_that_all_have_to_go_ends_within_a_minute_over_a_slow_node(guarded: Guarded):
    looked_at_slowly(guarded, 50)
