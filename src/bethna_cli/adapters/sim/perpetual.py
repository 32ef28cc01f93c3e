"""The perpetual market of the embedded world: a basis that follows momentum, and funding that follows the basis.

Rates come out as dYdX states them: fractions per hour, positive when longs pay. The basis (perpetual over spot, less
one) leans towards the move of the last three days, more when the crowd is wrong-footed for a while, and funding is its
hourly average divided by eight.
"""

import math

from bethna_cli.adapters.sim.chance import Wave
from bethna_cli.adapters.sim.paths import CHARACTERS, SpotPath
from bethna_cli.adapters.sim.world import HOUR_S, Perpetual, SettledFunding
from bethna_cli.domain.market import Asset

RESTING_BASIS = 1.0e-4
"""The usual premium: 0.01 % per 8 hours, about 11 % a year."""

RATE_CAP_8H = 0.12
MOMENTUM_HOURS = 72
WAVE_HOURS = 6
OPEN_INTEREST_COIN = {Asset.ETH: 46_000.0, Asset.BTC: 1_300.0}


class PerpetualMarket:
    """One asset's perpetual, a function of time like the spot price below it."""

    def __init__(self, seed: int, asset: Asset, path: SpotPath) -> None:
        self._path = path
        self._asset = asset
        self._crowd = Wave(seed, f"{asset}/basis", 0.85)
        self._interest = Wave(seed, f"{asset}/interest", 0.9)
        self._volatility = CHARACTERS[asset].volatility / math.sqrt(8760)

    def basis(self, hour: int) -> float:
        """Return the average premium of the hour as a fraction of spot, from prices known at its start."""
        path = self._path
        move = math.log(path.hour_open(hour) / path.hour_open(hour - MOMENTUM_HOURS))
        strength = move / (self._volatility * math.sqrt(MOMENTUM_HOURS))
        segment, into = divmod(hour, WAVE_HOURS)
        weight = into / WAVE_HOURS
        crowd = (1 - weight) * self._crowd.at(segment) + weight * self._crowd.at(segment + 1)
        return RESTING_BASIS * (1 + 1.6 * math.tanh(0.8 * strength) + 0.5 * crowd)

    def rate(self, hour: int) -> float:
        """Return the rate that is settled at the end of the hour, as a fraction per hour."""
        return max(-RATE_CAP_8H, min(RATE_CAP_8H, self.basis(hour))) / 8

    def open_interest(self, hour: int) -> float:
        """Return the open interest at the start of the hour, in coin."""
        segment, into = divmod(hour, 24)
        weight = into / 24
        wave = (1 - weight) * self._interest.at(segment) + weight * self._interest.at(segment + 1)
        return OPEN_INTEREST_COIN[self._asset] * math.exp(0.25 * wave)

    def settled(self, until_s: int, limit: int) -> list[SettledFunding]:
        """Return the last `limit` settlements up to `until_s`, newest first."""
        last = until_s // HOUR_S
        return [
            SettledFunding(hour * HOUR_S, self.rate(hour - 1), self._path.hour_open(hour))
            for hour in range(last, last - limit, -1)
        ]

    def state(self, now_s: int) -> Perpetual:
        """Return the running state."""
        hour = now_s // HOUR_S
        spot = self._path.price(now_s)
        bars = [self._path.hour_bar(past) for past in range(hour - 24, hour)]
        return Perpetual(
            oracle_usd=spot,
            change_24h_usd=spot - self._path.price(now_s - 24 * HOUR_S),
            volume_24h_usd=sum(bar.volume_coin * bar.close for bar in bars),
            next_rate_1h=self.rate(hour),
            open_interest_coin=self.open_interest(hour),
            premium=self.basis(hour),
        )
