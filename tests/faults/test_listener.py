"""The listener among nodes that forget, repeat, lag and lie, and killed while it writes: never a wrong position."""

import asyncio
import json
import os
import random
import shutil
import signal
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bethna_cli.adapters.rpc_transport import InProcess
from bethna_cli.adapters.sim.exchange import Exchange
from bethna_cli.domain.errors import EndpointsDisagree, NodeBehind, SourceMalformed
from bethna_cli.domain.position import ChainEvent, Change, EventKind, Position, PositionState, holding_of
from bethna_cli.flow.execute import recover
from bethna_cli.flow.record import news_of, note, rebuild, rescan
from execution_desk import Market, bought
from position_histories import CHAIN_ID, TERMS, TOKENS, block_hash, event
from record_desk import caught_up, rows, with_desk

Logs = list[dict[str, Any]]


@dataclass
class LogFaults:
    """Carries bodies to the node, and changes the logs in its answers."""

    inner: InProcess
    change: Callable[[Logs], Logs]
    answers: int = field(default=0)

    async def exchange(self, body: bytes) -> bytes:
        asked, answered = json.loads(body), json.loads(await self.inner.exchange(body))
        requests, answers = (asked, answered) if isinstance(asked, list) else ([asked], [answered])
        methods = {request["id"]: request["method"] for request in requests}
        for answer in answers:
            if methods[answer["id"]] == "eth_getLogs" and "result" in answer:
                self.answers += 1
                answer["result"] = self.change(answer["result"])
        return json.dumps(answered).encode()

    async def aclose(self) -> None:
        await self.inner.aclose()


def through(market: Market, change: Callable[[Logs], Logs]) -> LogFaults:
    return LogFaults(InProcess(market.exchange.node.handle), change)


def some_purchases(market: Market, count: int = 3) -> None:
    """Buy through the journal, without the fills being handed on to the listener's store."""
    for number in range(count):
        desk = market.desk()
        asyncio.run(bought(desk, market, market.trade(f"purchase {number}", amount=2_000_000 + number)))
        asyncio.run(recover(desk))
        desk.journal.close()
        market.clock.advance(4)
    for table in ("chain_events", "positions"):
        with closing(sqlite3.connect(market.store)) as db, db:
            db.execute(f"delete from {table}")


def truth(market: Market) -> list[tuple[object, ...]]:
    """What an honest node tells an empty store."""
    fresh = market.store.with_name(f"fresh-{time.monotonic_ns()}.db")
    with_desk(market, rebuild, store=fresh)
    return rows(fresh)


@pytest.mark.parametrize("seed", range(4))
def test_a_node_that_forgets_a_tenth_of_the_logs_costs_time_and_no_position(market: Market, seed: int):
    some_purchases(market)
    chance = random.Random(seed)
    forgetful = through(market, lambda logs: [log for log in logs if chance.random() > 0.1])
    for _ in range(50):
        try:
            caught_up(market, forgetful)
            with_desk(market, rescan, forgetful)
            break
        except NodeBehind:
            market.clock.advance(2)

    assert rows(market.store) == truth(market)
    assert len(rows(market.store)) == 3


def test_logs_out_of_order_are_put_in_order(market: Market):
    some_purchases(market)
    chance = random.Random(1)
    caught_up(market, through(market, lambda logs: chance.sample(logs, len(logs))))

    assert rows(market.store) == truth(market)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda logs: logs + logs[:1], id="a log twice"),
        pytest.param(lambda logs: [{**log, "removed": True} for log in logs], id="logs that were removed"),
        pytest.param(lambda logs: [{**log, "blockHash": "0x" + "ab" * 32} for log in logs], id="another block's"),
        pytest.param(lambda logs: [{**log, "address": "0x" + "cd" * 20} for log in logs], id="a stranger's"),
    ],
)
def test_an_answer_that_contradicts_itself_is_refused_whole(market: Market, change: Callable[[Logs], Logs]):
    some_purchases(market, 1)

    with pytest.raises((SourceMalformed, NodeBehind)):
        caught_up(market, through(market, change))
    assert rows(market.store) == []


def larger(logs: Logs) -> Logs:
    """Claim that ten times as many contracts were bought: no bloom covers an event's data."""
    return [
        {**log, "data": log["data"][:66] + f"{int(log['data'][66:130], 16) * 10:064x}" + log["data"][130:]}
        if len(log["data"]) == 2 + 3 * 64
        else log
        for log in logs
    ]


def test_of_two_nodes_one_that_lies_about_a_purchase_is_not_believed(market: Market):
    some_purchases(market, 1)
    liar, honest = through(market, larger), InProcess(market.exchange.node.handle)

    with pytest.raises(EndpointsDisagree):
        caught_up(market, liar, honest)
    assert rows(market.store) == []


def test_with_two_nodes_a_receipt_that_only_one_has_is_not_noted(market: Market, tmp_path: Path):
    behind = lagging(market, tmp_path)
    some_purchases(market, 1)
    name = market.desk().journal.entries()[0].variants[0].hash
    with_desk(market, lambda desk: note(desk, name), InProcess(market.exchange.node.handle), behind)
    assert rows(market.store) == []

    with_desk(market, lambda desk: note(desk, name))
    assert len(rows(market.store)) == 1


def lagging(market: Market, tmp_path: Path) -> InProcess:
    """A node that has stopped at this moment."""
    stopped_at = market.clock.at
    path = Path(shutil.copy(tmp_path / "chain.db", tmp_path / "stopped.db"))
    return InProcess(Exchange.open(path, 7, lambda: stopped_at).node.handle)


def test_a_node_that_lags_takes_nothing_back(market: Market, tmp_path: Path):
    behind = lagging(market, tmp_path)
    some_purchases(market)
    caught_up(market)
    known = rows(market.store)
    recorded = caught_up(market, behind)

    assert recorded.changes == ()
    assert recorded.forked_at is None
    assert rows(market.store) == known


def test_a_fork_deeper_than_everything_final_is_followed_all_the_same(market: Market):
    market.clock.advance(60)
    some_purchases(market)
    caught_up(market)
    market.finalise()
    caught_up(market)
    market.ask("bethna_reorg", int(market.ask("eth_blockNumber"), 16) - 20, {"drop": True})
    market.clock.advance(120)
    market.exchange.catch_up()
    caught_up(market)
    market.clock.advance(60)
    caught_up(market)

    assert market.purchases() == []
    assert rows(market.store) == truth(market) == []


@pytest.mark.parametrize("seed", range(3))
def test_killed_while_it_writes_the_listener_goes_on_without_a_gap_or_a_double(market: Market, seed: int):
    some_purchases(market)
    expected, chance = truth(market), random.Random(seed)
    for _ in range(5):
        child = os.fork()
        if child == 0:
            try:
                while True:
                    with_desk(market, rebuild)
            finally:
                os._exit(0)
        time.sleep(chance.uniform(0.0, 0.25))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        with closing(sqlite3.connect(market.store)) as db:
            assert db.execute("pragma integrity_check").fetchone() == ("ok",)
        caught_up(market)
        assert rows(market.store) == expected


# ── what people hear ──────────────────────────────────────────────────────────────────────────────────────────────

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def folded(*events: ChainEvent) -> Position:
    return holding_of(CHAIN_ID, TERMS[TOKENS[0]], events, None).positions[0]


def test_a_purchase_that_comes_back_at_another_price_is_told_with_both():
    before = folded(event(EventKind.BOUGHT, 2_000_000, 50_000_000, 7, name=1))
    after = folded(event(EventKind.BOUGHT, 1_900_000, 50_000_000, 9, name=1)._replace(block_hash=block_hash(9, 1)))
    alert = news_of(Change(before, after), NOW)

    assert alert is not None
    assert (alert.kind, alert.position) == ("position-changed", before.id)
    assert "1.9000 contracts" in alert.text
    assert "2.0000 contracts" in alert.text


def test_an_old_departure_is_history_and_no_news():
    bought_then = event(EventKind.BOUGHT, 2_000_000, 50_000_000, 7, name=1)
    before, after = folded(bought_then), folded(bought_then, event(EventKind.SENT, 500_000, 0, 9, name=2))
    at = after.exits[-1].at

    fresh = news_of(Change(before, after), at + timedelta(hours=1))
    assert fresh is not None
    assert fresh.kind == "position-left"
    assert news_of(Change(None, after), at + timedelta(days=2)) is None


def test_the_same_cause_has_the_same_alert_however_often_it_is_met():
    position = folded(event(EventKind.BOUGHT, 2_000_000, 50_000_000, 7, name=1))
    lost = Change(position, replace(position, state=PositionState.UNCONFIRMED))

    assert news_of(lost, NOW) == news_of(lost, NOW + timedelta(hours=5))
