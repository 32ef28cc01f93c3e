"""Look: all sources at once, and what one of them does to the snapshot when it fails."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from bethna_cli.adapters.clocks import FixedClock
from bethna_cli.domain.errors import SourceDisabled, SourceMalformed, SourceUnavailable
from bethna_cli.domain.market import (
    Asset,
    Candle,
    FearGreed,
    Funding,
    FundingPoint,
    MarketSnapshot,
    OptionBoard,
    Origin,
    PriceHistory,
    Provenance,
    Sentiment,
    SpotPrice,
    Status,
)
from bethna_cli.flow.observe import Feeds, Limits, observe

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def told_by(source: str, age_s: float = 0) -> Provenance:
    return Provenance(source, NOW - timedelta(seconds=age_s), Origin.LIVE)


def price(source: str, usd: str, age_s: float = 0) -> SpotPrice:
    return SpotPrice(Asset.ETH, Decimal(usd), None, told_by(source, age_s))


def history(age_h: float = 0) -> PriceHistory:
    starts_at = NOW - timedelta(hours=1 + age_h)
    return PriceHistory(Asset.ETH, (Candle(starts_at, 1.0, 1.0, 1.0, 1.0),), told_by("candles"))


def funding(age_h: float = 0) -> Funding:
    point = FundingPoint(NOW - timedelta(hours=age_h), "dydx", 1, 1e-5)
    return Funding(Asset.ETH, Decimal("0.00001"), None, (point,), told_by("dydx"))


def mood(age_h: float = 0) -> Sentiment:
    return Sentiment(Asset.ETH, (FearGreed(NOW - timedelta(hours=age_h), 40),), None, told_by("fng"))


@dataclass
class Source:
    """A source that answers, waits or fails as told, whatever it is asked."""

    name: str
    answer: object
    wait_s: float = 0
    asked: list[Asset] = field(default_factory=list)

    async def _reply(self, asset: Asset, *_: object) -> Any:
        self.asked.append(asset)
        await asyncio.sleep(self.wait_s)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    spot = history = board = funding = sentiment = _reply


def feeds(**changed: object) -> Feeds:
    usual: dict[str, Any] = {
        "spots": [Source("pyth", price("pyth", "3000")), Source("dydx oracle", price("dydx oracle", "3001"))],
        "histories": [Source("candles", history())],
        "options": Source("options", OptionBoard(Asset.ETH, (), {}, told_by("venue"))),
        "funding": Source("funding", funding()),
        "sentiment": Source("sentiment", mood()),
        "limits": Limits(source_timeout_s=0.2),
    }
    return Feeds(**usual | changed)


def look(**changed: object) -> MarketSnapshot:
    return asyncio.run(observe(Asset.ETH, feeds(**changed), FixedClock(NOW)))


def test_a_healthy_market_is_ok_in_every_part_and_takes_the_first_source_for_spot() -> None:
    seen = look()

    assert {part.status for part in seen.parts} == {Status.OK}
    assert seen.spot.value is not None
    assert seen.spot.value.provenance.source == "pyth"
    assert seen.taken_at == NOW


def test_the_sources_are_asked_at_once_and_not_one_after_the_other() -> None:
    slow = {name: Source(name, answer, 0.1) for name, answer in [("funding", funding()), ("sentiment", mood())]}
    slow["options"] = Source("options", OptionBoard(Asset.ETH, (), {}, told_by("venue")), 0.1)
    waiting: list[int] = []

    async def crowd(source: Source, asset: Asset, *_: object) -> object:
        waiting.append(1)
        while len(waiting) < 3:  # only ever ends when all three are under way together
            await asyncio.sleep(0)
        return source.answer

    for name, source in slow.items():
        setattr(source, {"options": "board"}.get(name, name), lambda *a, s=source: crowd(s, *a))

    assert {part.status for part in look(**slow).parts} == {Status.OK}


@pytest.mark.parametrize(
    ("failure", "status"),
    [
        (SourceUnavailable("dydx", "refused"), Status.FAILED),
        (SourceMalformed("dydx", "not JSON"), Status.FAILED),
        (SourceDisabled("dydx", "no key"), Status.DISABLED),
    ],
)
def test_a_failed_source_degrades_its_part_with_the_reason_and_leaves_the_others(
    failure: Exception, status: Status
) -> None:
    seen = look(funding=Source("funding", failure))

    assert (seen.funding.status, seen.funding.value) == (status, None)
    assert "dydx" in str(seen.funding.reason)
    assert seen.spot.status is seen.options.status is seen.sentiment.status is Status.OK


def test_a_source_that_hangs_is_given_up_after_its_limit() -> None:
    seen = look(options=Source("options", None, wait_s=30))

    assert seen.options.status is Status.FAILED
    assert "no answer within 0.2 s" in str(seen.options.reason)


@pytest.mark.parametrize(
    ("part", "source"),
    [
        ("options", Source("options", OptionBoard(Asset.ETH, (), {}, told_by("venue", age_s=61)))),
        ("funding", Source("funding", funding(age_h=9.1))),
        ("sentiment", Source("sentiment", mood(age_h=48.1))),
    ],
)
def test_a_part_older_than_its_limit_is_stale_and_unusable(part: str, source: Source) -> None:
    stale = getattr(look(**{part: source}), part)

    assert stale.status is Status.STALE
    assert not stale.usable
    assert "limit" in str(stale.reason)


def test_history_that_ended_hours_ago_is_stale() -> None:
    assert look(histories=[Source("candles", history(age_h=3.1))]).history.status is Status.STALE


@pytest.mark.parametrize(
    ("known_at", "answer"),
    [("funding", Funding(Asset.ETH, Decimal(0), None, (), told_by("dydx"))), ("history", None)],
)
def test_an_answer_without_data_is_a_failure_and_not_a_zero(known_at: str, answer: object) -> None:
    empty = PriceHistory(Asset.ETH, (), told_by("candles"))
    changed = {"histories": [Source("candles", empty)]} if answer is None else {known_at: Source(known_at, answer)}

    part = getattr(look(**changed), known_at)

    assert (part.status, part.value) == (Status.FAILED, None)


def test_spot_falls_back_to_the_next_source_under_its_own_name_and_says_why() -> None:
    down = Source("pyth", SourceUnavailable("pyth", "refused"))
    seen = look(spots=[down, Source("dydx oracle", price("dydx oracle", "3001"))])

    assert seen.spot.value is not None
    assert seen.spot.value.provenance.source == "dydx oracle"
    assert any("pyth" in note for note in seen.spot.notes)


def test_a_stale_price_is_passed_over_for_a_fresh_one() -> None:
    old = Source("pyth", price("pyth", "3000", age_s=10.1))
    seen = look(spots=[old, Source("dydx oracle", price("dydx oracle", "3001"))])

    assert seen.spot.value is not None
    assert seen.spot.value.provenance.source == "dydx oracle"


def test_only_stale_prices_make_the_spot_stale_and_give_no_number() -> None:
    seen = look(spots=[Source("pyth", price("pyth", "3000", age_s=10.1))])

    assert (seen.spot.status, seen.spot.value) == (Status.STALE, None)


def test_two_sources_more_than_two_percent_apart_give_no_price() -> None:
    seen = look(spots=[Source("pyth", price("pyth", "3000")), Source("dydx oracle", price("dydx oracle", "3061"))])

    assert (seen.spot.status, seen.spot.value) == (Status.FAILED, None)
    assert "disagree" in str(seen.spot.reason)


def test_two_sources_two_percent_apart_are_agreed() -> None:
    seen = look(spots=[Source("pyth", price("pyth", "3000")), Source("dydx oracle", price("dydx oracle", "3060"))])

    assert seen.spot.status is Status.OK


def test_of_three_sources_the_two_that_agree_overrule_the_first() -> None:
    named = {"pyth": "4000", "dydx oracle": "3000", "thetanuts": "3001"}
    seen = look(spots=[Source(name, price(name, usd)) for name, usd in named.items()])

    assert seen.spot.value is not None
    assert seen.spot.value.provenance.source == "dydx oracle"
    assert any("pyth disagrees" in note for note in seen.spot.notes)


def test_history_comes_from_the_second_source_when_the_first_fails_hangs_or_is_stale() -> None:
    down, hanging = Source("one", SourceUnavailable("one", "refused")), Source("one", None, wait_s=30)
    for first in (down, hanging, Source("one", history(age_h=3.1))):
        seen = look(histories=[first, Source("two", history())])

        assert seen.history.status is Status.OK


def test_without_any_history_each_source_is_named_once_with_its_reason() -> None:
    refused = [Source(name, SourceUnavailable(name, "refused")) for name in ("one", "two")]

    assert look(histories=refused).history.reason == "one: refused; two: refused"


def test_our_own_bug_in_a_source_is_not_mistaken_for_an_outage() -> None:
    broken: Callable[[], MarketSnapshot] = lambda: look(funding=Source("funding", ZeroDivisionError("ours")))  # noqa: E731

    with pytest.raises(ZeroDivisionError):
        broken()
