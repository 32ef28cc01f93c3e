"""The execution journal in the store: what is written here is on the disk before anything is sent.

WAL with synchronous=FULL; every change compares the entry's version and adds a row that is never edited, in the same
transaction. Decides nothing: which state may follow is a rule.
"""

import asyncio
import fcntl
import json
import os
import sqlite3
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path

from bethna_cli.adapters.sql import SHORTEST_PREFIX, one_transaction, open_store, translated
from bethna_cli.adapters.trade_text import read_trade, trade_text
from bethna_cli.domain.chain import Address, Hash
from bethna_cli.domain.errors import NotFound, TradeKnown, TradeRefused
from bethna_cli.domain.journal import Errand, Fill, JournalEntry, TradeState
from bethna_cli.domain.signing import SignedTransaction
from bethna_cli.domain.trade import Side, require_address
from bethna_cli.domain.units import iso

ENDED = (TradeState.FINAL, TradeState.REVERTED, TradeState.CANCELLED, TradeState.DEAD)
LOCK_PATIENCE_S = 5.0
_LOOK_EVERY_S = 0.02


class SqliteJournal:
    """`Journal` in the store at a path, with its lock files beside it."""

    def __init__(self, db: sqlite3.Connection, folder: Path) -> None:
        self._db = db
        self._folder = folder

    @classmethod
    def open(cls, path: Path) -> "SqliteJournal":
        return cls(open_store(path), path.parent)

    @property
    def connection(self) -> sqlite3.Connection:
        """The way to its store, for what is kept beside it."""
        return self._db

    def close(self) -> None:
        self._db.close()

    # ── changes ───────────────────────────────────────────────────────────────────────────────────────────────

    def add(self, entries: Sequence[JournalEntry], at: datetime) -> None:
        with one_transaction(self._db):
            for entry in entries:
                row = (
                    entry.digest,
                    entry.plan_id,
                    entry.trade.purpose,
                    entry.trade.intent.user,
                    entry.state.value,
                    entry.version,
                    entry.first_block,
                    trade_text(entry.trade),
                )
                try:
                    self._db.execute(
                        "insert into trades (digest, plan_id, purpose, user, state, version, first_block, handed_out,"
                        " trade) values (?, ?, ?, ?, ?, ?, ?, 0, ?)",
                        row,
                    )
                except sqlite3.IntegrityError as error:
                    raise TradeKnown("This trade was approved before.", hint="bethna trades") from error
                self._note(entry, at)

    def sign(
        self,
        entry: JournalEntry,
        variants: Sequence[SignedTransaction],
        at: datetime,
        errands: Sequence[Errand] = (),
    ) -> JournalEntry:
        signed = replace(_unsent(entry), state=TradeState.TX_SIGNED, variants=tuple(variants))
        return self._change(entry, signed, at, variants, errands)

    def _require_only_sale(self, entry: JournalEntry) -> None:
        """Refuse a sale while another plan's sale of the same contracts is on its way: both would be too much."""
        intent = entry.trade.intent
        if intent.side is not Side.SELL:
            return
        sent = (TradeState.TX_SIGNED.value, TradeState.BROADCAST.value)
        rows = self._db.execute(
            "select trade from trades where user = ? and plan_id != ? and state in (?, ?)",
            (intent.user, entry.plan_id, *sent),
        )
        others = (read_trade(row[0]).intent for row in rows)
        if any(one.side is Side.SELL and one.option_token == intent.option_token for one in others):
            raise TradeKnown("Another sale of the same option is on its way.", hint="bethna trades")

    def add_variant(self, entry: JournalEntry, variant: SignedTransaction, at: datetime) -> JournalEntry:
        return self._change(entry, replace(entry, variants=(*entry.variants, variant)), at, [variant])

    def hand_out(self, entry: JournalEntry, count: int, at: datetime) -> JournalEntry:
        at_s = int(at.timestamp())
        dearest_at_s = entry.dearest_at_s if count == entry.handed_out else at_s
        return self._change(entry, replace(entry, handed_out=count, sent_at_s=at_s, dearest_at_s=dearest_at_s), at)

    def move(self, entry: JournalEntry, state: TradeState, fill: Fill | None, at: datetime) -> JournalEntry:
        moved = replace(entry, state=state, fill=fill)
        if state is TradeState.APPROVED:
            moved = replace(_unsent(moved), variants=())
        return self._change(entry, moved, at)

    def _change(
        self,
        before: JournalEntry,
        after: JournalEntry,
        at: datetime,
        added: Sequence[SignedTransaction] = (),
        errands: Sequence[Errand] = (),
    ) -> JournalEntry:
        after = replace(after, version=before.version + 1)
        fill = after.fill
        row = (
            after.state.value,
            after.version,
            after.handed_out,
            after.sent_at_s,
            after.dearest_at_s,
            None if fill is None else json.dumps(asdict(fill)),
            None if fill is None else f"{after.trade.domain.chain_id}:{fill.transaction}:{fill.ordinal}",
            before.digest,
            before.version,
        )
        with one_transaction(self._db):
            if after.state is TradeState.TX_SIGNED and before.state is not after.state:
                self._require_only_sale(after)
            changed = self._db.execute(
                "update trades set state = ?, version = ?, handed_out = ?, sent_at_s = ?, dearest_at_s = ?, fill = ?,"
                " fill_key = ? where digest = ? and version = ?",
                row,
            ).rowcount
            if changed != 1:
                raise TradeKnown("Another process has changed this trade meanwhile.", hint="bethna trades")
            if not after.variants:
                self._db.execute("update transactions set is_current = 0 where digest = ?", (after.digest,))
                self._db.execute(
                    "update errands set ended_at = ? where after_trade = ? and ended_at is null",
                    (iso(at), after.digest),
                )
            for transaction in added:
                place = after.variants.index(transaction)
                self._db.execute(
                    "insert into transactions (hash, digest, account_nonce, place, raw, is_current)"
                    " values (?, ?, ?, ?, ?, 1)",
                    (transaction.hash, after.digest, transaction.nonce, place, transaction.raw),
                )
            for errand in errands:
                self._keep(errand, at)
            self._note(after, at)
        return after

    def _note(self, entry: JournalEntry, at: datetime) -> None:
        self._db.execute(
            "insert into trade_moves (digest, version, state, at, fill) values (?, ?, ?, ?, ?)",
            (
                entry.digest,
                entry.version,
                entry.state.value,
                iso(at),
                json.dumps(asdict(entry.fill)) if entry.fill else None,
            ),
        )

    # ── reading ───────────────────────────────────────────────────────────────────────────────────────────────

    def entry(self, prefix: str) -> JournalEntry:
        text = prefix.lower() if prefix.lower().startswith("0x") else f"0x{prefix.lower()}"
        if len(text) < SHORTEST_PREFIX + 2:
            words = f"{prefix!r} is too short for an id; give {SHORTEST_PREFIX} characters or more."
            raise NotFound(words, hint="bethna trades")
        found = self._read("where substr(digest, 1, ?) = ? limit 2", (len(text), text))
        if len(found) != 1:
            which = "No" if not found else "More than one"
            raise NotFound(f"{which} trade has an id that starts with {prefix!r}.", hint="bethna trades")
        return found[0]

    def entries(self, *, only_open: bool = False) -> list[JournalEntry]:
        ended = [state.value for state in ENDED]
        found = self._read("where state not in (?, ?, ?, ?)", ended) if only_open else self._read("", ())
        return sorted(found, key=lambda e: (e.account, e.account_nonce is None, e.account_nonce or 0, e.digest))

    def _read(self, where: str, values: Sequence[object]) -> list[JournalEntry]:
        columns = "digest, plan_id, state, version, first_block, handed_out, sent_at_s, dearest_at_s, trade, fill"
        with one_transaction(self._db, "deferred"):
            rows = self._db.execute(f"select {columns} from trades {where}", values).fetchall()  # noqa: S608
            return [self._entry(row) for row in rows]

    def _entry(self, row: tuple[str, str, str, int, int, int, int | None, int | None, str, str | None]) -> JournalEntry:
        digest, plan_id, state, version, first_block, handed_out, sent_at_s, dearest_at_s, trade, fill = row
        transactions = self._db.execute(
            "select hash, account_nonce, raw from transactions where digest = ? and is_current order by place",
            (digest,),
        )
        return JournalEntry(
            digest=Hash(digest),
            plan_id=Hash(plan_id),
            trade=read_trade(trade),
            state=TradeState(state),
            first_block=first_block,
            version=version,
            variants=tuple(SignedTransaction(Hash(one), nonce, raw) for one, nonce, raw in transactions),
            handed_out=handed_out,
            sent_at_s=sent_at_s,
            dearest_at_s=dearest_at_s,
            fill=None if fill is None else Fill(**json.loads(fill)),
        )

    # ── errands ───────────────────────────────────────────────────────────────────────────────────────────────

    def keep_errand(self, errand: Errand, at: datetime) -> None:
        with one_transaction(self._db):
            self._keep(errand, at)

    def _keep(self, errand: Errand, at: datetime) -> None:
        one = errand.transaction
        self._db.execute(
            "insert or ignore into errands (hash, account, purpose, account_nonce, raw, at, after_trade)"
            " values (?, ?, ?, ?, ?, ?, ?)",
            (one.hash, errand.account, errand.purpose, one.nonce, one.raw, iso(at), errand.after),
        )

    def errands(self) -> list[Errand]:
        with translated():
            rows = self._db.execute(
                "select account, purpose, hash, account_nonce, raw, after_trade from errands where ended_at is null"
                " order by account, account_nonce, hash"
            ).fetchall()
        return [
            Errand(
                Address(account),
                purpose,
                SignedTransaction(Hash(one), nonce, raw),
                None if after is None else Hash(after),
            )
            for account, purpose, one, nonce, raw, after in rows
        ]

    def end_errand(self, errand: Errand, at: datetime) -> None:
        with one_transaction(self._db):
            self._db.execute("update errands set ended_at = ? where hash = ?", (iso(at), errand.transaction.hash))

    # ── halts ─────────────────────────────────────────────────────────────────────────────────────────────────

    def halt(self, reason: str, at: datetime) -> None:
        with one_transaction(self._db):
            self._db.execute("insert into halts (at, reason) values (?, ?)", (iso(at), reason))

    def halted(self) -> str | None:
        with translated():
            row = self._db.execute("select reason from halts where ended_at is null order by id limit 1").fetchone()
        return None if row is None else str(row[0])

    def resume(self, at: datetime) -> None:
        with one_transaction(self._db):
            self._db.execute("update halts set ended_at = ? where ended_at is null", (iso(at),))

    # ── the right to send ─────────────────────────────────────────────────────────────────────────────────────

    @asynccontextmanager
    async def sending(self, account: Address) -> AsyncIterator[None]:
        """Hold the account's lock file, which death releases, and leave a row that says who held it last."""
        require_address(account)
        with translated():
            handle = os.open(self._folder / f"send-{account}.lock", os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW, 0o600)
        try:
            await _lock(handle)
            with one_transaction(self._db):
                self._db.execute(
                    "insert into sending (account, token, pid) values (?, 1, ?)"
                    " on conflict (account) do update set token = token + 1, pid = excluded.pid",
                    (account, os.getpid()),
                )
            yield
        finally:
            os.close(handle)

    # ── transactions of the store ─────────────────────────────────────────────────────────────────────────────


def _unsent(entry: JournalEntry) -> JournalEntry:
    return replace(entry, handed_out=0, sent_at_s=None, dearest_at_s=None)


async def _lock(handle: int) -> None:
    """Take the lock of an open file, waiting for who sends just now. Raises TradeRefused."""
    give_up_at = time.monotonic() + LOCK_PATIENCE_S
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() > give_up_at:
                raise TradeRefused("Another process is sending from this account.", hint="bethna trades") from error
            await asyncio.sleep(_LOOK_EVERY_S)
        else:
            return
