"""How JSON-RPC bodies travel: over HTTP to a URL, or straight to a node in this process.

A URL may carry a key, so no error, representation or log holds it. It is https, or http to this machine; no redirect is
followed and no more than a bounded body is read.
"""

import json
import math
from collections.abc import Awaitable, Callable

import httpx

from bethna_cli.adapters.http import is_loopback
from bethna_cli.adapters.retry import TryAgain
from bethna_cli.adapters.rpc import NotSent, RpcLimits
from bethna_cli.adapters.tls import LateTrust
from bethna_cli.adapters.wire import read_json
from bethna_cli.domain.errors import (
    ConfigurationError,
    SourceDisabled,
    SourceMalformed,
    SourceRateLimited,
    SourceUnavailable,
)

_LONGEST_WAIT_S = 60.0


class InProcess:
    """A node in this process, for instance `adapters.sim.node.Node.handle`. Bodies are bytes here too."""

    def __init__(self, handle: Callable[[object], Awaitable[object]]) -> None:
        self._handle = handle

    async def exchange(self, body: bytes) -> bytes:
        answer = await self._handle(read_json(body))
        return json.dumps(answer, separators=(",", ":")).encode()

    async def aclose(self) -> None:
        """Leave the node alone: it is its owner's."""


class Http:
    """A node behind a URL, with one kept-alive client. Raises ConfigurationError for a URL that is not fit."""

    def __init__(
        self,
        name: str,
        url: str,
        *,
        limits: RpcLimits | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._name = name
        self._url = _checked_url(name, url)
        self._limits = limits or RpcLimits()
        self._client = httpx.AsyncClient(
            transport=transport,
            timeout=self._limits.budget_s,
            follow_redirects=False,
            verify=LateTrust(),
            headers={"Content-Type": "application/json", "Accept-Encoding": "gzip", "User-Agent": "bethna"},
            mounts={"all://localhost": None, "all://127.0.0.1": None, "all://[::1]": None},
        )

    def __repr__(self) -> str:
        return f"Http({self._name!r})"

    async def exchange(self, body: bytes) -> bytes:
        try:
            async with self._client.stream("POST", self._url, content=body) as response:
                self._refuse(response)
                return await self._read(response)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise NotSent(SourceUnavailable(self._name, "it cannot be reached")) from _without_url(error)
        except httpx.TimeoutException as error:
            raise TryAgain(SourceUnavailable(self._name, "no answer in time")) from _without_url(error)
        except httpx.DecodingError as error:
            raise SourceMalformed(self._name, "its answer is not proper HTTP") from _without_url(error)
        except httpx.HTTPError as error:
            raise TryAgain(SourceUnavailable(self._name, "the connection broke")) from _without_url(error)

    async def aclose(self) -> None:
        await self._client.aclose()

    def _refuse(self, response: httpx.Response) -> None:
        """Raise for any status but 200, whatever the body says. A node that puts faults under 4xx sends JSON there."""
        status = response.status_code
        if status == 200:
            return
        if status == 429:
            wait_s = _seconds(response.headers.get("Retry-After"))
            raise TryAgain(SourceRateLimited(self._name, wait_s), wait_s or 0.0)
        if status in (401, 403):
            raise SourceDisabled(self._name, "it refuses access", hint="bethna config set rpc_url")
        if status >= 500:
            raise TryAgain(SourceUnavailable(self._name, f"it answered {status}"))
        raise SourceUnavailable(self._name, f"it answered {status}")

    async def _read(self, response: httpx.Response) -> bytes:
        # Other encodings were not offered; some of them expand a few bytes into gigabytes.
        if response.headers.get("Content-Encoding", "identity").lower() not in ("identity", "gzip"):
            raise SourceMalformed(self._name, "its answer is encoded in a way we did not offer")
        body = bytearray()
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > self._limits.body_bytes:
                raise SourceMalformed(self._name, f"its answer is longer than {self._limits.body_bytes} bytes")
        return bytes(body)


def _checked_url(name: str, url: str) -> str:
    """Return `url`. Raises ConfigurationError, without quoting it, unless it is https, or http to this machine."""
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, TypeError):
        raise ConfigurationError(f"{name}: its address is not a URL.", hint="bethna config set rpc_url") from None
    if parsed.scheme != "https" and not (parsed.scheme == "http" and is_loopback(parsed.host)):
        raise ConfigurationError(
            f"{name}: its address must be https, or http on this machine.", hint="bethna config set rpc_url"
        )
    return url


def _without_url(error: httpx.HTTPError) -> httpx.HTTPError:
    """Return the exception without the request it holds: a traceback tool that prints attributes would show the URL."""
    error.request = httpx.Request("POST", "https://rpc.invalid")
    return error


def _seconds(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return min(max(0.0, value), _LONGEST_WAIT_S) if math.isfinite(value) else None
