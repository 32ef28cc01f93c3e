"""A server that speaks a provider's chat protocol, streaming included, and says what a test wants it to say."""

import json
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from model_dialects import DIALECTS, openai


@dataclass
class Reply:
    """One answer: pieces of text, tool calls, or something that no honest server sends."""

    pieces: Sequence[str] = ()
    calls: Sequence[tuple[str, str]] = ()
    status: int = 200
    raw: bytes | None = None
    breaks_off: bool = False
    hangs: bool = False
    location: str | None = None


@dataclass
class ModelServer:
    """What was asked, and who answers: `answer` is given the body of each request."""

    url: str
    answer: Callable[[dict[str, Any]], Reply]
    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)


def _handler(server: ModelServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            server.requests.append(body)
            server.headers.append(dict(self.headers))
            server.paths.append(self.path)
            reply = server.answer(body)
            if reply.hangs:
                server.stopping.wait(60)
                return
            self.send_response(reply.status)
            if reply.location:
                self.send_header("location", reply.location)
            self.send_header("content-type", "text/event-stream")
            self.end_headers()
            if reply.raw is not None:
                self.wfile.write(reply.raw)
            elif reply.status == 200:
                for chunk in DIALECTS.get(self.path.partition("?")[0], openai)(reply):
                    self.wfile.write(chunk)
                    self.wfile.flush()
            if reply.breaks_off:
                self.connection.shutdown(socket.SHUT_RDWR)

        def handle(self) -> None:
            try:
                super().handle()
            except (ConnectionError, ValueError):
                return

    return Handler


@contextmanager
def serving(answer: Callable[[dict[str, Any]], Reply]) -> Iterator[ModelServer]:
    """Serve on a free port of this machine while the body runs."""
    server = ModelServer("", answer)
    http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(server))
    http.daemon_threads = True
    server.url = f"http://127.0.0.1:{http.server_address[1]}/v1"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.stopping.set()
        http.shutdown()
        http.server_close()
