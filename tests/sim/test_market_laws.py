"""The simulated market: a function of seed and time, whose prices behave as crypto prices do."""

import math
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from statistics import correlation, fmean, pstdev

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from worlds import HOUR, NOW, ask, world_at

from bethna_cli.adapters.sim.market import SimWorld
from bethna_cli.adapters.sim.paths import BLOCK_DAYS, GENESIS_S
from bethna_cli.adapters.sim.world import Bar
from bethna_cli.domain.market import Asset

GENESIS = datetime.fromtimestamp(GENESIS_S, UTC)
LATE = GENESIS + timedelta(days=2000)
seeds = st.integers(0, 2**32 - 1)
moments = st.integers(GENESIS_S - 400 * 86_400, GENESIS_S + 4000 * 86_400)
assets = st.sampled_from(list(Asset))

PRINT_ANSWERS = """
import hashlib, sys
sys.path.insert(0, {tests!r})
from worlds import ask, world_at
world = world_at(seed=int(sys.argv[1]))
for path in {paths!r}:
    print(hashlib.sha256(ask(world, path).content).hexdigest())
"""
PATHS = [
    "/dydx/v4/perpetualMarkets",
    "/dydx/v4/candles/perpetualMarkets/ETH-USD?resolution=5MINS",
    "/dydx/v4/historicalFunding/BTC-USD",
    "/thetanuts/orders",
    "/thetanuts/pricing/all",
    "/fng/?limit=60",
    "/x/2/tweets/search/recent?query=%24ETH&max_results=100",
]


def returns(world: SimWorld, asset: Asset, days: int = 1500) -> list[float]:
    """Hourly log returns of the `days` before the world's clock."""
    now_s = int(world.now().timestamp())
    bars = world.bars(asset, now_s - days * 86_400, now_s - HOUR, HOUR)
    return [math.log(bar.close / bar.open) for bar in bars]


def autocorrelation(values: list[float], lag: int) -> float:
    return correlation(values[:-lag], values[lag:])


@pytest.fixture(scope="module")
def eth_returns() -> list[float]:
    return returns(world_at(LATE), Asset.ETH)


@pytest.mark.parametrize("seed", [7, 4_000_000_000])
def test_the_same_seed_and_clock_give_the_same_bytes_in_another_process(seed, request):
    script = PRINT_ANSWERS.format(tests=str(request.path.parent), paths=PATHS)

    first, second = (
        subprocess.run([sys.executable, "-c", script, str(seed)], check=True, capture_output=True, text=True).stdout
        for _ in range(2)
    )

    assert first == second
    assert len(set(first.split())) == len(PATHS)


def test_another_seed_is_another_market():
    assert world_at(seed=1).spot_at(Asset.ETH, NOW) != world_at(seed=2).spot_at(Asset.ETH, NOW)


@settings(max_examples=12, deadline=None)
@given(seed=seeds, at=moments, later_days=st.integers(1, 400))
def test_the_past_does_not_change_as_time_goes_on(seed, at, later_days):
    then = world_at(datetime.fromtimestamp(at, UTC), seed)
    later = world_at(datetime.fromtimestamp(at, UTC) + timedelta(days=later_days), seed)
    since = at - 3 * 86_400

    assert then.bars(Asset.ETH, since, at - HOUR, HOUR) == later.bars(Asset.ETH, since, at - HOUR, HOUR)
    assert then.settled_funding(Asset.ETH, at, 50) == later.settled_funding(Asset.ETH, at, 50)
    assert list(then.posts(at - 7200, at)) == list(later.posts(at - 7200, at))
    assert then.fear_greed(5)[0] in later.fear_greed(500)
    assert then.tick(Asset.BTC, at) == later.tick(Asset.BTC, at)


def test_the_answer_does_not_depend_on_what_was_asked_before():
    asked = world_at()
    asked.bars(Asset.BTC, GENESIS_S - 200 * 86_400, GENESIS_S, HOUR)
    asked.fear_greed(300)

    assert asked.board() == world_at().board()


def test_a_question_about_the_future_is_answered_as_of_the_clock():
    world, now_s = world_at(), int(NOW.timestamp())

    assert world.tick(Asset.ETH, now_s + 1) is None
    assert world.bars(Asset.ETH, now_s - HOUR, now_s + 86_400, 60)[-1].starts_s == now_s // 60 * 60
    assert world.settled_funding(Asset.ETH, now_s + 86_400, 1)[0].at_s <= now_s


@settings(max_examples=25, deadline=None)
@given(seed=seeds, at=moments, asset=assets)
def test_candles_of_all_resolutions_and_the_spot_price_agree(seed, at, asset):
    hour = at // HOUR
    world = world_at(datetime.fromtimestamp((hour + 2) * HOUR, UTC), seed)

    (whole,) = world.bars(asset, hour * HOUR, (hour + 1) * HOUR, HOUR)
    minutes = world.bars(asset, hour * HOUR, (hour + 1) * HOUR, 60)
    minute = minutes[at % HOUR // 60]

    assert len(minutes) == 60
    assert (minutes[0].open, minutes[-1].close) == pytest.approx((whole.open, whole.close), rel=1e-12)
    assert max(bar.high for bar in minutes) == pytest.approx(whole.high, rel=1e-12)
    assert min(bar.low for bar in minutes) == pytest.approx(whole.low, rel=1e-12)
    assert minute.low <= world.tick(asset, at).price_usd <= minute.high
    assert all(bar.low <= min(bar.open, bar.close) and bar.high >= max(bar.open, bar.close) for bar in minutes)


@settings(max_examples=10, deadline=None)
@given(seed=seeds, at=moments, asset=assets)
def test_the_running_candle_grows_into_the_closed_one(seed, at, asset):
    hour = at // HOUR

    def candle_of(now_s: int) -> Bar:
        return world_at(datetime.fromtimestamp(now_s, UTC), seed).bars(asset, hour * HOUR, hour * HOUR + 1, HOUR)[0]

    running, closed = candle_of(at), candle_of((hour + 1) * HOUR)

    assert running.open == pytest.approx(closed.open, rel=1e-12)
    assert closed.low <= running.low * (1 + 1e-12)
    assert running.high <= closed.high * (1 + 1e-12)


def test_prices_do_not_jump_between_two_candles_not_even_where_blocks_meet():
    world = world_at(LATE)
    boundary_s = GENESIS_S + 3 * BLOCK_DAYS * 86_400

    bars = world.bars(Asset.ETH, boundary_s - 48 * HOUR, boundary_s + 48 * HOUR, HOUR)

    assert len(bars) == 96
    assert all(before.close == pytest.approx(after.open, rel=1e-12) for before, after in pairwise(bars))


@pytest.mark.parametrize("year", [1975, 2050, 2099])
def test_a_distant_time_has_a_price_like_any_other(year):
    price = world_at(datetime(year, 6, 1, tzinfo=UTC)).latest(Asset.ETH).price_usd

    assert 900 < price < 10_000


@pytest.mark.parametrize("seed", range(5))
def test_it_starts_near_the_usual_prices(seed):
    world = world_at(GENESIS, seed)

    assert world.latest(Asset.ETH).price_usd == pytest.approx(3000, rel=1e-6)
    assert world.latest(Asset.BTC).price_usd == pytest.approx(95_000, rel=1e-6)


def test_returns_have_fat_tails(eth_returns):
    deviation = pstdev(eth_returns)

    assert fmean(value**4 for value in eth_returns) / deviation**4 > 4.5
    assert 0.5 < deviation * math.sqrt(8760) < 0.85


def test_volatility_clusters_while_returns_do_not_predict_themselves(eth_returns):
    squares = [value * value for value in eth_returns]

    assert autocorrelation(squares, 1) > 0.1
    assert autocorrelation(squares, 24) > 0.05
    assert abs(autocorrelation(eth_returns, 1)) < 0.03


def test_months_are_calm_or_stormy(eth_returns):
    months = [pstdev(eth_returns[start : start + 720]) for start in range(0, len(eth_returns) - 720, 720)]

    assert max(months) > 2 * min(months)


def test_the_two_assets_move_together(eth_returns):
    assert 0.5 < correlation(eth_returns, returns(world_at(LATE), Asset.BTC)) < 0.9


def test_funding_follows_the_basis_and_the_basis_follows_momentum():
    rates: list[float] = []
    moves: list[float] = []
    for day in range(0, 300, 3):
        world = world_at(GENESIS + timedelta(days=day))
        state = world.perpetual(Asset.ETH)
        book = ask(world, "/dydx/v4/orderbooks/perpetualMarket/ETH-USD").json()
        middle = (float(book["bids"][0]["price"]) + float(book["asks"][0]["price"])) / 2
        assert (middle - state.oracle_usd) * state.next_rate_1h > 0 or abs(middle - state.oracle_usd) < 0.1
        rates.append(state.next_rate_1h * 8760)
        three_days_ago = world.spot_at(Asset.ETH, world.now() - timedelta(days=3))
        moves.append(math.log(state.oracle_usd / three_days_ago))

    assert correlation(rates, moves) > 0.6
    assert min(rates) < 0 < max(rates) < 1
    assert 0.02 < fmean(rates) < 0.25


def test_a_settled_rate_is_the_one_that_was_predicted_for_that_hour():
    during = world_at(NOW).perpetual(Asset.ETH).next_rate_1h
    after = world_at(NOW + timedelta(hours=1)).settled_funding(Asset.ETH, int(NOW.timestamp()) + HOUR, 1)

    assert after[0].rate_1h == during


def test_fear_and_greed_follows_the_market_and_stays_on_its_scale():
    world = world_at(LATE)
    moods = world.fear_greed(700)
    weekly = [
        math.log(
            world.spot_at(Asset.BTC, datetime.fromtimestamp(mood.day_s, UTC))
            / world.spot_at(Asset.BTC, datetime.fromtimestamp(mood.day_s - 7 * 86_400, UTC))
        )
        for mood in moods
    ]
    values = [float(mood.value) for mood in moods]

    assert all(0 <= value <= 100 for value in values)
    assert correlation(values, weekly) > 0.5
    assert pstdev(values) > 8


def test_posts_are_more_cheerful_after_a_rally_than_after_a_fall():
    moves: list[float] = []
    moods: list[float] = []
    for day in range(0, 400, 8):
        world = world_at(GENESIS + timedelta(days=day))
        now_s = int(world.now().timestamp())
        posts = [post for post in world.posts(now_s - 6 * HOUR, now_s) if "ETH" in post.text or "thereum" in post.text]
        moods.append(fmean(post.mood for post in posts))
        moves.append(math.log(world.spot_at(Asset.ETH, world.now()) / world.tick(Asset.ETH, now_s - 86_400).price_usd))

    assert correlation(moods, moves) > 0.4


def test_posts_come_newest_first_with_ids_that_grow_with_time():
    now_s = int(NOW.timestamp())

    posts = list(world_at().posts(now_s - 86_400, now_s))

    assert len(posts) > 300
    assert all(newer.id > older.id and newer.at_s >= older.at_s for newer, older in pairwise(posts))
    assert all(post.text.isprintable() and len(post.text) <= 280 for post in posts)
    assert any("GIVEAWAY" in post.text or "airdrop" in post.text for post in posts)
