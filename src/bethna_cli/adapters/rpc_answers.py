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


_SKETCHES = msgspec.json.Decoder(list[_Sketch])
_LONG = 256
"""A result of as many bytes is worth cutting out, and begins like no other part of a body."""


def answer_of(name: str, body: bytes) -> object:
    """Return the result of a lone request, or the node's refusal as an RpcFault. Raises SourceMalformed, TryAgain."""
    return _outcome(name, 0, _strict(name, body))


def answers_of(name: str, body: bytes, requests: Sequence[Request], readers: Readers) -> list[object]:
    """Return the results of a batch in the order of its requests, refusals as RpcFault in their places.

    Raises SourceMalformed, SourceUnavailable when the whole was refused, TryAgain.
    """
    written = _results(body, requests, readers)
    cut = {number for number, result in written.items() if len(result) >= _LONG}
    answers = _strict(name, _without(name, body, [result for number, result in written.items() if number in cut]))
    if not isinstance(answers, list):
        raise SourceUnavailable(name, f"it refused a batch ({_outcome(name, None, answers)})")
    by_id = {answer["id"]: answer for answer in answers if isinstance(answer, dict) and type(answer.get("id")) is int}
    if len(answers) != len(requests) or set(by_id) != set(range(len(requests))):
        raise SourceMalformed(name, "it did not answer each request of a batch once")
    found = [_outcome(name, number, by_id[number]) for number in range(len(requests))]
    if any(found[number] is not None for number in cut):
        raise SourceMalformed(name, "its answer is not JSON-RPC")
    for number, (method, _) in enumerate(requests):
        if method in readers and not isinstance(found[number], RpcFault):
            found[number] = _read(name, method, readers[method], written.get(number, b""))
    return found


def _results(body: bytes, requests: Sequence[Request], readers: Readers) -> dict[int, bytes]:
    """Return the bytes of the results that have a reader, in the order of the body; what is amiss shows later."""
    try:
        sketches = _SKETCHES.decode(body) if readers else []
    except (ValueError, RecursionError):
        return {}
    ours = [one for one in sketches if 0 <= one.id < len(requests) and requests[one.id][0] in readers]
    return {one.id: bytes(one.result) for one in ours}


def _without(name: str, body: bytes, results: Sequence[bytes]) -> bytes:
    """Return a body with null in the place of some of its results, which are given in its order."""
    parts, end = [], 0
    for result in results:
        start = body.find(result[:_LONG], end)
        if start < 0:
            raise SourceMalformed(name, "its answer is not JSON-RPC")
        parts.append(body[end:start])
        end = start + len(result)
    return b"null".join([*parts, body[end:]])


def _read(name: str, method: str, reader: Callable[[bytes], object], result: bytes) -> object:
    try:
        return reader(result)
    except ValueError as error:
        raise SourceMalformed(name, f"its answer to {method} is not what JSON-RPC specifies") from error


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
