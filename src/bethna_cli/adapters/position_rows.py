"""Positions and their events as rows of the store: hashes and addresses of events as bytes, times in Unix seconds."""

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from bethna_cli.domain.chain import Address, Hash
from bethna_cli.domain.market import Asset
from bethna_cli.domain.options import OptionKind
from bethna_cli.domain.position import ChainEvent, Depth, EventKind, Exit, OptionTerms, Position, PositionState, Reach
from bethna_cli.domain.units import from_unix

EVENT_COLUMNS = (
    "e.kind, v.address, e.contracts, e.usdc, e.transaction_hash, e.ordinal, e.block_number, b.hash, b.time_s,"
    " e.log_index"
)
"""What tells an event of a known account and token apart; v: the venue's address, b: its block."""

LARGEST_INTEGER = 2**63 - 1
"""What SQLite can hold as a number; a larger amount is kept as text."""

_KINDS = (EventKind.BOUGHT, EventKind.SOLD, EventKind.RECEIVED, EventKind.SENT, EventKind.REDEEMED)
KIND_NUMBERS: Mapping[EventKind, int] = {kind: number for number, kind in enumerate(_KINDS, 1)}
"""The kinds as the store has them."""


def write_events(db: sqlite3.Connection, chain_id: int, events: Sequence[ChainEvent]) -> None:
    """Write events inside the caller's transaction, each in the place of what had its name or its place before."""
    if not events:
        return
    # Member by member instead of row by row: a history's bulk takes half the time so.
    columns = zip(*events, strict=True)
    kinds, users, venues, tokens, contracts, usdc, names, ordinals, numbers, hashes, times, log_indexes = columns
    addresses = _address_ids(db, chain_id, {*users, *venues, *tokens})
    blocks = _block_ids(db, dict(zip(hashes, times, strict=True)))
    members = (
        numbers,
        log_indexes,
        map(addresses.__getitem__, users),
        map(KIND_NUMBERS.__getitem__, kinds),
        map(addresses.__getitem__, venues),
        map(addresses.__getitem__, tokens),
        _amounts(contracts),
        _amounts(usdc),
        map(octets_of, names),
        ordinals,
        map(blocks.__getitem__, hashes),
    )
    values = ", ".join("?" * len(members))
    db.executemany(f"insert or replace into chain_events values ({values})", zip(*members, strict=True))  # noqa: S608


def _amounts(amounts: Iterable[int]) -> list[int | str]:
    return [amount if amount <= LARGEST_INTEGER else str(amount) for amount in amounts]


def _address_ids(db: sqlite3.Connection, chain_id: int, addresses: Iterable[Address]) -> dict[Address, int]:
    """Return the numbers of addresses, giving one to each that has none."""
    octets = {address: octets_of(address) for address in sorted(addresses)}
    db.executemany(
        "insert or ignore into chain_addresses (chain_id, address) values (?, ?)",
        [(chain_id, one) for one in octets.values()],
    )
    wanted = "select id from chain_addresses where chain_id = ? and address = ?"
    return {address: db.execute(wanted, (chain_id, one)).fetchone()[0] for address, one in octets.items()}


def _block_ids(db: sqlite3.Connection, times: Mapping[Hash, int]) -> dict[Hash, int]:
    """Return the numbers of blocks, giving one to each that has none. times: Unix seconds."""
    octets = {block: octets_of(block) for block in times}
    db.executemany(
        "insert or ignore into chain_blocks (hash, time_s) values (?, ?)",
        [(octets[block], time_s) for block, time_s in times.items()],
    )
    wanted = "select id from chain_blocks where hash = ?"
    return {block: db.execute(wanted, (one,)).fetchone()[0] for block, one in octets.items()}


def octets_of(text: str) -> bytes:
    """Write a hash or an address as its bytes, a third of the text's size."""
    return bytes.fromhex(text[2:])


def text_of(octets: bytes) -> str:
    return "0x" + octets.hex()


def event_of(user: Address, token: Address, row: Sequence[Any]) -> ChainEvent:
    kind, venue, contracts, usdc, transaction, ordinal, number, block_hash, time_s, log_index = row
    return ChainEvent(
        _KINDS[kind - 1],
        user,
        Address(text_of(venue)),
        token,
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
