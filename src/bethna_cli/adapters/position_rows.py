"""Positions and their events as rows of the store: hashes and addresses of events as bytes, times in Unix seconds."""

import json
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any

from bethna_cli.domain.chain import Address, Hash
from bethna_cli.domain.market import Asset
from bethna_cli.domain.options import OptionKind
from bethna_cli.domain.position import ChainEvent, Depth, EventKind, Exit, OptionTerms, Position, PositionState, Reach
from bethna_cli.domain.units import from_unix

EVENT_COLUMNS = (
    "kind, account, venue, token, contracts, usdc, transaction_hash, ordinal, block_number, block_hash, time_s,"
    " log_index"
)
LARGEST_INTEGER = 2**63 - 1
"""What SQLite can hold as a number; a larger amount is kept as text."""


def write_events(db: sqlite3.Connection, chain_id: int, events: Iterable[ChainEvent]) -> None:
    """Write events inside the caller's transaction, each in the place of what had its name or its place before."""
    db.executemany(
        f"insert or replace into chain_events (chain_id, {EVENT_COLUMNS}) values ({', '.join('?' * 13)})",  # noqa: S608
        (_row(chain_id, *event) for event in events),
    )


def _row(
    chain_id: int,
    kind: EventKind,
    user: Address,
    venue: Address,
    token: Address,
    contracts: int,
    usdc: int,
    transaction: Hash,
    ordinal: int,
    number: int,
    block_hash: Hash,
    time_s: int,
    log_index: int,
    octets: Callable[[str], bytes] = bytes.fromhex,
) -> tuple[object, ...]:
    return (
        chain_id,
        kind.value,
        octets(user[2:]),
        octets(venue[2:]),
        octets(token[2:]),
        contracts if contracts <= LARGEST_INTEGER else str(contracts),
        usdc if usdc <= LARGEST_INTEGER else str(usdc),
        octets(transaction[2:]),
        ordinal,
        number,
        octets(block_hash[2:]),
        time_s,
        log_index,
    )


def octets_of(text: str) -> bytes:
    """Write a hash or an address as its bytes, a third of the text's size."""
    return bytes.fromhex(text[2:])


def text_of(octets: bytes) -> str:
    return "0x" + octets.hex()


def event_of(row: Sequence[Any]) -> ChainEvent:
    kind, user, venue, token, contracts, usdc, transaction, ordinal, number, block_hash, time_s, log_index = row
    return ChainEvent(
        EventKind(kind),
        Address(text_of(user)),
        Address(text_of(venue)),
        Address(text_of(token)),
        int(contracts),
        int(usdc),
        Hash(text_of(transaction)),
        ordinal,
        number,
        Hash(text_of(block_hash)),
        time_s,
        log_index,
    )


def exits_text(exits: Iterable[Exit]) -> str:
    rows = [[one.kind.value, one.contracts, one.usdc, int(one.at.timestamp()), one.transaction] for one in exits]
    return json.dumps(rows, separators=(",", ":"))


def terms_of_row(asset: str, kind: str, strikes: str, expires_s: int, ticker: str) -> OptionTerms:
    levels = tuple(Decimal(strike) for strike in json.loads(strikes))
    return OptionTerms(Asset(asset), OptionKind(kind), levels, from_unix(expires_s), ticker)


def position_of(row: Sequence[Any], reach: Reach | None) -> Position:
    chain_id, transaction, ordinal, account, venue, token, contracts, cost, opened_s, number, block_hash, *rest = row
    contracts_left, _, _, exits, state, *terms = rest
    return Position(
        chain_id=chain_id,
        transaction=Hash(transaction),
        ordinal=ordinal,
        user=Address(account),
        venue=Address(venue),
        token=Address(token),
        terms=terms_of_row(*terms),
        contracts=contracts,
        cost=cost,
        opened_at=from_unix(opened_s),
        block_number=number,
        block_hash=Hash(block_hash),
        contracts_left=contracts_left,
        exits=tuple(
            Exit(EventKind(kind), amount, usdc, from_unix(at_s), Hash(name))
            for kind, amount, usdc, at_s, name in json.loads(exits)
        ),
        state=PositionState(state),
        depth=Depth.SEEN if reach is None else reach.depth_of(number),
    )
