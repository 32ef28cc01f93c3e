"""What a market answers, whoever computes it: the vocabulary between the worlds and the wire formats.

Two worlds speak it: the simulated one (`market.py`) and recorded history (`replay.py`). The wire layer (`wire*.py`)
turns these nouns into the services' JSON and knows nothing else about either. Times are Unix seconds, prices USD as
float (simulation is analytics); orders carry integers as they go on the wire.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from bethna_cli.domain.market import Asset, Origin

HOUR_S = 3600
DAY_S = 86_400


def unix(text: str) -> int:
    """Turn an ISO 8601 time with a zone into Unix seconds. Raises ValueError when it is none."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"the time {text[:32]!a} has no zone")
    return int(at.timestamp())


@dataclass(frozen=True, slots=True)
class Tick:
    """A price at a second: USD, half the width of its confidence band, and the average of the last hour."""

    at_s: int
    price_usd: float
    confidence_usd: float
    hour_average_usd: float


@dataclass(frozen=True, slots=True)
class Bar:
    """Prices of one interval, USD. Volume in coin; `open_interest` in coin at its start, None where unknown."""

    starts_s: int
    open: float
    high: float
    low: float
    close: float
    volume_coin: float
    open_interest_coin: float | None = None


@dataclass(frozen=True, slots=True)
class Perpetual:
    """The running state of a perpetual market. Rates are fractions per hour; None where nothing is known."""

    oracle_usd: float
    change_24h_usd: float | None
    volume_24h_usd: float | None
    next_rate_1h: float
    open_interest_coin: float | None
    premium: float | None


@dataclass(frozen=True, slots=True)
class SettledFunding:
    """A settled rate, as a fraction per hour, and the oracle price at that tick (None where it was not recorded)."""

    at_s: int
    rate_1h: float
    price_usd: float | None


@dataclass(frozen=True, slots=True)
class Mood:
    """One day of the Fear & Greed index, published at 00:00 UTC of that day."""

    day_s: int
    value: int


@dataclass(frozen=True, slots=True)
class Post:
    """One post. `mood` (-1..1) is what its author had in mind; it never goes on the wire."""

    id: int
    at_s: float
    author: str
    author_id: int
    text: str
    likes: int
    mood: float


@dataclass(frozen=True, slots=True)
class MakerOrder:
    """One row of the order book, with the integers that go on the wire.

    price and strikes: 8 decimals. max_collateral: base units of the collateral token. is_long is the maker's side.
    """

    ticker: str
    asset: Asset
    maker: str
    good_until_s: int
    collateral: str
    is_call: bool
    price_feed: str
    implementation: str
    is_long: bool
    max_collateral: int
    strikes: tuple[int, ...]
    expiry_s: int
    price: int
    chain_id: int
    book: str
    greeks: Mapping[str, float] | None = None
    listing: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SignedOrder:
    """An order with the book's nonce for it and the maker's signature: 0x-hex, "0x" when nobody signed."""

    order: MakerOrder
    nonce: int
    signature: str


@dataclass(frozen=True, slots=True)
class Board:
    """The order book of all assets, when it was written, and the volatility it was priced with (now, then later)."""

    rows: tuple[SignedOrder, ...]
    written_s: int
    volatility: Mapping[str, Sequence[float]]
    assumed_cap: str | None = None


@dataclass(frozen=True, slots=True)
class ReferencePrice:
    """What the exchange-derived feed says of one option: fractions of one underlying; zero is no quote."""

    ticker: str
    bid: float
    ask: float
    mark: float
    underlying_usd: float
    strike_usd: float


class World(Protocol):
    """A market at a moment. Nothing it answers is of a time after `now`."""

    @property
    def origin(self) -> Origin: ...

    @property
    def assets(self) -> tuple[Asset, ...]: ...

    @property
    def notes(self) -> Mapping[str, str]:
        """Remarks by service (`hermes`, `dydx`, ...): what stands behind its figures."""
        ...

    def now(self) -> datetime: ...

    def indexed_s(self) -> int:
        """Return how far the perpetual market's record has come (Unix seconds): now, or earlier when it has ended."""
        ...

    def tick(self, asset: Asset, at_s: int) -> Tick | None:
        """Return the first price at or after `at_s`, None when there is none up to now."""
        ...

    def latest(self, asset: Asset) -> Tick | None:
        """Return the newest price."""
        ...

    def bars(self, asset: Asset, start_s: int, end_s: int, resolution_s: int) -> list[Bar]:
        """Return the bars that start in [start_s, end_s), oldest first; the last one may still be forming."""
        ...

    def perpetual(self, asset: Asset) -> Perpetual | None: ...

    def settled_funding(self, asset: Asset, until_s: int, limit: int) -> list[SettledFunding]:
        """Return up to `limit` settled rates known at `until_s`, newest first."""
        ...

    def fear_greed(self, days: int) -> list[Mood]:
        """Return up to `days` values, newest first; 0 days is everything."""
        ...

    def posts(self, start_s: int, end_s: int, /) -> Iterable[Post] | None:
        """Return the posts in [start_s, end_s), newest first; None when posts were not recorded."""
        ...

    def board(self) -> Board: ...

    def reference(self, asset: Asset) -> list[ReferencePrice]: ...
