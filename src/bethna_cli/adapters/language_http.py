"""The HTTP client under a language model: follows no redirect, and reads no more than it was told to."""

from collections.abc import AsyncIterator

import httpx

from bethna_cli.adapters.tls import LateTrust


class _Bounded(httpx.AsyncByteStream):
    def __init__(self, stream: httpx.AsyncByteStream, most: int) -> None:
        self._stream = stream
        self._left = most

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._stream:
            self._left -= len(piece)
            if self._left < 0:
                raise httpx.ReadError("the answer is too long")
            yield piece

    async def aclose(self) -> None:
        await self._stream.aclose()


class _BoundedTransport(httpx.AsyncHTTPTransport):
    def __init__(self, most: int) -> None:
        super().__init__(verify=LateTrust(), retries=0)
        self._most = most

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        request.headers["accept-encoding"] = "identity"  # a small answer must not unpack into a large one
        response = await super().handle_async_request(request)
        assert isinstance(response.stream, httpx.AsyncByteStream)
        response.stream = _Bounded(response.stream, self._most)
        return response


def bounded_client(timeout_s: float, most_bytes: int) -> httpx.AsyncClient:
    """Return a client whose answers end, with an error, after so many bytes."""
    return httpx.AsyncClient(
        timeout=timeout_s, follow_redirects=False, verify=LateTrust(), transport=_BoundedTransport(most_bytes)
    )
