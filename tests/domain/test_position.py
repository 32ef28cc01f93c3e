"""What events add up to: oldest lots go first, nothing is lost in the shares, the order of hearing is no matter."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bethna_cli.domain.position import Depth, EventKind, PositionState, holding_of, sold_before
from position_histories import CHAIN_ID, TERMS, TOKENS, event, random_history, reach_to

BOUGHT, SOLD, SENT, RECEIVED, REDEEMED = (
    EventKind.BOUGHT, EventKind.SOLD, EventKind.SENT, EventKind.RECEIVED, EventKind.REDEEMED,
)  # fmt: skip


def positions(*events, reach=None):
    return holding_of(CHAIN_ID, TERMS[TOKENS[0]], events, reach).positions


def test_a_purchase_is_an_open_position_with_the_cost_that_the_event_says():
    (one,) = positions(event(BOUGHT, 2_000_000, 50_000_000, 7, name=0xABCD))

    assert (one.state, one.contracts, one.contracts_left, one.cost) == (
        PositionState.OPEN,
        2_000_000,
        2_000_000,
        50_000_000,
    )
    assert one.id == f"0x{0xABCD:064x}"
    assert one.closed_at is None


def test_a_sale_takes_the_oldest_purchase_first_and_shares_its_proceeds_by_size():
    old, new = positions(event(BOUGHT, 100, 10, 1), event(BOUGHT, 100, 30, 2), event(SOLD, 150, 60, 3))

    assert (old.state, old.contracts_left, old.proceeds) == (PositionState.CLOSED, 0, 40)
    assert (new.state, new.contracts_left, new.proceeds) == (PositionState.OPEN, 50, 20)
    assert new.cost_left == 15


def test_what_a_sale_of_one_position_takes_first_is_every_older_one_of_the_same_option_that_is_open():
    held = positions(
        event(BOUGHT, 50, 5, 1, name=1), event(SOLD, 50, 5, 2), event(BOUGHT, 100, 10, 3, name=2),
        event(BOUGHT, 100, 30, 4, name=3), event(BOUGHT, 100, 30, 5, name=4),
    )  # fmt: skip
    _, oldest, middle, newest = held

    assert sold_before(newest, held) == [oldest, middle]
    assert sold_before(oldest, held) == []
    assert sold_before(middle, [newest]) == []


@pytest.mark.parametrize(
    ("kind", "state"),
    [(SOLD, PositionState.CLOSED), (REDEEMED, PositionState.SETTLED), (SENT, PositionState.EXTERNAL)],
)
def test_the_way_in_which_the_last_contract_went_is_what_became_of_it(kind, state):
    (one,) = positions(event(BOUGHT, 100, 10, 1), event(kind, 100, 0, 2))

    assert one.state is state
    assert one.closed_at is not None


def test_contracts_that_were_given_are_no_position_and_go_in_their_turn():
    holding = holding_of(
        CHAIN_ID,
        TERMS[TOKENS[0]],
        [event(RECEIVED, 60, 0, 1), event(BOUGHT, 100, 10, 2), event(SOLD, 80, 8, 3)],
        None,
    )

    assert holding.unbought == 0
    assert [(one.contracts_left, one.proceeds) for one in holding.positions] == [(80, 2)]


def test_depth_follows_the_chain_s_own_marks():
    bought = [event(BOUGHT, 1, 1, block) for block in (5, 6, 7)]

    assert [one.depth for one in positions(*bought, reach=reach_to(9, safe=6, final=5))] == [
        Depth.FINAL, Depth.SAFE, Depth.SEEN,
    ]  # fmt: skip


@given(st.integers(0, 2**32))
@settings(max_examples=200, deadline=None)
def test_whatever_happens_no_contract_and_no_cent_is_lost_or_made(seed: int):
    chance = random.Random(seed)
    history = [one for one in random_history(chance, 30) if one.token == TOKENS[0]]
    holding = holding_of(CHAIN_ID, TERMS[TOKENS[0]], history, None)
    came = sum(one.contracts for one in history if one.kind in (BOUGHT, RECEIVED))
    went = sum(one.contracts for one in history if one.kind in (SOLD, SENT, REDEEMED))

    assert sum(one.contracts_left for one in holding.positions) + holding.unbought == came - went
    assert sum(one.cost for one in holding.positions) == sum(one.usdc for one in history if one.kind is BOUGHT)
    assert sum(one.proceeds for one in holding.positions) <= sum(one.usdc for one in history if one.kind is not BOUGHT)
    assert all(one.contracts_left + sum(e.contracts for e in one.exits) == one.contracts for one in holding.positions)
    shuffled = chance.sample(history, len(history))
    assert holding_of(CHAIN_ID, TERMS[TOKENS[0]], shuffled, None) == holding
