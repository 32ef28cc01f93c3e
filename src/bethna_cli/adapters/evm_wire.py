"""JSON-RPC's way of writing blocks, logs and receipts, read strictly into nouns.

Every reader raises ValueError (or KeyError, TypeError) on anything that is not what the specification says; `strictly`
turns that into SourceMalformed, which never quotes the value.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import chain
from typing import Any, TypeVar, cast

import msgspec

from bethna_cli.adapters.wire import read_json
from bethna_cli.domain.chain import (
    Account,
    Address,
    Block,
    BlockAt,
    Call,
    Hash,
    Log,
    LogQuery,
    Receipt,
    Tag,
)
from bethna_cli.domain.errors import SourceMalformed

T = TypeVar("T")

_QUANTITY = re.compile(r"0x[0-9a-fA-F]{1,64}")
_BLOOM_BYTES = 256
_MOST_TOPICS = 4
_HASH_WIDTH = 2 + 64
_NAMES_AND_TEXTS = 8 + 7
"""A log's names (address to logIndex), and its texts without the topics."""

_UINT64 = 2**64


def strictly(source: str, what: str, read: Callable[[Any], T], value: object) -> T:
    """Read `value` with `read`. Raises SourceMalformed that names `what`."""
    try:
        return read(value)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise SourceMalformed(source, f"{what} is not what JSON-RPC specifies") from None


def quantity(value: Any) -> int:
    """Read a 0x number of at most 256 bits."""
    if isinstance(value, str) and _QUANTITY.fullmatch(value):
        return int(value, 16)
    raise ValueError("not a quantity")


def count(value: Any) -> int:
    """Read a 0x number below 2**64: heights, times, gas, nonces, indices."""
    number = quantity(value)
    if number >= _UINT64:
        raise ValueError("out of range")
    return number


def data(value: Any) -> bytes:
    """Read 0x and whole bytes."""
    if not isinstance(value, str) or value[:2] != "0x" or len(value) % 2:
        raise ValueError("not data")
    octets = bytes.fromhex(value[2:])
    if 2 * len(octets) != len(value) - 2:  # fromhex skips spaces
        raise ValueError("not data")
    return octets


def hash_of(value: Any) -> Hash:
    """Read 32 bytes, lower-cased."""
    if len(value) != _HASH_WIDTH or value[:2] != "0x" or len(bytes.fromhex(value[2:])) != 32:  # fromhex skips spaces
        raise ValueError("not a hash")
    return Hash(value.lower())


def address_of(value: Any) -> Address:
    """Read 20 bytes, lower-cased."""
    if len(data(value)) != 20:
        raise ValueError("not an address")
    return Address(value.lower())


def block_of(value: Any) -> Block:
    """Read a block or its header."""
    bloom = data(value["logsBloom"])
    if len(bloom) != _BLOOM_BYTES:
        raise ValueError("not a bloom")
    base_fee = value.get("baseFeePerGas")
    return Block(
        number=count(value["number"]),
        hash=hash_of(value["hash"]),
        parent_hash=hash_of(value["parentHash"]),
        timestamp_s=count(value["timestamp"]),
        base_fee_wei=None if base_fee is None else quantity(base_fee),
        logs_bloom=bloom,
    )


class _WrittenLog(msgspec.Struct, rename="camel", gc=False):
    """A log as it is written; members that nothing here reads are ignored."""

    address: str
    topics: tuple[str, ...]
    data: str
    block_number: str
    block_hash: str
    transaction_hash: str
    transaction_index: str
    log_index: str
    removed: bool | msgspec.UnsetType | None = msgspec.UNSET


class _KnownLog(_WrittenLog, rename="camel", forbid_unknown_fields=True, gc=False):
    """A log whose every member is known, so that its text can be accounted for."""

    block_timestamp: str | msgspec.UnsetType = msgspec.UNSET


_KNOWN_LOGS = msgspec.json.Decoder(list[_KnownLog])


def read_logs(text: bytes) -> list[Log]:
    """Read a list of logs from its JSON, as strictly as `read_json` and `logs_of` do, ten times as fast.

    msgspec keeps the last of two equal keys: whatever it might have passed over goes to the strict reader.
    """
    try:
        written = _KNOWN_LOGS.decode(text)
    except ValueError:
        return logs_of(read_json(text))
    if _marks_of(written) != text.count(b'"'):
        return logs_of(read_json(text))
    return _checked(written)


def _marks_of(logs: Sequence[_KnownLog]) -> int:
    """Return how many quotation marks logs take when nothing is written twice: two a name, two a text."""
    topics = sum([len(log.topics) for log in logs])
    removed = sum([log.removed is not msgspec.UNSET for log in logs])
    timestamps = sum([log.block_timestamp is not msgspec.UNSET for log in logs])
    return 2 * (_NAMES_AND_TEXTS * len(logs) + topics + removed + 2 * timestamps)


def logs_of(value: Any) -> list[Log]:
    """Read a decoded list of logs."""
    return _checked(msgspec.convert(value, list[_WrittenLog]))


def log_of(value: Any) -> Log:
    """Read a decoded log of a mined block; a removed or pending one is refused."""
    (log,) = logs_of([value])
    return log


def _checked(written: Sequence[_WrittenLog]) -> list[Log]:
    """Check what is written, one member of all logs at a time: most words stand in many logs, and are read once."""
    if any([one.removed or len(one.topics) > _MOST_TOPICS for one in written]):
        raise ValueError("not a mined log")
    members = (
        _each(address_of, [one.address for one in written]),
        _topics([one.topics for one in written]),
        _octets([one.data for one in written]),
        _each(count, [one.block_number for one in written]),
        _each(hash_of, [one.block_hash for one in written]),
        _hashes([one.transaction_hash for one in written]),
        _each(count, [one.transaction_index for one in written]),
        _each(count, [one.log_index for one in written]),
    )
    return list(map(_LOG, zip(*members, strict=True)))


_LOG: Callable[[tuple[Any, ...]], Log] = partial(tuple.__new__, Log)
"""`Log._make` at a quarter of its cost."""


def _each(read: Callable[[str], T], words: Sequence[str]) -> Iterable[T]:
    """Read words, each different one once."""
    meanings = {word: read(word) for word in set(words)}
    return map(meanings.__getitem__, words)


def _topics(written: Sequence[tuple[str, ...]]) -> Iterable[tuple[Hash, ...]]:
    words = list(set(chain.from_iterable(written)))
    if _are_hashes(words):
        return cast("Sequence[tuple[Hash, ...]]", written)
    meanings = {word: hash_of(word) for word in words}
    return [tuple([meanings[word] for word in topics]) for topics in written]


def _hashes(words: Sequence[str]) -> Iterable[Hash]:
    return cast("Sequence[Hash]", words) if _are_hashes(words) else map(hash_of, words)


def _are_hashes(words: Sequence[str]) -> bool:
    """Say whether each word is a hash in lower case, as nodes write them; all in one go. Raises ValueError."""
    line = "".join(words)
    if {len(word) for word in words} != {_HASH_WIDTH} or {*line[1::_HASH_WIDTH]} != {"x"} or line != line.lower():
        return False
    return len(bytes.fromhex(line.replace("0x", ""))) == 32 * len(words)  # fromhex reads no x, and skips spaces


def _octets(texts: Sequence[str]) -> Sequence[bytes]:
    """Read texts as `data` does each."""
    octets = [bytes.fromhex(text[2:]) for text in texts]
    digits = sum(map(len, texts)) - 2 * len(texts)
    if {text[:2] for text in texts} - {"0x"} or 2 * sum(map(len, octets)) != digits:  # fromhex skips spaces
        raise ValueError("not data")
    return octets


def receipt_of(value: Any) -> Receipt:
    """Read a receipt; its logs must be of its own transaction and block."""
    status = count(value["status"])
    receipt = Receipt(
        transaction_hash=hash_of(value["transactionHash"]),
        block_number=count(value["blockNumber"]),
        block_hash=hash_of(value["blockHash"]),
        transaction_index=count(value["transactionIndex"]),
        sender=address_of(value["from"]),
        to=None if value.get("to") is None else address_of(value["to"]),
        contract_address=None if value.get("contractAddress") is None else address_of(value["contractAddress"]),
        succeeded=status == 1,
        gas_used=count(value["gasUsed"]),
        gas_price_wei=quantity(value["effectiveGasPrice"]),
        logs=tuple(logs_of(value["logs"])),
    )
    strangers = [log for log in receipt.logs if not _belongs(log, receipt)]
    if status > 1 or strangers or (receipt.logs and not receipt.succeeded):
        raise ValueError("a receipt that contradicts itself")
    return receipt


def _belongs(log: Log, receipt: Receipt) -> bool:
    return (log.transaction_hash, log.block_hash, log.block_number) == (
        receipt.transaction_hash,
        receipt.block_hash,
        receipt.block_number,
    )


def account_of(value: Any) -> Account:
    """Put together an address and what three methods say of it."""
    address, balance, nonce, code = value
    return Account(address, quantity(balance), count(nonce), data(code))


# ── parameters ────────────────────────────────────────────────────────────────────────────────────────────────────


def block_param(at: BlockAt) -> object:
    """Write a block for the methods that read state (EIP-1898 for a hash)."""
    if isinstance(at, Tag):
        return at.value
    if isinstance(at, int):
        return hex(at)
    return {"blockHash": at, "requireCanonical": True}


def call_param(call: Call) -> dict[str, str]:
    """Write a call."""
    written = {"input": "0x" + call.data.hex()}
    if call.to is not None:
        written["to"] = call.to
    if call.sender is not None:
        written["from"] = call.sender
    if call.value_wei:
        written["value"] = hex(call.value_wei)
    return written


def filter_param(query: LogQuery) -> dict[str, object]:
    """Write a log filter without its range."""
    written: dict[str, object] = {}
    if query.addresses:
        written["address"] = list(query.addresses)
    if query.topics:
        written["topics"] = [None if one is None else list(one) for one in query.topics]
    return written


def all_match(query: LogQuery, logs: Sequence[Log]) -> bool:
    """Say whether all logs are of those asked for."""
    if any([len(log.topics) < len(query.topics) for log in logs]):
        return False
    if query.addresses and not {log.address for log in logs} <= {*query.addresses}:
        return False
    wanted = [(place, words) for place, words in enumerate(query.topics) if words is not None]
    return all({log.topics[place] for log in logs} <= {*words} for place, words in wanted)
