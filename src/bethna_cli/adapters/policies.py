"""What a person let scripts spend, as they signed it, and what was spent, in the network's store.

A row is never edited but for the time when the policy was ended. Whether a signature is right is the reader's to check.
"""

import json
import sqlite3
from datetime import datetime
from pathlib import Path

from bethna_cli.adapters import signer_wire as wire
from bethna_cli.adapters.sql import one_transaction, open_store, translated
from bethna_cli.domain.chain import Address
from bethna_cli.domain.policy import SignedPolicy
from bethna_cli.domain.trade import Side
from bethna_cli.domain.units import iso


class SqlitePolicies:
    """`Policies` in the store at a path."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    @classmethod
    def open(cls, path: Path) -> "SqlitePolicies":
        return cls(open_store(path))

    def close(self) -> None:
        self._db.close()

    def keep(self, signed: SignedPolicy, at: datetime) -> None:
        document = wire.canonical(wire.policy_document(signed)).decode()
        policy = signed.policy
        with one_transaction(self._db):
            self._end(policy.user, policy.chain_id, at)
            self._db.execute(
                "insert into policies (digest, user, chain_id, document, set_at) values (?, ?, ?, ?, ?)",
                (signed.digest, policy.user, policy.chain_id, document, iso(at)),
            )

    def current(self, user: Address, chain_id: int) -> SignedPolicy | None:
        with translated():
            row = self._db.execute(
                "select document from policies where user = ? and chain_id = ? and ended_at is null"
                " order by number desc limit 1",
                (user, chain_id),
            ).fetchone()
        return None if row is None else wire.read_policy(row[0].encode())

    def end(self, user: Address, chain_id: int, at: datetime) -> bool:
        with translated():
            return self._end(user, chain_id, at)

    def _end(self, user: Address, chain_id: int, at: datetime) -> bool:
        ended = self._db.execute(
            "update policies set ended_at = ? where user = ? and chain_id = ? and ended_at is null",
            (iso(at), user, chain_id),
        )
        return ended.rowcount > 0

    def spent(self, user: Address, chain_id: int, since: datetime) -> int:
        with translated():
            rows = self._db.execute(
                "select trade from trades join trade_moves using (digest) where user = ? and trade_moves.version = 0"
                " and trade_moves.at >= ? and trades.state not in ('REVERTED', 'CANCELLED', 'DEAD')",
                (user, iso(since)),
            ).fetchall()
        trades = [json.loads(text) for (text,) in rows]
        return sum(
            int(trade["intent"]["amount_in"])
            for trade in trades
            if trade["domain"]["chain_id"] == chain_id and int(trade["intent"]["side"]) == Side.BUY
        )
