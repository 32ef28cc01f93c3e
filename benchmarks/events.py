"""A long history from the bytes that a node answers into SQLite, through bethna and through web3.py.

    python benchmarks/events.py [EVENTS]

The logs are real (the token transfers of two blocks of Ethereum, `eth_logs.jsonl.gz` in the folder BETHNA_DATA),
repeated at other heights, each in a transaction of its own that brings one account tokens that live a hundred blocks,
as options do. Ours is the listener as it runs: batches of logs and headers read strictly, the section proven (one
chain, no log that its header's bloom doesn't admit), transfers explained, rows with primary key and unique index
written durably, 500 blocks a transaction. Only the network is missing: each body is there already. web3.py's is its own
way: `get_logs`, `process_log` of a contract's event, the same rows in the same table; it proves and explains nothing,
so it is also set beside that part of ours alone (strict reading, decoding, rows). All three must store the same.
"""

import asyncio
import gc
import gzip
import json
import os
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from eth_abi.abi import encode
from eth_bloom.bloom import BloomFilter
from web3 import Web3
from web3.providers.base import BaseProvider

from bethna_cli.adapters.clocks import SystemClock
from bethna_cli.adapters.event_words import Kept
from bethna_cli.adapters.evm import EvmChain
from bethna_cli.adapters.evm_logs import CHUNK_BLOCKS
from bethna_cli.adapters.evm_wire import read_logs
from bethna_cli.adapters.option_events import TRANSFER, OptionLogs, Venues, transfers_of
from bethna_cli.adapters.position_rows import write_events
from bethna_cli.adapters.positions import SqlitePositions
from bethna_cli.adapters.rpc import JsonRpc, RpcLimits
from bethna_cli.adapters.rpc_answers import answers_of
from bethna_cli.adapters.sql import one_transaction, open_store
from bethna_cli.cli.app import COLLECT_EVERY
from bethna_cli.domain.chain import Address, Hash
from bethna_cli.domain.position import ChainEvent, Cursor, EventKind, Reach
from bethna_cli.flow.record import RecordDesk, catch_up

DATA = Path(os.environ.get("BETHNA_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
GOAL = 100_000
ROUNDS = 3
PEER_SHARE = 40
"""web3.py does a fortieth of the events; its time per event is what counts."""

CHAIN_ID = 8453
ACCOUNT, TRADER, ROUTER = (Address("0x" + pair * 20) for pair in ("aa", "bb", "cc"))
FIRST, TOKEN_BLOCKS = 1_000, 100
START_S = 1_750_000_000
ERC20 = {
    "anonymous": False, "name": "Transfer", "type": "event",
    "inputs": [
        {"indexed": True, "name": "from", "type": "address"}, {"indexed": True, "name": "to", "type": "address"},
        {"indexed": False, "name": "value", "type": "uint256"},
    ],
}  # fmt: skip
Row = dict[str, Any]


# ── a history ─────────────────────────────────────────────────────────────────────────────────────────────────────


def block_hash(number: int) -> str:
    return f"0x{number:064x}"


def history(count: int) -> list[list[Row]]:
    """Return blocks of logs, from FIRST on: the recorded transfers again and again, `count` of them."""
    with gzip.open(DATA / "eth_logs.jsonl.gz", "rt", encoding="utf-8") as stream:
        recorded = [json.loads(line) for line in stream]
    fungible = [row for row in recorded if row["topics"] and row["topics"][0] == TRANSFER and len(row["topics"]) == 3]
    real = [row for row in fungible if int(row["data"], 16)]  # of nothing is no event
    shapes = [[row for row in real if row["blockNumber"] == at] for at in sorted({row["blockNumber"] for row in real})]
    blocks: list[list[Row]] = []
    while count:
        rows = shapes[len(blocks) % len(shapes)][:count]
        blocks.append([_moved(row, FIRST + len(blocks)) for row in rows])
        count -= len(rows)
    return blocks


def _moved(row: Row, number: int) -> Row:
    """Bring a recorded transfer to another height, another token and the account."""
    return row | {
        "address": f"0x{number // TOKEN_BLOCKS:08x}{row['address'][10:]}",
        "topics": [*row["topics"][:2], "0x" + "00" * 12 + ACCOUNT[2:]],
        "blockNumber": hex(number),
        "blockHash": block_hash(number),
        "transactionHash": f"0x{number:08x}{int(row['logIndex'], 16):08x}{row['transactionHash'][18:]}",
    }


def header(number: int, logs: list[Row]) -> Row:
    bloom = BloomFilter()
    for word in {word for log in logs for word in (log["address"], *log["topics"])}:
        bloom.add(bytes.fromhex(word[2:]))
    return {
        "number": hex(number), "hash": block_hash(number), "parentHash": block_hash(number - 1),
        "timestamp": hex(START_S + 2 * number), "baseFeePerGas": "0x5", "logsBloom": f"0x{int(bloom):0512x}",
    }  # fmt: skip


@dataclass
class Node:
    """A node that has answered every question before: the same bytes get the same bytes again."""

    blocks: list[list[Row]]
    known: dict[bytes, bytes] = field(default_factory=dict)

    async def exchange(self, body: bytes) -> bytes:
        answer = self.known.get(body)
        if answer is None:
            answer = self.known[body] = self._answered(body)
        return answer

    async def aclose(self) -> None:
        """Nothing is open."""

    def _answered(self, body: bytes) -> bytes:
        asked = json.loads(body)
        requests = asked if isinstance(asked, list) else [asked]
        answers = [
            {"jsonrpc": "2.0", "id": one["id"], "result": self._result(one["method"], *one["params"])}
            for one in requests
        ]
        return json.dumps(answers if isinstance(asked, list) else answers[0], separators=(",", ":")).encode()

    def _result(self, method: str, *params: Any) -> object:
        if method == "eth_chainId":
            return hex(CHAIN_ID)
        if method == "eth_getBlockByNumber":
            last = FIRST + len(self.blocks) - 1
            number = last if not params[0].startswith("0x") else int(params[0], 16)
            return header(number, self._logs(number))
        if method == "eth_call":
            return _called(params[0])
        assert method == "eth_getLogs"
        return self._found(params[0])

    def _logs(self, number: int) -> list[Row]:
        return self.blocks[number - FIRST] if number >= FIRST else []

    def _found(self, wanted: Row) -> list[Row]:
        """Find transfers to somebody: the only logs there are."""
        if len(wanted["topics"]) < 3:
            return []
        numbers = range(int(wanted["fromBlock"], 16), int(wanted["toBlock"], 16) + 1)
        return [log for number in numbers for log in self._logs(number)]


def _called(call: Row) -> str:
    """Answer a router's isSeries with yes, and a series' terms."""
    if call["to"] == ROUTER:
        return "0x" + encode(["bool"], [True]).hex()
    types = ["(uint8,address,address,bytes32,uint256,uint256,uint256)"]
    terms = (0, ROUTER, ROUTER, b"ETH".ljust(32, b"\0"), 3_000 * 10**8, 0, 1_796_371_200)
    return "0x" + encode(types, [terms]).hex()


# ── ours ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def listened(node: Node, path: Path) -> None:
    """Catch up from before the first block into a new store."""
    chain = EvmChain(CHAIN_ID, [JsonRpc("rpc", node, limits=RpcLimits(budget_s=600.0))], SystemClock())
    before = Cursor(FIRST - 1, Hash(block_hash(FIRST - 1)))
    with closing(SqlitePositions.open(path, CHAIN_ID)) as positions:
        positions.rewind(Reach(ACCOUNT, (TRADER,), FIRST, before, 0, 0), datetime.now(UTC))
        events = OptionLogs(chain, Venues((TRADER,), (ROUTER,)))
        asyncio.run(catch_up(RecordDesk(chain, events, positions, SystemClock(), ACCOUNT)))


def decoded(bodies: list[bytes], path: Path) -> None:
    """Only decode and store, four answers (some 20,000 events) a transaction."""
    times = {number: START_S + 2 * number for number in range(FIRST, FIRST + 100_000)}
    with closing(open_store(path)) as db:
        for start in range(0, len(bodies), 4):
            with one_transaction(db):
                for body in bodies[start : start + 4]:
                    write_events(db, CHAIN_ID, _transfers(body, times))


def _transfers(body: bytes, times: dict[int, int]) -> list[ChainEvent]:
    logs: Any
    (logs,) = answers_of("rpc", body, [("eth_getLogs", [])], {"eth_getLogs": read_logs})
    kept = Kept(logs, times)
    return [
        kept.event(log, EventKind.RECEIVED, ACCOUNT, log.address, log.address, value, 0)
        for log, value in transfers_of(logs)
    ]


# ── web3.py's ─────────────────────────────────────────────────────────────────────────────────────────────────────


class Answering(BaseProvider):
    """Answers `eth_getLogs` with a body that is there already."""

    def __init__(self, body: bytes) -> None:
        super().__init__()
        self._body = body

    def make_request(self, method: Any, params: Any) -> Any:  # noqa: ARG002
        assert method == "eth_getLogs"
        return json.loads(self._body)[0]


def web3_stored(bodies: list[bytes], path: Path) -> None:
    (body,) = bodies
    web3 = Web3(Answering(body))
    transfer = web3.eth.contract(abi=[ERC20]).events.Transfer()
    logs = [transfer.process_log(log) for log in web3.eth.get_logs({"fromBlock": 0, "toBlock": 1})]
    with closing(SqlitePositions.open(path, CHAIN_ID)):
        """The same tables."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("pragma synchronous = full")
        db.execute("begin immediate")
        ids: dict[str, int] = {}
        rows = [_web3_row(ids, one) for one in logs]
        names = [(number, CHAIN_ID, bytes.fromhex(address[2:])) for address, number in ids.items()]
        db.executemany("insert into chain_addresses values (?, ?, ?)", names)
        blocks = {one.blockNumber: bytes(one.blockHash) for one in logs}
        times = [(number, name, START_S + 2 * number) for number, name in blocks.items()]
        db.executemany("insert into chain_blocks values (?, ?, ?)", times)
        db.executemany(f"insert into chain_events values ({', '.join('?' * 11)})", rows)
        db.execute("commit")


def _web3_row(ids: dict[str, int], one: Any) -> tuple[object, ...]:
    """Write a decoded transfer as a row, the block by its number; addresses get the next numbers."""
    account, token = (ids.setdefault(address, len(ids) + 1) for address in (one.args["to"], one.address))
    value, number = one.args["value"], one.blockNumber
    contracts = value if value < 2**63 else str(value)
    return (number, one.logIndex, account, 3, token, token, contracts, 0, bytes(one.transactionHash), 0, number)


# ── side by side ──────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class Speed:
    """Events a second, by the clock on the wall and by the processor's: others may be at work on this machine."""

    wall: float
    cpu: float


def speed(work: Callable[[Path], None], count: int, rounds: int) -> Speed:
    """Run `work` on a new file each time, and return the median round's speed."""
    walls, cpus = [], []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            wall, cpu = time.perf_counter(), time.process_time()
            work(Path(folder) / "events.db")
            cpus.append(time.process_time() - cpu)
            walls.append(time.perf_counter() - wall)
    return Speed(count / statistics.median(walls), count / statistics.median(cpus))


def stored(path: Path, last: int = 2**62) -> list[tuple[object, ...]]:
    """Return the events in a store up to a block, addresses in full."""
    with closing(sqlite3.connect(path)) as db:
        return db.execute(
            "select e.block_number, e.log_index, a.address, e.kind, v.address, t.address, e.contracts, e.usdc,"
            " e.transaction_hash, b.hash, b.time_s from chain_events e join chain_addresses a on a.id = e.account"
            " join chain_blocks b on b.id = e.block"
            " join chain_addresses v on v.id = e.venue join chain_addresses t on t.id = e.token"
            " where e.block_number <= ? order by 1, 2, 3",
            (last,),
        ).fetchall()


def bodies_of(blocks: list[list[Row]]) -> list[bytes]:
    """Return the logs as answers of 50 blocks each."""
    starts = range(0, len(blocks), CHUNK_BLOCKS)
    answers = [[log for block in blocks[start : start + CHUNK_BLOCKS] for log in block] for start in starts]
    return [
        json.dumps([{"jsonrpc": "2.0", "id": 0, "result": logs}], separators=(",", ":")).encode() for logs in answers
    ]


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    blocks = history(count)
    node, bodies = Node(blocks), bodies_of(blocks)
    share = bodies_of(blocks[: len(blocks) // PEER_SHARE])
    few = sum(map(len, blocks[: len(blocks) // PEER_SHARE]))
    with tempfile.TemporaryDirectory() as folder:
        whole, plain, theirs = (Path(folder) / f"{name}.db" for name in ("whole", "plain", "web3"))
        listened(node, whole)
        decoded(bodies, plain)
        web3_stored(share, theirs)
        assert len(stored(whole)) == count
        assert stored(whole) == stored(plain), "the two ways of ours have stored different events"
        assert stored(whole, FIRST + len(blocks) // PEER_SHARE - 1) == stored(theirs), "web3.py has stored other events"
    gc.freeze()  # what is here is the benchmark's own
    gc.set_threshold(COLLECT_EVERY)  # as every command does
    ways = {
        "bethna, decode and store": speed(lambda path: decoded(bodies, path), count, ROUNDS),
        "web3.py, decode and store": speed(lambda path: web3_stored(share, path), few, ROUNDS),
        "bethna, the whole listener": speed(lambda path: listened(node, path), count, ROUNDS),
    }
    report(count, ways)


def report(count: int, ways: dict[str, Speed]) -> None:
    ours, peer, _ = ways.values()
    print(f"{count:,} events into SQLite, a second (goal: {GOAL:,})")
    print(f"  {'':<28} {'by the wall':>14} {'of processor time':>18}   x web3.py")
    for name, one in ways.items():
        print(f"  {name:<28} {one.wall:14,.0f} {one.cpu:18,.0f} {one.cpu / peer.cpu:10.1f}")
    if ours.cpu > 1.5 * ours.wall:
        print("  others were at work on this machine: the wall's figure is theirs as much as ours")


if __name__ == "__main__":
    main()
