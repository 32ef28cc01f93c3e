"""What the embedded chain is made of: blocks, transactions, receipts, logs, and the ways it says no.

Plain values without py-evm, SQLite or JSON in them, so that the chain, its store and its JSON-RPC front agree on
one vocabulary. Amounts are wei; times are Unix seconds.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

BLOCK_GAS_LIMIT = 30_000_000
BASE_FEE_WEI = 5_000_000  # 0.005 gwei, what Base charges on a quiet day; constant, so a fee shown is the fee paid
BLOCK_INTERVAL_S = 2
FEE_RECIPIENT = bytes.fromhex("4200000000000000000000000000000000000011")  # Base's sequencer fee vault


@dataclass(frozen=True, slots=True)
class Block:
    """One sealed block: the header fields that vary, and the hashes of its transactions in order."""

    number: int
    hash: bytes
    parent_hash: bytes
    timestamp: int
    state_root: bytes
    transactions_root: bytes
    receipts_root: bytes
    logs_bloom: bytes
    gas_used: int
    extra_data: bytes
    mix_hash: bytes
    size: int
    transaction_hashes: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Transaction:
    """A decoded signed transaction. `native` is the same transaction as the machine holds it."""

    hash: bytes
    raw: bytes
    type: int
    chain_id: int | None
    sender: bytes
    nonce: int
    to: bytes | None
    value: int
    gas: int
    max_fee_wei: int
    max_priority_fee_wei: int
    data: bytes
    access_list: tuple[tuple[bytes, tuple[int, ...]], ...]
    v: int
    r: int
    s: int
    least_gas: int
    native: Any = field(compare=False, repr=False)

    def price_wei(self, base_fee_wei: int = BASE_FEE_WEI) -> int:
        """Return what each unit of gas costs the sender in a block with this base fee."""
        return min(self.max_fee_wei, base_fee_wei + self.max_priority_fee_wei)


@dataclass(frozen=True, slots=True)
class Log:
    """One event. `topics` are 32 bytes each, at most four."""

    address: bytes
    topics: tuple[bytes, ...]
    data: bytes
    block_number: int
    block_hash: bytes
    block_timestamp: int
    transaction_hash: bytes
    transaction_index: int
    log_index: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a mined transaction did. `output` holds the revert data of a failed one, else nothing."""

    transaction: Transaction
    block: Block
    position: int
    succeeded: bool
    gas_used: int
    cumulative_gas_used: int
    contract_address: bytes | None
    logs_bloom: bytes
    output: bytes
    logs: tuple[Log, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """An unsigned message to run without keeping its effects."""

    sender: bytes
    to: bytes | None
    gas: int
    price_wei: int
    value: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a call ended. `failure` is None, "execution reverted", or the machine's reason."""

    output: bytes
    gas_used: int
    gas_refunded: int
    failure: str | None


@dataclass(frozen=True, slots=True)
class BlockAdded:
    """A block became the head."""

    block: Block
    logs: tuple[Log, ...]


@dataclass(frozen=True, slots=True)
class BlockRemoved:
    """A block left the chain; its logs no longer hold."""

    block: Block
    logs: tuple[Log, ...]


@dataclass(frozen=True, slots=True)
class TransactionAccepted:
    """A transaction was accepted and waits for a block, or goes into one at once."""

    hash: bytes


ChainEvent = BlockAdded | BlockRemoved | TransactionAccepted
Listener = Callable[[ChainEvent], None]


class ChainRefusal(Exception):
    """The chain does not do what was asked. The message is worded as geth words it."""


class TransactionRefused(ChainRefusal):
    """A transaction was not accepted; nothing was stored."""


class CallFailed(ChainRefusal):
    """A call ended without a result for another reason than a revert."""


class CallReverted(CallFailed):
    """A call was reverted by the contract. `data` is its revert data, perhaps empty."""

    def __init__(self, message: str, data: bytes) -> None:
        super().__init__(message)
        self.data = data


class BlockUnknown(ChainRefusal):
    """No such block on the chain."""
