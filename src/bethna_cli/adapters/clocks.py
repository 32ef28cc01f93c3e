"""Clocks: the machine's, and one that stands still."""

from dataclasses import dataclass
from datetime import UTC, datetime


class SystemClock:
    """The machine's clock, aware UTC."""

    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class FixedClock:
    """A clock that stands at one moment: `--at`, replay, and tests."""

    at: datetime

    def now(self) -> datetime:
        return self.at
