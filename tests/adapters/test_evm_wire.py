"""Every way an answer can be broken on the wire, and the typed error that it becomes. No error names a URL."""

import asyncio
import json
import traceback
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bethna_cli.adapters.abi import keccak
from bethna_cli.adapters.rpc import JsonRpc, RpcLimits
from bethna_cli.adapters.rpc_transport import Http, InProcess
from bethna_cli.adapters.sim.rpc_server import rpc_app
from bethna_cli.domain.chain import Call
from bethna_cli.domain.errors import (
    BethnaError,
    ConfigurationError,
    OutcomeUnknown,
    SourceDisabled,
    SourceMalformed,
    SourceRateLimited,
    SourceUnavailable,
)
from chain_places import CHAIN_ID, QUICK, STRANGER, Place, embedded_node, in_process, run, served

KEY = "canary-5f2d77"


@pytest.fixture
def node() -> Any:
    return embedded_node()


@pytest.fixture
def place(node: Any) -> Place:
    return in_process(node)


class FaultServer:
    """An HTTP server in front of a node: `reply` replaces its answer, given the request's body."""

    def __init__(self, node: Any) -> None:
        self._node = rpc_app(node)
        self.reply: Callable[[Any], Awaitable[None]] | None = None
        self.requests = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.requests += 1
        if self.reply is None:
            await self._node(scope, receive, send)
        else:
            await self.reply(send)


@pytest.fixture
def server(node: Any) -> FaultServer:
    return FaultServer(node)


@pytest.fixture
def url(server: FaultServer) -> Iterator[str]:
    with served(server) as address:
        yield f"{address}/{KEY}"


def answering(body: bytes, status: int = 200, **headers: str) -> Callable[[Any], Awaitable[None]]:
    async def reply(send: Any) -> None:
        pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": pairs})
        await send({"type": "http.response.body", "body": body})

    return reply


async def endless(send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for _ in range(50):
        await send({"type": "http.response.body", "body": b" " * 1_000_000, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def trickling(send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for _ in range(20):
        await send({"type": "http.response.body", "body": b" ", "more_body": True})
        await asyncio.sleep(0.1)


async def breaking(send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1000")]})
    await send({"type": "http.response.body", "body": b"{", "more_body": True})
    raise ConnectionResetError


def document(**members: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": 0} | members).encode()


FAULTS = {
    "503": (answering(b"", 503), SourceUnavailable),
    "429": (answering(b"", 429, retry_after="30"), SourceRateLimited),
    "429 in the body": (answering(document(error={"code": -32005, "message": "limit"})), SourceRateLimited),
    "401": (answering(b"", 401), SourceDisabled),
    "a redirect to another host": (answering(b"", 302, location="https://example.org/"), SourceUnavailable),
    "50 MB": (endless, SourceMalformed),
    "a slow trickle": (trickling, SourceUnavailable),
    "a broken connection": (breaking, SourceUnavailable),
    "a web page": (answering(b"<html>maintenance</html>"), SourceMalformed),
    "NaN": (answering(b'{"jsonrpc": "2.0", "id": 0, "result": NaN}'), SourceMalformed),
    "a key twice": (answering(b'{"id": 0, "result": "0x1", "result": "0x2"}'), SourceMalformed),
    "deep nesting": (answering(b"[" * 100_000), SourceMalformed),
    "a huge number": (answering(document(result="0x" + "f" * 65)), SourceMalformed),
    "a number that is no quantity": (answering(document(result=CHAIN_ID)), SourceMalformed),
    "the answer to another request": (answering(document(id=7, result=hex(CHAIN_ID))), SourceMalformed),
    "result and error": (answering(document(result="0x1", error={"code": 1, "message": ""})), SourceMalformed),
    "neither": (answering(document()), SourceMalformed),
    "no such method": (answering(document(error={"code": -32601, "message": f"no {KEY}"})), SourceUnavailable),
    "an encoding we did not offer": (answering(b"x", content_encoding="br"), SourceMalformed),
    "broken gzip": (answering(b"x", content_encoding="gzip"), SourceMalformed),
}


def held_by(error: BaseException | None) -> str:
    """Write what an exception and its causes hold, as a tool that prints attributes would."""
    return "" if error is None else repr(error) + repr(vars(error)) + held_by(error.__cause__ or error.__context__)


@pytest.mark.parametrize("name", FAULTS)
def test_a_broken_answer_is_a_typed_error_that_does_not_name_the_url(server: FaultServer, url: str, name):
    server.reply, expected = FAULTS[name]

    with pytest.raises(expected) as failure:
        run(lambda chain: chain.check(), lambda: Http("rpc", url, limits=QUICK), limits=QUICK)

    assert type(failure.value) is expected
    assert KEY not in "".join(traceback.format_exception(failure.value)) + held_by(failure.value)


@pytest.mark.parametrize("name", ["503", "a slow trickle", "a broken connection", "a web page", "50 MB"])
def test_a_broken_first_endpoint_is_replaced_by_the_second(server: FaultServer, url: str, place: Place, name):
    server.reply, _ = FAULTS[name]

    block = run(lambda chain: chain.block(), lambda: Http("rpc", url, limits=QUICK), place.transport, limits=QUICK)

    assert block.number >= 0


def test_a_redirect_is_not_followed_even_to_a_node_that_would_answer(node: Any, server: FaultServer, url: str):
    target = FaultServer(node)

    with served(target) as elsewhere:
        server.reply = answering(b"", 307, location=elsewhere)
        with pytest.raises(SourceUnavailable, match="answered 307"):
            run(lambda chain: chain.check(), lambda: Http("rpc", url))

    assert target.requests == 0


def test_an_answer_that_trickles_is_given_up_when_the_time_is(server: FaultServer, url: str):
    server.reply = trickling

    with pytest.raises(SourceUnavailable, match="no answer within 1 s"):
        run(lambda chain: chain.check(), lambda: Http("rpc", url), limits=QUICK)


def test_no_more_than_the_bound_is_read(server: FaultServer, url: str):
    server.reply = endless

    with pytest.raises(SourceMalformed, match="longer than 5000000 bytes"):
        run(lambda chain: chain.check(), lambda: Http("rpc", url))


class LosesAnswers:
    """Passes every request on to the node, and answers a send with a fault after the node has accepted it."""

    def __init__(self, node: Any, reply: Callable[[Any], Awaitable[None]]) -> None:
        self._node = rpc_app(node)
        self._reply = reply
        self.sends = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        answer: list[Any] = []
        asked = bytearray()

        async def listen() -> Any:
            message = await receive()
            asked.extend(message.get("body", b""))
            return message

        async def keep(message: Any) -> None:
            answer.append(message)

        await self._node(scope, listen, keep)
        if b"eth_sendRawTransaction" in asked:
            self.sends += 1
            await self._reply(send)
            return
        for message in answer:
            await send(message)


@pytest.mark.parametrize("name", ["503", "429", "a broken connection", "a slow trickle", "a web page", "50 MB"])
def test_a_send_whose_answer_is_lost_is_unknown_and_goes_out_once(node: Any, place: Place, name):
    loser = LosesAnswers(node, FAULTS[name][0])
    raw = place.signed(STRANGER, value=7)

    with served(loser) as url, pytest.raises(OutcomeUnknown) as unknown:
        run(lambda chain: chain.send_raw(raw), lambda: Http("rpc", url, limits=QUICK), place.transport, limits=QUICK)

    (stranger,) = place.run(lambda chain: chain.accounts([STRANGER]))
    assert (loser.sends, stranger.balance_wei) == (1, 7)
    assert unknown.value.transaction_hash == "0x" + keccak(raw).hex()


def test_a_read_is_repeated_a_few_times_and_no_more(server: FaultServer, url: str):
    server.reply = answering(b"", 503)

    with pytest.raises(SourceUnavailable):
        run(lambda chain: chain.block(), lambda: Http("rpc", url), limits=RpcLimits(attempts=3))

    assert server.requests == 3


def test_an_endpoint_that_keeps_failing_is_left_alone_for_a_while(server: FaultServer, url: str):
    server.reply = answering(b"", 503)
    now = iter(count())
    limits = RpcLimits(attempts=1, breaker_failures=2, breaker_pause_s=15)

    async def ask_often() -> None:
        rpc = JsonRpc("rpc", Http("rpc", url), limits=limits, monotonic=lambda: float(next(now)))
        for _ in range(6):
            with suppress(SourceUnavailable):
                await rpc.ask([("eth_chainId", [])])
        await rpc.aclose()

    asyncio.run(ask_often())

    assert server.requests == 2


@pytest.mark.parametrize("missing", ["first", "doubled", "strange"])
def test_a_batch_that_is_not_answered_one_to_one_is_refused(node: Any, missing):
    mangle = {
        "first": lambda answers: answers[1:],
        "doubled": lambda answers: [*answers, answers[0]],
        "strange": lambda answers: [{**answers[0], "id": 99}, *answers[1:]],
    }[missing]

    async def handle(request: Any) -> Any:
        answer = await node.handle(request)
        return mangle(answer) if isinstance(answer, list) else answer

    with pytest.raises(SourceMalformed):
        run(lambda chain: chain.call_many([Call(STRANGER), Call(STRANGER)]), lambda: InProcess(handle))


@settings(max_examples=300)
@given(body=st.binary(max_size=200))
def test_no_body_whatever_gets_past_the_border(body: bytes):
    class Garbage:
        async def exchange(self, _: bytes) -> bytes:
            return body

        async def aclose(self) -> None:
            """Nothing is open."""

    with pytest.raises(BethnaError):
        run(lambda chain: chain.block(), Garbage)


# ── C9: addresses ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "address",
    [f"http://example.org/{KEY}", f"ftp://127.0.0.1/{KEY}", f"//{KEY}", f"http://127.0.0.1.example.org/{KEY}"],
)
def test_an_address_that_is_not_https_or_this_machine_is_refused_unquoted(address: str):
    with pytest.raises(ConfigurationError) as refusal:
        Http("rpc", address)

    assert KEY not in str(refusal.value)


def test_no_representation_shows_an_address():
    transport = Http("rpc", f"https://example.org/v2/{KEY}")

    assert KEY not in repr(transport) + repr(JsonRpc("rpc", transport))
