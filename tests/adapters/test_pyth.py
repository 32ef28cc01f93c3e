"""Pyth: which prices may be used, and under which reason the others are refused."""

from datetime import timedelta
from decimal import Decimal

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from wire_samples import CLOCK, KEY, NOW, NOW_S, Service, hermes_bars, hermes_update, pyth, run

from bethna_cli.adapters.prices import SpotLimits
from bethna_cli.domain.errors import (
    NotEnoughData,
    SourceDisabled,
    SourceMalformed,
    SourceRateLimited,
    SourceStale,
    SourceUnavailable,
)
from bethna_cli.domain.market import Asset, Origin, SpotPrice


def spot(asset: Asset = Asset.ETH, **price: object) -> SpotPrice:
    return run(pyth(Service(latest=hermes_update(**price))).spot(asset))


def test_a_price_keeps_its_digits_its_band_and_the_time_it_was_published() -> None:
    price = spot()

    assert (price.value_usd, price.confidence_usd) == (Decimal("2450.12345678"), Decimal("0.98"))
    assert price.provenance.observed_at == NOW - timedelta(seconds=2)
    assert (price.provenance.source, price.provenance.origin) == ("pyth", Origin.LIVE)


def test_the_documented_example_of_scaling() -> None:
    price = spot(price="12276250", conf="1500", expo=-5)

    assert (price.value_usd, price.confidence_usd) == (Decimal("122.7625"), Decimal("0.015"))


@given(st.integers(10**8, 10**10), st.integers(0, 10**5), st.integers(-12, -2), st.integers(0, 4))
def test_the_value_does_not_depend_on_how_the_exponent_is_chosen(price: int, conf: int, expo: int, shift: int) -> None:
    finer = {"price": str(price * 10**shift), "conf": str(conf * 10**shift), "expo": expo - shift}

    plain = spot(price=str(price), conf=str(conf), expo=expo)

    assert spot(**finer) == plain


def test_the_request_names_the_feed_and_carries_the_key() -> None:
    service = Service(latest=hermes_update())

    run(pyth(service).spot(Asset.ETH))

    request = service.requests[0]
    assert request.url.path == "/hermes/v2/updates/price/latest"
    assert request.url.params["ids[]"] == "ff61491a931112ddf1bd8147cd1b641375f79f5825126d665480874634fd0ace"
    assert request.headers["Authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("key", [None, ""])
def test_without_a_key_nothing_is_asked(key: str | None) -> None:
    service = Service(latest=hermes_update(), history=hermes_bars())
    client = pyth(service, api_key=key)

    for question in (client.spot(Asset.ETH), client.spot_at(Asset.ETH, NOW), client.history(Asset.ETH, 5)):
        with pytest.raises(SourceDisabled, match="API key"):
            run(question)
    assert service.requests == []


@pytest.mark.parametrize(
    ("status", "error", "words"),
    [
        (401, SourceDisabled, "refuses the key"),
        (403, SourceDisabled, "not entitled"),
        (404, SourceUnavailable, "404"),
        (429, SourceRateLimited, "too many requests; it asks for 60 s"),
    ],
)
def test_every_refusal_has_its_own_reason(status: int, error: type[Exception], words: str) -> None:
    service = Service(latest=httpx.Response(status, text="Not entitled: feed ff61"))

    with pytest.raises(error, match=words):
        run(pyth(service).spot(Asset.ETH))
    assert len(service.requests) == 1


def test_a_price_is_fresh_for_ten_seconds_and_not_a_second_longer() -> None:
    assert spot(publish_time=NOW_S - 10).value_usd > 0
    with pytest.raises(SourceStale) as caught:
        spot(publish_time=NOW_S - 11)
    assert (caught.value.age_s, caught.value.limit_s) == (11, 10)


def test_the_limits_are_a_setting_so_that_watching_may_take_an_older_price() -> None:
    client = pyth(
        Service(latest=hermes_update(publish_time=NOW_S - 100)),
        limits=SpotLimits(max_age_s=120.0, max_band=Decimal("0.02")),
    )

    assert run(client.spot(Asset.ETH)).provenance.observed_at == NOW - timedelta(seconds=100)


def test_a_price_from_the_future_is_refused_beyond_five_seconds_of_skew() -> None:
    assert spot(publish_time=NOW_S + 5).value_usd > 0
    with pytest.raises(SourceMalformed, match="6 s in the future"):
        spot(publish_time=NOW_S + 6)


def test_a_band_of_one_per_cent_is_the_widest_to_trade_on() -> None:
    assert spot(price="1000", conf="10", expo=0).confidence_usd == 10
    with pytest.raises(SourceUnavailable, match=r"uncertain by 1\.1%; the limit is 1\.0%"):
        spot(price="1000", conf="11", expo=0)


@pytest.mark.parametrize("price", ["0", "-1", "-245012345678"])
def test_a_price_that_is_not_positive_is_refused(price: str) -> None:
    with pytest.raises(SourceMalformed, match="out of bounds"):
        spot(price=price, conf="0")


def test_the_price_of_another_feed_is_no_answer() -> None:
    with pytest.raises(SourceMalformed, match="no price of ETH"):
        run(pyth(Service(latest=hermes_update(Asset.BTC))).spot(Asset.ETH))


def test_the_feed_is_found_whatever_the_case_and_prefix_of_its_id() -> None:
    answer = hermes_update()
    answer["parsed"][0]["id"] = "0x" + answer["parsed"][0]["id"].upper()

    assert run(pyth(Service(latest=answer)).spot(Asset.ETH)).asset is Asset.ETH


def test_a_past_price_is_the_first_one_at_or_after_the_time() -> None:
    at = NOW - timedelta(days=3)
    service = Service(updates=hermes_update(publish_time=int(at.timestamp()) + 1))

    price = run(pyth(service).spot_at(Asset.ETH, at))

    assert price.provenance.observed_at == at + timedelta(seconds=1)
    assert service.requests[0].url.path.endswith(f"/v2/updates/price/{int(at.timestamp())}")


@pytest.mark.parametrize(("offset_s", "error"), [(-1, SourceMalformed), (60, SourceMalformed)])
def test_a_past_price_of_another_moment_is_refused(offset_s: int, error: type[Exception]) -> None:
    at = NOW - timedelta(days=3)
    service = Service(updates=hermes_update(publish_time=int(at.timestamp()) + offset_s))

    with pytest.raises(error):
        run(pyth(service).spot_at(Asset.ETH, at))


def test_history_is_the_closed_hours_without_the_running_one() -> None:
    history = run(pyth(Service(history=hermes_bars(3))).history(Asset.ETH, 3))

    running = CLOCK.at.replace(minute=0, second=0, microsecond=0)
    assert [candle.starts_at for candle in history.candles] == [running - timedelta(hours=n) for n in (3, 2, 1)]
    assert history.candles[0].close == 2450.5


def test_hours_before_the_span_asked_for_are_not_part_of_it() -> None:
    history = run(pyth(Service(history=hermes_bars(9))).history(Asset.ETH, 3))

    assert len(history.candles) == 3


def test_long_history_is_paged_and_the_edges_are_not_doubled() -> None:
    def page(request: httpx.Request) -> object:
        start_s, end_s = int(request.url.params["from"]), int(request.url.params["to"])
        starts = list(range(-(-start_s // 3600) * 3600, end_s + 1, 3600))
        ones = [2450.0] * len(starts)
        return {"s": "ok", "t": starts, "o": ones, "h": ones, "l": ones, "c": ones, "v": ones}

    service = Service(history=page)

    history = run(pyth(service).history(Asset.ETH, 24 * 500))

    assert len(service.requests) == 3
    assert len(history.candles) == len({candle.starts_at for candle in history.candles}) == 24 * 500


def test_no_candles_are_not_an_empty_history() -> None:
    for answer in ({"s": "ok", "t": [], "o": [], "h": [], "l": [], "c": []}, {"s": "no_data"}):
        with pytest.raises(NotEnoughData):
            run(pyth(Service(history=answer)).history(Asset.ETH, 3))


@pytest.mark.parametrize(
    "changes",
    [
        {"s": "error", "errmsg": "\x1b[31mtoo many bars"},
        {"o": [1.0]},
        {"h": [1.0, 1.0, 1.0, 1.0]},
        {"l": [9999.0, 9999.0, 9999.0, 9999.0]},
        {"c": [-1.0, 2450.0, 2450.0, 2450.0]},
        {"t": [NOW_S - 1, NOW_S, NOW_S + 1, NOW_S + 2]},
        {"t": "now"},
    ],
)
def test_history_that_contradicts_itself_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(SourceUnavailable) as caught:
        run(pyth(Service(history=hermes_bars(3) | changes)).history(Asset.ETH, 3))
    assert "\x1b" not in str(caught.value)
