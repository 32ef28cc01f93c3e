"""The one clock of the embedded world: it starts where it is told, runs at a pace, and can be moved ahead.

Its state is three numbers, so that a world that is stopped and started again goes on as if it had run all the while.
It never goes back: blocks, quotes and deadlines hang on it.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bethna_cli.domain.errors import BethnaError

LONGEST_ADVANCE = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class ClockState:
    """The moment the clock showed at a moment of real time (Unix seconds), and its pace."""

    shown_s: float
    wall_s: float
    speed: float


class SimClock:
    """A clock that shows `start` when it is made and runs `speed` times as fast as real time."""

    def __init__(self, start: datetime, speed: float = 1.0, *, wall_clock: Callable[[], float] = time.time) -> None:
        if not 0 < speed <= 10_000:
            raise ValueError(f"not a pace: {speed}")
        self._wall_clock = wall_clock
        self._state = ClockState(start.timestamp(), wall_clock(), speed)

    @classmethod
    def resumed(cls, state: ClockState, *, wall_clock: Callable[[], float] = time.time) -> "SimClock":
        """Go on with a clock that was stopped."""
        clock = cls(datetime.fromtimestamp(state.shown_s, UTC), state.speed, wall_clock=wall_clock)
        clock._state = state
        return clock

    @property
    def state(self) -> ClockState:
        """Return what is needed to resume."""
        return self._state

    def now(self) -> datetime:
        """Return the time it shows, aware UTC; should real time be set back, it waits."""
        ran_s = max(0.0, self._wall_clock() - self._state.wall_s)
        return datetime.fromtimestamp(self._state.shown_s + ran_s * self._state.speed, UTC)

    def advance(self, by: timedelta) -> datetime:
        """Move it ahead and return the time it shows then. Raises ValueError backwards, or by more than a year."""
        if not timedelta(0) < by <= LONGEST_ADVANCE:
            raise ValueError("the clock can only be moved ahead, by a year at most")
        shown = self.now() + by
        self._state = ClockState(shown.timestamp(), self._wall_clock(), self._state.speed)
        return shown


class FollowedClock(SimClock):
    """The clock of a world that another process serves: moved ahead there, it is ahead here at the next look.

    path: the file in which that process keeps it. read: reads it; what cannot be read now runs on as it was.
    """

    def __init__(self, path: Path, read: Callable[[], SimClock | None], found: SimClock) -> None:
        super().__init__(found.now(), found.state.speed)
        self._path, self._read = path, read
        self._version: tuple[int, int] | None = None

    def now(self) -> datetime:
        self._follow()
        return super().now()

    def _follow(self) -> None:
        try:
            kept = self._path.stat()
            version = (kept.st_ino, kept.st_mtime_ns)
            found = self._read() if version != self._version else None
        except (OSError, BethnaError):
            return
        if found is not None:
            self._state, self._version = found.state, version
