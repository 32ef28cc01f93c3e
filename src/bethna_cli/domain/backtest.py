"""The nouns of a backtest: what is asked, what was bought and how it ended, and what all of it came to.

Money is USDC base units. Nobody made these trades: prices are recorded, or modelled and then said to be.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from bethna_cli.domain.guarding import ExitRules
from bethna_cli.domain.intent import DEFAULT_BUDGET
from bethna_cli.domain.market import Asset
from bethna_cli.domain.model import DataFile
from bethna_cli.domain.options import OptionQuote
from bethna_cli.domain.recommendation import Signal
from bethna_cli.domain.units import Contracts, PriceE8, Usdc

EARLIEST, LATEST = datetime(2009, 1, 3, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
"""The widest range: whatever was recorded."""
DEFAULT_CAPITAL = Usdc(100 * DEFAULT_BUDGET)
"""The account a backtest begins with: each trade stakes about one per cent of it."""
DEFAULT_RULES = ExitRules()


class Ending(StrEnum):
    """Why a position was closed: at its expiry, by one of Gamma's rules, or because the recording ends."""

    SETTLED = "settled"
    STOP_LOSS = "stop-loss"
    TAKE_PROFIT = "take-profit"
    EXPIRY_NEAR = "expiry-near"
    TIME_DECAY = "time-decay"
    IV_CHANGE = "iv-change"
    DATA_ENDED = "data-ended"


class Strategy(StrEnum):
    """Who decides: Alpha, or one of the rules it is measured against."""

    ALPHA = "alpha"
    CALL_30_DELTA = "call_30_delta"
    STRADDLE = "straddle"
    RANDOM = "random"
    RSI_BOLLINGER = "rsi_bollinger"
    CASH = "hold_cash"


@dataclass(frozen=True, slots=True)
class BacktestTerms:
    """What is asked: one decision at each recorded moment from `starts` to `ends` (aware UTC), each of one budget.

    expiry_days, target_delta: as in TradeRequest. rules: by which every position is sold. seed: of the random baseline
    and of the resampling.
    """

    asset: Asset
    starts: datetime
    ends: datetime
    budget: Usdc = DEFAULT_BUDGET
    capital: Usdc = DEFAULT_CAPITAL
    expiry_days: float = 7.0
    target_delta: float = 0.30
    rules: ExitRules = DEFAULT_RULES
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Sale:
    """What a holder would have got for one contract, and what the exchange held it to be worth, 8 decimals.

    bid: None where nobody bid. iv: behind the mark, of the first strike; None where there was none.
    """

    bid: PriceE8 | None
    mark: PriceE8
    iv: float | None = None


@dataclass(frozen=True, slots=True)
class Settlement:
    """The price at which options of one expiry are settled, USD. late_h: hours by which it is older than the expiry."""

    price_usd: float
    late_h: int = 0


@dataclass(frozen=True, slots=True)
class MarketDescription:
    """Where figures are from: prices and settlement in words, the files read, gaps and repairs counted by kind."""

    pricing: str
    settlement: str
    modelled: bool
    files: Sequence[DataFile]
    counted: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Closed:
    """One position from purchase to end. trade: number of the purchase decision; a straddle's two legs share it."""

    strategy: Strategy
    trade: int
    signal: Signal
    quote: OptionQuote
    contracts: Contracts
    premium: Usdc
    proceeds: Usdc
    opened_at: datetime
    closed_at: datetime
    ending: Ending
    spot_at_open: float
    spot_at_close: float

    @property
    def profit(self) -> int:
        return self.proceeds - self.premium


@dataclass(frozen=True, slots=True)
class Bought:
    """One trade of a strategy when it is over, all legs together."""

    signal: Signal
    premium: int
    proceeds: int
    closed_at: datetime

    @property
    def profit(self) -> int:
        return self.proceeds - self.premium

    @property
    def gain(self) -> float:
        """The return as a fraction of the premium."""
        return self.profit / self.premium


@dataclass(frozen=True, slots=True)
class Course:
    """What one strategy did: its trades in the order they were opened, and its account's value at every moment.

    values: USDC base units, the beginning first, one more than moments. endings: of positions. counts: what could
    not be done as wished.
    """

    strategy: Strategy
    trades: Sequence[Bought]
    values: Sequence[int]
    endings: Mapping[Ending, int]
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Backtest:
    """What came of a backtest. decisions: how often Alpha said what; unanswered: why it could not, by error code."""

    terms: BacktestTerms
    market: MarketDescription
    model_version: str
    model_sha256: str
    in_sample: bool
    moments: Sequence[datetime]
    decisions: Mapping[Signal, int]
    unanswered: Mapping[str, int]
    courses: Mapping[Strategy, Course]
