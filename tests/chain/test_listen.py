"""The listener: new blocks are heard of over WebSocket or by asking, and expired options are made to pay, once."""

import asyncio
from contextlib import closing
from dataclasses import replace

import pytest
from test_record import offers, transfer
from trading import Trading

from bethna_cli.adapters.abi import artifact
from bethna_cli.adapters.chain_news import ChainNews, websocket_url
from bethna_cli.adapters.evm import EvmChain
from bethna_cli.adapters.option_events import OptionLogs, Venues, trades_wanted
from bethna_cli.adapters.positions import SqlitePositions
from bethna_cli.adapters.reconnect import Patience
from bethna_cli.adapters.redemption import SignedRedemptions
from bethna_cli.adapters.rpc import JsonRpc
from bethna_cli.adapters.rpc_transport import InProcess
from bethna_cli.adapters.sim.public_signer import PublicSigner
from bethna_cli.adapters.sim.rpc_server import rpc_app
from bethna_cli.domain.chain import Address, Fees, UnsignedTransaction
from bethna_cli.domain.embedded import EMBEDDED_CHAIN_ID
from bethna_cli.domain.errors import BethnaError, PlanRefused
from bethna_cli.domain.position import PositionState
from bethna_cli.flow.listen import Listener
from bethna_cli.flow.record import RecordDesk, Recorded
from chain_places import served
from exchange_fixtures import begun_exchange, market, two_expiries
from execution_desk import ROUTER, TRADER, USER, Market
from record_desk import caught_up, positions, with_desk

__all__ = ["begun_exchange", "market", "two_expiries"]

PAYER = SignedRedemptions(USER, PublicSigner().sign)


@pytest.fixture
def trading(market: Market) -> Trading:
    return Trading(market.ask)


async def read_on(market: Market, record: RecordDesk) -> None:
    """Do one turn of the listener, as a watcher does."""
    execution = market.desk()
    await Listener(record, execution, PAYER).read_on()
    execution.journal.close()


def run_out(market: Market, trading: Trading) -> None:
    """Buy what expires next, and let it expire."""
    order = min(offers(market), key=lambda one: (one.expiry, one.strikes))
    trading.buy(order, 5_000_000)
    caught_up(market)
    market.clock.advance(order.expiry - market.head_time_s() + 120)
    market.exchange.catch_up()


def test_an_option_that_has_run_out_pays_its_holder_without_being_asked_and_once(market: Market, trading: Trading):
    run_out(market, trading)
    usdc, sent = market.usdc(), market.nonce()
    with_desk(market, lambda desk: read_on(market, desk))
    with_desk(market, lambda desk: read_on(market, desk))

    (settled,) = positions(market)
    assert (settled.state, settled.proceeds) == (PositionState.SETTLED, market.usdc() - usdc)
    assert settled.proceeds > 0
    assert market.nonce() == sent + 1


def test_what_has_not_run_out_or_is_not_held_is_not_touched(market: Market, trading: Trading):
    trading.buy(offers(market)[0], 5_000_000)
    sent = market.nonce()
    with_desk(market, lambda desk: read_on(market, desk))
    assert market.nonce() == sent

    (held,) = positions(market)
    transfer(trading, held.token, held.contracts)
    market.clock.advance(held.terms.expires_at.timestamp() - market.head_time_s() + 120)
    market.exchange.catch_up()
    sent = market.nonce()
    with_desk(market, lambda desk: read_on(market, desk))
    assert market.nonce() == sent


def test_the_payer_signs_payments_at_expiry_and_nothing_else():
    token = Address("0x" + "12" * 20)
    redeem = artifact("OptionSeries").function("redeemFor").encode(USER)
    send = artifact("DevelopmentUSDC").function("transfer").encode(USER, 1)
    fine = UnsignedTransaction(EMBEDDED_CHAIN_ID, USER, 0, token, redeem, 0, 200_000, Fees(10**7, 1))

    assert PAYER.sign(fine).nonce == 0
    for wrong in ({"data": send}, {"value_wei": 1}, {"to": None}, {"gas": 10**8}, {"data": redeem[:4]}):
        with pytest.raises(PlanRefused):
            PAYER.sign(replace(fine, **wrong))


@pytest.mark.parametrize("way", ["websocket", "asking, where the endpoint takes no WebSocket"])
def test_a_purchase_is_a_position_as_soon_as_its_block_is_heard_of(market: Market, trading: Trading, way: str):
    order = offers(market)[0]

    async def listen(url: str, store: SqlitePositions) -> None:
        chain = EvmChain(EMBEDDED_CHAIN_ID, [JsonRpc("rpc", InProcess(market.exchange.node.handle))], market.clock)
        logs = OptionLogs(chain, Venues((TRADER,), (ROUTER,)))
        record = RecordDesk(chain, logs, store, market.clock, USER)
        calm_s = 1_000.0 if way == "websocket" else 0.05  # after the first block only a trade is news there
        news = ChainNews(chain, url, trades_wanted((TRADER,)), calm_s=calm_s, patience=Patience(failures=1))
        stop, looked, bought = asyncio.Event(), asyncio.Event(), asyncio.Event()

        def heard(what: object) -> None:
            assert isinstance(what, Recorded)
            (bought if what.changes else looked).set()

        following = asyncio.ensure_future(Listener(record).follow(news, stop, heard))
        async with asyncio.timeout(20):
            market.clock.advance(4)
            await looked.wait()
            trading.buy(order, 5_000_000)
            await bought.wait()
        stop.set()
        await following

    with closing(SqlitePositions.open(market.store, EMBEDDED_CHAIN_ID)) as store:
        if way == "websocket":
            with served(rpc_app(market.exchange.node)) as url:
                asyncio.run(listen(websocket_url(url), store))
        else:
            asyncio.run(listen("ws://127.0.0.1:9/", store))

    assert [one.state for one in positions(market)] == [PositionState.OPEN]


def test_a_long_reading_ends_after_its_step_when_the_watch_is_to_end_and_goes_on_from_there(
    market: Market, trading: Trading, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("bethna_cli.flow.record.STEP_BLOCKS", 2)
    trading.buy(offers(market)[0], 5_000_000)
    market.clock.advance(20)
    market.exchange.catch_up()

    async def interrupted(record: RecordDesk) -> int:
        listening = Listener(record)
        listening.stop.set()
        with pytest.raises(BethnaError, match="cut short"):
            await listening.read_on()
        reach = record.positions.reach(USER)
        assert reach is not None
        return reach.cursor.number - reach.first_block

    assert with_desk(market, interrupted) == 1  # two blocks
    caught_up(market)
    assert [one.state for one in positions(market)] == [PositionState.OPEN]
