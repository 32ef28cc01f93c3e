"""A mandate: a sale that the person signed beforehand, for their watcher to send when a price is reached.

Stop-loss and take-profit of one position share one nonce, so that the contract executes at most one of them. Whoever
has a mandate can sell that token, to that person's benefit, at its floor or better; and nothing else.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from bethna_cli.domain.chain import Address, Hash
from bethna_cli.domain.trade import PlannedTrade, Side
from bethna_cli.domain.units import Bps

LAST_MINUTES_S = 900
"""The contract takes a sale this close to its deadline for an ordinary one, and refuses a floor below 90 % then."""

FULL = 10_000
HALF = Bps(5_000)
MOST_TAKE_PROFIT = 1_000_000
"""A hundred times the cost; beyond it somebody mistyped."""


class MandateKind(StrEnum):
    """What the price does when a mandate is used; its value is also its purpose in a plan."""

    STOP_LOSS = "stop-loss"
    TAKE_PROFIT = "take-profit"


@dataclass(frozen=True, slots=True)
class ExitTerms:
    """When a position is to be sold without asking again: basis points of what it cost, None for never.

    stop_loss: 5,000 sells at half the cost, below 10,000. take_profit: 10,000 sells at twice the cost. floor: how much
    of the trigger's value the sale must bring at least. Raises ValueError for terms that make no sense.
    """

    stop_loss: Bps | None
    take_profit: Bps | None
    floor: Bps = HALF

    def __post_init__(self) -> None:
        if self.stop_loss is not None and not 0 < self.stop_loss < FULL:
            raise ValueError("a stop-loss is more than 0 % and less than 100 %")
        if self.take_profit is not None and not 0 < self.take_profit <= MOST_TAKE_PROFIT:
            raise ValueError("a take-profit is more than 0 % and at most 10,000 %")
        if not 0 < self.floor <= FULL:
            raise ValueError("a floor is a share of the trigger")

    def trigger(self, kind: MandateKind, cost: int) -> int | None:
        """Return what the position is worth at a trigger, base units of what it cost; None when there is none."""
        if kind is MandateKind.STOP_LOSS:
            return None if self.stop_loss is None else cost * (FULL - self.stop_loss) // FULL
        return None if self.take_profit is None else -(-cost * (FULL + self.take_profit) // FULL)


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

    position: the id of the position that it was signed for later, None when it was signed with its purchase.

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
    position: str | None = None

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
