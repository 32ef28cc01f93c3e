"""One tick of Gamma over many positions, store included, against a loop over positions with scalar prices.

Run it with `python benchmarks/monitor.py`. The whole tick of `flow.guard` runs, with the real rules and the real store
on disk (WAL, synchronous=FULL); only the market is a function, and no exit is signed, so that nothing is sent. The peer
is what one would write first: for each position price its option, compare its limits, keep the verdict; it stores
nothing. It exits 1 when the two differ in a value or in a verdict.
"""

import asyncio
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import NamedTuple

from bethna_cli.adapters.mandates import SqliteMandates
from bethna_cli.adapters.watchbook import SqliteWatchbook
from bethna_cli.domain.chain import Address, Hash
from bethna_cli.domain.guarding import Confirmation, ExitRules, Reaction
from bethna_cli.domain.market import Asset, Candle, OptionBoard, Origin, PriceHistory, Provenance, SpotPrice
from bethna_cli.domain.options import OptionKind, OptionQuote, QuoteGreeks
from bethna_cli.domain.position import Depth, OptionTerms, Position, PositionState
from bethna_cli.domain.units import Bps, Contracts, PriceE8
from bethna_cli.flow.gauge import Gauging
from bethna_cli.flow.guard import Memory, Ticked, tick
from bethna_cli.flow.lookout import GuardDesk, MarketDesk
from bethna_cli.options.black import SECONDS_PER_YEAR
from bethna_cli.risk.chances import worth
from bethna_cli.risk.exits import Strictness, stop_value, target_value
from bethna_cli.risk.volatility import Smiles, smiles_of

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
USER = Address("0x" + "11" * 20)
OPTIONS = 1_000
IV = 0.6
GOAL_MS = 50.0
COMPARED = 100_000
ROUNDS = {10_000: 15, COMPARED: 9, 1_000_000: 5}
"""How many positions, and how many ticks of them are timed."""

SPOTS = {Asset.ETH: 3_000.0, Asset.BTC: 90_000.0}
STEP = 0.00005
"""How far prices move between two ticks: some dozens of 100,000 positions cross a limit."""


@dataclass
class Market:
    """Prices that go to and fro, and a flat surface."""

    at: datetime = NOON
    name: str = "made up"

    def now(self) -> datetime:
        return self.at

    def step(self) -> None:
        self.at += timedelta(seconds=60)

    def usd(self, asset: Asset) -> float:
        is_up = int((self.at - NOON).total_seconds() // 60) % 2
        return SPOTS[asset] * (1 + STEP * is_up)

    async def spot(self, asset: Asset) -> SpotPrice:
        value = Decimal(str(self.usd(asset)))
        return SpotPrice(asset, value, None, Provenance(self.name, self.at, Origin.SIMULATED))

    async def board(self, asset: Asset) -> OptionBoard:
        return OptionBoard(asset, tuple(self.quotes(asset)), {}, Provenance(self.name, self.at, Origin.SIMULATED))

    async def history(self, asset: Asset, hours: int) -> PriceHistory:
        chance, closes = random.Random(asset), [self.usd(asset)]
        for _ in range(hours):
            closes.append(closes[-1] * (1 + chance.gauss(0.0, 0.006)))
        first = NOON - timedelta(hours=hours)
        candles = tuple(
            Candle(first + timedelta(hours=hour), close, close, close, close) for hour, close in enumerate(closes)
        )
        return PriceHistory(asset, candles, Provenance(self.name, self.at, Origin.SIMULATED))

    def quotes(self, asset: Asset) -> Sequence[OptionQuote]:
        days, steps = (7, 14, 30, 60), range(14, 28)
        return [self._quote(Decimal(round(SPOTS[asset] * step / 20)), day) for day in days for step in steps]

    def _quote(self, strike: Decimal, days: int) -> OptionQuote:
        expiry, greeks = NOON + timedelta(days=days), QuoteGreeks(IV, 0.5)
        return OptionQuote("", OptionKind.CALL, (strike,), expiry, PriceE8(1), Contracts(1), self.at, "", greeks)


class Held:
    """`Positions`, as far as a tick asks for them."""

    def __init__(self, positions: Sequence[Position]) -> None:
        self._positions = list(positions)

    def all(self, *, only_open: bool = False) -> list[Position]:  # noqa: ARG002 (all of them are)
        return self._positions


def made_up_positions(count: int) -> list[Position]:
    chance = random.Random(7)
    terms = []
    for number in range(OPTIONS):
        asset = (Asset.ETH, Asset.BTC)[number % 2]
        kind = list(OptionKind)[number % 4]
        low = round(SPOTS[asset] * chance.uniform(0.8, 1.2))
        strikes = (Decimal(low), Decimal(round(low * 1.1))) if kind.is_spread else (Decimal(low),)
        expiry = NOON + timedelta(days=chance.choice((7, 14, 30, 60)))
        terms.append(OptionTerms(asset, kind, strikes, expiry, f"{asset}-{number}"))
    return [_position(number, chance.choice(terms), chance) for number in range(count)]


def _position(number: int, terms: OptionTerms, chance: random.Random) -> Position:
    contracts = chance.randrange(10_000, 5_000_000)
    years = (terms.expires_at - NOON).total_seconds() / SECONDS_PER_YEAR
    cost = max(1, int(worth(terms, SPOTS[terms.asset], IV, years) * contracts * chance.uniform(0.4997, 2.0015)))
    name = Hash(f"0x{number:064x}")
    token = Address(f"0x{hash(terms) % 2**160:040x}")
    state, depth = PositionState.OPEN, Depth.FINAL
    return Position(
        8453, name, 0, USER, USER, token, terms, contracts, cost, NOON, 1, name, contracts, (), state, depth
    )  # fmt: skip


RULES = ExitRules(Bps(5_000), Bps(10_000), decay=Reaction.OFF, iv=Reaction.OFF, expiry=Reaction.OFF)


def naive(positions: Sequence[Position], market: Market, smiles: dict[Asset, Smiles]) -> tuple[list[int], set[str]]:
    """Value and judge position by position."""
    values, sells = [], set()
    now = market.now()
    for one in positions:
        terms = one.terms
        seconds = (terms.expires_at - now).total_seconds()
        iv = smiles[terms.asset].at(float(terms.strikes[0]), terms.expires_at.timestamp(), now.timestamp())
        value = int(
            max(0.0, worth(terms, market.usd(terms.asset), iv, seconds / SECONDS_PER_YEAR)) * one.contracts_left
        )
        values.append(value)
        if value <= stop_value(one.cost_left, 5_000) or value >= target_value(one.cost_left, 10_000):
            sells.add(one.id)
    return values, sells


class Spent(NamedTuple):
    """Milliseconds, by the clock on the wall and by the processor's: others may be at work on this machine."""

    wall: float
    cpu: float

    def __str__(self) -> str:
        return f"{self.wall:,.1f} ms by the wall, {self.cpu:,.1f} ms of processor time"


def spent(work: Callable[[], object], rounds: int) -> Spent:
    """Return the medians of some rounds of work."""
    walls, cpus = [], []
    for _ in range(rounds):
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        walls.append((time.perf_counter() - wall) * 1e3)
        cpus.append((time.process_time() - cpu) * 1e3)
    return Spent(statistics.median(walls), statistics.median(cpus))


class Watch:
    """A watcher over positions, with its store in a folder."""

    def __init__(self, positions: Sequence[Position], folder: Path) -> None:
        self.market = Market()
        self.positions = positions
        self.watchbook = SqliteWatchbook.open(folder / "bench.db")
        self.desk = GuardDesk(
            account=USER,
            market=MarketDesk((self.market,), self.market, self.market),  # type: ignore[arg-type]
            positions=Held(positions),  # type: ignore[arg-type]
            watchbook=self.watchbook,
            mandates=SqliteMandates.open(folder / "bench.db"),
            journal=None,  # type: ignore[arg-type]
            chain=None,  # type: ignore[arg-type]
            evidence=None,  # type: ignore[arg-type]
            clock=self.market,
            read_on=_nothing,
            note_fill=_nothing,
            exits=None,
            watcher=None,
            defaults=RULES,
            strictness=Strictness(Confirmation.LOOKS),
        )
        self.memory = Memory(self.watchbook.start(USER, 1, 60.0))
        self.gauging = Gauging((self.market,))
        self.loop = asyncio.new_event_loop()
        self.last: Ticked | None = None

    def tick(self) -> Ticked:
        self.market.step()
        self.last = self.loop.run_until_complete(tick(self.desk, self.memory))
        return self.last

    def gauge(self, *, afresh: bool = False) -> None:
        """Reckon what the last tick's positions risk, and keep it."""
        assert self.last is not None
        if afresh:
            self.gauging = Gauging((self.market,))
        self.loop.run_until_complete(self.gauging.turn(self.desk, self.memory.token, self.last))

    def naive(self, step: int = 1) -> tuple[list[int], set[str]]:
        """Have the peer value and judge every so many positions."""
        smiles = {asset: smiles_of(self.market.quotes(asset)) for asset in SPOTS}
        return naive(self.positions[::step], self.market, smiles)

    def agrees(self) -> bool:
        """Say whether the last tick and the peer value alike, to a base unit, and want the same sold.

        Some ten thousand positions are compared: the peer is slow.
        """
        ticked = self.last
        assert ticked is not None
        assert ticked.assessment is not None
        step = max(1, len(self.positions) // 10_000)
        values, sells = self.naive(step)
        ours = ticked.assessment.values.tolist()[::step]
        rows = [one.row for one in ticked.assessment.decisions if one.decision.rule is not None and one.row % step == 0]
        is_close = all(abs(one - other) <= max(1, one // 10**9) for one, other in zip(ours, values, strict=True))
        return is_close and {self.positions[row].id for row in rows} == sells


async def _nothing(*_: object) -> None:
    """There is no chain here."""


def main() -> int:
    agrees, ticks = True, dict[int, Spent]()
    for count, rounds in ROUNDS.items():
        with tempfile.TemporaryDirectory() as folder:
            watch = Watch(made_up_positions(count), Path(folder))
            watch.tick()  # the first tick makes the columns and remembers each position
            ticks[count] = spent(watch.tick, rounds)
            agrees &= watch.agrees()
            assert watch.last is not None
            assert watch.last.assessment is not None
            looks = len(watch.last.assessment.decisions)
            print(f"{count:>9,} positions in {OPTIONS:,} distinct options: one tick, store included, {ticks[count]}")
            print(f"{'':>9} {looks:,} needed a closer look in the last tick")
            gauging = spent(watch.gauge, rounds)
            afresh = spent(partial(watch.gauge, afresh=True), 1)
            print(f"{'':>9} the portfolio after it, kept too: {gauging}; with a new value at risk {afresh}")
            if count == COMPARED:
                loop = spent(watch.naive, 1)
                times = loop.cpu / ticks[count].cpu
                print(f"{'':>9} a scalar loop that stores nothing: {loop}, {times:.0f} times as long")
    print(f"goal: {GOAL_MS:g} ms at {COMPARED:,}, and linear from there; of processor time per position:")
    for count, one in ticks.items():
        share = one.cpu / count / (ticks[COMPARED].cpu / COMPARED)
        print(f"{count:>9,} {one.cpu / count * 1e6:8.0f} ns   {share:5.2f} x that at {COMPARED:,}")
    print("answers agree" if agrees else "ANSWERS DIFFER")
    return 0 if agrees else 1


if __name__ == "__main__":
    sys.exit(main())
