"""One HTTP request over a socket, by httpx: its answer as it comes, or one of two failures in our words.

Follows no redirect, offers gzip alone, and asks no proxy for what is on this machine.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import httpx

from bethna_cli.adapters.responses import Improper, Params, Response, Unreachable
from bethna_cli.adapters.tls import LateTrust


class SocketClient:
    """A client with kept-alive connections, closed once. transport: given where a test stands in for the network."""

    def __init__(self, timeout_s: float, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self.client = httpx.AsyncClient(
            transport=transport,
            timeout=timeout_s,
            follow_redirects=False,
            verify=LateTrust(),
            headers={"Accept-Encoding": "gzip", "User-Agent": "bethna"},
            # A proxy set for the world outside is not asked for this machine.
            mounts={"all://localhost": None, "all://127.0.0.1": None, "all://[::1]": None},
        )

    @asynccontextmanager
    async def get(self, url: str, params: Params, headers: Mapping[str, str]) -> AsyncIterator[Response]:
        """Send a GET. Raises Unreachable when no answer came or it broke off, Improper when it is not HTTP."""
        try:
            async with self.client.stream("GET", url, params=list(params), headers=dict(headers)) as answer:
                yield Response(answer.status_code, dict(answer.headers), answer.aiter_bytes())
        except httpx.TransportError as error:
            raise Unreachable(_reason(error)) from error
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            raise Improper("its answer is not proper HTTP") from error

    async def aclose(self) -> None:
        await self.client.aclose()


def _reason(error: httpx.TransportError) -> str:
    if isinstance(error, httpx.TimeoutException):
        return "no answer in time"
    if isinstance(error, httpx.ConnectError):
        return "it cannot be reached"
    return "the connection broke"
