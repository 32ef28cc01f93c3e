"""Recorded history as a market: one real moment, nothing after it, and nothing made up."""

import gzip
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from worlds import ETH_FEED, Recorded, ask, stamp

from bethna_cli.adapters.sim.replay import ReplayWorld
from bethna_cli.adapters.sim.world import MakerOrder
from bethna_cli.domain.errors import ConfigurationError, DataRefused, NotFound
from bethna_cli.domain.market import Asset
from bethna_cli.domain.options import OptionKind
from bethna_cli.domain.venue import BASE_R12

CHAIN_AT = datetime(2026, 3, 10, 15, 30, tzinfo=UTC)
WISHED = datetime(2026, 3, 11, 9, 0, tzinfo=UTC)
KINDS = {BASE_R12.implementation_of(kind): kind for kind in OptionKind}


@pytest.fixture
def recorded(tmp_path: Path) -> Recorded:
    return Recorded(tmp_path)


def opened(recorded: Recorded, at: datetime = WISHED) -> ReplayWorld:
    return ReplayWorld.open(recorded.folder, Asset.ETH, at)


def orders_of(world: ReplayWorld) -> list[MakerOrder]:
    return [row.order for row in world.board().rows]


def quotes(world: ReplayWorld, *, is_long: bool = False) -> dict[str, MakerOrder]:
    return {order.ticker: order for order in orders_of(world) if order.is_long is is_long}


def test_the_clock_moves_to_the_last_chain_at_or_before_the_wished_moment(recorded):
    assert opened(recorded).now() == opened(recorded).clock.now() == CHAIN_AT
    assert opened(recorded, CHAIN_AT).now() == CHAIN_AT
    assert opened(recorded, CHAIN_AT + timedelta(days=30)).now() == datetime(2026, 3, 12, 15, 30, tzinfo=UTC)


def test_a_newer_intraday_chain_is_preferred(recorded):
    recorded.write_chains("deribit_options_eth_intraday.csv.gz", ["2026-03-10T22:00:00Z", "2026-03-11T10:00:00Z"])

    assert opened(recorded).now() == datetime(2026, 3, 10, 22, tzinfo=UTC)


def test_before_the_first_chain_there_is_nothing_and_the_hint_names_the_first(recorded):
    with pytest.raises(NotFound) as refusal:
        opened(recorded, CHAIN_AT - timedelta(seconds=1))

    assert "2026-03-10T15:30:00Z" in str(refusal.value.hint)


def test_spot_is_the_median_index_price_of_the_chain_at_its_time(recorded):
    tick = opened(recorded).latest(Asset.ETH)

    assert (tick.price_usd, tick.at_s) == (2400.5, int(CHAIN_AT.timestamp()))


def test_quotes_are_coin_times_the_rows_forward_and_an_empty_side_is_no_quote(recorded):
    world = opened(recorded)

    assert quotes(world)["ETH-20MAR26-2400-C"].price == round(0.021 * 2410 * 1e8)
    assert quotes(world, is_long=True)["ETH-20MAR26-2400-P"].price == round(0.019 * 2410 * 1e8)
    assert "ETH-20MAR26-2300-P" in quotes(world)
    assert "ETH-20MAR26-2300-P" not in quotes(world, is_long=True)


def test_a_price_keeps_all_eight_decimals(recorded):
    path = recorded.folder / "deribit_options_eth.csv.gz"
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()).replace(b",2410,", b",2410.0123,")))

    assert quotes(opened(recorded))["ETH-20MAR26-2400-C"].price == 50_61025830


def test_a_spread_costs_its_near_ask_less_its_far_bid(recorded):
    spread = quotes(opened(recorded))["ETH-20MAR26-2400/2500-CALL_SPREAD"]

    assert spread.price == round((0.021 - 0.008) * 2410 * 1e8)
    assert spread.strikes == (2400 * 10**8, 2500 * 10**8)
    assert "ETH-20MAR26-2400/2300-PUT_SPREAD" not in quotes(opened(recorded))


def test_sizes_are_a_stated_cap_and_nothing_is_signed(recorded):
    world = opened(recorded)
    reply = ask(world, "/thetanuts/orders")

    assert reply.headers["x-bethna-assumed-cap"].startswith("10 contracts a quote, assumed")
    assert "no cap" in reply.headers["x-bethna-assumed-cap"]
    assert {row["signature"] for row in reply.json()["data"]["orders"]} == {"0x"}
    assert quotes(world)["ETH-20MAR26-2400-C"].max_collateral == 10 * 2400 * 10**6


def test_every_answer_is_marked_as_replay_with_its_date(recorded):
    reply = ask(opened(recorded), f"/hermes/v2/updates/price/latest?ids[]={ETH_FEED}")

    assert reply.headers["x-bethna-origin"] == "replay"
    assert reply.headers["x-bethna-observed"] == "2026-03-10T15:30:00.000Z"
    assert "recorded with the chain" in reply.headers["x-bethna-note"]


def test_what_stands_behind_each_part_is_read_from_the_files(recorded):
    path = recorded.period / "eth_usd_1h.csv.gz"
    lines = gzip.decompress(path.read_bytes()).decode().split("\n")
    lines[201:] = [line.replace("binance_spot", "okx_perp") for line in lines[201:]]
    path.write_bytes(gzip.compress("\n".join(lines).encode()))

    remarks = opened(recorded).remarks

    assert remarks["history"] == (
        "recorded candles of binance_spot, from 2026-03-09T08:00:00Z on okx_perp, without volume"
    )
    assert remarks["funding"].startswith("recorded 8-hour rates of binance, per hour")


def test_a_source_that_is_no_name_is_refused(recorded):
    path = recorded.period / "eth_usd_1h.csv.gz"
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()).replace(b"binance_spot", b"[red]\x1b[2J")))

    with pytest.raises(DataRefused, match="is not a name"):
        opened(recorded)


@pytest.mark.parametrize("minute", [0, 30, 59])
def test_nothing_after_the_chain_is_answered_however_late_the_wished_moment(recorded, minute):
    at = datetime(2026, 3, 10, 15, minute, tzinfo=UTC)
    recorded.write_chains("deribit_options_eth.csv.gz", [stamp(at)])
    world = opened(recorded, at + timedelta(days=3))
    at_s, soon_s = int(at.timestamp()), int(at.timestamp()) + 10**6

    candles = world.bars(Asset.ETH, at_s - 86_400, soon_s, 3600)
    funding = world.settled_funding(Asset.ETH, soon_s, 1000)

    assert candles[-1].starts_s + 3600 == at_s // 3600 * 3600
    assert funding[0].at_s == at_s // 28_800 * 28_800
    assert world.fear_greed(1)[0].day_s == at_s // 86_400 * 86_400
    assert world.tick(Asset.ETH, at_s + 1) is None


def test_what_is_known_at_a_moment_is_the_same_whatever_was_recorded_later(recorded):
    before = [ask(opened(recorded), path).content for path in ANSWERS]
    recorded.write_chains("deribit_options_eth.csv.gz", ["2026-03-10T15:30:00Z"])
    whole = (recorded.period / "eth_usd_1h.csv.gz").read_bytes()
    shortened = b"\n".join(gzip.decompress(whole).split(b"\n")[: 1 + 9 * 24 + 15]) + b"\n"
    (recorded.period / "eth_usd_1h.csv.gz").write_bytes(gzip.compress(shortened))

    assert [ask(opened(recorded), path).content for path in ANSWERS] == before


ANSWERS = (
    "/dydx/v4/candles/perpetualMarkets/ETH-USD?resolution=1HOUR",
    "/dydx/v4/historicalFunding/ETH-USD",
    "/dydx/v4/perpetualMarkets",
    "/thetanuts/orders",
    "/fng/?limit=0",
)


def test_funding_is_stated_per_hour_and_the_next_rate_is_the_last_settled_one(recorded):
    rows = ask(opened(recorded), "/dydx/v4/historicalFunding/ETH-USD").json()["historicalFunding"]
    market = ask(opened(recorded), "/dydx/v4/perpetualMarkets").json()["markets"]["ETH-USD"]

    assert rows[0]["effectiveAt"].startswith("2026-03-10T08:00:00")
    assert float(rows[0]["rate"]) == pytest.approx(28 / 1_000_000 / 8)
    assert market["nextFundingRate"] == rows[0]["rate"]
    assert market["openInterest"] is market["volume24H"] is None


def test_when_the_funding_record_has_ended_the_indexer_says_how_far_it_is(recorded):
    rows = [["2026-03-01T00:00:00Z", "binance", 8, 0.0001], ["2026-03-08T00:00:00Z", "binance", 8, 0.0001]]
    recorded.write("replay_2026/eth_funding.csv.gz", ["ts", "venue", "interval_h", "rate"], rows)

    assert ask(opened(recorded), "/dydx/v4/height").json()["time"] == "2026-03-08T00:00:00.000Z"


def test_posts_were_not_recorded_and_that_is_said_instead_of_none_found(recorded):
    reply = ask(opened(recorded), "/x/2/tweets/search/recent?query=eth")

    assert reply.status_code == 403
    assert "No posts were recorded" in reply.json()["detail"]


def test_candles_keep_their_gaps(recorded):
    path = recorded.period / "eth_usd_1h.csv.gz"
    lines = gzip.decompress(path.read_bytes()).split(b"\n")
    path.write_bytes(gzip.compress(b"\n".join(lines[:100] + lines[103:])))
    start_s = int(datetime(2026, 3, 1, tzinfo=UTC).timestamp())

    bars = opened(recorded).bars(Asset.ETH, start_s, start_s + 110 * 3600, 3600)

    assert len(bars) == 107


@pytest.mark.parametrize(
    "missing",
    [
        "deribit_options_eth.csv.gz",
        "replay_2026/eth_usd_1h.csv.gz",
        "replay_2026/eth_funding.csv.gz",
        "replay_2026/fear_greed_daily.csv.gz",
    ],
)
def test_a_missing_file_is_a_matter_of_configuration(recorded, missing):
    (recorded.folder / missing).unlink()

    with pytest.raises(ConfigurationError) as refusal:
        opened(recorded)

    assert Path(missing).name.removesuffix(".gz") in refusal.value.message
    assert refusal.value.hint


def damaged(recorded: Recorded, change: str) -> None:
    path = recorded.folder / "deribit_options_eth.csv.gz"
    text = gzip.decompress(path.read_bytes()).decode()
    changed = {
        "not gzip": b"ts,bid\n",
        "cut off": path.read_bytes()[:-20],
        "no column": gzip.compress(text.replace("mark_iv", "iv").encode()),
        "a word for a price": gzip.compress(text.replace("0.021", "cheap").encode()),
        "not finite": gzip.compress(text.replace("0.021", "nan").encode()),
        "negative": gzip.compress(text.replace("0.021", "-1").encode()),
        "bid above ask": gzip.compress(text.replace("0.021", "0.001").encode()),
        "no forward": gzip.compress(text.replace(",2410,", ",0,").encode()),
        "too few cells": gzip.compress(text.replace(",0.52,1.5,3,1", "").encode()),
        "out of order": gzip.compress((text + text.split("\n")[1].replace("03-10", "03-09") + "\n").encode()),
        "not text": gzip.compress(text.encode() + b"\xff\xfe"),
        "an endless line": gzip.compress(text.encode() + b"x" * 10_000),
    }
    path.write_bytes(changed[change])


@pytest.mark.parametrize(
    "change",
    [
        "not gzip",
        "cut off",
        "no column",
        "a word for a price",
        "not finite",
        "negative",
        "bid above ask",
        "no forward",
        "too few cells",
        "out of order",
        "not text",
        "an endless line",
    ],
)
def test_a_damaged_chain_is_refused_by_name(recorded, change):
    damaged(recorded, change)

    with pytest.raises(DataRefused, match=r"deribit_options_eth\.csv\.gz"):
        opened(recorded, datetime(2026, 4, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("asset", "at", "chain_at"),
    [
        (Asset.ETH, "2026-05-05T15:30+00:00", "2026-05-05T10:53:17+00:00"),
        (Asset.BTC, "2026-05-05T15:30+00:00", "2026-05-04T17:00:57+00:00"),
        (Asset.ETH, "2026-02-14T00:00+00:00", "2026-02-13"),
    ],
)
def test_real_chains_are_found_and_agree_with_the_candle_of_their_hour(market_data_dir, asset, at, chain_at):
    world = ReplayWorld.open(market_data_dir, asset, datetime.fromisoformat(at))
    later = ReplayWorld.open(market_data_dir, asset, datetime.fromisoformat(at) + timedelta(days=4))
    hour_s = int(world.now().timestamp()) // 3600 * 3600

    spot = world.latest(asset)
    (hour,) = later.bars(asset, hour_s, hour_s + 1, 3600)
    asks = [order for order in orders_of(world) if not order.is_long]

    assert world.now().isoformat().startswith(chain_at)
    assert hour.low * 0.997 < spot.price_usd < hour.high * 1.003
    assert spot.confidence_usd < spot.price_usd * 0.005
    assert len(asks) > 500
    assert {KINDS[order.implementation] for order in asks} == set(OptionKind)


def test_a_second_asset_keeps_its_own_older_chain(market_data_dir):
    at = datetime(2026, 5, 5, 15, 30, tzinfo=UTC)

    world = ReplayWorld.open(market_data_dir, Asset.ETH, at, beside=list(Asset))

    assert world.assets == (Asset.ETH, Asset.BTC)
    assert world.latest(Asset.BTC).at_s == int(datetime(2026, 5, 4, 17, 0, 57, tzinfo=UTC).timestamp())
    btc = [order for order in orders_of(world) if order.asset is Asset.BTC]
    assert all(order.good_until_s < world.now().timestamp() for order in btc)


def test_what_is_older_than_the_clock_makes_nothing_else_old_and_passes_for_nothing_new(market_data_dir):
    at = datetime(2026, 5, 5, 15, 30, tzinfo=UTC)
    world = ReplayWorld.open(market_data_dir, Asset.ETH, at, beside=list(Asset))

    feed = ask(world, "/thetanuts/orders").json()

    assert list(feed["data"]["market_data"]) == ["ETH"]
    assert feed["metadata"]["last_updated"] == world.now().timestamp() * 1000
    assert list(ask(world, "/dydx/v4/perpetualMarkets").json()["markets"]) == ["ETH-USD"]
    assert world.reference(Asset.BTC) == []
