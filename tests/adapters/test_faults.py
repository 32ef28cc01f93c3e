"""Every source broken in every way: a typed error within the time budget, never an invented number."""

import asyncio
import copy
import json
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wire_samples import (
    NOW,
    QUICK,
    Service,
    as_response,
    dydx,
    dydx_candle,
    dydx_funding_row,
    dydx_height,
    dydx_markets,
    hermes_bars,
    hermes_update,
    order_feed,
    pyth,
    reference_prices,
    run,
    thetanuts,
)

from bethna_cli.domain.errors import OutsideError, SourceMalformed, SourceStale, SourceUnavailable
from bethna_cli.domain.market import Asset

Ask = Callable[[Any], Awaitable[Any]]
Path = tuple[str | int, ...]

QUESTIONS: dict[str, Ask] = {
    "pyth spot": lambda service: pyth(service, QUICK).spot(Asset.ETH),
    "pyth history": lambda service: pyth(service, QUICK).history(Asset.ETH, 3),
    "dydx oracle": lambda service: dydx(service, QUICK).oracle.spot(Asset.ETH),
    "dydx funding": lambda service: dydx(service, QUICK).funding(Asset.ETH, 1),
    "dydx history": lambda service: dydx(service, QUICK).history(Asset.ETH, 3),
    "thetanuts board": lambda service: thetanuts(service, QUICK).board(Asset.ETH),
    "thetanuts spot": lambda service: thetanuts(service, QUICK).spot(Asset.ETH),
    "thetanuts reference": lambda service: thetanuts(service, QUICK).reference_prices(Asset.ETH),
}
GOOD: dict[str, Any] = {
    "updates": hermes_update(),
    "history": hermes_bars(3),
    "perpetualMarkets": dydx_markets(),
    "height": dydx_height(),
    "historicalFunding": {"historicalFunding": [dydx_funding_row(hours_ago) for hours_ago in range(30)]},
    "orders": order_feed(),
    "pricing": reference_prices(),
}
CANDLES = {"candles": [dydx_candle(back) for back in (1, 2, 3)]}


def services(**changes: Any) -> Service:
    """All services in one; the candles route is asked for before the markets route, whose name it contains."""
    return Service(**({"candles": CANDLES} | GOOD | changes))


async def endless() -> AsyncIterator[bytes]:
    for _ in range(800):
        yield b'{"price": 1}' + b" " * 65_536


async def slow(request: httpx.Request) -> httpx.Response:
    await asyncio.sleep(10)
    return services()(request)


def refuse(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("connection refused")


def hang_up(request: httpx.Request) -> httpx.Response:
    raise httpx.RemoteProtocolError("peer closed connection")


def answering(make: Callable[[], Any]) -> Callable[[httpx.Request], httpx.Response]:
    return lambda _: as_response(make())


def truncated(request: httpx.Request) -> httpx.Response:
    whole = services()(request).content
    return as_response(whole[: len(whole) // 2])


def with_every_number(text: str) -> Callable[[httpx.Request], httpx.Response]:
    """The right answer, with every number (bare, or inside a string) replaced."""

    def answer(request: httpx.Request) -> httpx.Response:
        document = json.loads(services()(request).content)
        body = json.dumps(replaced(document)).replace('"<number>"', text)
        return as_response(body.encode())

    return answer


def replaced(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: replaced(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [replaced(inner) for inner in value]
    if isinstance(value, bool) or value is None:
        return value
    return "<number>" if isinstance(value, int | float) or value.replace(".", "").isdigit() else value


FAULTS: dict[str, tuple[Any, type[OutsideError]]] = {
    "refused connection": (refuse, SourceUnavailable),
    "hung up": (hang_up, SourceUnavailable),
    "slow": (slow, SourceUnavailable),
    "500": (answering(lambda: httpx.Response(500, text="Internal Server Error")), SourceUnavailable),
    "503 page": (answering(lambda: httpx.Response(503, html="<html>")), SourceUnavailable),
    "HTML": (answering(lambda: b"<!doctype html><html><body>maintenance"), SourceMalformed),
    "empty": (answering(lambda: b""), SourceMalformed),
    "truncated JSON": (truncated, SourceMalformed),
    "null": (answering(lambda: None), SourceMalformed),
    "a list": (answering(list), SourceMalformed),
    "an empty object": (answering(dict), SourceMalformed),
    "a string": (answering(lambda: "\x1b[31m[red]up[/red]"), SourceMalformed),
    "an error document": (answering(lambda: {"errors": [{"msg": "\x1b]0;pwned\x07"}]}), SourceMalformed),
    "NaN": (with_every_number("NaN"), SourceMalformed),
    "Infinity": (with_every_number("-Infinity"), SourceMalformed),
    "1e400": (with_every_number("1e400"), SourceMalformed),
    "a boolean for a number": (with_every_number("true"), SourceMalformed),
    "text for a number": (with_every_number('"many"'), SourceMalformed),
    "nested without end": (answering(lambda: b"[" * 50_000), SourceMalformed),
    "50 MB": (answering(lambda: httpx.Response(200, content=endless())), SourceMalformed),
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_questions_are_answered_when_nothing_is_broken(question: str) -> None:
    assert run(QUESTIONS[question](services())) is not None


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_broken_source_is_a_typed_error(question: str, fault: str) -> None:
    service, error = FAULTS[fault]

    with pytest.raises(OutsideError) as caught:
        run(QUESTIONS[question](service))

    assert isinstance(caught.value, error)
    assert not set(str(caught.value)) & set("\x1b\x07[]")


@pytest.mark.parametrize(
    ("question", "stale"),
    [
        ("pyth spot", {"updates": hermes_update(publish_time=int(NOW.timestamp()) - 3600)}),
        ("dydx oracle", {"height": dydx_height(3600)}),
        ("dydx funding", {"height": dydx_height(3600)}),
        ("thetanuts board", {"orders": order_feed(written_s=NOW.timestamp() - 3600)}),
        ("thetanuts spot", {"orders": order_feed(written_s=NOW.timestamp() - 3600)}),
        ("thetanuts reference", {"pricing": reference_prices(is_stale=True)}),
    ],
)
def test_stale_values_are_called_stale(question: str, stale: dict[str, Any]) -> None:
    with pytest.raises(SourceStale):
        run(QUESTIONS[question](services(**stale)))


# One question with the places in its answer that must be a number, each given what is none.

LEAVES: dict[str, tuple[str, Any, list[Path]]] = {
    "pyth spot": (
        "updates",
        hermes_update(),
        [("parsed", 0, "price", name) for name in ("price", "conf", "expo", "publish_time")],
    ),
    "pyth history": ("history", hermes_bars(3), [(column, row) for column in "tohlc" for row in range(3)]),
    "dydx oracle": ("perpetualMarkets", dydx_markets(), [("markets", "ETH-USD", "oraclePrice")]),
    "dydx funding": ("perpetualMarkets", dydx_markets(), [("markets", "ETH-USD", "nextFundingRate")]),
    "dydx history": ("candles", CANDLES, [("candles", 1, name) for name in ("open", "high", "low", "close")]),
    "thetanuts spot": ("orders", order_feed(), [("data", "market_data", "ETH")]),
    "thetanuts reference": (
        "pricing",
        reference_prices(),
        [
            ("data", "ETH", "ETH-19MAY26-2075-P", name)
            for name in ("bid_price", "ask_price", "mark_price", "underlying_price", "strike")
        ],
    ),
}
RAW = ["NaN", "Infinity", "-Infinity", "1e400", "-1e400", "9" * 90, "1." + "0" * 90]
NOT_A_NUMBER: list[Any] = [
    *(f"<raw>{text}" for text in RAW),
    *(
        "",
        " ",
        "NaN",
        "nan",
        "inf",
        "-inf",
        "1e400",
        "1_000",
        "0x10",
        "٣",
        "²",
        "1,5",
        "12 ",
        "\x1b[31m1",
        "[red]1",
        "9" * 90,
    ),
    *(None, True, False, [], {}, [1], {"price": "1"}),
    *(-(10**12), 10**40, str(10**40), str(-(10**12))),
]


def places() -> Iterator[tuple[str, Path]]:
    for question, (_, _, paths) in LEAVES.items():
        for path in paths:
            yield question, path


def broken(document: Any, path: Path, value: Any) -> bytes:
    """The document with another value in one place; `<raw>` text is put there bare."""
    document = copy.deepcopy(document)
    inner = document
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    body = json.dumps(document)
    if isinstance(value, str) and value.startswith("<raw>"):
        body = body.replace(json.dumps(value), value.removeprefix("<raw>"))
    return body.encode()


def check_refused(place: tuple[str, Path], value: Any) -> None:
    question, path = place
    name, document, _ = LEAVES[question]
    with pytest.raises(OutsideError):
        run(QUESTIONS[question](services(**{name: broken(document, path, value)})))


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(list(places())), st.sampled_from(NOT_A_NUMBER))
def test_what_is_no_number_never_becomes_one(place: tuple[str, Path], value: Any) -> None:
    check_refused(place, value)


NO_NUMBER_AT_ALL = st.text().filter(lambda text: text.strip("+-.0123456789eE") != "") | st.none() | st.booleans()


@pytest.mark.slow
@pytest.mark.timeout(1800)
@settings(max_examples=50_000, deadline=None)
@given(st.sampled_from(list(places())), st.sampled_from(NOT_A_NUMBER) | NO_NUMBER_AT_ALL)
def test_what_is_no_number_never_becomes_one_in_fifty_thousand_cases(place: tuple[str, Path], value: Any) -> None:
    check_refused(place, value)


PRICES: list[tuple[str, Path]] = [
    ("pyth spot", ("parsed", 0, "price", "price")),
    ("pyth history", ("c", 0)),
    ("dydx oracle", ("markets", "ETH-USD", "oraclePrice")),
    ("dydx history", ("candles", 0, "low")),
    ("thetanuts spot", ("data", "market_data", "ETH")),
    ("thetanuts reference", ("data", "ETH", "ETH-19MAY26-2075-P", "underlying_price")),
]


@pytest.mark.parametrize("place", PRICES)
@pytest.mark.parametrize("value", [0, -1, -0.0, "0", "-1", "-0", 10**30, str(10**30)])
def test_a_price_that_is_zero_negative_or_absurd_is_refused(place: tuple[str, Path], value: Any) -> None:
    check_refused(place, value)


@settings(max_examples=200, deadline=None)
@given(st.decimals(min_value=-(10**12), max_value=10**12, allow_nan=False, places=6))
def test_whatever_number_a_feed_sends_the_spot_price_is_positive_and_bounded_or_absent(value: Decimal) -> None:
    service = services(
        updates=hermes_update(price=str(int(value * 10**6)), conf="0", expo=-6),
        perpetualMarkets=dydx_markets(oraclePrice=f"{value:f}"),
        orders=broken(order_feed(), ("data", "market_data", "ETH"), f"<raw>{value:f}"),
    )
    for question in ("pyth spot", "dydx oracle", "thetanuts spot"):
        try:
            price = run(QUESTIONS[question](service))
        except OutsideError:
            assert not 0 < value <= 10**9
        else:
            assert price.value_usd == value
            assert 0 < value <= 10**9
            assert math.isfinite(price.value_usd)
            assert NOW - timedelta(seconds=10) <= price.provenance.observed_at <= NOW + timedelta(seconds=5)
