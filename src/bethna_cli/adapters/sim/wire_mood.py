"""Sentiment on the wire: X recent search and counts, and the Fear & Greed index of alternative.me."""

import re
from collections.abc import Callable, Iterator
from itertools import islice

from bethna_cli.adapters.sim.wire import Refused, Reply, Request, Route, iso_ms, json_reply
from bethna_cli.adapters.sim.world import DAY_S, HOUR_S, Mood, Post, World, unix

WEEK_S = 7 * DAY_S
SETTLE_S = 30
MOST_QUERY = 512
GRANULARITIES = {"minute": 60, "hour": HOUR_S, "day": DAY_S}
LABELS = ((25, "Extreme Fear"), (45, "Fear"), (55, "Neutral"), (75, "Greed"), (101, "Extreme Greed"))
Matcher = Callable[[str], bool]


def search(world: World, request: Request) -> Reply:
    """Answer one page of posts that match the query, newest first."""
    size_text = request.get("max_results") or "10"
    if not (size_text.isdecimal() and 10 <= int(size_text) <= 100):
        raise _invalid("The `max_results` query parameter value must be between 10 and 100")
    size = int(size_text)
    offset = _offset(request)
    found = list(islice(_found(world, request), offset, offset + size + 1))
    page = found[:size]
    if not page:
        return json_reply({"meta": {"result_count": 0}})
    meta: dict[str, object] = {
        "newest_id": str(page[0].id),
        "oldest_id": str(page[-1].id),
        "result_count": len(page),
        "origin": world.origin.value,
    }
    if len(found) > size:
        meta["next_token"] = f"b26v{offset + size:08d}"
    document: dict[str, object] = {"data": [_row(request, post) for post in page]}
    if "author_id" in (request.get("expansions") or "").split(","):
        users = {post.author_id: post.author for post in page}
        document["includes"] = {
            "users": [{"id": str(number), "username": name, "verified": False} for number, name in users.items()]
        }
    return json_reply({**document, "meta": meta}, observed_s=page[0].at_s)


def counts(world: World, request: Request) -> Reply:
    """Answer how many posts matched per minute, hour or day, oldest first; the last bucket is partial."""
    step_s = GRANULARITIES.get(request.get("granularity") or "hour")
    if step_s is None:
        raise _invalid("The `granularity` query parameter value is not one of [minute,hour,day]")
    found = list(_found(world, request))
    start_s, end_s = _window(world, request)
    first = start_s // step_s * step_s
    rows = []
    for bucket_s in range(first, end_s, step_s):
        low, high = max(bucket_s, start_s), min(bucket_s + step_s, end_s)
        count = sum(low <= post.at_s < high for post in found)
        rows.append({"start": iso_ms(low), "end": iso_ms(high), "tweet_count": count})
    return json_reply({"data": rows, "meta": {"total_tweet_count": len(found), "origin": world.origin.value}})


def fear_greed(world: World, request: Request) -> Reply:
    """Answer the daily index, newest first; every value is a string."""
    text = request.get("limit") or "1"
    if not (text.isdecimal() and len(text) <= 5):
        raise Refused(json_reply(_index(world, [], "Invalid limit")))
    moods = world.fear_greed(int(text))
    if not moods:
        return json_reply(_index(world, [], "No data available"))
    now_s = int(world.now().timestamp())
    rows = [_mood_row(mood) for mood in moods]
    rows[0]["time_until_update"] = str(DAY_S - now_s % DAY_S)
    return json_reply(_index(world, rows, None), observed_s=moods[0].day_s)


def _index(world: World, rows: list[dict[str, str]], error: str | None) -> dict[str, object]:
    name = f"Fear and Greed Index ({world.origin.value})"
    return {"name": name, "data": rows, "metadata": {"error": error}}


def _mood_row(mood: Mood) -> dict[str, str]:
    label = next(name for bound, name in LABELS if mood.value < bound)
    return {"value": str(mood.value), "value_classification": label, "timestamp": str(mood.day_s)}


def _found(world: World, request: Request) -> Iterator[Post]:
    query = request.get("query") or ""
    if not query.strip() or len(query) > MOST_QUERY:
        raise _invalid(f"The `query` query parameter must be 1 to {MOST_QUERY} characters long")
    start_s, end_s = _window(world, request)
    posts = world.posts(start_s, end_s)
    if posts is None:
        raise Refused(json_reply(_NOT_RECORDED, status=403))
    since, until = (_post_id(request, name) for name in ("since_id", "until_id"))
    matches = compile_query(query)
    return (
        post
        for post in posts
        if (since is None or post.id > since) and (until is None or post.id < until) and matches(post.text)
    )


_NOT_RECORDED = {
    "title": "Client Forbidden",
    "reason": "client-not-enrolled",
    "detail": "No posts were recorded for this period.",
    "type": "https://api.twitter.com/2/problems/client-forbidden",
}


def _window(world: World, request: Request) -> tuple[int, int]:
    now_s = int(world.now().timestamp())
    start_s = _time(request, "start_time", now_s - WEEK_S)
    end_s = _time(request, "end_time", now_s - SETTLE_S)
    if start_s < now_s - WEEK_S:
        raise _invalid("Invalid 'start_time': must be on or after seven days ago")
    if end_s > now_s - 10 or end_s <= start_s:
        raise _invalid("Invalid 'end_time': must be a minimum of 10 seconds prior to the request and after start_time")
    return start_s, end_s


def _time(request: Request, name: str, default: int) -> int:
    text = request.get(name)
    if text is None:
        return default
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z", text):
        raise _invalid(f"The `{name}` query parameter value is not a valid time")
    try:
        return unix(text)
    except (ValueError, OverflowError) as error:
        raise _invalid(f"The `{name}` query parameter value is not a valid time") from error


def _post_id(request: Request, name: str) -> int | None:
    text = request.get(name)
    if text is None:
        return None
    if not re.fullmatch(r"\d{1,19}", text):
        raise _invalid(f"The `{name}` query parameter value [{text[:32]}] does not match ^[0-9]{{1,19}}$")
    return int(text)


def _offset(request: Request) -> int:
    token = request.get("next_token") or request.get("pagination_token")
    if token is None:
        return 0
    if not re.fullmatch(r"b26v\d{8}", token):
        raise _invalid("The `next_token` query parameter value is not valid")
    return int(token[4:])


def _row(request: Request, post: Post) -> dict[str, object]:
    fields = set((request.get("tweet.fields") or request.get("post.fields") or "").split(","))
    row: dict[str, object] = {"id": str(post.id), "text": post.text, "edit_history_tweet_ids": [str(post.id)]}
    if "created_at" in fields:
        row["created_at"] = iso_ms(post.at_s)
    if "author_id" in fields:
        row["author_id"] = str(post.author_id)
    if "lang" in fields:
        row["lang"] = "en"
    if "public_metrics" in fields:
        row["public_metrics"] = {
            "retweet_count": post.likes // 8,
            "reply_count": post.likes // 10,
            "like_count": post.likes,
            "quote_count": post.likes // 40,
            "bookmark_count": post.likes // 20,
            "impression_count": post.likes * 60 + 25,
        }
    return row


def compile_query(query: str) -> Matcher:
    """Turn a search query into a test of a post's text: space is AND, `OR`, `( )`, `-term`, quotes; case is ignored.

    `lang:en` and `-is:retweet` always hold here, where every post is an original in English.
    """
    groups: list[list[str]] = []
    banned: list[str] = []
    for group in re.findall(r'\([^()]*\)|-?"[^"]*"|(?:[^\s()"]+)(?:\s+OR\s+(?:"[^"]*"|[^\s()"]+))*', query):
        terms = [term.strip('"').lower() for term in re.split(r"\s+OR\s+", group.strip("()").strip())]
        if group.startswith("-"):
            banned.append(group[1:].strip('"').lower())
        elif not re.match(r"(lang|is|has):", terms[0]):
            groups.append(terms)
    banned = [term for term in banned if not re.match(r"(is|has|lang):", term)]

    def matches(text: str) -> bool:
        words = text.lower()
        return all(any(_holds(words, term) for term in terms) for terms in groups) and not any(
            _holds(words, term) for term in banned
        )

    return matches


def _holds(words: str, term: str) -> bool:
    return re.search(rf"(?<![\w$#]){re.escape(term)}(?!\w)", words) is not None


def _invalid(detail: str) -> Refused:
    body = {
        "errors": [{"message": detail}],
        "title": "Invalid Request",
        "detail": "One or more parameters to your request was invalid.",
        "type": "https://api.twitter.com/2/problems/invalid-request",
    }
    return Refused(json_reply(body, status=400))


ROUTES = (
    Route("/x/2/tweets/search/recent", "x", search),
    Route("/x/2/tweets/counts/recent", "x-counts", counts),
    Route("/fng", "fng", fear_greed, is_open=True),
    Route("/fng/", "fng", fear_greed, is_open=True),
)
