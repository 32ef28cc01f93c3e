"""The person's exit mandates in the network's store. What ends a mandate is kept; its signature is not kept any longer.

Decides nothing: whether a mandate fits is the chain's and the watcher's to say.
"""

import sqlite3
from collections.abc import Collection, Sequence
from datetime import datetime
from pathlib import Path

from bethna_cli.adapters.sql import one_transaction, open_store, translated
from bethna_cli.adapters.trade_text import read_trade, trade_text
from bethna_cli.domain.chain import Address, Hash
from bethna_cli.domain.mandate import Mandate, MandateKind, MandateState
from bethna_cli.domain.units import iso

LIVE = (MandateState.WAITING, MandateState.OPEN)
_COLUMNS = "digest, kind, trade, signature, purchase, signed_at, state, position"


class SqliteMandates:
    """`Mandates` in the store at a path."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    @classmethod
    def open(cls, path: Path) -> "SqliteMandates":
        return cls(open_store(path))

    def close(self) -> None:
        self._db.close()

    def keep(self, mandates: Sequence[Mandate]) -> None:
        rows = [
            (
                one.digest,
                one.trade.intent.user,
                one.token,
                str(one.trade.intent.nonce),
                one.kind.value,
                trade_text(one.trade),
                one.signature,
                one.purchase,
                iso(one.signed_at),
                one.state.value,
                one.position,
            )
            for one in mandates
        ]
        with one_transaction(self._db):
            self._db.executemany(
                "insert or ignore into mandates (digest, user, token, nonce, kind, trade, signature, purchase,"
                " signed_at, state, position) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                rows,
            )

    def of_token(self, user: Address, token: Address) -> list[Mandate]:
        return self._read("where user = ? and token = ?", (user, token))

    def of_purchase(self, purchase: Hash) -> list[Mandate]:
        return self._read("where purchase = ?", (purchase,))

    def live(self) -> list[Mandate]:
        return self._read("where state in (?, ?)", [state.value for state in LIVE])

    def move(self, digests: Collection[Hash], state: MandateState, at: datetime) -> None:
        is_over = state not in LIVE
        with translated():
            self._db.executemany(
                "update mandates set state = ?, ended_at = ?, signature = case when ? then x'' else signature end"
                " where digest = ? and state in (?, ?)",
                [
                    (state.value, iso(at) if is_over else None, is_over, digest, *(one.value for one in LIVE))
                    for digest in sorted(digests)
                ],
            )

    def _read(self, where: str, values: Sequence[str]) -> list[Mandate]:
        with translated():
            rows = self._db.execute(f"select {_COLUMNS} from mandates {where} order by number", values).fetchall()  # noqa: S608
        return [
            Mandate(
                Hash(digest),
                MandateKind(kind),
                read_trade(trade),
                signature,
                None if purchase is None else Hash(purchase),
                datetime.fromisoformat(signed_at),
                MandateState(state),
                position,
            )
            for digest, kind, trade, signature, purchase, signed_at, state, position in rows
        ]
