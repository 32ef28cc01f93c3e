"""kill -9 at any moment of approving, journaling, sending and waiting: nothing is done twice, nothing is lost."""

import contextlib
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn

from bethna_cli.adapters.abi import artifact, hash_text
from bethna_cli.adapters.option_book import route_data
from bethna_cli.adapters.sim.chain_types import ChainEvent, TransactionAccepted
from bethna_cli.adapters.sim.rpc_server import rpc_app
from bethna_cli.domain.chain import Hash
from bethna_cli.domain.trade import PlannedTrade
from bethna_cli.domain.venue import RawOrder
from bethna_cli.execution.approval import card
from execution_desk import TRADER, USER, Market, digest

BUYER = Path(__file__).parent / "buyer_process.py"


class Buyer:
    """The process that buys, and the hand that kills its workers."""

    def __init__(self, market: Market, url: str) -> None:
        self._market, self._url = market, url
        paths = [str(BUYER.parents[1]), os.environ.get("PYTHONPATH", "")]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
        self._process = subprocess.Popen(
            [sys.executable, BUYER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def run(self, trade: PlannedTrade, kill_after_s: float | None = None, order: RawOrder | None = None) -> int:
        """Let one worker trade, or be killed while it does. Returns its exit code, negative for the signal."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        request = {
            "url": self._url,
            "store": str(self._market.store),
            "at_s": str(self._market.clock().timestamp()),
            "card": "\n".join(str(line) for line in card([trade])),
            "route": route_data(order or self._market.order).hex(),
        }
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        worker = int(self._process.stdout.readline())
        if kill_after_s is not None:
            time.sleep(kill_after_s)
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker, signal.SIGKILL)
        return int(self._process.stdout.readline())

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


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


@pytest.fixture
def buyer(market: Market, url: str) -> Iterator[Buyer]:
    started = Buyer(market, url)
    yield started
    started.close()


@pytest.fixture
def accepted(market: Market) -> set[Hash]:
    """Every transaction that the node has accepted since, whoever sent it."""
    heard: set[Hash] = set()

    def listen(event: ChainEvent) -> None:
        if isinstance(event, TransactionAccepted):
            heard.add(hash_text(event.hash))

    market.exchange.node.chain.listen(listen)
    return heard


def usual_time_s(buyer: Buyer, trade: PlannedTrade) -> float:
    """Measure how long a purchase takes that nobody disturbs."""
    started = time.monotonic()
    assert buyer.run(trade) == 0
    return time.monotonic() - started


@pytest.mark.parametrize(
    "rounds",
    [
        pytest.param(50, marks=pytest.mark.timeout(600)),
        pytest.param(1_000, marks=[pytest.mark.slow, pytest.mark.timeout(3600)]),
    ],
)
def test_a_trader_killed_at_any_moment_buys_and_sells_once_and_forgets_nothing(
    market: Market, buyer: Buyer, accepted: set[Hash], rounds: int
):
    chance = random.Random(rounds)
    trades = [market.trade("the first"), market.trade("undisturbed")]
    assert buyer.run(trades[0]) == 0
    first, token = market.order, trades[0].intent.option_token
    allowed = market.send(token, artifact("DevelopmentUSDC").function("approve").encode(TRADER, 10**12))
    longest_s = usual_time_s(buyer, trades[1])
    killed = 0

    for number in range(rounds):
        market.clock.advance(20)
        market.exchange.catch_up()
        if number % 2:
            order = market.bid_for(first)
            trades.append(market.sale(f"round {number}", 50, first, order))
        else:
            market.refresh()
            order = market.order
            trades.append(market.trade(f"round {number}"))
        killed += buyer.run(trades[-1], chance.uniform(0, longest_s), order) == -signal.SIGKILL
        market.clock.advance(13)
        assert buyer.run(trades[-1], order=order) == 0

    print(f"{killed} of {rounds} traders were killed within {longest_s:.2f} s")
    assert killed >= rounds // 3
    assert market.executions() == [digest(trade) for trade in trades]
    with contextlib.closing(sqlite3.connect(market.store)) as db:
        journaled = {one for (one,) in db.execute("select hash from transactions")}
        states = dict(db.execute("select digest, state from trades").fetchall())
        assert db.execute("pragma integrity_check").fetchall() == [("ok",)]
    broadcast = {one for one in accepted if market.ask("eth_getTransactionByHash", one)["from"].lower() == USER}
    assert broadcast <= journaled | {allowed}
    assert set(states) == {digest(trade) for trade in trades}
    assert set(states.values()) <= {"MINED", "SAFE", "FINAL"}
