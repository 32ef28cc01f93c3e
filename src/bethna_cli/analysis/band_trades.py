"""The RSI/Bollinger rule traded on candles alone, on the underlying itself: a quick look at years.

Arrays in, trades out; gaps in time are not looked at. Where each position would end, were it taken, is looked up for
all of them together; only the choice of those that do not overlap goes one by one. Needs NumPy.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bethna_cli.analysis.bands import MIDDLE, OVERBOUGHT, OVERSOLD, bands, relative_strength
from bethna_cli.domain.market import Candle

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]
    Places = NDArray[np.int64]

BATCH = 1 << 20
"""Candles looked at together: in a market that only falls, positions that nothing ends could fill the memory."""


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


class _Plans(NamedTuple):
    """Positions that might be taken, a column each.

    last: the candle at whose open the RSI ends it, beyond the last one where it never does. stop, goal: prices times
    the side, so that on both sides a price times the side is bad at the stop or below, and good at the goal or above.
    """

    side: "Places"
    entry: "Places"
    last: "Places"
    stop: "Floats"
    goal: "Floats"

    def some(self, part: slice) -> "_Plans":
        return _Plans(self.side[part], self.entry[part], self.last[part], self.stop[part], self.goal[part])


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
    plans = _planned(closes, rule)
    exits, prices = plans.last.copy(), opens[np.minimum(plans.last, len(opens) - 1)]
    for part in _batches(np.minimum(plans.last, len(opens)) - plans.entry):
        touched, at, price = _touched(plans.some(part), opens, highs, lows)
        exits[part][touched], prices[part][touched] = at, price
    columns = (plans.side, plans.entry, exits, opens[plans.entry], prices)
    trades: list[CandleTrade] = []
    free = 0
    for side, entry, leaving, paid, got in zip(*(column.tolist() for column in columns), strict=True):
        if entry <= free:
            continue
        if leaving >= len(opens):
            break
        trades.append(CandleTrade(side, entry, leaving, paid, got))
        free = leaving
    return trades


def _planned(closes: "Floats", rule: BandRule) -> _Plans:
    """Lay out a position for every signal but one of the last candle, which nothing follows."""
    strength = relative_strength(closes)
    lower, upper = bands(closes)
    with np.errstate(invalid="ignore"):
        buys = (closes < lower) & (strength < OVERSOLD)
        sells = (closes > upper) & (strength > OVERBOUGHT)
        above, below = strength > MIDDLE, strength < MIDDLE
    seen = np.flatnonzero((buys | sells)[:-1])
    side, entry = np.where(buys[seen], 1, -1), seen + 1
    last = np.where(buys[seen], _next_true(above, entry), _next_true(below, entry)) + 1
    return _Plans(side, entry, last, closes[seen] * (side - rule.stop_loss), closes[seen] * (side + rule.take_profit))


def _next_true(flags: "Flags", places: "Places") -> "Places":
    """Return for each place the first true flag at or after it; the number of flags where there is none."""
    true = np.append(np.flatnonzero(flags), len(flags))
    following: Places = true[np.searchsorted(true, places)]
    return following


def _batches(lengths: "Places") -> Iterator[slice]:
    """Divide positions that last so many candles into runs of about BATCH candles."""
    edges = [0, *(np.flatnonzero(np.diff(np.cumsum(lengths) // BATCH)) + 1).tolist(), len(lengths)]
    return map(slice, edges[:-1], edges[1:])


def _touched(plans: _Plans, opens: "Floats", highs: "Floats", lows: "Floats") -> "tuple[Places, Places, Floats]":
    """Return which positions touch their stop or goal before the RSI ends them, in which candle, and at what price."""
    lengths = np.minimum(plans.last, len(opens)) - plans.entry
    firsts = np.cumsum(lengths) - lengths
    candle = np.arange(lengths.sum()) + np.repeat(plans.entry - firsts, lengths)
    side = np.repeat(plans.side, lengths)
    low, high = side * lows[candle], side * highs[candle]
    is_stopped = np.minimum(low, high) <= np.repeat(plans.stop, lengths)
    is_over = is_stopped | (np.maximum(low, high) >= np.repeat(plans.goal, lengths))
    found = _next_true(is_over, firsts)
    touched = np.flatnonzero(found < firsts + lengths)
    found = found[touched]
    opened = plans.side[touched] * opens[candle[found]]
    at_stop, at_goal = np.minimum(plans.stop[touched], opened), np.maximum(plans.goal[touched], opened)
    return touched, candle[found], plans.side[touched] * np.where(is_stopped[found], at_stop, at_goal)


def worst_fall(profits: Sequence[float]) -> float:
    """Return the deepest fall of an account that stakes everything on each trade, as a share of its earlier high."""
    value = high = 1.0
    deepest = 0.0
    for profit in profits:
        value *= 1 + profit
        high = max(high, value)
        deepest = max(deepest, 1 - value / high)
    return deepest if math.isfinite(deepest) else 1.0
