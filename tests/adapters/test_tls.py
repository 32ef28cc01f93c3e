"""An encrypted connection is made with whom the system or the person trusts, and with nobody else."""

import asyncio
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import trustme

from bethna_cli.adapters import tls
from bethna_cli.adapters.responses import Unreachable
from bethna_cli.adapters.rpc import NotSent
from bethna_cli.adapters.rpc_transport import Http
from bethna_cli.adapters.sockets import SocketClient


class Answers(BaseHTTPRequestHandler):
    """Says 42 to everybody."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"42")

    do_POST = do_GET

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def served(certificate: trustme.LeafCert | None) -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Answers)
    if certificate is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        certificate.configure_cert(context)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield f"{'http' if certificate is None else 'https'}://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


async def through_the_feeds_client(url: str) -> bytes:
    client = SocketClient(5.0)
    try:
        async with client.get(url, (), {}) as answer:
            return b"".join([piece async for piece in answer.chunks])
    finally:
        await client.aclose()


async def through_the_chains_client(url: str) -> bytes:
    client = Http("rpc", url)
    try:
        return await client.exchange(b"[]")
    finally:
        await client.aclose()


Way = Callable[[str], Any]
WAYS = pytest.mark.parametrize("way", [through_the_feeds_client, through_the_chains_client])


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def trusting(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Trust the authority, as a person does whose office has its own."""
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    tls._trusted.cache_clear()
    yield
    tls._trusted.cache_clear()


@WAYS
def test_a_server_with_a_trusted_certificate_is_asked(way: Way, authority: trustme.CA, trusting: None):
    with served(authority.issue_cert("127.0.0.1")) as url:
        assert asyncio.run(way(url)) == b"42"


@WAYS
def test_a_trusted_certificate_of_another_name_is_refused(way: Way, authority: trustme.CA, trusting: None):
    with served(authority.issue_cert("elsewhere.example")) as url, pytest.raises((Unreachable, NotSent)):
        asyncio.run(way(url))


@WAYS
def test_a_certificate_that_nobody_vouches_for_is_refused(way: Way, authority: trustme.CA):
    with served(authority.issue_cert("127.0.0.1")) as url, pytest.raises((Unreachable, NotSent)):
        asyncio.run(way(url))


@WAYS
def test_who_speaks_plainly_costs_no_look_at_certificates(way: Way, monkeypatch: pytest.MonkeyPatch):
    tls._trusted.cache_clear()
    monkeypatch.setattr(tls.httpx, "create_ssl_context", lambda: pytest.fail("the certificates were read"))
    with served(None) as url:
        assert asyncio.run(way(url)) == b"42"
