"""A candle-only backtest of the RSI/Bollinger rule on 26,000 hourly candles: bethna against backtesting.py.

Run: python benchmarks/backtest.py [ROUNDS] [--data DIR]. Seeded candles; both trade the same rule with the same stop
and goal, and every trade (side, candles and prices of entry and exit) is compared. bethna's time is from arrays of
prices to the list of trades, indicators included; the peer's is `Backtest.run()`, data frame built beforehand,
statistics included, as it always computes them. Goal: 6 million candles a second or more.
Peer: pip install 'backtesting==0.6.6'

--data DIR also times `bethna backtest` over all recorded ETH chains of DIR, a whole process, and its peak memory over a
quarter, a half and all of them: a quarter of the decision points may not need less than the whole. Goal: 20 s.
"""

import json
import math
import random
import resource
import statistics
import subprocess
import sys
import time
import warnings

import numpy as np

from bethna_cli.analysis.band_trades import BandRule, CandleTrade, candle_trades
from bethna_cli.analysis.bands import BAND_SPAN, BAND_WIDTH, MIDDLE, OVERBOUGHT, OVERSOLD, RSI_SPAN

try:
    import pandas as pd
    from backtesting import Backtest, Strategy
except ImportError as missing:
    sys.exit(f"The peer is missing ({missing}): pip install 'backtesting==0.6.6'")

CANDLES = 26_000
GOAL_PER_S = 6_000_000
RULE = BandRule()
MEASURED = """
import resource, sys
from bethna_cli.cli.app import run
code = run(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)
sys.exit(code)
"""
Columns = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


class Peer(Strategy):
    """The same rule in the peer's words."""

    def init(self) -> None:
        closes = pd.Series(self.data.Close)
        moves = closes.diff()
        gained, moved = moves.clip(lower=0).rolling(RSI_SPAN).sum(), moves.abs().rolling(RSI_SPAN).sum()
        middle, deviation = closes.rolling(BAND_SPAN).mean(), closes.rolling(BAND_SPAN).std(ddof=0)
        self.strength = self.I(lambda: 100 * gained / moved)
        self.lower = self.I(lambda: middle - BAND_WIDTH * deviation)
        self.upper = self.I(lambda: middle + BAND_WIDTH * deviation)

    def next(self) -> None:
        close, strength = self.data.Close[-1], self.strength[-1]
        if self.position:
            if (strength > MIDDLE) if self.position.is_long else (strength < MIDDLE):
                self.position.close()
        elif close < self.lower[-1] and strength < OVERSOLD:
            self.buy(size=1, sl=close * (1 - RULE.stop_loss), tp=close * (1 + RULE.take_profit))
        elif close > self.upper[-1] and strength > OVERBOUGHT:
            self.sell(size=1, sl=close * (1 + RULE.stop_loss), tp=close * (1 - RULE.take_profit))


def main() -> None:
    numbers = [word for word in sys.argv[1:] if word.isdigit()]
    rounds = int(numbers[0]) if numbers else 50
    columns = market(seed=1)
    peer = Backtest(frame(columns), Peer, cash=1e9, finalize_trades=False)
    ours, used, theirs = [], [], []
    for number in range(rounds):
        started, at_work = time.perf_counter(), time.thread_time()
        trades = candle_trades(*columns, RULE)
        ours.append(time.perf_counter() - started)
        used.append(time.thread_time() - at_work)
        if number < 5:
            started = time.perf_counter()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found = peer.run()
            theirs.append(time.perf_counter() - started)
    same(trades, found["_trades"])
    mine, other = statistics.median(ours), statistics.median(theirs)
    quarters = statistics.quantiles(ours, n=4)
    rates = [CANDLES / took / 1e6 for took in (mine, quarters[2], quarters[0], other)]
    print(f"{CANDLES:,} candles, {len(trades):,} trades, every one the same")
    print(f"bethna {1000 * mine:.2f} ms, {rates[0]:.1f} M candles/s (quartiles {rates[1]:.1f} to {rates[2]:.1f})")
    at_work = statistics.median(used)
    busy = f"{1000 * at_work:.2f} ms of processor time, {CANDLES / at_work / 1e6:.1f} M candles/s"
    print(f"  on a machine that does nothing else: {busy}")
    print(f"backtesting.py {1000 * other:.0f} ms, {rates[3]:.3f} M candles/s; ratio {other / mine:.0f}")
    print(f"goal {GOAL_PER_S / 1e6:g} M candles/s: {'met' if CANDLES / mine >= GOAL_PER_S else 'MISSED'}")


def whole(folder: str) -> None:
    """Run the command over a quarter, a half and all of the recorded days; print time and peak memory of each."""
    used = sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])
    for ends in ("2026-02-10", "2026-03-24", "2026-06-14"):
        command = [sys.executable, "-c", MEASURED, "backtest", "--data", folder, "--to", ends, "--json"]
        started = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        took, before = time.perf_counter() - started, used
        used = sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])
        moments, peak_kb = json.loads(done.stdout)["moments"], int(done.stderr.splitlines()[-1])
        spent = f"{took:.1f} s ({used - before:.1f} s of processor time)"
        print(f"bethna backtest, {moments} decision points: {spent}, peak memory {peak_kb / 1024:.0f} MB")
    print(f"goal 20 s: {'met' if took <= 20 else 'MISSED'}")


def market(seed: int) -> Columns:
    """Candles of a price that moves about 80 % a year in calm and wild spells, to whole cents."""
    chance = random.Random(seed)
    rows, price, size = [], 2_000.0, 0.008
    for _ in range(CANDLES):
        size = min(0.03, max(0.003, size * math.exp(chance.gauss(0, 0.05))))
        opened = round(price * math.exp(chance.gauss(0, size / 20)), 2)
        price = round(opened * math.exp(chance.gauss(0, size)), 2)
        high = round(max(opened, price) * (1 + abs(chance.gauss(0, size / 2))), 2)
        low = round(min(opened, price) * (1 - abs(chance.gauss(0, size / 2))), 2)
        rows.append((opened, high, low, price))
    opens, highs, lows, closes = np.array(rows).T.copy()
    return opens, highs, lows, closes


def frame(columns: Columns) -> "pd.DataFrame":
    names = ("Open", "High", "Low", "Close")
    index = pd.date_range("2021-01-01", periods=CANDLES, freq="h")
    return pd.DataFrame(dict(zip(names, columns, strict=True)), index=index)


def same(trades: list[CandleTrade], peers: "pd.DataFrame") -> None:
    """Compare every trade, in the order of entry."""
    peers = peers.sort_values("EntryBar")
    wanted = list(zip(peers.Size, peers.EntryBar, peers.ExitBar, peers.EntryPrice, peers.ExitPrice, strict=True))
    assert len(trades) == len(wanted), f"{len(trades)} trades, the peer has {len(wanted)}"
    for mine, other in zip(trades, wanted, strict=True):
        close = all(math.isclose(a, b, rel_tol=1e-9) for a, b in zip(mine[3:], other[3:], strict=True))
        assert close, f"{mine} is not {other}"
        assert mine[:3] == tuple(int(value) for value in other[:3]), f"{mine} is not {other}"


if __name__ == "__main__":
    main()
    if "--data" in sys.argv:
        whole(sys.argv[sys.argv.index("--data") + 1])
