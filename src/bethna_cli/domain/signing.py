"""What a person's key may be asked to sign: one plan, made of intents, their permits and the transactions they need.

There is no other request: no bytes, no message, no transaction to an address of somebody's choice. A plan names what
is to happen; the signer writes the calldata itself.
"""

from dataclasses import dataclass, field
from decimal import Decimal

from bethna_cli.domain.chain import Address, Hash
from bethna_cli.domain.policy import SpendingPolicy
from bethna_cli.domain.trade import TradeIntent

MOST_GAS_MONEY_WEI = 5 * 10**15
"""What a plan may give the watcher for gas: 0.005 ETH."""

MOST_FEES_WEI = 5 * 10**15
"""What all transactions of a plan may cost in fees at most: 0.005 ETH, a hundred times what they cost on Base."""

MOST_BUMPS = 4
"""How many dearer forms of one transaction a plan may have."""


@dataclass(frozen=True, slots=True)
class Permit:
    """An ERC-2612 permit: the contract may take exactly what intent number `intent` of the plan gives, once.

    nonce: the token's own for the account.
    """

    intent: int
    nonce: int
    deadline_s: int


@dataclass(frozen=True, slots=True)
class Approve:
    """Let the contract take exactly `amount` of `token`, base units; 0 takes the permission back.

    standing: the part of `amount` that mandates signed earlier need, 0 for USDC.
    """

    token: Address
    amount: int
    standing: int = 0


@dataclass(frozen=True, slots=True)
class Submit:
    """Send intent number `intent` of the plan, from 0, to the contract. The contract must pay at least `minimum_out`.

    with_permit: hand in that intent's permit with it.
    """

    intent: int
    minimum_out: int
    with_permit: bool = False


@dataclass(frozen=True, slots=True)
class FillOrder:
    """Fill, from the person's own account, the one maker's order that intent number `intent` of the plan names.

    The intent's token is the order's handle, its amount the exact premium, its outcome exactly that many contracts.
    """

    intent: int


@dataclass(frozen=True, slots=True)
class CancelNonce:
    """Burn one of the person's nonces: whatever was signed with it is worth nothing any more."""

    nonce: int


@dataclass(frozen=True, slots=True)
class FundWatcher:
    """Give the person's own watcher money for gas."""

    amount_wei: int


@dataclass(frozen=True, slots=True)
class MakeWay:
    """Send nothing to oneself: it uses up an account nonce that holds up everything above it, and changes nothing."""


Action = Approve | Submit | FillOrder | CancelNonce | FundWatcher | MakeWay


@dataclass(frozen=True, slots=True)
class Step:
    """One EIP-1559 transaction from the person's account; `nonce` is the account's.

    bumps: how many dearer ones of the same nonce and calldata are signed with it, each for twice the fees of the last.
    """

    action: Action
    nonce: int
    gas: int
    max_fee_wei: int
    tip_wei: int
    bumps: int = 0

    @property
    def most_wei(self) -> int:
        """What it can cost at most, in its dearest form."""
        return self.gas * (self.max_fee_wei << self.bumps)


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that is signed with one password. block_time_s: the newest block's time, deadlines count from it.

    policy: what scripts may spend from now on; then it is the whole plan.
    """

    chain_id: int
    contract: Address
    user: Address
    block_time_s: int
    intents: tuple[TradeIntent, ...] = ()
    permits: tuple[Permit, ...] = ()
    steps: tuple[Step, ...] = ()
    policy: SpendingPolicy | None = None

    @property
    def submissions(self) -> tuple[Submit | FillOrder, ...]:
        """The steps that need a fresh quote of the venue, in their order."""
        return tuple(step.action for step in self.steps if isinstance(step.action, Submit | FillOrder))

    @property
    def fills_book(self) -> bool:
        """Say whether it fills orders from the person's own account; its intents are then shown, and not signed."""
        return any(isinstance(step.action, FillOrder) for step in self.steps)

    def permit_of(self, intent: int) -> Permit | None:
        """Return the permit that belongs to an intent, None when it has none."""
        return next((permit for permit in self.permits if permit.intent == intent), None)


@dataclass(frozen=True, slots=True)
class Pins:
    """What plans on one chain may touch, from the release and from what the person confirmed; never from an answer.

    contract: the person's SentientTrader; book: the order book that is filled from their own account; each is None
    where it was not confirmed. watcher: the account that sends mandates, None without one. clock_skew_s: how far the
    newest block's time may be from this machine's clock, None where the chain keeps a time of its own.
    """

    chain_id: int
    contract: Address | None
    usdc: Address
    usdc_name: str
    usdc_version: str
    watcher: Address | None
    clock_skew_s: int | None
    book: Address | None = None


@dataclass(frozen=True, slots=True)
class SignedIntent:
    """An intent's EIP-712 digest and its 65-byte signature."""

    digest: Hash
    signature: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class SignedTransaction:
    """A transaction as it goes over the wire, byte for byte."""

    hash: Hash
    nonce: int
    raw: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class SignedPlan:
    """What came of a plan, or of some of its steps, in its order.

    steps: for each step its transactions, of one account nonce and one calldata, fees rising. policy: the signature of
    the plan's policy.
    """

    intents: tuple[SignedIntent, ...]
    steps: tuple[tuple[SignedTransaction, ...], ...]
    policy: SignedIntent | None = None

    @property
    def transactions(self) -> tuple[SignedTransaction, ...]:
        """Each step's cheapest transaction."""
        return tuple(variants[0] for variants in self.steps)


USDC_DOMAINS: dict[int, tuple[str, str]] = {
    779_977: ("USD Coin", "2"),
    8453: ("USD Coin", "2"),
    84_532: ("USDC", "2"),
}
"""Name and version of USDC's EIP-712 domain by chain id; on Base Sepolia the name differs."""


def ether(wei: int) -> Decimal:
    """Convert wei to ETH, exactly."""
    return Decimal(wei).scaleb(-18)
