"""kill -9 at any moment from the recommendation to the record: nothing is done twice, nothing is lost."""

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
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from bethna_cli.adapters.abi import artifact, hash_text
from bethna_cli.adapters.mandates import SqliteMandates
from bethna_cli.adapters.sim.chain_types import ChainEvent, TransactionAccepted
from bethna_cli.adapters.sim.rpc_server import rpc_app
from bethna_cli.adapters.sim.wire import create_app
from bethna_cli.domain.chain import Address, Hash
from bethna_cli.domain.journal import JournalEntry
from bethna_cli.domain.mandate import MandateState
from bethna_cli.domain.trade import Side
from bethna_cli.domain.units import iso
from execution_desk import TRADER, USER, Market
from record_desk import caught_up, positions, rows

TRADER_PROCESS = Path(__file__).parent / "trader_process.py"
TOKEN, CONTRACT = artifact("DevelopmentUSDC"), artifact("SentientTrader")


class Trader:
    """The process that trades, and the hand that kills its workers."""

    def __init__(self, market: Market, url: str) -> None:
        self._market, self._url = market, url
        paths = [str(TRADER_PROCESS.parents[1]), os.environ.get("PYTHONPATH", "")]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
        self._process = subprocess.Popen(
            [sys.executable, TRADER_PROCESS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def run(self, work: dict[str, Any], kill_after_s: float | None = None) -> int:
        """Let one worker trade, or be killed while it does. Returns its exit code, negative for the signal."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        where = {"rpc": f"{self._url}/rpc", "world": self._url, "store": str(self._market.store)}
        request = {**where, "at_s": self._market.clock().timestamp(), **work}
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        worker = int(self._process.stdout.readline())
        if kill_after_s is not None:
            time.sleep(kill_after_s)
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker, signal.SIGKILL)
        return int(self._process.stdout.readline())

    def usual_time_s(self, work: dict[str, Any]) -> float:
        """Measure how long it takes when nobody disturbs."""
        started = time.monotonic()
        assert self.run(work) == 0
        return time.monotonic() - started

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture
def trader(market: Market) -> Iterator[Trader]:
    """Serve the market and its chain to another process."""
    chain, services = rpc_app(market.exchange.node), create_app(market.exchange.world)
    told: dict[tuple[Any, ...], list[Any]] = {}

    async def app(scope: Any, receive: Any, send: Any) -> None:
        """Serve the chain, and a market that says the same while its clock stands still."""
        if scope["path"] == "/rpc":
            await chain(scope, receive, send)
            return
        key = (market.clock(), scope["path"], scope["query_string"])
        if key not in told:
            for old in [one for one in told if one[0] != key[0]]:
                del told[old]
            said: list[Any] = []
            await services(scope, receive, _into(said))
            told[key] = said
        for message in told[key]:
            await send(message)

    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.005)
    started = Trader(market, f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}")
    yield started
    started.close()
    server.should_exit = True
    thread.join(10)


def _into(said: list[Any]) -> Any:
    async def send(message: Any) -> None:
        said.append(message)

    return send


@pytest.fixture
def accepted(market: Market) -> set[Hash]:
    """Every transaction that the node has accepted since, whoever sent it."""
    heard: set[Hash] = set()

    def listen(event: ChainEvent) -> None:
        if isinstance(event, TransactionAccepted):
            heard.add(hash_text(event.hash))

    market.exchange.node.chain.listen(listen)
    return heard


A_TWENTIETH = 50
SHARDS = 4
MOST_DEATHS = 12
"""How often the trader of one trade is killed before it is left alone."""


@pytest.mark.timeout(900)
def test_a_trader_killed_at_any_moment_trades_once_and_forgets_nothing(
    market: Market, trader: Trader, accepted: set[Hash]
):
    require_once_and_nothing_forgotten(market, trader, accepted, seed=0, kills=A_TWENTIETH)


@pytest.mark.slow
@pytest.mark.timeout(3 * 3600)
@pytest.mark.parametrize("shard", range(SHARDS))
def test_nor_when_killed_a_thousand_times(market: Market, trader: Trader, accepted: set[Hash], shard: int):
    require_once_and_nothing_forgotten(market, trader, accepted, seed=1 + shard, kills=1_000 // SHARDS)


def require_once_and_nothing_forgotten(
    market: Market, trader: Trader, accepted: set[Hash], seed: int, kills: int
) -> None:
    """Kill traders until so many have died of it, each time letting another go on in the place of the dead."""
    chance, before = random.Random(seed), market.usdc()
    usual_s = undisturbed(market, trader)
    killed, rounds = Counter[str](), 0
    while killed.total() < kills:
        pass_time(market, 20)
        work = next_work(market, rounds)
        for _ in range(MOST_DEATHS):
            code = trader.run(work, chance.uniform(0, usual_s[rounds % 3]))
            if code == 0:
                break
            assert code == -signal.SIGKILL
            killed[came_to(market)] += 1
            pass_time(market, 13)
        else:
            assert trader.run(work) == 0
        rounds += 1

    print(f"{killed.total()} traders were killed over {rounds} trades; the journal's newest line then: {dict(killed)}")
    require_every_trade_once(market, rounds + UNDISTURBED)
    require_what_left_was_journaled(market, accepted)
    require_exits_where_something_is_held(market)
    require_the_record_is_the_chains(market)
    assert before - market.usdc() == sum(one.cost - sum(gone.usdc for gone in one.exits) for one in positions(market))


UNDISTURBED = 3


def undisturbed(market: Market, trader: Trader) -> list[float]:
    """Trade without a hand on it, and return how long it took, by the kind of round."""
    took_s = []
    for number in range(UNDISTURBED):
        pass_time(market, 20)
        took_s.append(trader.usual_time_s(next_work(market, number)))
    return took_s


def pass_time(market: Market, seconds: float) -> None:
    market.clock.advance(seconds)
    market.exchange.catch_up()


def next_work(market: Market, number: int) -> dict[str, Any]:
    """Buy, sell a half, sell the rest, and again."""
    if number % 3 == 0:
        return {"buys": True, "since_s": market.clock().timestamp()}
    newest = positions(market)[-1]
    return {"buys": False, "position": newest.id, "leave": newest.contracts // 2 if number % 3 == 1 else 0}


def came_to(market: Market) -> str:
    """Say what the journal last wrote down at this moment of the market."""
    with contextlib.closing(sqlite3.connect(market.store)) as db:
        moves = db.execute("select state from trade_moves where at >= ? order by id", (iso(market.clock()),)).fetchall()
    return moves[-1][0] if moves else "nothing"


def place(entry: JournalEntry) -> tuple[int, int]:
    """Order trades as the chain did."""
    return (entry.fill.block_number, entry.fill.ordinal) if entry.fill else (0, 0)


def is_nonce_used(market: Market, nonce: int) -> bool:
    return bool(int.from_bytes(market.call(TRADER, CONTRACT.function("isNonceUsed").encode(USER, nonce)), "big"))


def allowance(market: Market, token: Address) -> int:
    return int.from_bytes(market.call(token, TOKEN.function("allowance").encode(USER, TRADER)), "big")


# ── what has to be so afterwards ──────────────────────────────────────────────────────────────────────────────────


def require_every_trade_once(market: Market, rounds: int) -> None:
    """One trade per round, journaled, executed once; nothing else that was agreed to is left or was executed."""
    market.finalise()
    entries = market.desk().journal.entries()
    assert market.executions() == [entry.digest for entry in sorted(entries, key=place) if entry.fill]
    assert len(market.executions()) == len(set(market.executions())) == rounds
    states = Counter(entry.state.value for entry in entries)
    assert set(states) <= {"MINED", "SAFE", "FINAL"}, states
    with contextlib.closing(sqlite3.connect(market.store)) as db:
        assert db.execute("pragma integrity_check").fetchall() == [("ok",)]


def require_what_left_was_journaled(market: Market, accepted: set[Hash]) -> None:
    with contextlib.closing(sqlite3.connect(market.store)) as db:
        known = {one for (one,) in db.execute("select hash from transactions union select hash from errands")}
    broadcast = {one for one in accepted if market.ask("eth_getTransactionByHash", one)["from"].lower() == USER}
    assert broadcast <= known


def require_exits_where_something_is_held(market: Market) -> None:
    """What was sold out has no exit that the contract would still execute, and no permission; the rest has both."""
    mandates = SqliteMandates.open(market.store)
    held = {one.token: 0 for one in positions(market)}
    for one in positions(market):
        held[one.token] += one.contracts_left
    for token, contracts in held.items():
        signed = mandates.of_token(USER, token)
        alive = [one for one in signed if not is_nonce_used(market, one.trade.intent.nonce)]
        needed = {one.trade.intent.nonce: one.trade.intent.amount_in for one in alive}
        assert bool(alive) == bool(contracts)
        assert all(one.state is MandateState.OPEN for one in alive)
        # A part that was sold has used of the permission; what is left covers what is held, and no more than the exits.
        assert min(contracts, sum(needed.values())) <= allowance(market, token) <= sum(needed.values())
    mandates.close()


def require_the_record_is_the_chains(market: Market) -> None:
    """The positions are the journal's purchases, and those that an empty store reads from the chain."""
    caught_up(market)
    bought = [one.fill for one in market.desk().journal.entries() if one.trade.intent.side is Side.BUY]
    assert {one.transaction for one in positions(market)} == {fill.transaction for fill in bought if fill}
    anew = market.store.with_name("anew.db")
    caught_up(market, store=anew)
    assert rows(anew) == rows(market.store)
