"""What positions are worth: the venue's own price where the venue is asked at the same moment, and what must hold."""

import math
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as property_settings
from hypothesis import strategies as st
from looks import NOON, STRIKES, WEEK, quote, terms, view

from bethna_cli.adapters.sim.surface import Surface
from bethna_cli.domain.guarding import Unknown
from bethna_cli.domain.market import Asset
from bethna_cli.domain.options import OptionKind
from bethna_cli.options.payoff import payoff_at, payoff_knots
from bethna_cli.risk.chances import worth
from bethna_cli.risk.marks import UNKNOWN, AssetView, legs_of, mark, position_values
from bethna_cli.risk.volatility import smiles_of

KINDS = [
    (OptionKind.CALL, (3_000,)),
    (OptionKind.PUT, (3_100,)),
    (OptionKind.CALL_SPREAD, (2_900, 3_200)),
    (OptionKind.PUT_SPREAD, (2_800, 3_000)),
]
OPTIONS = [terms(kind, *strikes) for kind, strikes in KINDS]


def test_every_kind_is_worth_what_the_market_makers_own_formula_says():
    surface = Surface(int(WEEK.timestamp()), 3_000.0, 7 / 365, 0.6, 0.0)
    surface.iv = lambda _: 0.6  # type: ignore[method-assign]

    marks = mark(legs_of(OPTIONS), {Asset.ETH: view()}, NOON)

    for place, (kind, strikes) in enumerate(KINDS):
        held = strikes[::-1] if kind is OptionKind.PUT_SPREAD else strikes
        value = surface.contract(kind, tuple(float(strike) for strike in held))
        expected = (value.usd, value.delta, value.gamma, value.vega, value.theta)
        found = tuple(float(column[place]) for column in (marks.usd, *marks[2:6]))
        assert found == pytest.approx(expected, rel=1e-9)
        assert worth(OPTIONS[place], 3_000.0, 0.6, 7 / 365) == pytest.approx(value.usd, rel=1e-9)


@property_settings(max_examples=60)
@given(usd=st.floats(2_000, 4_500), iv=st.floats(0.1, 3), band=st.floats(0, 60))
def test_a_mark_lies_between_nothing_and_the_most_it_can_pay_and_the_adverse_one_below_it(usd, iv, band):
    marks = mark(legs_of(OPTIONS), {Asset.ETH: view(usd, band, iv)}, NOON)

    most = [max(value for _, value in payoff_knots(kind, strikes)) for kind, strikes in KINDS]
    assert (marks.usd >= 0).all()
    assert (marks.usd <= np.array(most) + 1e-6).all()
    assert (marks.adverse_usd <= marks.usd).all()


def test_just_before_expiry_a_mark_is_what_the_option_pays():
    soon = NOON + timedelta(seconds=1)
    options = [terms(kind, *strikes, expires_at=soon) for kind, strikes in KINDS]

    marks = mark(legs_of(options), {Asset.ETH: view(3_050.0)}, NOON)

    pays = [payoff_at(payoff_knots(kind, strikes), 3_050.0) for kind, strikes in KINDS]
    assert marks.usd == pytest.approx(pays, abs=0.01)


@pytest.mark.parametrize(
    "views",
    [
        {},
        {Asset.ETH: AssetView(Unknown("stale"), view().smiles)},
        {Asset.ETH: AssetView(view().spot, Unknown("no quotes"))},
        {Asset.ETH: AssetView(view().spot, smiles_of([]))},
    ],
)
def test_without_a_price_or_a_volatility_there_is_no_mark(views):
    legs = legs_of(OPTIONS)
    marks = mark(legs, views, NOON)

    assert not marks.is_known.any()
    assert (position_values(np.arange(4), np.full(4, 10**6), marks.usd) == UNKNOWN).all()


def test_an_expired_option_has_no_mark_and_the_others_keep_theirs():
    marks = mark(legs_of([OPTIONS[0], terms(OptionKind.CALL, 3_000, expires_at=NOON)]), {Asset.ETH: view()}, NOON)

    assert marks.is_known.tolist() == [True, False]


@given(contracts=st.integers(0, 10**12), usd=st.floats(0, 10_000))
def test_a_position_is_worth_its_contracts_times_the_mark_rounded_down(contracts: int, usd: float):
    (value,) = position_values(np.array([0]), np.array([contracts]), np.array([usd])).tolist()

    assert value <= contracts * usd
    assert value == math.floor(contracts * usd)


@pytest.mark.parametrize("usd", [math.nan, math.inf, 1e300])
def test_an_absurd_mark_makes_a_position_unknown_and_not_rich(usd: float):
    assert position_values(np.array([0]), np.array([10**6]), np.array([usd])).tolist() == [UNKNOWN]


# ── volatility ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_listed_strike_has_the_venues_own_volatility_and_another_lies_between_its_neighbours():
    smiles = smiles_of([quote(2_900, 0.7), quote(3_000, 0.6), quote(3_000, 0.62, kind=OptionKind.PUT)])
    at_s, now_s = WEEK.timestamp(), NOON.timestamp()

    assert smiles.at(3_000, at_s, now_s) == pytest.approx(0.61)
    assert smiles.at(2_950, at_s, now_s) == pytest.approx(0.655)
    assert (smiles.at(1, at_s, now_s), smiles.at(10_000, at_s, now_s)) == pytest.approx((0.7, 0.61))


@given(days=st.floats(0.1, 40), near=st.floats(0.2, 1), far=st.floats(0.2, 1))
def test_another_expiry_lies_between_its_neighbours_in_variance_and_is_flat_outside(days, near, far):
    later = WEEK + timedelta(days=7)
    smiles = smiles_of([quote(3_000, near), quote(3_000, far, expires_at=later)])
    wanted_s = NOON.timestamp() + days * 86_400

    found = smiles.at(3_000, wanted_s, NOON.timestamp())

    total = found * found * days
    if days <= 7:
        assert found == pytest.approx(near)
    elif days >= 14:
        assert found == pytest.approx(far)
    else:
        low, high = sorted((near * near * 7, far * far * 14))
        assert low - 1e-9 <= total <= high + 1e-9


@pytest.mark.parametrize("iv", [math.nan, -0.5, 0.0, 11.0, math.inf])
def test_an_absurd_volatility_is_not_used(iv: float):
    assert smiles_of([quote(3_000, iv)]).smiles == ()


def test_spreads_state_no_volatility_of_a_strike():
    assert smiles_of([quote(3_000, 0.6, kind=OptionKind.CALL_SPREAD)]).strikes == ()
    assert smiles_of([quote(one, 0.6) for one in STRIKES]).strikes == STRIKES
