"""dYdX: funding per hour, the oracle price dated by the chain, and candles page by page."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
from wire_samples import (
    NOW,
    NOW_S,
    Service,
    dydx,
    dydx_candle,
    dydx_funding_row,
    dydx_height,
    dydx_markets,
    run,
)

from bethna_cli.domain.errors import (
    NotEnoughData,
    SourceDisabled,
    SourceMalformed,
    SourceRateLimited,
    SourceStale,
    SourceUnavailable,
)
from bethna_cli.domain.market import Asset, Funding

THIS_HOUR = NOW.replace(minute=0, second=0, microsecond=0)
MONTH = [dydx_funding_row(hours_ago) for hours_ago in range(24 * 70)]


def indexer(**answers: Any) -> Service:
    """A service that pages through 70 days of funding as the indexer does, newest first."""

    def funding_page(request: httpx.Request) -> object:
        before = int(request.url.params.get("effectiveBeforeOrAtHeight", 10**12))
        limit = int(request.url.params.get("limit", 1000))
        return {"historicalFunding": [row for row in MONTH if int(row["effectiveAtHeight"]) <= before][:limit]}

    usual = {"perpetualMarkets": dydx_markets(), "height": dydx_height(), "historicalFunding": funding_page}
    return Service(**(usual | answers))


def funding(**answers: Any) -> Funding:
    return run(dydx(indexer(**answers)).funding(Asset.ETH, 2))


def rows(*found: dict[str, Any]) -> dict[str, Any]:
    """A market whose whole history is `found`."""
    pages = [{"historicalFunding": list(found)}, {"historicalFunding": []}]
    return {"historicalFunding": lambda _: pages.pop(0) if len(pages) > 1 else pages[0]}


def test_funding_is_the_next_rate_and_the_settled_ones_per_hour() -> None:
    now = funding()

    assert now.next_rate_1h == Decimal("0.00000747")
    assert now.open_interest_coin == Decimal("44027.853711")
    assert now.provenance.observed_at == NOW - timedelta(seconds=1)
    assert len(now.history) == 48
    assert now.history[-1].at == THIS_HOUR
    assert {(point.venue, point.interval_h) for point in now.history} == {("dydx", 1.0)}


def test_a_rate_is_known_from_the_hour_it_settles_and_a_year_has_8760_of_them() -> None:
    late = dydx_funding_row(1, rate="-0.0000125", effectiveAt="2026-08-30T09:00:07.123Z")

    point = funding(**rows(late)).history[-1]

    assert point.at == datetime(2026, 8, 30, 9, tzinfo=UTC)
    assert point.annual == pytest.approx(-0.1095)


def test_a_rate_of_zero_is_data_and_a_missing_hour_stays_missing() -> None:
    history = funding(**rows(dydx_funding_row(1, rate="0"), dydx_funding_row(3))).history

    assert [(point.at, point.rate) for point in history] == [
        (THIS_HOUR - timedelta(hours=3), 0.0000125),
        (THIS_HOUR - timedelta(hours=1), 0.0),
    ]


def test_a_tiny_rate_may_be_written_with_an_exponent() -> None:
    assert funding(**rows(dydx_funding_row(1, rate="7.5e-8"))).history[-1].rate == 7.5e-8


def test_two_months_are_paged_without_a_gap_or_a_repetition() -> None:
    service = indexer()

    history = run(dydx(service).funding(Asset.ETH, 61)).history

    hours = [point.at for point in history]
    assert hours == [THIS_HOUR - timedelta(hours=back) for back in range(61 * 24 - 1, -1, -1)]
    assert sum("historicalFunding" in request.url.path for request in service.requests) == 2


def test_paging_ends_where_the_history_ends() -> None:
    assert len(run(dydx(indexer()).funding(Asset.ETH, 365)).history) == 24 * 70


def test_pages_that_do_not_end_are_refused() -> None:
    with pytest.raises(SourceMalformed, match="do not end"):
        funding(historicalFunding={"historicalFunding": [dydx_funding_row(1)]})


@pytest.mark.parametrize(
    "row",
    [
        {"ticker": "BTC-USD"},
        {"rate": "0.2"},
        {"rate": "NaN"},
        {"rate": 0.00001},
        {"rate": None},
        {"effectiveAt": "2027-08-30T09:00:00.000Z"},
        {"effectiveAt": "2026-08-30T09:00:00.000"},
        {"effectiveAt": 1788084000},
        {"effectiveAtHeight": "-4"},
    ],
)
def test_a_settled_rate_that_cannot_be_is_refused(row: dict[str, Any]) -> None:
    with pytest.raises(SourceMalformed):
        funding(**rows(dydx_funding_row(1, **row)))


@pytest.mark.parametrize("status", ["PAUSED", "CANCEL_ONLY", "POST_ONLY", "INITIALIZING", "FINAL_SETTLEMENT"])
def test_only_an_active_market_has_funding_and_a_price(status: str) -> None:
    client = dydx(indexer(perpetualMarkets=dydx_markets(status=status)))

    for question in (client.funding(Asset.ETH, 1), client.oracle.spot(Asset.ETH)):
        with pytest.raises(SourceUnavailable, match=status):
            run(question)


def test_a_market_that_predicts_no_rate_still_has_a_price() -> None:
    client = dydx(indexer(perpetualMarkets=dydx_markets(nextFundingRate=None)))

    assert run(client.oracle.spot(Asset.ETH)).value_usd == Decimal("2449.9")
    with pytest.raises(SourceUnavailable, match="predicts no funding"):
        run(client.funding(Asset.ETH, 1))


def test_the_oracle_price_is_as_old_as_the_latest_block() -> None:
    client = dydx(indexer())

    price = run(client.oracle.spot(Asset.ETH))

    assert (price.value_usd, price.confidence_usd) == (Decimal("2449.9"), None)
    assert (price.provenance.source, client.oracle.name) == ("dydx oracle", "dydx oracle")
    assert price.provenance.observed_at == NOW - timedelta(seconds=1)


@pytest.mark.parametrize("age_s", [11, 3600])
def test_a_halted_chain_has_no_price(age_s: float) -> None:
    with pytest.raises(SourceStale):
        run(dydx(indexer(height=dydx_height(age_s))).oracle.spot(Asset.ETH))


def test_a_halted_chain_has_no_funding() -> None:
    with pytest.raises(SourceStale, match="61 s old"):
        funding(height=dydx_height(61))


@pytest.mark.parametrize(
    "market",
    [
        dydx_markets("BTC-USD"),
        dydx_markets(oraclePrice="0"),
        dydx_markets(oraclePrice="-3"),
        dydx_markets(oraclePrice="NaN"),
        dydx_markets(oraclePrice="1e99"),
        dydx_markets(oraclePrice=2449.9),
        dydx_markets(oraclePrice=None),
        dydx_markets(status=None),
        {"markets": {}},
        {"markets": []},
        {"markets": {"ETH-USD": "\x1b[31m"}},
        {"errors": [{"msg": "\x1b[31m"}]},
    ],
)
def test_a_market_without_a_proper_price_has_none(market: dict[str, Any]) -> None:
    with pytest.raises(SourceUnavailable) as caught:
        run(dydx(indexer(perpetualMarkets=market)).oracle.spot(Asset.ETH))
    assert "\x1b" not in str(caught.value)


def test_a_blocked_country_is_told_as_such_and_not_asked_again() -> None:
    service = Service(v4=httpx.Response(403, text="<html>Forbidden"))

    with pytest.raises(SourceDisabled, match="country"):
        run(dydx(service).history(Asset.ETH, 3))
    assert len(service.requests) == 1


def test_its_retry_after_is_in_milliseconds() -> None:
    service = Service(v4=httpx.Response(429, headers={"Retry-After": "9000"}))

    with pytest.raises(SourceRateLimited) as caught:
        run(dydx(service).history(Asset.ETH, 3))
    assert caught.value.retry_after_s == 9


def test_history_is_the_closed_hours_oldest_first() -> None:
    candles = [dydx_candle(back) for back in (0, 1, 2, 3)]

    history = run(dydx(Service(candles={"candles": candles})).history(Asset.ETH, 3))

    assert [candle.starts_at for candle in history.candles] == [THIS_HOUR - timedelta(hours=n) for n in (3, 2, 1)]
    assert history.candles[0] == pytest.approx(history.candles[0])
    assert (history.candles[0].open, history.candles[0].close) == (2450.0, 2451.7)


def test_long_history_is_paged_backwards() -> None:
    def page(request: httpx.Request) -> object:
        first, before = (datetime.fromisoformat(request.url.params[name]) for name in ("fromISO", "toISO"))
        backs = range(int((THIS_HOUR - before).total_seconds()) // 3600 + 1, 10**6)
        wanted = [back for back in backs[:1000] if THIS_HOUR - timedelta(hours=back) >= first]
        return {"candles": [dydx_candle(back) for back in wanted]}

    service = Service(candles=page)

    history = run(dydx(service).history(Asset.ETH, 2500))

    assert len(history.candles) == 2500
    assert len(service.requests) == 3


def test_a_gap_in_the_candles_stays_a_gap() -> None:
    candles = [dydx_candle(back) for back in (1, 3)]

    history = run(dydx(Service(candles={"candles": candles})).history(Asset.ETH, 3))

    assert len(history.candles) == 2


def test_a_market_that_never_traded_has_no_history() -> None:
    with pytest.raises(NotEnoughData):
        run(dydx(Service(candles={"candles": []})).history(Asset.ETH, 3))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"ticker": "BTC-USD"}, "something else"),
        ({"resolution": "1MIN"}, "something else"),
        ({"high": "2400"}, "contradicts itself"),
        ({"low": "2480"}, "contradicts itself"),
        ({"close": "-1"}, "out of bounds"),
        ({"open": "Infinity"}, "candles.0.open"),
        ({"startedAt": datetime.fromtimestamp(NOW_S, UTC).strftime("%Y-%m-%dT%H:30:00.000Z")}, "within the hour"),
    ],
)
def test_a_candle_that_cannot_be_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(SourceMalformed, match=words):
        run(dydx(Service(candles={"candles": [dydx_candle(1, **changes)]})).history(Asset.ETH, 3))


def test_pages_of_candles_that_do_not_end_are_refused() -> None:
    with pytest.raises(SourceMalformed, match="do not end"):
        run(dydx(Service(candles={"candles": [dydx_candle(1)]})).history(Asset.ETH, 3))
