"""Spot prices of the embedded market: a pure function of (seed, asset, second), to any distance from its start.

Boundary prices every 30 days follow a mildly mean-reverting hashed walk. Between two boundaries runs an hourly
GJR-GARCH path with fat tails, jumps and a volatility regime, bent to meet the boundaries; inside an hour a Brownian
bridge by the minute, inside a minute one by the second. Each level stays inside the high and low of the level above, so
that candles of all resolutions and the spot price agree. GJR-GARCH: Glosten, Jagannathan, Runkle (1993); the extremes
of a bridge: Glasserman, Monte Carlo Methods in Financial Engineering, 6.4.
"""

import math
from dataclasses import dataclass
from itertools import pairwise
from random import Random

from bethna_cli.adapters.sim.chance import Memory, Wave, generator
from bethna_cli.adapters.sim.world import DAY_S, HOUR_S, Bar, unix
from bethna_cli.domain.market import Asset

GENESIS_S = unix("2026-11-22T00:00:00Z")
BLOCK_DAYS = 30
BLOCK_HOURS = BLOCK_DAYS * 24
REGIME_DAYS = 10
WARM_UP_DAYS = 5

ALPHA, LEVERAGE, BETA = 0.05, 0.03, 0.915
PERSISTENCE = ALPHA + LEVERAGE / 2 + BETA
COMMON_SHARE = 0.84
JUMP_CHANCE_PER_HOUR = 0.004
REGIMES = ((-0.5, 0.6), (0.9, 1.0), (math.inf, 1.7))


@dataclass(frozen=True, slots=True)
class Character:
    """What one asset is like: price at the start, yearly volatility in the normal regime, 30-day spread of the walk."""

    start_usd: float
    volatility: float
    walk: float
    jump_scale: float
    hourly_volume_coin: float


CHARACTERS = {
    Asset.ETH: Character(3000.0, 0.62, 0.19, 0.020, 900.0),
    Asset.BTC: Character(95_000.0, 0.46, 0.15, 0.015, 35.0),
}


@dataclass(frozen=True, slots=True)
class Shocks:
    """The chance of one day, 24 values each: a normal draw of unit variance with fat tails, and a jump's size."""

    normal: list[float]
    jump: list[float]


@dataclass(frozen=True, slots=True)
class Block:
    """30 days by the hour: log price at each start (one more for the end) and the variance of each hour's return."""

    log_price: list[float]
    variance: list[float]


@dataclass(frozen=True, slots=True)
class Span:
    """60 steps inside an hour or a minute: log price at each start (and at the end), log extremes of each step."""

    log_price: list[float]
    log_high: list[float]
    log_low: list[float]


class SpotPath:
    """The spot price of one asset. Two paths of the same seed move together through their common shocks."""

    def __init__(self, seed: int, asset: Asset, common: "CommonShocks") -> None:
        self._seed, self._asset, self._common = seed, asset, common
        self._character = CHARACTERS[asset]
        self._hour_variance = self._character.volatility**2 / 8760
        self._walk = Wave(seed, f"{asset}/walk", 0.7, pinned=True)
        self._own = Memory(self._own_day, 400)
        self._blocks = Memory(self._block, 48)
        self._extremes = Memory(self._day_extremes, 400)
        self._minutes = Memory(self._minute_span, 96)
        self._seconds = Memory(self._second_span, 256)

    def price(self, at_s: int) -> float:
        """Return the price in USD at a second."""
        minute, second = divmod(at_s, 60)
        return math.exp(self._seconds[minute].log_price[second])

    def hour_open(self, hour: int) -> float:
        """Return the price in USD at the start of an hour (hours since the Unix epoch)."""
        block, index = self._locate(hour)
        return math.exp(block.log_price[index])

    def variance(self, hour: int) -> float:
        """Return the conditional variance of the hour's log return."""
        block, index = self._locate(hour)
        return block.variance[index]

    def long_run_variance(self, hour: int) -> float:
        """Return the hourly variance that the regime of this hour pulls towards."""
        return self._hour_variance * self._common.regime(hour // 24) ** 2

    def hour_bar(self, hour: int) -> Bar:
        """Return the whole candle of an hour."""
        block, i = self._locate(hour)
        low, high = self._bounds(hour)
        spread = (high - low) / math.sqrt(self._hour_variance)
        volume = self._character.hourly_volume_coin * (0.3 + 0.45 * spread)
        return Bar(
            hour * HOUR_S,
            math.exp(block.log_price[i]),
            math.exp(high),
            math.exp(low),
            math.exp(block.log_price[i + 1]),
            volume,
        )

    def minute_bar(self, minute: int) -> Bar:
        """Return the whole candle of a minute."""
        hour, i = divmod(minute, 60)
        span = self._minutes[hour]
        log_price, high, low = span.log_price, span.log_high[i], span.log_low[i]
        volume = self.hour_bar(hour).volume_coin / 60
        opened, closed = math.exp(log_price[i]), math.exp(log_price[i + 1])
        return Bar(minute * 60, opened, math.exp(high), math.exp(low), closed, volume)

    def running_minute(self, now_s: int) -> Bar:
        """Return the candle of the running minute, made of the seconds up to now."""
        minute, second = divmod(now_s, 60)
        seen = self._seconds[minute].log_price[: second + 1]
        volume = self.hour_bar(minute // 60).volume_coin * (second + 1) / 3600
        return Bar(minute * 60, math.exp(seen[0]), math.exp(max(seen)), math.exp(min(seen)), math.exp(seen[-1]), volume)

    def _locate(self, hour: int) -> tuple[Block, int]:
        number, index = divmod(hour - GENESIS_S // HOUR_S, BLOCK_HOURS)
        return self._blocks[number], index

    def _own_day(self, day: int) -> list[float]:
        draw = generator(self._seed, self._asset, "day", day)
        return [draw.gauss(0.0, 1.0) for _ in range(24)]

    def _bounds(self, hour: int) -> tuple[float, float]:
        day, index = divmod(hour, 24)
        return self._extremes[day][index]

    def _block(self, number: int) -> Block:
        first_day = GENESIS_S // DAY_S + number * BLOCK_DAYS
        variance, returns = self._returns(first_day)
        start, end = self._boundary(number), self._boundary(number + 1)
        bend = (end - start - sum(returns)) / sum(variance)
        log_price = [start]
        for step, spread in zip(returns, variance, strict=True):
            log_price.append(log_price[-1] + step + bend * spread)
        log_price[-1] = end
        return Block(log_price, variance)

    def _returns(self, first_day: int) -> tuple[list[float], list[float]]:
        """Run the GARCH recursion over the block, started some days before it so that its state has no memory of us."""
        own_share = math.sqrt(1 - COMMON_SHARE**2)
        jump_scale = self._character.jump_scale
        variances: list[float] = []
        returns: list[float] = []
        variance = self.long_run_variance((first_day - WARM_UP_DAYS) * 24)
        for day in range(first_day - WARM_UP_DAYS, first_day + BLOCK_DAYS):
            pull = (1 - PERSISTENCE) * self.long_run_variance(day * 24)
            common = self._common.day(day)
            for shared, jump, own in zip(common.normal, common.jump, self._own[day], strict=True):
                step = math.sqrt(variance) * (COMMON_SHARE * shared + own_share * own) + jump * jump_scale
                variances.append(variance)
                returns.append(step)
                square = step * step
                variance = pull + (ALPHA + (LEVERAGE if step < 0 else 0.0)) * square + BETA * variance
        skipped = WARM_UP_DAYS * 24
        return variances[skipped:], returns[skipped:]

    def _boundary(self, number: int) -> float:
        common = self._common.walk(number)
        x = COMMON_SHARE * common + math.sqrt(1 - COMMON_SHARE**2) * self._walk.at(number)
        return math.log(self._character.start_usd) + self._character.walk * x

    def _day_extremes(self, day: int) -> list[tuple[float, float]]:
        draw = generator(self._seed, self._asset, "extremes", day)
        bounds: list[tuple[float, float]] = []
        for hour in range(day * 24, day * 24 + 24):
            block, i = self._locate(hour)
            bounds.append(extremes(block.log_price[i], block.log_price[i + 1], block.variance[i], draw))
        return bounds

    def _minute_span(self, hour: int) -> Span:
        block, i = self._locate(hour)
        draw = generator(self._seed, self._asset, "hour", hour)
        ends = block.log_price[i], block.log_price[i + 1]
        return subdivide(draw, ends, self._bounds(hour), block.variance[i])

    def _second_span(self, minute: int) -> Span:
        hour, i = divmod(minute, 60)
        span = self._minutes[hour]
        draw = generator(self._seed, self._asset, "minute", minute)
        ends = span.log_price[i], span.log_price[i + 1]
        return subdivide(draw, ends, (span.log_low[i], span.log_high[i]), self.variance(hour) / 60)


class CommonShocks:
    """What moves all assets: the market's shocks, its jumps, its volatility regime and its slow walk."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._walk = Wave(seed, "walk", 0.7, pinned=True)
        self._regime = Wave(seed, "regime", 0.6)
        self._days = Memory(self._day, 400)
        self._levels = Memory(self._level, 128)

    def day(self, day: int) -> Shocks:
        """Return the shocks of a day (days since the Unix epoch)."""
        return self._days[day]

    def walk(self, block: int) -> float:
        """Return the common part of the boundary price of a block, unit variance, 0 at block 0."""
        return self._walk.at(block)

    def regime(self, day: int) -> float:
        """Return the volatility multiplier of a day; a change of regime takes a day."""
        segment, into = divmod(day, REGIME_DAYS)
        level = self._levels[segment]
        return level if into else math.sqrt(level * self._levels[segment - 1])

    def _level(self, segment: int) -> float:
        latent = self._regime.at(segment)
        return next(level for bound, level in REGIMES if latent < bound)

    def _day(self, day: int) -> Shocks:
        draw = generator(self._seed, "market", "day", day)
        normal = [draw.gauss(0.0, 1.0) * (1.6 if draw.random() < 0.08 else 0.935) for _ in range(24)]
        jump = [draw.gauss(-0.1, 1.0) if draw.random() < JUMP_CHANCE_PER_HOUR else 0.0 for _ in range(24)]
        return Shocks(normal, jump)


def extremes(start: float, end: float, variance: float, draw: Random) -> tuple[float, float]:
    """Draw the minimum and the maximum of a Brownian bridge."""
    square = (end - start) ** 2
    down = math.sqrt(square - 2 * variance * math.log(1 - draw.random()))
    up = math.sqrt(square - 2 * variance * math.log(1 - draw.random()))
    return (start + end - down) / 2, (start + end + up) / 2


def subdivide(draw: Random, ends: tuple[float, float], bounds: tuple[float, float], variance: float) -> Span:
    """Bridge `ends` in 60 steps that stay within `bounds` (low, high); one step reaches each bound."""
    (start, end), (low, high) = ends, bounds
    scale = math.sqrt(variance / 60)
    walk = [0.0]
    for _ in range(60):
        walk.append(walk[-1] + draw.gauss(0.0, scale))
    drift = (end - start - walk[-1]) / 60
    prices = [reflect(start + x + drift * i, low, high) for i, x in enumerate(walk)]
    prices[0], prices[-1] = start, end
    highs: list[float] = []
    lows: list[float] = []
    for a, b in pairwise(prices):
        bottom, top = extremes(a, b, variance / 60, draw)
        highs.append(min(top, high))
        lows.append(max(bottom, low))
    highs[highs.index(max(highs))] = high
    lows[lows.index(min(lows))] = low
    return Span(prices, highs, lows)


def reflect(x: float, low: float, high: float) -> float:
    """Fold a value back into [low, high]."""
    if x > high:
        x = 2 * high - x
    elif x < low:
        x = 2 * low - x
    return min(max(x, low), high)
