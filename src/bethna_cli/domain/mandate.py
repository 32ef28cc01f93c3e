"""A mandate: a sale that the person signed beforehand, for their watcher to send when a price is reached.

Stop-loss and take-profit of one position share one nonce, so that the contract executes at most one of them. Whoever
has a mandate can sell that token, to that person's benefit, at its floor or better; and nothing else.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from bethna_cli.domain.chain import Address, Hash
from bethna_cli.domain.trade import PlannedTrade, Side

LAST_MINUTES_S = 900
"""The contract takes a sale this close to its deadline for an ordinary one, and refuses a floor below 90 % then."""


class MandateKind(StrEnum):
    """What the price does when a mandate is used; its value is also its purpose in a plan."""

    STOP_LOSS = "stop-loss"
    TAKE_PROFIT = "take-profit"


class MandateState(StrEnum):
    """WAITING: its purchase has brought nothing yet. OPEN: may be sent. The others end it, by what the chain shows."""

    WAITING = "WAITING"
    OPEN = "OPEN"
    USED = "USED"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"


@dataclass(frozen=True, slots=True)
class Mandate:
    """One signed sale. purchase: the digest of the purchase that it protects, None for tokens that came otherwise.

    Its intent's `quoted_amount_out` is what all of `amount_in` is worth at the trigger, its `min_amount_out` the floor,
    both USDC base units; its executor is the watcher. Raises ValueError for an intent that is no mandate.
    """

    digest: Hash
    kind: MandateKind
    trade: PlannedTrade
    signature: bytes = field(repr=False)
    purchase: Hash | None
    signed_at: datetime
    state: MandateState = MandateState.WAITING

    def __post_init__(self) -> None:
        intent = self.trade.intent
        if intent.side is not Side.SELL or intent.executor == intent.user or intent.amount_in <= 0:
            raise ValueError("a mandate is a sale that the watcher sends")

    @property
    def token(self) -> Address:
        return self.trade.intent.option_token

    @property
    def usable_until_s(self) -> int:
        """The last second, in block time, in which the contract takes it with a floor below 90 % of its trigger."""
        intent = self.trade.intent
        is_tight = intent.min_amount_out * 10_000 >= intent.quoted_amount_out * 9_000
        return intent.deadline_s if is_tight else intent.deadline_s - LAST_MINUTES_S - 1

    def trigger_value(self, contracts: int) -> int:
        """Return what `contracts` (base units) are worth at the trigger, USDC base units, rounded down."""
        return self.trade.intent.quoted_amount_out * contracts // self.trade.intent.amount_in

    def floor(self, contracts: int) -> int:
        """Return the least that selling `contracts` may bring, as the contract rounds it: up."""
        sold = min(contracts, self.trade.intent.amount_in)
        return -(-self.trade.intent.min_amount_out * sold // self.trade.intent.amount_in)
