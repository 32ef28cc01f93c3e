"""JSON-RPC on one endpoint: requests and batches, bounded time, retries for reads alone, typed failures.

Nothing that the node says goes into an error. How bodies travel is `rpc_transport`'s, how answers are read
`rpc_answers`', what they mean `evm`'s.
"""

import asyncio
import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from bethna_cli.adapters.retry import TryAgain, patiently
from bethna_cli.adapters.rpc_answers import NO_READERS, Readers, Request, RpcFault, answer_of, answers_of
from bethna_cli.domain.errors import SourceRateLimited, SourceUnavailable

BATCH = 100
"""How many requests go into one exchange; public endpoints take at least this many."""


@dataclass(frozen=True, slots=True)
class RpcLimits:
    """budget_s: for one read, its retries included, and for one send. breaker_*: failures in a row, then a pause."""

    budget_s: float = 10.0
    attempts: int = 3
    body_bytes: int = 5_000_000
    breaker_failures: int = 5
    breaker_pause_s: float = 15.0


class NotSent(TryAgain):
    """No connection came about: not one byte of the request left."""


class Transport(Protocol):
    """Carries one body there and its answer back. Raises NotSent, TryAgain, SourceUnavailable."""

    async def exchange(self, body: bytes) -> bytes: ...

    async def aclose(self) -> None: ...


class JsonRpc:
    """Requests and batches on one endpoint, called `name` in errors."""

    def __init__(
        self,
        name: str,
        transport: Transport,
        *,
        limits: RpcLimits | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self._transport = transport
        self._limits = limits or RpcLimits()
        self._monotonic = monotonic
        self._failures = 0
        self._closed_until = -math.inf
        self._last_error: SourceUnavailable | None = None

    def __repr__(self) -> str:
        return f"JsonRpc({self.name!r})"

    async def aclose(self) -> None:
        await self._transport.aclose()

    async def ask(self, requests: Sequence[Request], readers: Readers = NO_READERS) -> list[object]:
        """Answer reads in their order; a refusal of a single one stands in its place as an RpcFault.

        Raises SourceUnavailable (after retries within the time budget), SourceRateLimited, SourceMalformed.
        """
        self._check_open()
        failures: list[SourceUnavailable] = []
        limits = self._limits
        try:
            async with asyncio.timeout(limits.budget_s):
                answers = await patiently(
                    lambda: self._ask_all(requests, readers),
                    attempts=limits.attempts,
                    longest_wait_s=limits.budget_s,
                    failures=failures,
                )
        except TimeoutError as error:
            late = SourceUnavailable(self.name, f"no answer within {limits.budget_s:g} s")
            raise self._failed(failures[-1] if failures else late) from error
        except SourceUnavailable as error:
            self._failed(error)
            raise
        self._failures = 0
        return answers

    async def send(self, method: str, params: Sequence[object]) -> object:
        """Make one request exactly once. Raises RpcFault, NotSent, TryAgain or SourceUnavailable (answer lost)."""
        try:
            async with asyncio.timeout(self._limits.budget_s):
                body = await self._transport.exchange(_encoded(_request(0, (method, params))))
        except TimeoutError as error:
            raise TryAgain(SourceUnavailable(self.name, "no answer in time")) from error
        answer = answer_of(self.name, body)
        if isinstance(answer, RpcFault):
            raise answer
        return answer

    # ── the breaker ───────────────────────────────────────────────────────────────────────────────────────────

    def _check_open(self) -> None:
        if self._last_error is not None and self._monotonic() < self._closed_until:
            raise self._last_error.with_traceback(None)

    def _failed(self, error: SourceUnavailable) -> SourceUnavailable:
        self._failures += 1
        self._last_error = error
        if isinstance(error, SourceRateLimited):
            self._closed_until = self._monotonic() + (error.retry_after_s or 1.0)
        elif self._failures >= self._limits.breaker_failures:
            self._closed_until = self._monotonic() + self._limits.breaker_pause_s
        return error

    # ── bodies ────────────────────────────────────────────────────────────────────────────────────────────────

    async def _ask_all(self, requests: Sequence[Request], readers: Readers) -> list[object]:
        answers: list[object] = []
        for start in range(0, len(requests), BATCH):
            answers += await self._ask_batch(requests[start : start + BATCH], readers)
        return answers

    async def _ask_batch(self, requests: Sequence[Request], readers: Readers) -> list[object]:
        if len(requests) == 1 and not readers:
            return [answer_of(self.name, await self._transport.exchange(_encoded(_request(0, requests[0]))))]
        batch = [_request(number, request) for number, request in enumerate(requests)]
        return answers_of(self.name, await self._transport.exchange(_encoded(batch)), requests, readers)


def _request(number: int, request: Request) -> dict[str, object]:
    method, params = request
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": params}


def _encoded(document: object) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()
