"""Which transactions the embedded chain accepts, and which of the waiting ones are next.

Refusals are worded as geth words them, because clients recognise them by their words.
"""

from bethna_cli.adapters.sim.chain_store import ChainStore
from bethna_cli.adapters.sim.chain_types import (
    BASE_FEE_WEI,
    BLOCK_GAS_LIMIT,
    Block,
    Transaction,
    TransactionRefused,
)
from bethna_cli.adapters.sim.chain_vm import Machine

MAX_TRANSACTION_BYTES = 128 * 1024
MAX_WAITING = 1_000
MAX_INIT_CODE_BYTES = 49_152
MAX_NONCE = 2**63 - 1  # what SQLite can hold; nobody sends so many
REPLACEMENT_PERCENT = 110


class Pool:
    """The waiting transactions of one chain, in its file."""

    def __init__(self, store: ChainStore, machine: Machine) -> None:
        self._store = store
        self._machine = machine

    def all(self) -> list[Transaction]:
        """Return the waiting transactions in order of arrival."""
        return [self._machine.decode(raw) for raw in self._store.waiting()]

    def check(self, raw: bytes, head: Block) -> Transaction:
        """Return the decoded transaction if it may wait or be mined. Raises TransactionRefused."""
        if len(raw) > MAX_TRANSACTION_BYTES:
            raise TransactionRefused(f"oversized data: transaction size {len(raw)}, limit {MAX_TRANSACTION_BYTES}")
        transaction = self._machine.decode(raw)
        _check_itself(transaction, self._machine.chain_id)
        self._check_sender(transaction, head)
        self._check_waiting(transaction)
        return transaction

    def executable(self, head: Block) -> list[Transaction]:
        """Return the transactions that a block after `head` can take: each sender's in order, without gaps."""
        next_nonces: dict[bytes, int] = {}
        ready: list[Transaction] = []
        gas_left = BLOCK_GAS_LIMIT
        for transaction in sorted(self.all(), key=lambda t: t.nonce):
            sender = transaction.sender
            nonce = next_nonces.setdefault(sender, self._machine.nonce(head, sender))
            if transaction.nonce == nonce and transaction.gas <= gas_left:
                ready.append(transaction)
                next_nonces[sender] = nonce + 1
                gas_left -= transaction.gas
        return ready

    def next_nonce(self, address: bytes, head: Block) -> int:
        """Return the nonce after the account's waiting transactions, up to the first gap."""
        nonce = self._machine.nonce(head, address)
        waiting = {t.nonce for t in self.all() if t.sender == address}
        while nonce in waiting:
            nonce += 1
        return nonce

    def _check_sender(self, transaction: Transaction, head: Block) -> None:
        nonce = self._machine.nonce(head, transaction.sender)
        if transaction.nonce < nonce:
            raise TransactionRefused(f"nonce too low: next nonce {nonce}, tx nonce {transaction.nonce}")
        balance = self._machine.balance(head, transaction.sender)
        cost = transaction.value + transaction.gas * transaction.max_fee_wei
        if balance < cost:
            raise TransactionRefused(
                f"insufficient funds for gas * price + value: balance {balance}, tx cost {cost}, "
                f"overshot {cost - balance}"
            )

    def _check_waiting(self, transaction: Transaction) -> None:
        waiting = self.all()
        if any(other.hash == transaction.hash for other in waiting):
            raise TransactionRefused("already known")
        rival = next((t for t in waiting if (t.sender, t.nonce) == (transaction.sender, transaction.nonce)), None)
        if rival is None and len(waiting) >= MAX_WAITING:
            raise TransactionRefused("txpool is full")
        if rival is not None and not _outbids(transaction, rival):
            raise TransactionRefused("replacement transaction underpriced")


def _check_itself(transaction: Transaction, chain_id: int) -> None:
    if transaction.chain_id is None:
        raise TransactionRefused("only replay-protected (EIP-155) transactions allowed over RPC")
    if transaction.chain_id != chain_id:
        raise TransactionRefused(f"invalid chain id for signer: have {transaction.chain_id} want {chain_id}")
    if transaction.nonce >= MAX_NONCE:
        raise TransactionRefused("nonce has max value")
    if transaction.to is None and len(transaction.data) > MAX_INIT_CODE_BYTES:
        raise TransactionRefused(
            f"max initcode size exceeded: code size {len(transaction.data)}, limit {MAX_INIT_CODE_BYTES}"
        )
    if transaction.gas > BLOCK_GAS_LIMIT:
        raise TransactionRefused("exceeds block gas limit")
    if transaction.max_priority_fee_wei > transaction.max_fee_wei:
        raise TransactionRefused(
            f"max priority fee per gas higher than max fee per gas: maxPriorityFeePerGas: "
            f"{transaction.max_priority_fee_wei}, maxFeePerGas: {transaction.max_fee_wei}"
        )
    if transaction.max_fee_wei < BASE_FEE_WEI:
        # It could never be mined, because the base fee does not fall.
        raise TransactionRefused(
            f"max fee per gas less than block base fee: maxFeePerGas: {transaction.max_fee_wei}, "
            f"baseFee: {BASE_FEE_WEI}"
        )
    if transaction.gas < transaction.least_gas:
        raise TransactionRefused(
            f"intrinsic gas too low: gas {transaction.gas}, minimum needed {transaction.least_gas}"
        )


def _outbids(transaction: Transaction, rival: Transaction) -> bool:
    return (
        transaction.max_fee_wei * 100 >= rival.max_fee_wei * REPLACEMENT_PERCENT
        and transaction.max_priority_fee_wei * 100 >= rival.max_priority_fee_wei * REPLACEMENT_PERCENT
    )
