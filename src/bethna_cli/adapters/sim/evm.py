"""The chain that comes with bethna: blocks on one injected clock, a pool, snapshots and reorganisations.

It answers what a node of a real network answers, but it has one writer, no peers and a constant base fee.

Time. A block is due every 2 s of the clock and is made when somebody looks; after a long silence only the last
`CATCH_UP_BLOCKS` of the missing empty blocks are made and the first of them jumps ahead in time, so heights do not
count seconds. A transaction gets a block at once. Timestamps never decrease and never run ahead of the clock: blocks
within one second share it, because ten transactions must not move a quote's deadline by ten seconds.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from bethna_cli.adapters.sim.chain_calls import Place, call_output, estimate_gas
from bethna_cli.adapters.sim.chain_pool import Pool
from bethna_cli.adapters.sim.chain_store import ChainFileRefused, ChainStore, LogTopics, allocation_text
from bethna_cli.adapters.sim.chain_types import (
    BLOCK_INTERVAL_S,
    Block,
    BlockAdded,
    BlockRemoved,
    BlockUnknown,
    Call,
    ChainEvent,
    ChainRefusal,
    Listener,
    Log,
    Receipt,
    Transaction,
    TransactionAccepted,
)
from bethna_cli.adapters.sim.chain_vm import Machine, SealedBlock

CATCH_UP_BLOCKS = 32
LAST_TIMESTAMP = 253_402_300_799  # the end of the year 9999, where clocks and files still agree
DEFAULT_CHAIN_ID = 779_977


class EmbeddedChain:
    """An EVM chain in one SQLite file. Not for threads: whoever shares it takes turns (Node does)."""

    def __init__(
        self, store: ChainStore, machine: Machine, head: Block, clock: Callable[[], datetime], finalized_depth: int
    ) -> None:
        self._store = store
        self._machine = machine
        self._head = head
        self._clock = clock
        self._pool = Pool(store, machine)
        self._next_timestamp: int | None = None
        self._snapshots: dict[int, tuple[int, bytes, int]] = {}
        self._snapshot_count = 0
        self._listeners: list[Listener] = []
        self._unannounced: list[ChainEvent] = []
        self._offset_s = int(store.meta("clock_offset_s") or 0)
        self.chain_id = machine.chain_id
        self.finalized_depth = finalized_depth
        self.automine = True

    @classmethod
    def open(
        cls,
        path: Path | str,
        *,
        chain_id: int,
        genesis_time: datetime,
        allocation: Mapping[str, int],
        clock: Callable[[], datetime],
        finalized_depth: int = 2,
    ) -> "EmbeddedChain":
        """Open the chain in `path`, or begin it with a genesis that depends only on the arguments.

        allocation: address to wei; clock: aware UTC. A chain that exists keeps its own genesis time.
        Raises ChainFileRefused when the file is in use, or was begun with another chain id or allocation.
        """
        store = ChainStore(path)
        machine = Machine(chain_id, store)
        head = store.head()
        if head is None:
            head = _begin(store, machine, genesis_time, dict(allocation))
        elif store.meta("chain_id") != str(chain_id) or store.meta("allocation") != allocation_text(dict(allocation)):
            begun_with = store.meta("chain_id")
            store.close()
            raise ChainFileRefused(
                f"The chain in {path} was begun with chain id {begun_with} and its own allocation, not with these."
            )
        return cls(store, machine, head, clock, finalized_depth)

    def close(self) -> None:
        """Close the file. The chain cannot be used afterwards."""
        self._store.close()

    def listen(self, listener: Listener) -> None:
        """Call `listener` after every change that has reached the disk."""
        self._listeners.append(listener)

    # ── time ──────────────────────────────────────────────────────────────────────────────────────────────────

    def now_s(self) -> int:
        """Return the chain's time: the clock's, plus what `increase_time` has added."""
        return int(self._clock().timestamp()) + self._offset_s

    def pending_timestamp(self) -> int:
        """Return the time of the block that would be made now."""
        return max(self._head.timestamp, self.now_s()) if self._next_timestamp is None else self._next_timestamp

    def increase_time(self, seconds: int) -> int:
        """Move the chain's time ahead of its clock. Returns the whole lead in seconds."""
        _check_time(self.now_s() + seconds)
        self._set_offset(self._offset_s + seconds)
        return self._offset_s

    def set_next_timestamp(self, timestamp: int) -> None:
        """Fix the time of the next block; time goes on from there."""
        if timestamp <= self._head.timestamp:
            raise ChainRefusal(
                f"Timestamp error: {timestamp} is lower than or equal to previous block's timestamp "
                f"{self._head.timestamp}"
            )
        _check_time(timestamp)
        self._next_timestamp = timestamp

    def _set_offset(self, offset_s: int) -> None:
        self._offset_s = offset_s
        self._store.put_meta("clock_offset_s", str(offset_s))

    def catch_up(self) -> None:
        """Make the empty blocks that are due by the clock, at most CATCH_UP_BLOCKS of them."""
        due = (self.now_s() - self._head.timestamp) // BLOCK_INTERVAL_S
        if due < 1 or self._next_timestamp is not None:
            return
        with self._change():
            start = self._head.timestamp
            head = self._head
            for step in range(max(1, due - CATCH_UP_BLOCKS + 1), due + 1):
                sealed = self._machine.seal(head, start + BLOCK_INTERVAL_S * step, b"", ())
                head = self._append(sealed)
        self._announce(head)

    # ── making blocks ─────────────────────────────────────────────────────────────────────────────────────────

    def send(self, raw: bytes) -> bytes:
        """Accept a signed transaction and return its hash; with automine it is in a block already.

        Raises TransactionRefused, in geth's words.
        """
        transaction = self._pool.check(raw, self._head)
        with self._change():
            self._store.put_waiting(transaction)
            self._unannounced.append(TransactionAccepted(transaction.hash))
            head = self._mine_waiting() if self.automine else self._head
        self._announce(head)
        return transaction.hash

    def mine(self, timestamp: int | None = None) -> Block:
        """Make one block now from what waits, perhaps from nothing."""
        if timestamp is not None:
            self.set_next_timestamp(timestamp)
        with self._change():
            head = self._seal_next(self._pool.executable(self._head))
        self._announce(head)
        return head

    def set_automine(self, on: bool) -> None:
        """Choose whether a transaction gets a block at once, or waits for `mine`."""
        self.automine = on
        if on:
            with self._change():
                head = self._mine_waiting()
            self._announce(head)

    def drop_waiting(self, transaction_hash: bytes) -> bool:
        """Forget a waiting transaction, as a node does that restarts. Returns whether it was there."""
        return self._store.drop_waiting(transaction_hash)

    def _mine_waiting(self) -> Block:
        ready = self._pool.executable(self._head)
        return self._seal_next(ready) if ready else self._head

    def _seal_next(self, transactions: Sequence[Transaction]) -> Block:
        timestamp = self.pending_timestamp()
        if self._next_timestamp is not None:
            self._set_offset(self._offset_s + timestamp - self.now_s())
            self._next_timestamp = None
        sealed = self._machine.seal(self._head, timestamp, b"", transactions)
        for refused, _ in sealed.refused:
            self._store.drop_waiting(refused.hash)
        return self._append(sealed)

    def _append(self, sealed: SealedBlock) -> Block:
        self._store.add_block(sealed.block, sealed.receipts)
        logs = tuple(log for receipt in sealed.receipts for log in receipt.logs)
        self._unannounced.append(BlockAdded(sealed.block, logs))
        return sealed.block

    @contextmanager
    def _change(self) -> Iterator[None]:
        self._unannounced.clear()  # what a failed change left behind never happened
        with self._store.transaction():
            yield

    def _announce(self, head: Block) -> None:
        self._head = head
        events, self._unannounced = self._unannounced, []
        for event in events:
            for listener in self._listeners:
                listener(event)

    # ── going back ────────────────────────────────────────────────────────────────────────────────────────────

    def reorganise(self, depth: int, drop: Iterable[bytes] | None = None, insert: Sequence[bytes] = ()) -> list[bytes]:
        """Replace the last `depth` blocks by others of the same times; returns the transactions left out.

        drop: hashes to leave out, or None for all; insert: raw transactions put first into the first new block.
        A transaction that is no longer valid there is left out too. A test's tool: real networks do this unasked.
        """
        if not 1 <= depth <= self._head.number:
            raise ChainRefusal(f"cannot replace {depth} blocks: the head is {self._head.number}")
        ancestor = self.block(self._head.number - depth)
        old = [self.block(number) for number in range(ancestor.number + 1, self._head.number + 1)]
        old_transactions = [[r.transaction for r in self.receipts(block)] for block in old]
        unwanted = None if drop is None else set(drop)
        lost: list[bytes] = []
        carried = [self._machine.decode(raw) for raw in insert]
        with self._change():
            self._remove_above(ancestor)
            branch = int(self._store.meta("branches") or 0) + 1
            self._store.put_meta("branches", str(branch))
            head = ancestor
            for block, transactions in zip(old, old_transactions, strict=True):
                kept = [t for t in transactions if unwanted is not None and t.hash not in unwanted]
                lost += [t.hash for t in transactions if t not in kept]
                # The branch number in extra_data makes an otherwise equal block another block.
                sealed = self._machine.seal(head, block.timestamp, branch.to_bytes(4, "big"), carried + kept)
                lost += [t.hash for t, _ in sealed.refused]
                carried = []
                head = self._append(sealed)
        self._announce(head)
        return lost

    def snapshot(self) -> int:
        """Remember the chain as it is. Returns a number for `revert`."""
        self._snapshot_count += 1
        self._snapshots[self._snapshot_count] = (self._head.number, self._head.hash, self._offset_s)
        return self._snapshot_count

    def revert(self, snapshot: int) -> bool:
        """Go back to a snapshot, which is used up with every later one. False when there is no such snapshot."""
        number, block_hash, offset_s = self._snapshots.get(snapshot, (0, b"", 0))
        self._snapshots = {n: s for n, s in self._snapshots.items() if n < snapshot}
        target = self._store.block_by_number(number)
        if target is None or target.hash != block_hash:
            return False
        with self._change():
            self._remove_above(target)
            self._store.clear_waiting()
            self._set_offset(offset_s)
        self._next_timestamp = None
        self._announce(target)
        return True

    def _remove_above(self, ancestor: Block) -> None:
        for number in range(self._head.number, ancestor.number, -1):
            logs = self._store.logs(number, number, (), ())
            self._unannounced.append(BlockRemoved(self.block(number), logs))
        self._store.remove_blocks_above(ancestor.number)

    # ── reading ───────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def head(self) -> Block:
        """The newest block."""
        return self._head

    @property
    def safe(self) -> Block:
        """The block before the newest."""
        return self.block(max(0, self._head.number - 1))

    @property
    def finalized(self) -> Block:
        """The block `finalized_depth` below the newest, or the genesis."""
        return self.block(max(0, self._head.number - self.finalized_depth))

    def block(self, number: int) -> Block:
        """Return the block at this height. Raises BlockUnknown."""
        block = self._store.block_by_number(number) if number <= self._head.number else None
        if block is None:
            raise BlockUnknown("header not found")
        return block

    def block_by_hash(self, block_hash: bytes) -> Block:
        """Return the block with this hash, if it is on the chain. Raises BlockUnknown."""
        block = self._store.block_by_hash(block_hash)
        if block is None:
            raise BlockUnknown("header for hash not found")
        return block

    def receipt(self, transaction_hash: bytes) -> Receipt | None:
        """Return the receipt of a mined transaction."""
        return self._store.receipt(transaction_hash, self._machine.decode)

    def receipts(self, block: Block) -> tuple[Receipt, ...]:
        """Return the receipts of a block, in order."""
        return self._store.receipts(block, self._machine.decode)

    def waiting(self, transaction_hash: bytes) -> Transaction | None:
        """Return a transaction that waits for a block."""
        return next((t for t in self._pool.all() if t.hash == transaction_hash), None)

    def logs(self, first: int, last: int, addresses: Sequence[bytes], topics: LogTopics, limit: int) -> tuple[Log, ...]:
        """Return the matching logs of blocks `first` to `last`, at most `limit`."""
        return self._store.logs(first, last, addresses, topics, limit)

    def balance(self, address: bytes, block: Block) -> int:
        """Return an account's wei after `block`."""
        return self._machine.balance(block, address)

    def code(self, address: bytes, block: Block) -> bytes:
        """Return an account's code after `block`."""
        return self._machine.code(block, address)

    def storage(self, address: bytes, slot: int, block: Block) -> int:
        """Return a word of a contract's storage after `block`."""
        return self._machine.storage(block, address, slot)

    def nonce(self, address: bytes, block: Block) -> int:
        """Return an account's next nonce after `block`."""
        return self._machine.nonce(block, address)

    def pending_nonce(self, address: bytes) -> int:
        """Return an account's next nonce after what waits without a gap."""
        return self._pool.next_nonce(address, self._head)

    # ── calling ───────────────────────────────────────────────────────────────────────────────────────────────

    def call(self, call: Call, block: Block, *, pending: bool = False) -> bytes:
        """Run a call after `block` and return its output. Raises CallReverted or CallFailed.

        At the head it runs at the clock's time, not the head's: a deadline is judged as a transaction sent now
        would find it. pending: in the block after the head.
        """
        return call_output(self._machine, call, self._place(block, pending))

    def estimate_gas(self, call: Call, block: Block, *, pending: bool = False) -> int:
        """Return gas with which the call succeeds, at most 1.5 % above the least. Raises as `call` does."""
        return estimate_gas(self._machine, call, self._place(block, pending))

    def _place(self, block: Block, pending: bool) -> Place:
        timestamp = self.pending_timestamp() if block.hash == self._head.hash else block.timestamp
        return Place(block, block.number + 1 if pending else block.number, timestamp)


def _begin(store: ChainStore, machine: Machine, genesis_time: datetime, allocation: dict[str, int]) -> Block:
    """Write and return the first block of a new chain."""
    accounts = {bytes.fromhex(address.removeprefix("0x")): wei for address, wei in allocation.items()}
    with store.transaction():
        block = machine.genesis(int(genesis_time.timestamp()), accounts)
        store.add_block(block, ())
        store.put_meta("chain_id", str(machine.chain_id))
        store.put_meta("allocation", allocation_text(allocation))
    return block


def _check_time(timestamp: int) -> None:
    if timestamp > LAST_TIMESTAMP:
        raise ChainRefusal(f"time ends at {LAST_TIMESTAMP}")
