"""Logs that can be believed: a node must show the blocks it claims to have searched.

`eth_getLogs` answers `[]` for a range that a lagging node has not seen, and a load balancer may ask such a node. So the
headers of the whole range are read with the logs and must form one chain; a block whose bloom says that it may hold a
match but that gave none is asked again by its hash (EIP-234), which a node without that block refuses. A log that the
query, its header or its bloom contradicts is refused too. The receipts' root is not recomputed.
"""

from collections.abc import Sequence
from functools import lru_cache, reduce
from operator import or_
from typing import Any, Protocol

from bethna_cli.adapters.evm_wire import all_match, block_of, filter_param, read_logs, strictly
from bethna_cli.adapters.rpc_answers import Readers, Request
from bethna_cli.domain.chain import Block, Log, LogQuery, Section
from bethna_cli.domain.errors import NodeBehind, SourceMalformed

_READERS: Readers = {"eth_getLogs": read_logs}

CHUNK_BLOCKS = 50
"""Blocks per exchange: headers of busy Base blocks weigh up to 40 kB each, and a body may hold 5 MB."""


class Asker(Protocol):
    """One endpoint that answers reads, refusals raised."""

    @property
    def name(self) -> str: ...

    async def read(self, requests: Sequence[Request], readers: Readers = ...) -> list[object]: ...


async def proven_section(node: Asker, queries: Sequence[LogQuery], first: int, last: int) -> Section:
    """Return the blocks `first` to `last` and their logs in order. Raises NodeBehind, SourceMalformed."""
    blocks: list[Block] = []
    found: list[Log] = []
    for start in range(first, last + 1, CHUNK_BLOCKS):
        end = min(start + CHUNK_BLOCKS - 1, last)
        headers, answers = await _chunk(node, queries, start, end)
        _check_chain(node.name, headers, start, blocks[-1] if blocks else None)
        for query, logs in zip(queries, answers, strict=True):
            _check_logs(node.name, query, headers, logs)
            await _check_silent(node, query, headers, logs)
        found += _in_order(node.name, answers)
        blocks += headers
    return Section(tuple(blocks), tuple(found))


async def _chunk(node: Asker, queries: Sequence[LogQuery], start: int, end: int) -> tuple[list[Block], list[list[Log]]]:
    reach: dict[str, object] = {"fromBlock": hex(start), "toBlock": hex(end)}
    requests: list[Request] = [("eth_getLogs", [filter_param(query) | reach]) for query in queries]
    requests += [("eth_getBlockByNumber", [hex(number), False]) for number in range(start, end + 1)]
    answers: list[Any] = await node.read(requests, _READERS)
    logs, headers = answers[: len(queries)], answers[len(queries) :]
    if None in headers:
        raise NodeBehind(node.name, f"it does not have block {start + headers.index(None)}")
    blocks = [strictly(node.name, "a block", block_of, header) for header in headers]
    return blocks, logs


def _check_chain(name: str, headers: Sequence[Block], start: int, parent: Block | None) -> None:
    """Raise NodeBehind unless the headers follow each other, as they do on one node between two reorganisations."""
    for number, header in enumerate(headers, start):
        if header.number != number:
            raise SourceMalformed(name, "it answered with another block")
        if parent is not None and header.parent_hash != parent.hash:
            raise NodeBehind(name, f"its chain changed at block {number} while it was read")
        parent = header


def _in_order(name: str, answers: Sequence[Sequence[Log]]) -> list[Log]:
    """Return what several queries found, in the order of the chain, each log once."""
    found = [log for logs in answers for log in logs]
    places = {(log.block_number, log.log_index): log for log in found}
    if len(places) < len(found) and any(places[log.block_number, log.log_index] != log for log in found):
        raise SourceMalformed(name, "it answered with two logs in one place")
    return [places[place] for place in sorted(places)]


def _check_logs(name: str, query: LogQuery, headers: Sequence[Block], logs: Sequence[Log]) -> None:
    by_number = {header.number: header for header in headers}
    places = {(log.block_number, log.log_index) for log in logs}
    if len(places) != len(logs) or not all_match(query, logs) or not by_number.keys() >= {n for n, _ in places}:
        raise SourceMalformed(name, "it answered with logs that were not asked for")
    told: dict[int, set[str]] = {number: set() for number, _ in places}
    for log in logs:
        if log.block_hash != by_number[log.block_number].hash:
            raise NodeBehind(name, f"its logs of block {log.block_number} are of another block")
        told[log.block_number].update((log.address, *log.topics))
    for number, words in told.items():
        bloom = int.from_bytes(by_number[number].logs_bloom)
        if not all(_admits(bloom, word) for word in words):
            raise SourceMalformed(name, f"block {number} cannot hold the logs it was given with")


async def _check_silent(node: Asker, query: LogQuery, headers: Sequence[Block], logs: Sequence[Log]) -> None:
    """Raise NodeBehind when a block that gave nothing gives something, or is unknown, by its hash."""
    heard = {log.block_number for log in logs}
    suspects = [header for header in headers if header.number not in heard and _may_hold(header, query)]
    if not suspects:
        return
    asked: list[Request] = [("eth_getLogs", [filter_param(query) | {"blockHash": one.hash}]) for one in suspects]
    for header, answer in zip(suspects, await node.read(asked), strict=True):
        if answer != []:
            raise NodeBehind(node.name, f"it left out logs of block {header.number}")


def _may_hold(header: Block, query: LogQuery) -> bool:
    """Say whether the header's bloom admits a match."""
    bloom = int.from_bytes(header.logs_bloom)
    wanted = [query.addresses or None, *query.topics]
    return all(words is None or any(_admits(bloom, word) for word in words) for words in wanted)


def _admits(bloom: int, word: str) -> bool:
    bits = _bloom_bits(word)
    return bloom & bits == bits


@lru_cache(maxsize=65_536)
def _bloom_bits(word: str) -> int:
    """Return the three bits of 2,048 that an address or a topic sets."""
    from eth_bloom.bloom import get_bloom_bits

    return reduce(or_, get_bloom_bits(bytes.fromhex(word[2:])))
