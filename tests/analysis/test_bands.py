"""The RSI/Bollinger rule, held to its definition and to a loop that does one candle after the other."""

import math
import random
from itertools import pairwise
from statistics import fmean, pstdev

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bethna_cli.analysis import band_trades
from bethna_cli.analysis.band_trades import BandRule, CandleTrade, candle_trades
from bethna_cli.analysis.bands import bands, relative_strength, signal

Candles = tuple[list[float], list[float], list[float], list[float]]


def walk(seed: int, hours: int, volatility: float = 0.01) -> Candles:
    chance = random.Random(seed)
    closes = [100.0]
    for _ in range(hours):
        closes.append(closes[-1] * math.exp(chance.gauss(0, volatility)))
    opens = [close * math.exp(chance.gauss(0, volatility / 10)) for close in closes[:-1]]
    rest = closes[1:]
    highs = [max(pair) * (1 + chance.random() * volatility) for pair in zip(opens, rest, strict=True)]
    lows = [min(pair) * (1 - chance.random() * volatility) for pair in zip(opens, rest, strict=True)]
    return opens, highs, lows, rest


def rsi_by_definition(closes: list[float]) -> float:
    moves = [after - before for before, after in pairwise(closes[-15:])]
    total = sum(map(abs, moves))
    return 100 * sum(move for move in moves if move > 0) / total if total else math.nan


def test_rsi_and_bands_are_what_their_definitions_say() -> None:
    closes = walk(1, 300)[3]
    strength = relative_strength(np.array(closes))
    lower, upper = bands(np.array(closes))

    for at in range(25, 300, 7):
        seen = closes[: at + 1]
        middle, deviation = fmean(seen[-20:]), pstdev(seen[-20:])
        assert strength[at] == pytest.approx(rsi_by_definition(seen), rel=1e-9)
        assert lower[at] == pytest.approx(middle - 2 * deviation, rel=1e-9)
        assert upper[at] == pytest.approx(middle + 2 * deviation, rel=1e-9)


def test_there_is_nothing_to_say_before_there_are_enough_candles() -> None:
    closes = walk(1, 40)[3]

    assert np.isnan(relative_strength(np.array(closes))[:14]).all()
    assert np.isnan(bands(np.array(closes))[0][:19]).all()
    assert signal(closes[:20]) == signal([]) == 0


def test_a_fall_through_the_lower_band_is_a_call_and_its_mirror_a_put() -> None:
    calm = [100 + 0.1 * (n % 2) for n in range(20)]

    assert signal([*calm, 99, 98, 97, 95, 90]) == 1
    assert signal([*calm, 101, 102, 103, 105, 110]) == -1
    assert signal([*calm, 100]) == 0
    assert signal([100.0] * 30) == 0


@given(st.integers(0, 10_000))
def test_the_last_candles_alone_decide(seed: int) -> None:
    closes = walk(seed, 60, 0.03)[3]

    assert signal(closes) == signal(closes[-21:])


def one_after_the_other(candles: Candles, rule: BandRule) -> list[CandleTrade]:
    """The rule as a loop over candles that knows nothing but what came before."""
    opens, highs, lows, closes = candles
    strength, (lower, upper) = relative_strength(np.array(closes)), bands(np.array(closes))
    trades: list[CandleTrade] = []
    held: tuple[int, int, float, float] | None = None
    entering = leaving = 0
    for at in range(len(closes)):
        if held and leaving:
            trades.append(CandleTrade(held[0], held[1], at, opens[held[1]], opens[at]))
            held = None
        if not held and entering:
            reach = [1 - entering * rule.stop_loss, 1 + entering * rule.take_profit]
            held = (entering, at, *(closes[at - 1] * share for share in reach))
        entering = leaving = 0
        if held:
            side, since, stop, goal = held
            worse, better = (min, max) if side > 0 else (max, min)
            if (lows[at] <= stop) if side > 0 else (highs[at] >= stop):
                trades.append(CandleTrade(side, since, at, opens[since], worse(stop, opens[at])))
                held = None
            elif (highs[at] >= goal) if side > 0 else (lows[at] <= goal):
                trades.append(CandleTrade(side, since, at, opens[since], better(goal, opens[at])))
                held = None
            else:
                leaving = int((strength[at] > 50) if side > 0 else (strength[at] < 50))
        if not held and closes[at] < lower[at] and strength[at] < 30:
            entering = 1
        elif not held and closes[at] > upper[at] and strength[at] > 70:
            entering = -1
    return trades


@given(st.integers(0, 10_000), st.sampled_from([0.002, 0.01, 0.03]))
def test_candle_trades_are_those_of_a_loop_that_looks_at_one_candle_after_the_other(seed: int, size: float) -> None:
    candles = walk(seed, 400, 0.01)
    rule = BandRule(stop_loss=size, take_profit=2 * size)

    assert candle_trades(*map(np.array, candles), rule) == one_after_the_other(candles, rule)


def test_positions_do_not_overlap_and_begin_after_their_signal() -> None:
    candles = walk(3, 5_000)
    trades = candle_trades(*map(np.array, candles), BandRule())

    assert len(trades) > 50
    assert {trade.side for trade in trades} == {1, -1}
    assert all(before.exit <= after.entry for before, after in pairwise(trades))


def test_how_many_candles_are_looked_at_together_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    candles = tuple(map(np.array, walk(3, 5_000)))
    together = candle_trades(*candles, BandRule())
    monkeypatch.setattr(band_trades, "BATCH", 50)

    assert candle_trades(*candles, BandRule()) == together


def test_a_market_without_a_signal_and_one_that_only_falls_are_no_trouble() -> None:
    flat, falling = np.full(300, 100.0), 100 * 0.999 ** np.arange(300)

    assert candle_trades(flat, flat, flat, flat, BandRule()) == []
    trades = candle_trades(falling, falling, falling, falling, BandRule())
    assert trades == one_after_the_other((falling.tolist(),) * 4, BandRule())
