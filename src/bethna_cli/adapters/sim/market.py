"""The simulated market: one world, a function of (seed, time), in the vocabulary of `world.py`.

Nothing here remembers what was asked before, so two processes with the same seed agree, and the past never changes as
time goes on. It refuses to know the future: a question about a time after the clock is answered as of the clock.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from itertools import groupby
from types import MappingProxyType

from bethna_cli.adapters.sim.chance import Memory
from bethna_cli.adapters.sim.crowd import Crowd
from bethna_cli.adapters.sim.maker import Maker
from bethna_cli.adapters.sim.paths import CommonShocks, SpotPath
from bethna_cli.adapters.sim.perpetual import PerpetualMarket
from bethna_cli.adapters.sim.venue import Quoter, UnsignedQuoter
from bethna_cli.adapters.sim.world import (
    DAY_S,
    HOUR_S,
    Bar,
    Board,
    Mood,
    Perpetual,
    Post,
    ReferencePrice,
    SettledFunding,
    Tick,
)
from bethna_cli.domain.market import Asset, Origin
from bethna_cli.domain.venue import BASE_R12, VenueAddresses

CONFIDENCE_SHARE = 0.0005
MOST_MOOD_DAYS = 1500
MINUTES_REMEMBERED = 4
SEEDS_REMEMBERED = 4


@lru_cache(SEEDS_REMEMBERED)
def _nature(seed: int) -> tuple[Mapping[Asset, SpotPath], Mapping[Asset, PerpetualMarket], Crowd]:
    """Return what is the same in every world of a seed; those of one process share what it has worked out."""
    common = CommonShocks(seed)
    paths = {asset: SpotPath(seed, asset, common) for asset in SimWorld.assets}
    perpetuals = {asset: PerpetualMarket(seed, asset, path) for asset, path in paths.items()}
    return paths, perpetuals, Crowd(seed, paths)


class SimWorld:
    """The embedded market at the time of `clock`. Plug a chain in with `venue` and `quoter`."""

    origin = Origin.SIMULATED
    assets = (Asset.ETH, Asset.BTC)

    def __init__(
        self,
        seed: int,
        clock: Callable[[], datetime],
        *,
        venue: VenueAddresses = BASE_R12,
        quoter: Quoter | None = None,
    ) -> None:
        self.seed = seed
        self.now = clock
        quoter = quoter or UnsignedQuoter()
        self._paths, self._perpetuals, self._crowd = _nature(seed)
        self._makers = {
            asset: Maker(seed, asset, path, self._perpetuals[asset], venue, quoter)
            for asset, path in self._paths.items()
        }
        self._boards = Memory(self._write_board, MINUTES_REMEMBERED)

    @property
    def notes(self) -> Mapping[str, str]:
        """Return nothing to remark: all of it is simulated."""
        return MappingProxyType({})

    def spot_at(self, asset: Asset, at: datetime) -> float:
        """Return the price in USD at a moment, to the second, wherever it lies in time."""
        return self._paths[asset].price(int(at.timestamp()))

    def tick(self, asset: Asset, at_s: int) -> Tick | None:
        """Return the price of that second, None in the future."""
        if at_s > self._now_s():
            return None
        path = self._paths[asset]
        price = path.price(at_s)
        average = (price + sum(path.price(at_s - back) for back in (900, 1800, 2700))) / 4
        return Tick(at_s, price, price * CONFIDENCE_SHARE, average)

    def indexed_s(self) -> int:
        """Return now: nothing lags."""
        return self._now_s()

    def latest(self, asset: Asset) -> Tick | None:
        """Return the price of this second."""
        return self.tick(asset, self._now_s())

    def bars(self, asset: Asset, start_s: int, end_s: int, resolution_s: int) -> list[Bar]:
        """Return candles on the resolution's own grid; the last one is still forming when it reaches the clock."""
        start_s = -(-start_s // resolution_s) * resolution_s
        end_s = min(end_s, self._now_s() + 1)
        if start_s >= end_s:
            return []
        last_s = (end_s - 1) // resolution_s * resolution_s + resolution_s
        fine = self._hours if resolution_s >= HOUR_S else self._minutes
        grouped = groupby(fine(asset, start_s, last_s), key=lambda bar: bar.starts_s // resolution_s)
        return [self._joined(asset, number * resolution_s, list(parts)) for number, parts in grouped]

    def perpetual(self, asset: Asset) -> Perpetual | None:
        """Return the perpetual market as it runs."""
        return self._perpetuals[asset].state(self._now_s())

    def settled_funding(self, asset: Asset, until_s: int, limit: int) -> list[SettledFunding]:
        """Return settled rates, newest first; none is missing."""
        return self._perpetuals[asset].settled(min(until_s, self._now_s()), limit)

    def fear_greed(self, days: int) -> list[Mood]:
        """Return one value a day, newest first; everything is the last 1,500 days."""
        today = self._now_s() // DAY_S
        return [self._crowd.fear_greed(today - back) for back in range(min(days or MOST_MOOD_DAYS, MOST_MOOD_DAYS))]

    def posts(self, start_s: int, end_s: int, /) -> Iterator[Post] | None:
        """Give the posts of a window, newest first."""
        return self._crowd.posts(start_s, min(end_s, self._now_s()))

    def mood(self, asset: Asset) -> float:
        """Return how bullish posts about the asset are now, -1..1."""
        return self._crowd.mood(asset, self._now_s())

    def board(self) -> Board:
        """Return the orders of this minute."""
        return self._boards[self._now_s() // 60]

    def reference(self, asset: Asset) -> list[ReferencePrice]:
        """Return the exchange-derived prices of this minute."""
        return self._makers[asset].reference(self._now_s() // 60)

    def _now_s(self) -> int:
        return int(self.now().timestamp())

    def _write_board(self, minute: int) -> Board:
        return Board(
            rows=tuple(row for maker in self._makers.values() for row in maker.orders(minute)),
            written_s=minute * 60,
            volatility={asset: maker.volatility(minute * 60) for asset, maker in self._makers.items()},
        )

    def _hours(self, asset: Asset, start_s: int, end_s: int) -> Iterator[Bar]:
        path, now_s = self._paths[asset], self._now_s()
        for hour in range(start_s // HOUR_S, min(end_s, now_s + 1) // HOUR_S + 1):
            if (hour + 1) * HOUR_S <= min(end_s, now_s):
                yield path.hour_bar(hour)
            elif start_s <= hour * HOUR_S < end_s:
                yield merged(hour * HOUR_S, list(self._minutes(asset, hour * HOUR_S, (hour + 1) * HOUR_S)))

    def _minutes(self, asset: Asset, start_s: int, end_s: int) -> Iterator[Bar]:
        path, now_s = self._paths[asset], self._now_s()
        for minute in range(start_s // 60, end_s // 60):
            if (minute + 1) * 60 <= now_s:
                yield path.minute_bar(minute)
            elif minute * 60 <= now_s:
                yield path.running_minute(now_s)

    def _joined(self, asset: Asset, starts_s: int, parts: list[Bar]) -> Bar:
        return merged(starts_s, parts, self._perpetuals[asset].open_interest(starts_s // HOUR_S))


def merged(starts_s: int, parts: list[Bar], open_interest_coin: float | None = None) -> Bar:
    """Join neighbouring candles, oldest first, into one that starts at `starts_s`."""
    first, last = parts[0], parts[-1]
    high, low, volume_coin = first.high, first.low, first.volume_coin
    for part in parts[1:]:
        high, low, volume_coin = max(high, part.high), min(low, part.low), volume_coin + part.volume_coin
    return Bar(starts_s, first.open, high, low, last.close, volume_coin, open_interest_coin)
