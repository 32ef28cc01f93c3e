"""The mood of the embedded world: a Fear & Greed index and posts whose tone follows what the price has done.

Posts read like the real ones, spam and noise included, so that the scorer has something to get wrong. They are
composed from fixed phrases and chance; nothing here was written by a person about a real market.
"""

import math
from collections.abc import Iterator, Sequence
from random import Random

from bethna_cli.adapters.sim.chance import Memory, Wave, generator
from bethna_cli.adapters.sim.paths import CHARACTERS, SpotPath
from bethna_cli.adapters.sim.world import DAY_S, HOUR_S, Mood, Post
from bethna_cli.domain.market import Asset

SLOT_S = 600
POSTS_PER_SLOT = 3.0
SNOWFLAKE_EPOCH_MS = 1_288_834_974_657
AUTHORS = 600
SPAM_SHARE = 0.06
NOISE_SHARE = 0.22

NAMES = {Asset.ETH: ("$ETH", "ETH", "#Ethereum", "ethereum"), Asset.BTC: ("$BTC", "BTC", "#Bitcoin", "bitcoin")}

BULLISH = (
    "{c} breaking out, this is going to the moon 🚀🚀",
    "so bullish on {c} here it's not even funny",
    "added more {c} at {p}, dips are for buying",
    "{c} reclaimed {p}. longs in control, next stop {u}",
    "shorts on {c} getting squeezed, love to see it 🔥",
    "higher lows on the {c} daily, structure looks strong",
    "{c} to {u} before the month ends, wagmi",
    "whales keep accumulating {c}, exchange balances at lows",
    "funding reset and {c} still holding {p}. bullish",
    "just flipped long on {c}, breakout above {p} confirmed on volume",
    "{c} rally has legs imo. not selling before {u}",
    "gm, {c} pumping again while everybody doubted it 💎🙌",
)
BEARISH = (
    "{c} looks awful, lost {p} and nobody is bidding",
    "longs got liquidated again on {c}, told you it was a trap",
    "closing my {c} longs, this is going to {d} 📉",
    "{c} dumping hard. ngmi if you keep buying this knife",
    "bearish on {c} until it reclaims {p}, lower highs everywhere",
    "i'm so rekt on {c} right now",
    "{c} rejected at {p} for the third time, short with stops above",
    "another leg down for {c}? funding still way too high for this chart",
    "sold all my {c}. {d} is next and it won't be pretty",
    "smart money is hedging {c} with puts, vol says crash risk is real",
    "{c} weak on every bounce, bears in full control 🐻",
    "that {c} breakdown below {p} was ugly. capitulation not in yet",
)
NEUTRAL = (
    "{c} chopping around {p} all day, waiting for a break either way",
    "what's everyone's {c} target for next week?",
    "{c} options expiry on friday, max pain near {p}",
    "reading the latest {c} dev call notes, nothing dramatic",
    "volume on {c} is dead this weekend",
    "{c} at {p}. no trade is also a trade",
    "anyone else watching the {c} perp basis? flat as a pancake",
    "rebalanced today, {c} back to 40% of the bag",
)
SPAM = (
    "🎁 GIVEAWAY! retweet + follow to win 2 {c}, link in bio",
    "free airdrop for all {c} holders, connect wallet now 👉 claim-rewards . example",
    "join our VIP signals: 97% win rate on {c} $SOL $XRP $DOGE $PEPE $SHIB",
    "whitelist closing soon!! drop your {c} address below",
)


class Crowd:
    """What people feel and say about the market, as a function of time."""

    def __init__(self, seed: int, paths: dict[Asset, SpotPath]) -> None:
        self._seed, self._paths = seed, paths
        self._whim = {asset: Wave(seed, f"{asset}/whim", 0.8) for asset in paths}
        self._drift = Wave(seed, "fear-greed", 0.85)
        self._slots = Memory(self._slot, 2048)

    def fear_greed(self, day: int) -> Mood:
        """Return the index of a day (since the Unix epoch), from Bitcoin's prices before its start."""
        path, hour = self._paths[Asset.BTC], day * 24
        week = _strength(path, Asset.BTC, hour, 7 * 24)
        fortnight = _strength(path, Asset.BTC, hour, 14 * 24)
        nervous = math.log(path.variance(hour - 1) / (CHARACTERS[Asset.BTC].volatility ** 2 / 8760))
        value = 50 + 17 * math.tanh(week) + 14 * math.tanh(fortnight) - 5 * nervous + 8 * self._drift.at(day)
        return Mood(day * DAY_S, round(min(96.0, max(4.0, value))))

    def mood(self, asset: Asset, at_s: int) -> float:
        """Return how bullish the posts about an asset are, -1..1."""
        hour = at_s // HOUR_S
        day = _strength(self._paths[asset], asset, hour, 24)
        week = _strength(self._paths[asset], asset, hour, 7 * 24)
        return math.tanh(0.5 * day + 0.4 * week + 0.35 * self._whim[asset].at(at_s // (8 * HOUR_S)))

    def posts(self, start_s: int, end_s: int) -> Iterator[Post]:
        """Give the posts in [start_s, end_s), newest first."""
        for slot in range((end_s - 1) // SLOT_S, start_s // SLOT_S - 1, -1):
            yield from (post for post in self._slots[slot] if start_s <= post.at_s < end_s)

    def _slot(self, slot: int) -> tuple[Post, ...]:
        draw = generator(self._seed, "posts", slot)
        posts: list[Post] = []
        for asset, path in self._paths.items():
            start_s = slot * SLOT_S
            mood, price = self.mood(asset, start_s), path.hour_open(start_s // HOUR_S)
            for _ in range(_poisson(draw, POSTS_PER_SLOT)):
                at_s = start_s + draw.random() * SLOT_S
                posts.append(_compose(draw, asset, at_s, mood, price))
        return tuple(sorted(posts, key=lambda post: post.at_s, reverse=True))


def _strength(path: SpotPath, asset: Asset, hour: int, hours: int) -> float:
    """Return the move of the last `hours` in units of its usual size."""
    move = math.log(path.hour_open(hour) / path.hour_open(hour - hours))
    return move / (CHARACTERS[asset].volatility * math.sqrt(hours / 8760))


def _poisson(draw: Random, mean: float) -> int:
    """Draw a Poisson count (Knuth's method; the mean is small)."""
    bound, product, count = math.exp(-mean), draw.random(), 0
    while product > bound:
        product *= draw.random()
        count += 1
    return count


def _compose(draw: Random, asset: Asset, at_s: float, mood: float, price: float) -> Post:
    kind = draw.random()
    lean = min(1.0, max(-1.0, mood + draw.gauss(0.0, 0.55)))
    phrases: Sequence[str] = BULLISH if lean > 0.25 else BEARISH if lean < -0.25 else NEUTRAL
    if kind < SPAM_SHARE:
        phrases, lean = SPAM, 0.0
    elif kind < SPAM_SHARE + NOISE_SHARE:
        phrases, lean = NEUTRAL, 0.0
    text = draw.choice(phrases).format(
        c=draw.choice(NAMES[asset]), p=_level(price, 0.0), u=_level(price, 0.12), d=_level(price, -0.12)
    )
    author = int(AUTHORS * draw.random() ** 2)
    milliseconds = int(at_s * 1000) - SNOWFLAKE_EPOCH_MS
    return Post(
        id=(milliseconds << 22) | draw.getrandbits(22),
        at_s=at_s,
        author=f"simtrader{author:03d}",
        author_id=1_500_000_000_000_000_000 + author,
        text=text,
        likes=int(draw.paretovariate(1.2)) - 1,
        mood=lean,
    )


def _level(price: float, move: float) -> str:
    """Write a round price near `price` as people do: 3.1k, 95k."""
    level = price * (1 + move)
    return f"{level / 1000:.1f}k" if level < 10_000 else f"{level / 1000:.0f}k"
