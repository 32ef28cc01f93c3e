"""The listener's desk on the embedded exchange: the real chain, contracts and store."""

import asyncio
import sqlite3
from collections.abc import Callable, Coroutine, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from bethna_cli.adapters.evm import EvmChain
from bethna_cli.adapters.option_events import OptionLogs, Venues
from bethna_cli.adapters.positions import SqlitePositions
from bethna_cli.adapters.rpc import JsonRpc, RpcLimits, Transport
from bethna_cli.domain.chain import Address
from bethna_cli.domain.embedded import EMBEDDED_CHAIN_ID
from bethna_cli.domain.position import Position
from bethna_cli.domain.venue import VenueAddresses
from bethna_cli.flow.record import RecordDesk, Recorded, catch_up
from execution_desk import ROUTER, TRADER, USER, Market

Work = Callable[[RecordDesk], Coroutine[Any, Any, Any]]


def with_desk(
    market: Market,
    work: Work,
    *transports: Transport,
    store: Path | None = None,
    traders: tuple[Address, ...] = (TRADER,),
    books: tuple[VenueAddresses, ...] = (),
) -> Any:
    """Do `work` as a new process does: from the store alone, over the market's node or other ways to it."""
    limits = RpcLimits(budget_s=5.0, attempts=1)
    ways = transports or (market.transport,)
    rpcs = [JsonRpc(f"rpc {number}", way, limits=limits) for number, way in enumerate(ways, 1)]
    chain = EvmChain(EMBEDDED_CHAIN_ID, rpcs, market.clock)
    with closing(SqlitePositions.open(store or market.store, EMBEDDED_CHAIN_ID)) as positions:
        events = OptionLogs(chain, Venues(traders, (ROUTER,), books))
        return asyncio.run(work(RecordDesk(chain, events, positions, market.clock, USER)))


def caught_up(market: Market, *transports: Transport, **where: Any) -> Recorded:
    found: Recorded = with_desk(market, catch_up, *transports, **where)
    return found


def positions(market: Market) -> list[Position]:
    with closing(SqlitePositions.open(market.store, EMBEDDED_CHAIN_ID)) as store:
        return store.all()


def unbought(market: Market) -> Mapping[Address, int]:
    with closing(SqlitePositions.open(market.store, EMBEDDED_CHAIN_ID)) as store:
        return store.unbought(USER)


def rows(path: Path) -> list[tuple[object, ...]]:
    """The positions as they stand in the file."""
    with closing(sqlite3.connect(path)) as db:
        return db.execute("select * from positions order by transaction_hash, ordinal").fetchall()


def alerts(path: Path) -> list[str]:
    """The kinds of what a person was told, in order."""
    with closing(sqlite3.connect(path)) as db:
        return [kind for (kind,) in db.execute("select kind from alerts order by sequence")]
