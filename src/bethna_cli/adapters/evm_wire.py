"""JSON-RPC's way of writing blocks, logs and receipts, read strictly into nouns.

Every reader raises ValueError (or KeyError, TypeError) on anything that is not what the specification says; `strictly`
turns that into SourceMalformed, which never quotes the value.
"""

import re
from collections.abc import Callable
from typing import Any, TypeVar

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
_ADDRESS_WIDTH = 2 + 40
_HASH_WIDTH = 2 + 64
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
    if len(data(value)) != 32:
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


def log_of(value: Any) -> Log:
    """Read a log of a mined block; a removed or pending one is refused.

    Everything has a fixed width, so that lengths and `bytes.fromhex` check what patterns would, several times faster.
    """
    topics = value["topics"]
    if value.get("removed") not in (None, False) or not isinstance(topics, list) or len(topics) > _MOST_TOPICS:
        raise ValueError("not a mined log")
    return Log(
        address=Address(_fixed(value["address"], _ADDRESS_WIDTH)),
        topics=tuple([Hash(_fixed(topic, _HASH_WIDTH)) for topic in topics]),
        data=data(value["data"]),
        block_number=count(value["blockNumber"]),
        block_hash=Hash(_fixed(value["blockHash"], _HASH_WIDTH)),
        transaction_hash=Hash(_fixed(value["transactionHash"], _HASH_WIDTH)),
        transaction_index=count(value["transactionIndex"]),
        log_index=count(value["logIndex"]),
    )


def _fixed(value: Any, width: int) -> str:
    """Read 0x and hexadecimal digits of a known number, lower-cased."""
    if not isinstance(value, str) or len(value) != width or value[:2] != "0x":
        raise ValueError("not of its width")
    if 2 * len(bytes.fromhex(value[2:])) != width - 2:  # fromhex skips spaces: then there are too few
        raise ValueError("not hexadecimal")
    return value.lower()


def logs_of(value: Any) -> list[Log]:
    """Read a list of logs."""
    if not isinstance(value, list):
        raise ValueError("not a list")
    return [log_of(one) for one in value]


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


def matches(query: LogQuery, log: Log) -> bool:
    """Say whether a log is one of those asked for."""
    if query.addresses and log.address not in query.addresses:
        return False
    if len(log.topics) < len(query.topics):
        return False
    return all(wanted is None or topic in wanted for wanted, topic in zip(query.topics, log.topics, strict=False))
