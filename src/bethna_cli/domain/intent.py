"""What a person wants from Alpha: an asset, a view, a budget, and wishes about strike and expiry."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from bethna_cli.domain.market import Asset
from bethna_cli.domain.options import OptionKind
from bethna_cli.domain.units import USDC_UNIT, Usdc


class View(StrEnum):
    """The person's own opinion on where the price goes."""

    BULLISH = "BULLISH"
    BEARISH = "BEARISH"
    NEUTRAL = "NEUTRAL"


DEFAULT_BUDGET = Usdc(100 * USDC_UNIT)


@dataclass(frozen=True, slots=True)
class TradeRequest:
    """A request for one trade. target_delta is absolute; view_odds multiplies the odds of the view's class.

    budget: the most that may be spent, USDC base units, premium and nothing else.
    """

    asset: Asset
    view: View | None = None
    budget: Usdc = DEFAULT_BUDGET
    expiry_days: float = 7.0
    target_delta: float = 0.30
    view_odds: float = 3.0


@dataclass(frozen=True, slots=True)
class DirectRequest:
    """A person's own choice of trade: exactly these kinds (a call and a put: a straddle) at these strikes (USD).

    expiry: days from now, or a moment; the expiry on offer nearest to it is meant. budget: as in TradeRequest.
    """

    asset: Asset
    kinds: frozenset[OptionKind]
    strikes: tuple[Decimal, ...]
    expiry: float | datetime
    budget: Usdc
