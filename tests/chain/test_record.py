"""From the contracts' events to positions, on the embedded exchange: purchases, sales, transfers, expiry, forks."""

import asyncio
import random
import shutil
import sqlite3

import pytest
from trading import Trading, feed_of

from bethna_cli.adapters.abi import artifact
from bethna_cli.domain.market import Asset
from bethna_cli.domain.position import Depth, PositionState
from bethna_cli.domain.venue import RawOrder
from bethna_cli.flow.record import note, rebuild, rescan
from exchange_fixtures import begun_exchange, market, two_expiries
from execution_desk import TRADER, USDC, USER, Market, bought
from record_desk import alerts, caught_up, positions, rows, unbought, with_desk

__all__ = ["begun_exchange", "market", "two_expiries"]

STRANGER = "0x" + "99" * 20
TOKEN = artifact("DevelopmentUSDC")
SERIES = artifact("OptionSeries")
LEAST = 10_000
"""Contracts (base units) above what the router sells or buys at least."""


@pytest.fixture
def trading(market: Market) -> Trading:
    return Trading(market.ask)


def offers(market: Market, *, bids: bool = False) -> list[RawOrder]:
    """Makers' orders for plain ETH calls, the longest-lived first; bids: what they buy."""
    calls = [one.order for one in feed_of(market.exchange) if one.order.is_long is bids and one.ticker.endswith("-C")]
    return sorted((one for one in calls if one.num_contracts == 0), key=lambda one: (-one.expiry, one.strikes))


def alike(orders: list[RawOrder], terms: RawOrder) -> RawOrder:
    """The order with the same terms as another one."""
    wanted = (terms.expiry, terms.strikes, terms.implementation)
    return next(one for one in orders if (one.expiry, one.strikes, one.implementation) == wanted)


def bid_for(market: Market, ask: RawOrder) -> RawOrder:
    return alike(offers(market, bids=True), ask)


def transfer(trading: Trading, token: str, amount: int) -> None:
    trading.send(token, TOKEN.function("transfer").encode(STRANGER, amount))


def fork_at(market: Market, receipt: dict, **branch: object) -> None:
    """Reorganise from a receipt's block on."""
    head = int(market.ask("eth_blockNumber"), 16)
    market.ask("bethna_reorg", head - int(receipt["blockNumber"], 16) + 1, branch)


def test_a_purchase_becomes_a_position_with_the_amounts_of_its_event(market: Market, trading: Trading):
    order = offers(market)[0]
    usdc = market.usdc()
    receipt = trading.buy(order, 5_000_000)
    caught_up(market)

    (one,) = positions(market)
    assert one.transaction == receipt["transactionHash"]
    assert (one.cost, one.contracts) == (usdc - market.usdc(), trading.balance(trading.series(order)))
    assert (one.cost, one.contracts) == market.purchases()[0]
    assert (one.state, one.user, one.venue, one.token) == (PositionState.OPEN, USER, TRADER, trading.series(order))
    assert (one.terms.asset, one.terms.expires_at.timestamp()) == (Asset.ETH, order.expiry)
    assert [int(strike * 10**8) for strike in one.terms.strikes] == list(order.strikes)
    assert one.terms.ticker in {offer.ticker for offer in feed_of(market.exchange)}


def test_a_receipt_is_a_position_at_once_and_the_same_one_when_its_block_is_read(market: Market, trading: Trading):
    receipt = trading.buy(offers(market)[0], 5_000_000)
    with_desk(market, lambda desk: note(desk, receipt["transactionHash"]))
    noted = rows(market.store)
    recorded = caught_up(market)

    assert len(noted) == 1
    assert rows(market.store) == noted
    assert recorded.changes == ()


def test_depth_grows_with_the_chain_though_nothing_else_happens(market: Market, trading: Trading):
    trading.buy(offers(market)[0], 5_000_000)
    caught_up(market)
    seen = positions(market)[0].depth
    market.finalise()
    caught_up(market)

    assert (seen, positions(market)[0].depth) == (Depth.SEEN, Depth.FINAL)


def test_a_sale_takes_the_oldest_purchase_and_the_proceeds_are_what_the_account_got(market: Market, trading: Trading):
    order = offers(market)[0]
    trading.buy(order, 5_000_000)
    trading.buy(order, 3_000_000)
    caught_up(market)
    old, new = positions(market)
    before = market.usdc()
    trading.sell(bid_for(market, order), old.contracts + new.contracts // 2)
    caught_up(market)

    sold_old, sold_new = positions(market)
    assert (sold_old.state, sold_old.contracts_left) == (PositionState.CLOSED, 0)
    assert (sold_new.state, sold_new.contracts_left) == (PositionState.OPEN, new.contracts - new.contracts // 2)
    assert sold_old.proceeds + sold_new.proceeds == market.usdc() - before
    assert alerts(market.store) == []


def test_tokens_that_leave_by_another_way_end_the_position_as_external_and_are_told(market: Market, trading: Trading):
    order = offers(market)[0]
    trading.buy(order, 5_000_000)
    caught_up(market)
    (held,) = positions(market)
    transfer(trading, held.token, held.contracts)
    caught_up(market)

    (gone,) = positions(market)
    assert (gone.state, gone.contracts_left, gone.proceeds) == (PositionState.EXTERNAL, 0, 0)
    assert alerts(market.store) == ["position-left"]


def test_what_another_contract_reports_is_no_position_though_its_tokens_are_known(market: Market, trading: Trading):
    receipt = trading.buy(offers(market)[0], 5_000_000)
    pinned = (USDC,)  # somewhere else a contract lives, and not the one that reported the purchase
    with_desk(market, lambda desk: note(desk, receipt["transactionHash"]), traders=pinned)
    caught_up(market, traders=pinned)

    assert positions(market) == []
    assert list(unbought(market).values()) == [market.purchases()[0][1]]


def test_after_expiry_the_payment_settles_the_position(market: Market, trading: Trading):
    order = min(offers(market), key=lambda one: (one.expiry, one.strikes))
    trading.buy(order, 5_000_000)
    caught_up(market)
    (held,) = positions(market)
    market.clock.advance(order.expiry - market.head_time_s() + 120)
    market.exchange.catch_up()
    before = market.usdc()
    trading.send(held.token, SERIES.function("redeemFor").encode(USER))
    caught_up(market)

    (settled,) = positions(market)
    assert (settled.state, settled.contracts_left) == (PositionState.SETTLED, 0)
    assert settled.proceeds == market.usdc() - before
    assert alerts(market.store) == ["position-settled"]


def test_a_purchase_that_a_fork_takes_back_is_unconfirmed_and_comes_back_as_the_same_row(
    market: Market, trading: Trading
):
    asyncio.run(bought(market.desk(), market, market.trade("one")))
    caught_up(market)
    (before,) = positions(market)
    receipt = market.ask("eth_getTransactionReceipt", before.transaction)
    fork_at(market, receipt, drop=True)
    market.clock.advance(20)
    market.exchange.catch_up()
    caught_up(market)
    (taken,) = positions(market)
    market.ask("eth_sendRawTransaction", "0x" + market.transport.sent[0].hex())
    caught_up(market)
    (back,) = positions(market)

    assert taken.state is PositionState.UNCONFIRMED
    assert (back.state, back.id, back.contracts) == (PositionState.OPEN, before.id, before.contracts)
    assert back.block_hash != before.block_hash
    assert alerts(market.store) == ["position-unconfirmed", "position-confirmed"]


def test_a_store_from_yesterday_s_backup_learns_what_happened_since(market: Market, trading: Trading):
    order = offers(market)[0]
    trading.buy(order, 5_000_000)
    caught_up(market)
    backup = market.store.with_suffix(".backup")
    shutil.copy(market.store, backup)
    trading.buy(order, 3_000_000)
    trading.sell(bid_for(market, order), 1_000)
    caught_up(market)
    caught_up(market, store=backup)

    assert rows(backup) == rows(market.store)


def test_a_second_look_finds_what_was_lost_and_changes_nothing_when_nothing_was(market: Market, trading: Trading):
    trading.buy(offers(market)[0], 5_000_000)
    caught_up(market)
    whole = rows(market.store)
    idle = with_desk(market, rescan)
    db = sqlite3.connect(market.store)
    db.execute("delete from chain_events")
    db.execute("delete from positions")
    db.commit()
    db.close()
    found = with_desk(market, rescan)

    assert idle.changes == ()
    assert len(found.changes) == 1
    assert rows(market.store) == whole


FORKS = 5
SLOW = [pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 40)]


@pytest.mark.parametrize("seed", [0, 1, *SLOW])
def test_after_any_forks_the_positions_are_those_of_the_chain_and_of_a_rebuild(
    market: Market, trading: Trading, seed: int
):
    chance = random.Random(seed)
    terms = offers(market)[0]
    market.clock.advance(120)
    for _ in range(FORKS):
        act(chance, market, trading, terms)
        market.clock.advance(chance.choice([0, 2, 5, 40]))
        market.exchange.catch_up()
        if chance.random() < 0.8:
            caught_up(market)
        market.ask("bethna_reorg", chance.randint(1, 20), {"drop": chance.choice([True, []])})
        market.clock.advance(chance.choice([0, 2, 5, 40]))
        market.exchange.catch_up()
        if chance.random() < 0.5:
            caught_up(market)
    for _ in range(3):
        market.clock.advance(60)
        market.exchange.catch_up()
        caught_up(market)

    fresh = market.store.with_suffix(".fresh")
    with_desk(market, rebuild, store=fresh)
    assert rows(market.store) == rows(fresh)
    assert [(one.cost, one.contracts) for one in positions(market)] == market.purchases()
    assert sum(one.contracts_left for one in positions(market)) == held_of(market, trading, terms)


def act(chance: random.Random, market: Market, trading: Trading, terms: RawOrder) -> None:
    """Buy, sell or send, as a wallet would: what it can after whatever a fork has done."""
    held = held_of(market, trading, terms)
    roll = chance.random()
    if roll < 0.6 or held < 2 * LEAST:
        trading.buy(alike(offers(market), terms), chance.randint(5_000_000, 9_000_000))
    elif roll < 0.85:
        trading.sell(bid_for(market, terms), chance.randint(LEAST, held))
    else:
        transfer(trading, trading.series(terms), chance.randint(1, held))


def held_of(market: Market, trading: Trading, terms: RawOrder) -> int:
    """What the wallet holds of a series, which may not exist yet, or not any more."""
    series = trading.series(terms)
    return trading.balance(series) if market.ask("eth_getCode", series, "latest") != "0x" else 0
