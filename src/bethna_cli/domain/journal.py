"""A trade on its way: the transactions that carry it, and how far the chain has settled it.

Amounts are base units, times Unix seconds. The chain is the truth; an entry is what is known of it here.
"""

from dataclasses import dataclass
from enum import StrEnum

from bethna_cli.domain.chain import NO_ADDRESS, Address, Hash
from bethna_cli.domain.signing import SignedTransaction
from bethna_cli.domain.trade import PlannedTrade


class TradeState(StrEnum):
    """How far a trade has come. The last four end it; only what is final on chain may say so."""

    DRAFT = "DRAFT"
    APPROVED = "APPROVED"
    TX_SIGNED = "TX_SIGNED"
    BROADCAST = "BROADCAST"
    MINED = "MINED"
    SAFE = "SAFE"
    FINAL = "FINAL"
    REVERTED = "REVERTED"
    CANCELLED = "CANCELLED"
    DEAD = "DEAD"


@dataclass(frozen=True, slots=True)
class Fill:
    """What a trade really did, by the contract's event and by the tokens that moved, which agree.

    ordinal: which of the contract's executions it was in its transaction; with chain and transaction it names the
    position. A log's own index would not: it changes when a reorganisation moves the transaction.
    """

    transaction: Hash
    ordinal: int
    block_number: int
    block_hash: Hash
    amount_in: int
    amount_out: int
    gas_used: int
    gas_price_wei: int


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One trade in the journal, named by the digest that the person signed.

    first_block: the height when it was approved, where a search for its event begins. variants: the signed transactions
    that carry it, of one account nonce and one calldata, fees rising. handed_out: how many of these have been given to
    a node, counted before each first time. sent_at_s: when a node was last given one.
    dearest_at_s: when the dearest of those handed out was first given to one. fill: what the chain shows now,
    None while it shows nothing. version counts the changes, so that nobody overwrites what they have not seen.
    """

    digest: Hash
    plan_id: Hash
    trade: PlannedTrade
    state: TradeState
    first_block: int
    version: int = 0
    variants: tuple[SignedTransaction, ...] = ()
    handed_out: int = 0
    sent_at_s: int | None = None
    dearest_at_s: int | None = None
    fill: Fill | None = None

    @property
    def account(self) -> Address:
        """Who sends it: the person, or the watcher where the intent is a mandate that names it."""
        intent = self.trade.intent
        return intent.executor if self.is_mandated else intent.user

    @property
    def is_mandated(self) -> bool:
        """Say whether the intent was signed ahead of time, for the watcher to send until it has sold."""
        return self.trade.intent.executor not in (self.trade.intent.user, NO_ADDRESS)

    @property
    def account_nonce(self) -> int | None:
        """The account nonce that all variants share, None before one is signed."""
        return self.variants[0].nonce if self.variants else None


@dataclass(frozen=True, slots=True)
class Errand:
    """A transaction that trades nothing: a permission, its withdrawal, a cancelled nonce, gas money for the watcher.

    after: the digest of the trade that it belongs to, whose account nonce is the one below; it is sent once that trade
    is filled, and never when it ends without.
    """

    account: Address
    purpose: str
    transaction: SignedTransaction
    after: Hash | None = None
