"""Each check refuses for its own reason, at its limit and not before, and for a fact that nobody could learn."""

import math
from collections.abc import Mapping
from dataclasses import fields, replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plans import CONTRACT, NOW_S, OPTION, ROUTER, leg, terms

from bethna_cli.adapters.abi import keccak
from bethna_cli.domain.chain import Address, ContractPin, Hash
from bethna_cli.domain.errors import (
    BethnaError,
    ContractMismatch,
    ContractPaused,
    GasTooHigh,
    InsufficientLiquidity,
    QuoteExpired,
    SlippageTooHigh,
    TradeRefused,
)
from bethna_cli.domain.market import Status
from bethna_cli.domain.trade import Side
from bethna_cli.domain.venue import RawOrder
from bethna_cli.execution.checks import (
    CHECKS,
    CheckLimits,
    Facts,
    Pinned,
    Verdict,
    first_refusal,
    run_checks,
)
from bethna_cli.execution.plan import planned

GWEI = 10**9
USDC = Address("0x" + "88" * 20)
CALL = "0x" + "99" * 20
CODE = Hash("0x" + "aa" * 32)
PINNED = Pinned(779_977, ContractPin(CONTRACT, CODE), USDC, ROUTER, (CALL,))
BUY = planned([leg()], terms(), keccak)[0].intent  # 100 USDC for 2 contracts, 1.98 at least
SELL = planned([leg(Side.SELL)], terms(), keccak)[0].intent  # up to 100 contracts for 2 USDC, 1.98 at least
ASK = RawOrder(
    maker="0x" + "bb" * 20,
    order_expiry_timestamp=NOW_S + 60,
    collateral=USDC,
    is_call=True,
    price_feed="0x" + "cc" * 20,
    implementation=CALL,
    is_long=False,
    max_collateral_usable=10**12,
    strikes=(3_000 * 10**8,),
    expiry=NOW_S + 7 * 86_400,
    price=50 * 10**8,
    num_contracts=0,
    extra_option_data="0x",
    signature="0x" + "dd" * 65,
    chain_id=779_977,
    book=ROUTER,
    nonce=1,
)
GOOD = Facts(
    chain_id=779_977,
    contract=CONTRACT,
    code_hash=CODE,
    is_paused=False,
    block_time_s=NOW_S,
    gas_price_wei=GWEI // 100,
    gas_cost_wei=10**13,
    balance_wei=10**16,
    balance_in=1_000_000_000,
    allowance=0,
    permit_amount=100_000_000,
    order=ASK,
    series=OPTION,
    quote_age_s=2.0,
    simulated_out=2_000_000,
    available_out=50_000_000,
    fair_value_usdc=48.0,
    portfolio_usdc=1_000_000_000,
    open_positions=0,
    volatility=0.60,
    market_status=Status.OK,
    spot_age_s=1.0,
    is_known=False,
)
GOOD_SALE = replace(GOOD, order=replace(ASK, is_long=True), allowance=100_000_000, permit_amount=0)


def failing(changed: Mapping[str, Any], *, side: Side = Side.BUY) -> dict[str, type[BethnaError]]:
    intent, good = (BUY, GOOD) if side is Side.BUY else (SELL, GOOD_SALE)
    results = run_checks(intent, replace(good, **changed), PINNED)
    return {result.check: result.error for result in results if result.verdict is Verdict.FAIL}


def order(**changed: Any) -> dict[str, RawOrder]:
    return {"order": replace(ASK, **changed)}


def verdict(check: str, changed: Mapping[str, Any], limits: CheckLimits | None = None) -> Verdict:
    (found,) = [one for one in run_checks(BUY, replace(GOOD, **changed), PINNED, limits) if one.check == check]
    return found.verdict


def test_a_good_trade_passes_every_check_in_either_direction():
    assert {result.verdict for result in run_checks(BUY, GOOD, PINNED)} == {Verdict.PASS}
    assert {result.verdict for result in run_checks(SELL, GOOD_SALE, PINNED)} == {Verdict.PASS}
    assert first_refusal(run_checks(BUY, GOOD, PINNED)) is None


OUTSIDE: list[tuple[str, dict[str, Any], type[BethnaError]]] = [
    ("chain", {"chain_id": 8453}, ContractMismatch),
    ("contract", {"contract": Address("0x" + "ee" * 20)}, ContractMismatch),
    ("contract", {"code_hash": Hash("0x" + "ee" * 32)}, ContractMismatch),
    ("paused", {"is_paused": True}, ContractPaused),
    ("duplicate", {"is_known": True}, TradeRefused),
    (
        "deadline",
        {"block_time_s": NOW_S + 300, "order": replace(ASK, order_expiry_timestamp=NOW_S + 400)},
        TradeRefused,
    ),
    ("deadline", {"block_time_s": NOW_S - 601}, TradeRefused),
    ("gas price", {"gas_price_wei": GWEI // 10 + 1}, GasTooHigh),
    ("gas money", {"balance_wei": 10**13 - 1}, TradeRefused),
    ("balance", {"balance_in": 99_999_999}, TradeRefused),
    ("allowance", {"permit_amount": 99_999_999}, TradeRefused),
    ("order", order(chain_id=8453), TradeRefused),
    ("order", order(book="0x" + "ee" * 20), TradeRefused),
    ("order", order(collateral="0x" + "ee" * 20), TradeRefused),
    ("order", order(implementation="0x" + "00" * 20), TradeRefused),
    ("order", order(is_long=True), TradeRefused),
    ("order", order(signature="0x"), TradeRefused),
    ("order", order(signature="0x" + "00" * 65), TradeRefused),
    ("order", order(signature="signed"), TradeRefused),
    ("order", order(price=0), TradeRefused),
    ("order", {"series": Address("0x" + "ee" * 20)}, TradeRefused),
    ("quote age", {"quote_age_s": 30.1}, QuoteExpired),
    ("quote life", order(order_expiry_timestamp=NOW_S + 14), QuoteExpired),
    ("liquidity", {"available_out": 1_999_999}, InsufficientLiquidity),
    ("slippage", {"simulated_out": 1_979_999}, SlippageTooHigh),
    ("fair value", {"fair_value_usdc": 39.99}, TradeRefused),
    ("fair value", {"fair_value_usdc": 0.0}, TradeRefused),
    ("market", {"market_status": Status.STALE}, TradeRefused),
    ("spot age", {"spot_age_s": 10.1}, TradeRefused),
    ("size", {"portfolio_usdc": 499_999_999}, TradeRefused),
    ("size", {"volatility": 1.61}, TradeRefused),
]


@pytest.mark.parametrize(("check", "changed", "error"), OUTSIDE)
def test_one_thing_wrong_is_refused_by_its_own_check_and_no_other(
    check: str, changed: dict[str, Any], error: type[BethnaError]
):
    assert failing(changed) == {check: error}
    assert type(first_refusal(run_checks(BUY, replace(GOOD, **changed), PINNED))) is error


@pytest.mark.parametrize(
    "changed",
    [
        {"gas_price_wei": GWEI // 20},
        {"balance_wei": 10**13},
        {"balance_in": 100_000_000},
        {"permit_amount": 0, "allowance": 100_000_000},
        {"quote_age_s": 30.0},
        order(order_expiry_timestamp=NOW_S + 15),
        {"available_out": 2_000_000},
        {"simulated_out": 1_980_000},
        {"fair_value_usdc": 40.0},
        {"spot_age_s": 10.0},
        {"portfolio_usdc": 500_000_000},
        {"open_positions": 2},
        {"volatility": 0.0},
    ],
)
def test_what_is_just_within_its_limit_passes(changed: dict[str, Any]):
    assert {result.verdict for result in run_checks(BUY, replace(GOOD, **changed), PINNED)} == {Verdict.PASS}


def test_gas_between_the_bands_asks_the_person_and_does_not_refuse():
    assert verdict("gas price", {"gas_price_wei": GWEI // 20 + 1}) is Verdict.ASK
    assert verdict("gas price", {"gas_price_wei": GWEI // 10}) is Verdict.ASK


def test_the_gas_bands_are_the_persons():
    limits = CheckLimits(gas_execute_wei=GWEI, gas_ask_wei=2 * GWEI)

    assert verdict("gas price", {"gas_price_wei": GWEI}, limits) is Verdict.PASS
    assert verdict("gas price", {"gas_price_wei": 2 * GWEI + 1}, limits) is Verdict.FAIL


def test_a_fourth_position_on_an_asset_is_warned_of_and_not_refused():
    assert verdict("positions", {"open_positions": 3}) is Verdict.WARN


def test_twice_the_usual_volatility_halves_the_size():
    half = {"volatility": 1.60, "portfolio_usdc": 1_000_000_000}

    assert verdict("size", half) is Verdict.PASS
    assert verdict("size", half | {"portfolio_usdc": 999_999_999}) is Verdict.FAIL
    assert verdict("size", half, CheckLimits(portfolio_share=Fraction(1, 10))) is Verdict.FAIL


def test_a_trade_signed_for_another_router_is_refused():
    elsewhere = replace(PINNED, router=Address("0x" + "ee" * 20))
    names = {one.check for one in run_checks(BUY, GOOD, elsewhere) if one.verdict is Verdict.FAIL}

    assert names == {"venue", "order"}  # the order's book is compared with the pinned router too


def test_a_signed_minimum_looser_than_the_contract_takes_is_refused():
    loose = replace(BUY, min_amount_out=1_799_999)

    assert [one.check for one in run_checks(loose, GOOD, PINNED) if one.verdict is Verdict.FAIL] == ["slippage"]


def test_a_seller_needs_a_bid_and_something_to_sell_and_no_fair_value_or_size():
    assert failing({"order": ASK}, side=Side.SELL) == {"order": TradeRefused}
    assert failing({"balance_in": 0}, side=Side.SELL) == {"balance": TradeRefused}
    assert failing({"fair_value_usdc": None, "portfolio_usdc": None, "volatility": None}, side=Side.SELL) == {}
    assert failing({"balance_in": 40_000_000, "allowance": 40_000_000}, side=Side.SELL) == {}


NEEDED = sorted({name for check in CHECKS for name in check.needs})


def test_every_fact_is_needed_by_some_check():
    assert sorted(field.name for field in fields(Facts)) == NEEDED


@pytest.mark.parametrize("fact", NEEDED)
def test_a_fact_that_nobody_could_learn_refuses_the_trade(fact: str):
    assert set(failing({fact: None})) == {check.name for check in CHECKS if fact in check.needs}


NUMERIC = [name for name in NEEDED if type(getattr(GOOD, name)) in (int, float)]


@given(st.sampled_from(NUMERIC), st.sampled_from([math.nan, math.inf, -math.inf, -1, -0.5]))
def test_a_number_that_is_none_refuses_the_trade(fact: str, value: float):
    assert set(failing({fact: value})) == {check.name for check in CHECKS if fact in check.needs}


@given(st.sets(st.sampled_from(range(len(OUTSIDE))), min_size=1, max_size=6))
def test_all_that_is_wrong_is_reported_at_once(chosen: set[int]):
    needs = {check.name: set(check.needs) for check in CHECKS}
    changed: dict[str, Any] = {}
    wrong: dict[str, set[str]] = {}
    for number in sorted(chosen):
        check, change, _ = OUTSIDE[number]
        looked_at = needs[check] | change.keys()
        if not any(looked_at & others for others in wrong.values()):  # one change may undo another of the same fact
            changed |= change
            wrong[check] = looked_at

    assert wrong.keys() <= failing(changed).keys()
    assert len(run_checks(BUY, replace(GOOD, **changed), PINNED)) == len(CHECKS)
