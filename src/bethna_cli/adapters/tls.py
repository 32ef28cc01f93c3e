"""Whom an encrypted connection trusts, found out at the first one.

Reading the certificates takes longer than the sockets of most runs do for everything else, and these speak to this
machine alone, unencrypted.
"""

import ssl
from collections.abc import Iterable
from functools import cache
from typing import Any, Self

import httpx


@cache
def _trusted() -> ssl.SSLContext:
    return httpx.create_ssl_context()


class LateTrust(ssl.SSLContext):
    """What httpx trusts, for its asynchronous clients. Of itself it trusts nobody, whatever asks it for a handshake."""

    def __new__(cls) -> Self:
        return super().__new__(cls, ssl.PROTOCOL_TLS_CLIENT)

    def __init__(self) -> None:
        self._protocols: list[str] = []

    def set_alpn_protocols(self, alpn_protocols: Iterable[str]) -> None:
        self._protocols = list(alpn_protocols)

    def wrap_bio(self, *buffers: Any, **how: Any) -> ssl.SSLObject:
        """Begin a handshake, as those whom the system or the person trusts can finish it."""
        trusted = _trusted()
        trusted.set_alpn_protocols(self._protocols)
        return trusted.wrap_bio(*buffers, **how)
