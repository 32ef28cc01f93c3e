"""The services' front door: one bare ASGI app that answers for a world in the wire formats of the real services.

Below its root are `/hermes`, `/dydx`, `/thetanuts/{orders,pricing,indexer}`, `/x` and `/fng`. It is written on bare
ASGI because it runs in the process of every one-shot command, where importing a web framework would cost more than the
answer; a router over a dozen GET routes needs none. Every answer says in its headers that it is not live:
`x-bethna-origin` (simulated or replay) and `x-bethna-observed` (when its newest figure was true).
"""

import json
import re
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, unquote

from bethna_cli.adapters.sim.world import World

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]

MOST_LIMIT = 1000


@dataclass(frozen=True, slots=True)
class Request:
    """One GET: the parts of the path that the route names, the query in order, and lower-case headers."""

    path: str
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    parts: Mapping[str, str] = field(default_factory=dict)

    def get(self, name: str, default: str | None = None) -> str | None:
        """Return the last value of a query parameter."""
        values = self.all(name)
        return values[-1] if values else default

    def all(self, name: str) -> list[str]:
        """Return every value of a repeated query parameter."""
        return [value for key, value in self.query if key == name]

    @property
    def has_bearer(self) -> bool:
        """Tell whether the caller sent a bearer token that is not empty."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return scheme.lower() == "bearer" and bool(token.strip())


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer. `observed_s` is when its newest figure was true, None for now."""

    status: int
    body: bytes
    content_type: str = "application/json; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)
    observed_s: float | None = None


class Refused(Exception):
    """A request that is answered with an error of the service."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(f"HTTP {reply.status}")
        self.reply = reply


Handler = Callable[[World, Request], Reply]
Channel = Callable[[World, Request, Receive, Send, "Mark"], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Route:
    """A GET route: a path with `{names}`, the service whose rules apply, and what answers it."""

    path: str
    service: str
    handler: Handler
    is_open: bool = False

    def pattern(self) -> re.Pattern[str]:
        """Compile the path."""
        return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(self.path)))


class RateLimit:
    """Counts requests in fixed windows of real time: a network's limits don't follow the market's clock."""

    def __init__(self, requests: int, window_s: int, wall_clock: Callable[[], float]) -> None:
        self.requests, self.window_s = requests, window_s
        self._clock = wall_clock
        self._window, self._used = 0, 0

    def take(self) -> tuple[int, int]:
        """Count one request; return how many are left (negative when over) and when the window ends (Unix seconds)."""
        window = int(self._clock()) // self.window_s
        if window != self._window:
            self._window, self._used = window, 0
        self._used += 1
        return self.requests - self._used, (window + 1) * self.window_s


def json_reply(
    document: object, *, status: int = 200, headers: Mapping[str, str] | None = None, observed_s: float | None = None
) -> Reply:
    """Answer with JSON; a NaN would be our bug and raises ValueError."""
    body = json.dumps(document, separators=(",", ":"), allow_nan=False).encode()
    return Reply(status, body, headers=headers or {}, observed_s=observed_s)


def text_reply(text: str, *, status: int) -> Reply:
    """Answer with plain text."""
    return Reply(status, text.encode(), content_type="text/plain; charset=utf-8")


def iso_ms(at_s: float) -> str:
    """Write Unix seconds as ISO 8601 UTC with milliseconds and `Z`."""
    return datetime.fromtimestamp(at_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def decimal(value: float, places: int) -> str:
    """Write a number as the services do: a decimal string without exponent or trailing zeros."""
    text = f"{value:.{places}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text


Mark = Callable[[float | None], list[tuple[bytes, bytes]]]


def create_app(
    world: World,
    *,
    require_key: bool = False,
    enforce_limits: bool = False,
    wall_clock: Callable[[], float] = time.time,
) -> AsgiApp:
    """Return an ASGI app that answers for `world`.

    require_key: price routes and posts answer 401 without a bearer token, as the real services do. enforce_limits:
    answer 429 beyond the documented rates.
    """
    from bethna_cli.adapters.sim import wire_dydx, wire_dydx_ws, wire_hermes, wire_mood, wire_thetanuts

    services = (wire_hermes, wire_dydx, wire_thetanuts, wire_mood)
    routes = [(route.pattern(), route) for service in services for route in service.ROUTES]
    streams = {**wire_hermes.STREAMS, **wire_dydx_ws.STREAMS}
    limits = {
        "dydx": RateLimit(100, 10, wall_clock),
        "dydx-candles": RateLimit(1000, 10, wall_clock),
        "x": RateLimit(450, 900, wall_clock),
        "x-counts": RateLimit(300, 900, wall_clock),
    }
    app = _App(world, routes, streams, limits, require_key=require_key, enforce_limits=enforce_limits)
    return app.serve


class _App:
    def __init__(
        self,
        world: World,
        routes: Sequence[tuple[re.Pattern[str], Route]],
        streams: Mapping[str, Channel],
        limits: Mapping[str, RateLimit],
        *,
        require_key: bool,
        enforce_limits: bool,
    ) -> None:
        self._world, self._routes, self._streams, self._limits = world, routes, streams, limits
        self._require_key, self._enforce_limits = require_key, enforce_limits

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
            return
        request = _request(scope)
        channel = self._streams.get(request.path.rstrip("/"))
        if channel is not None and self._may_stream(scope, request):
            await channel(self._world, request, receive, send, self._mark)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})
        else:
            await self._respond(self._answer(scope["method"], request), send)

    def _may_stream(self, scope: Scope, request: Request) -> bool:
        return scope["type"] == "websocket" or request.has_bearer or not self._require_key

    async def _respond(self, reply: Reply, send: Send) -> None:
        headers = [
            (b"content-type", reply.content_type.encode()),
            (b"content-length", str(len(reply.body)).encode()),
            *self._mark(reply.observed_s),
            *((name.encode(), value.encode()) for name, value in reply.headers.items()),
        ]
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": reply.body})

    def _answer(self, method: str, request: Request) -> Reply:
        from bethna_cli.adapters.sim import refusals

        if method not in ("GET", "HEAD"):
            return text_reply("Method Not Allowed", status=405)
        found = next(
            ((route, hit) for pattern, route in self._routes if (hit := pattern.fullmatch(request.path))), None
        )
        if found is None:
            return refusals.unknown_route(request.path)
        route, hit = found
        parts = {name: unquote(value) for name, value in hit.groupdict().items()}
        request = Request(request.path, request.query, request.headers, parts)
        if self._require_key and not route.is_open and not request.has_bearer:
            return refusals.no_key(route.service)
        headers, wait = self._counted(route.service)
        if wait is not None:
            return refusals.too_many(route.service, headers)
        try:
            reply = route.handler(self._world, request)
        except Refused as refusal:
            reply = refusal.reply
        note = self._world.notes.get(route.service.partition("-")[0])
        noted = {"x-bethna-note": note} if note else {}
        return Reply(
            reply.status, reply.body, reply.content_type, {**headers, **noted, **reply.headers}, reply.observed_s
        )

    def _counted(self, service: str) -> tuple[dict[str, str], int | None]:
        """Count a request; return the limit's headers, and the seconds to wait when it is over the limit."""
        limit = self._limits.get(service)
        if limit is None:
            return {}, None
        left, resets_s = limit.take()
        names = ("x-rate-limit-limit", "x-rate-limit-remaining", "x-rate-limit-reset")
        unit = 1
        if service.startswith("dydx"):
            names, unit = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"), 1000
        values = (limit.requests, max(0, left), resets_s * unit)
        headers = {name.lower(): str(value) for name, value in zip(names, values, strict=True)}
        return headers, limit.window_s if self._enforce_limits and left < 0 else None

    def _mark(self, observed_s: float | None) -> list[tuple[bytes, bytes]]:
        observed = self._world.now().timestamp() if observed_s is None else observed_s
        return [
            (b"x-bethna-origin", self._world.origin.value.encode()),
            (b"x-bethna-observed", iso_ms(observed).encode()),
        ]


def _request(scope: Scope) -> Request:
    query = tuple(parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True))
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    path: str = scope["path"]
    return Request(path, query, headers)


async def _live(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
