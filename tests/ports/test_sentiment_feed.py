"""What every SentimentFeed promises, held against the embedded market and against recorded answers."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, timedelta

import httpx
import pytest
from sentiment_cassettes import DAYS, FOLDER, RECORDED_AT, cassette, feed
from vcr.errors import CannotOverwriteExistingCassetteException

from bethna_cli.adapters.clocks import FixedClock
from bethna_cli.adapters.http import Edge
from bethna_cli.adapters.sim.market import SimWorld
from bethna_cli.adapters.sim.wire import create_app
from bethna_cli.domain.errors import OutsideError
from bethna_cli.domain.market import Asset, Origin, Sentiment
from bethna_cli.ports import SentimentFeed

CLOCK = FixedClock(RECORDED_AT)
Opened = AbstractAsyncContextManager[SentimentFeed]


@asynccontextmanager
async def simulated(asset: Asset) -> AsyncIterator[SentimentFeed]:
    app = create_app(SimWorld(7, CLOCK.now), require_key=True)
    async with Edge(CLOCK, transport=httpx.ASGITransport(app)) as edge:
        yield feed(edge)


@asynccontextmanager
async def recorded(asset: Asset) -> AsyncIterator[SentimentFeed]:
    with cassette(asset, "none"):
        async with Edge(CLOCK) as edge:
            yield feed(edge)


@asynccontextmanager
async def broken(asset: Asset) -> AsyncIterator[SentimentFeed]:
    async with Edge(CLOCK, transport=httpx.MockTransport(lambda _: httpx.Response(404))) as edge:
        yield feed(edge)


def read(opened: Callable[[Asset], Opened], asset: Asset, days: int = DAYS, times: int = 1) -> Sentiment:
    async def ask() -> Sentiment:
        async with opened(asset) as source:
            return [await source.sentiment(asset, days) for _ in range(times)][-1]

    return asyncio.run(ask())


every_feed = pytest.mark.parametrize("opened", [simulated, recorded])
every_asset = pytest.mark.parametrize("asset", list(Asset))


@every_feed
@every_asset
def test_days_come_oldest_first_one_each_and_none_from_the_future(
    opened: Callable[[Asset], Opened], asset: Asset
) -> None:
    days = [index.day for index in read(opened, asset).fear_greed]

    assert 0 < len(days) <= DAYS
    assert days == sorted(set(days))
    assert all((day.hour, day.minute, day.second, day.tzinfo) == (0, 0, 0, UTC) for day in days)
    assert days[-1] <= RECORDED_AT


@every_feed
@every_asset
def test_the_index_lies_between_extreme_fear_and_extreme_greed(opened: Callable[[Asset], Opened], asset: Asset) -> None:
    assert all(0 <= index.value <= 100 for index in read(opened, asset).fear_greed)


@every_feed
@every_asset
def test_posts_are_enough_voices_with_a_bounded_mean_and_its_error(
    opened: Callable[[Asset], Opened], asset: Asset
) -> None:
    posts = read(opened, asset).posts

    assert posts is not None
    assert 20 <= posts.posts <= 100
    assert 10 <= posts.authors <= posts.posts
    assert -1.0 <= posts.mean <= 1.0
    assert 0.0 < posts.standard_error < 1.0


@every_feed
@every_asset
def test_it_says_who_said_so_when_and_that_it_is_not_live(opened: Callable[[Asset], Opened], asset: Asset) -> None:
    said = read(opened, asset)

    assert said.asset is asset
    assert said.provenance.source == "alternative.me Fear & Greed + X"
    assert said.provenance.origin is Origin.SIMULATED
    assert RECORDED_AT - timedelta(days=1) <= said.provenance.observed_at <= RECORDED_AT


@every_feed
@every_asset
def test_asking_twice_gives_the_same_answer(opened: Callable[[Asset], Opened], asset: Asset) -> None:
    assert read(opened, asset, times=2) == read(opened, asset)


@every_asset
def test_an_outage_raises(asset: Asset) -> None:
    with pytest.raises(OutsideError):
        read(broken, asset)


@every_asset
def test_a_question_that_was_not_recorded_is_not_answered(asset: Asset) -> None:
    with pytest.raises(CannotOverwriteExistingCassetteException):
        read(recorded, asset, days=3)


@every_asset
def test_a_recording_holds_no_token_and_says_what_it_is(asset: Asset) -> None:
    text = (FOLDER / f"{asset.value.lower()}.yaml").read_text(encoding="utf-8")

    assert "authorization" not in text.lower()
    assert "bearer" not in text.lower()
    assert text.startswith("# Recorded from the simulated services")
