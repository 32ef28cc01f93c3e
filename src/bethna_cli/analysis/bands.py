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

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

RSI_SPAN = 14
BAND_SPAN = 20
BAND_WIDTH = 2.0
OVERSOLD, OVERBOUGHT, MIDDLE = 30.0, 70.0, 50.0
LEAST_CANDLES = BAND_SPAN + 1


@dataclass(frozen=True, slots=True)
class BandRule:
    """What a candle-only test trades: stop_loss and take_profit are fractions of the entry price."""

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
    gains = _sums(np.maximum(moves, 0.0), RSI_SPAN)
    total = _sums(np.abs(moves), RSI_SPAN)
    strength = np.full(len(closes), np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        strength[RSI_SPAN:] = np.where(total > 0, 100.0 * gains / total, np.nan)
    return strength


def bands(closes: "Floats") -> "tuple[Floats, Floats]":
    """Return the lower and the upper band of every close; NaN before BAND_SPAN closes."""
    centred = closes - closes[0]  # keeps the digits that a difference of large squares would lose
    mean = _sums(centred, BAND_SPAN) / BAND_SPAN
    variance = np.maximum(_sums(centred * centred, BAND_SPAN) / BAND_SPAN - mean * mean, 0.0)
    reach = BAND_WIDTH * np.sqrt(variance)
    lower, upper = np.full(len(closes), np.nan), np.full(len(closes), np.nan)
    lower[BAND_SPAN - 1 :] = mean - reach + closes[0]
    upper[BAND_SPAN - 1 :] = mean + reach + closes[0]
    return lower, upper


def _sums(values: "Floats", span: int) -> "Floats":
    """Return the sums of every `span` neighbours."""
    running = np.cumsum(values)
    sums = running[span - 1 :].copy()
    sums[1:] -= running[:-span]
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


def candle_trades(
    opens: "Floats", highs: "Floats", lows: "Floats", closes: "Floats", rule: BandRule
) -> list[CandleTrade]:
    """Trade the rule on the underlying, one position at a time, entered and left at the next open.

    A position is left when the RSI has crossed the middle, or at its stop or goal inside a candle: at that level, or at
    the open where the candle begins beyond it; of both within one candle the stop counts. What is open at the end is
    left out. Arrays of one length, oldest first, all finite and positive.
    """
    strength = relative_strength(closes)
    lower, upper = bands(closes)
    with np.errstate(invalid="ignore"):
        buys = (closes < lower) & (strength < OVERSOLD)
        sells = (closes > upper) & (strength > OVERBOUGHT)
        above, below = strength > MIDDLE, strength < MIDDLE
    entries = np.flatnonzero(buys | sells).tolist()
    leave = {1: _next_true(above), -1: _next_true(below)}
    bought = buys.tolist() if len(entries) > len(closes) // 2 else buys
    columns = (opens.tolist(), highs.tolist(), lows.tolist())
    trades: list[CandleTrade] = []
    free = 0
    for seen in entries:
        if seen < free or seen + 1 >= len(closes):
            continue
        side = 1 if bought[seen] else -1
        trade = _held(side, seen + 1, leave[side], columns, rule)
        if trade is None:
            break
        trades.append(trade)
        free = trade.exit
    return trades


def _next_true(flags: "Flags") -> list[int]:
    """Return for every place the first true one at or after it; the length where there is none."""
    size = len(flags)
    places = np.where(flags, np.arange(size), size)
    following: list[int] = np.minimum.accumulate(places[::-1])[::-1].tolist()
    return following


def _held(
    side: int, entry: int, leave: list[int], columns: tuple[list[float], list[float], list[float]], rule: BandRule
) -> CandleTrade | None:
    """Follow one position from its entry candle to its end; None when the candles end first."""
    opens, highs, lows = columns
    price = opens[entry]
    stop, goal = price * (1 - side * rule.stop_loss), price * (1 + side * rule.take_profit)
    last = leave[entry] + 1  # the candle at whose open the position is left
    for at in range(entry, min(last, len(opens))):
        if side > 0:
            if lows[at] <= stop:
                return CandleTrade(side, entry, at, price, min(stop, opens[at]) if at > entry else stop)
            if highs[at] >= goal:
                return CandleTrade(side, entry, at, price, max(goal, opens[at]) if at > entry else goal)
        else:
            if highs[at] >= stop:
                return CandleTrade(side, entry, at, price, max(stop, opens[at]) if at > entry else stop)
            if lows[at] <= goal:
                return CandleTrade(side, entry, at, price, min(goal, opens[at]) if at > entry else goal)
    return CandleTrade(side, entry, last, price, opens[last]) if last < len(opens) else None


def worst_fall(profits: Sequence[float]) -> float:
    """Return the deepest fall of an account that stakes everything on each trade, as a share of its earlier high."""
    value = high = 1.0
    deepest = 0.0
    for profit in profits:
        value *= 1 + profit
        high = max(high, value)
        deepest = max(deepest, 1 - value / high)
    return deepest if math.isfinite(deepest) else 1.0
