"""Thetanuts: which orders are quotes, what they cost and hold, and what is said of the others."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
from wire_samples import (
    BOOK,
    CALL,
    CALL_SPREAD,
    NOW,
    NOW_S,
    PUT_SPREAD,
    USDC,
    MovingClock,
    Service,
    edge,
    order_feed,
    order_row,
    reference_prices,
    run,
    thetanuts,
    without,
)

from bethna_cli.adapters.thetanuts import ThetanutsClient, ThetanutsUrls
from bethna_cli.domain.errors import NotFound, SourceMalformed, SourceStale, SourceUnavailable, UsageError
from bethna_cli.domain.market import Asset, OptionBoard, Origin
from bethna_cli.domain.options import OptionKind, OptionQuote

HOLDER = "0x3333333333333333333333333333333333333333"
CALL_ROW = {"ticker": "ETH-25SEP26-2600-C", "isCall": True, "implementation": CALL, "strikes": [260000000000]}
SPREAD_ROW = {
    "ticker": None,
    "isCall": False,
    "implementation": PUT_SPREAD,
    "strikes": ["230000000000", "210000000000"],
}


def board(*rows: Any, origin: Origin = Origin.LIVE, **market_data: Any) -> OptionBoard:
    return run(thetanuts(Service(orders=order_feed(*rows, **market_data)), origin=origin).board(Asset.ETH))


def only(found: OptionBoard) -> OptionQuote:
    (quote,) = found.quotes
    return quote


def test_the_documented_order_is_a_quote() -> None:
    quote = only(board(order_row()))

    assert (quote.ticker, quote.kind, quote.strikes) == ("ETH-25SEP26-2300-P", OptionKind.PUT, (Decimal(2300),))
    assert quote.expires_at == datetime(2026, 9, 25, 8, tzinfo=UTC)
    assert quote.price_usd == Decimal("41.25")
    assert quote.max_contracts == 4_347_826
    assert quote.good_until == NOW + timedelta(seconds=60)
    assert quote.greeks is not None
    assert (quote.greeks.iv, quote.greeks.delta, quote.greeks.theta) == (0.61, -0.2871, -1.94)


def test_a_call_needs_its_strike_as_collateral() -> None:
    quote = only(board(order_row(**CALL_ROW)))

    assert (quote.kind, quote.ticker) == (OptionKind.CALL, "ETH-25SEP26-2600-C")
    assert quote.max_contracts == 10_000_000_000 * 10**8 // 260_000_000_000


@pytest.mark.parametrize(("strikes"), [["230000000000", "210000000000"], [210000000000, 230000000000]])
def test_a_spread_needs_its_width_as_collateral_whatever_the_order_of_its_strikes(strikes: list[Any]) -> None:
    quote = only(board(order_row(**SPREAD_ROW | {"strikes": strikes})))

    assert (quote.kind, quote.strikes) == (OptionKind.PUT_SPREAD, (Decimal(2100), Decimal(2300)))
    assert quote.max_contracts == 10_000_000_000 * 10**8 // 20_000_000_000


def test_a_spread_is_named_after_its_two_strikes() -> None:
    row = order_row(
        ticker="ETH-25SEP26-2500/2600-CALL_SPREAD",
        isCall=True,
        implementation=CALL_SPREAD,
        strikes=["250000000000", "260000000000"],
    )

    assert only(board(row)).ticker == "ETH-25SEP26-2500/2600-CALL_SPREAD"


def test_an_order_without_a_label_or_greeks_is_still_a_quote() -> None:
    quote = only(board(without(order_row(greeks=None), "ticker", "numContracts", "extraOptionData")))

    assert (quote.ticker, quote.greeks) == ("ETH-25SEP26-2300-P", None)


def test_an_expiry_at_another_hour_is_taken_from_the_number() -> None:
    row = order_row(expiry=1790323200 - 5 * 3600)

    assert only(board(row)).expires_at == datetime(2026, 9, 25, 3, tzinfo=UTC)


def test_addresses_are_compared_whatever_their_case() -> None:
    assert len(board(order_row(collateral=USDC.lower(), optionBookAddress="0x" + BOOK[2:].upper())).quotes) == 1


def test_the_feed_is_read_with_and_without_its_wrapper() -> None:
    bare = {"orders": [order_row()], "metadata": {"last_updated": NOW_S * 1000}}

    found = run(thetanuts(Service(orders=bare)).board(Asset.ETH))

    assert len(found.quotes) == 1


def test_the_board_is_as_old_as_the_feed_says() -> None:
    assert board(order_row()).provenance.observed_at == NOW - timedelta(seconds=5)


def test_a_feed_that_stopped_is_stale_and_one_from_the_future_is_refused() -> None:
    with pytest.raises(SourceStale):
        run(thetanuts(Service(orders=order_feed(written_s=NOW_S - 121))).board(Asset.ETH))
    with pytest.raises(SourceMalformed, match="future"):
        run(thetanuts(Service(orders=order_feed(written_s=NOW_S + 6))).board(Asset.ETH))


def test_what_is_left_out_is_counted_by_reason() -> None:
    found = board(
        order_row(),
        order_row(),
        order_row(isLong=True),
        order_row(isLong=True, price="1"),
        order_row(orderExpiryTimestamp=NOW_S),
        {"order": None},
    )

    assert len(found.quotes) == 1
    assert found.left_out == {"duplicate": 1, "malformed": 1, "maker buys": 2, "quote expired": 1}


def test_one_bad_row_does_not_hide_the_good_ones() -> None:
    assert len(board("\x1b[31m", None, 7, [], order_row()).quotes) == 1


def test_an_unsigned_order_can_be_looked_at_in_a_simulated_market_only() -> None:
    unsigned = order_row(signature="0x")

    assert board(unsigned).left_out == {"unsigned": 1}
    assert len(board(unsigned, origin=Origin.SIMULATED).quotes) == 1


def test_the_signed_order_is_kept_as_it_came() -> None:
    client = thetanuts(Service(orders=order_feed(order_row(**SPREAD_ROW))))
    quote = only(run(client.board(Asset.ETH)))

    order = client.order(quote.order_id)

    assert order.strikes == (230000000000, 210000000000)
    assert (order.signature, order.nonce, order.price) == ("0x" + "ab" * 65, 98230114, 4125000000)
    assert order.book == BOOK.lower()


def test_an_order_of_an_earlier_board_is_gone() -> None:
    answers = [order_feed(order_row()), order_feed(order_row(price="5000000000"))]
    clock = MovingClock()
    shared = edge(Service(orders=lambda _: answers.pop(0)), clock=clock)
    client = ThetanutsClient(shared, urls=ThetanutsUrls.below("https://venue.example"))
    first = only(run(client.board(Asset.ETH)))
    clock.at += timedelta(seconds=6)

    run(client.board(Asset.ETH))

    with pytest.raises(NotFound):
        client.order(first.order_id)


def test_any_change_of_an_order_changes_its_name() -> None:
    names = {
        only(board(order_row(**changes))).order_id
        for changes in ({}, {"price": "4125000001"}, {"nonce": "1"}, {"signature": "0x" + "ac" * 65}, {"maker": HOLDER})
    }

    assert len(names) == 5


def test_the_assumed_size_is_stated_for_a_replay_only_and_as_plain_text() -> None:
    def feed(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=order_feed(), headers={"x-bethna-assumed-cap": "10 contracts\x1b[31m a series"})

    caps = {
        origin: run(thetanuts(Service(orders=feed), origin=origin).board(Asset.ETH)).assumed_cap for origin in Origin
    }

    assert caps == {Origin.LIVE: None, Origin.SIMULATED: None, Origin.REPLAY: "10 contracts[31m a series"}


def test_the_market_data_is_a_spot_price_as_old_as_the_feed() -> None:
    price = run(thetanuts(Service(orders=order_feed())).spot(Asset.ETH))

    assert (price.value_usd, price.provenance.source) == (Decimal("2450.1"), "thetanuts")
    assert price.provenance.observed_at == NOW - timedelta(seconds=5)


@pytest.mark.parametrize("value", [None, 0, -1, "2450.1", True, 10**12, [2450.1]])
def test_a_spot_price_that_cannot_be_is_refused(value: Any) -> None:
    with pytest.raises(SourceUnavailable):
        run(thetanuts(Service(orders=order_feed(ETH=value))).spot(Asset.ETH))


def test_an_old_feed_has_no_spot_price_for_trading() -> None:
    with pytest.raises(SourceStale):
        run(thetanuts(Service(orders=order_feed(written_s=NOW_S - 11))).spot(Asset.ETH))


def test_reference_prices_are_fractions_of_the_underlying() -> None:
    (price,) = run(thetanuts(Service(pricing=reference_prices())).reference_prices(Asset.ETH))

    assert price.ask_usd == Decimal("0.0003375") * Decimal(2115)
    assert (price.kind, price.expires_at) == (OptionKind.PUT, datetime(2026, 5, 19, 8, tzinfo=UTC))


def test_a_reference_price_of_zero_is_no_price() -> None:
    document = reference_prices()
    document["data"]["ETH"]["ETH-19MAY26-2075-P"]["bid_price"] = 0

    (price,) = run(thetanuts(Service(pricing=document)).reference_prices(Asset.ETH))

    assert price.bid_usd is None


def test_reference_prices_that_say_they_are_stale_are_refused() -> None:
    with pytest.raises(SourceStale, match="19 s old"):
        run(thetanuts(Service(pricing=reference_prices(is_stale=True))).reference_prices(Asset.ETH))


@pytest.mark.parametrize(
    "ticker",
    ["ETH-19MAY26-2100-P", "BTC-19MAY26-2075-P", "ETH-31FEB26-2075-P", "ETH-19MAY26-2075-\x1b", "[red]ETH", ""],
)
def test_a_reference_price_under_a_wrong_name_is_refused(ticker: str) -> None:
    document = reference_prices()
    document["data"]["ETH"] = {ticker: document["data"]["ETH"]["ETH-19MAY26-2075-P"]}

    with pytest.raises(SourceMalformed) as caught:
        run(thetanuts(Service(pricing=document)).reference_prices(Asset.ETH))
    assert "\x1b" not in str(caught.value)


def position(**changes: Any) -> dict[str, Any]:
    row = {
        "address": "0x2222222222222222222222222222222222222222",
        "side": "buyer",
        "status": "open",
        "entryTimestamp": 1788084031,
        "entryTxHash": "0x" + "cd" * 32,
        "entryPremium": "4999995",
        "collateralToken": USDC,
        "collateralAmount": "278787600",
        "numContracts": "121212",
        "underlyingAsset": "ETH",
        "strikes": ["230000000000"],
        "expiryTimestamp": 1790323200,
        "implementationName": "PUT",
        "bookAddress": BOOK,
    }
    return {"data": [row | changes]}


def test_indexed_positions_keep_totals_in_base_units() -> None:
    (found,) = run(thetanuts(Service(positions=position())).positions(HOLDER))

    assert (found.premium, found.contracts, found.side, found.status) == (4_999_995, 121_212, "buyer", "open")
    assert found.expires_at == datetime(2026, 9, 25, 8, tzinfo=UTC)


def test_past_positions_come_from_the_history() -> None:
    (found,) = run(thetanuts(Service(history=position(status="settled"))).past_positions(HOLDER))

    assert found.status == "settled"


@pytest.mark.parametrize(
    "changes", [{"entryPremium": "-1"}, {"side": "\x1b[31m"}, {"numContracts": 1.5}, {"strikes": []}, {"address": "0x"}]
)
def test_a_position_that_cannot_be_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(SourceMalformed):
        run(thetanuts(Service(positions=position(**changes))).positions(HOLDER))


@pytest.mark.parametrize("address", ["", "0x", HOLDER + "0", "0x" + "/" * 40, "../" * 14, "0x" + "g" * 40])
def test_what_is_not_an_address_is_not_asked_for(address: str) -> None:
    service = Service(positions=position())

    with pytest.raises(UsageError):
        run(thetanuts(service).positions(address))
    assert service.requests == []


def test_the_indexer_says_how_far_it_has_come() -> None:
    answer = {"status": "ok", "chain_id": 8453, "last_indexed_block": 50897786, "head_block": 50897790, "lag_blocks": 4}

    health = run(thetanuts(Service(health=answer)).health())

    assert (health.healthy, health.lag_blocks, health.chain_id) == (True, 4, 8453)
