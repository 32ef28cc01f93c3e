"""What a row of trades came to, and how sure one can be of it. Pure: chance comes in as an argument.

Trades overlap and days hang together: every interval is from blocks drawn with replacement, as long as an option lives.
Source: Künsch (1989), "The jackknife and the bootstrap for general stationary observations"; circular variant of
Politis and Romano (1992).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from statistics import median
from typing import Protocol

RESAMPLES = 2_000
CONFIDENCE = 0.95
DAYS_A_YEAR = 365.0

Interval = tuple[float, float]


class Chance(Protocol):
    """Where draws come from: the same seed, the same draws."""

    def random(self) -> float: ...


@dataclass(frozen=True, slots=True)
class TradeFigures:
    """What trades came to. Returns are fractions of the premium; interval: of the average, None below two blocks."""

    trades: int
    won: int
    average_return: float
    median_return: float
    average_interval: Interval | None


@dataclass(frozen=True, slots=True)
class CurveFigures:
    """What an account's value did. drawdown: deepest fall below an earlier high, as an amount and a share of that high.

    sharpe: a year's, against cash that earns nothing; None where the value never moved or there are too few looks.
    """

    gain: int
    drawdown: int
    drawdown_share: float
    sharpe: float | None
    sharpe_interval: Interval | None


def trade_figures(returns: Sequence[float], block: int, chance: Chance) -> TradeFigures | None:
    """Describe the returns of trades in the order they were opened; None when there is none.

    block: trades that were open at the same time, so that they share what moved the price.
    """
    if not returns:
        return None
    return TradeFigures(
        trades=len(returns),
        won=sum(value > 0 for value in returns),
        average_return=math.fsum(returns) / len(returns),
        median_return=median(returns),
        average_interval=mean_interval(returns, block, chance),
    )


def curve_figures(values: Sequence[int], days: float, block: int, chance: Chance) -> CurveFigures:
    """Describe an account's values (base units, at about even distances over `days`), the first its beginning."""
    changes = [after - before for before, after in pairwise(values)]
    depth, share = drawdown(values)
    per_year = len(changes) / days * DAYS_A_YEAR if days > 0 else 0.0
    return CurveFigures(
        gain=values[-1] - values[0] if values else 0,
        drawdown=depth,
        drawdown_share=share,
        sharpe=_sharpe(math.fsum(changes), math.fsum(c * c for c in changes), len(changes), per_year),
        sharpe_interval=_resampled(
            changes, block, chance, lambda total, squares, count: _sharpe(total, squares, count, per_year)
        ),
    )


def mean_interval(values: Sequence[float], block: int, chance: Chance) -> Interval | None:
    """Return where the mean lies with CONFIDENCE; None when the values are not at least two blocks."""
    return _resampled(values, block, chance, lambda total, _, count: total / count)


def drawdown(values: Sequence[int]) -> tuple[int, float]:
    """Return the deepest fall below an earlier high: its amount, and the largest as a share of its high."""
    highs = list(accumulate(values, max))
    falls = [(high - value, high) for high, value in zip(highs, values, strict=True)]
    amount = max((fall for fall, _ in falls), default=0)
    return amount, max((fall / high for fall, high in falls if high > 0), default=0.0)


def _sharpe(total: float, squares: float, count: int, per_year: float) -> float | None:
    if count < 2:
        return None
    mean = total / count
    variance = (squares - count * mean * mean) / (count - 1)
    if variance <= 1e-9 * max(1.0, squares / count):
        return None
    return mean / math.sqrt(variance) * math.sqrt(per_year)


def _resampled(
    values: Sequence[float], block: int, chance: Chance, statistic: Callable[[float, float, int], float | None]
) -> Interval | None:
    """Draw circular blocks and return the middle CONFIDENCE of a statistic of (sum, sum of squares, count)."""
    count = len(values)
    block = max(1, block)
    if count < 2 * block or count < 2:
        return None
    around = [*values, *values[:block]]
    sums = list(accumulate(around, initial=0.0))
    squares = list(accumulate((value * value for value in around), initial=0.0))
    blocks = -(-count // block)
    short = count - (blocks - 1) * block
    draw = chance.random
    found: list[float] = []
    for _ in range(RESAMPLES):
        total = square = 0.0
        for number in range(blocks):
            start = int(draw() * count)
            end = start + (block if number < blocks - 1 else short)
            total += sums[end] - sums[start]
            square += squares[end] - squares[start]
        value = statistic(total, square, count)
        if value is not None:
            found.append(value)
    return _middle(sorted(found)) if len(found) >= RESAMPLES // 2 else None


def _middle(ordered: Sequence[float]) -> Interval:
    tail = round((1 - CONFIDENCE) / 2 * (len(ordered) - 1))
    return ordered[tail], ordered[-1 - tail]
