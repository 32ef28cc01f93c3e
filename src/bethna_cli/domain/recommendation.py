"""Alpha's answer: a prediction, one trade with its numbers and reasons, or a refusal with the best candidate."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from bethna_cli.domain.intent import View
from bethna_cli.domain.market import Asset, MarketSnapshot, Origin
from bethna_cli.domain.options import OptionQuote
from bethna_cli.domain.units import Contracts, Usdc


class Signal(StrEnum):
    """What to do. bethna only ever buys."""

    LONG_CALL = "LONG_CALL"
    LONG_PUT = "LONG_PUT"
    LONG_STRADDLE = "LONG_STRADDLE"
    CALL_SPREAD = "CALL_SPREAD"
    PUT_SPREAD = "PUT_SPREAD"
    HOLD = "HOLD"


@dataclass(frozen=True, slots=True)
class Prediction:
    """Calibrated probabilities that the log return over `horizon_days` is above, within or below the neutral band.

    The three sum to 1. neutral_band: half the band's width as a log return. base: how often each class occurred in
    training, (bullish, neutral, bearish); silent: what the three would be if the forest had nothing to say. shrink:
    weight of the forest against what the volatility alone says, 0 is "no directional view". missing: feature groups
    that had no data.
    """

    bullish: float
    neutral: float
    bearish: float
    horizon_days: float
    neutral_band: float
    base: tuple[float, float, float]
    silent: tuple[float, float, float]
    shrink: float
    model_version: str
    missing: tuple[str, ...] = ()

    @property
    def confidence(self) -> float:
        """The probability of the likeliest class."""
        return max(self.bullish, self.neutral, self.bearish)


@dataclass(frozen=True, slots=True)
class Leg:
    """One purchase: a quote, how many contracts, and what they cost (USDC base units)."""

    quote: OptionQuote
    contracts: Contracts
    premium: Usdc


@dataclass(frozen=True, slots=True)
class Reason:
    """Why, with the number behind it and where the number is from."""

    text: str
    feature: str
    value: float | None
    source: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """One trade, valued under a terminal distribution. Money is USDC base units; the payoff is (USD spot, USDC P&L).

    max_profit is what the fully collateralised series can pay at most, less the premium. quantiles: (share of outcomes,
    the P&L that so many do not exceed), from the distribution that the probability and the expected value are of; empty
    for a trade that is not shown.
    """

    signal: Signal
    legs: tuple[Leg, ...]
    amount: Usdc
    contracts: Contracts
    max_loss: Usdc
    max_profit: Usdc | None
    break_even_usd: tuple[Decimal, ...]
    probability_of_profit: float
    expected_value: Usdc
    payoff: tuple[tuple[float, float], ...]
    quantiles: tuple[tuple[float, Usdc], ...] = ()
    refused_because: str | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """The measured record of such trades in a stored backtest, with its data and range.

    interval: of the average return, at 95 %; None where the trades were too few for one.
    """

    data: str
    starts: datetime
    ends: datetime
    trades: int
    win_rate: float
    average_return: float
    max_drawdown: float
    interval: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class ViewEffect:
    """What the person's view changed: Alpha's own verdict without it stands beside."""

    view: View
    odds: float
    signal_without: Signal
    expected_value_without: Usdc | None


@dataclass(frozen=True, slots=True)
class Recommendation:
    """One answer of Alpha's, as stored and shown. With HOLD, `trade` is None and `candidate` the best refused trade."""

    id: str
    created_at: datetime
    network: str
    origin: Origin
    asset: Asset
    signal: Signal
    prediction: Prediction
    trade: Candidate | None
    candidate: Candidate | None
    reasons: tuple[Reason, ...]
    record: Record | None
    view: ViewEffect | None
    market: MarketSnapshot
    would_change: tuple[str, ...]
    warnings: tuple[str, ...]
    buy_line: str | None
