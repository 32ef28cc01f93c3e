"""The RSI/Bollinger rule: a call below the lower band with RSI under 30, a put above the upper with RSI over 70.

Alpha is measured against it. It also runs over candles alone, on the underlying itself, for a quick look at years.
Needs NumPy: arrays in, arrays out, gaps in time are not looked at. RSI by plain averages (Cutler), as in `features`.
Sources: Wilder (1978), "New Concepts in Technical Trading Systems"; Bollinger (2001), "Bollinger on Bollinger Bands".
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bethna_cli.domain.market import Candle

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]
    Places = NDArray[np.int64]

RSI_SPAN = 14
BAND_SPAN = 20
BAND_WIDTH = 2.0
OVERSOLD, OVERBOUGHT, MIDDLE = 30.0, 70.0, 50.0
LEAST_CANDLES = BAND_SPAN + 1


@dataclass(frozen=True, slots=True)
class BandRule:
    """What a candle-only test trades: stop_loss and take_profit are fractions of the signal's close."""

    stop_loss: float = 0.05
    take_profit: float = 0.10


class CandleTrade(NamedTuple):
    """One trade on the underlying: candle numbers and prices of entry and exit; side 1 bought, -1 sold short."""

    side: int
    entry: int
    exit: int
    entry_price: float
    exit_price: float

    @property
    def profit(self) -> float:
        """The return as a fraction of the entry price."""
        return self.side * (self.exit_price / self.entry_price - 1)


def relative_strength(closes: "Floats") -> "Floats":
    """Return the RSI of every close, 0..100; NaN before RSI_SPAN changes and where the price did not move."""
    moves = np.diff(closes)
    total = _sums(np.abs(moves), RSI_SPAN)
    gains = _sums(np.maximum(moves, 0.0, out=moves), RSI_SPAN)
    strength = np.full(len(closes), np.nan)
    np.divide(gains, total, out=strength[RSI_SPAN:], where=total > 0)
    strength *= 100.0
    return strength


def bands(closes: "Floats") -> "tuple[Floats, Floats]":
    """Return the lower and the upper band of every close; NaN before BAND_SPAN closes."""
    centred = closes - closes[0]  # keeps the digits that a difference of large squares would lose
    mean = _sums(centred, BAND_SPAN)
    mean /= BAND_SPAN
    reach = _sums(np.square(centred, out=centred), BAND_SPAN)
    reach /= BAND_SPAN
    reach -= mean * mean
    np.sqrt(np.maximum(reach, 0.0, out=reach), out=reach)
    reach *= BAND_WIDTH
    mean += closes[0]
    lower, upper = np.full(len(closes), np.nan), np.full(len(closes), np.nan)
    np.subtract(mean, reach, out=lower[BAND_SPAN - 1 :])
    np.add(mean, reach, out=upper[BAND_SPAN - 1 :])
    return lower, upper


def _sums(values: "Floats", span: int) -> "Floats":
    """Return the sums of every `span` neighbours."""
    running = np.empty(len(values) + 1)
    running[0] = 0.0
    np.cumsum(values, out=running[1:])
    sums: Floats = running[span:] - running[:-span]
    return sums


def signal(closes: Sequence[float]) -> int:
    """Say what the rule makes of the last close: 1 a call, -1 a put, 0 nothing, also where closes are too few."""
    if len(closes) < LEAST_CANDLES:
        return 0
    recent = np.asarray(closes[-LEAST_CANDLES:], dtype=np.float64)
    strength = float(relative_strength(recent)[-1])
    lower, upper = (float(band[-1]) for band in bands(recent))
    if recent[-1] < lower and strength < OVERSOLD:
        return 1
    return -1 if recent[-1] > upper and strength > OVERBOUGHT else 0


def trades_on(candles: Sequence[Candle], rule: BandRule) -> list[CandleTrade]:
    """Trade the rule on candles, oldest first; see `candle_trades`."""
    columns = ("open", "high", "low", "close")
    opens, highs, lows, closes = (np.array([getattr(candle, name) for candle in candles]) for name in columns)
    return candle_trades(opens, highs, lows, closes, rule)


def candle_trades(
    opens: "Floats", highs: "Floats", lows: "Floats", closes: "Floats", rule: BandRule
) -> list[CandleTrade]:
    """Trade the rule on the underlying, one position at a time, entered and left at the next open.

    A position is left when the RSI has crossed the middle, or inside a candle at its stop or goal, both measured from
    the close that gave the signal: at that level, or at the open where the candle begins beyond it; of both within one
    candle the stop counts. What is open at the end is left out. Arrays of one length, oldest first, finite, positive.
    """
    strength = relative_strength(closes)
    lower, upper = bands(closes)
    with np.errstate(invalid="ignore"):
        buys = (closes < lower) & (strength < OVERSOLD)
        sells = (closes > upper) & (strength > OVERBOUGHT)
        above, below = strength > MIDDLE, strength < MIDDLE
    seen = np.flatnonzero((buys | sells)[:-1])
    is_long = buys[seen]
    entries, sides = seen + 1, np.where(is_long, 1, -1)
    lasts = np.where(is_long, _next_true(above, entries), _next_true(below, entries)) + 1
    stops, goals = closes[seen] * (1 - sides * rule.stop_loss), closes[seen] * (1 + sides * rule.take_profit)
    lowest, highest = _extreme(np.minimum, lows, entries, lasts), _extreme(np.maximum, highs, entries, lasts)
    touched = np.where(is_long, (lowest <= stops) | (highest >= goals), (highest >= stops) | (lowest <= goals))
    trades: list[CandleTrade] = []
    free = 0
    signals = zip(*(column.tolist() for column in (entries, sides, lasts, touched, stops, goals)), strict=True)
    for entry, side, last, is_touched, stop, goal in signals:
        if entry <= free:
            continue
        if is_touched:
            trade = _stopped(side, entry, (stop, goal), opens, highs[entry:last], lows[entry:last])
        elif last < len(opens):
            trade = CandleTrade(side, entry, last, float(opens[entry]), float(opens[last]))
        else:
            break
        trades.append(trade)
        free = trade.exit
    return trades


def _next_true(flags: "Flags", places: "Places") -> "Places":
    """Return for each place the first true flag at or after it; the number of flags where there is none."""
    true = np.append(np.flatnonzero(flags), len(flags))
    following: Places = true[np.searchsorted(true, places)]
    return following


def _extreme(of: "np.ufunc", prices: "Floats", starts: "Places", ends: "Places") -> "Floats":
    """Return the extreme of each stretch of prices: from starts[i] up to ends[i], which is left out."""
    if not len(starts):
        return np.empty(0)
    fenced = np.append(prices, prices[-1])
    edges = np.column_stack((starts, np.minimum(ends, len(prices)))).ravel()
    extremes: Floats = of.reduceat(fenced, edges)[::2]
    return extremes


def _stopped(
    side: int, entry: int, levels: tuple[float, float], opens: "Floats", highs: "Floats", lows: "Floats"
) -> CandleTrade:
    """End a position that touches its stop or its goal; highs and lows begin at its entry.

    A plain loop: a position lasts a dozen candles, and an array operation on so few costs more than looking at them.
    """
    stop, goal = levels
    for at, (high, low) in enumerate(zip(highs.tolist(), lows.tolist(), strict=True), entry):
        is_stopped = low <= stop if side > 0 else high >= stop
        if is_stopped or (high >= goal if side > 0 else low <= goal):
            level, opened = stop if is_stopped else goal, float(opens[at])
            beyond = min(level, opened) if is_stopped is (side > 0) else max(level, opened)
            return CandleTrade(side, entry, at, float(opens[entry]), beyond)
    raise ValueError("a position that touches nothing")


def worst_fall(profits: Sequence[float]) -> float:
    """Return the deepest fall of an account that stakes everything on each trade, as a share of its earlier high."""
    value = high = 1.0
    deepest = 0.0
    for profit in profits:
        value *= 1 + profit
        high = max(high, value)
        deepest = max(deepest, 1 - value / high)
    return deepest if math.isfinite(deepest) else 1.0
