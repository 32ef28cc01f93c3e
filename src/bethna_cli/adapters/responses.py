"""What comes back from a service, whichever way it was asked, and the two ways in which nothing usable does."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

Params = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Response:
    """An answer whose body has not been read. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    chunks: AsyncIterator[bytes]


class Unreachable(Exception):
    """No answer, or one that broke off: asking again may help. The text says why, and names no address."""


class Improper(Exception):
    """An answer that is not HTTP."""


class Client(Protocol):
    """A way to ask a service: over a socket, or in this process."""

    def get(self, url: str, params: Params, headers: Mapping[str, str]) -> AbstractAsyncContextManager[Response]: ...

    async def aclose(self) -> None: ...
