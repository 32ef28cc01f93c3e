"""What a chain is made of, as bethna sees it: blocks, logs, receipts, calls, fees, and our contract's state on it.

Addresses and hashes are lower-case `0x` text, so that equal means equal; amounts are wei or base units; times are
Unix seconds as the chain writes them. Nothing here encodes, hashes or asks.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import NamedTuple, NewType

from bethna_cli.domain.venue import Address as Address

Hash = NewType("Hash", str)
"""`0x` and 64 lower-case hexadecimal digits."""

NO_ADDRESS = Address("0x" + "00" * 20)

CHAIN_IDS: Mapping[str, int] = {"sim": 779_977, "base": 8453, "base-sepolia": 84_532}
"""The chain behind each network."""

USDC_ADDRESSES: Mapping[str, Address] = {
    "base": Address("0x833589fcd6edb6e08f4c7c32d4f71b54bda02913"),
    "base-sepolia": Address("0x036cbd53842c5426634e7929541ec2318f3dcf7e"),
}
"""Circle's USDC (developers.circle.com/stablecoins/usdc-contract-addresses); the embedded chain deploys its own."""


class Tag(StrEnum):
    """A block by how settled it is."""

    LATEST = "latest"
    PENDING = "pending"
    SAFE = "safe"
    FINALIZED = "finalized"


BlockAt = Tag | int | Hash
"""A block by tag, height or hash; by hash it must be part of the chain."""


@dataclass(frozen=True, slots=True)
class Block:
    """A block's header. `logs_bloom` is 256 bytes; `base_fee_wei` is None before EIP-1559."""

    number: int
    hash: Hash
    parent_hash: Hash
    timestamp_s: int
    base_fee_wei: int | None
    logs_bloom: bytes = field(repr=False)


class Log(NamedTuple):
    """One event; a tuple, because histories hold very many.

    `log_index` is block-wide and changes when a reorganisation moves the transaction.
    """

    address: Address
    topics: tuple[Hash, ...]
    data: bytes
    block_number: int
    block_hash: Hash
    transaction_hash: Hash
    transaction_index: int
    log_index: int


@dataclass(frozen=True, slots=True)
class LogQuery:
    """Which logs: of these senders, and per topic any of the alternatives (None: any). No senders means anyone's."""

    addresses: tuple[Address, ...] = ()
    topics: tuple[tuple[Hash, ...] | None, ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """A run of blocks that follow each other, and the logs in them that were asked for, in order."""

    blocks: tuple[Block, ...]
    logs: tuple[Log, ...]


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a mined transaction did. `contract_address` is where it deployed a contract."""

    transaction_hash: Hash
    block_number: int
    block_hash: Hash
    transaction_index: int
    sender: Address
    to: Address | None
    contract_address: Address | None
    succeeded: bool
    gas_used: int
    gas_price_wei: int
    logs: tuple[Log, ...]


@dataclass(frozen=True, slots=True)
class Account:
    """An address at one block. `nonce` counts the transactions it has sent; `code` is empty for people."""

    address: Address
    balance_wei: int
    nonce: int
    code: bytes


@dataclass(frozen=True, slots=True)
class Call:
    """A message to a contract, or with `to` None the creation of one."""

    to: Address | None
    data: bytes = b""
    sender: Address | None = None
    value_wei: int = 0


@dataclass(frozen=True, slots=True)
class Fees:
    """What the next block asks for a unit of gas, and the tip that recent ones were given."""

    base_fee_wei: int
    tip_wei: int

    @property
    def max_fee_wei(self) -> int:
        """A limit that holds through about five full blocks: each can raise the base fee by an eighth."""
        return 2 * self.base_fee_wei + self.tip_wei


@dataclass(frozen=True, slots=True)
class OfferedFees:
    """What a signed transaction offers for a unit of gas at most, and the tip that is in it."""

    max_fee_wei: int
    tip_wei: int


@dataclass(frozen=True, slots=True)
class UnsignedTransaction:
    """A transaction ready to be signed (EIP-1559)."""

    chain_id: int
    sender: Address
    nonce: int
    to: Address | None
    data: bytes
    value_wei: int
    gas: int
    fees: Fees

    @property
    def highest_cost_wei(self) -> int:
        """What it can cost the sender at most on this chain's own gas; an L2 adds its data fee."""
        return self.gas * self.fees.max_fee_wei + self.value_wei


class Listing(IntEnum):
    """A router's standing with SentientTrader, as the contract numbers it."""

    NONE = 0
    ACTIVE = 1
    SELL_ONLY = 2


@dataclass(frozen=True, slots=True)
class RouterState:
    """A router as the contract lists it, and the code that lives there now."""

    address: Address
    listing: Listing
    listed_code_hash: Hash
    code_hash: Hash


@dataclass(frozen=True, slots=True)
class SigningDomain:
    """An EIP-712 domain as the contract states it (EIP-5267)."""

    name: str
    version: str
    chain_id: int
    verifying_contract: Address


@dataclass(frozen=True, slots=True)
class ContractState:
    """A SentientTrader at one block.

    code_hash: keccak256 of its code. is_release: that code is this release's, immutables blanked. balances: base units
    it holds, which is nothing between transactions.
    """

    address: Address
    block: Block
    code_hash: Hash
    is_release: bool
    domain: SigningDomain
    owner: Address
    pending_owner: Address
    guardian: Address
    usdc: Address
    default_router: Address
    routers: tuple[RouterState, ...]
    is_paused: bool
    are_exits_paused: bool
    balance_usdc: int
    balance_wei: int


@dataclass(frozen=True, slots=True)
class DeploymentTerms:
    """What a new SentientTrader is built with. The guardian may be NO_ADDRESS; the first router is the default."""

    usdc: Address
    routers: tuple[Address, ...]
    owner: Address
    guardian: Address = NO_ADDRESS


@dataclass(frozen=True, slots=True)
class ContractPin:
    """A contract that the person has confirmed: its address and the hash of the code that lived there."""

    address: Address
    code_hash: Hash
