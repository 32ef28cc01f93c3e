"""What a look back is made of: periods, realised gains, and what groups of them add up to.

Amounts are USDC base units; gas is not in them.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from bethna_cli.domain.market import Asset
from bethna_cli.domain.position import Exit, Position


class Period(StrEnum):
    """How long the parts of a report are. A week begins on Monday, UTC."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"

    def start_of(self, at: datetime) -> date:
        """Return the first day of the period that a moment is in."""
        if self is Period.MONTHLY:
            return date(at.year, at.month, 1)
        return at.date() - timedelta(days=at.weekday() if self is Period.WEEKLY else 0)


@dataclass(frozen=True, slots=True)
class Gain:
    """A part of a position that was sold or paid out, and the share of the cost that it stood for."""

    position: Position
    exit: Exit
    cost: int

    @property
    def usdc(self) -> int:
        return self.exit.usdc - self.cost


@dataclass(frozen=True, slots=True)
class Tally:
    """What a group of gains adds up to. closed: positions whose last contract went; wins: those of them that gained."""

    name: str
    closed: int
    wins: int
    cost: int
    proceeds: int

    @property
    def gained(self) -> int:
        return self.proceeds - self.cost

    @property
    def win_rate(self) -> float | None:
        return self.wins / self.closed if self.closed else None

    @property
    def return_share(self) -> float | None:
        return self.gained / self.cost if self.cost else None


@dataclass(frozen=True, slots=True)
class Report:
    """drawdown: the deepest fall of the realised gains from their highest sum so far, 0 or less.

    held: what the same payments would have gained in a coin, None where a price is not known.
    """

    period: Period
    periods: tuple[Tally, ...]
    strategies: tuple[Tally, ...]
    total: Tally
    drawdown: int
    held: dict[Asset, int | None]
