"""What the watcher does with a real position on the embedded exchange: a sale within what was signed, or words."""

import pytest

from bethna_cli.domain.position import PositionState
from execution_desk import Market
from guard_desk import NEVER, Guarded


@pytest.fixture
def guarded(market: Market) -> Guarded:
    made = Guarded(market)
    made.fund_watcher()
    return made


def test_a_broken_stop_sells_at_the_second_look_and_the_money_is_the_persons(guarded: Guarded):
    position = guarded.buy()
    guarded.sign_exits(position)
    before = guarded.market.usdc()

    first, second = guarded.ticks(2)

    assert first.attempts == {}
    assert second.attempts[position.id].refusal is None
    ((sold, proceeds),) = guarded.sales()
    assert sold == position.contracts
    assert guarded.market.usdc() - before == proceeds > 0.9 * position.cost
    (after,) = guarded.positions()
    assert (after.state, after.proceeds) == (PositionState.CLOSED, proceeds)
    assert [verdict for verdict, _, _ in guarded.decisions()] == ["CONFIRM", "SELL", "SOLD"]
    assert "sold-stop-loss" in [kind for _, kind, _ in guarded.alerts()]


def test_nothing_is_sold_while_no_rule_fires(guarded: Guarded):
    guarded.rules = NEVER
    position = guarded.buy()
    guarded.sign_exits(position)

    guarded.ticks(4)

    assert guarded.sales() == []
    assert guarded.decisions() == []
