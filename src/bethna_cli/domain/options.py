"""Options as the venue offers them: kinds, strikes, expiries, and quotes that can be bought."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from bethna_cli.domain.units import CONTRACT_UNIT, Contracts, PriceE8, price_to_decimal

Term = tuple[tuple[float, float], ...]
"""(years to expiry, implied volatility at the money as a fraction a year) of one moment's quotes, shortest first."""


class OptionKind(StrEnum):
    """The payoff of one series. A spread is one series with two strikes, bought as a debit."""

    CALL = "CALL"
    PUT = "PUT"
    CALL_SPREAD = "CALL_SPREAD"
    PUT_SPREAD = "PUT_SPREAD"

    @property
    def is_call(self) -> bool:
        return self in (OptionKind.CALL, OptionKind.CALL_SPREAD)

    @property
    def is_spread(self) -> bool:
        return self in (OptionKind.CALL_SPREAD, OptionKind.PUT_SPREAD)


@dataclass(frozen=True, slots=True)
class QuoteGreeks:
    """Long-holder Greeks as the venue states them: delta per coin, vega USD per vol point, theta USD per day."""

    iv: float
    delta: float
    gamma: float | None = None
    vega: float | None = None
    theta: float | None = None


@dataclass(frozen=True, slots=True)
class OptionQuote:
    """An ask that can be bought now: European, cash-settled, collateralised in USDC.

    strikes: USD, ascending, one or two. price: USD per 1.0 contract, 8 decimals. max_contracts: what the maker
    still has collateral for. good_until: last moment the quote may be filled. order_id: names the maker's order.
    A call pays min(S - K, K): USDC cannot collateralise more.
    """

    ticker: str
    kind: OptionKind
    strikes: tuple[Decimal, ...]
    expires_at: datetime
    price: PriceE8
    max_contracts: Contracts
    good_until: datetime
    order_id: str
    greeks: QuoteGreeks | None = None

    @property
    def price_usd(self) -> Decimal:
        return price_to_decimal(self.price)

    @property
    def max_size(self) -> Decimal:
        return Decimal(self.max_contracts) / CONTRACT_UNIT
