"""The way out to every HTTP source: one time budget, bounded retries, waits as asked, a small cache, typed errors.

It follows no redirect, reads no more than a bounded body, speaks https except to this machine, and puts no header,
address or body of an exchange into an error.
"""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import ip_address
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit
from weakref import WeakValueDictionary

from bethna_cli.adapters.in_process import AsgiApp, InProcessClient
from bethna_cli.adapters.responses import Client, Improper, Params, Response, Unreachable
from bethna_cli.adapters.retry import TryAgain, patiently
from bethna_cli.adapters.wire import read_json
from bethna_cli.domain.errors import (
    ConfigurationError,
    SourceDisabled,
    SourceMalformed,
    SourceRateLimited,
    SourceUnavailable,
)
from bethna_cli.ports import Clock

if TYPE_CHECKING:
    import httpx

_Key = tuple[str, tuple[tuple[str, str], ...]]
_CACHED_ANSWERS = 32


@dataclass(frozen=True, slots=True)
class Limits:
    """budget_s: for one call of a source, retries and waits included. attempts: at most, within it."""

    budget_s: float = 4.0
    attempts: int = 3
    body_bytes: int = 5_000_000


@dataclass(frozen=True, slots=True)
class Manners:
    """How a source tells us to wait, and which refusals are final.

    retry_after_unit_s, reset_unit_s: seconds per unit of `Retry-After` and of the reset header (a Unix time).
    wait_s: how long to stay away when a 429 says nothing; max_wait_s: the longest wait believed.
    refusals: the HTTP statuses that mean "not for you", each with its reason.
    cap_mark: what the body of a 429 holds when a plan is used up, rather than a window full; empty for none.
    """

    retry_after_unit_s: float = 1.0
    reset_header: str = "RateLimit-Reset"
    reset_unit_s: float = 1.0
    remaining_header: str = "RateLimit-Remaining"
    wait_s: float = 60.0
    max_wait_s: float = 900.0
    refusals: Mapping[int, str] = field(
        default_factory=lambda: MappingProxyType({401: "it refuses the key", 403: "it refuses access"})
    )
    cap_mark: bytes = b""


@dataclass(frozen=True, slots=True)
class Answer:
    """A decoded answer, with the time of the injected clock at which it arrived."""

    data: object
    received_at: datetime
    headers: Mapping[str, str]


class Edge:
    """One client for several sources, opened at the first request and closed once.

    app: given when the services live in this process; transport: where a test stands in for the network. With either,
    addresses are names only; without, they must be https, or http on this machine. `monotonic` times waits; `clock`
    times data.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        app: AsgiApp | None = None,
        transport: "httpx.AsyncBaseTransport | None" = None,
        limits: Limits | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.clock = clock
        self.limits = limits or Limits()
        self.monotonic = monotonic
        self._app = app
        self._transport = transport
        self._client: Client | None = None

    @property
    def in_process(self) -> bool:
        return self._app is not None or self._transport is not None

    @property
    def client(self) -> Client:
        if self._client is None:
            self._client = InProcessClient(self._app) if self._app else self._sockets()
        return self._client

    def _sockets(self) -> Client:
        # Imported here: the embedded market needs no socket, and the import costs 70 ms.
        from bethna_cli.adapters.sockets import SocketClient

        return SocketClient(self.limits.budget_s, self._transport)

    async def aclose(self) -> None:
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


class HttpSource:
    """One service behind an `Edge`: GET JSON below a base URL, or raise a SourceUnavailable of the fitting class."""

    def __init__(
        self,
        edge: Edge,
        name: str,
        base_url: str,
        *,
        headers: Mapping[str, str] | None = None,
        manners: Manners | None = None,
    ) -> None:
        self.edge = edge
        self.name = name
        self.base_url = checked_base_url(name, base_url, in_process=edge.in_process)
        self._headers = dict(headers or {})
        self._manners = manners or Manners()
        self._cache: dict[_Key, Answer] = {}
        self._locks: WeakValueDictionary[_Key, asyncio.Lock] = WeakValueDictionary()
        self._blocked_until = -math.inf

    def __repr__(self) -> str:
        return f"HttpSource({self.name!r})"

    @property
    def headers(self) -> dict[str, str]:
        return dict(self._headers)

    async def get_json(self, path: str, params: Params = (), *, max_age_s: float = 0.0) -> Answer:
        """GET `base_url + path`, decoded strictly; an answer younger than `max_age_s` may come from memory.

        Raises SourceUnavailable (no answer within the budget, an error status), SourceDisabled, SourceRateLimited,
        SourceMalformed (not strict JSON, too long).
        """
        key = (path, tuple(params))
        failures: list[SourceUnavailable] = []
        async with self.budget(failures=failures), self._locks.setdefault(key, asyncio.Lock()):
            known = self._cache.get(key)
            if known is not None and 0 <= (self.edge.clock.now() - known.received_at).total_seconds() < max_age_s:
                return known
            self.check_open()
            limits = self.edge.limits
            answer = await patiently(
                lambda: self._ask(path, params),
                attempts=limits.attempts,
                longest_wait_s=limits.budget_s,
                failures=failures,
            )
            self._remember(key, answer)
            return answer

    @asynccontextmanager
    async def budget(self, shares: int = 1, *, failures: Sequence[SourceUnavailable] = ()) -> AsyncIterator[None]:
        """Bound what happens inside to `shares` time budgets; when they run out, raise the last of `failures`, if any.

        Raises SourceUnavailable.
        """
        limit_s = self.edge.limits.budget_s * shares
        try:
            async with asyncio.timeout(limit_s):
                yield
        except TimeoutError as error:
            late = SourceUnavailable(self.name, f"no answer within {limit_s:g} s")
            raise (failures[-1] if failures else late) from error

    def require_sockets(self) -> None:
        """Raise SourceDisabled when the service lives in this process: there an answer only comes whole."""
        if self.edge.in_process:
            raise SourceDisabled(self.name, "a stream needs a market served over HTTP", hint="bethna sim up")

    def check_open(self) -> None:
        """Raise SourceRateLimited while the source has asked us to stay away."""
        left_s = self._blocked_until - self.edge.monotonic()
        if left_s > 0:
            raise SourceRateLimited(self.name, left_s)

    def refusal(self, status: int, headers: Mapping[str, str]) -> SourceUnavailable | None:
        """Return the error that a response's status stands for; None for 200. Header names are in lower case."""
        if status == 200:
            return None
        if status == 429:
            wait_s = self._asked_wait_s(headers)
            self._blocked_until = self.edge.monotonic() + wait_s
            return SourceRateLimited(self.name, wait_s)
        if status in self._manners.refusals:
            return SourceDisabled(self.name, self._manners.refusals[status])
        return SourceUnavailable(self.name, f"it answered {status}")

    async def _ask(self, path: str, params: Params) -> Answer:
        try:
            async with self.edge.client.get(self.base_url + path, params, self._headers) as response:
                await self._check_cap(response)
                self._raise_refusal(response)
                body = await self._read_body(response)
        except Unreachable as error:
            raise TryAgain(SourceUnavailable(self.name, str(error))) from error
        except Improper as error:
            raise SourceMalformed(self.name, str(error)) from error
        self._heed_remaining(response.headers)
        try:
            return Answer(read_json(body), self.edge.clock.now(), response.headers)
        except ValueError as error:
            raise SourceMalformed(self.name, "its answer is not strict JSON") from error

    async def _check_cap(self, response: Response) -> None:
        """Raise SourceDisabled when a 429 means that the plan is used up: waiting would not help."""
        mark = self._manners.cap_mark
        if response.status == 429 and mark and mark in await self._read_body(response):
            raise SourceDisabled(self.name, "its usage cap is reached")

    def _raise_refusal(self, response: Response) -> None:
        error = self.refusal(response.status, response.headers)
        if isinstance(error, SourceRateLimited):
            raise TryAgain(error, error.retry_after_s or 0.0)
        if error is not None and response.status >= 500:
            raise TryAgain(error)
        if error is not None:
            raise error

    async def _read_body(self, response: Response) -> bytes:
        limit = self.edge.limits.body_bytes
        # Other encodings were not offered; some of them expand a few bytes into gigabytes.
        if response.headers.get("content-encoding", "identity").lower() not in ("identity", "gzip"):
            raise SourceMalformed(self.name, "its answer is encoded in a way we did not offer")
        body = bytearray()
        async for chunk in response.chunks:
            body += chunk
            if len(body) > limit:
                raise SourceMalformed(self.name, f"its answer is longer than {limit} bytes")
        return bytes(body)

    def _asked_wait_s(self, headers: Mapping[str, str]) -> float:
        manners = self._manners
        stated = _finite(headers.get("retry-after"))
        if stated is not None:
            return min(max(0.0, stated * manners.retry_after_unit_s), manners.max_wait_s)
        until_reset = self._until_reset_s(headers)
        return manners.wait_s if until_reset is None else until_reset

    def _until_reset_s(self, headers: Mapping[str, str]) -> float | None:
        manners = self._manners
        reset = _finite(headers.get(manners.reset_header.lower()))
        if reset is None:
            return None
        wait_s = reset * manners.reset_unit_s - self.edge.clock.now().timestamp()
        return min(max(0.0, wait_s), manners.max_wait_s)

    def _heed_remaining(self, headers: Mapping[str, str]) -> None:
        """Stay away until the window ends when this answer was the last one it holds."""
        if headers.get(self._manners.remaining_header.lower()) == "0":
            wait_s = self._until_reset_s(headers)
            self._blocked_until = self.edge.monotonic() + (wait_s or 0.0)

    def _remember(self, key: _Key, answer: Answer) -> None:
        self._cache[key] = answer
        if len(self._cache) > _CACHED_ANSWERS:
            oldest = min(self._cache, key=lambda known: self._cache[known].received_at)
            del self._cache[oldest]


@asynccontextmanager
async def at_once() -> AsyncIterator[asyncio.TaskGroup]:
    """Run tasks together; the first failure cancels the others and is raised itself, not in a group."""
    try:
        async with asyncio.TaskGroup() as group:
            yield group
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from failures


def checked_base_url(source: str, url: str, *, in_process: bool = False) -> str:
    """Return `url` without a trailing slash. Raises ConfigurationError unless it is fit to send a key to.

    Fit is https, http on this machine, or anything when the service lives in this process; never with a user name,
    a password, a query or a fragment.
    """
    hint = "bethna config show"
    try:
        parsed = urlsplit(url)
        host, _ = parsed.hostname, parsed.port
    except (ValueError, TypeError, AttributeError) as error:
        raise ConfigurationError(f"{source}: its address is not a URL", hint=hint) from error
    if "@" in parsed.netloc or parsed.query or parsed.fragment or not host or not url.isprintable() or " " in url:
        raise ConfigurationError(f"{source}: its address may hold a host and a path only", hint=hint)
    if parsed.scheme != "https" and not (parsed.scheme == "http" and (in_process or is_loopback(host))):
        raise ConfigurationError(f"{source}: its address must be https, or http on this machine", hint=hint)
    return url.rstrip("/")


def is_loopback(host: str) -> bool:
    """Say whether `host` is this machine."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _finite(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None
