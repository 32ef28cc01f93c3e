"""The JSON-RPC node of the embedded chain: from a decoded request or batch to the answer.

Every answer is of the present: the chain catches up with its clock first. Requests take turns, so a node may be
shared by threads. The node does not read sockets (rpc_server.py does) and trusts nothing that came through one.
"""

import asyncio
import threading
from collections.abc import Callable
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, validate_call

from bethna_cli.adapters.sim.chain_types import CallReverted, ChainEvent, ChainRefusal
from bethna_cli.adapters.sim.evm import EmbeddedChain
from bethna_cli.adapters.sim.rpc_development import DevelopmentMethods
from bethna_cli.adapters.sim.rpc_filters import PolledFilters, Push, Session
from bethna_cli.adapters.sim.rpc_format import hexed, revert_message
from bethna_cli.adapters.sim.rpc_methods import EthMethods, InvalidParams
from bethna_cli.adapters.sim.rpc_params import LogFilter

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
SERVER_ERROR = -32000
REVERTED = 3
MAX_BATCH = 1_000

_PREFIXES = ("eth_", "net_", "web3_", "evm_", "bethna_")


class RpcError(Exception):
    """An answer that is an error, with its JSON-RPC code and data."""

    def __init__(self, code: int, message: str, data: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data

    def to_json(self) -> dict[str, Any]:
        """Return the error as it goes into a response."""
        body: dict[str, Any] = {"code": self.code, "message": self.message}
        return body if self.data is None else body | {"data": self.data}


class _Request(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, strict=True, allow_inf_nan=False)
    method: Annotated[str, Field(max_length=100)]
    params: list[Any] | None = None
    id: Annotated[str, Field(max_length=1_000)] | int | float | None = None


class Node:
    """Answers JSON-RPC for one chain."""

    def __init__(self, chain: EmbeddedChain) -> None:
        self.chain = chain
        self._filters = PolledFilters()
        self._sessions: set[Session] = set()
        self._turn = threading.RLock()
        self._methods: dict[str, Callable[..., Any]] = {}
        for group in (EthMethods(chain, self._filters), DevelopmentMethods(chain)):
            self._methods |= {name: getattr(group, name) for name in dir(group) if name.startswith(_PREFIXES)}
        self._checked: dict[str, Callable[..., Any]] = {}
        chain.listen(self._on_event)

    async def handle(self, request: object, session: Session | None = None) -> object:
        """Answer a decoded JSON-RPC request or batch; None when there is nothing to answer."""
        if not isinstance(request, list):
            return self.respond(request, session)
        if not 1 <= len(request) <= MAX_BATCH:
            message = "empty batch" if not request else f"batch too large: at most {MAX_BATCH} requests"
            return _failure(None, RpcError(INVALID_REQUEST, message))
        answers: list[object] = []
        for one in request:
            answers.append(self.respond(one, session))
            await asyncio.sleep(0)  # let other connections have their turn
        return [answer for answer in answers if answer is not None] or None

    def respond(self, request: object, session: Session | None = None) -> object:
        """Answer one decoded request; None for a notification, which has no id."""
        try:
            parsed = _Request.model_validate(request)
        except ValidationError:
            return _failure(None, RpcError(INVALID_REQUEST, "invalid request"))
        is_notification = "id" not in parsed.model_fields_set
        try:
            result = self.request(parsed.method, parsed.params or [], session)
        except RpcError as error:
            return None if is_notification else _failure(parsed.id, error)
        return None if is_notification else {"jsonrpc": "2.0", "id": parsed.id, "result": result}

    def request(self, method: str, params: list[Any], session: Session | None = None) -> Any:
        """Return a method's result. Raises RpcError."""
        with self._turn:
            self.chain.catch_up()
            call = self._method(method, session)
            try:
                return call(*params)
            except ValidationError as error:
                raise RpcError(INVALID_PARAMS, _explain(error)) from error
            except InvalidParams as error:
                raise RpcError(INVALID_PARAMS, str(error)) from error
            except CallReverted as error:
                raise RpcError(REVERTED, revert_message(error.data), hexed(error.data)) from error
            except ChainRefusal as error:
                raise RpcError(SERVER_ERROR, str(error)) from error

    def catch_up(self) -> None:
        """Make the blocks that are due, so that subscribers hear of them without asking."""
        with self._turn:
            self.chain.catch_up()

    # ── subscriptions ─────────────────────────────────────────────────────────────────────────────────────────

    def open_session(self, push: Push) -> Session:
        """Begin a connection that may subscribe. `push` gets each notification and must not block."""
        session = Session(push)
        self._sessions.add(session)
        return session

    def close_session(self, session: Session) -> None:
        """End a connection and its subscriptions."""
        self._sessions.discard(session)

    def _on_event(self, event: ChainEvent) -> None:
        self._filters.on_event(event)
        for session in list(self._sessions):
            session.on_event(event)

    # ── finding the method ────────────────────────────────────────────────────────────────────────────────────

    def _method(self, name: str, session: Session | None) -> Callable[..., Any]:
        if session is not None and name == "eth_subscribe":
            return validate_call(_subscriber(session))
        if session is not None and name == "eth_unsubscribe":
            return validate_call(_unsubscriber(session))
        if name in ("eth_subscribe", "eth_unsubscribe"):
            raise RpcError(METHOD_NOT_FOUND, "notifications not supported: subscribe over WebSocket")
        if name not in self._methods:
            raise RpcError(METHOD_NOT_FOUND, f"the method {name!r} does not exist/is not available")
        if name not in self._checked:
            self._checked[name] = validate_call(self._methods[name])
        return self._checked[name]


def _subscriber(session: Session) -> Callable[..., str]:
    def subscribe(kind: str, wanted: LogFilter | bool | None = None) -> str:
        if kind not in ("newHeads", "logs", "newPendingTransactions"):
            raise InvalidParams(f"no {kind!r} subscription: there are newHeads, logs and newPendingTransactions")
        name = session.subscribe(kind, wanted if isinstance(wanted, LogFilter) else LogFilter())
        if name is None:
            raise ChainRefusal("too many subscriptions")
        return name

    return subscribe


def _unsubscriber(session: Session) -> Callable[..., bool]:
    def unsubscribe(name: str) -> bool:
        if not session.unsubscribe(name):
            raise ChainRefusal("subscription not found")
        return True

    return unsubscribe


def _failure(request_id: object, error: RpcError) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": request_id, "error": error.to_json()}


def _explain(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = ".".join(str(part) for part in first["loc"][:3])
    return f"invalid argument {place}: {first['msg']}"
