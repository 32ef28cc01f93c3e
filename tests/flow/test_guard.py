"""What the watcher does with a real position on the embedded exchange: a sale within what was signed, or words."""

import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bethna_cli.domain.errors import SourceUnavailable, TradeRefused, WatcherReplaced
from bethna_cli.domain.guarding import ExitRules, Reaction
from bethna_cli.domain.mandate import MandateState
from bethna_cli.domain.market import Asset, Candle, Origin, PriceHistory, Provenance, SpotPrice
from bethna_cli.domain.position import PositionState
from bethna_cli.domain.signing import FundWatcher, Plan
from bethna_cli.domain.units import Bps, iso
from bethna_cli.flow.fund import fund_watcher
from bethna_cli.flow.gauge import Gauging
from bethna_cli.flow.guard import Ticked
from execution_desk import TRADER, USER, Crash, Market
from guard_desk import NEVER, WATCHER, Guarded, run, seen, two_expiries  # noqa: F401 (a fixture of this module)


@pytest.fixture
def guarded(market: Market) -> Guarded:
    made = Guarded(market)
    made.fund_watcher()
    return made


def stale(price: SpotPrice) -> SpotPrice:
    """The price as it would be from a source that stopped three minutes ago."""
    provenance = replace(price.provenance, observed_at=price.provenance.observed_at - timedelta(minutes=3))
    return replace(price, provenance=provenance)


def test_a_broken_stop_sells_at_the_second_look_for_the_person_and_its_record_says_why(guarded: Guarded):
    position = guarded.buy()
    guarded.sign_exits(position)
    before = guarded.market.usdc()

    first, second, third = guarded.ticks(3)

    assert first.attempts == {}
    assert second.attempts[position.id].refusal is None
    assert third.attempts == {}
    ((sold, proceeds),) = guarded.sales()
    assert sold == position.contracts
    assert guarded.market.usdc() - before == proceeds > 0.9 * position.cost
    (after,) = guarded.positions()
    assert (after.state, after.proceeds) == (PositionState.CLOSED, proceeds)
    assert guarded.decisions()[-1][:2] == ("SOLD", "stop-loss")
    assert [verdict for verdict, _, _ in guarded.decisions()] == ["CONFIRM", "SELL", "SOLD"]
    assert seen(guarded.alerts()).count("sold-stop-loss") == 1
    confirm, sell, sold_by = guarded.explained(position)
    for facts in (confirm, sell):
        assert facts["value_usdc"] < facts["cost_usdc"] == position.cost / 1e6
        assert facts["market"]["source"] == "pyth"
    assert sell["first_seen_at"] == confirm["market"]["observed_at"]
    assert sold_by["minimum_usdc"] <= sold_by["proceeds_usdc"] <= sold_by["offered_usdc"]


def test_the_watchers_account_never_gets_more_than_it_may_hold_in_however_many_parts(guarded: Guarded):
    asked: list[Plan] = []

    async def fund(wei: int) -> None:
        signer: Any = None  # never reached
        await fund_watcher(guarded.market.desk(), signer, USER, WATCHER, TRADER, wei, asked.append)

    with pytest.raises(TradeRefused, match=r"The watcher has 0.002 ETH; with 0.0031 more .* over 0.005") as refused:
        run(lambda: fund(31 * 10**14))
    assert refused.value.hint == "bethna watch fund 0.003"
    assert asked == []
    with pytest.raises(AttributeError):  # what still fits is shown, and only then signed
        run(lambda: fund(30 * 10**14))
    assert [step.action for plan in asked for step in plan.steps] == [FundWatcher(30 * 10**14)]


def test_the_person_hears_which_rule_sold_and_not_whose_signature_served_it(guarded: Guarded):
    guarded.rules = ExitRules(expiry=Reaction.SELL, expiry_near_h=10_000.0)
    position = guarded.buy()
    guarded.sign_exits(position, stop_share=0.2)

    guarded.ticks(2)

    assert guarded.decisions()[-1][:2] == ("SOLD", "expiry-near")
    ((_, kind, text),) = (one for one in guarded.alerts() if one[1].startswith("sold-"))
    assert kind == "sold-expiry-near"
    assert f"bethna why {position.short_id}" in text


def test_without_a_signature_nothing_is_sold_and_the_person_is_asked_once(guarded: Guarded):
    position = guarded.buy()

    guarded.ticks(4)

    assert guarded.sales() == []
    told = [(level, kind) for level, kind, _ in guarded.alerts() if kind in ("stop-loss", "unprotected")]
    assert told == [("WARNING", "unprotected"), ("CRITICAL", "stop-loss")]
    assert f"bethna close {position.short_id}" in guarded.alerts()[-1][2]


def test_a_floor_above_the_market_is_never_loosened_and_is_told_of_every_five_minutes(guarded: Guarded):
    position = guarded.buy()
    guarded.sign_exits(position, floor_share=2.5)

    ticks = guarded.ticks(6)
    guarded.market.clock.advance(240)
    ticks += guarded.ticks(2, every_s=240)

    tried = [number for number, ticked in enumerate(ticks) if ticked.attempts]
    assert guarded.sales() == []
    assert tried == [1, 2, 3, 5, 6, 7]  # ever longer waits, four minutes at most
    assert "less than the floor" in str(ticks[-1].attempts[position.id].refusal)
    failing = [level for level, kind, _ in guarded.alerts() if kind == "exit-failing"]
    assert failing == ["CRITICAL"] * 3


def test_what_the_person_cancels_on_chain_is_not_sold_and_said_to_be_unprotected(guarded: Guarded):
    position = guarded.buy()
    (mandate, _) = guarded.sign_exits(position)
    guarded.cancel(mandate)

    guarded.ticks(3)

    assert guarded.sales() == []
    assert {one.state for one in guarded.mandates(position)} == {MandateState.CANCELLED}
    assert any("cancelled" in text for _, kind, text in guarded.alerts() if kind == "unprotected")


def test_on_a_stale_price_nothing_fires_and_the_person_hears_within_two_looks_and_when_it_is_over(guarded: Guarded):
    looks = iter([stale, stale])
    guarded.change = lambda price: next(looks, replace)(price)
    guarded.sign_exits(guarded.buy())

    first, second, third, fourth = guarded.ticks(4)

    assert [one.attempts for one in (first, second, third)] == [{}, {}, {}]
    assert [verdict for verdict, _, _ in guarded.decisions()] == ["CONFIRM", "SELL", "SOLD"]
    assert [alert.kind for alert in first.alerts] == []
    assert [(alert.level, alert.kind) for alert in second.alerts] == [("CRITICAL", "value-unknown")]
    assert [(alert.level, alert.kind) for alert in third.alerts] == [("INFO", "value-known")]
    assert [alert.kind for alert in fourth.alerts] == []


def test_an_exit_that_is_cut_off_anywhere_sells_once(guarded: Guarded):
    position = guarded.breached()
    start = guarded.moment()
    for fault in ("crash before", "crash after", "answer lost", "request lost"):
        start = guarded.back_to(start)
        guarded.market.transport.faults.append(fault)

        with suppress(Crash):
            guarded.ticks(1)
        guarded.market.clock.advance(60)
        guarded.ticks(2)

        assert [sold for sold, _ in guarded.sales()] == [position.contracts], fault
        assert {one.state for one in guarded.positions()} == {PositionState.CLOSED}


def test_a_watcher_that_was_replaced_while_it_slept_sells_nothing_any_more(guarded: Guarded):
    guarded.sign_exits(guarded.buy())

    async def work() -> None:
        async with guarded.watch() as sleeper:
            await sleeper.tick()
            guarded.market.clock.advance(600)
            async with guarded.watch():
                with pytest.raises(WatcherReplaced):
                    await sleeper.tick()

    run(work)
    assert guarded.sales() == []


def test_the_rules_that_were_signed_are_the_rules_that_are_watched(guarded: Guarded):
    guarded.rules = ExitRules()
    position = guarded.buy()
    guarded.sign_exits(position)

    guarded.ticks(2)

    assert [sold for sold, _ in guarded.sales()] == [position.contracts]
    assert guarded.own_rules()[position.id].stop_loss == Bps(10)


def test_rules_that_do_not_fire_leave_everything_as_it_is(guarded: Guarded):
    guarded.rules = NEVER
    bought = {guarded.buy("one").id, guarded.buy("two").id}

    ticks = guarded.ticks(3)

    assert guarded.sales() == []
    assert guarded.decisions() == []
    assert [{one.id for one in ticked.book.positions} for ticked in ticks] == [bought] * 3


class Wandering:
    """Sixty days of hourly prices, and how often they were asked for."""

    name = "wandering"

    def __init__(self) -> None:
        self.asked = 0
        self.is_down = False

    async def history(self, asset: Asset, hours: int) -> PriceHistory:
        self.asked += 1
        if self.is_down:
            raise SourceUnavailable(self.name, "it is down")
        begin = datetime(2026, 1, 1, tzinfo=UTC)
        prices = (3_000.0 * (1 + 0.05 * math.sin(hour / 7)) for hour in range(60 * 24))
        candles = [Candle(begin + timedelta(hours=hour), *[price] * 4) for hour, price in enumerate(prices)]
        return PriceHistory(asset, tuple(candles), Provenance(self.name, begin, Origin.SIMULATED))


def test_each_look_keeps_what_the_positions_add_up_to_by_the_prices_of_that_look(guarded: Guarded):
    guarded.rules = NEVER
    position = guarded.buy()
    history = Wandering()
    gauging = Gauging((history,))

    async def work() -> tuple[list[Ticked], list[Mapping[str, Any]]]:
        async with guarded.watch() as watch:
            for _ in range(3):
                await gauging.turn(watch.desk, watch.memory.token, await watch.tick())
                guarded.market.clock.advance(60)
            return watch.ticks, watch.desk.watchbook.gauges(USER, 2)

    ticks, kept = run(work)

    assert [one["at"] for one in kept] == [iso(tick.at) for tick in ticks[1:]]
    assert history.asked == 1  # an hour is not over
    newest, assessment = kept[-1], ticks[-1].assessment
    assert newest["value_usdc"] == int(assessment.values[0]) / 1e6
    (exposure,) = newest["exposures"]
    size, marks = position.contracts / 1e6, assessment.marks
    for name, greek in (("delta", marks.delta), ("vega_usd_per_point", marks.vega), ("theta_usd_per_day", marks.theta)):
        assert exposure[name] == pytest.approx(size * float(greek[0]))
    assert 0 < newest["value_at_risk"]["loss_usdc"] <= newest["value_usdc"]
    assert {part["name"] for part in newest["health"]["parts"]} == {"risk", "time", "protection", "spread"}
    assert 0 <= newest["health"]["score"] <= 100


def test_without_price_history_the_bad_day_is_unknown_and_asked_for_again_before_long(guarded: Guarded):
    guarded.rules = NEVER
    guarded.buy()
    history = Wandering()
    history.is_down = True
    gauging = Gauging((history,))

    async def work() -> list[Mapping[str, Any]]:
        async with guarded.watch() as watch:
            for _ in range(7):
                await gauging.turn(watch.desk, watch.memory.token, await watch.tick())
                guarded.market.clock.advance(60)
            return list(watch.desk.watchbook.gauges(USER, 9))

    kept = run(work)

    assert history.asked == 2
    assert [one["value_at_risk"] for one in kept] == [None] * 7
    assert "risk" not in {part["name"] for part in kept[-1]["health"]["parts"] if part["points"]}


def test_a_watcher_that_was_replaced_keeps_nothing_of_what_it_reckons(guarded: Guarded):
    guarded.rules = NEVER
    guarded.buy()

    async def work() -> list[Mapping[str, Any]]:
        async with guarded.watch() as sleeper:
            ticked = await sleeper.tick()
            async with guarded.watch():
                with pytest.raises(WatcherReplaced):
                    await Gauging(()).turn(sleeper.desk, sleeper.memory.token, ticked)
            return list(sleeper.desk.watchbook.gauges(USER, 9))

    assert run(work) == []
