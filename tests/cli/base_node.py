"""A node that answers with Base's chain id: the served embedded chain behind a proxy, and what was sent to it.

The embedded chain's id, its USDC and Base's are exchanged for one another in both directions, so that bethna meets its
own contract on what looks like Base. Transactions are counted and kept from the chain behind.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

from bethna_cli.adapters.abi import code_hash
from bethna_cli.domain.chain import CHAIN_IDS, USDC_ADDRESSES
from bethna_cli.domain.embedded import EMBEDDED_CHAIN_ID, PUBLIC_CONTRACTS

BASE = CHAIN_IDS["base"]
_OURS = (PUBLIC_CONTRACTS["usdc"][2:], f"{EMBEDDED_CHAIN_ID:064x}", f'"{hex(EMBEDDED_CHAIN_ID)}"')
_THEIRS = (USDC_ADDRESSES["base"][2:], f"{BASE:064x}", f'"{hex(BASE)}"')


class BaseNode:
    """Where it listens, and the transactions that it was sent."""

    def __init__(self, behind: str, code_hashes: tuple[str, str] | None) -> None:
        self.sent: list[str] = []
        self.url = ""
        self.behind = behind
        ours, theirs = ((code_hashes[0],), (code_hashes[1],)) if code_hashes else ((), ())
        self._ours, self._theirs = (*_OURS, *ours), (*_THEIRS, *theirs)

    def answer(self, body: bytes) -> bytes:
        asked = json.loads(body)
        for one in asked if isinstance(asked, list) else [asked]:
            if one["method"] == "eth_sendRawTransaction":
                self.sent.append(one["params"][0])
                return json.dumps({"jsonrpc": "2.0", "id": one["id"], "result": "0x" + "00" * 32}).encode()
        text = _exchanged(body.decode(), self._theirs, self._ours)
        headers = {"Content-Type": "application/json"}
        return _exchanged(
            httpx.post(self.behind, content=text, headers=headers).text, self._ours, self._theirs
        ).encode()


def _exchanged(text: str, old: tuple[str, ...], new: tuple[str, ...]) -> str:
    for one, other in zip(old, new, strict=True):
        text = text.replace(one, other)
    return text


def _as_on_base(code: bytes) -> bytes:
    return bytes.fromhex(_exchanged(code.hex(), _OURS[:2], _THEIRS[:2]))


@contextmanager
def served_base(behind: str, code: bytes | None = None) -> Iterator[BaseNode]:
    """Serve the node in front of a chain's RPC while the body runs.

    code: of a contract that knows USDC, and whose hash another keeps: the hash is exchanged as the code is.
    """
    node = BaseNode(behind, None if code is None else (code_hash(code)[2:], code_hash(_as_on_base(code))[2:]))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            answer = node.answer(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    node.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield node
    finally:
        server.shutdown()
        server.server_close()
