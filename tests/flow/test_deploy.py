"""What makes a contract one to trust: each thing that is compared, changed once."""

from dataclasses import replace

import pytest

from bethna_cli.domain.chain import (
    NO_ADDRESS,
    Block,
    ContractPin,
    ContractState,
    Hash,
    Listing,
    RouterState,
    SigningDomain,
)
from bethna_cli.flow.deploy import Expectation, findings

TRADER, OWNER, GUARDIAN, USDC, ROUTER, STRANGER = (f"0x{digit * 40}" for digit in "123456")
CODE, ROUTER_CODE, OTHER_CODE = (Hash(f"0x{digit * 64}") for digit in "abc")
GOOD_ROUTER = RouterState(ROUTER, Listing.ACTIVE, ROUTER_CODE, ROUTER_CODE)
GOOD = ContractState(
    address=TRADER,
    block=Block(1, CODE, CODE, 0, 1, bytes(256)),
    code_hash=CODE,
    is_release=True,
    domain=SigningDomain("SentientTrader", "1", 8453, TRADER),
    owner=OWNER,
    pending_owner=NO_ADDRESS,
    guardian=GUARDIAN,
    usdc=USDC,
    default_router=ROUTER,
    routers=(GOOD_ROUTER,),
    is_paused=False,
    are_exits_paused=False,
    balance_usdc=0,
    balance_wei=0,
)
WANTED = Expectation(8453, USDC, OWNER, ContractPin(TRADER, CODE))


def wrong(state: ContractState, expected: Expectation = WANTED) -> list[str]:
    return [one.what for one in findings(state, expected) if not one.is_ok]


def test_a_contract_of_this_release_with_the_expected_roles_has_nothing_wrong():
    assert wrong(GOOD) == []


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"is_release": False}, "code"),
        ({"code_hash": OTHER_CODE}, "code hash"),
        ({"domain": SigningDomain("SentientTrader", "2", 8453, TRADER)}, "signing domain"),
        ({"domain": SigningDomain("SentientTrader", "1", 84532, TRADER)}, "signing chain"),
        ({"domain": SigningDomain("SentientTrader", "1", 8453, STRANGER)}, "signing contract"),
        ({"owner": STRANGER}, "owner"),
        ({"pending_owner": STRANGER}, "next owner"),
        ({"guardian": OWNER}, "guardian"),
        ({"usdc": STRANGER}, "usdc"),
        ({"default_router": NO_ADDRESS}, "default router"),
        ({"routers": (replace(GOOD_ROUTER, listing=Listing.SELL_ONLY),)}, "default router"),
        ({"routers": (replace(GOOD_ROUTER, code_hash=OTHER_CODE),)}, "default router code"),
        ({"balance_usdc": 1}, "USDC it holds"),
        ({"balance_wei": 1}, "wei it holds"),
        ({"is_paused": True}, "buys paused"),
        ({"are_exits_paused": True}, "exits paused"),
    ],
)
def test_one_thing_that_differs_is_the_one_that_is_named(changes, what):
    assert wrong(replace(GOOD, **changes)) == [what]


def test_what_nobody_expects_beforehand_may_be_anything_but_nothing():
    unknown = Expectation(8453)

    assert wrong(replace(GOOD, owner=STRANGER, usdc=STRANGER), unknown) == []
    assert "owner" in wrong(replace(GOOD, owner=NO_ADDRESS), unknown)


def test_a_pin_of_another_contract_says_nothing_about_this_one():
    assert wrong(GOOD, replace(WANTED, pin=ContractPin(STRANGER, OTHER_CODE))) == []
