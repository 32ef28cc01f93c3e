"""Money and quantities as integers in base units. Floats never carry money."""

from datetime import UTC, datetime
from decimal import ROUND_DOWN, Decimal
from typing import NewType

Usdc = NewType("Usdc", int)
"""USDC base units, 6 decimals: 1_000_000 is 1 USDC."""

Contracts = NewType("Contracts", int)
"""Option contracts, 6 decimals: 1_000_000 is one contract on one unit of the underlying."""

PriceE8 = NewType("PriceE8", int)
"""USD per 1.0 contract (or per coin), 8 decimals: 100_000_000 is 1 USD. The scale of the venue's orders and strikes."""

Bps = NewType("Bps", int)
"""Basis points: 100 is 1 %."""

USDC_UNIT = 1_000_000
CONTRACT_UNIT = 1_000_000
PRICE_UNIT = 100_000_000


def usdc_from_decimal(amount: Decimal) -> Usdc:
    """Convert a USDC amount to base units, dropping what lies below one unit. Raises ValueError when not finite."""
    if not amount.is_finite():
        raise ValueError(f"not an amount: {amount}")
    return Usdc(int((amount * USDC_UNIT).to_integral_value(ROUND_DOWN)))


def usdc_to_decimal(amount: int) -> Decimal:
    """Convert base units to a USDC amount, exactly."""
    return Decimal(amount) / USDC_UNIT


def price_from_decimal(price: Decimal) -> PriceE8:
    """Convert USD to an 8-decimal price, rounding down. Raises ValueError when not finite."""
    if not price.is_finite():
        raise ValueError(f"not a price: {price}")
    return PriceE8(int((price * PRICE_UNIT).to_integral_value(ROUND_DOWN)))


def price_to_decimal(price: int) -> Decimal:
    """Convert an 8-decimal price to USD, exactly."""
    return Decimal(price) / PRICE_UNIT


def contracts_for(amount: int, price: int) -> Contracts:
    """Count the contracts that `amount` (USDC base units) buys at `price` (8 decimals), rounded down.

    Raises ValueError when the price is not positive.
    """
    if price <= 0:
        raise ValueError(f"not a price: {price}")
    return Contracts(amount * PRICE_UNIT // price)


def premium_for(contracts: int, price: int) -> Usdc:
    """Return what `contracts` (6 decimals) cost at `price` (8 decimals), in USDC base units, rounded up."""
    return Usdc(-(-contracts * price // PRICE_UNIT))


def from_unix(seconds: int | float) -> datetime:
    """Turn seconds since the epoch into an aware UTC time."""
    return datetime.fromtimestamp(seconds, UTC)


def proceeds_of(contracts: int, price: int) -> Usdc:
    """Return what selling `contracts` (6 decimals) at `price` (8 decimals) brings in USDC base units, rounded down.

    Raises ValueError when the price is not positive.
    """
    if price <= 0:
        raise ValueError(f"not a price: {price}")
    return Usdc(contracts * price // PRICE_UNIT)


def iso(at: datetime) -> str:
    """Write an aware time as ISO 8601 in UTC, to the second, with `Z`."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
