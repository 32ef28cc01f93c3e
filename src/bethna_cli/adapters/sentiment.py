"""The mood: alternative.me's Fear & Greed index, and what people post where a source of posts is set up.

The two are asked at once and fail apart: what answered is used, and a note says what did not. Too few posts are said to
be no signal; nothing here fills a gap with a neutral score.
"""

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Protocol, TypeVar

from pydantic import BeforeValidator, Field

from bethna_cli.adapters.http import Edge, HttpSource
from bethna_cli.adapters.mood import MIN_POSTS, Post, Scorer, is_signal, mood_of, select
from bethna_cli.adapters.wire import Wire, int_text, parse
from bethna_cli.domain.errors import OutsideError, SourceMalformed, SourceUnavailable
from bethna_cli.domain.market import Asset, FearGreed, Origin, PostMood, Provenance, Sentiment
from bethna_cli.domain.text import clean
from bethna_cli.domain.units import from_unix

NAME = "alternative.me Fear & Greed"
INDEX_URL = "https://api.alternative.me/fng"

_LEAST_PACE_S = 600.0
_LONGEST_PACE_S = 86_400.0
_SKEW = timedelta(minutes=5)
_MOST_ROWS = 10_000
_SHARE_OF_BUDGET = 0.9
"""Each half gives up a little before the caller's patience ends, or a slow one would take the other along."""

T = TypeVar("T")


class _Row(Wire):
    value: Annotated[int, Field(ge=0, le=100), BeforeValidator(int_text)]
    timestamp: Annotated[int, Field(ge=0, le=4_102_444_800), BeforeValidator(int_text)]
    time_until_update: Annotated[int, BeforeValidator(int_text)] | None = None


class _Metadata(Wire):
    error: str | None = None


class _Envelope(Wire):
    metadata: _Metadata | None = None


class _Index(Wire):
    data: Annotated[list[_Row], Field(max_length=_MOST_ROWS)]


@dataclass(frozen=True, slots=True)
class _Kept:
    """Days of the index, until when they hold, and how many were asked for."""

    days: tuple[FearGreed, ...]
    asked_at: datetime
    until: datetime
    count: int


class FearGreedIndex:
    """alternative.me's Fear & Greed index: market-wide, Bitcoin-centred, one value per UTC day. Needs no key."""

    name = NAME

    def __init__(self, edge: Edge, *, base_url: str = INDEX_URL) -> None:
        self._http = HttpSource(edge, NAME, base_url)
        self._clock = edge.clock
        self._kept: _Kept | None = None

    async def days(self, count: int) -> tuple[FearGreed, ...]:
        """Return up to `count` days, oldest first; missing days stay missing. Kept until the service's next update.

        Raises SourceUnavailable or one of its kinds.
        """
        now = self._clock.now()
        kept = self._kept
        if kept is None or kept.count != count or not kept.asked_at <= now < kept.until:
            answer = await self._http.get_json("/", [("limit", str(count))], max_age_s=_LEAST_PACE_S)
            kept = self._kept = _kept(answer.data, answer.received_at, count)
        return kept.days


class PostSource(Protocol):
    """Recent public posts about an asset, cleaned but not yet selected, in any order.

    Raises SourceUnavailable or one of its kinds.
    """

    @property
    def name(self) -> str: ...

    async def posts(self, asset: Asset) -> Sequence[Post]: ...


class MoodFeed:
    """The index always, posts where a source is given. `origin` marks everything it returns."""

    def __init__(
        self, edge: Edge, index: FearGreedIndex, posts: PostSource | None = None, *, origin: Origin = Origin.LIVE
    ) -> None:
        self._clock = edge.clock
        self._limit_s = edge.limits.budget_s * _SHARE_OF_BUDGET
        self._index = index
        self._posts = posts
        self._origin = origin
        self._scorer: Scorer | None = None

    async def sentiment(self, asset: Asset, days: int) -> Sentiment:
        """Return what the index and the posts say; one of them is enough. Raises the index's error when neither is."""
        index, said = await asyncio.gather(self._try(NAME, self._index.days(days)), self._try_posts(asset))
        mood: PostMood | None = None
        newest: datetime | None = None
        notes: tuple[str, ...] = ()
        if isinstance(said, OutsideError):
            notes = (f"posts not used: {said}",)
        elif self._posts is not None:
            mood, newest, notes = self._mood(self._posts.name, said)
        if isinstance(index, OutsideError):
            if mood is None or newest is None:
                raise _neither(index, notes)
            return Sentiment(asset, (), mood, self._provenance(mood.source, newest), (f"not used: {index}", *notes))
        source = NAME if mood is None else f"{NAME} + {mood.source}"
        return Sentiment(asset, index, mood, self._provenance(source, index[-1].day), notes)

    def _mood(self, source: str, said: Sequence[Post]) -> tuple[PostMood | None, datetime | None, tuple[str, ...]]:
        now = self._clock.now()
        posts = select(said, now)
        if not is_signal(posts):
            authors = len({post.author for post in posts})
            note = (
                f"{source}: {len(posts)} usable posts of {len(said)}, by {authors} authors; no signal below {MIN_POSTS}"
            )
            return None, None, (note,)
        if self._scorer is None:
            self._scorer = Scorer()
        return mood_of(posts, now, source, self._scorer), posts[-1].at, ()

    async def _try_posts(self, asset: Asset) -> Sequence[Post] | OutsideError:
        return () if self._posts is None else await self._try(self._posts.name, self._posts.posts(asset))

    async def _try(self, name: str, answer: Awaitable[T]) -> T | OutsideError:
        try:
            async with asyncio.timeout(self._limit_s):
                return await answer
        except TimeoutError:
            return SourceUnavailable(name, f"no answer within {self._limit_s:g} s")
        except OutsideError as error:
            return error

    def _provenance(self, source: str, at: datetime) -> Provenance:
        return Provenance(source, at, self._origin)


def _neither(index: OutsideError, notes: tuple[str, ...]) -> OutsideError:
    """The index's own error; with what the posts lacked where they were asked."""
    return SourceUnavailable("sentiment", "; ".join((str(index), *notes))) if notes else index


def _kept(data: object, now: datetime, count: int) -> _Kept:
    metadata = parse(NAME, _Envelope, data).metadata
    if metadata is not None and metadata.error:
        raise SourceUnavailable(NAME, f"it says: {clean(metadata.error, 80)}")
    rows = parse(NAME, _Index, data).data
    if not rows:
        raise SourceUnavailable(NAME, "it has no data")
    if any(from_unix(row.timestamp) > now + _SKEW for row in rows):
        raise SourceMalformed(NAME, "a day of the index is dated in the future")
    by_day: dict[datetime, FearGreed] = {}
    for row in sorted(rows, key=lambda row: row.timestamp):
        day = from_unix(row.timestamp).replace(hour=0, minute=0, second=0)
        by_day[day] = FearGreed(day, row.value)
    pace_s = min(_LONGEST_PACE_S, max(_LEAST_PACE_S, rows[0].time_until_update or 0))
    return _Kept(tuple(by_day.values())[-count:], now, now + timedelta(seconds=pace_s), count)
