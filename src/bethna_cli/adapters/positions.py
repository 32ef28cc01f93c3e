"""Positions in the network's store: the chain's events about an account, and what they add up to.

The tables can be thrown away and read from the chain again. Every write computes the positions of the tokens it touched
from all their events, so that a position is never patched. Times are Unix seconds, as the chain has them.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from bethna_cli.adapters.alerts import insert_alert
from bethna_cli.adapters.position_rows import (
    EVENT_COLUMNS,
    KIND_NUMBERS,
    LARGEST_INTEGER,
    event_of,
    exits_text,
    octets_of,
    position_of,
    terms_of_row,
    text_of,
    write_events,
)
from bethna_cli.adapters.sql import SHORTEST_PREFIX, one_transaction, open_store, translated
from bethna_cli.domain.chain import Address
from bethna_cli.domain.errors import NotFound
from bethna_cli.domain.position import (
    ChainEvent,
    Change,
    Cursor,
    EventKind,
    Holding,
    OptionTerms,
    Position,
    PositionState,
    Reach,
    Stretch,
    holding_of,
)
from bethna_cli.domain.units import iso
from bethna_cli.ports import Tell

_POSITION = (
    "chain_id, transaction_hash, ordinal, account, venue, token, contracts, cost, opened_s, block_number, block_hash,"
    " contracts_left, proceeds, closed_s, exits, state"
)

_ID = "(select id from chain_addresses where chain_id = ? and address = ?)"
"""The number of an address in the table of events."""


class SqlitePositions:
    """`Positions` of one chain in the store at a path."""

    def __init__(self, db: sqlite3.Connection, chain_id: int) -> None:
        self._db = db
        self._chain_id = chain_id
        self._terms: Mapping[Address, OptionTerms] = {}

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
        with one_transaction(self._db):
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
        last = LARGEST_INTEGER if stretch.is_head else stretch.last
        terms = {**stretch.terms, **self.terms()}
        with one_transaction(self._db):
            touched = self._tokens(reach.account, "e.block_number between ? and ?", stretch.first, last)
            self._db.execute(
                f"delete from chain_events where block_number between ? and ? and account = {_ID}",  # noqa: S608
                (stretch.first, last, self._chain_id, octets_of(reach.account)),
            )
            write_events(self._db, self._chain_id, stretch.events)
            self._write_terms(stretch.terms)
            self._write_reach(reach, at)
            touched |= {event.token for event in stretch.events}
            changes = self._fold_all(reach.account, touched, terms, reach)
            changes += self._drop_missing(reach)
            self._tell(changes, at, tell)
        self._terms = terms
        return changes

    def add(
        self, events: Sequence[ChainEvent], terms: Mapping[Address, OptionTerms], at: datetime, tell: Tell
    ) -> list[Change]:
        known = {**terms, **self.terms()}
        with one_transaction(self._db):
            touched = self._tokens_at(events) | {event.token for event in events}
            write_events(self._db, self._chain_id, events)
            self._write_terms(terms)
            changes: list[Change] = []
            for account in sorted({event.user for event in events}):
                changes += self._fold_all(account, touched, known, self.reach(account))
            self._tell(changes, at, tell)
        return changes

    def forget(self, account: Address) -> None:
        with one_transaction(self._db):
            self._db.execute(
                f"delete from chain_events where account = {_ID}",  # noqa: S608
                (self._chain_id, octets_of(account)),
            )
            for table in ("chain_reach", "chain_checkpoints", "positions"):
                self._db.execute(
                    f"delete from {table} where chain_id = ? and account = ?",  # noqa: S608
                    (self._chain_id, account),
                )

    def _tokens_at(self, events: Iterable[ChainEvent]) -> set[Address]:
        """Return the tokens whose events stand where others are about to be written."""
        places = {(event.user, event.block_number, event.log_index) for event in events}
        at = "e.block_number = ? and e.log_index = ?"
        return set().union(*[self._tokens(account, at, number, index) for account, number, index in sorted(places)])

    def _tokens(self, account: Address, which: str, *values: int) -> set[Address]:
        """Return the tokens of those of an account's events that are meant."""
        rows = self._db.execute(
            "select distinct t.address from chain_events e join chain_addresses t on t.id = e.token"  # noqa: S608
            f" where e.account = {_ID} and {which}",
            (self._chain_id, octets_of(account), *values),
        )
        return {Address(text_of(token)) for (token,) in rows.fetchall()}

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

    def _fold_all(
        self, account: Address, tokens: Iterable[Address], terms: Mapping[Address, OptionTerms], reach: Reach | None
    ) -> list[Change]:
        return [change for token in sorted(tokens) for change in self._fold(account, token, terms[token], reach)]

    def _fold(self, account: Address, token: Address, terms: OptionTerms, reach: Reach | None) -> Iterator[Change]:
        """Write what one token's events add up to, and tell how that differs from what stood there."""
        kept = self._select("where p.account = ? and p.token = ?", account, token, reaches={account: reach})
        if not kept and not self._is_bought(account, token):
            return  # however much came and went, there is no position
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

    def _is_bought(self, account: Address, token: Address) -> bool:
        """Say whether there is a purchase among a token's events."""
        found = self._db.execute(
            f"select 1 from chain_events where account = {_ID} and token = {_ID} and kind = ? limit 1",  # noqa: S608
            (self._chain_id, octets_of(account), self._chain_id, octets_of(token), KIND_NUMBERS[EventKind.BOUGHT]),
        )
        return found.fetchone() is not None

    def _holding(self, account: Address, token: Address, terms: OptionTerms, reach: Reach | None) -> Holding:
        rows = self._db.execute(
            f"select {EVENT_COLUMNS} from chain_events e join chain_addresses v on v.id = e.venue"  # noqa: S608
            f" join chain_blocks b on b.id = e.block where e.account = {_ID} and e.token = {_ID}",
            (self._chain_id, octets_of(account), self._chain_id, octets_of(token)),
        ).fetchall()
        return holding_of(self._chain_id, terms, [event_of(account, token, row) for row in rows], reach)

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
            exits_text(one.exits),
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
            (count,) = self._db.execute("select count(*) from option_terms").fetchone()
            if count != len(self._terms):  # terms never change: there are only more of them
                rows = self._db.execute("select token, asset, kind, strikes, expires_s, ticker from option_terms")
                self._terms = {Address(token): terms_of_row(*rest) for token, *rest in rows.fetchall()}
        return self._terms

    def unbought(self, account: Address) -> Mapping[Address, int]:
        with translated():
            tokens = self._tokens(account, "e.kind = ?", KIND_NUMBERS[EventKind.RECEIVED])
            terms = self.terms()
            held = {token: self._holding(account, token, terms[token], None).unbought for token in sorted(tokens)}
        return {token: contracts for token, contracts in held.items() if contracts}

    def all(self, *, only_open: bool = False) -> list[Position]:
        which = "where p.state = 'OPEN'" if only_open else ""
        with translated():
            return self._select(which)

    def position(self, prefix: str) -> Position:
        digits, _, ordinal = prefix.lower().removeprefix("0x").partition(".")
        if len(digits) < SHORTEST_PREFIX or not (ordinal or "0").isdecimal():
            raise NotFound(
                f"{prefix!r} is too short for an id; give {SHORTEST_PREFIX} digits or more.", hint="bethna positions"
            )
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
        return [position_of(row, known[row[3]]) for row in rows]
