"""The embedded market served over HTTP on this machine, with one thing wrong with its answers."""

import asyncio
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import uvicorn

from bethna_cli.adapters.sim.market import SimWorld
from bethna_cli.adapters.sim.wire import create_app

NOW = datetime(2026, 3, 4, 12, 0, 7, tzinfo=UTC)
SEED = 7
# The figures that matter, by service: what an answer would be used for.
FIGURES = re.compile(
    rb'("(?:price|conf|oraclePrice|nextFundingRate|rate|close|value|ETH|BTC|expiry|c)": ?\[?)("?)(-?[0-9.e+-]+)("?)'
)

Body = Callable[[bytes], bytes]


def figures(replacement: bytes) -> Body:
    """Replace every figure by one that no market has; what was a string stays one."""
    return lambda body: FIGURES.sub(lambda found: found[1] + found[2] + replacement + found[4], body)


FAULTS: dict[str, Body] = {
    "html": lambda _: b"<html><body>Bad gateway</body></html>",
    "truncated": lambda body: body[: len(body) * 2 // 3],
    "not a number": figures(b"NaN"),
    "negative": figures(b"-5"),
    "huge": figures(b"1e400"),
    "empty object": lambda _: b"{}",
}


def broken_app(fault: str) -> Any:
    """Return the market's ASGI app with `fault`: a name in FAULTS, or error 500, slow, stale."""
    at = NOW - timedelta(days=10) if fault == "stale" else NOW
    market = create_app(SimWorld(SEED, lambda: at))

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        if fault == "slow":
            await asyncio.sleep(10)
        sent: list[dict[str, Any]] = []

        async def keep(message: dict[str, Any]) -> None:
            sent.append(message)

        await market(scope, receive, keep)
        body = b"".join(message.get("body", b"") for message in sent)
        status = 500 if fault == "error 500" else sent[0]["status"]
        changed = FAULTS.get(fault, bytes)(body)
        headers = [pair for pair in sent[0]["headers"] if pair[0].lower() != b"content-length"]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": changed})

    return app


@contextmanager
def served(app: Any) -> Iterator[str]:
    """Serve an ASGI app on a free port of this machine and return its base URL."""
    config = uvicorn.Config(
        app, host="127.0.0.1", port=0, log_level="critical", lifespan="off", timeout_graceful_shutdown=0
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = server.force_exit = True
        thread.join(5)
