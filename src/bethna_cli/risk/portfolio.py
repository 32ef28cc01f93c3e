"""The whole of the open positions: Greeks, value at risk, what a shock would do, and a health score with its parts.

Value at risk is by historical simulation with full revaluation: what the positions would lose over a day if one of the
last weeks' days came again, at today's volatility and a day later (Hull, 10th ed., chapter 22). The moves of several
assets are taken from the same hours, so no correlation is assumed.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bethna_cli.domain.market import Asset, PriceHistory
from bethna_cli.domain.units import USDC_UNIT
from bethna_cli.risk.marks import AssetView, Legs, Marks, revalue, spots_of, volatilities

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

DAY_H = 24
VAR_LEVEL = 0.95
FEWEST_DAYS = 14
"""Fewer days of shared hourly prices than this say nothing about a bad day."""
SCENARIOS_AT_ONCE = 64
"""A thousand options in so many scenarios fit the processor's cache."""


@dataclass(frozen=True, slots=True)
class Exposure:
    """What one asset's positions add up to: delta in coins, gamma per USD, vega per volatility point, theta per day."""

    asset: Asset
    spot_usd: float | None
    delta: float
    delta_usd: float | None
    gamma: float
    vega_usd: float
    theta_usd: float


@dataclass(frozen=True, slots=True)
class ValueAtRisk:
    """The loss over 24 h that 95 % of the days in the data would not have exceeded, USDC base units."""

    loss: int
    scenarios: int
    data_from: datetime
    data_to: datetime


@dataclass(frozen=True, slots=True)
class HealthPart:
    """One part of the health score: points of at most `most`, and why."""

    name: str
    points: float
    most: float
    words: str


def exposures(legs: Legs, marks: Marks, held: "Ints", views: Mapping[Asset, AssetView]) -> tuple[Exposure, ...]:
    """Add up Greeks per asset. held: contracts of each distinct option, base units; one without a mark is left out."""
    size = np.where(marks.is_known, held / USDC_UNIT, 0.0)
    spots = spots_of(legs, views)
    found = []
    for place, asset in enumerate(legs.assets):
        mine = legs.asset == place
        sums = [float(np.sum(np.where(mine & marks.is_known, one, 0.0) * size)) for one in marks[2:6]]
        spot = float(spots[mine][0])
        usd = spot if math.isfinite(spot) else None
        delta, gamma, vega, theta = sums
        found.append(Exposure(asset, usd, delta, None if usd is None else delta * usd, gamma, vega, theta))
    return tuple(found)


def shocked_value(
    legs: Legs, held: "Ints", views: Mapping[Asset, AssetView], now: datetime, shocks: Mapping[Asset, float]
) -> int:
    """Return what all positions would be worth now if spots moved by the given shares; volatility stays. Base units.

    Raises ValueError for a move of -100 % or more, or where an option cannot be valued.
    """
    if any(not -1.0 < shock < math.inf for shock in shocks.values()):
        raise ValueError("a price cannot fall by 100 % or more")
    moves = np.array([1.0 + shocks.get(asset, 0.0) for asset in legs.assets])[legs.asset]
    worth = revalue(legs, spots_of(legs, views) * moves, now.timestamp(), volatilities(legs, views, now))
    return _total(worth, held)


def value_at_risk(
    legs: Legs,
    held: "Ints",
    views: Mapping[Asset, AssetView],
    now: datetime,
    histories: Mapping[Asset, PriceHistory],
) -> ValueAtRisk | None:
    """Return the 95 % value at risk over 24 h; None where history is too short or an option cannot be valued."""
    moves = _daily_moves([histories.get(asset) for asset in legs.assets])
    if moves is None:
        return None
    starts, factors = moves
    spots = spots_of(legs, views)
    ivs = volatilities(legs, views, now)
    later_s = (now + timedelta(hours=DAY_H)).timestamp()
    size = held.astype(np.float64)
    blocks = [factors[first : first + SCENARIOS_AT_ONCE] for first in range(0, len(factors), SCENARIOS_AT_ONCE)]
    later = [revalue(legs, spots * block[:, legs.asset], later_s, ivs) @ size for block in blocks]
    losses = float(revalue(legs, spots, now.timestamp(), ivs) @ size) - np.concatenate(later)
    if not np.all(np.isfinite(losses)):
        return None
    loss = float(np.quantile(losses, VAR_LEVEL, method="higher"))
    return ValueAtRisk(math.ceil(max(0.0, loss)), len(factors), starts[0], starts[-1] + timedelta(hours=DAY_H))


def _daily_moves(histories: Sequence[PriceHistory | None]) -> "tuple[list[datetime], Floats] | None":
    """Return the starts of all 24-hour spans that every history covers, and each asset's price ratio over them."""
    closes = [
        {} if history is None else {candle.starts_at: candle.close for candle in history.candles}
        for history in histories
    ]
    if not closes:
        return None
    day = timedelta(hours=DAY_H)
    starts = sorted(at for at in closes[0] if all(at in one and at + day in one for one in closes))
    if len(starts) < FEWEST_DAYS * DAY_H:
        return None
    ratios = np.array([[one[at + day] / one[at] for one in closes] for at in starts])
    return starts, ratios


def _total(worth: "Floats", held: "Ints") -> int:
    """Add up positions in base units, rounded down. Raises ValueError where one has no value."""
    total = float(worth @ held.astype(np.float64))
    if not math.isfinite(total):
        raise ValueError("a position has no value now")
    return math.floor(total)


# ── health ────────────────────────────────────────────────────────────────────────────────────────────────────────


class Holdings(NamedTuple):
    """What the score looks at, a place for each position: value (base units), days left, whether an exit is signed."""

    value: "Ints"
    days_left: "Floats"
    is_protected: "Bools"


def health(holdings: Holdings, var_loss: int | None) -> tuple[HealthPart, ...]:
    """Return the parts of the score, each from 0 to its most; together 100. Nothing held: nothing to score.

    Risk: 40 less what a bad day would cost, as a share of the value, at 80 % nothing. Time: 20 for options with a week
    or more, by value. Protection: 25 for the share of the value with a signed exit. Spread: 15 less the largest
    position's share of them. Without a value at risk the other three are scored alone.
    """
    value = holdings.value.astype(np.float64)
    total = float(value.sum())
    if total <= 0:
        return ()
    lasting = float(value @ np.minimum(1.0, holdings.days_left / 7.0)) / total
    covered = float(value @ holdings.is_protected) / total
    largest = float(value.max()) / total
    parts = [
        HealthPart("time", 20.0 * lasting, 20.0, f"{lasting:.0%} of a week or more left, by value"),
        HealthPart("protection", 25.0 * covered, 25.0, f"{covered:.0%} of the value has a signed exit"),
        HealthPart("spread", 15.0 * (1.0 - largest), 15.0, f"the largest position is {largest:.0%} of the value"),
    ]
    if var_loss is not None:
        share = min(1.0, var_loss / total)
        words = f"a bad day (1 in 20) would cost {share:.0%} of the value"
        parts.insert(0, HealthPart("risk", 40.0 * max(0.0, 1.0 - share / 0.8), 40.0, words))
    return tuple(parts)


def score(parts: Sequence[HealthPart]) -> int | None:
    """Return the score from 0 to 100: the parts' points over what they could be; None without a part."""
    most = math.fsum(part.most for part in parts)
    return round(100.0 * math.fsum(part.points for part in parts) / most) if most else None
