"""Orders that somebody made to be bought by mistake: every one of them is left out, and under the right name."""

from typing import Any

import pytest
from wire_samples import (
    BTC_FEED,
    CALL,
    CALL_SPREAD,
    NOW_S,
    PUT_SPREAD,
    STRANGER,
    USDC,
    WETH,
    ZERO,
    Service,
    order_feed,
    order_row,
    run,
    thetanuts,
    without,
)

from bethna_cli.domain.errors import SourceMalformed
from bethna_cli.domain.market import Asset

SPREAD = {"ticker": None, "isCall": True, "implementation": CALL_SPREAD}
PHYSICAL_PUT = "0x6aD53DD058bea004829cCf58a282C21a7Df02DcA"
INVERSE_CALL = "0xE6c5756b0289e3f0994CB12eb8aB71Cd903Ed0Ea"
R10_PUT = "0x64b4b21bf0845c79661f60ed48aa24d54bf74bb5"
R10_BOOK = "0xd58b814C7Ce700f251722b5555e25aE0fa8169A1"
IRON_CONDOR = "0x9ebd7E23AfD52a48F557523019285EfEF2170D59"
RANGER = "0x9980ec85bc6fE07340adb36c76FA093bb6D4FcBc"
FOUR = ["200000000000", "220000000000", "260000000000", "280000000000"]

HOSTILE: list[tuple[str, dict[str, Any]]] = [
    # another contract than the pinned one
    ("another book", {"optionBookAddress": STRANGER}),
    ("another book", {"optionBookAddress": ZERO}),
    ("another book", {"optionBookAddress": R10_BOOK}),
    ("another chain", {"chainId": 1}),
    ("another chain", {"chainId": 84532}),
    ("another chain", {"chainId": 0}),
    # unknown payoff, collateral, underlying
    ("unknown implementation", {"implementation": ZERO}),
    ("unknown implementation", {"implementation": STRANGER}),
    ("unknown implementation", {"implementation": R10_PUT}),
    ("unknown implementation", {"implementation": USDC}),
    ("payoff not traded", {"implementation": PHYSICAL_PUT}),
    ("payoff not traded", {"implementation": INVERSE_CALL, "isCall": True}),
    ("payoff not traded", {"implementation": IRON_CONDOR, "strikes": FOUR}),
    ("payoff not traded", {"implementation": RANGER, "strikes": FOUR}),
    ("other collateral", {"collateral": WETH}),
    ("other collateral", {"collateral": STRANGER}),
    ("other collateral", {"collateral": ZERO}),
    ("unknown price feed", {"priceFeed": STRANGER}),
    ("unknown price feed", {"priceFeed": ZERO}),
    ("another asset", {"priceFeed": BTC_FEED}),
    # the taker would be the seller
    ("maker buys", {"isLong": True}),
    ("malformed", {"isLong": "false"}),
    ("malformed", {"isLong": 0}),
    ("malformed", {"isLong": None}),
    # put and call, label and terms
    ("label contradicts terms", {"isCall": True}),
    ("label contradicts terms", {"implementation": CALL}),
    ("label contradicts terms", {"ticker": "ETH-25SEP26-2300-C"}),
    ("label contradicts terms", {"ticker": "BTC-25SEP26-2300-P"}),
    ("label contradicts terms", {"ticker": "ETH-25SEP26-2400-P"}),
    ("label contradicts terms", {"ticker": "ETH-26SEP26-2300-P"}),
    ("label contradicts terms", {"ticker": "ETH-025SEP26-2300-P"}),
    ("label contradicts terms", {"ticker": "ETH-25SEP26-ABC-P"}),
    ("label contradicts terms", {"ticker": "ETH-31FEB26-2300-P"}),
    ("label contradicts terms", {"ticker": "ETH-25SEP26-2300-P\n"}),
    ("label contradicts terms", {"ticker": "\x1b[2JETH-25SEP26-2300-P"}),
    ("label contradicts terms", {"ticker": "[bold red]ETH-25SEP26-2300-P[/]"}),
    ("label contradicts terms", {"ticker": "ETH-25SEP26-2300-P\u202e"}),
    ("label contradicts terms", {"ticker": "ＥTH-25SEP26-2300-P"}),
    ("malformed", {"ticker": "A" * 10_000}),
    ("binary or special listing", {"type": "binaries"}),
    ("binary or special listing", {"type": "\x1b[31m"}),
    # strikes
    ("bad strikes", SPREAD | {"strikes": ["230000000000", "230000000000"]}),
    ("bad strikes", SPREAD | {"strikes": ["230000000000"]}),
    ("bad strikes", SPREAD | {"strikes": FOUR}),
    ("bad strikes", {"strikes": ["230000000000", "240000000000"]}),
    ("bad strikes", {"strikes": FOUR}),
    ("bad strikes", {"strikes": ["0"]}),
    ("bad strikes", {"strikes": ["2300"]}),
    ("bad strikes", {"strikes": ["2300000000"]}),
    ("bad strikes", {"strikes": ["23000000000000"]}),
    ("bad strikes", SPREAD | {"implementation": PUT_SPREAD, "isCall": False, "strikes": ["0", "230000000000"]}),
    ("malformed", {"strikes": []}),
    ("malformed", {"strikes": ["-230000000000"]}),
    ("malformed", {"strikes": [2.3e11]}),
    ("malformed", {"strikes": [True]}),
    ("malformed", {"strikes": ["230000000000"] * 5}),
    ("malformed", {"strikes": "230000000000"}),
    ("malformed", {"strikes": ["9" * 90]}),
    # price
    ("bad price", {"price": "0"}),
    ("bad price", {"price": "230000000000"}),
    ("bad price", {"price": "412500000000"}),
    ("bad price", SPREAD | {"strikes": ["230000000000", "240000000000"], "price": "10000000000"}),
    ("malformed", {"price": "-4125000000"}),
    ("malformed", {"price": 4125000000}),
    ("malformed", {"price": 41.25}),
    ("malformed", {"price": "41.25"}),
    ("malformed", {"price": "4.125e9"}),
    ("malformed", {"price": "NaN"}),
    ("malformed", {"price": "0x1"}),
    ("malformed", {"price": "٤١٢٥"}),
    ("malformed", {"price": " 4125000000"}),
    ("malformed", {"price": "9" * 78}),
    ("malformed", {"price": None}),
    # size
    ("no capacity", {"maxCollateralUsable": "0"}),
    ("no capacity", {"maxCollateralUsable": "2299"}),
    ("malformed", {"maxCollateralUsable": "-1"}),
    ("malformed", {"maxCollateralUsable": 10_000_000_000}),
    ("malformed", {"maxCollateralUsable": str(2**256 - 1)}),
    ("extra terms", {"numContracts": "1000000"}),
    ("extra terms", {"extraOptionData": "0xdeadbeef"}),
    ("malformed", {"extraOptionData": "deadbeef"}),
    ("malformed", {"extraOptionData": "0xabc"}),
    # time
    ("quote expired", {"orderExpiryTimestamp": NOW_S}),
    ("quote expired", {"orderExpiryTimestamp": 0}),
    ("option expired", {"expiry": NOW_S}),
    ("option expired", {"expiry": 1577836800}),
    ("malformed", {"expiry": -1}),
    ("malformed", {"expiry": 10**13}),
    ("malformed", {"orderExpiryTimestamp": "1788084090"}),
    ("malformed", {"orderExpiryTimestamp": 1788084090.5}),
    # signature and identity
    ("unsigned", {"signature": "0x"}),
    ("unsigned", {"signature": "0x" + "ab" * 64}),
    ("unsigned", {"signature": "0x" + "ab" * 66}),
    ("malformed", {"signature": "ab" * 65}),
    ("malformed", {"signature": None}),
    ("malformed", {"maker": "0x1"}),
    ("malformed", {"maker": "vitalik.eth"}),
    ("malformed", {"nonce": "-1"}),
    ("malformed", {"nonce": str(2**256)}),
    ("malformed", {"chainId": "8453"}),
    ("malformed", {"chainId": True}),
    ("malformed", {"chainId": [8453]}),
    ("malformed", {"chainId": {}}),
    # Greeks that would steer the choice
    ("malformed", {"greeks": {"delta": -30, "iv": 0.61}}),
    ("malformed", {"greeks": {"delta": -0.3, "iv": 0}}),
    ("malformed", {"greeks": {"delta": -0.3, "iv": -0.61}}),
    ("malformed", {"greeks": {"delta": -0.3, "iv": 61}}),
    ("malformed", {"greeks": {"delta": "NaN", "iv": "inf"}}),
    ("malformed", {"greeks": {"delta": None, "iv": None}}),
    ("malformed", {"greeks": []}),
]
MEMBERS = [name for name in order_row()["order"] if name not in ("ticker", "numContracts", "extraOptionData")]


def left_out(row: Any) -> dict[str, int]:
    board = run(thetanuts(Service(orders=order_feed(row))).board(Asset.ETH))
    assert board.quotes == ()
    return board.left_out


def test_the_order_that_the_hostile_ones_are_made_from_is_a_quote() -> None:
    assert len(run(thetanuts(Service(orders=order_feed(order_row()))).board(Asset.ETH)).quotes) == 1


@pytest.mark.parametrize(("reason", "changes"), HOSTILE)
def test_a_hostile_order_is_left_out(reason: str, changes: dict[str, Any]) -> None:
    assert left_out(order_row(**changes)) == {reason: 1}


@pytest.mark.parametrize("member", [*MEMBERS, "signature", "chainId", "optionBookAddress", "nonce"])
def test_an_order_without_one_of_its_terms_is_left_out(member: str) -> None:
    assert left_out(without(order_row(), member)) == {"malformed": 1}


def test_at_least_fifty_hostile_orders_are_tried() -> None:
    assert len(HOSTILE) >= 50


def test_thousands_of_orders_are_judged_and_none_of_the_hostile_ones_gets_through() -> None:
    rows = [order_row(**HOSTILE[number % len(HOSTILE)][1], maker_label=number) for number in range(3000)]

    board = run(thetanuts(Service(orders=order_feed(*rows, order_row()))).board(Asset.ETH))

    assert len(board.quotes) == 1
    assert sum(board.left_out.values()) == 3000


def test_a_feed_longer_than_any_real_one_is_refused_whole() -> None:
    with pytest.raises(SourceMalformed):
        run(thetanuts(Service(orders=order_feed(*([{}] * 20_001)))).board(Asset.ETH))
