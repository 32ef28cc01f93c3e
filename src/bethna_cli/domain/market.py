"""What was observed in the market: every number knows its source, its time and whether it is real.

A part that failed or went stale stays in the snapshot as such; it never turns into a number.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Generic, TypeVar

from bethna_cli.domain.options import OptionQuote


class Asset(StrEnum):
    """An underlying bethna has a market for."""

    ETH = "ETH"
    BTC = "BTC"


class Origin(StrEnum):
    """Where a number comes from: the world, the embedded market, or recorded history."""

    LIVE = "live"
    SIMULATED = "simulated"
    REPLAY = "replay"


class Status(StrEnum):
    """How far a part of the snapshot can be trusted."""

    OK = "ok"
    STALE = "stale"
    FAILED = "failed"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class Provenance:
    """Who said it, when it was true, and whether it is real. `observed_at` is aware UTC."""

    source: str
    observed_at: datetime
    origin: Origin


@dataclass(frozen=True, slots=True)
class SpotPrice:
    """A spot price in USD. `confidence_usd` is half the width of the source's band, None when it states none."""

    asset: Asset
    value_usd: Decimal
    confidence_usd: Decimal | None
    provenance: Provenance


@dataclass(frozen=True, slots=True)
class Candle:
    """One hour of prices, USD. Known only at `starts_at` + 1 h."""

    starts_at: datetime
    open: float
    high: float
    low: float
    close: float


@dataclass(frozen=True, slots=True)
class PriceHistory:
    """Closed hourly candles, oldest first, strictly increasing; gaps stay gaps."""

    asset: Asset
    candles: tuple[Candle, ...]
    provenance: Provenance


@dataclass(frozen=True, slots=True)
class FundingPoint:
    """A settled funding rate: the fraction paid for `interval_h` hours, known from `at` on. Positive: longs pay."""

    at: datetime
    venue: str
    interval_h: float
    rate: float

    @property
    def annual(self) -> float:
        """The rate as a fraction a year (simple)."""
        return self.rate * 8760 / self.interval_h


@dataclass(frozen=True, slots=True)
class Funding:
    """Perpetual funding: the rate predicted for the running hour (a fraction per hour) and settled history."""

    asset: Asset
    next_rate_1h: Decimal
    open_interest_coin: Decimal | None
    history: tuple[FundingPoint, ...]
    provenance: Provenance


@dataclass(frozen=True, slots=True)
class FearGreed:
    """One day of the Fear & Greed index: 0 is extreme fear, 100 extreme greed; published at 00:00 UTC of `day`."""

    day: datetime
    value: int


@dataclass(frozen=True, slots=True)
class PostMood:
    """What recent posts say: mean score in -1..1, its standard error, and from how many posts and authors."""

    mean: float
    standard_error: float
    posts: int
    authors: int
    source: str


@dataclass(frozen=True, slots=True)
class Sentiment:
    """The mood: the Fear & Greed series (oldest first, may be empty) and posts (None when no source is set up)."""

    asset: Asset
    fear_greed: tuple[FearGreed, ...]
    posts: PostMood | None
    provenance: Provenance
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OptionBoard:
    """What can be bought: asks that passed every filter, and a count of the others by reason.

    `assumed_cap` says in words when sizes are not in the data and a cap was assumed.
    """

    asset: Asset
    quotes: tuple[OptionQuote, ...]
    left_out: dict[str, int]
    provenance: Provenance
    assumed_cap: str | None = None


T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Part(Generic[T_co]):
    """One part of a snapshot: a value with its age, or the reason why there is none.

    `age_s` is measured when the snapshot was taken; `notes` are remarks for people (a fall-back, a disagreement).
    """

    name: str
    status: Status
    value: T_co | None = None
    provenance: Provenance | None = None
    age_s: float | None = None
    reason: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def usable(self) -> bool:
        return self.status is Status.OK and self.value is not None


@dataclass(frozen=True, slots=True)
class MarketSnapshot:
    """Everything observed for one asset at one moment. `asked_for`: with a replay, the moment that was wished for."""

    asset: Asset
    taken_at: datetime
    spot: Part[SpotPrice]
    options: Part[OptionBoard]
    funding: Part[Funding]
    sentiment: Part[Sentiment]
    history: Part[PriceHistory]
    asked_for: datetime | None = None

    @property
    def parts(self) -> tuple[Part[object], ...]:
        return (self.spot, self.options, self.funding, self.sentiment, self.history)
