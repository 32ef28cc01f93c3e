"""X: public posts about an asset from recent search (API v2), within a budget of requests: each one costs money.

Needs a bearer token of an app with credits. A token that is refused, an empty balance and a used-up cap switch the
source off until bethna starts again. It never asks for users, follows no link and posts nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import AliasChoices, Field

from bethna_cli.adapters.http import Edge, HttpSource, Manners
from bethna_cli.adapters.mood import WINDOW, Post, post_text
from bethna_cli.adapters.responses import Params
from bethna_cli.adapters.wire import IsoTime, Wire, parse
from bethna_cli.domain.errors import SourceDisabled, SourceUnavailable
from bethna_cli.domain.market import Asset

NAME = "X"
API_URL = "https://api.x.com"

_FIELDS = "created_at,author_id,lang,public_metrics,note_tweet"
_UNWANTED = "lang:en -is:retweet -giveaway -airdrop -whitelist"
QUERIES = {
    Asset.ETH: f"($ETH OR ethereum OR #ethereum) {_UNWANTED}",
    Asset.BTC: f"($BTC OR bitcoin OR #bitcoin) {_UNWANTED}",
}
_PAGE_POSTS = 100
_PACE = timedelta(minutes=15)
_OLDEST_MARK = timedelta(days=5)  # a `since_id` older than a week is refused, and a mark may be a day old when taken
_MOST_KEPT = 1000

_Id = Annotated[str, Field(pattern=r"^[0-9]{1,19}$")]
_Count = Annotated[int, Field(ge=0, le=10**12)]
_Text = Annotated[str, Field(max_length=100_000)]


class _Metrics(Wire):
    reposts: Annotated[_Count, Field(validation_alias=AliasChoices("retweet_count", "repost_count"))] = 0
    replies: Annotated[_Count, Field(validation_alias="reply_count")] = 0
    likes: Annotated[_Count, Field(validation_alias="like_count")] = 0
    quotes: Annotated[_Count, Field(validation_alias="quote_count")] = 0


class _LongText(Wire):
    text: _Text


class _Row(Wire):
    id: _Id
    text: _Text
    created_at: IsoTime
    author_id: _Id
    lang: Annotated[str, Field(max_length=16)] | None = None
    public_metrics: _Metrics = _Metrics()
    long_text: Annotated[_LongText | None, Field(validation_alias=AliasChoices("note_tweet", "note_post"))] = None


class _Meta(Wire):
    newest_id: _Id | None = None
    next_token: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,200}$")] | None = None


class _Page(Wire):
    data: Annotated[list[_Row], Field(max_length=_PAGE_POSTS, default_factory=list)]
    meta: _Meta = _Meta()
    errors: Annotated[list[Any], Field(default_factory=list)]


@dataclass(frozen=True, slots=True)
class _Round:
    """What is known of one asset: when it was asked, the newest post then, and the posts of the last day by id."""

    at: datetime
    newest_id: str | None
    posts: dict[str, Post]


class XSearch:
    """Recent posts about an asset, asked for at most every 15 minutes, each time only for what is new.

    pages: of up to 100 posts, per round. requests_per_day: a budget of this process, by UTC day. fields_parameter: the
    name under which the service takes the list of fields (`tweet.fields` or `post.fields`).
    """

    name = NAME

    def __init__(
        self,
        edge: Edge,
        *,
        bearer_token: str,
        base_url: str = API_URL,
        fields_parameter: str = "tweet.fields",
        pages: int = 1,
        requests_per_day: int = 48,
    ) -> None:
        manners = Manners(
            reset_header="x-rate-limit-reset",
            remaining_header="x-rate-limit-remaining",
            wait_s=900.0,
            refusals={
                401: "it refuses the token",
                402: "the account has no credits left",
                403: "the token's app may not search posts",
            },
            cap_mark=b"usage-capped",
        )
        self._http = HttpSource(
            edge, NAME, base_url, headers={"Authorization": f"Bearer {bearer_token}"}, manners=manners
        )
        self._clock = edge.clock
        self._fields_parameter = fields_parameter
        self._pages = pages
        self._requests_per_day = requests_per_day
        self._used: dict[str, int] = {}
        self._rounds: dict[Asset, _Round] = {}
        self._off: str | None = None

    async def posts(self, asset: Asset) -> Sequence[Post]:
        """Return the posts of the last 24 h that were found so far. Raises SourceUnavailable or one of its kinds."""
        now = self._clock.now()
        last = self._rounds.get(asset)
        if last is None or not timedelta(0) <= now - last.at < _PACE:
            last = self._rounds[asset] = await self._round(asset, last, now)
        return list(last.posts.values())

    async def _round(self, asset: Asset, last: _Round | None, now: datetime) -> _Round:
        """Fetch what is new since the last round, newest first, a bounded number of pages."""
        params: list[tuple[str, str]] = [
            ("query", QUERIES[asset]),
            ("max_results", str(_PAGE_POSTS)),
            (self._fields_parameter, _FIELDS),
            _since(last, now),
        ]
        found: dict[str, Post] = {}
        newest_id = last.newest_id if last else None
        token: str | None = None
        for number in range(self._pages):
            page = await self._page([*params, ("next_token", token)] if token else params, now)
            found |= {row.id: _post(row) for row in page.data}
            if number == 0:
                newest_id = page.meta.newest_id or newest_id
            token = page.meta.next_token
            if token is None:
                break
        known = {**found, **(last.posts if last else {})}
        recent = {key: post for key, post in known.items() if now - post.at <= WINDOW}
        return _Round(now, newest_id, dict(list(recent.items())[:_MOST_KEPT]))

    async def _page(self, params: Params, now: datetime) -> _Page:
        if self._off is not None:
            raise SourceDisabled(NAME, self._off)
        self._spend(now)
        try:
            answer = await self._http.get_json("/2/tweets/search/recent", params)
        except SourceDisabled as refusal:
            self._off = refusal.reason
            raise
        page = parse(NAME, _Page, answer.data)
        if page.errors and not page.data:
            raise SourceUnavailable(NAME, "it reports errors and no posts")
        return page

    def _spend(self, now: datetime) -> None:
        day = now.date().isoformat()
        used = self._used.get(day, 0)
        if used >= self._requests_per_day:
            raise SourceDisabled(NAME, f"the budget of {self._requests_per_day} requests for {day} is used up")
        self._used = {day: used + 1}


def _since(last: _Round | None, now: datetime) -> tuple[str, str]:
    if last is not None and last.newest_id is not None and timedelta(0) <= now - last.at < _OLDEST_MARK:
        return "since_id", last.newest_id
    return "start_time", (now - WINDOW).strftime("%Y-%m-%dT%H:%M:00Z")


def _post(row: _Row) -> Post:
    metrics = row.public_metrics
    return Post(
        id=row.id,
        author=row.author_id,
        at=row.created_at,
        text=post_text(row.long_text.text if row.long_text else row.text),
        language=row.lang,
        engagement=metrics.reposts + metrics.replies + metrics.likes + metrics.quotes,
    )
