"""What an approval rests on: the leg that was recommended, the offer that fills it now, the account that pays.

Amounts are base units. Nothing here asks, decides or signs.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from bethna_cli.domain.chain import Address
from bethna_cli.domain.market import Asset
from bethna_cli.domain.options import OptionKind, OptionQuote
from bethna_cli.domain.units import Contracts, Usdc
from bethna_cli.domain.venue import RawOrder


@dataclass(frozen=True, slots=True)
class WantedLeg:
    """One purchase as it was recommended: what exactly, for how much, and how many contracts that was to buy."""

    ticker: str
    kind: OptionKind
    strikes: tuple[Decimal, ...]
    expires_at: datetime
    amount_in: Usdc
    contracts: Contracts

    def is_offered_by(self, quote: OptionQuote) -> bool:
        """Say whether a quote is for the same payoff, whoever makes it and at whatever price."""
        terms = (self.kind, self.strikes, self.expires_at)
        return (quote.kind, quote.strikes, quote.expires_at) == terms


@dataclass(frozen=True, slots=True)
class Wanted:
    """A stored recommendation to buy. `document` is what was shown and kept, word for word."""

    id: str
    asset: Asset
    created_at: datetime
    legs: tuple[WantedLeg, ...]
    document: Mapping[str, object] = field(repr=False)

    @property
    def amount_in(self) -> Usdc:
        return Usdc(sum(leg.amount_in for leg in self.legs))


@dataclass(frozen=True, slots=True)
class Offer:
    """A maker's signed order for a leg, as the board shows it, with the token that its terms name on chain.

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
