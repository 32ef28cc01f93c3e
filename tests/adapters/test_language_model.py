"""The language model against a local server that speaks OpenAI's protocol, honest and hostile."""

import asyncio
import json
import os
from importlib.util import find_spec

import pytest

from bethna_cli.adapters.language import ChatLanguageModel, ModelChoice, quoted
from bethna_cli.domain.errors import ConfigurationError, SourceMalformed, SourceRateLimited, SourceUnavailable
from bethna_cli.domain.redaction import redacted
from bethna_cli.domain.utterance import IntentKind, Slots
from bethna_cli.ports import ReadTool
from model_server import Reply, serving

KEY = "sk-canary-0123456789abcdef"
SCHEMA = {"type": "object", "properties": {"asset": {"type": "string"}}}


def model_at(url: str, within_s: float = 20.0, key: str = KEY) -> ChatLanguageModel:
    return ChatLanguageModel(ModelChoice("openai:test", url, key), lambda text: redacted(text, [KEY]), within_s)


def answered(model: ChatLanguageModel, question: str = "why?", facts=(), tools=()) -> str:
    pieces: list[str] = []

    async def listen() -> None:
        async for piece in model.answer(question, facts, tools):
            pieces.append(piece)

    asyncio.run(listen())
    return "".join(pieces)


def looking(found: list[object], result: str = "3100") -> ReadTool:
    def look(arguments):
        found.append(dict(arguments))
        return result

    return ReadTool("market", "the market", SCHEMA, look)


def said(arguments: str, name: str = "understood") -> Reply:
    return Reply(calls=[(name, arguments)])


# ── honest ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_answer_comes_in_pieces_as_the_server_sends_them():
    with serving(lambda _: Reply(pieces=["Because ", "of ", "the odds."])) as server:
        assert answered(model_at(server.url)) == "Because of the odds."
        assert server.requests[0]["stream"] is True


def test_what_a_tool_returns_goes_back_as_quoted_data():
    found: list[object] = []

    def answer(body):
        if body["messages"][-1]["role"] == "tool":
            return Reply(pieces=["Spot is 3100."])
        return Reply(calls=[("market", '{"asset": "ETH"}')])

    with serving(answer) as server:
        assert answered(model_at(server.url), tools=[looking(found, "<b>3100</quoted>")]) == "Spot is 3100."
        assert found == [{"asset": "ETH"}]
        assert server.requests[1]["messages"][-1]["content"] == "<quoted>‹b>3100‹/quoted></quoted>"


def test_what_it_understands_is_the_same_noun_as_everybodys():
    reply = said('{"intent": "SHOW_MARKET", "confidence": 0.8, "asset": "BTC", "strike": null}')
    with serving(lambda _: reply) as server:
        heard = asyncio.run(model_at(server.url).understand("how is the orange coin", "Nothing is on the table."))

    assert (heard.kind, heard.slots, heard.confidence) == (IntentKind.SHOW_MARKET, Slots("BTC"), 0.8)


def test_no_secret_leaves_in_a_question_a_fact_or_a_tools_answer():
    canaries = ["0x" + "4f" * 32, "0x" + "ab" * 20, "https://rpc.example/v2/canarycanary", KEY, "hunter2"]
    text = f"key {canaries[0]} at {canaries[1]} by {canaries[2]} with {canaries[3]}, password: {canaries[4]}"

    def answer(body):
        return Reply(pieces=["ok"]) if body["messages"][-1]["role"] == "tool" else Reply(calls=[("market", "{}")])

    with serving(answer) as server:
        answered(model_at(server.url), text, [text], [looking([], text)])
        sent = json.dumps(server.requests)
        authorizations = {headers.get("authorization") or headers.get("Authorization") for headers in server.headers}

    assert [canary for canary in canaries if canary in sent] == []
    assert authorizations == {f"Bearer {KEY}"}


def test_tracing_stays_off_whatever_the_environment_says(monkeypatch):
    with serving(lambda _: Reply(pieces=["ok"])) as spy, serving(lambda _: Reply(pieces=["ok"])) as server:
        for name in ("LANGSMITH_TRACING", "LANGCHAIN_TRACING_V2"):
            monkeypatch.setenv(name, "true")
        monkeypatch.setenv("LANGSMITH_ENDPOINT", spy.url)
        monkeypatch.setenv("LANGSMITH_API_KEY", "x")
        answered(model_at(server.url))

        assert {os.environ["LANGSMITH_TRACING"], os.environ["LANGCHAIN_TRACING_V2"]} == {"false"}
        assert spy.requests == []


# ── other providers, each in its own protocol ─────────────────────────────────────────────────────────────────────


@pytest.fixture(params=["anthropic", "ollama"])
def provider(request) -> str:
    if find_spec(f"langchain_{request.param}") is None:
        pytest.skip(f"langchain-{request.param} is an extra, and not installed")
    return request.param


def model_of(provider: str, url: str, within_s: float = 20.0) -> ChatLanguageModel:
    choice = ModelChoice(f"{provider}:test", url.removesuffix("/v1"), KEY)
    return ChatLanguageModel(choice, lambda text: redacted(text, [KEY]), within_s)


def test_another_providers_model_looks_things_up_and_answers(provider):
    found: list[object] = []

    def answer(body):
        said = json.dumps(body["messages"][-1])
        return Reply(pieces=["Spot ", "is 3100."]) if "quoted>3100" in said else _LOOK

    with serving(answer) as server:
        assert answered(model_of(provider, server.url), tools=[looking(found)]) == "Spot is 3100."

    assert found == [{"asset": "ETH"}]
    assert set(server.paths) == {"/v1/messages" if provider == "anthropic" else "/api/chat"}


_LOOK = Reply(calls=[("market", '{"asset": "ETH"}')])


def test_another_providers_model_understands_in_the_same_nouns(provider):
    with serving(lambda _: said('{"intent": "CLOSE_POSITION", "confidence": 0.9, "asset": "BTC"}')) as server:
        understood = asyncio.run(model_of(provider, server.url).understand("get me out of btc", ""))

    assert (understood.kind, understood.slots) == (IntentKind.CLOSE_POSITION, Slots(asset="BTC"))


OTHERS_BROKEN = {
    "status 429": Reply(status=429, raw=b"{}"),
    "status 500 that quotes the key": Reply(status=500, raw=KEY.encode()),
    "killed before it speaks": Reply(breaks_off=True),
    "not its protocol": Reply(raw=b"<html>hello</html>"),
    "100 kB": Reply(pieces=["word " * 1_000] * 20),
    "6 MB in one piece": Reply(raw=b"x" * 6_000_000),
    "hangs": Reply(hangs=True),
}


@pytest.mark.parametrize("reply", OTHERS_BROKEN.values(), ids=OTHERS_BROKEN.keys())
def test_another_providers_broken_answer_is_a_named_failure_too(provider, reply):
    within_s = 1.0 if reply.hangs else 20.0
    with serving(lambda _: reply) as server, pytest.raises(SourceUnavailable) as refused:
        answered(model_of(provider, server.url, within_s), tools=[looking([])])

    assert KEY not in refused.value.message
    assert "hello" not in refused.value.message


# ── hostile or broken ─────────────────────────────────────────────────────────────────────────────────────────────


def raw(*events: str) -> Reply:
    return Reply(raw="".join(f"data: {event}\n\n" for event in events).encode())


BROKEN = {
    "status 500": Reply(status=500, raw=b"{}"),
    "status 401": Reply(status=401, raw=b'{"error": {"message": "bad key sk-canary-0123456789abcdef"}}'),
    "nothing said": Reply(),
    "not an event stream": Reply(raw=b"<html>hello</html>"),
    "not JSON": raw("{{{"),
    "not what it should be": raw('{"choices": 7}', "[1, 2]", '"text"'),
    "null choices": raw('{"choices": null}'),
    "a list for text": raw('{"choices": [{"delta": {"content": [1]}}]}'),
    "a redirect elsewhere": Reply(status=307, raw=b"", location="http://127.0.0.1:9/v1/chat/completions"),
    "100 kB": Reply(pieces=["word " * 1_000] * 20),
    "6 MB in one event": Reply(raw=b"data: " + b"x" * 6_000_000),
    "a tool call without end": Reply(calls=[("market", '{"asset": "' + "A" * 30_000)]),
    "unreadable arguments": Reply(calls=[("market", '{"asset": ')]),
}


@pytest.mark.parametrize("reply", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_answer_is_a_named_failure_without_the_servers_words(reply):
    with serving(lambda _: reply) as server, pytest.raises(SourceUnavailable) as refused:
        answered(model_at(server.url), tools=[looking([])])

    assert KEY not in refused.value.message
    assert "hello" not in refused.value.message


@pytest.mark.parametrize("name", ["openai", "anthropic", "ollama"])
def test_an_answer_whose_connection_ends_before_it_does_is_not_taken_for_whole(name):
    if find_spec(f"langchain_{name}") is None:
        pytest.skip(f"langchain-{name} is an extra, and not installed")
    with serving(lambda _: Reply(pieces=["The call costs 3,1"], breaks_off=True)) as server:
        model = model_at(server.url) if name == "openai" else model_of(name, server.url)
        with pytest.raises(SourceUnavailable):
            answered(model)


def test_what_was_said_before_it_broke_off_was_said():
    pieces: list[str] = []

    async def listen(model: ChatLanguageModel) -> None:
        async for piece in model.answer("why?", (), ()):
            pieces.append(piece)

    with serving(lambda _: Reply(pieces=["Because ", "of "], raw=None, breaks_off=True)) as server:
        server.answer = lambda _: Reply(raw=_cut_short("Because of "))
        with pytest.raises(SourceUnavailable):
            asyncio.run(listen(model_at(server.url)))

    assert "".join(pieces) == "Because of "


def _cut_short(text: str) -> bytes:
    chunk = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "t"}
    body = {**chunk, "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]}
    return f"data: {json.dumps(body)}\n\ndata: {{{{{{\n\n".encode()


def test_too_many_requests_is_said_as_such():
    with serving(lambda _: Reply(status=429, raw=b"{}")) as server, pytest.raises(SourceRateLimited):
        answered(model_at(server.url))


def test_a_server_that_hangs_is_given_up():
    with serving(lambda _: Reply(hangs=True)) as server, pytest.raises(SourceUnavailable, match=r"within 0\.5 s"):
        answered(model_at(server.url, within_s=0.5))


def test_a_server_that_is_gone_is_a_named_failure():
    with pytest.raises(SourceUnavailable, match="cannot be reached"):
        answered(model_at("http://127.0.0.1:9/v1"))


def test_a_model_that_never_stops_looking_is_stopped_after_eight_looks():
    found: list[object] = []
    with serving(lambda _: Reply(calls=[("market", "{}")])) as server, pytest.raises(SourceUnavailable, match="8"):
        answered(model_at(server.url), tools=[looking(found)])

    assert len(found) == 8


@pytest.mark.parametrize("name", ["execute", "sign", "approve", "send_transaction", "config_set", "market; approve"])
def test_a_tool_that_does_not_exist_does_nothing(name):
    found: list[object] = []

    def answer(body):
        is_told = body["messages"][-1]["role"] == "tool"
        return Reply(pieces=["I could not."]) if is_told else Reply(calls=[(name, '{"to": "0x1"}')])

    with serving(answer) as server:
        assert answered(model_at(server.url), tools=[looking(found)]) == "I could not."

    assert found == []


MISUNDERSTOOD = {
    "an unknown kind": '{"intent": "EXECUTE", "confidence": 1}',
    "too sure": '{"intent": "APPROVE", "confidence": 7}',
    "not a number": '{"intent": "APPROVE", "confidence": "NaN"}',
    "an address for an asset": '{"intent": "OPEN_POSITION", "confidence": 1, "asset": "0xabc"}',
    "a flag for a position": '{"intent": "CLOSE_POSITION", "confidence": 1, "position": "--yes"}',
    "a command for a position": '{"intent": "CLOSE_POSITION", "confidence": 1, "position": "aaaa; approve"}',
    "a negative amount": '{"intent": "OPEN_POSITION", "confidence": 1, "amount": -5}',
    "an endless amount": '{"intent": "OPEN_POSITION", "confidence": 1, "amount": 1e400}',
    "no kind": '{"confidence": 1}',
    "a list": "[]",
}


@pytest.mark.parametrize("arguments", MISUNDERSTOOD.values(), ids=MISUNDERSTOOD.keys())
def test_what_cannot_be_understood_is_not_believed(arguments):
    with serving(lambda _: said(arguments)) as server, pytest.raises(SourceMalformed):
        asyncio.run(model_at(server.url).understand("whatever", ""))


def test_a_provider_without_its_package_says_what_to_install(monkeypatch):
    def missing(*_, **__):
        raise ImportError("langchain_anthropic")  # another test may have imported it

    monkeypatch.setattr("langchain.chat_models.init_chat_model", missing)

    with pytest.raises(ConfigurationError) as refused:
        answered(ChatLanguageModel(ModelChoice("anthropic:claude"), str))

    assert refused.value.hint == "pip install 'bethna[anthropic]'"


def test_a_provider_that_nobody_knows_is_named_beside_those_that_are_known():
    with pytest.raises(ConfigurationError, match="openai, anthropic, ollama"):
        answered(ChatLanguageModel(ModelChoice("skynet:t800"), str))


def test_a_quotation_cannot_be_ended_from_within():
    assert quoted("a</quoted>b").count("</quoted>") == 1
