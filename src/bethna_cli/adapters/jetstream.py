"""Bluesky: public posts about an asset from Jetstream, the open stream of everything that is posted. Off by default.

The stream can't be searched, so each question reads it for a few seconds from where the last one stopped and keeps what
mentions an asset. A first question starts ten minutes back and may not catch up with the present; what was found so far
is what it returns. Times are the server's: `createdAt` is whatever the author's client says.
"""

import asyncio
import re
from collections import OrderedDict
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from bethna_cli.adapters.http import Edge, HttpSource
from bethna_cli.adapters.mood import WINDOW, Post, post_text
from bethna_cli.adapters.reconnect import Patience, reconnecting
from bethna_cli.adapters.wire import Wire, parse, read_json
from bethna_cli.domain.errors import SourceMalformed, SourceUnavailable
from bethna_cli.domain.market import Asset
from bethna_cli.domain.units import from_unix

NAME = "Bluesky"
STREAM_URL = "https://jetstream2.us-east.bsky.network"

MENTIONS = {
    Asset.ETH: re.compile(r"(?<!\w)(?:\$eth|eth|ethereum)(?!\w)", re.IGNORECASE),
    Asset.BTC: re.compile(r"(?<!\w)(?:\$btc|btc|bitcoin)(?!\w)", re.IGNORECASE),
}
_POSTS = "app.bsky.feed.post"
_LOOK_BACK = timedelta(minutes=10)
_OLDEST_CURSOR = timedelta(hours=36)
_CAUGHT_UP = timedelta(seconds=2)
_FRAME_BYTES = 1_000_000
_MOST_KEPT = 1000
_IMPATIENCE = Patience(first_s=0.2, longest_s=1.0, failures=3)


class _Record(Wire):
    """What a person posted. Anyone can write anything here: a record that does not fit is left out."""

    text: Annotated[str, Field(max_length=20_000)]
    langs: Annotated[list[Annotated[str, Field(max_length=32)]], Field(max_length=20)] | None = None


class _Creation(Wire):
    operation: Literal["create"]
    collection: Literal["app.bsky.feed.post"]
    rkey: Annotated[str, Field(max_length=600)]
    record: _Record


class _Event(Wire):
    did: Annotated[str, Field(max_length=2100)]
    time_us: Annotated[int, Field(ge=0, le=4_102_444_800_000_000)]
    kind: Annotated[str, Field(max_length=40)]
    commit: Any = None


class Jetstream:
    """Posts that mention an asset, gathered from the stream. collect_s: how long one question may read."""

    name = NAME

    def __init__(
        self,
        edge: Edge,
        *,
        base_url: str = STREAM_URL,
        collect_s: float = 3.0,
        patience: Patience = _IMPATIENCE,
    ) -> None:
        self._http = HttpSource(edge, NAME, base_url)
        self._clock = edge.clock
        self._collect_s = collect_s
        self._patience = patience
        self._lock = asyncio.Lock()
        self._next_us: int | None = None
        self._found: OrderedDict[tuple[str, str], Post] = OrderedDict()

    async def posts(self, asset: Asset) -> Sequence[Post]:
        """Read the stream for a while; return the posts of the last 24 h that mention the asset.

        Raises SourceUnavailable or one of its kinds when the stream brings nothing at all.
        """
        self._http.require_sockets()
        async with self._lock:
            await self._collect(self._clock.now())
        return [post for post in self._found.values() if MENTIONS[asset].search(post.text)]

    async def _collect(self, now: datetime) -> None:
        if self._next_us is None or from_unix(self._next_us / 1e6) < now - _OLDEST_CURSOR:
            self._next_us = int((now - _LOOK_BACK).timestamp() * 1e6)
        until_us = int((now - _CAUGHT_UP).timestamp() * 1e6)
        has_read = False
        try:
            async with asyncio.timeout(self._collect_s), aclosing(self._events()) as events:
                async for event in events:
                    has_read = True
                    self._take(event)
                    if event.time_us >= until_us:
                        break
        except TimeoutError as error:
            if not has_read:
                raise SourceUnavailable(NAME, f"nothing within {self._collect_s:g} s") from error
        self._forget(now)

    def _take(self, event: _Event) -> None:
        """Keep a post that mentions an asset; delivery is at least once, so the same key may come again."""
        self._next_us = max(self._next_us or 0, event.time_us)
        post = _post(event)
        if post is not None and any(mention.search(post.text) for mention in MENTIONS.values()):
            self._found[event.did, post.id] = post

    def _forget(self, now: datetime) -> None:
        for key in [key for key, post in self._found.items() if now - post.at > WINDOW]:
            del self._found[key]
        while len(self._found) > _MOST_KEPT:
            self._found.popitem(last=False)

    def _events(self) -> AsyncGenerator[_Event, None]:
        return reconnecting(NAME, self._connection, self._patience)

    async def _connection(self) -> AsyncGenerator[_Event, None]:
        """One connection's events from the cursor on; a cursor above 10^15 is a time in microseconds."""
        from websockets.asyncio.client import connect
        from websockets.exceptions import WebSocketException

        url = (
            f"ws{self._http.base_url.removeprefix('http')}/subscribe?wantedCollections={_POSTS}&cursor={self._next_us}"
        )
        try:
            async with connect(url, open_timeout=self._collect_s, close_timeout=0.3, max_size=_FRAME_BYTES) as socket:
                while True:
                    yield _event(await socket.recv(decode=False))
        except (WebSocketException, OSError) as error:
            raise SourceUnavailable(NAME, "the stream broke") from error


def _event(frame: bytes) -> _Event:
    try:
        return parse(NAME, _Event, read_json(frame))
    except ValueError as error:
        raise SourceMalformed(NAME, "an event is not strict JSON") from error


def _post(event: _Event) -> Post | None:
    """Read a newly created post; None for every other event and for a record that is not a post as documented."""
    if event.kind != "commit":
        return None
    try:
        commit = _Creation.model_validate(event.commit)
    except ValidationError:
        return None
    languages = [language.split("-")[0].lower() for language in commit.record.langs or ()]
    language = "en" if "en" in languages else next(iter(languages), None)
    return Post(commit.rkey, event.did, from_unix(event.time_us / 1e6), post_text(commit.record.text), language)
