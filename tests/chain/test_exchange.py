"""The simulated venue on chain: what the feed shows can be bought at that price, sold back, and settles at the market's
price."""

import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from eth_account import Account
from served_chains import HandClock
from trading import (
    BUY,
    ROUTER,
    TRADER,
    USDC,
    WALLET,
    Offer,
    Reverted,
    Trading,
    ask_node,
    event,
    feed_of,
    signed,
    values,
)

from bethna_cli.adapters.abi import artifact
from bethna_cli.adapters.option_book import order_digest, order_nonce, route_data
from bethna_cli.adapters.sim.deployment import ALLOCATION, MAKER_USDC, THROWAWAY_USDC
from bethna_cli.adapters.sim.evm import EmbeddedChain
from bethna_cli.adapters.sim.exchange import Exchange
from bethna_cli.adapters.sim.public_keys import private_key, signed_transaction
from bethna_cli.adapters.sim.wire_hermes import FEED_IDS
from bethna_cli.domain.embedded import EMBEDDED_CHAIN_ID, EMBEDDED_VENUE, PUBLIC_ACCOUNTS, PUBLIC_CONTRACTS
from bethna_cli.domain.errors import ConfigurationError, DeadlinePassed
from bethna_cli.domain.market import Asset
from bethna_cli.domain.options import OptionKind
from bethna_cli.domain.trade import Side
from exchange_fixtures import two_expiries

__all__ = ["two_expiries"]

NOON = datetime(2026, 11, 23, 12, 0, 7, tzinfo=UTC)
HUNDRED = 100_000_000
SERIES = artifact("OptionSeries")
ORACLE = artifact("DevelopmentPriceOracle")
TOKEN_ROUTER = artifact("ThetanutsTokenRouter")


@pytest.fixture(scope="session")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A chain's file, just begun."""
    path = tmp_path_factory.mktemp("exchange") / "chain.db"
    Exchange.open(path, 7, HandClock(NOON)).close()
    return path


@pytest.fixture
def clock() -> HandClock:
    return HandClock(NOON)


@pytest.fixture
def exchange(begun: Path, tmp_path: Path, clock: HandClock):
    path = shutil.copy(begun, tmp_path / "chain.db")
    opened = Exchange.open(path, 7, clock)
    yield opened
    opened.close()


@pytest.fixture
def trading(exchange: Exchange) -> Trading:
    return Trading(ask_node(exchange))


def offers(exchange: Exchange, kind: OptionKind, *, asset: Asset = Asset.ETH, is_bid: bool = False) -> list[Offer]:
    """The feed's orders of one kind and asset, the dearest first."""
    found = [
        offer
        for offer in feed_of(exchange)
        if offer.order.implementation == EMBEDDED_VENUE.implementation_of(kind)
        and offer.order.price_feed == EMBEDDED_VENUE.feed_of(asset)
        and offer.order.is_long == is_bid
        and offer.order.order_expiry_timestamp > exchange.world.now().timestamp()
        and offer.order.price > 10**8
    ]
    return sorted(found, key=lambda offer: -offer.order.price)


# ── buying and selling ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("asset", [Asset.ETH, Asset.BTC])
@pytest.mark.parametrize("kind", list(OptionKind))
def test_what_the_feed_shows_is_bought_at_that_price_and_the_change_comes_back(exchange, trading, kind, asset):
    order = offers(exchange, kind, asset=asset)[0].order
    before = trading.balance(USDC)
    contracts = HUNDRED * 10**8 // order.price
    premium = contracts * order.price // 10**8

    receipt = trading.buy(order, HUNDRED)

    series = trading.series(order)
    paid, received, _ = event(receipt, "OptionPurchased", ("uint256", "uint256", "uint256"))
    assert (paid, received) == (premium, contracts)
    assert trading.balance(series) == contracts
    assert before - trading.balance(USDC) == premium


def test_a_purchase_leaves_nothing_and_no_allowance_behind(exchange, trading):
    order = offers(exchange, OptionKind.CALL)[0].order

    trading.buy(order, HUNDRED)

    series = trading.series(order)
    assert [trading.balance(token, place) for token in (USDC, series) for place in (TRADER, ROUTER)] == [0, 0, 0, 0]
    assert trading.allowance(USDC, ROUTER, TRADER) == 0
    assert trading.allowance(USDC, TRADER) == 0


def test_what_was_bought_is_sold_back_to_the_makers_bid(exchange, trading):
    bid = offers(exchange, OptionKind.PUT, is_bid=True)[0]
    ask = next(offer for offer in offers(exchange, OptionKind.PUT) if offer.ticker == bid.ticker)
    trading.buy(ask.order, HUNDRED)
    series = trading.series(ask.order)
    contracts, before = trading.balance(series), trading.balance(USDC)

    receipt = trading.sell(bid.order, contracts)

    proceeds = contracts * bid.order.price // 10**8
    assert event(receipt, "OptionSold", ("uint256", "uint256", "uint256"))[:2] == (contracts, proceeds)
    assert (trading.balance(series), trading.balance(USDC) - before) == (0, proceeds)
    assert 0 < proceeds < HUNDRED


def test_a_quote_can_be_bought_up_to_its_last_second_and_not_after(exchange, trading, clock):
    order = offers(exchange, OptionKind.CALL)[0].order
    clock.now = datetime.fromtimestamp(order.order_expiry_timestamp, UTC)
    trading.buy(order, HUNDRED)
    clock.advance(1)

    with pytest.raises(Reverted) as refused:
        trading.buy(order, HUNDRED)

    assert isinstance(refused.value.refusal, DeadlinePassed)
    assert refused.value.refusal.name == "OrderExpired"


def test_an_order_with_another_price_than_was_signed_is_refused(exchange, trading):
    order = offers(exchange, OptionKind.CALL)[0].order

    with pytest.raises(Reverted) as refused:
        trading.buy(replace(order, price=order.price // 2), HUNDRED)

    assert refused.value.refusal.name == "BadMakerSignature"


def test_a_purchase_that_the_wallet_did_not_sign_is_refused(exchange, trading):
    order = offers(exchange, OptionKind.CALL)[0].order
    intent = trading.intent(order, Side.BUY, HUNDRED, HUNDRED * 10**8 // order.price)
    trading.approve(USDC, HUNDRED)

    with pytest.raises(Reverted) as refused:
        trading.send(TRADER, BUY.encode(values(intent), signed(intent, private_key("owner")), route_data(order)))

    assert refused.value.refusal.name == "BadSignature"


def test_every_order_of_the_feed_has_the_digest_the_nonce_and_the_signer_that_the_book_computes(exchange, trading):
    orders = [offer.order for offer in feed_of(exchange)]
    hash_order, compute_nonce = TOKEN_ROUTER.function("hashOrder"), TOKEN_ROUTER.function("computeNonce")

    for order in orders[::9]:
        struct = (
            order.maker, order.order_expiry_timestamp, order.collateral, order.is_call, order.price_feed,
            order.implementation, order.is_long, order.max_collateral_usable, order.strikes, order.expiry, order.price,
            order.num_contracts, b"",
        )  # fmt: skip
        digest = order_digest(order)
        assert trading.read(ROUTER, hash_order, struct) == digest
        assert trading.read(ROUTER, compute_nonce, struct) == order.nonce == order_nonce(order)
        signer = Account._recover_hash(digest, signature=bytes.fromhex(order.signature[2:]))
        assert signer.lower() == order.maker == PUBLIC_ACCOUNTS["maker"]


# ── expiry ────────────────────────────────────────────────────────────────────────────────────────────────────────


def payoff_usd(kind: OptionKind, strikes_e8: tuple[int, ...], price_e8: int) -> int:
    """What one contract pays at a price, 8 decimals: a call no more than its strike, a spread its width at most."""
    lower, upper = min(strikes_e8), max(strikes_e8)
    if kind is OptionKind.CALL:
        return min(max(price_e8 - lower, 0), lower)
    if kind is OptionKind.PUT:
        return max(lower - price_e8, 0)
    paid = price_e8 - lower if kind is OptionKind.CALL_SPREAD else upper - price_e8
    return min(max(paid, 0), upper - lower)


@pytest.mark.parametrize("late", [timedelta(0), timedelta(seconds=1), timedelta(hours=7), timedelta(days=3)])
@pytest.mark.parametrize("kind", list(OptionKind))
def test_an_expired_option_pays_by_the_markets_price_at_expiry_however_late_one_asks(
    exchange, trading, clock, kind, late
):
    order = offers(exchange, kind)[0].order
    trading.buy(order, HUNDRED)
    series = trading.series(order)
    contracts, before = trading.balance(series), trading.balance(USDC)
    expiry = datetime.fromtimestamp(order.expiry, UTC)
    clock.now = expiry + late

    trading.send(series, SERIES.function("redeemFor").encode(WALLET.address.lower()))

    price_e8 = round(exchange.world.spot_at(Asset.ETH, expiry) * 10**8)
    assert trading.read(series, SERIES.function("settlementPrice")) == price_e8
    assert trading.balance(USDC) - before == contracts * payoff_usd(kind, order.strikes, price_e8) // 10**8
    assert trading.balance(series) == 0


def test_before_expiry_nothing_settles(exchange, trading, clock):
    order = offers(exchange, OptionKind.CALL)[0].order
    trading.buy(order, HUNDRED)
    series = trading.series(order)
    clock.now = datetime.fromtimestamp(order.expiry - 1, UTC)

    with pytest.raises(Reverted) as refused:
        trading.send(series, SERIES.function("settle").encode())

    assert refused.value.refusal.name == "NotExpired"


def test_two_expiries_in_one_step_of_the_clock_settle_each_at_its_own_price(exchange, trading, clock):
    calls = offers(exchange, OptionKind.CALL)
    orders = [next(o.order for o in calls if o.order.expiry == day) for day in sorted({o.order.expiry for o in calls})]
    for order in orders[:2]:
        trading.buy(order, HUNDRED)
    clock.now = datetime.fromtimestamp(orders[1].expiry, UTC) + timedelta(hours=1)

    for order in orders[:2]:
        series = trading.series(order)
        trading.send(series, SERIES.function("settle").encode())

        price = exchange.world.spot_at(Asset.ETH, datetime.fromtimestamp(order.expiry, UTC))
        assert trading.read(series, SERIES.function("settlementPrice")) == round(price * 10**8)


def test_a_reorganisation_that_drops_the_settlement_price_does_not_change_it(exchange, trading, clock):
    order = offers(exchange, OptionKind.CALL)[0].order
    trading.buy(order, HUNDRED)
    height = exchange.node.chain.head.number
    clock.now = datetime.fromtimestamp(order.expiry, UTC) + timedelta(minutes=5)
    exchange.catch_up()
    lookup = ORACLE.function("firstPriceAtOrAfter")
    feed = bytes.fromhex(FEED_IDS[Asset.ETH])
    price = trading.read(PUBLIC_CONTRACTS["oracle"], lookup, feed, order.expiry)

    lost = trading.ask("bethna_reorg", hex(exchange.node.chain.head.number - height), {"drop": True})

    assert lost
    assert trading.read(PUBLIC_CONTRACTS["oracle"], lookup, feed, order.expiry) == price
    assert price[3] == order.expiry


# ── the oracle ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("asset", [Asset.ETH, Asset.BTC])
def test_whoever_asks_the_chain_finds_a_price_of_the_last_minute(exchange, trading, clock, asset):
    latest = ORACLE.function("getPriceNoOlderThan")
    for step in (1, 59, 61, 3600, 86_400 * 9):
        clock.advance(step)

        price, _, exponent, at_s = trading.read(PUBLIC_CONTRACTS["oracle"], latest, bytes.fromhex(FEED_IDS[asset]), 60)

        market = exchange.world.spot_at(asset, datetime.fromtimestamp(at_s, UTC))
        assert (price, exponent) == (round(market * 10**8), -8)


def test_a_chain_whose_time_was_moved_ahead_is_told_the_markets_present_prices(exchange, trading, clock):
    latest, feed = ORACLE.function("getPriceUnsafe"), bytes.fromhex(FEED_IDS[Asset.ETH])
    trading.ask("evm_increaseTime", 86_400)
    trading.ask("evm_mine")
    clock.advance(90)
    trading.ask("evm_mine")

    _, _, _, at_s = trading.read(PUBLIC_CONTRACTS["oracle"], latest, feed)

    assert at_s == int(clock.now.timestamp())


# ── the deployment ────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_pinned_addresses_are_those_of_the_keys_and_of_the_contracts(exchange):
    chain = exchange.node.chain
    names = {"usdc": "DevelopmentUSDC", "oracle": "DevelopmentPriceOracle", "router": "ThetanutsTokenRouter"}

    for role, address in PUBLIC_ACCOUNTS.items():
        assert Account.from_key(private_key(role)).address.lower() == address
    for name, contract in {**names, "trader": "SentientTrader"}.items():
        code = chain.code(bytes.fromhex(PUBLIC_CONTRACTS[name][2:]), chain.head)
        assert artifact(contract).is_code(code), name


def test_the_pinned_venue_is_what_the_router_knows(trading):
    constants = {
        OptionKind.CALL: "LINEAR_CALL",
        OptionKind.PUT: "PUT",
        OptionKind.CALL_SPREAD: "CALL_SPREAD",
        OptionKind.PUT_SPREAD: "PUT_SPREAD",
    }
    for kind, name in constants.items():
        assert trading.read(ROUTER, TOKEN_ROUTER.function(name)) == EMBEDDED_VENUE.implementation_of(kind)
    for price_feed, asset in EMBEDDED_VENUE.feeds.items():
        output = trading.ask(
            "eth_call", {"to": ROUTER, "data": "0x" + TOKEN_ROUTER.function("feeds").encode(price_feed).hex()}, "latest"
        )
        feed_id, name = TOKEN_ROUTER.function("feeds").decode(bytes.fromhex(output[2:]))
        assert (feed_id.hex(), name.rstrip(b"\0").decode()) == (FEED_IDS[asset], asset.value)


def test_it_begins_with_a_funded_wallet_a_funded_maker_and_separate_roles(exchange, trading):
    chain, trader = exchange.node.chain, artifact("SentientTrader")

    assert trading.balance(USDC) == THROWAWAY_USDC == 10_000_000_000
    assert chain.balance(bytes.fromhex(WALLET.address[2:]), chain.head) == 10 * 10**18
    assert trading.balance(USDC, PUBLIC_ACCOUNTS["maker"]) == MAKER_USDC
    assert trading.read(TRADER, trader.function("owner")) == PUBLIC_ACCOUNTS["owner"]
    assert trading.read(TRADER, trader.function("guardian")) == PUBLIC_ACCOUNTS["guardian"]
    assert trading.read(TRADER, trader.function("defaultRouter")) == ROUTER


@pytest.mark.parametrize("done", [0, 1, 3, 4, 7, 10])
def test_a_deployment_that_was_broken_off_is_gone_on_with(begun, tmp_path, clock, done):
    whole = EmbeddedChain.open(begun, chain_id=EMBEDDED_CHAIN_ID, genesis_time=NOON, allocation=ALLOCATION, clock=clock)
    first = [t.transaction.raw for n in range(1, done + 1) for t in whole.receipts(whole.block(n))]
    whole.close()
    path = tmp_path / "chain.db"
    part = EmbeddedChain.open(path, chain_id=EMBEDDED_CHAIN_ID, genesis_time=NOON, allocation=ALLOCATION, clock=clock)
    for raw in first:
        part.send(raw)
    part.close()

    opened = Exchange.open(path, 7, clock)

    trading = Trading(ask_node(opened))
    trading.buy(offers(opened, OptionKind.CALL)[0].order, HUNDRED)
    assert trading.balance(USDC, PUBLIC_ACCOUNTS["deployer"]) == 0
    opened.close()


def test_a_chain_with_another_releases_contracts_is_refused_with_the_line_that_begins_anew(tmp_path, clock):
    path = tmp_path / "chain.db"
    chain = EmbeddedChain.open(path, chain_id=EMBEDDED_CHAIN_ID, genesis_time=NOON, allocation=ALLOCATION, clock=clock)
    chain.send(signed_transaction("deployer", 0, None, b"\x60\x00", 100_000))
    chain.close()

    with pytest.raises(ConfigurationError, match="another release") as refused:
        Exchange.open(path, 7, clock)

    assert refused.value.hint == "bethna sim reset"


def test_a_chain_that_is_open_elsewhere_is_refused(exchange, tmp_path, clock):
    with pytest.raises(ConfigurationError, match="chain"):
        Exchange.open(tmp_path / "chain.db", 7, clock)


def test_another_start_finds_the_same_balances_and_sells_what_was_bought(exchange, trading, tmp_path, clock):
    order = offers(exchange, OptionKind.CALL)[0].order
    trading.buy(order, HUNDRED)
    series, usdc = trading.series(order), trading.balance(USDC)
    exchange.close()

    clock.now = datetime.fromtimestamp(order.expiry, UTC) + timedelta(hours=2)
    again = Exchange.open(tmp_path / "chain.db", 7, clock)

    reopened = Trading(ask_node(again))
    assert reopened.balance(USDC) == usdc
    reopened.send(series, SERIES.function("settle").encode())
    expected = round(again.world.spot_at(Asset.ETH, datetime.fromtimestamp(order.expiry, UTC)) * 10**8)
    assert reopened.read(series, SERIES.function("settlementPrice")) == expected
    again.close()
