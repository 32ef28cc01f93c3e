"""Several purchases of one option, each with exits of its own: a sale takes the oldest contracts, whichever it is for.

Nothing is sold twice, nothing before its own limit, and what is left is guarded by what was signed for it.
"""

import sqlite3
from contextlib import closing
from dataclasses import replace
from decimal import Decimal

import pytest

from bethna_cli.domain.guarding import Protection
from bethna_cli.domain.market import SpotPrice
from bethna_cli.domain.position import PositionState
from execution_desk import Market
from guard_desk import Guarded, seen, two_expiries  # noqa: F401 (a fixture of this module)


@pytest.fixture
def guarded(market: Market) -> Guarded:
    made = Guarded(market)
    made.fund_watcher()
    return made


def fallen(price: SpotPrice) -> SpotPrice:
    return replace(price, value_usd=price.value_usd * Decimal("0.95"))


def test_when_a_younger_purchase_is_stopped_the_older_ones_exits_guard_what_is_left_at_their_own_limits(
    guarded: Guarded,
):
    older, younger = (guarded.buy(name, 5_000_000) for name in ("older", "younger"))
    guarded.sign_exits(older, name="low", stop_share=0.8, allow=2)
    guarded.sign_exits(younger, name="high", allow=2)

    _, sold, after = guarded.ticks(3)

    assert list(sold.attempts) == [younger.id]
    assert [one.state for one in guarded.positions()] == [PositionState.CLOSED, PositionState.OPEN]
    cover = after.covers.of(0)
    assert (cover.protection, cover.is_passed_on) == (Protection.PROTECTED, True)
    assert older.short_id in cover.reason
    assert after.book.rules[0].stop_loss == 2_000
    assert seen(guarded.alerts()) == ["sold-stop-loss", "exits-passed-on"]
    assert f"this one reduced {older.short_id}" in guarded.alerts()[0][2]
    assert guarded.own_rules()[younger.id].stop_loss == 2_000

    guarded.change = fallen
    guarded.market.clock.advance(60)
    guarded.ticks(2)

    assert [contracts for contracts, _ in guarded.sales()] == [younger.contracts, older.contracts]
    assert {one.state for one in guarded.positions()} == {PositionState.CLOSED}


def test_a_sale_that_a_reorganisation_takes_back_gives_back_the_exits_and_is_made_once(guarded: Guarded):
    older, younger = (guarded.buy(name, 5_000_000) for name in ("older", "younger"))
    guarded.sign_exits(older, name="low", stop_share=0.8, allow=2)
    guarded.sign_exits(younger, name="high", allow=2)
    guarded.ticks(2)
    (passed,) = guarded.ticks(1)
    blocks = int(guarded.market.ask("eth_blockNumber"), 16) - guarded.sale_blocks()[-1] + 1

    guarded.market.ask("bethna_reorg", blocks, {"drop": True})
    (back,) = guarded.ticks(1)
    guarded.market.clock.advance(60)
    guarded.ticks(2)

    assert [passed.covers.of(0).is_passed_on] == [True]
    assert [back.covers.of(row).is_passed_on for row in (0, 1)] == [False, False]
    assert [contracts for contracts, _ in guarded.sales()] == [younger.contracts]
    assert [one.state for one in guarded.positions()] == [PositionState.CLOSED, PositionState.OPEN]
    assert guarded.own_rules()[younger.id].stop_loss == 2_000


def test_a_purchase_in_parts_is_sold_at_once_by_the_exits_that_were_signed_for_all_of_them(guarded: Guarded):
    parts = [guarded.buy(name, 5_000_000) for name in ("first part", "second part")]
    with closing(sqlite3.connect(guarded.market.store)) as db:
        (digest,) = db.execute("select digest from trades order by first_block").fetchone()
    guarded.sign_exits(parts[0], name="ref", purchase=digest, parts=2)
    another = guarded.buy("another", 5_000_000)
    guarded.sign_exits(another, name="its own", allow=3)

    _, sold = guarded.ticks(2)

    assert list(sold.attempts) == [parts[0].id, another.id]
    attempt = sold.attempts[parts[0].id]
    assert attempt.facts["minimum_usdc"] >= 0.97 * attempt.facts["offered_usdc"]  # type: ignore[operator]
    assert attempt.facts["offered_usdc"] * 1e6 > 0.9 * sum(one.cost for one in parts)  # type: ignore[operator]
    assert [contracts for contracts, _ in guarded.sales()] == [sum(one.contracts for one in parts), another.contracts]
    assert {one.state for one in guarded.positions()} == {PositionState.CLOSED}
    assert seen(guarded.alerts()) == ["sold-stop-loss"] * 2
