"""Posts from Bluesky's Jetstream: read from where the last question stopped, once each, whatever strangers write."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from websockets.asyncio.server import ServerConnection, serve

from bethna_cli.adapters.clocks import FixedClock
from bethna_cli.adapters.http import Edge
from bethna_cli.adapters.jetstream import Jetstream
from bethna_cli.adapters.mood import Post
from bethna_cli.adapters.reconnect import Patience
from bethna_cli.domain.errors import SourceDisabled, SourceMalformed, SourceUnavailable
from bethna_cli.domain.market import Asset

NOW = datetime(2026, 5, 5, 15, 30, tzinfo=UTC)
NOW_US = int(NOW.timestamp()) * 1_000_000
AT_ONCE = Patience(first_s=0.001, longest_s=0.001, failures=2)


def event(number: int, text: str = "ETH looking strong", *, ago_s: float = 60.0, **changes: Any) -> dict[str, Any]:
    record = {"$type": "app.bsky.feed.post", "createdAt": "2031-01-01T00:00:00Z", "langs": ["en"], "text": text}
    commit = {"rev": "r", "operation": "create", "collection": "app.bsky.feed.post", "rkey": f"k{number}", "cid": "c"}
    known = {"did": f"did:plc:{number}", "time_us": NOW_US - int(ago_s * 1e6), "cursor": number, "kind": "commit"}
    return known | {"commit": commit | {"record": record}} | changes


def changed(number: int, **commit: Any) -> dict[str, Any]:
    known = event(number)
    return known | {"commit": known["commit"] | commit}


LIVE = event(999, "nothing of interest", ago_s=0.0)


@dataclass
class Stream:
    """A Jetstream that sends its scripts, one for each connection, and remembers how it was asked."""

    scripts: list[Sequence[object]]
    asked: list[str] = field(default_factory=list)

    async def answer(self, socket: ServerConnection) -> None:
        self.asked.append(socket.request.path if socket.request else "")
        script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
        for frame in script:
            await socket.send(frame if isinstance(frame, str) else json.dumps(frame))
        await socket.close()

    @property
    def cursors(self) -> list[int]:
        return [int(parse_qs(urlsplit(path).query)["cursor"][0]) for path in self.asked]


@asynccontextmanager
async def jetstream(stream: Stream, *, collect_s: float = 2.0) -> AsyncIterator[Jetstream]:
    async with serve(stream.answer, "127.0.0.1", 0) as server, Edge(FixedClock(NOW)) as edge:
        port = next(iter(server.sockets)).getsockname()[1]
        yield Jetstream(edge, base_url=f"http://127.0.0.1:{port}", collect_s=collect_s, patience=AT_ONCE)


def gathered(stream: Stream, *assets: Asset) -> list[Sequence[Post]]:
    async def gather() -> list[Sequence[Post]]:
        async with jetstream(stream) as source:
            return [await source.posts(asset) for asset in assets or (Asset.ETH,)]

    return asyncio.run(gather())


def test_posts_that_mention_the_asset_are_kept_by_the_servers_time() -> None:
    said = ["ETH looking strong", "my cat", "#ethereum up", "$ETH", "methane", "Bitcoin dips"]
    stream = Stream([[*(event(number, text) for number, text in enumerate(said)), LIVE]])

    (posts,) = gathered(stream)

    assert [post.text for post in posts] == ["ETH looking strong", "#ethereum up", "$ETH"]
    assert posts[0].at == NOW - timedelta(seconds=60)
    assert (posts[0].author, posts[0].language, posts[0].engagement) == ("did:plc:0", "en", 0)


def test_one_reading_serves_both_assets() -> None:
    stream = Stream([[event(1, "BTC and ETH"), event(2, "bitcoin"), LIVE], [LIVE]])

    eth, btc = gathered(stream, Asset.ETH, Asset.BTC)

    assert [post.id for post in eth] == ["k1"]
    assert [post.id for post in btc] == ["k1", "k2"]


@pytest.mark.parametrize(
    "ignored",
    [
        event(1, kind="identity", commit=None),
        event(1, kind="account"),
        event(1, kind="something new"),
        changed(1, operation="delete", record=None),
        changed(1, operation="update"),
        changed(1, collection="app.bsky.feed.like"),
        changed(1, record={"text": 5}),
        changed(1, record="ETH"),
        changed(1, record={"text": "ETH", "langs": "en"}),
    ],
)
def test_other_events_and_records_out_of_shape_are_passed_over(ignored: dict[str, Any]) -> None:
    (posts,) = gathered(Stream([[ignored, event(2), LIVE]]))

    assert [post.id for post in posts] == ["k2"]


def test_a_post_that_is_delivered_twice_counts_once() -> None:
    (posts,) = gathered(Stream([[event(1), event(1), LIVE]]))

    assert len(posts) == 1


@pytest.mark.parametrize(
    ("languages", "language"), [(["en-GB"], "en"), (["de", "en"], "en"), (["ja"], "ja"), (None, None)]
)
def test_the_language_is_what_the_author_set_if_anything(languages: object, language: str | None) -> None:
    (posts,) = gathered(Stream([[changed(1, record={"text": "ETH", "langs": languages}), LIVE]]))

    assert posts[0].language == language


def test_a_first_reading_starts_ten_minutes_back_and_the_next_where_it_stopped() -> None:
    stream = Stream([[event(1, ago_s=30), LIVE], [LIVE]])

    gathered(stream, Asset.ETH, Asset.ETH)

    assert stream.cursors == [NOW_US - 600 * 1_000_000, NOW_US]
    assert "wantedCollections=app.bsky.feed.post" in stream.asked[0]


def test_a_broken_connection_is_taken_up_where_it_broke() -> None:
    stream = Stream([[event(1, ago_s=90)], [event(1, ago_s=90), event(2, ago_s=80), LIVE]])

    (posts,) = gathered(stream)

    assert [post.id for post in posts] == ["k1", "k2"]
    assert stream.cursors[1] == NOW_US - 90 * 1_000_000


def test_what_was_found_before_the_time_was_up_is_what_there_is() -> None:
    async def silent_after_one() -> Sequence[Post]:
        async def answer(socket: ServerConnection) -> None:
            await socket.send(json.dumps(event(1)))
            await socket.wait_closed()

        async with serve(answer, "127.0.0.1", 0) as server, Edge(FixedClock(NOW)) as edge:
            port = next(iter(server.sockets)).getsockname()[1]
            return await Jetstream(edge, base_url=f"http://127.0.0.1:{port}", collect_s=0.3).posts(Asset.ETH)

    assert [post.id for post in asyncio.run(silent_after_one())] == ["k1"]


def test_a_stream_that_says_nothing_is_an_outage() -> None:
    async def silent() -> None:
        async def answer(socket: ServerConnection) -> None:
            await socket.wait_closed()

        async with serve(answer, "127.0.0.1", 0) as server, Edge(FixedClock(NOW)) as edge:
            port = next(iter(server.sockets)).getsockname()[1]
            await Jetstream(edge, base_url=f"http://127.0.0.1:{port}", collect_s=0.2).posts(Asset.ETH)

    with pytest.raises(SourceUnavailable, match=r"Bluesky: nothing within 0\.2 s"):
        asyncio.run(silent())


@pytest.mark.parametrize("frame", ["<html>", "[]", '{"did": "x"}', '{"did": "x", "time_us": NaN, "kind": "commit"}'])
def test_a_stream_out_of_shape_is_an_error(frame: str) -> None:
    with pytest.raises(SourceMalformed):
        gathered(Stream([[frame]]))


def test_a_stream_that_cannot_be_reached_is_an_outage() -> None:
    async def unreachable() -> None:
        async with Edge(FixedClock(NOW)) as edge:
            await Jetstream(edge, base_url="http://127.0.0.1:9", collect_s=2.0, patience=AT_ONCE).posts(Asset.ETH)

    with pytest.raises(SourceUnavailable, match="Bluesky: the stream broke"):
        asyncio.run(unreachable())


def test_a_market_inside_this_process_has_no_stream() -> None:
    async def embedded() -> None:
        async with Edge(FixedClock(NOW), transport=httpx.MockTransport(lambda _: httpx.Response(200))) as edge:
            await Jetstream(edge, base_url="http://embedded.market").posts(Asset.ETH)

    with pytest.raises(SourceDisabled):
        asyncio.run(embedded())


def test_a_hostile_post_is_cleaned_and_memory_is_bounded() -> None:
    flood = [event(number, f"ETH \x1b[2J\u202e{number}") for number in range(1200)]

    (posts,) = gathered(Stream([[*flood, LIVE]]))

    assert len(posts) == 1000
    assert posts[-1].text == "ETH [2J1199"
