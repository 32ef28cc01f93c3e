"""A watcher that runs for a week: memory and open files stay as they are, and one mistake ends nothing."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from bethna_cli.adapters.alerts import SqliteAlerts
from bethna_cli.adapters.log_file import FILE_BYTES, OLD_FILES, open_log
from bethna_cli.domain.alert import KeptAlert
from bethna_cli.domain.errors import SourceUnavailable
from bethna_cli.domain.market import Asset, OptionBoard, Origin, Provenance, SpotPrice
from bethna_cli.flow.gauge import Gauging
from bethna_cli.flow.guard import Ticked
from bethna_cli.flow.lookout import GuardDesk, MarketDesk
from bethna_cli.flow.watch import Rounds, keep_watching
from bethna_cli.ports import Clock
from execution_desk import Market
from guard_desk import NEVER, Guarded, Watch, two_expiries  # noqa: F401 (a fixture of this module)


@pytest.fixture
def guarded(market: Market) -> Guarded:
    made = Guarded(market, rules=NEVER)
    made.buy()
    return made


class Steady:
    """A market that always says the same: what costs time in the real one is not what may leak here."""

    name = "steady"

    def __init__(self, board: OptionBoard, price: SpotPrice, clock: Clock) -> None:
        self._board, self._price, self._clock = board, price, clock

    def _now(self) -> Provenance:
        return Provenance(self.name, self._clock.now(), Origin.SIMULATED)

    async def spot(self, asset: Asset) -> SpotPrice:
        return replace(self._price, asset=asset, provenance=self._now())

    async def board(self, asset: Asset) -> OptionBoard:
        return replace(self._board, asset=asset, provenance=self._now())


async def steadied(watch: Watch) -> GuardDesk:
    """Return the watch's desk with a steady market and a chain that has no news."""
    real, clock = watch.desk.market, watch.desk.clock
    steady = Steady(await real.board.board(Asset.ETH), await real.spots[0].spot(Asset.ETH), clock)
    return replace(watch.desk, read_on=nothing, market=MarketDesk((steady,), steady, clock))  # type: ignore[arg-type]


async def watched(guarded: Guarded, ticks: int, said: list[str]) -> list[tuple[int, int]]:
    """Watch for so many ticks, a second apart for the market; return memory and open files after each hundredth."""
    used, stop, process = [], asyncio.Event(), psutil.Process()

    def counted(ticked: Ticked) -> None:
        said.append("; ".join(ticked.troubles))
        guarded.market.clock.advance(1)
        if len(said) % 100 == 0:
            used.append((process.memory_info().rss, process.num_fds()))
        if len(said) >= ticks:
            stop.set()

    with closing(SqliteAlerts.open(guarded.market.store)) as alerts:
        async with guarded.watch() as watch:
            rounds = Rounds(0.0, alerts, nothing, nothing, counted, said_nothing, reckoning(watch))
            await keep_watching(await steadied(watch), rounds, watch.memory, stop)
    return used


def reckoning(watch: Watch) -> Callable[[Ticked], Awaitable[object]]:
    """What a watcher reckons after each look, without histories."""
    gauging = Gauging(())
    return lambda ticked: gauging.turn(watch.desk, watch.memory.token, ticked)


async def nothing() -> None:
    """There is nothing else to do."""


def said_nothing(_: str) -> None:
    """Take no notice."""


@pytest.mark.parametrize("ticks", [500, pytest.param(10_000, marks=[pytest.mark.slow, pytest.mark.timeout(3600)])])
def test_memory_and_open_files_stay_as_they_are(guarded: Guarded, ticks: int):
    said: list[str] = []

    (first, files), *_, (last, files_at_last) = asyncio.run(watched(guarded, ticks, said))

    assert len(said) == ticks
    assert set(said) == {""}
    assert files_at_last <= files
    print(f"{first / 2**20:.1f} MiB after 100 ticks, {last / 2**20:.1f} MiB after {ticks}")
    assert last <= 1.05 * first


def test_a_watch_goes_on_whatever_goes_wrong_beside_it(guarded: Guarded):
    failures: list[str] = []
    stop = asyncio.Event()

    async def broken() -> None:
        raise SourceUnavailable("rpc", "it is not there")

    async def mistaken() -> None:
        raise KeyError("a mistake")

    ticks: list[Ticked] = []

    def said(ticked: Ticked) -> None:
        ticks.append(ticked)
        guarded.market.clock.advance(timedelta(minutes=11).total_seconds())
        if len(ticks) == 3:
            stop.set()

    async def work() -> None:
        with closing(SqliteAlerts.open(guarded.market.store)) as alerts:
            async with guarded.watch() as watch:
                await keep_watching(
                    watch.desk,
                    Rounds(0.0, alerts, broken, mistaken, said, failures.append, reckoning(watch)),
                    watch.memory,
                    stop,
                )
            latest: list[KeptAlert] = alerts.latest(10)
            assert all(one.alert.kind != "watcher-late" for one in latest)

    asyncio.run(work())

    assert len(ticks) == 3
    assert "second look: rpc: it is not there" in failures
    assert "daily work: bethna made a mistake: KeyError" in failures


def test_the_log_is_bounded_and_private_and_a_full_disk_loses_lines_alone(tmp_path: Path):
    write = open_log(tmp_path / "watch.log")
    for _ in range(3):
        write("a line\x1b[31m of a stranger's")

    kept = (tmp_path / "watch.log").read_text()
    assert kept.count("a line") == 3
    assert "\x1b" not in kept
    assert (tmp_path / "watch.log").stat().st_mode & 0o777 == 0o600
    assert FILE_BYTES * (OLD_FILES + 1) <= 50_000_000
