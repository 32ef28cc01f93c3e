"""JSON-RPC over HTTP POST and WebSocket on one path, as an ASGI application for the market server to mount.

Bodies are bounded before they are parsed. A browser page must not drive the chain through a visitor's loopback, so a
request that carries an Origin is refused, and so is a Host that is not loopback (DNS rebinding).
"""

import asyncio
import contextlib
import json
from typing import Any

from pydantic_core import from_json
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from bethna_cli.adapters.sim.node import INVALID_REQUEST, PARSE_ERROR, Node, RpcError
from bethna_cli.adapters.sim.rpc_filters import Session

MAX_BODY_BYTES = 5_000_000
MAX_UNSENT = 10_000
TICK_S = 0.5
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def rpc_app(node: Node) -> ASGIApp:
    """Return the application that serves `node` over HTTP POST and WebSocket, at whatever path it is mounted."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            response = await _post(node, Request(scope, receive))
            await response(scope, receive, send)
        elif scope["type"] == "websocket":
            await _converse(node, WebSocket(scope, receive, send))

    return app


async def _post(node: Node, request: Request) -> Response:
    if request.method != "POST":
        return _refusal(405, RpcError(INVALID_REQUEST, "JSON-RPC is asked with POST"))
    if not _is_local(request):
        return _refusal(403, RpcError(INVALID_REQUEST, "only programs on this machine may call this node"))
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BODY_BYTES:
                return _refusal(413, RpcError(INVALID_REQUEST, f"body too large: at most {MAX_BODY_BYTES} bytes"))
    except ClientDisconnect:
        return Response(status_code=400)
    answer = await _answer(node, bytes(body))
    return Response(status_code=204) if answer is None else JSONResponse(answer)


async def _converse(node: Node, websocket: WebSocket) -> None:
    if not _is_local(websocket):
        await websocket.close(code=1008)
        return
    await websocket.accept()
    await _Conversation(node, websocket).run()


class _Conversation:
    """One WebSocket: reads requests, and sends answers and notifications in the order they came about."""

    def __init__(self, node: Node, websocket: WebSocket) -> None:
        self._node = node
        self._websocket = websocket
        self._outgoing: asyncio.Queue[object] = asyncio.Queue()
        self._session = node.open_session(self._push)
        self._is_too_slow = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    async def run(self) -> None:
        """Converse until either side ends, or the client does not read what is sent."""
        tasks = [
            asyncio.ensure_future(part()) for part in (self._read, self._write, self._tick, self._is_too_slow.wait)
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._node.close_session(self._session)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            with contextlib.suppress(RuntimeError, WebSocketDisconnect):  # it may be closed already
                await self._websocket.close(code=1008 if self._is_too_slow.is_set() else 1000)

    def _push(self, message: object) -> None:
        # A change may come from another thread, through the in-process provider.
        self._loop.call_soon_threadsafe(self._enqueue, message)

    def _enqueue(self, message: object) -> None:
        if self._outgoing.qsize() >= MAX_UNSENT:
            self._is_too_slow.set()
            return
        self._outgoing.put_nowait(message)

    async def _read(self) -> None:
        with contextlib.suppress(WebSocketDisconnect):
            while True:
                message = await self._websocket.receive()
                if message["type"] == "websocket.disconnect":
                    return
                body = message.get("bytes") or (message.get("text") or "").encode()
                answer = await _answer(self._node, body, self._session)
                if answer is not None:
                    self._push(answer)

    async def _write(self) -> None:
        with contextlib.suppress(WebSocketDisconnect):
            while True:
                await self._websocket.send_text(json.dumps(await self._outgoing.get(), separators=(",", ":")))

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            if self._session.is_subscribed:
                self._node.catch_up()


async def _answer(node: Node, body: bytes, session: Session | None = None) -> object:
    if len(body) > MAX_BODY_BYTES:
        return _error_json(RpcError(INVALID_REQUEST, f"body too large: at most {MAX_BODY_BYTES} bytes"))
    try:
        # Not json.loads: py-evm raises the recursion limit, and deep nesting would then overflow the C stack.
        request = from_json(body, allow_inf_nan=False)
    except ValueError:
        return _error_json(RpcError(PARSE_ERROR, "invalid JSON"))
    return await node.handle(request, session)


def _is_local(connection: Request | WebSocket) -> bool:
    return "origin" not in connection.headers and connection.url.hostname in _LOOPBACK


def _refusal(status: int, error: RpcError) -> Response:
    return JSONResponse(_error_json(error), status_code=status)


def _error_json(error: RpcError) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": None, "error": error.to_json()}
