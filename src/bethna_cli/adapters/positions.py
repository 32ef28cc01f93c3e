"""Positions in the network's store: the chain's events about an account, and what they add up to.

The tables can be thrown away and read from the chain again. Every write computes the positions of the tokens it touched
from all their events, so that a position is never patched. Times are Unix seconds, as the chain has them.
"""

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from bethna_cli.adapters.alerts import insert_alert
from bethna_cli.adapters.sql import SHORTEST_PREFIX, open_store, translated
from bethna_cli.domain.chain import Address, Hash
from bethna_cli.domain.errors import NotFound
from bethna_cli.domain.market import Asset
from bethna_cli.domain.options import OptionKind
from bethna_cli.domain.position import (
    ChainEvent,
    Change,
    Cursor,
    Depth,
    EventKind,
    Exit,
    Holding,
    OptionTerms,
    Position,
    PositionState,
    Reach,
    Stretch,
    holding_of,
)
from bethna_cli.domain.units import from_unix, iso
from bethna_cli.ports import Tell

_EVENT = (
    "kind, account, venue, token, contracts, usdc, transaction_hash, ordinal, block_number, block_hash, time_s,"
    " log_index"
)
_POSITION = (
    "chain_id, transaction_hash, ordinal, account, venue, token, contracts, cost, opened_s, block_number, block_hash,"
    " contracts_left, proceeds, closed_s, exits, state"
)
_LARGEST_INTEGER = 2**63 - 1
"""What SQLite can hold as a number; a larger amount is kept as text."""


class SqlitePositions:
    """`Positions` of one chain in the store at a path."""

    def __init__(self, db: sqlite3.Connection, chain_id: int) -> None:
        self._db = db
        self._chain_id = chain_id

    @classmethod
    def open(cls, path: Path, chain_id: int) -> "SqlitePositions":
        return cls(open_store(path), chain_id)

    def close(self) -> None:
        self._db.close()

    # ── how far it is known ───────────────────────────────────────────────────────────────────────────────────

    def reach(self, account: Address) -> Reach | None:
        with translated():
            row = self._db.execute(
                "select venues, first_block, number, hash, safe, final from chain_reach"
                " where chain_id = ? and account = ?",
                (self._chain_id, account),
            ).fetchone()
        if row is None:
            return None
        venues, first_block, number, block_hash, safe, final = row
        return Reach(account, tuple(json.loads(venues)), first_block, Cursor(number, block_hash), safe, final)

    def checkpoints(self, account: Address) -> list[Cursor]:
        with translated():
            rows = self._db.execute(
                "select number, hash from chain_checkpoints where chain_id = ? and account = ? order by number desc",
                (self._chain_id, account),
            ).fetchall()
        return [Cursor(number, block_hash) for number, block_hash in rows]

    def rewind(self, reach: Reach, at: datetime) -> None:
        with self._transaction():
            self._db.execute(
                "delete from chain_checkpoints where chain_id = ? and account = ? and number > ?",
                (self._chain_id, reach.account, reach.cursor.number),
            )
            self._write_reach(reach, at)

    def _write_reach(self, reach: Reach, at: datetime) -> None:
        cursor = reach.cursor
        self._db.execute(
            "insert or replace into chain_reach values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                self._chain_id,
                reach.account,
                json.dumps(reach.venues),
                reach.first_block,
                cursor.number,
                cursor.hash,
                reach.safe,
                reach.final,
                iso(at),
            ),
        )
        self._db.execute(
            "insert or replace into chain_checkpoints values (?, ?, ?, ?)",
            (self._chain_id, reach.account, cursor.number, cursor.hash),
        )
        # A reorganisation begins above the newest final block, so what is older is not needed to find where.
        self._db.execute(
            "delete from chain_checkpoints where chain_id = ?1 and account = ?2 and number < (select max(number)"
            " from chain_checkpoints where chain_id = ?1 and account = ?2 and number <= ?3)",
            (self._chain_id, reach.account, reach.final),
        )

    # ── what happened ─────────────────────────────────────────────────────────────────────────────────────────

    def replace(self, stretch: Stretch, at: datetime, tell: Tell) -> list[Change]:
        reach = stretch.reach
        last = _LARGEST_INTEGER if stretch.is_head else stretch.last
        with self._transaction():
            gone = self._db.execute(
                "delete from chain_events where chain_id = ? and account = ? and block_number between ? and ?"
                " returning token",
                (self._chain_id, _octets(reach.account), stretch.first, last),
            ).fetchall()
            write_events(self._db, self._chain_id, stretch.events)
            self._write_terms(stretch.terms)
            self._write_reach(reach, at)
            touched = {Address(_text(token)) for (token,) in gone} | {event.token for event in stretch.events}
            changes = self._fold_all([(reach.account, token) for token in touched], reach)
            changes += self._drop_missing(reach)
            self._tell(changes, at, tell)
        return changes

    def add(
        self, events: Sequence[ChainEvent], terms: Mapping[Address, OptionTerms], at: datetime, tell: Tell
    ) -> list[Change]:
        with self._transaction():
            moved = self._tokens_at(events)
            write_events(self._db, self._chain_id, events)
            self._write_terms(terms)
            touched = {(event.user, event.token) for event in events}
            touched |= {(event.user, token) for event in events for token in moved}
            changes: list[Change] = []
            for account in sorted({account for account, _ in touched}):
                pairs = [pair for pair in touched if pair[0] == account]
                changes += self._fold_all(pairs, self.reach(account))
            self._tell(changes, at, tell)
        return changes

    def forget(self, account: Address) -> None:
        with self._transaction():
            self._db.execute(
                "delete from chain_events where chain_id = ? and account = ?", (self._chain_id, _octets(account))
            )
            for table in ("chain_reach", "chain_checkpoints", "positions"):
                self._db.execute(
                    f"delete from {table} where chain_id = ? and account = ?",  # noqa: S608
                    (self._chain_id, account),
                )

    def _tokens_at(self, events: Iterable[ChainEvent]) -> set[Address]:
        """Return the tokens whose events stand where others are about to be written."""
        found: set[Address] = set()
        for event in events:
            rows = self._db.execute(
                "select token from chain_events"
                " where chain_id = ? and block_number = ? and log_index = ? and account = ?",
                (self._chain_id, event.block_number, event.log_index, _octets(event.user)),
            )
            found |= {Address(_text(token)) for (token,) in rows.fetchall()}
        return found

    def _write_terms(self, terms: Mapping[Address, OptionTerms]) -> None:
        self._db.executemany(
            "insert or ignore into option_terms (token, asset, kind, strikes, expires_s, ticker)"
            " values (?, ?, ?, ?, ?, ?)",
            [
                (
                    token,
                    one.asset.value,
                    one.kind.value,
                    json.dumps([format(strike, "f") for strike in one.strikes]),
                    int(one.expires_at.timestamp()),
                    one.ticker,
                )
                for token, one in sorted(terms.items())
            ],
        )

    # ── what it adds up to ────────────────────────────────────────────────────────────────────────────────────

    def _fold_all(self, pairs: Iterable[tuple[Address, Address]], reach: Reach | None) -> list[Change]:
        terms = self.terms()
        return [
            change for account, token in sorted(pairs) for change in self._fold(account, token, terms[token], reach)
        ]

    def _fold(self, account: Address, token: Address, terms: OptionTerms, reach: Reach | None) -> Iterator[Change]:
        """Write what one token's events add up to, and tell how that differs from what stood there."""
        kept = self._select("where p.account = ? and p.token = ?", account, token, reaches={account: reach})
        before = {one.id: one for one in kept}
        after = {one.id: one for one in self._holding(account, token, terms, reach).positions}
        for name, position in after.items():
            if position != before.get(name):
                self._write_position(position)
                yield Change(before.get(name), position)
        for name, position in before.items():
            if name not in after and position.state is not PositionState.UNCONFIRMED:
                missing = replace(position, state=PositionState.UNCONFIRMED)
                self._write_position(missing, missing_since=reach.cursor.number if reach else position.block_number)
                yield Change(position, missing)

    def _holding(self, account: Address, token: Address, terms: OptionTerms, reach: Reach | None) -> Holding:
        rows = self._db.execute(
            f"select {_EVENT} from chain_events where chain_id = ? and account = ? and token = ?",  # noqa: S608
            (self._chain_id, _octets(account), _octets(token)),
        ).fetchall()
        return holding_of(self._chain_id, terms, [_event(row) for row in rows], reach)

    def _write_position(self, one: Position, missing_since: int | None = None) -> None:
        row = (
            one.chain_id,
            one.transaction,
            one.ordinal,
            one.user,
            one.venue,
            one.token,
            one.contracts,
            one.cost,
            int(one.opened_at.timestamp()),
            one.block_number,
            one.block_hash,
            one.contracts_left,
            one.proceeds,
            int(one.closed_at.timestamp()) if one.closed_at else None,
            _exits_text(one.exits),
            one.state.value,
            missing_since,
        )
        self._db.execute(
            f"insert or replace into positions ({_POSITION}, missing_since) values ({', '.join('?' * 17)})",  # noqa: S608
            row,
        )

    def _drop_missing(self, reach: Reach) -> list[Change]:
        """Drop the positions whose purchase was taken back so long ago that it is final."""
        gone = self._select("where p.account = ? and p.missing_since <= ?", reach.account, reach.final)
        self._db.execute(
            "delete from positions where chain_id = ? and account = ? and missing_since <= ?",
            (self._chain_id, reach.account, reach.final),
        )
        return [Change(position, None) for position in gone]

    def _tell(self, changes: Iterable[Change], at: datetime, tell: Tell) -> None:
        for change in changes:
            alert = tell(change)
            if alert is not None:
                insert_alert(self._db, alert, at)

    # ── reading ───────────────────────────────────────────────────────────────────────────────────────────────

    def terms(self) -> Mapping[Address, OptionTerms]:
        with translated():
            rows = self._db.execute("select token, asset, kind, strikes, expires_s, ticker from option_terms")
            return {Address(token): _terms(*rest) for token, *rest in rows.fetchall()}

    def unbought(self, account: Address) -> Mapping[Address, int]:
        with translated():
            rows = self._db.execute(
                "select distinct token from chain_events where chain_id = ? and account = ? and kind = 'RECEIVED'",
                (self._chain_id, _octets(account)),
            ).fetchall()
            terms, tokens = self.terms(), [Address(_text(token)) for (token,) in rows]
            held = {token: self._holding(account, token, terms[token], None).unbought for token in tokens}
        return {token: contracts for token, contracts in held.items() if contracts}

    def all(self, *, only_open: bool = False) -> list[Position]:
        which = "where p.state = 'OPEN'" if only_open else ""
        with translated():
            return self._select(which)

    def position(self, prefix: str) -> Position:
        digits, _, ordinal = prefix.lower().removeprefix("0x").partition(".")
        if len(digits) < SHORTEST_PREFIX or not (ordinal or "0").isdecimal():
            raise NotFound(f"{prefix!r} is too short for an id; give {SHORTEST_PREFIX} digits or more.")
        with translated():
            found = self._select("where substr(p.transaction_hash, 3, ?) = ?", len(digits), digits)
        if len({one.transaction for one in found}) == 1:
            found = [one for one in found if one.ordinal == int(ordinal or found[0].ordinal)]
        if len(found) != 1:
            how_many = "More than one" if found else "No"
            raise NotFound(f"{how_many} position has an id that starts with {prefix!r}.", hint="bethna positions")
        return found[0]

    def _select(
        self, where: str, *values: object, reaches: Mapping[Address, Reach | None] | None = None
    ) -> list[Position]:
        columns = ", ".join(f"p.{name.strip()}" for name in _POSITION.split(","))
        rows = self._db.execute(
            f"select {columns}, t.asset, t.kind, t.strikes, t.expires_s, t.ticker from positions p"  # noqa: S608
            f" join option_terms t on t.token = p.token {where}"
            " order by p.opened_s, p.block_number, p.transaction_hash, p.ordinal",
            values,
        ).fetchall()
        known = dict(reaches or {})
        for row in rows:
            if row[3] not in known:
                known[row[3]] = self.reach(row[3])
        return [_position(row, known[row[3]]) for row in rows]

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with translated():
            self._db.execute("begin immediate")
            try:
                yield
                self._db.execute("commit")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("rollback")
                raise


# ── rows ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def write_events(db: sqlite3.Connection, chain_id: int, events: Iterable[ChainEvent]) -> None:
    """Write events inside the caller's transaction, each in the place of what had its name or its place before."""
    db.executemany(
        f"insert or replace into chain_events (chain_id, {_EVENT}) values ({', '.join('?' * 13)})",  # noqa: S608
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
        contracts if contracts <= _LARGEST_INTEGER else str(contracts),
        usdc if usdc <= _LARGEST_INTEGER else str(usdc),
        octets(transaction[2:]),
        ordinal,
        number,
        octets(block_hash[2:]),
        time_s,
        log_index,
    )


def _octets(text: str) -> bytes:
    """Write a hash or an address as its bytes, a third of the text's size."""
    return bytes.fromhex(text[2:])


def _text(octets: bytes) -> str:
    return "0x" + octets.hex()


def _event(row: Sequence[Any]) -> ChainEvent:
    kind, user, venue, token, contracts, usdc, transaction, ordinal, number, block_hash, time_s, log_index = row
    return ChainEvent(
        EventKind(kind),
        Address(_text(user)),
        Address(_text(venue)),
        Address(_text(token)),
        int(contracts),
        int(usdc),
        Hash(_text(transaction)),
        ordinal,
        number,
        Hash(_text(block_hash)),
        time_s,
        log_index,
    )


def _exits_text(exits: Iterable[Exit]) -> str:
    rows = [[one.kind.value, one.contracts, one.usdc, int(one.at.timestamp()), one.transaction] for one in exits]
    return json.dumps(rows, separators=(",", ":"))


def _terms(asset: str, kind: str, strikes: str, expires_s: int, ticker: str) -> OptionTerms:
    levels = tuple(Decimal(strike) for strike in json.loads(strikes))
    return OptionTerms(Asset(asset), OptionKind(kind), levels, from_unix(expires_s), ticker)


def _position(row: Sequence[Any], reach: Reach | None) -> Position:
    chain_id, transaction, ordinal, account, venue, token, contracts, cost, opened_s, number, block_hash, *rest = row
    contracts_left, _, _, exits, state, *terms = rest
    return Position(
        chain_id=chain_id,
        transaction=Hash(transaction),
        ordinal=ordinal,
        user=Address(account),
        venue=Address(venue),
        token=Address(token),
        terms=_terms(*terms),
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
