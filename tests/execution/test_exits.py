"""Exits as they are signed, and the plans that carry trades: the signer takes each, and no more is permitted."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plans import CONTRACT, DOMAIN, NOW_S, OPTION, PLAN_ID, ROUTER, USER, leg, terms

from bethna_cli.adapters.abi import keccak
from bethna_cli.adapters.signer_rules import require_allowed
from bethna_cli.domain.approval import Held
from bethna_cli.domain.chain import Address, Fees
from bethna_cli.domain.mandate import ExitTerms, MandateKind
from bethna_cli.domain.signing import Approve, Pins, Submit
from bethna_cli.domain.trade import PlannedTrade, Side
from bethna_cli.domain.units import Bps
from bethna_cli.execution import steps
from bethna_cli.execution.approval import card, read_card
from bethna_cli.execution.exits import ExitFrame, Protected, exit_intents, kind_of
from bethna_cli.execution.plan import planned

WATCHER, USDC = (Address("0x" + digits * 20) for digits in ("77", "88"))
PINS = Pins(DOMAIN.chain_id, CONTRACT, USDC, "USD Coin", "2", WATCHER, clock_skew_s=None)
FRAME = steps.Frame(DOMAIN.chain_id, CONTRACT, USER, NOW_S, 7, Fees(5_000_000, 1_000_000), 100_000_000)
WEEK_S = 7 * 86_400
contracts = st.integers(1_000, 10**12)
costs = st.integers(1_000_000, 10**12)
rules = st.builds(
    ExitTerms, st.integers(1, 9_999).map(Bps), st.integers(1, 100_000).map(Bps), st.integers(1, 10_000).map(Bps)
)


def exits(
    amount: int = 2_000_000, cost: int = 100_000_000, wish: ExitTerms | None = None, life_s: int = WEEK_S
) -> tuple[PlannedTrade, ...]:
    position = Protected(OPTION, ROUTER, amount, cost, NOW_S + life_s)
    frame = ExitFrame(PLAN_ID, DOMAIN, USER, WATCHER, terms().ref, NOW_S)
    return exit_intents(position, wish or ExitTerms(Bps(5_000), Bps(10_000)), frame, keccak)


def test_half_the_cost_stops_twice_the_cost_is_taken_and_half_of_either_is_the_floor():
    stop, goal = exits()

    assert (kind_of(stop), kind_of(goal)) == (MandateKind.STOP_LOSS, MandateKind.TAKE_PROFIT)
    assert (stop.intent.quoted_amount_out, stop.intent.min_amount_out) == (50_000_000, 25_000_000)
    assert (goal.intent.quoted_amount_out, goal.intent.min_amount_out) == (200_000_000, 100_000_000)


def test_they_end_an_hour_before_expiry_and_after_thirty_days_at_most():
    (near, _), (far, _) = exits(life_s=WEEK_S), exits(life_s=10 * WEEK_S)

    assert near.intent.deadline_s == NOW_S + WEEK_S - 3_600
    assert far.intent.deadline_s == NOW_S + 30 * 86_400


def test_an_option_that_expires_within_two_hours_gets_none():
    assert exits(life_s=2 * 3_600 - 1) == ()


def test_one_that_is_not_wished_for_is_not_signed():
    (only,) = exits(wish=ExitTerms(None, Bps(5_000)))

    assert only.purpose == "take-profit"


@pytest.mark.parametrize(("stop", "goal", "floor"), [(0, 1, 1), (10_000, 1, 1), (1, 0, 1), (1, 1, 0), (1, 1, 10_001)])
def test_limits_that_make_no_sense_are_refused(stop: int, goal: int, floor: int):
    with pytest.raises(ValueError, match="is"):
        ExitTerms(Bps(stop), Bps(goal), Bps(floor))


@given(contracts, costs, rules)
def test_stop_and_goal_exclude_one_another_and_the_card_gives_back_exactly_what_is_signed(
    amount: int, cost: int, wish: ExitTerms
):
    signed = exits(amount, cost, wish)

    assert len({trade.intent.nonce for trade in signed}) == 1
    assert all(trade.intent.executor == WATCHER and trade.intent.side is Side.SELL for trade in signed)
    assert all(0 < trade.intent.min_amount_out <= trade.intent.quoted_amount_out for trade in signed)
    assert read_card("\n".join(str(line) for line in card(signed))) == list(signed)


@settings(max_examples=60)
@given(contracts, contracts, st.integers(0, 10**12), st.integers(1, 4))
def test_the_signer_takes_every_purchase_with_exits_and_permits_what_they_need(
    quoted: int, covered: int, standing: int, parts: int
):
    bought = planned([replace(leg(), quoted_amount_out=quoted)] * parts, terms(), keccak)

    plan = steps.purchase(FRAME, bought, exits(covered), 3, {OPTION: standing})

    require_allowed(plan, PINS, NOW_S)
    (permission,) = [step.action for step in plan.steps if isinstance(step.action, Approve)]
    assert (permission.amount, permission.standing) == (covered + standing, standing)
    assert [stage.steps for stage in steps.stages(plan)] == [2, *[1] * (parts - 1)]
    assert steps.preparation(plan) == ()


@settings(max_examples=100)
@given(contracts, st.integers(0, 10**12), st.integers(0, 10**12), st.integers(1, 4), st.integers(0, 2))
def test_the_signer_takes_every_sale_and_what_stands_afterwards_is_what_other_exits_need(
    amount: int, allowance: int, standing: int, parts: int, ended: int
):
    ended = 0 if standing else ended
    sold = planned([leg(Side.SELL, amount_in=amount, quoted=50_000_000)] * parts, terms(), keccak)
    total = amount * parts

    plan = steps.sale(FRAME, sold, Held(total + standing, allowance, 5), standing, list(range(ended)))

    require_allowed(plan, PINS, NOW_S)
    set_first = next(
        (step.action.amount for step in steps.preparation(plan) if isinstance(step.action, Approve)), allowance
    )
    left = 0 if plan.permits else set_first - total
    last = plan.steps[-1].action
    left = last.amount if isinstance(last, Approve) else left
    assert left >= standing
    assert left == standing or allowance >= total + standing
    assert sum(isinstance(step.action, Submit) for step in plan.steps) == parts


@given(contracts, st.integers(0, 10**12), st.integers(0, 10**12), st.booleans())
def test_the_signer_takes_exits_for_what_is_held_and_their_end(
    amount: int, allowance: int, standing: int, has_exits: bool
):
    signed = exits(amount) if has_exits else ()

    plan = steps.exits(FRAME, signed, OPTION, allowance, standing, [1])

    require_allowed(plan, PINS, NOW_S)
    set_to = [step.action.amount for step in plan.steps if isinstance(step.action, Approve)]
    after = set_to[-1] if set_to else allowance
    assert after == (amount + standing if has_exits else allowance if standing else 0)


def test_a_dearer_form_never_costs_more_than_the_person_would_be_asked_about():
    (trade,) = planned([leg()], terms(), keccak)
    cheap, dear = (replace(FRAME, fees=Fees(base, 0)) for base in (5_000_000, 40_000_000))

    bumps = [steps.purchase(frame, [trade], (), 0, {}).steps[0].bumps for frame in (cheap, dear)]

    assert bumps == [2, 0]
