"""When a position is sold: at its limit, once, after a second look, and never because of a number that is not there."""

import math
import random
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as property_settings
from hypothesis import strategies as st
from looks import COST, NOON, STRIKES, look, price, quote, terms

from bethna_cli.domain.guarding import (
    Breach,
    Confirmation,
    ExitRule,
    ExitRules,
    Reaction,
    Seen,
    SpotView,
    Unknown,
    Verdict,
)
from bethna_cli.domain.options import OptionKind
from bethna_cli.domain.units import Bps
from bethna_cli.risk.exits import (
    NO_LIMIT,
    RuleColumns,
    Strictness,
    decide_exit,
    need_a_look,
    stop_value,
    target_value,
    time_limit_s,
)
from bethna_cli.risk.marks import AssetView, legs_of, mark, position_values
from bethna_cli.risk.spot import WatchLimits, believed
from bethna_cli.risk.volatility import smiles_of

TIGHT = ExitRules(stop_loss=Bps(2_000), take_profit=Bps(5_000))
EARLIER = Breach(ExitRule.TIME_DECAY, NOON - timedelta(minutes=1))
LOOKS_ONLY = Strictness(Confirmation.LOOKS)


def verdict(value_usdc: float, **more: float) -> Verdict:
    return decide_exit(TIGHT, look(value_usdc, sources=2, **more), None).verdict


def test_a_stop_fires_at_the_limit_and_not_a_cent_before():
    assert verdict(80.0) is Verdict.SELL
    assert verdict(80.000001) is Verdict.HOLD


def test_a_goal_fires_at_the_limit_and_not_a_cent_before():
    assert verdict(150.0) is Verdict.SELL
    assert verdict(149.999999) is Verdict.HOLD


@given(cost=st.integers(1, 10**15), share=st.integers(0, 10_000))
def test_limits_are_exact_in_base_units(cost: int, share: int):
    assert stop_value(cost, share) * 10_000 <= cost * (10_000 - share) < (stop_value(cost, share) + 1) * 10_000
    assert (target_value(cost, share) - 1) * 10_000 < cost * (10_000 + share) <= target_value(cost, share) * 10_000


def test_one_look_by_one_source_sells_nothing():
    decision = decide_exit(TIGHT, look(10.0), None)

    assert decision.verdict is Verdict.CONFIRM
    assert decision.breach == Breach(ExitRule.STOP_LOSS, NOON)
    assert "one more look" in decision.words


@pytest.mark.parametrize(("apart_s", "expected"), [(0.0, "CONFIRM"), (9.9, "CONFIRM"), (10.0, "SELL"), (60.0, "SELL")])
def test_a_second_look_confirms_it_when_ten_seconds_have_passed(apart_s: float, expected: str):
    first = decide_exit(TIGHT, look(10.0), None)

    assert decide_exit(TIGHT, look(10.0, after_s=apart_s), first.breach).verdict == expected


def test_a_crash_that_is_over_at_the_next_look_sells_nothing():
    first = decide_exit(TIGHT, look(10.0), None)
    second = decide_exit(TIGHT, look(100.0, after_s=60), first.breach)
    third = decide_exit(TIGHT, look(10.0, after_s=120), second.breach)

    assert [first.verdict, second.verdict, third.verdict] == ["CONFIRM", "HOLD", "CONFIRM"]


def test_a_jump_from_the_stop_to_the_goal_confirms_neither():
    first = decide_exit(TIGHT, look(10.0), None)

    assert decide_exit(TIGHT, look(500.0, after_s=60), first.breach).verdict is Verdict.CONFIRM


@pytest.mark.parametrize(
    ("by", "sources", "apart_s", "expected"),
    [
        (Confirmation.EITHER, 2, 0, "SELL"),
        (Confirmation.EITHER, 1, 60, "SELL"),
        (Confirmation.LOOKS, 2, 0, "CONFIRM"),
        (Confirmation.LOOKS, 2, 60, "SELL"),
        (Confirmation.SOURCES, 1, 60, "CONFIRM"),
        (Confirmation.SOURCES, 2, 0, "SELL"),
    ],
)
def test_the_person_chooses_what_confirms_a_breach(by: Confirmation, sources: int, apart_s: float, expected: str):
    seen = look(10.0, after_s=apart_s, sources=sources)

    assert decide_exit(TIGHT, seen, Breach(ExitRule.STOP_LOSS, NOON), Strictness(by)).verdict == expected


def test_rules_about_time_and_volatility_warn_unless_told_to_sell():
    losing = look(95.0, days_left=1.9, iv=0.3, entry_iv=0.6)
    selling = replace(TIGHT, decay=Reaction.SELL)

    warned = decide_exit(TIGHT, losing, None)
    assert warned.verdict is Verdict.WARN
    assert [rule for rule, _ in warned.warnings] == [ExitRule.TIME_DECAY, ExitRule.IV_CHANGE]
    assert decide_exit(selling, losing, EARLIER).verdict is Verdict.SELL
    assert decide_exit(replace(TIGHT, decay=Reaction.OFF, iv=Reaction.OFF), losing, None).verdict is Verdict.HOLD


def test_a_winning_position_does_not_decay_too_fast():
    assert decide_exit(TIGHT, look(101.0, days_left=1.0), None).verdict is Verdict.HOLD


def test_a_position_near_its_expiry_is_told_of():
    decision = decide_exit(TIGHT, look(101.0, days_left=0.2), None)

    assert [rule for rule, _ in decision.warnings] == [ExitRule.EXPIRY_NEAR]


@given(value=st.integers(0, 10**18), seconds=st.floats(0, 1e9), iv=st.none() | st.floats(0, 10))
def test_a_position_that_cost_nothing_has_no_loss_and_no_gain(value: int, seconds: float, iv: float | None):
    seen = replace(look(0), cost=0, value=value, seconds_left=seconds, iv=iv, entry_iv=0.0)

    assert decide_exit(TIGHT, seen, None).verdict in (Verdict.HOLD, Verdict.WARN)


# ── paths ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def walked(chance: random.Random, strictness: Strictness) -> list[tuple[Verdict, Seen]]:
    """Follow one position along a path that flaps around its limits, and keep every decision."""
    breach, decisions, value, at_s = None, [], 100.0, 0.0
    for _ in range(40):
        at_s += chance.choice([3.0, 10.0, 60.0])
        value *= math.exp(chance.gauss(0, 0.15))
        value = chance.choice([79.0, 81.0, 149.0, 151.0]) if chance.random() < 0.2 else value
        seen = look(value, after_s=at_s, sources=chance.choice([1, 1, 2]))
        decision = decide_exit(TIGHT, seen, breach, strictness)
        breach = decision.breach
        decisions.append((decision.verdict, seen))
    return decisions


@pytest.mark.parametrize("paths", [500, pytest.param(10_000, marks=[pytest.mark.slow, pytest.mark.timeout(900)])])
def test_on_no_path_is_anything_sold_but_beyond_a_limit_and_confirmed(paths: int):
    chance = random.Random(paths)
    sales = 0
    for _ in range(paths):
        history = walked(chance, LOOKS_ONLY)
        for (_, before), (now, seen) in pairwise(history):
            beyond = seen.value <= 0.8 * COST, seen.value >= 1.5 * COST
            if now is Verdict.SELL:
                sales += 1
                was = before.value <= 0.8 * COST, before.value >= 1.5 * COST
                assert any(beyond)
                assert was == beyond
            if any(beyond):
                assert now in (Verdict.SELL, Verdict.CONFIRM)
    assert sales > paths


@pytest.mark.parametrize("seed", range(20))
def test_a_breach_that_stays_is_acted_on_at_the_second_look(seed: int):
    value = random.Random(seed).choice([0.0, 40.0, 80.0, 150.0, 9_000.0])
    first = decide_exit(TIGHT, look(value), None, LOOKS_ONLY)

    assert decide_exit(TIGHT, look(value, after_s=60), first.breach, LOOKS_ONLY).verdict is Verdict.SELL


# ── many at once ──────────────────────────────────────────────────────────────────────────────────────────────────

RULES = st.builds(
    ExitRules,
    stop_loss=st.none() | st.integers(0, 10_000).map(Bps),
    take_profit=st.none() | st.integers(0, 30_000).map(Bps),
    decay=st.sampled_from(Reaction),
    iv=st.sampled_from(Reaction),
    expiry=st.sampled_from(Reaction),
)


@property_settings(max_examples=150)
@given(
    rows=st.lists(
        st.tuples(RULES, st.integers(0, 300_000_000), st.floats(0, 10), st.floats(0.01, 3), st.booleans()), min_size=1
    )
)
def test_the_quick_look_over_many_misses_nobody(rows):
    looks = [look(value / 1e6, days_left=days, iv=iv, entry_iv=0.6) for _, value, days, iv, _ in rows]
    rules = [row[0] for row in rows]
    columns = RuleColumns(
        stop=np.array([NO_LIMIT if one.stop_loss is None else stop_value(COST, one.stop_loss) for one in rules]),
        target=np.array([-1 if one.take_profit is None else target_value(COST, one.take_profit) for one in rules]),
        near_s=np.array([time_limit_s(one) for one in rules]),
        iv_low=np.array([-1.0 if one.iv is Reaction.OFF else 0.6 * (1 - one.iv_change / 1e4) + 1e-9 for one in rules]),
        iv_high=np.array([99.0 if one.iv is Reaction.OFF else 0.6 * (1 + one.iv_change / 1e4) - 1e-9 for one in rules]),
        is_pending=np.array([row[4] for row in rows]),
    )

    found = need_a_look(
        np.array([seen.value for seen in looks]),
        np.array([seen.seconds_left for seen in looks]),
        np.array([seen.iv for seen in looks]),
        columns,
    )

    acted_on = {
        place
        for place, (one, seen) in enumerate(zip(rules, looks, strict=True))
        if decide_exit(one, seen, None).verdict is not Verdict.HOLD
    }
    assert acted_on <= set(found.tolist())


# ── bad prices ────────────────────────────────────────────────────────────────────────────────────────────────────

BAD = (
    "nan", "snan", "stale", "future", "negative", "zero", "huge", "tiny", "infinite", "wide", "band nan",
    "sources apart",
)  # fmt: skip


def bad_answers(kind: str, chance: random.Random) -> list[object]:
    """A price that must not be acted on: the market is at 3,000, and each of these would sell a call or a put."""
    usd = chance.choice([2_000.0, 2_700.0, 3_300.0, 3_700.0])
    answers = {
        "nan": lambda: [price(Decimal("NaN"))],
        "snan": lambda: [price(Decimal("sNaN"))],
        "stale": lambda: [price(usd, age_s=chance.uniform(120.1, 1e6))],
        "future": lambda: [price(usd, age_s=-chance.uniform(5.1, 1e6))],
        "negative": lambda: [price(-usd)],
        "zero": lambda: [price(0)],
        "huge": lambda: [price(Decimal(10) ** chance.randint(4, 400))],
        "tiny": lambda: [price(Decimal(10) ** -chance.randint(0, 400))],
        "infinite": lambda: [price(Decimal(chance.choice(["Infinity", "-Infinity"])))],
        "wide": lambda: [price(usd, band=usd * chance.uniform(0.0201, 10))],
        "band nan": lambda: [price(usd, band=math.nan)],
        "sources apart": lambda: [price(usd), price(usd * chance.uniform(1.021, 1.2), "dydx")],
    }
    return [*answers[kind](), *chance.choice([[], ["dydx: no answer"]])]


@pytest.mark.parametrize("cases", [2_500, pytest.param(50_000, marks=[pytest.mark.slow, pytest.mark.timeout(1800)])])
def test_no_bad_price_sells_anything(cases: int):
    chance = random.Random(cases)
    options = [terms(OptionKind.CALL, 3_000), terms(OptionKind.PUT, 3_000), terms(OptionKind.CALL_SPREAD, 2_900, 3_100)]
    smiles = smiles_of([quote(strike, 0.6) for strike in STRIKES])
    legs = legs_of(options)
    seen = []
    for number in range(cases):
        kind = BAD[number % len(BAD)]
        spot = believed(bad_answers(kind, chance), STRIKES, NOON, WatchLimits())  # type: ignore[arg-type]
        marks = mark(legs, {options[0].asset: AssetView(spot, smiles)}, NOON)
        values = position_values(np.arange(3), np.full(3, 10**6), marks.adverse_usd)
        seen.append(isinstance(spot, Unknown) and (values < 0).all())

    assert all(seen)


def test_a_good_price_is_believed():
    spot = believed([price(3_000, band=59), price(3_010, "dydx", band=None)], STRIKES, NOON, WatchLimits())

    assert spot == SpotView(price(3_000).asset, 3_000.0, 59.0, NOON - timedelta(seconds=1), "pyth", 2, ())


def test_a_source_that_is_contradicted_by_two_others_is_not_used():
    answers = [price(3_300), price(3_000, "dydx", band=None), price(3_005, "thetanuts", band=None)]
    spot = believed(answers, STRIKES, NOON, WatchLimits())

    assert isinstance(spot, SpotView)
    assert (spot.usd, spot.source, spot.sources) == (3_000.0, "dydx", 2)
    assert spot.remarks == ("pyth disagrees: 3,300.00",)


def test_a_stop_by_the_worse_end_of_the_prices_band_says_what_the_middle_would_be():
    made = decide_exit(TIGHT, look(79.9, sources=2, mark=80_300_000), None)
    without_band = decide_exit(TIGHT, look(79.9, sources=2, mark=79_900_000), None)

    assert made.words.startswith("a value of 79.90 USDC (80.30 USDC at the middle of the price's band) is a loss of")
    assert "middle" not in without_band.words
