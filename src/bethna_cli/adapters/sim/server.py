"""The embedded world over HTTP and WebSocket on loopback, for several processes at once.

`serve` holds the world until it is told to stop. A file in the state folder (0600) says where it listens and holds the
token that moves its clock; another keeps the clock. It refuses to listen beyond this machine, and it refuses requests
whose Host is not this machine, so that a web page cannot reach it through a name that resolves to loopback.
"""

import hmac
import json
import os
import secrets
import signal
import socket
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from bethna_cli.adapters.sim.clock import ClockState, SimClock
from bethna_cli.adapters.sim.wire import AsgiApp, Receive, Reply, Scope, Send, create_app, json_reply, text_reply
from bethna_cli.adapters.sim.world import World
from bethna_cli.domain.errors import ConfigurationError
from bethna_cli.domain.units import iso

if TYPE_CHECKING:
    import uvicorn

SERVER_FILE = "server.json"
CLOCK_FILE = "clock.json"
PORT_FILE = "port.json"
LOOPBACK = ("127.0.0.1", "::1", "localhost")
TOKEN_HEADER = b"x-bethna-token"
MOST_BODY = 4096


@dataclass(frozen=True, slots=True)
class Running:
    """Where a served world listens, who serves it, and the token that moves its clock."""

    url: str
    pid: int
    token: str


@dataclass(frozen=True, slots=True)
class ServedChain:
    """The chain beside the market: what answers at `/rpc`, and what to say of it."""

    rpc: AsgiApp
    description: Mapping[str, object]


def running(state_folder: Path) -> Running | None:
    """Return what the state folder says is served; None when nothing is, or its process is gone."""
    try:
        found = Running(**json.loads((state_folder / SERVER_FILE).read_text()))
        os.kill(found.pid, 0)
    except (OSError, ValueError, TypeError):
        return None
    return found


def kept_clock(state_folder: Path) -> SimClock | None:
    """Return the clock that the state folder keeps, running on; None when there is none."""
    try:
        return SimClock.resumed(ClockState(**json.loads((state_folder / CLOCK_FILE).read_text())))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        raise ConfigurationError(f"{state_folder / CLOCK_FILE} is not a clock.", hint="bethna sim reset") from error


def keep_clock(state_folder: Path, clock: SimClock) -> None:
    """Keep the clock's state in the state folder."""
    write_private(state_folder / CLOCK_FILE, asdict(clock.state))


def serve(
    world: World,
    *,
    state_folder: Path,
    host: str = "127.0.0.1",
    port: int = 0,
    clock: SimClock | None = None,
    chain: ServedChain | None = None,
    on_ready: Callable[[Running], None] | None = None,
) -> None:
    """Serve `world` in the main thread until SIGINT or SIGTERM; port 0 takes the last one again, or a free one.

    clock: the world's clock where it can be moved, None for a replay. on_ready is told where to connect.
    Raises ConfigurationError when the host is not this machine or the port is taken.
    """
    if host not in LOOPBACK:
        raise ConfigurationError(f"The embedded world listens on this machine only, not on {host}.")
    listener = _listen(host, port) if port else listen_again(host, state_folder / PORT_FILE)
    name = f"[{host}]" if ":" in host else host
    info = Running(f"http://{name}:{listener.getsockname()[1]}", os.getpid(), secrets.token_hex(16))
    app = _Front(world, info, state_folder, clock, chain)
    write_private(state_folder / SERVER_FILE, asdict(info))
    write_private(state_folder / PORT_FILE, {"port": listener.getsockname()[1]})
    if clock is not None:
        keep_clock(state_folder, clock)
    # uvicorn raises the signal that stopped it once more; by default that would kill us before we have tidied up.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        _server(app, lambda: None if on_ready is None else on_ready(info)).run(sockets=[listener])
    finally:
        with suppress(FileNotFoundError):
            (state_folder / SERVER_FILE).unlink()


class _Front:
    """Sends each request where it belongs: the services, the chain, or the clock's own routes."""

    def __init__(
        self, world: World, info: Running, state_folder: Path, clock: SimClock | None, chain: ServedChain | None
    ) -> None:
        self._services = create_app(world, enforce_limits=True)
        self._world, self._info, self._state_folder = world, info, state_folder
        self._clock, self._chain = clock, chain

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan" and not _is_local(scope):
            await _refuse(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._services(scope, receive, send)
        elif self._chain is not None and scope["path"].rstrip("/") == "/rpc":
            await self._chain.rpc(scope, receive, send)
        elif scope["type"] == "http" and scope["path"].startswith("/sim/"):
            await _send(await self._control(scope, receive), send)
        else:
            await self._services(scope, receive, send)

    async def _control(self, scope: Scope, receive: Receive) -> Reply:
        if (scope["method"], scope["path"]) == ("GET", "/sim/status"):
            return json_reply(self._status())
        if (scope["method"], scope["path"]) != ("POST", "/sim/advance"):
            return text_reply("Not Found", status=404)
        token = dict(scope["headers"]).get(TOKEN_HEADER, b"")
        if not hmac.compare_digest(token, self._info.token.encode()):
            return text_reply("wrong token", status=403)
        if self._clock is None:
            return text_reply("a replay's clock stands still", status=409)
        try:
            self._clock.advance(timedelta(seconds=float(json.loads(await _body(receive))["seconds"])))
        except (ValueError, TypeError, KeyError, OverflowError) as error:
            return text_reply(f"not a time to move ahead by: {error}", status=400)
        keep_clock(self._state_folder, self._clock)
        return json_reply(self._status())

    def _status(self) -> dict[str, object]:
        return {
            "origin": self._world.origin.value,
            "now": iso(self._world.now()),
            "speed": None if self._clock is None else self._clock.state.speed,
            "assets": [asset.value for asset in self._world.assets],
            "pid": self._info.pid,
            "chain": None if self._chain is None else self._chain.description,
        }


def _server(app: _Front, ready: Callable[[], None]) -> "uvicorn.Server":
    """Make the server. ready: told once it answers and a Ctrl-C ends it in good order, not before."""
    import uvicorn

    class Announced(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            ready()

    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        ws_ping_interval=30,
        ws_ping_timeout=10,
        timeout_graceful_shutdown=2,
    )
    return Announced(config)


def listen_again(host: str, kept: Path) -> socket.socket:
    """Listen where the world was served before: whoever watches it finds it there. Else on a free port."""
    try:
        port = int(json.loads(kept.read_text())["port"])
        return _listen(host, port if 0 < port < 65_536 else 0)
    except (OSError, ValueError, TypeError, KeyError, ConfigurationError):
        return _listen(host, 0)


def _listen(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen()
    except OSError as error:
        listener.close()
        raise ConfigurationError(f"Port {port} is taken.", hint="bethna sim status") from error
    return listener


def _is_local(scope: Scope) -> bool:
    name = dict(scope["headers"]).get(b"host", b"").decode("latin-1")
    host = name[1:].partition("]")[0] if name.startswith("[") else name.partition(":")[0]
    return host in LOOPBACK


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008})
    else:
        await _send(text_reply("only programs on this machine are served", status=403), send)


async def _body(receive: Receive) -> bytes:
    body = bytearray()
    while len(body) <= MOST_BODY:
        event = await receive()
        body += event.get("body", b"")
        if not event.get("more_body"):
            return bytes(body)
    raise ValueError("too long")


async def _send(reply: Reply, send: Send) -> None:
    headers = [(b"content-type", reply.content_type.encode()), (b"content-length", str(len(reply.body)).encode())]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})


def write_private(path: Path, document: dict[str, object]) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
        json.dump(document, stream)
    draft.replace(path)
