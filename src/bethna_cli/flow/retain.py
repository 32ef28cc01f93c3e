"""What is old is dropped, in small steps: no transaction is long, and whoever waits for the store waits for one step.

`daily` is for the watcher: it sweeps once a day of its clock. `sweep` is for a person, who sees how far it is.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from bethna_cli.domain.retention import KEPT_FOR, DataSet, Swept
from bethna_cli.ports import Retention

STEP = 200
GIVEN_BACK_AT_ONCE = 4 * 1024 * 1024
EVERY = timedelta(days=1)

Progress = Callable[[DataSet, int], None]
"""What hears of a step: of which data set, and how many were dropped of it so far."""


def overdue(retention: Retention, now: datetime) -> list[Swept]:
    """Count what is older than it should be, without dropping it."""
    return [Swept(one, retention.overdue(one, now - kept_for)) for one, kept_for in KEPT_FOR.items()]


async def sweep(retention: Retention, now: datetime, progress: Progress | None = None) -> list[Swept]:
    """Drop what is older than it should be, and give the room back. May be interrupted after any step."""
    swept = []
    for data_set, kept_for in KEPT_FOR.items():
        count = 0
        while dropped := retention.drop(data_set, now - kept_for, STEP):
            count += dropped
            if progress is not None:
                progress(data_set, count)
            await asyncio.sleep(0)  # the watcher's tick goes first
        swept.append(Swept(data_set, count))
    while retention.give_back(GIVEN_BACK_AT_ONCE) > 0:
        await asyncio.sleep(0)
    return swept


@dataclass(slots=True)
class Daily:
    """When the watcher swept last; the first sweep is at its start."""

    swept_at: datetime | None = None

    async def turn(self, retention: Retention, now: datetime) -> list[Swept]:
        """Sweep when a day has passed, or the clock was turned back; otherwise do nothing."""
        if self.swept_at is not None and self.swept_at <= now < self.swept_at + EVERY:
            return []
        swept = await sweep(retention, now)
        self.swept_at = now
        return swept
