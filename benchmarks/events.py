"""Token transfers from the bytes of an `eth_getLogs` answer into SQLite, through bethna and through web3.py.

    python benchmarks/events.py [EVENTS]

The logs are real (two blocks of Ethereum, `eth_logs.jsonl.gz` in the folder BETHNA_DATA), repeated under other heights
and transaction hashes until there are enough. Ours is what the listener runs: strict JSON, logs by fixed widths,
transfers, rows with primary key and index, one transaction. web3.py's is its own: its formatters and `process_log` of a
contract's event, stored with the same key and index. The decoded values are compared. "with positions" adds up the
holdings of the account, which decoding alone does not.
"""

import gzip
import json
import os
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from web3 import Web3
from web3.providers.base import BaseProvider

from bethna_cli.adapters.evm_wire import logs_of
from bethna_cli.adapters.option_events import TRANSFER, Transfer, transfers_of
from bethna_cli.adapters.position_rows import write_events
from bethna_cli.adapters.positions import SqlitePositions
from bethna_cli.adapters.sql import open_store
from bethna_cli.adapters.wire import read_json
from bethna_cli.domain.chain import Address, Hash
from bethna_cli.domain.market import Asset
from bethna_cli.domain.options import OptionKind
from bethna_cli.domain.position import ChainEvent, Cursor, EventKind, OptionTerms, Reach, Stretch

DATA = Path(os.environ.get("BETHNA_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
GOAL = 100_000
PEER_SHARE = 20
"""web3.py does a twentieth of the events; its time per event is what counts."""

ACCOUNT = Address("0x" + "aa" * 20)
ERC20 = {
    "anonymous": False, "name": "Transfer", "type": "event",
    "inputs": [
        {"indexed": True, "name": "from", "type": "address"}, {"indexed": True, "name": "to", "type": "address"},
        {"indexed": False, "name": "value", "type": "uint256"},
    ],
}  # fmt: skip
TERMS = OptionTerms(
    Asset.ETH, OptionKind.CALL, (Decimal(3000),), datetime(2026, 12, 4, 8, tzinfo=UTC), "ETH-4DEC26-3000-C"
)


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    rows = real_transfers(count)
    body = json.dumps({"jsonrpc": "2.0", "id": 0, "result": rows}).encode()
    few = json.dumps({"jsonrpc": "2.0", "id": 0, "result": rows[: count // PEER_SHARE]}).encode()
    assert values(decoded(few)) == web3_values(web3_decoded(few)), "the decodings differ"
    print(f"{count:,} transfers, decoded and stored (goal: {GOAL:,} a second)")
    ours = rate("bethna", lambda path: stored(body, path), count)
    rate("bethna, with positions", lambda path: with_positions(body, path), count)
    theirs = rate("web3.py", lambda path: web3_stored(few, path), count // PEER_SHARE, rounds=3)
    print(f"  bethna stores {ours / theirs:,.0f} times as many")


def rate(name: str, work: Callable[[Path], int], count: int, rounds: int = 5) -> float:
    """Run `work` on a new file each time, and print the best round's events a second."""
    best = 0.0
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            start = time.perf_counter()
            assert work(Path(folder) / "events.db") == count
            best = max(best, count / (time.perf_counter() - start))
    print(f"  {name:<24} {best:12,.0f} events/s")
    return best


def real_transfers(count: int) -> list[dict[str, Any]]:
    """Repeat the recorded ERC-20 transfers under other heights and transactions."""
    with gzip.open(DATA / "eth_logs.jsonl.gz", "rt", encoding="utf-8") as stream:
        recorded = [json.loads(line) for line in stream]
    real = [row for row in recorded if row["topics"] and row["topics"][0] == TRANSFER and len(row["topics"]) == 3]
    rows: list[dict[str, Any]] = []
    while len(rows) < count:
        number = len(rows) // len(real)
        for row in real:
            height = hex(int(row["blockNumber"], 16) + 2 * number)
            rows.append(
                row | {"blockNumber": height, "transactionHash": f"0x{number:08x}{row['transactionHash'][10:]}"}
            )
    return rows[:count]


# ── ours ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def decoded(body: bytes) -> list[Transfer]:
    answer: Any = read_json(body)
    return list(transfers_of(logs_of(answer["result"])))


def events(transfers: list[Transfer]) -> list[ChainEvent]:
    return [
        ChainEvent(
            EventKind.RECEIVED, ACCOUNT, token, token, value, 0, log.transaction_hash, number, log.block_number,
            log.block_hash, 1_700_000_000, log.log_index,
        )
        for number, (token, _, _, value, log) in enumerate(transfers)
    ]  # fmt: skip


def stored(body: bytes, path: Path) -> int:
    with closing(open_store(path)) as db:
        db.execute("begin immediate")
        write_events(db, 1, events(decoded(body)))
        db.execute("commit")
        return int(db.execute("select count(*) from chain_events").fetchone()[0])


def with_positions(body: bytes, path: Path) -> int:
    found = events(decoded(body))
    cursor = Cursor(found[-1].block_number, Hash(found[-1].block_hash))
    reach = Reach(ACCOUNT, (ACCOUNT,), 0, cursor, 0, 0)
    terms = {event.token: TERMS for event in found}
    with closing(SqlitePositions.open(path, 1)) as store:
        store.replace(Stretch(0, cursor.number, reach, tuple(found), terms), datetime.now(UTC), lambda _: None)
    with closing(sqlite3.connect(path)) as db:
        return int(db.execute("select count(*) from chain_events").fetchone()[0])


def values(transfers: list[Transfer]) -> list[tuple[object, ...]]:
    return [(one.log.block_number, one.log.log_index, one.sender, one.receiver, one.value) for one in transfers]


# ── web3.py's ─────────────────────────────────────────────────────────────────────────────────────────────────────


class Answering(BaseProvider):
    """Answers `eth_getLogs` with a body that is there already."""

    def __init__(self, body: bytes) -> None:
        super().__init__()
        self._body = body

    def make_request(self, method: Any, params: Any) -> Any:  # noqa: ARG002
        assert method == "eth_getLogs"
        return json.loads(self._body)


def web3_decoded(body: bytes) -> list[Any]:
    web3 = Web3(Answering(body))
    transfer = web3.eth.contract(abi=[ERC20]).events.Transfer()
    return [transfer.process_log(log) for log in web3.eth.get_logs({"fromBlock": 0, "toBlock": 1})]


def web3_values(logs: list[Any]) -> list[tuple[object, ...]]:
    return [
        (one.blockNumber, one.logIndex, one.args["from"].lower(), one.args["to"].lower(), one.args["value"])
        for one in logs
    ]


def web3_stored(body: bytes, path: Path) -> int:
    rows = [web3_row(number, one) for number, one in enumerate(web3_decoded(body))]
    with closing(open_store(path)) as db:
        db.execute("begin immediate")
        db.executemany(f"insert into chain_events values ({', '.join('?' * 13)})", rows)
        db.execute("commit")
        return int(db.execute("select count(*) from chain_events").fetchone()[0])


def web3_row(number: int, one: Any) -> tuple[object, ...]:
    token, hashes = bytes.fromhex(one.address[2:]), (bytes(one.transactionHash), bytes(one.blockHash))
    names = (1, one.blockNumber, one.logIndex, bytes.fromhex(ACCOUNT[2:]), "RECEIVED", token, token)
    return (*names, str(one.args["value"]), 0, hashes[0], number, hashes[1], 1_700_000_000)


if __name__ == "__main__":
    main()
