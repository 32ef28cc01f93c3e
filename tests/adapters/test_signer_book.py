"""The narrow door at the order book: the one order that was shown, filled whole, for exactly its premium."""

from dataclasses import replace
from typing import Any

import pytest
from eth_account.typed_transactions.typed_transaction import TypedTransaction
from hexbytes import HexBytes

from bethna_cli.adapters import signer_wire as wire
from bethna_cli.adapters.option_book import FILL, NO_REFERRER, order_handle, route_data
from bethna_cli.adapters.signer_rules import require_allowed
from bethna_cli.adapters.signer_sign import signed_plan
from bethna_cli.domain.chain import Address, Hash
from bethna_cli.domain.errors import PlanRefused
from bethna_cli.domain.market import Asset
from bethna_cli.domain.options import OptionKind
from bethna_cli.domain.signing import Approve, CancelNonce, FillOrder, FundWatcher, MakeWay, Permit, Plan, Submit
from bethna_cli.domain.trade import Side, TradeIntent
from bethna_cli.domain.venue import BASE_R12, RawOrder
from signing_plans import BASE, CONTRACT, KEY, NOW_S, PINS, STOP_LOSS, STRANGER, USDC, USER, WATCHER, step

BOOK = Address(BASE_R12.book)
AT_BOOK = replace(PINS, book=BOOK)
BOOK_ALONE = replace(AT_BOOK, contract=None)
ORDER = RawOrder(
    maker="0x" + "11" * 20,
    order_expiry_timestamp=NOW_S + 60,
    collateral=BASE_R12.usdc,
    is_call=False,
    price_feed=BASE_R12.feed_of(Asset.ETH),
    implementation=BASE_R12.implementation_of(OptionKind.PUT),
    is_long=False,
    max_collateral_usable=10_000_000_000,
    strikes=(230_000_000_000,),
    expiry=NOW_S + 7 * 86_400,
    price=4_125_000_000,
    num_contracts=0,
    extra_option_data="0x",
    signature="0x" + "5c" * 65,
    chain_id=BASE,
    book=BASE_R12.book,
    nonce=0,
)
CONTRACTS, PREMIUM = 121_212, 4_999_995
FILL_INTENT = TradeIntent(
    user=USER,
    executor=USER,
    side=Side.BUY,
    option_token=order_handle(ORDER),
    router=BOOK,
    amount_in=PREMIUM,
    quoted_amount_out=CONTRACTS,
    min_amount_out=CONTRACTS,
    nonce=11,
    deadline_s=ORDER.order_expiry_timestamp,
    ref=Hash("0x" + "12" * 32),
)
DIRECT = Plan(
    chain_id=BASE,
    contract=BOOK,
    user=USER,
    block_time_s=NOW_S,
    intents=(FILL_INTENT,),
    steps=(step(Approve(USDC, PREMIUM), 0), step(FillOrder(0), 1)),
)


def intent(**changes: Any) -> Plan:
    return replace(DIRECT, intents=(replace(FILL_INTENT, **changes),))


def steps(*actions: object) -> Plan:
    return replace(DIRECT, steps=tuple(step(action, number) for number, action in enumerate(actions)))


def test_a_direct_fill_may_be_signed_where_the_book_was_confirmed():
    require_allowed(DIRECT, AT_BOOK, NOW_S)
    require_allowed(DIRECT, BOOK_ALONE, NOW_S)


@pytest.mark.parametrize(
    "plan",
    [
        pytest.param(replace(DIRECT, contract=STRANGER), id="another book"),
        pytest.param(replace(DIRECT, contract=CONTRACT), id="a fill at the trader"),
        pytest.param(intent(router=STRANGER), id="another venue"),
        pytest.param(intent(router=CONTRACT), id="the trader as the venue"),
        pytest.param(intent(executor=WATCHER), id="filled by the watcher"),
        pytest.param(intent(user=STRANGER, executor=STRANGER), id="for somebody else"),
        pytest.param(intent(side=Side.SELL), id="a sale"),
        pytest.param(intent(min_amount_out=CONTRACTS - 1), id="a part of the order"),
        pytest.param(intent(deadline_s=NOW_S + 901), id="an order that lives for ever"),
        pytest.param(intent(deadline_s=NOW_S), id="an order that is over"),
        pytest.param(replace(DIRECT, intents=(FILL_INTENT, STOP_LOSS)), id="a mandate with it"),
        pytest.param(
            replace(DIRECT, intents=(FILL_INTENT, replace(FILL_INTENT, nonce=12))), id="an order that is not filled"
        ),
        pytest.param(replace(DIRECT, permits=(Permit(0, 0, NOW_S + 60),)), id="a permit"),
        pytest.param(steps(Approve(USDC, PREMIUM + 1), FillOrder(0)), id="a unit more allowed"),
        pytest.param(steps(Approve(USDC, 2**256 - 1), FillOrder(0)), id="no limit to what is allowed"),
        pytest.param(steps(Approve(USDC, PREMIUM, 1), FillOrder(0)), id="a standing permission"),
        pytest.param(steps(Approve(STRANGER, PREMIUM), FillOrder(0)), id="another token allowed"),
        pytest.param(steps(FillOrder(0), FillOrder(0)), id="filled twice"),
        pytest.param(steps(FillOrder(1)), id="an order that is not there"),
        pytest.param(steps(Submit(0, CONTRACTS)), id="an intent for the book"),
        pytest.param(steps(FillOrder(0), CancelNonce(1)), id="a nonce burnt at the book"),
        pytest.param(steps(FillOrder(0), FundWatcher(1)), id="gas money on the side"),
        pytest.param(steps(FillOrder(0), MakeWay()), id="a nonce used up on the side"),
    ],
)
def test_nothing_else_is_signed_at_the_book(plan):
    with pytest.raises(PlanRefused):
        require_allowed(plan, AT_BOOK, NOW_S)


def test_no_book_is_filled_that_was_not_confirmed():
    with pytest.raises(PlanRefused):
        require_allowed(DIRECT, PINS, NOW_S)


def test_a_nonce_that_holds_up_others_may_be_used_up_at_the_book_as_well():
    require_allowed(replace(steps(MakeWay()), intents=()), BOOK_ALONE, NOW_S)


def test_the_book_alone_lets_nobody_trade_through_a_contract():
    with pytest.raises(PlanRefused):
        require_allowed(replace(DIRECT, contract=CONTRACT, steps=(step(Submit(0, CONTRACTS)),)), BOOK_ALONE, NOW_S)


# ── the transaction ───────────────────────────────────────────────────────────────────────────────────────────────


def test_what_is_signed_fills_exactly_the_order_that_was_shown_and_names_no_referrer():
    signed = signed_plan(DIRECT, AT_BOOK, KEY, [route_data(ORDER)])

    (fill,) = signed.steps[1]
    fields = TypedTransaction.from_bytes(HexBytes(fill.raw)).as_dict()
    order, signature, referrer = FILL.decode_input(bytes(fields["data"]))
    assert (bytes(fields["to"]).hex(), fields["value"], fields["chainId"]) == (BOOK[2:], 0, BASE)
    assert (order[0], order[8], order[10], order[11]) == (ORDER.maker, ORDER.strikes, ORDER.price, CONTRACTS)
    assert (signature, referrer) == (bytes.fromhex(ORDER.signature[2:]), NO_REFERRER)
    assert [one.signature for one in signed.intents] == [b""]


def test_the_number_of_contracts_is_the_plans_whatever_the_order_says():
    signed = signed_plan(DIRECT, AT_BOOK, KEY, [route_data(replace(ORDER, num_contracts=2**100))])

    data = bytes(TypedTransaction.from_bytes(HexBytes(signed.steps[1][0].raw)).as_dict()["data"])
    assert FILL.decode_input(data)[0][11] == CONTRACTS


@pytest.mark.parametrize(
    "order",
    [
        replace(ORDER, price=ORDER.price + 1),
        replace(ORDER, price=ORDER.price - 1),
        replace(ORDER, maker=STRANGER),
        replace(ORDER, implementation=BASE_R12.implementation_of(OptionKind.CALL)),
        replace(ORDER, is_call=True),
        replace(ORDER, is_long=True),
        replace(ORDER, strikes=(231_000_000_000,)),
        replace(ORDER, expiry=ORDER.expiry - 86_400),
        replace(ORDER, collateral=STRANGER),
        replace(ORDER, price_feed=BASE_R12.feed_of(Asset.BTC)),
        replace(ORDER, max_collateral_usable=1),
        replace(ORDER, order_expiry_timestamp=ORDER.order_expiry_timestamp + 1),
        replace(ORDER, extra_option_data="0xdeadbeef"),
    ],
)
def test_an_order_that_changed_after_it_was_shown_is_not_filled(order):
    with pytest.raises(PlanRefused, match="than was shown"):
        signed_plan(DIRECT, AT_BOOK, KEY, [route_data(order)])


@pytest.mark.parametrize("route", [b"", b"\x01" * 96, route_data(ORDER) + b"\0" * 32, route_data(ORDER)[:-32]])
def test_bytes_that_are_no_order_are_not_signed(route):
    with pytest.raises(PlanRefused):
        signed_plan(DIRECT, AT_BOOK, KEY, [route])


@pytest.mark.parametrize(
    ("changes", "order"),
    [
        ({"amount_in": PREMIUM + 1}, ORDER),
        ({"quoted_amount_out": CONTRACTS * 2, "min_amount_out": CONTRACTS * 2}, ORDER),
        ({"option_token": order_handle(replace(ORDER, is_long=True))}, replace(ORDER, is_long=True)),
    ],
)
def test_the_premium_is_the_orders_price_for_the_contracts_shown_and_the_maker_sells(changes, order):
    with pytest.raises(PlanRefused, match="than was shown"):
        signed_plan(intent(**changes), AT_BOOK, KEY, [route_data(order)])


def test_a_plan_for_the_book_passes_between_the_processes_unchanged():
    assert wire.read_plan(wire.canonical(wire.plan_document(DIRECT))) == DIRECT
