"""The terms of an option, put together from the numbers that its contract states."""

from collections.abc import Sequence
from decimal import Decimal

from bethna_cli.adapters.tickers import write_ticker
from bethna_cli.domain.market import Asset
from bethna_cli.domain.options import OptionKind
from bethna_cli.domain.position import OptionTerms
from bethna_cli.domain.units import from_unix, price_to_decimal

KINDS = (OptionKind.CALL, OptionKind.PUT, OptionKind.CALL_SPREAD, OptionKind.PUT_SPREAD)
"""The kinds of a series as its contract numbers them."""


def terms_of(asset: str, kind: OptionKind, strikes_e8: Sequence[int], expiry_s: int) -> OptionTerms:
    """Put terms together from a contract's numbers. Raises ValueError for an asset that bethna does not know."""
    strikes: tuple[Decimal, ...] = tuple(sorted(price_to_decimal(strike) for strike in strikes_e8))
    expires_at = from_unix(expiry_s)
    listed = strikes[::-1] if kind is OptionKind.PUT_SPREAD else strikes
    return OptionTerms(Asset(asset), kind, strikes, expires_at, write_ticker(Asset(asset), kind, listed, expires_at))
