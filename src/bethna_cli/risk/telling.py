"""When an alert is told: how long a silent channel is left alone, what may wait for the morning, what was said already.

Times are aware; nothing here asks the clock.
"""

from dataclasses import dataclass
from datetime import datetime, time, timedelta

from bethna_cli.domain.alert import Level

FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=6)
MERGE_WITHIN = timedelta(hours=1)
"""An INFO like one that was told within this time says nothing new."""


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From when until when INFO waits, by the person's own clock; they may span midnight."""

    begin: time
    end: time

    def hold(self, at: datetime) -> bool:
        """Say whether `at`, in the person's time zone, lies within them."""
        now = at.time()
        if self.begin <= self.end:
            return self.begin <= now < self.end
        return now >= self.begin or now < self.end


def wait_after(failures: int) -> timedelta:
    """Return how long a channel is left alone after so many failures in a row: a minute, doubling, at most 6 hours."""
    doublings = min(failures - 1, 16)  # by then the longest wait is reached by far
    return min(FIRST_WAIT * (1 << doublings), LONGEST_WAIT)


def is_due(failures: int, next_try_at: datetime | None, loudest_new: Level | None, now: datetime) -> bool:
    """Say whether a channel is to be tried now.

    loudest_new: of what it has not been asked to tell before. Something new that matters is worth a try at once, but
    not within a minute of the last one: a server that counts wrong logins would lock the person out. A next try that is
    further away than any wait means that a clock was turned back.
    """
    if next_try_at is None or now >= next_try_at or next_try_at - now > LONGEST_WAIT:
        return True
    last_try_at = next_try_at - wait_after(failures)
    return loudest_new in (Level.WARNING, Level.CRITICAL) and now - last_try_at >= FIRST_WAIT
