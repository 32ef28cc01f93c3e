"""Exits under fire: watchers that are killed, started at once, or race each other and the person. One sale at most.

A killed watcher is a process of its own, forked where everything is loaded, so that its life is the tick alone; it
reaches the exchange over HTTP.
"""

import asyncio
import contextlib
import os
import random
import signal
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from bethna_cli.adapters.rpc_transport import Http
from bethna_cli.adapters.sim.rpc_server import rpc_app
from bethna_cli.adapters.watch_lock import WatchLock
from bethna_cli.adapters.watchbook import SqliteWatchbook
from bethna_cli.domain.embedded import PUBLIC_ACCOUNTS
from bethna_cli.domain.errors import TradeRefused
from bethna_cli.domain.guarding import ExitRule
from bethna_cli.domain.position import Position, PositionState
from bethna_cli.flow.exits import sell
from execution_desk import Market
from guard_desk import Guarded, Watch


@pytest.fixture
def guarded(market: Market) -> Guarded:
    made = Guarded(market)
    made.fund_watcher()
    return made


@pytest.fixture
def url(market: Market) -> Iterator[str]:
    server = uvicorn.Server(uvicorn.Config(rpc_app(market.exchange.node), port=0, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.005)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(10)


def in_child(work: Callable[[], None]) -> int:
    """Do `work` in a process of its own, and return its id."""
    child = os.fork()
    if child == 0:
        code = 1
        with contextlib.suppress(BaseException):
            work()
            code = 0
        os._exit(code)
    return child


def code_of(child: int) -> int:
    _, status = os.waitpid(child, 0)
    return -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def one_tick(guarded: Guarded, url: str) -> Callable[[], None]:
    """A watcher's life: recover, look once, act."""

    def work() -> None:
        guarded.market.transport = Http("rpc", url)  # type: ignore[assignment]
        guarded.ticks(1)

    return work


@pytest.mark.parametrize("rounds", [6, pytest.param(300, marks=[pytest.mark.slow, pytest.mark.timeout(7200)])])
def test_a_watcher_killed_at_any_moment_of_an_exit_sells_at_most_once(guarded: Guarded, url: str, rounds: int):
    chance, longest_s, killed = random.Random(rounds), 0.0, 0
    for number in range(rounds):
        position = guarded.buy(f"round {number}", 5_000_000)
        guarded.sign_exits(position, name=f"exits {number}")
        guarded.ticks(1)
        guarded.market.clock.advance(60)
        guarded.market.exchange.catch_up()

        began = time.monotonic()
        watcher = in_child(one_tick(guarded, url))
        if number:
            time.sleep(chance.uniform(0, longest_s))
            os.kill(watcher, signal.SIGKILL)
        killed += code_of(watcher) == -signal.SIGKILL
        longest_s = longest_s or time.monotonic() - began
        sold = len(guarded.sales())
        assert sold in (number, number + 1)
        guarded.market.clock.advance(60)
        guarded.ticks(2)
        assert len(guarded.sales()) == number + 1
        assert guarded.positions()[-1].state is PositionState.CLOSED

    print(f"{killed} of {rounds} watchers were killed within {longest_s:.2f} s")
    assert killed >= rounds // 3
    assert sum(sold for sold, _ in guarded.sales()) == sum(one.contracts for one in guarded.positions())
    with contextlib.closing(sqlite3.connect(guarded.market.store)) as db:
        assert db.execute("pragma integrity_check").fetchone() == ("ok",)


# ── races ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def raced(guarded: Guarded, position: Position, elsewhere: Path, chance: random.Random) -> None:
    """Let the stop-loss here, the take-profit on another machine, and the person's own sale go at once."""
    here, there = guarded, Guarded(_with_store(guarded.market, elsewhere))
    mandates = guarded.mandates(position)
    by_hand = guarded.sale_by_hand(position, f"by hand {position.id}")

    async def exit_by(watch: Watch, rule: ExitRule) -> None:
        await asyncio.sleep(chance.uniform(0, 0.02))
        assert watch.desk.exits is not None
        await sell(watch.desk.exits, position, rule, mandates, guarded.market.clock.now() + timedelta(minutes=2))

    async def close() -> None:
        await asyncio.sleep(chance.uniform(0, 0.02))
        await by_hand()

    async with here.watch() as first, there.watch() as second:
        await asyncio.gather(exit_by(first, ExitRule.STOP_LOSS), exit_by(second, ExitRule.TAKE_PROFIT), close())


def _with_store(market: Market, store: Path) -> Any:
    import copy

    other = copy.copy(market)
    other.store = store
    return other


@pytest.mark.parametrize("races", [6, pytest.param(1_000, marks=[pytest.mark.slow, pytest.mark.timeout(7200)])])
def test_of_stop_goal_and_the_persons_own_sale_one_happens(guarded: Guarded, tmp_path: Path, races: int):
    chance = random.Random(races)
    for number in range(races):
        position = guarded.buy(f"race {number}", 5_000_000)
        guarded.sign_exits(position, floor_share=0.1, name=f"race {number}")
        guarded.market.exchange.catch_up()

        asyncio.run(raced(guarded, position, tmp_path / "elsewhere.db", chance))

        guarded.market.clock.advance(30)
        guarded.market.exchange.catch_up()
        assert len(guarded.sales()) == number + 1
        assert guarded.sales()[-1][0] == position.contracts


@pytest.mark.parametrize("starts", [5, pytest.param(100, marks=[pytest.mark.slow, pytest.mark.timeout(1200)])])
def test_however_many_watchers_start_at_once_one_runs(tmp_path: Path, starts: int):
    chance = random.Random(starts)
    account, store = PUBLIC_ACCOUNTS["throwaway_wallet"], tmp_path / "sim.db"
    SqliteWatchbook.open(store).close()
    for _ in range(starts):
        go, leave = os.pipe(), os.pipe()
        said = os.pipe()

        def watcher(go: Any = go, leave: Any = leave, said: Any = said) -> None:
            os.read(go[0], 1)
            try:
                with WatchLock(tmp_path, "sim", account).held():
                    SqliteWatchbook.open(store).start(os.getpid(), 60.0)
                    os.write(said[1], b"R")
                    os.close(leave[1])
                    os.read(leave[0], 1)
            except TradeRefused as refused:
                os.write(said[1], b"N" if "watches these positions already" in refused.message else b"?")

        children = [in_child(watcher) for _ in range(chance.randint(2, 8))]
        os.write(go[1], b"x" * len(children))
        words = b""
        while len(words) < len(children):
            words += os.read(said[0], 16)
        os.close(leave[1])
        assert [code_of(child) for child in children] == [0] * len(children)
        assert sorted(words) == sorted(b"R" + b"N" * (len(children) - 1))
        for end in (*go, leave[0], *said):
            os.close(end)
    with contextlib.closing(sqlite3.connect(store)) as db:
        assert db.execute("select token from watcher").fetchone() == (starts,)
