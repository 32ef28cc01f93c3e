"""What comes back over JSON-RPC: answers paired with their requests, refusals typed, everything read strictly.

A result can be left to a reader of its method, which gets its bytes: then the rest of the answer is read as strictly as
any, with nothing in the result's place. Nothing that the node says goes into an error.
"""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from bethna_cli.adapters.retry import TryAgain
from bethna_cli.adapters.wire import read_json
from bethna_cli.domain.errors import SourceMalformed, SourceRateLimited, SourceUnavailable

Request = tuple[str, Sequence[object]]
"""A method and its parameters."""

Readers = Mapping[str, Callable[[bytes], object]]
"""What reads the results of a method from their bytes, for the methods that have a reader. Raises ValueError."""

NO_READERS: Readers = {}

_RATE_LIMITED = frozenset({-32005, -32007, -32029, 429})
_LONGEST_MESSAGE = 400


class RpcFault(Exception):
    """The node's own refusal of one request. `message` is lower-cased, for recognising, never for showing."""

    def __init__(self, code: int, message: str, data: object) -> None:
        super().__init__(f"JSON-RPC error {code}")
        self.code = code
        self.message = message
        self.data = data


class _Sketch(msgspec.Struct):
    """Which request an answer is for, and the bytes of its result; as long as nothing more of it is known."""

    id: int = -1
    result: msgspec.Raw = msgspec.Raw()


_ITEMS = msgspec.json.Decoder(list[msgspec.Raw])
_SKETCH = msgspec.json.Decoder(_Sketch)


def answer_of(name: str, body: bytes) -> object:
    """Return the result of a lone request, or the node's refusal as an RpcFault. Raises SourceMalformed, TryAgain."""
    return _outcome(name, 0, _strict(name, body))


def answers_of(name: str, body: bytes, requests: Sequence[Request], readers: Readers) -> list[object]:
    """Return the results of a batch in the order of its requests, refusals as RpcFault in their places.

    Raises SourceMalformed, SourceUnavailable when the whole was refused, TryAgain.
    """
    try:
        items = [bytes(item) for item in _ITEMS.decode(body)]
    except (ValueError, RecursionError):
        raise _refusal(name, body) from None
    found: dict[int, object] = {}
    for item in items:
        number, result = _paired(name, item, requests, readers)
        found[number] = result
    if len(items) != len(requests) or set(found) != set(range(len(requests))):
        raise SourceMalformed(name, "it did not answer each request of a batch once")
    return [found[number] for number in range(len(requests))]


def _refusal(name: str, body: bytes) -> SourceUnavailable:
    """Say what is wrong with a body that is no list of answers."""
    fault = _outcome(name, None, _strict(name, body))
    return SourceUnavailable(name, f"it refused a batch ({fault})")


def _paired(name: str, item: bytes, requests: Sequence[Request], readers: Readers) -> tuple[int, object]:
    """Return an answer's request and its outcome."""
    sketch = _sketched(item)
    result = bytes(sketch.result)
    reader = readers.get(requests[sketch.id][0]) if result and 0 <= sketch.id < len(requests) else None
    if reader is None:
        answer = _strict(name, item)
        number = answer.get("id") if isinstance(answer, dict) else None
        return number if type(number) is int else -1, _outcome(name, number, answer)
    before, _, after = item.partition(result)
    if _outcome(name, sketch.id, _strict(name, before + b"null" + after)) is not None:
        raise SourceMalformed(name, "its answer is not JSON-RPC")
    try:
        return sketch.id, reader(result)
    except ValueError as error:
        raise SourceMalformed(name, f"its answer to {requests[sketch.id][0]} is not what JSON-RPC specifies") from error


def _sketched(item: bytes) -> _Sketch:
    try:
        return _SKETCH.decode(item)
    except (ValueError, RecursionError):
        return _Sketch()  # whatever it is, the strict reader will say


def _strict(name: str, body: bytes) -> object:
    try:
        return read_json(body)
    except ValueError as error:
        raise SourceMalformed(name, "its answer is not strict JSON") from error


def _outcome(name: str, number: int | None, answer: object) -> object:
    """Return the result, or the node's refusal as an RpcFault. Raises SourceMalformed, TryAgain."""
    if not isinstance(answer, dict) or ("result" in answer) == ("error" in answer):
        raise SourceMalformed(name, "its answer is not JSON-RPC")
    if "result" in answer:
        if answer.get("id") != number or isinstance(answer.get("id"), bool):
            raise SourceMalformed(name, "it answered another request")
        return answer["result"]
    fault = _fault(name, answer["error"])
    if fault.code in _RATE_LIMITED:
        raise TryAgain(SourceRateLimited(name, None))
    return fault


def _fault(name: str, error: object) -> RpcFault:
    if not isinstance(error, dict):
        raise SourceMalformed(name, "its answer is not JSON-RPC")
    code, message = error.get("code"), error.get("message")
    if not isinstance(code, int) or isinstance(code, bool) or not isinstance(message, str):
        raise SourceMalformed(name, "its answer is not JSON-RPC")
    return RpcFault(code, message[:_LONGEST_MESSAGE].lower(), error.get("data"))
