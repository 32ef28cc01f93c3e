"""Ask again after a failure that may pass: a few times, later each time, never sooner than the other side asked for."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from bethna_cli.domain.errors import SourceUnavailable

if TYPE_CHECKING:
    from tenacity import RetryCallState

T = TypeVar("T")


class TryAgain(Exception):
    """A failure that may pass: carries the error to raise if it doesn't, and how long we were asked to wait."""

    def __init__(self, error: SourceUnavailable, wait_s: float = 0.0) -> None:
        super().__init__(error.reason)
        self.error = error
        self.wait_s = wait_s


async def patiently(
    ask: Callable[[], Awaitable[T]], *, attempts: int, longest_wait_s: float, failures: list[SourceUnavailable]
) -> T:
    """Return what `ask` returns, asking up to `attempts` times while it raises TryAgain; the caller bounds the time.

    Each failure is added to `failures`, so that a caller whose time runs out can say what happened. Raises the error of
    the last attempt, or at once when the wait asked for is longer than `longest_wait_s`.
    """
    try:
        return await ask()
    except TryAgain as first:
        failures.append(first.error)
        if first.wait_s >= longest_wait_s:
            raise first.error from first.__cause__
        try:
            return await _again(first, ask, attempts, failures)
        except TryAgain as last:
            raise last.error from last.__cause__


async def _again(
    first: TryAgain, ask: Callable[[], Awaitable[T]], attempts: int, failures: list[SourceUnavailable]
) -> T:
    # Imported here: most runs never need a retry, and the import costs 40 ms.
    from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt
    from tenacity.wait import wait_random_exponential

    jitter = wait_random_exponential(multiplier=0.2, max=1.0)

    def wait_s(state: "RetryCallState") -> float:
        failure = state.outcome.exception() if state.outcome else None
        return jitter(state) + (failure.wait_s if isinstance(failure, TryAgain) else 0.0)

    async for attempt in AsyncRetrying(
        stop=stop_after_attempt(attempts), wait=wait_s, retry=retry_if_exception_type(TryAgain), reraise=True
    ):
        with attempt:
            if attempt.retry_state.attempt_number == 1:
                raise first  # the attempt that brought us here counts
            try:
                return await ask()
            except TryAgain as failure:
                failures.append(failure.error)
                raise
    raise first
