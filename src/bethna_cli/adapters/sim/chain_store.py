"""The embedded chain on disk: one SQLite file of blocks, transactions, logs, waiting transactions and state nodes.

Every change of the chain is one SQLite transaction in WAL mode with synchronous=FULL, so a block that was
acknowledged survives a kill and a half-written one leaves no trace. The file is locked by the process that has it
open: two writers on one chain would each lose the other's blocks. Blocks that leave the chain are deleted; state
nodes stay, because older blocks share them.
"""

import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bethna_cli.adapters.sim.chain_types import Block, Log, Receipt, Transaction

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS nodes (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS blocks (
    number INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, parent_hash BLOB NOT NULL, timestamp INTEGER NOT NULL,
    state_root BLOB NOT NULL, transactions_root BLOB NOT NULL, receipts_root BLOB NOT NULL, logs_bloom BLOB NOT NULL,
    gas_used INTEGER NOT NULL, extra_data BLOB NOT NULL, mix_hash BLOB NOT NULL, size INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS transactions (
    block_number INTEGER NOT NULL REFERENCES blocks ON DELETE CASCADE, position INTEGER NOT NULL,
    hash BLOB NOT NULL UNIQUE, raw BLOB NOT NULL, succeeded INTEGER NOT NULL, gas_used INTEGER NOT NULL,
    cumulative_gas_used INTEGER NOT NULL, contract_address BLOB, logs_bloom BLOB NOT NULL, output BLOB NOT NULL,
    PRIMARY KEY (block_number, position)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS logs (
    block_number INTEGER NOT NULL REFERENCES blocks ON DELETE CASCADE, log_index INTEGER NOT NULL,
    block_hash BLOB NOT NULL, block_timestamp INTEGER NOT NULL, transaction_hash BLOB NOT NULL,
    transaction_index INTEGER NOT NULL, address BLOB NOT NULL,
    topic0 BLOB, topic1 BLOB, topic2 BLOB, topic3 BLOB, data BLOB NOT NULL,
    PRIMARY KEY (block_number, log_index)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS logs_by_address ON logs (address, block_number);
CREATE INDEX IF NOT EXISTS logs_by_topic ON logs (topic0, block_number);
CREATE TABLE IF NOT EXISTS pool (
    sender BLOB NOT NULL, nonce INTEGER NOT NULL, arrival INTEGER NOT NULL, hash BLOB NOT NULL UNIQUE,
    raw BLOB NOT NULL, PRIMARY KEY (sender, nonce)
) WITHOUT ROWID;
"""
_BLOCK_COLUMNS = (
    "number, hash, parent_hash, timestamp, state_root, transactions_root, receipts_root, logs_bloom, gas_used, "
    "extra_data, mix_hash, size"
)
_LOG_COLUMNS = (
    "block_number, log_index, block_hash, block_timestamp, transaction_hash, transaction_index, address, "
    "topic0, topic1, topic2, topic3, data"
)
_CACHED_NODES = 20_000

Decode = Callable[[bytes], Transaction]
LogTopics = Sequence[Sequence[bytes] | None]


class ChainFileRefused(Exception):
    """The chain's file is in use by another process, belongs to another chain, or is not a chain's file."""


class ChainStore:
    """One chain's file. `path` may be ":memory:" for a chain that ends with the process."""

    def __init__(self, path: Path | str) -> None:
        try:
            # Exclusive: asked for before WAL, so that a second process is refused instead of forking the chain.
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=0.5)
            self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.execute("PRAGMA foreign_keys = ON")
            self._db.executescript("BEGIN IMMEDIATE;" + _SCHEMA + "COMMIT;")
        except sqlite3.Error as error:
            raise ChainFileRefused(f"The chain's file {path} cannot be opened: {error}.") from error
        self._cache: dict[bytes, bytes] = {}

    def close(self) -> None:
        """Close the file and let go of its lock."""
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Write everything in the block of code, or nothing of it. Returns once it is on the disk."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            self._cache.clear()  # it may hold nodes that were just undone
            raise
        self._db.execute("COMMIT")

    # ── settings of the chain ─────────────────────────────────────────────────────────────────────────────────

    def meta(self, key: str) -> str | None:
        """Return a stored setting of the chain."""
        row = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def put_meta(self, key: str, value: str) -> None:
        """Store a setting of the chain."""
        self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    # ── state nodes ───────────────────────────────────────────────────────────────────────────────────────────

    def node(self, key: bytes) -> bytes | None:
        """Return a node of the state by its hash."""
        value = self._cache.get(key)
        if value is not None:
            return value
        row = self._db.execute("SELECT value FROM nodes WHERE key = ?", (key,)).fetchone()
        if row is None:
            return None
        self._remember(key, row[0])
        return bytes(row[0])

    def put_node(self, key: bytes, value: bytes) -> None:
        """Store a node of the state under its hash."""
        self._db.execute("INSERT OR REPLACE INTO nodes VALUES (?, ?)", (key, value))
        self._remember(key, value)

    def _remember(self, key: bytes, value: bytes) -> None:
        if len(self._cache) >= _CACHED_NODES:
            self._cache.clear()
        self._cache[key] = value

    # ── blocks ────────────────────────────────────────────────────────────────────────────────────────────────

    def add_block(self, block: Block, receipts: Sequence[Receipt]) -> None:
        """Append a block; its transactions leave the pool."""
        self._db.execute(
            f"INSERT INTO blocks ({_BLOCK_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
            (
                block.number,
                block.hash,
                block.parent_hash,
                block.timestamp,
                block.state_root,
                block.transactions_root,
                block.receipts_root,
                block.logs_bloom,
                block.gas_used,
                block.extra_data,
                block.mix_hash,
                block.size,
            ),
        )
        for receipt in receipts:
            self._add_receipt(receipt)

    def _add_receipt(self, receipt: Receipt) -> None:
        self._db.execute(
            "INSERT INTO transactions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                receipt.block.number,
                receipt.position,
                receipt.transaction.hash,
                receipt.transaction.raw,
                receipt.succeeded,
                receipt.gas_used,
                receipt.cumulative_gas_used,
                receipt.contract_address,
                receipt.logs_bloom,
                receipt.output,
            ),
        )
        self._db.executemany(
            f"INSERT INTO logs ({_LOG_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
            [
                (
                    log.block_number,
                    log.log_index,
                    log.block_hash,
                    log.block_timestamp,
                    log.transaction_hash,
                    log.transaction_index,
                    log.address,
                    *log.topics,
                    *[None] * (4 - len(log.topics)),
                    log.data,
                )
                for log in receipt.logs
            ],
        )
        self.drop_waiting(receipt.transaction.hash)

    def remove_blocks_above(self, number: int) -> None:
        """Delete every block after `number`, with its transactions and logs."""
        self._db.execute("DELETE FROM blocks WHERE number > ?", (number,))

    def head(self) -> Block | None:
        """Return the newest block, or None in a file without a genesis."""
        return self._block("ORDER BY number DESC LIMIT 1", ())

    def block_by_number(self, number: int) -> Block | None:
        """Return the block at this height."""
        return self._block("WHERE number = ?", (number,))

    def block_by_hash(self, block_hash: bytes) -> Block | None:
        """Return the block with this hash, if it is on the chain."""
        return self._block("WHERE hash = ?", (block_hash,))

    def _block(self, where: str, arguments: tuple[object, ...]) -> Block | None:
        row = self._db.execute(f"SELECT {_BLOCK_COLUMNS} FROM blocks {where}", arguments).fetchone()  # noqa: S608
        if row is None:
            return None
        hashes = self._db.execute("SELECT hash FROM transactions WHERE block_number = ? ORDER BY position", (row[0],))
        values = (*row, tuple(h for (h,) in hashes))
        return Block(*values)

    def hashes_down_from(self, number: int) -> Iterator[bytes]:
        """Yield the hashes of block `number` and of those before it, newest first."""
        for (block_hash,) in self._db.execute(
            "SELECT hash FROM blocks WHERE number <= ? ORDER BY number DESC", (number,)
        ):
            yield block_hash

    # ── transactions, receipts, logs ──────────────────────────────────────────────────────────────────────────

    def receipt(self, transaction_hash: bytes, decode: Decode) -> Receipt | None:
        """Return the receipt of a mined transaction."""
        row = self._db.execute("SELECT block_number FROM transactions WHERE hash = ?", (transaction_hash,)).fetchone()
        if row is None:
            return None
        block = self.block_by_number(row[0])
        return None if block is None else self._receipts(block, decode, "AND hash = ?", (transaction_hash,))[0]

    def receipts(self, block: Block, decode: Decode) -> tuple[Receipt, ...]:
        """Return the receipts of a block's transactions, in order."""
        return self._receipts(block, decode, "", ())

    def _receipts(self, block: Block, decode: Decode, where: str, arguments: tuple[object, ...]) -> tuple[Receipt, ...]:
        logs = self.logs(block.number, block.number, (), ())
        rows = self._db.execute(
            "SELECT position, raw, succeeded, gas_used, cumulative_gas_used, contract_address, logs_bloom, output "  # noqa: S608
            f"FROM transactions WHERE block_number = ? {where} ORDER BY position",
            (block.number, *arguments),
        )
        return tuple(
            Receipt(
                transaction=decode(raw),
                block=block,
                position=position,
                succeeded=bool(succeeded),
                gas_used=gas_used,
                cumulative_gas_used=cumulative_gas_used,
                contract_address=contract_address,
                logs_bloom=logs_bloom,
                output=output,
                logs=tuple(log for log in logs if log.transaction_index == position),
            )
            for position, raw, succeeded, gas_used, cumulative_gas_used, contract_address, logs_bloom, output in rows
        )

    def logs(
        self, first: int, last: int, addresses: Sequence[bytes], topics: LogTopics, limit: int = 1_000_000
    ) -> tuple[Log, ...]:
        """Return the logs of blocks `first` to `last` (both included), in order.

        addresses: any of these, or of anyone when empty; topics: per position the alternatives, None for any.
        """
        where, arguments = "block_number BETWEEN ? AND ?", [first, last]
        clauses: list[tuple[str, Sequence[bytes]]] = [("address", addresses)] if addresses else []
        clauses += [(f"topic{i}", options) for i, options in enumerate(topics) if options is not None]
        flat: list[object] = list(arguments)
        for column, options in clauses:
            where += f" AND {column} IN ({', '.join('?' * len(options))})"
            flat += options
        if len(topics):
            # A log with fewer topics than the filter has places does not match, not even an open place.
            where += f" AND topic{len(topics) - 1} IS NOT NULL"
        rows = self._db.execute(
            f"SELECT {_LOG_COLUMNS} FROM logs WHERE {where} ORDER BY block_number, log_index LIMIT ?",  # noqa: S608
            (*flat, limit),
        )
        return tuple(_log(row) for row in rows)

    # ── waiting transactions ──────────────────────────────────────────────────────────────────────────────────

    def put_waiting(self, transaction: Transaction) -> None:
        """Keep a transaction until a block takes it; it replaces one of the same sender and nonce."""
        arrival = self._db.execute("SELECT coalesce(max(arrival), 0) + 1 FROM pool").fetchone()[0]
        self._db.execute(
            "INSERT OR REPLACE INTO pool VALUES (?, ?, ?, ?, ?)",
            (transaction.sender, transaction.nonce, arrival, transaction.hash, transaction.raw),
        )

    def drop_waiting(self, transaction_hash: bytes) -> bool:
        """Forget a waiting transaction. Returns whether it was there."""
        return self._db.execute("DELETE FROM pool WHERE hash = ?", (transaction_hash,)).rowcount > 0

    def clear_waiting(self) -> None:
        """Forget every waiting transaction."""
        self._db.execute("DELETE FROM pool")

    def waiting(self) -> list[bytes]:
        """Return the raw waiting transactions in order of arrival."""
        return [raw for (raw,) in self._db.execute("SELECT raw FROM pool ORDER BY arrival")]


def allocation_text(allocation: dict[str, int]) -> str:
    """Return a genesis allocation as one comparable text."""
    return json.dumps(dict(sorted((address.lower(), str(wei)) for address, wei in allocation.items())))


def _log(row: tuple[object, ...]) -> Log:
    number, index, block_hash, timestamp, transaction_hash, transaction_index, address, t0, t1, t2, t3, data = row
    return Log(
        address=address,  # type: ignore[arg-type]
        topics=tuple(topic for topic in (t0, t1, t2, t3) if topic is not None),  # type: ignore[misc]
        data=data,  # type: ignore[arg-type]
        block_number=number,  # type: ignore[arg-type]
        block_hash=block_hash,  # type: ignore[arg-type]
        block_timestamp=timestamp,  # type: ignore[arg-type]
        transaction_hash=transaction_hash,  # type: ignore[arg-type]
        transaction_index=transaction_index,  # type: ignore[arg-type]
        log_index=index,  # type: ignore[arg-type]
    )
