"""The wire: every field that the services document, with its type and unit, and their errors and headers."""

import base64
import json
import re
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from shapes import (
    DYDX_CANDLE,
    DYDX_FUNDING,
    DYDX_LEVEL,
    DYDX_MARKET,
    DYDX_TRADE,
    FNG,
    INTEGER,
    ISO,
    PYTH_FEED,
    PYTH_UPDATE,
    THETANUTS_HEALTH,
    THETANUTS_ORDERS,
    THETANUTS_PRICE,
    THETANUTS_PRICING_METADATA,
    THETANUTS_STATS,
    X_SEARCH,
    departures,
)
from worlds import BTC_FEED, ETH_FEED, HOUR, NOW, ask, ask_app, world_at

from bethna_cli.adapters.sim.wire import create_app
from bethna_cli.domain.market import Asset

NOW_S = int(NOW.timestamp())
FIELDS = "created_at,author_id,lang,public_metrics"
QUERY = '($ETH OR "ethereum") lang:en -is:retweet -giveaway -airdrop'
HERMES = "/hermes/v2/updates/price"
CANDLES = "/dydx/v4/candles/perpetualMarkets/ETH-USD"


@pytest.mark.parametrize(
    ("path", "shape"),
    [
        (f"{HERMES}/latest?ids[]={ETH_FEED}&ids[]=0x{BTC_FEED.upper()}", PYTH_UPDATE),
        (f"{HERMES}/{NOW_S - 900}?ids%5B%5D={ETH_FEED}", PYTH_UPDATE),
        ("/hermes/v2/price_feeds", [PYTH_FEED]),
        ("/dydx/v4/perpetualMarkets", {"markets": {"ETH-USD": DYDX_MARKET, "BTC-USD": DYDX_MARKET}}),
        ("/dydx/v4/historicalFunding/BTC-USD", {"historicalFunding": [DYDX_FUNDING]}),
        (f"{CANDLES}?resolution=1HOUR", {"candles": [DYDX_CANDLE]}),
        ("/dydx/v4/orderbooks/perpetualMarket/ETH-USD", {"bids": [DYDX_LEVEL], "asks": [DYDX_LEVEL]}),
        ("/dydx/v4/trades/perpetualMarket/ETH-USD", {"trades": [DYDX_TRADE]}),
        ("/dydx/v4/time", {"iso": ISO, "epoch": float}),
        ("/dydx/v4/height", {"height": INTEGER, "time": ISO}),
        ("/thetanuts/orders", THETANUTS_ORDERS),
        ("/thetanuts/indexer/health", THETANUTS_HEALTH),
        ("/thetanuts/indexer/api/v1/book/stats", THETANUTS_STATS),
        (f"/thetanuts/indexer/api/v1/book/user/0x{'1' * 40}/positions", {"data": []}),
        (f"/x/2/tweets/search/recent?query=%24ETH&tweet.fields={FIELDS}&expansions=author_id", X_SEARCH),
        ("/fng/?limit=0", FNG),
    ],
)
def test_an_answer_has_every_documented_field_in_its_type(path, shape):
    reply = ask(world_at(), path)

    assert reply.status_code == 200
    assert departures(shape, reply.json()) == []


def test_every_answer_says_that_it_is_simulated_and_when_it_was_true():
    for path in (f"{HERMES}/latest?ids[]={ETH_FEED}", "/dydx/v4/time", "/thetanuts/orders", "/fng/", "/nothing"):
        reply = ask(world_at(), path)

        assert reply.headers["x-bethna-origin"] == "simulated"
        assert datetime.fromisoformat(reply.headers["x-bethna-observed"]) <= NOW


# Pyth


def test_pyth_states_integers_that_scale_to_the_spot_price():
    world = world_at()

    (eth,) = ask(world, f"{HERMES}/latest", [("ids[]", ETH_FEED)]).json()["parsed"]

    price = Decimal(eth["price"]["price"]).scaleb(eth["price"]["expo"])
    band = Decimal(eth["price"]["conf"]).scaleb(eth["price"]["expo"])
    assert float(price) == pytest.approx(world.spot_at(Asset.ETH, NOW), abs=1e-8)
    assert float(band / price) == pytest.approx(0.0005, rel=1e-3)
    assert eth["price"]["publish_time"] == NOW_S


def test_pyth_answers_a_past_second_and_not_a_future_one():
    world = world_at()

    past = ask(world, f"{HERMES}/{NOW_S - 5000}", [("ids[]", ETH_FEED)]).json()["parsed"][0]["price"]
    future = ask(world, f"{HERMES}/{NOW_S + 1}", [("ids[]", ETH_FEED)])

    assert past["publish_time"] == NOW_S - 5000
    assert (future.status_code, future.text) == (404, "Update data not found")


def test_pyth_leaves_out_what_was_not_asked_for():
    reply = ask(
        world_at(), f"{HERMES}/latest", [("ids[]", ETH_FEED), ("parsed", "false"), ("encoding", "base64")]
    ).json()

    assert "parsed" not in reply
    assert base64.b64decode(reply["binary"]["data"][0]).startswith(b"PNAU")


@pytest.mark.parametrize(
    ("query", "status", "text"),
    [
        ("", 400, "missing field `ids`"),
        ("ids[]=xyz", 400, "invalid price feed id"),
        (f"ids[]={ETH_FEED}&parsed=True", 400, "`true` or `false`"),
        (f"ids[]={'0' * 64}", 404, "Price ids not found: 0x" + "0" * 64),
        (f"ids[]={ETH_FEED}&encoding=utf8", 400, "encoding"),
    ],
)
def test_pyth_says_in_plain_text_what_is_wrong(query, status, text):
    reply = ask(world_at(), f"{HERMES}/latest?{query}")

    assert reply.status_code == status
    assert reply.headers["content-type"].startswith("text/plain")
    assert text in reply.text


def test_pyth_can_skip_unknown_feeds():
    query = [("ids[]", "0" * 64), ("ids[]", ETH_FEED), ("ignore_invalid_price_ids", "true")]

    assert len(ask(world_at(), f"{HERMES}/latest", query).json()["parsed"]) == 1


def test_with_keys_required_pyth_and_x_refuse_a_caller_without_one():
    world = world_at()

    refused = ask(world, f"{HERMES}/latest?ids[]={ETH_FEED}", require_key=True)
    key = {"Authorization": "Bearer some-key"}

    assert (refused.status_code, refused.text) == (401, "unauthorized")
    assert ask(world, f"{HERMES}/stream?ids[]={ETH_FEED}", require_key=True).status_code == 401
    assert ask(world, f"{HERMES}/latest?ids[]={ETH_FEED}", headers=key, require_key=True).status_code == 200
    assert ask(world, "/hermes/v2/price_feeds", require_key=True).status_code == 200
    assert ask(world, "/x/2/tweets/search/recent?query=eth", require_key=True).json()["title"] == "Unauthorized"
    assert ask(world, "/dydx/v4/time", require_key=True).status_code == 200


@pytest.mark.parametrize("base", ["/hermes", ""])
@pytest.mark.parametrize(("resolution", "step_s"), [("1", 60), ("60", 3600), ("240", 14_400), ("1D", 86_400)])
def test_pyth_history_is_parallel_arrays_with_both_ends_included(base, resolution, step_s):
    start = NOW_S // step_s * step_s - 5 * step_s
    query = f"symbol=crypto.eth/usd&from={start}&to={start + 3 * step_s}&resolution={resolution}"

    history = ask(world_at(), f"{base}/v1/fixed_rate@200ms/history?{query}").json()

    assert history["s"] == "ok"
    assert history["t"] == [start + i * step_s for i in range(4)]
    assert history["v"] == [0] * 4
    assert all(history["l"][i] <= history["o"][i] <= history["h"][i] for i in range(4))


@pytest.mark.parametrize(
    "change", [{"symbol": "Crypto.DOGE/USD"}, {"resolution": "7"}, {"from": "x"}, {"from": "0", "resolution": "1"}]
)
def test_pyth_history_fails_with_a_word_and_status_200(change):
    query = {"symbol": "Crypto.ETH/USD", "resolution": "60", "from": str(NOW_S - HOUR), "to": str(NOW_S), **change}

    reply = ask(world_at(), "/hermes/v1/real_time/history", list(query.items()))

    assert reply.status_code == 200
    assert reply.json()["s"] == "error"


# dYdX


def test_dydx_pages_back_by_height_without_a_gap_or_a_repetition():
    path, rows, height = "/dydx/v4/historicalFunding/ETH-USD", [], []
    for _ in range(3):
        page = ask(world_at(), path, [("limit", "100"), *height]).json()["historicalFunding"]
        rows += page
        height = [("effectiveBeforeOrAtHeight", str(int(page[-1]["effectiveAtHeight"]) - 1))]

    hours = [datetime.fromisoformat(row["effectiveAt"]).replace(microsecond=0) for row in rows]
    assert hours == [NOW.replace(minute=0, second=0) - timedelta(hours=n) for n in range(300)]


def test_dydx_bounds_funding_by_time_inclusively():
    path = "/dydx/v4/historicalFunding/ETH-USD"
    newest = ask(world_at(), path, [("limit", "1")]).json()["historicalFunding"][0]

    bounded = ask(world_at(), path, [("limit", "1"), ("effectiveBeforeOrAt", newest["effectiveAt"])])

    assert bounded.json()["historicalFunding"][0] == newest


def test_dydx_history_begins_with_its_chain():
    rows = ask(world_at(), "/dydx/v4/historicalFunding/ETH-USD", [("effectiveBeforeOrAtHeight", "7201")]).json()

    assert [row["effectiveAtHeight"] for row in rows["historicalFunding"]] == ["7201", "3601"]


def test_dydx_candles_are_newest_first_from_inclusive_to_exclusive():
    query = [("resolution", "1HOUR"), ("fromISO", "2026-11-22T00:00:00Z"), ("toISO", "2026-11-22T06:00:00.000Z")]

    rows = ask(world_at(), CANDLES, query).json()["candles"]

    assert [row["startedAt"][11:13] for row in rows] == ["05", "04", "03", "02", "01", "00"]


def test_dydx_first_candle_is_the_running_one_and_limit_keeps_the_newest():
    rows = ask(world_at(), CANDLES, [("resolution", "15MINS"), ("limit", "2")]).json()["candles"]

    assert [row["startedAt"] for row in rows] == ["2026-11-23T10:30:00.000Z", "2026-11-23T10:15:00.000Z"]


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        ("/dydx/v4/historicalFunding/ABC-USD", 400, "ticker must be a valid ticker (BTC-USD, etc)"),
        (f"{CANDLES}?resolution=2HOURS", 400, "resolution must be a valid Candle Resolution, one of 1DAY,"),
        (f"{CANDLES}?resolution=1HOUR&limit=1001", 400, "limit must be a positive integer"),
        (f"{CANDLES}?resolution=1HOUR&fromISO=yesterday", 400, "fromISO must be a valid ISO8601 timestamp"),
        ("/dydx/v4/perpetualMarkets?ticker=ETH-USD&market=ETH-USD", 400, "may not both be given"),
        ("/dydx/v4/historicalFunding/ETH-USD?effectiveBeforeOrAtHeight=-1", 400, "non-negative integer"),
        ("/dydx/v4/orderbooks/perpetualMarket/ABC-USD", 404, "ABC-USD not found in markets of type PERPETUAL"),
        ("/dydx/v4/historical-funding/ETH-USD", 404, "Not Found"),
    ],
)
def test_dydx_errors_are_a_list_of_messages(path, status, message):
    reply = ask(world_at(), path)

    assert reply.status_code == status
    assert message in reply.json()["errors"][0]["msg"]


def test_dydx_counts_requests_and_gives_times_in_milliseconds():
    app = create_app(world_at(), enforce_limits=True, wall_clock=lambda: 1_000_000_003.0)

    replies = [ask_app(app, "/dydx/v4/time") for _ in range(101)]

    assert replies[0].headers["ratelimit-limit"] == "100"
    assert [reply.headers["ratelimit-remaining"] for reply in (replies[0], replies[99])] == ["99", "0"]
    assert replies[0].headers["ratelimit-reset"] == "1000000010000"
    assert replies[0].headers["cache-control"] == "public, max-age=1"
    assert (replies[100].status_code, replies[100].headers["retry-after"]) == (429, "1000")
    assert replies[100].json() == {"errors": [{"msg": "Too many requests"}]}


# Thetanuts


def test_thetanuts_orders_are_dated_in_milliseconds_and_live_a_minute_and_a_half():
    feed = ask(world_at(), "/thetanuts/orders/").json()

    lives = {row["order"]["orderExpiryTimestamp"] - NOW_S for row in feed["data"]["orders"]}
    assert feed["metadata"] == {"last_updated": NOW_S * 1000, "current_time": NOW_S * 1000, "origin": "simulated"}
    assert lives == {63, -57}


def test_thetanuts_reference_prices_are_fractions_of_the_underlying():
    reply = ask(world_at(), "/thetanuts/pricing/all").json()
    eth = reply["data"]["ETH"]

    assert departures(THETANUTS_PRICING_METADATA, reply["metadata"]) == []
    assert [departures(THETANUTS_PRICE, row) for row in eth.values()] == [[]] * len(eth)
    assert all(row["bid_price"] <= row["mark_price"] <= row["ask_price"] < 1 for row in eth.values())
    assert all(re.fullmatch(r"ETH-[1-9]\d?[A-Z]{3}\d\d-\d+-[CP]", ticker) for ticker in eth)


def test_thetanuts_refuses_what_is_no_address():
    assert ask(world_at(), "/thetanuts/indexer/api/v1/book/user/0x12/positions").status_code == 400


# X and Fear & Greed


def search(*params: tuple[str, str]) -> dict:
    return ask(world_at(), "/x/2/tweets/search/recent", [("query", QUERY), *params]).json()


def test_x_finds_what_the_query_asks_for_and_nothing_that_it_bans():
    texts = [row["text"] for row in search(("max_results", "100"))["data"]]

    assert all(re.search(r"\$ETH|ethereum", text, re.IGNORECASE) for text in texts)
    assert not any(re.search(r"giveaway|airdrop", text, re.IGNORECASE) for text in texts)


def test_x_pages_by_token_without_a_gap():
    whole = search(("max_results", "40"))["data"]
    first = search(("max_results", "20"))
    second = search(("max_results", "20"), ("next_token", first["meta"]["next_token"]))

    assert first["data"] + second["data"] == whole
    assert search(("since_id", whole[0]["id"])) == {"meta": {"result_count": 0}}


def test_x_keeps_its_time_window_and_says_nothing_matched_without_data():
    rows = search(
        ("start_time", "2026-11-23T08:00:00Z"), ("end_time", "2026-11-23T09:00:00Z"), ("tweet.fields", "created_at")
    )["data"]

    assert all("2026-11-23T08:" in row["created_at"] for row in rows)
    assert ask(world_at(), "/x/2/tweets/search/recent?query=dogecoin").json() == {"meta": {"result_count": 0}}


@pytest.mark.parametrize(
    "params",
    [
        [("max_results", "9")],
        [("max_results", "101")],
        [("query", "x" * 513)],
        [("start_time", "2026-11-01T00:00:00Z")],
        [("end_time", "2026-11-23T10:31:25Z")],
        [("start_time", "now")],
        [("since_id", "abc")],
        [("next_token", "b26")],
    ],
)
def test_x_refuses_a_bad_request_with_a_problem_object(params):
    reply = ask(world_at(), "/x/2/tweets/search/recent", [("query", "eth"), *params])

    assert reply.status_code == 400
    assert reply.json()["title"] == "Invalid Request"
    assert reply.headers["x-rate-limit-limit"] == "450"


def test_x_counts_are_ascending_buckets_that_sum_to_the_total():
    reply = ask(world_at(), "/x/2/tweets/counts/recent?query=%24ETH&granularity=day").json()
    rows = reply["data"]

    assert departures([{"start": ISO, "end": ISO, "tweet_count": int}], rows) == []
    assert [row["start"] for row in rows] == sorted(row["start"] for row in rows)
    assert sum(row["tweet_count"] for row in rows) == reply["meta"]["total_tweet_count"] > 100


def test_fear_and_greed_is_newest_first_and_only_the_newest_says_when_it_changes():
    rows = ask(world_at(), "/fng/?limit=3").json()["data"]

    assert [NOW_S // 86_400 * 86_400 - 86_400 * n for n in range(3)] == [int(row["timestamp"]) for row in rows]
    assert ["time_until_update" in row for row in rows] == [True, False, False]
    assert int(rows[0]["time_until_update"]) == 86_400 - NOW_S % 86_400


def test_fear_and_greed_fails_with_status_200_and_a_word():
    reply = ask(world_at(), "/fng/?limit=many")

    assert reply.status_code == 200
    assert reply.json()["metadata"]["error"]


def test_answers_are_strict_json():
    for path in ("/thetanuts/orders", "/thetanuts/pricing/all", "/dydx/v4/perpetualMarkets"):
        body = ask(world_at(), path).text
        assert json.loads(body, parse_constant=pytest.fail)
