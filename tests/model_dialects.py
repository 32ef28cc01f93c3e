"""How a reply looks on the wire: OpenAI's event stream, Anthropic's event stream, Ollama's lines of JSON."""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol


class Said(Protocol):
    """A reply's words and calls; one that breaks off has no end."""

    pieces: Sequence[str]
    calls: Sequence[tuple[str, str]]
    breaks_off: bool


def openai(reply: Said) -> Iterator[bytes]:
    def event(delta: dict[str, Any], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        body = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "test", "choices": [choice]}
        return b"data: " + json.dumps(body).encode() + b"\n\n"

    yield event({"role": "assistant", "content": ""})
    for piece in reply.pieces:
        yield event({"content": piece})
    for number, (name, arguments) in enumerate(reply.calls):
        head = {"index": number, "id": f"call_{number}", "type": "function"}
        yield event({"tool_calls": [{**head, "function": {"name": name, "arguments": arguments}}]})
    if reply.breaks_off:
        return
    yield event({}, "tool_calls" if reply.calls else "stop")
    yield b"data: [DONE]\n\n"


def anthropic(reply: Said) -> Iterator[bytes]:
    def event(kind: str, **body: Any) -> bytes:
        return f"event: {kind}\ndata: {json.dumps({'type': kind, **body})}\n\n".encode()

    message = {"id": "x", "type": "message", "role": "assistant", "model": "test", "content": []}
    usage = {"input_tokens": 1, "output_tokens": 1}
    yield event("message_start", message={**message, "stop_reason": None, "stop_sequence": None, "usage": usage})
    blocks: list[tuple[dict[str, Any], list[dict[str, Any]]]] = []
    if reply.pieces:
        deltas = [{"type": "text_delta", "text": piece} for piece in reply.pieces]
        blocks.append(({"type": "text", "text": ""}, deltas))
    for number, (name, arguments) in enumerate(reply.calls):
        block = {"type": "tool_use", "id": f"toolu_{number}", "name": name, "input": {}}
        blocks.append((block, [{"type": "input_json_delta", "partial_json": arguments}]))
    for index, (block, deltas) in enumerate(blocks):
        yield event("content_block_start", index=index, content_block=block)
        for delta in deltas:
            yield event("content_block_delta", index=index, delta=delta)
        if reply.breaks_off:
            return
        yield event("content_block_stop", index=index)
    stop = {"stop_reason": "tool_use" if reply.calls else "end_turn", "stop_sequence": None}
    yield event("message_delta", delta=stop, usage={"output_tokens": 1})
    yield event("message_stop")


def ollama(reply: Said) -> Iterator[bytes]:
    def line(message: dict[str, Any], **more: Any) -> bytes:
        body = {"model": "test", "created_at": "2026-11-25T00:00:00Z", "message": {"role": "assistant", **message}}
        return json.dumps({**body, "done": False, **more}).encode() + b"\n"

    for piece in reply.pieces:
        yield line({"content": piece})
    for name, arguments in reply.calls:
        yield line({"content": "", "tool_calls": [{"function": {"name": name, "arguments": json.loads(arguments)}}]})
    if not reply.breaks_off:
        yield line({"content": ""}, done=True, done_reason="stop")


DIALECTS: dict[str, Callable[[Said], Iterator[bytes]]] = {"/v1/messages": anthropic, "/api/chat": ollama}
"""Which path speaks which; every other one speaks OpenAI's."""
