"""The Ethereum virtual machine: decodes, executes and seals. The only file that touches py-evm.

It keeps no chain: blocks, clock and pool live in evm.py, bytes in chain_store.py. It leaves out what a chain of one
writer has no use for: consensus, withdrawals, blobs, the beacon root. Rules are those of Prague.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import rlp
from eth import exceptions as evm_errors
from eth.db.atomic import AtomicDBWriteBatch
from eth.db.backends.base import BaseAtomicDB
from eth.db.trie import make_trie_root_and_nodes
from eth.vm.chain_context import ChainContext
from eth.vm.forks.prague import PragueVM
from eth.vm.forks.prague.blocks import PragueBlockHeader
from eth.vm.spoof import SpoofTransaction
from eth_hash.auto import keccak
from eth_keys.exceptions import BadSignature
from eth_typing import Address, BlockNumber, Hash32
from eth_utils.exceptions import ValidationError

from bethna_cli.adapters.sim.chain_store import ChainStore
from bethna_cli.adapters.sim.chain_types import (
    BASE_FEE_WEI,
    BLOCK_GAS_LIMIT,
    FEE_RECIPIENT,
    Block,
    Call,
    Log,
    Outcome,
    Receipt,
    Transaction,
    TransactionRefused,
)

_UNDECODABLE = (
    rlp.exceptions.RLPException,
    evm_errors.PyEVMError,
    BadSignature,
    ValidationError,
    ValueError,
    TypeError,
    RecursionError,  # lists in lists in lists
)
_FAILURES: tuple[tuple[type[Exception], str], ...] = (
    (evm_errors.Revert, "execution reverted"),
    (evm_errors.OutOfGas, "out of gas"),
    (evm_errors.InvalidInstruction, "invalid opcode"),
    (evm_errors.InvalidJumpDestination, "invalid jump destination"),
    (evm_errors.InsufficientFunds, "insufficient balance for transfer"),
    (evm_errors.InsufficientStack, "stack underflow"),
    (evm_errors.FullStack, "stack limit reached 1024 (1024)"),
    (evm_errors.WriteProtection, "write protection"),
    (evm_errors.OutOfBoundsRead, "return data out of bounds"),
    (evm_errors.ContractCreationCollision, "contract address collision"),
)


@dataclass(frozen=True, slots=True)
class SealedBlock:
    """A block with its receipts, and the transactions that could not be executed with the reason."""

    block: Block
    receipts: tuple[Receipt, ...]
    refused: tuple[tuple[Transaction, str], ...]


class _NodeStore(BaseAtomicDB):
    """The store's key-value part in the shape py-evm wants. The surrounding SQLite transaction makes it atomic."""

    def __init__(self, store: ChainStore) -> None:
        self._store = store

    def __getitem__(self, key: bytes) -> bytes:
        value = self._store.node(key)
        if value is None:
            raise KeyError(key)
        return value

    def __setitem__(self, key: bytes, value: bytes) -> None:
        self._store.put_node(key, value)

    def __delitem__(self, key: bytes) -> None:
        """Keep the node: an older block's state may still reach it."""

    def _exists(self, key: bytes) -> bool:
        return self._store.node(key) is not None

    @contextmanager
    def atomic_batch(self) -> Iterator[Any]:
        with AtomicDBWriteBatch._commit_unless_raises(self) as batch:
            yield batch


class _Ancestors:
    """The hashes of a block and those before it, newest first; read only when BLOCKHASH asks."""

    def __init__(self, store: ChainStore, number: int) -> None:
        self._store = store
        self._number = number

    def __iter__(self) -> Iterator[Hash32]:
        return map(Hash32, self._store.hashes_down_from(self._number))


class Machine:
    """Executes transactions of one chain id against states kept in `store`."""

    def __init__(self, chain_id: int, store: ChainStore) -> None:
        self.chain_id = chain_id
        self._store = store
        self._nodes = _NodeStore(store)
        self._reader: tuple[bytes, Any] | None = None
        self.decode = lru_cache(4_096)(self._decode)  # recovering a sender is the slow part of reading a block
        self.call = lru_cache(256)(self._call)  # a call's outcome follows from its place, and clients ask twice

    # ── transactions ──────────────────────────────────────────────────────────────────────────────────────────

    def _decode(self, raw: bytes) -> Transaction:
        """Decode a signed transaction and recover its sender. Raises TransactionRefused when it is malformed."""
        if not raw:
            raise TransactionRefused("transaction cannot be decoded: it is empty")
        if 0x03 <= raw[0] <= 0x7F:
            raise TransactionRefused("transaction type not supported")
        try:
            native: Any = PragueVM.get_transaction_builder().decode(raw)
            native.validate()
            native.check_signature_validity()
            sender = native.sender
        except _UNDECODABLE as error:
            raise TransactionRefused(f"transaction cannot be decoded: {type(error).__name__}") from error
        kind = raw[0] if raw[0] < 0x80 else 0
        return Transaction(
            hash=keccak(raw),
            raw=raw,
            type=kind,
            chain_id=native.chain_id,
            sender=sender,
            nonce=native.nonce,
            to=native.to or None,
            value=native.value,
            gas=native.gas,
            max_fee_wei=native.max_fee_per_gas,
            max_priority_fee_wei=native.max_priority_fee_per_gas,
            data=native.data,
            access_list=tuple((a, tuple(slots)) for a, slots in native.access_list) if kind else (),
            v=native.y_parity if kind else native.v,
            r=native.r,
            s=native.s,
            least_gas=least_gas(native),
            native=native,
        )

    # ── blocks ────────────────────────────────────────────────────────────────────────────────────────────────

    def genesis(self, timestamp: int, allocation: Mapping[bytes, int]) -> Block:
        """Write the first state and return its block: the same for the same chain id, time and allocation."""
        header = _header(0, b"\0" * 32, timestamp, b"", keccak(self.chain_id.to_bytes(32, "big")))
        state = PragueVM.build_state(self._nodes, header, ChainContext(self.chain_id))
        for address, balance_wei in sorted(allocation.items()):
            state.set_balance(Address(address), balance_wei)
        state.persist()
        return _block(header.copy(state_root=state.state_root), ())

    def seal(
        self, parent: Block, timestamp: int, extra_data: bytes, transactions: Sequence[Transaction]
    ) -> SealedBlock:
        """Execute transactions on top of `parent` and write the state. One that is not valid there is left out."""
        header = _header(
            parent.number + 1, parent.hash, timestamp, extra_data, keccak(parent.hash), state_root=parent.state_root
        )
        if not transactions:
            return SealedBlock(_block(header, ()), (), ())
        state = self._state(header)
        executed: list[tuple[Transaction, Any, Any]] = []
        refused: list[tuple[Transaction, str]] = []
        gas_used = bloom = 0
        for transaction in transactions:
            reason = self._reason_to_refuse(state, transaction, BLOCK_GAS_LIMIT - gas_used)
            if reason is not None:
                refused.append((transaction, reason))
                continue
            state.lock_changes()
            computation = state.apply_transaction(transaction.native)
            receipt = PragueVM.make_receipt(header.copy(gas_used=gas_used), transaction.native, computation, state)
            gas_used, bloom = receipt.gas_used, bloom | receipt.bloom
            executed.append((transaction, receipt, computation))
        state.persist()
        header = header.copy(
            state_root=state.state_root,
            gas_used=gas_used,
            bloom=bloom,
            transaction_root=make_trie_root_and_nodes(tuple(t.native for t, _, _ in executed))[0],
            receipt_root=make_trie_root_and_nodes(tuple(r for _, r, _ in executed))[0],
        )
        block = _block(header, tuple(t for t, _, _ in executed))
        return SealedBlock(block, _receipts(block, executed), tuple(refused))

    def _reason_to_refuse(self, state: Any, transaction: Transaction, gas_left: int) -> str | None:
        if transaction.gas > gas_left:
            return "gas limit reached"
        nonce = state.get_nonce(transaction.sender)
        if transaction.nonce != nonce:
            side = "low" if transaction.nonce < nonce else "high"
            return f"nonce too {side}: next nonce {nonce}, tx nonce {transaction.nonce}"
        if state.get_balance(transaction.sender) < transaction.value + transaction.gas * transaction.max_fee_wei:
            return "insufficient funds for gas * price + value"
        return None

    # ── reading and calling ───────────────────────────────────────────────────────────────────────────────────

    def nonce(self, block: Block, address: bytes) -> int:
        """Return the account's next nonce after `block`."""
        return int(self._read(block).get_nonce(address))

    def balance(self, block: Block, address: bytes) -> int:
        """Return the account's wei after `block`."""
        return int(self._read(block).get_balance(address))

    def code(self, block: Block, address: bytes) -> bytes:
        """Return the account's code after `block`, empty for a person's account."""
        return bytes(self._read(block).get_code(address))

    def storage(self, block: Block, address: bytes, slot: int) -> int:
        """Return one word of a contract's storage after `block`."""
        return int(self._read(block).get_storage(address, slot))

    def _call(self, parent: Block, number: int, timestamp: int, call: Call) -> Outcome:
        """Run a call on the state after `parent`, as if in a block with this number and time; keep nothing.

        Nobody pays for gas, and BASEFEE reads 0, as geth does for a call without a gas price.
        Raises TransactionRefused when the sender lacks the value or the gas is below the least possible.
        """
        header = _header(
            number, parent.hash, timestamp, b"", keccak(parent.hash), state_root=parent.state_root, base_fee_wei=0
        )
        state = self._state(header)
        unsigned = PragueVM.get_transaction_builder().create_unsigned_transaction(
            nonce=state.get_nonce(call.sender),
            gas_price=0,
            gas=call.gas,
            to=Address(call.to or b""),
            value=call.value,
            data=call.data,
        )
        transaction: Any = SpoofTransaction(unsigned, from_=call.sender)
        least = least_gas(transaction)
        if call.gas < least:
            raise TransactionRefused(f"intrinsic gas too low: have {call.gas}, want {least}")
        balance = state.get_balance(call.sender)
        if balance < call.value:
            raise TransactionRefused(
                f"insufficient funds for gas * price + value: address 0x{call.sender.hex()} "
                f"have {balance} want {call.value}"
            )
        with state.override_transaction_context(gas_price=call.price_wei):
            computation = state.apply_transaction(transaction)
        return Outcome(
            output=computation.output,
            gas_used=PragueVM.finalize_gas_used(transaction, computation),
            gas_refunded=computation.get_gas_refund(),
            failure=_failure(computation.error) if computation.is_error else None,
        )

    def _read(self, block: Block) -> Any:
        """Return a state for reading only, kept for the next read of the same root."""
        if self._reader is None or self._reader[0] != block.state_root:
            header = _header(block.number, block.parent_hash, block.timestamp, b"", block.mix_hash, block.state_root)
            self._reader = (block.state_root, self._state(header))
        return self._reader[1]

    def _state(self, header: Any) -> Any:
        ancestors = _Ancestors(self._store, header.block_number - 1)
        return PragueVM.build_state(self._nodes, header, ChainContext(self.chain_id), ancestors)


def least_gas(native: Any) -> int:
    """Return the gas without which a transaction is invalid: intrinsic, or the floor of EIP-7623 if higher."""
    data: bytes = native.data
    zeros = data.count(0)
    return max(int(native.intrinsic_gas), 21_000 + 10 * (zeros + 4 * (len(data) - zeros)))


def _failure(error: Exception) -> str:
    return next((text for kind, text in _FAILURES if isinstance(error, kind)), type(error).__name__)


def _header(
    number: int,
    parent_hash: bytes,
    timestamp: int,
    extra_data: bytes,
    mix_hash: bytes,
    state_root: bytes | None = None,
    base_fee_wei: int = BASE_FEE_WEI,
) -> Any:
    header = PragueBlockHeader(
        difficulty=0,
        block_number=BlockNumber(number),
        gas_limit=BLOCK_GAS_LIMIT,
        timestamp=timestamp,
        coinbase=Address(FEE_RECIPIENT),
        parent_hash=Hash32(parent_hash),
        extra_data=extra_data,
        mix_hash=Hash32(mix_hash),
        nonce=b"\0" * 8,
        base_fee_per_gas=base_fee_wei,
    )
    return header if state_root is None else header.copy(state_root=state_root)


def _block(header: Any, transactions: tuple[Transaction, ...]) -> Block:
    bodies = [t.raw if t.type else rlp.decode(t.raw) for t in transactions]
    return Block(
        number=header.block_number,
        hash=header.hash,
        parent_hash=header.parent_hash,
        timestamp=header.timestamp,
        state_root=header.state_root,
        transactions_root=header.transaction_root,
        receipts_root=header.receipt_root,
        logs_bloom=header.bloom.to_bytes(256, "big"),
        gas_used=header.gas_used,
        extra_data=header.extra_data,
        mix_hash=header.mix_hash,
        size=len(rlp.encode([rlp.decode(rlp.encode(header)), bodies, [], []])),
        transaction_hashes=tuple(t.hash for t in transactions),
    )


def _receipts(block: Block, executed: Sequence[tuple[Transaction, Any, Any]]) -> tuple[Receipt, ...]:
    receipts: list[Receipt] = []
    log_count = gas_before = 0
    for position, (transaction, native, computation) in enumerate(executed):
        logs = tuple(
            Log(
                address=log.address,
                topics=tuple(topic.to_bytes(32, "big") for topic in log.topics),
                data=log.data,
                block_number=block.number,
                block_hash=block.hash,
                block_timestamp=block.timestamp,
                transaction_hash=transaction.hash,
                transaction_index=position,
                log_index=log_count + offset,
            )
            for offset, log in enumerate(native.logs)
        )
        receipts.append(
            Receipt(
                transaction=transaction,
                block=block,
                position=position,
                succeeded=not computation.is_error,
                gas_used=native.gas_used - gas_before,
                cumulative_gas_used=native.gas_used,
                contract_address=computation.msg.storage_address if transaction.to is None else None,
                logs_bloom=native.bloom.to_bytes(256, "big"),
                output=computation.output if computation.is_error else b"",
                logs=logs,
            )
        )
        log_count, gas_before = log_count + len(logs), native.gas_used
    return tuple(receipts)
