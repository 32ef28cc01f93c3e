"""Keep a stream alive: connect again after an end or a failure, later each time, and give up in the end."""

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from bethna_cli.domain.errors import SourceDisabled, SourceRateLimited, SourceUnavailable

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Patience:
    """Full jitter: the n-th failure in a row waits up to `first_s`·2ⁿ⁻¹, at most `longest_s`; `failures` end it."""

    first_s: float = 2.0
    longest_s: float = 60.0
    failures: int = 8
    chance: random.Random = field(default_factory=random.Random)
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep

    def wait_s(self, failure: SourceUnavailable, in_a_row: int) -> float:
        asked_s = failure.retry_after_s or 0.0 if isinstance(failure, SourceRateLimited) else 0.0
        return asked_s + self.chance.uniform(0.0, min(self.longest_s, self.first_s * 2 ** (in_a_row - 1)))


async def reconnecting(
    source: str,
    connect: Callable[[], AsyncGenerator[T, None]],
    patience: Patience,
    *,
    time_of: Callable[[T], datetime] | None = None,
) -> AsyncGenerator[T, None]:
    """Yield what each connection yields, connecting again for ever.

    With `time_of`, an item that is not newer than the last one is dropped, and doesn't count as one. Raises
    SourceDisabled at once, and the last SourceUnavailable after `patience.failures` connections in a row without one.
    """
    in_a_row = 0
    newest: datetime | None = None
    while True:
        failure = SourceUnavailable(source, "the stream ended")
        try:
            async with aclosing(connect()) as items:
                async for item in items:
                    at = None if time_of is None else time_of(item)
                    if at is None or newest is None or at > newest:
                        newest, in_a_row = at, 0
                        yield item
        except SourceDisabled:
            raise
        except SourceUnavailable as error:
            failure = error
        in_a_row += 1
        if in_a_row >= patience.failures:
            raise failure
        await patience.sleep(patience.wait_s(failure, in_a_row))
