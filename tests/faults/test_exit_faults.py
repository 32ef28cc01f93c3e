"""Exits under fire: watchers that are killed, started at once, or race each other and the person. One sale at most.

A killed watcher is a process of its own, forked where everything is loaded, so that its life is the tick alone; it
reaches the exchange over HTTP.
"""

import asyncio
import contextlib
import os
import random
import resource
import signal
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from bethna_cli.adapters.rpc_transport import Http, InProcess
from bethna_cli.adapters.sim.rpc_server import rpc_app
from bethna_cli.adapters.watch_lock import WatchLock
from bethna_cli.adapters.watchbook import SqliteWatchbook
from bethna_cli.domain.embedded import PUBLIC_ACCOUNTS
from bethna_cli.domain.errors import TradeRefused
from bethna_cli.domain.guarding import ExitFacts, ExitRule
from bethna_cli.domain.position import Position, PositionState
from bethna_cli.flow.exits import Leave, sell
from bethna_cli.risk.protection import ChainNow, cover_of
from execution_desk import Market
from guard_desk import WATCHER, Guarded, Watch, seen, two_expiries  # noqa: F401 (a fixture of this module)

SHARED_MEMORY, WAL_FRAME = 33_000, 4_120
"""Bytes that SQLite needs beside a store in use, and for each page that is written."""

REQUESTS_TO_SELL = 21
"""How many requests a look asks before its transaction leaves."""


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


class Steps:
    """Counts what leaves a process, every request and answer and perhaps every statement, and ends it at one of them.

    number: the signal that it gets there.
    """

    def __init__(self, last: int | None, number: signal.Signals = signal.SIGKILL) -> None:
        self.taken, self._last, self._number = 0, last, number

    def take(self, *_: object) -> None:
        self.taken += 1
        if self.taken == self._last:
            os.kill(os.getpid(), self._number)

    def count_statements(self) -> None:
        """Count every statement of the stores that this process opens from now on."""
        connect = sqlite3.connect

        def counted(*words: Any, **names: Any) -> sqlite3.Connection:
            db = connect(*words, **names)
            db.set_trace_callback(self.take)
            return db

        sqlite3.connect = counted  # type: ignore[assignment]


@dataclass
class CountedHttp:
    """A connection to the node on which a process can end before a request is sent and before its answer is read."""

    inner: Http
    steps: Steps

    async def exchange(self, body: bytes) -> bytes:
        self.steps.take()
        answer = await self.inner.exchange(body)
        self.steps.take()
        return answer

    async def aclose(self) -> None:
        await self.inner.aclose()


def one_life(guarded: Guarded, url: str, last_step: int | None = None) -> int | None:
    """Let a watcher recover, look once and act, in a process of its own. Returns its steps, None when it was killed."""
    said, steps = os.pipe(), Steps(last_step)

    def life() -> None:
        steps.count_statements()
        guarded.market.transport = CountedHttp(Http("rpc", url), steps)  # type: ignore[assignment]
        guarded.ticks(1)
        os.write(said[1], str(steps.taken).encode())

    code = code_of(in_child(life))
    os.close(said[1])
    with os.fdopen(said[0]) as words:
        counted = words.read()
    assert (code, bool(counted)) in ((0, True), (-signal.SIGKILL, False))
    return int(counted) if counted else None


def sent_by_the_watcher(guarded: Guarded) -> int:
    return int(guarded.market.ask("eth_getTransactionCount", WATCHER, "pending"), 16)


@pytest.mark.parametrize("kills", [15, pytest.param(300, marks=[pytest.mark.slow, pytest.mark.timeout(7200)])])
def test_a_watcher_killed_at_any_step_of_an_exit_sells_at_most_once(guarded: Guarded, url: str, kills: int):
    position = guarded.breached()
    broken = guarded.moment()
    guarded.ticks(1)  # so that every process knows the market of this minute
    broken = guarded.back_to(broken)
    steps = one_life(guarded, url)
    assert steps is not None
    chance, killed, sold_before_the_end = random.Random(kills), 0, 0

    while killed < kills:
        broken = guarded.back_to(broken)
        for _ in range(3):  # what was killed is started again at once, and may be killed again
            was_killed = one_life(guarded, url, chance.randint(1, steps)) is None
            killed += was_killed
            if not was_killed:
                break
        assert len(guarded.sales()) <= 1
        sold_before_the_end += len(guarded.sales())
        guarded.market.clock.advance(60)
        guarded.ticks(2)
        assert [sold for sold, _ in guarded.sales()] == [position.contracts]
        assert [one.state for one in guarded.positions()] == [PositionState.CLOSED]
        assert seen(guarded.alerts()).count("sold-stop-loss") == 1
        with contextlib.closing(sqlite3.connect(guarded.market.store)) as db:
            assert db.execute("pragma integrity_check").fetchone() == ("ok",)

    print(
        f"{killed} kills over {steps} steps in {guarded.returns - 2} exits, {sold_before_the_end} of them sold by then"
    )


@pytest.mark.parametrize("stops", [4, pytest.param(100, marks=[pytest.mark.slow, pytest.mark.timeout(3600)])])
def test_a_watcher_that_is_stopped_and_goes_on_after_another_took_over_sends_nothing(
    guarded: Guarded, url: str, stops: int
):
    position, chance, silent = guarded.breached(), random.Random(stops), 0
    start, node = guarded.moment(), guarded.market.transport
    guarded.ticks(1)
    for _ in range(stops):
        start = guarded.back_to(start)

        def life(last: int = chance.randint(1, 2 * REQUESTS_TO_SELL)) -> None:
            steps = Steps(last, signal.SIGSTOP)
            guarded.market.transport = CountedHttp(Http("rpc", url), steps)  # type: ignore[assignment]
            guarded.ticks(1)

        sleeper = in_child(life)
        _, status = os.waitpid(sleeper, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        guarded.market.transport = node
        guarded.ticks(1)
        before = sent_by_the_watcher(guarded)

        os.kill(sleeper, signal.SIGCONT)
        code = code_of(sleeper)

        if before:  # the other one has acted
            silent += 1
            assert code == 1  # WatcherReplaced
            assert sent_by_the_watcher(guarded) == before
        guarded.market.clock.advance(60)
        guarded.ticks(2)
        assert [sold for sold, _ in guarded.sales()] == [position.contracts]
        assert sent_by_the_watcher(guarded) == 1
    print(f"{stops} stops, in {silent} of them the other watcher had sold before the first went on")
    assert silent


@pytest.mark.parametrize("fills", [5, pytest.param(100, marks=[pytest.mark.slow, pytest.mark.timeout(3600)])])
def test_a_disk_that_is_full_at_any_moment_of_an_exit_sends_nothing_that_is_not_journaled(
    guarded: Guarded, url: str, fills: int
):
    position, chance, stopped, sold = guarded.breached(), random.Random(fills), 0, 0
    start, node = guarded.moment(), guarded.market.transport
    guarded.ticks(1)
    for _ in range(fills):
        start = guarded.back_to(start)

        def life(room: int = chance.randrange(SHARED_MEMORY, SHARED_MEMORY + 30 * WAL_FRAME)) -> None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))  # no file can become longer: writes fail
            guarded.market.transport = Http("rpc", url)  # type: ignore[assignment]
            guarded.ticks(1)

        stopped += code_of(in_child(life)) != 0
        with contextlib.closing(sqlite3.connect(guarded.market.store)) as db:
            journaled = {row[0] for row in db.execute("select hash from transactions")}
        sent = sent_by_the_watcher(guarded)
        sold += sent
        assert not sent or len(journaled) > 1  # the purchase is one
        guarded.market.transport = node
        guarded.market.clock.advance(60)
        guarded.ticks(2)
        assert [one for one, _ in guarded.sales()] == [position.contracts]
        assert seen(guarded.alerts()).count("sold-stop-loss") == 1
        with contextlib.closing(sqlite3.connect(guarded.market.store)) as db:
            assert db.execute("pragma integrity_check").fetchone() == ("ok",)
    print(f"{fills} full disks: {stopped} stopped the look loudly, {sold} sales were on their way by then")
    assert stopped


# ── races ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class Dawdling:
    """A connection to the node on which an answer takes so many turns that any of the racers may overtake."""

    inner: InProcess
    chance: random.Random

    async def exchange(self, body: bytes) -> bytes:
        await some_turns(self.chance.randint(0, 8))
        return await self.inner.exchange(body)

    async def aclose(self) -> None:
        await self.inner.aclose()


async def some_turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def raced(here: Guarded, there: Guarded, position: Position, chance: random.Random) -> None:
    """Let the stop-loss here, the take-profit on another machine, and the person's own sale go at once."""
    soon = here.market.clock.now() + timedelta(minutes=2)
    cover = cover_of(
        position,
        here.mandates(position),
        ExitFacts(position.contracts, position.contracts, is_nonce_used=False),
        ChainNow(int(soon.timestamp()), WATCHER, None),
    )
    by_hand = here.sale_by_hand(position, "by hand")

    async def exit_by(watch: Watch, rule: ExitRule) -> None:
        assert watch.desk.exits is not None
        await some_turns(chance.randint(0, 100))
        await sell(watch.desk.exits, position, rule, cover, Leave(soon, lambda: None))

    async def close() -> None:
        await some_turns(chance.randint(0, 300))  # it has less to ask than an exit has
        await by_hand()

    async with here.watch() as first, there.watch() as second:
        await asyncio.gather(exit_by(first, ExitRule.STOP_LOSS), exit_by(second, ExitRule.TAKE_PROFIT), close())


@pytest.mark.parametrize("races", [50, pytest.param(1_000, marks=[pytest.mark.slow, pytest.mark.timeout(7200)])])
def test_of_stop_goal_and_the_persons_own_sale_one_happens(guarded: Guarded, tmp_path: Path, races: int):
    position = guarded.buy("a purchase", 5_000_000)
    signed = {one.digest: one.kind.value for one in guarded.sign_exits(position, floor_share=0.1)}
    start, winners, chance = guarded.moment(), Counter[str](), random.Random(races)
    guarded.market.transport = Dawdling(guarded.market.transport.inner, chance)  # type: ignore[assignment]
    for number in range(races):
        start = guarded.back_to(start)
        elsewhere = copy(guarded.market)
        elsewhere.store = tmp_path / f"elsewhere-{number}.db"

        asyncio.run(raced(guarded, replace(guarded, market=elsewhere), position, chance))

        guarded.market.clock.advance(30)
        guarded.market.exchange.catch_up()
        assert [sold for sold, _ in guarded.sales()] == [position.contracts]
        winners[signed.get(guarded.market.executions()[-1], "by hand")] += 1
    print(f"{races} races: {dict(winners)}")
    assert set(winners) == {*signed.values(), "by hand"}


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
                    SqliteWatchbook.open(store).start(account, os.getpid(), 60.0)
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
        assert db.execute("select token from watchers").fetchone() == (starts,)
