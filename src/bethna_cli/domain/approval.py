"""What an approval rests on: what is to be bought or sold, the offer that fills it now, the account that gives.

Amounts are base units. Nothing here asks, decides or signs.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from bethna_cli.domain.chain import Address
from bethna_cli.domain.mandate import ExitTerms
from bethna_cli.domain.market import Asset
from bethna_cli.domain.options import OptionKind, OptionQuote
from bethna_cli.domain.position import Position
from bethna_cli.domain.trade import Side
from bethna_cli.domain.venue import RawOrder


@dataclass(frozen=True, slots=True)
class WantedLeg:
    """One purchase or sale as it was decided: of what exactly, and how much of what is given.

    amount_in: USDC of a purchase, contracts of a sale. expected_out: what that was to bring when it was proposed, None
    when nothing was said. after_s: how long after the first leg its turn comes.
    """

    ticker: str
    kind: OptionKind
    strikes: tuple[Decimal, ...]
    expires_at: datetime
    amount_in: int
    expected_out: int | None = None
    after_s: int = 0

    def is_offered_by(self, quote: OptionQuote) -> bool:
        """Say whether a quote is for the same payoff, whoever makes it and at whatever price."""
        terms = (self.kind, self.strikes, self.expires_at)
        return (quote.kind, quote.strikes, quote.expires_at) == terms


@dataclass(frozen=True, slots=True)
class Schedule:
    """How a large order is cut up: so many parts, one every `interval_s` seconds."""

    parts: int
    interval_s: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """A stored recommendation to buy, or a position to be sold. `document` is what was decided, word for word.

    exits: what is to be authorised with a purchase. sold: the position that is sold. is_schedule: the legs are parts
    of one order, which stops when its price moves.
    """

    id: str
    asset: Asset
    created_at: datetime
    legs: tuple[WantedLeg, ...]
    document: Mapping[str, object] = field(repr=False)
    side: Side = Side.BUY
    exits: ExitTerms | None = None
    sold: Position | None = None
    is_schedule: bool = False

    @property
    def amount_in(self) -> int:
        return sum(leg.amount_in for leg in self.legs)


@dataclass(frozen=True, slots=True)
class Offer:
    """A maker's signed order for a leg, an ask or a bid, as the board shows it, with the token its terms name on chain.

    seen_at: when the board was written. fair_value_usdc: the exchange-derived price of one contract, None without one.
    """

    quote: OptionQuote
    order: RawOrder
    series: Address
    seen_at: datetime
    fair_value_usdc: float | None


@dataclass(frozen=True, slots=True)
class Purse:
    """An account at the newest block. nonce counts what waits too; allowance is what the contract may take of USDC."""

    balance_wei: int
    nonce: int
    usdc: int
    allowance: int
    permit_nonce: int


@dataclass(frozen=True, slots=True)
class Held:
    """What an account holds of an option token, and what the contract may take of it; nothing before its first fill."""

    balance: int
    allowance: int
    permit_nonce: int


class Answer(StrEnum):
    """What the person said to a recommendation."""

    APPROVED = "APPROVED"
    REJECTED = "REJECTED"


@dataclass(frozen=True, slots=True)
class Decision:
    """An answer as it is kept. plan_id: of what was signed, None for a rejection; reason: the person's own words."""

    recommendation_id: str
    at: datetime
    answer: Answer
    plan_id: str | None = None
    reason: str | None = None
