"""A trader's process, from the recommendation to the record, as one start after another of bethna's commands.

At each start it recovers what is open, reads the chain, signs again what was agreed to and not sent, and then buys (a
fresh recommendation, its exits signed on the card) or sells. It forks a worker for each line of JSON on stdin, so that
a worker's life, and its death, is the flow alone: the first line it serves itself, and has loaded then what a worker
needs.
"""

import asyncio
import json
import os
import signal
import sys
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

from approval_desk import WATCHER, HereSigner, Person, desk_over, recommended
from bethna_cli.adapters.abi import keccak
from bethna_cli.adapters.book_evidence import BookEvidence, EvidenceByVenue
from bethna_cli.adapters.clocks import FixedClock
from bethna_cli.adapters.evm import EvmChain
from bethna_cli.adapters.http import Edge
from bethna_cli.adapters.journal import SqliteJournal
from bethna_cli.adapters.option_events import OptionLogs, Venues
from bethna_cli.adapters.positions import SqlitePositions
from bethna_cli.adapters.rpc import JsonRpc
from bethna_cli.adapters.rpc_transport import Http
from bethna_cli.adapters.trade_evidence import ChainEvidence
from bethna_cli.domain.chain import Address, Hash
from bethna_cli.domain.embedded import EMBEDDED_CHAIN_ID
from bethna_cli.domain.mandate import ExitTerms
from bethna_cli.domain.options import OptionKind
from bethna_cli.domain.units import Bps
from bethna_cli.execution.approval import reference
from bethna_cli.flow import execute
from bethna_cli.flow.approve import approve
from bethna_cli.flow.close import close
from bethna_cli.flow.execute import ExecutionDesk
from bethna_cli.flow.mandate import decide_waiting
from bethna_cli.flow.record import RecordDesk, catch_up, note
from bethna_cli.flow.resume import resume
from bethna_cli.flow.sight import TradingDesk
from execution_desk import ROUTER, TRADER, USDC, USER

EXITS = ExitTerms(Bps(5_000), Bps(10_000))
WIDE_BPS = 900
"""What the market may move between two lives of the process without a second question."""


async def trade_once(request: dict[str, Any]) -> None:
    """Do what is asked for, or what is left of it."""
    clock = FixedClock(datetime.fromtimestamp(request["at_s"], UTC))
    chain = EvmChain(EMBEDDED_CHAIN_ID, [JsonRpc("rpc", Http("rpc", request["rpc"]))], clock)
    journal = SqliteJournal.open(Path(request["store"]))
    record = RecordDesk(
        chain,
        OptionLogs(chain, Venues((TRADER,), (ROUTER,))),
        SqlitePositions(journal.connection, EMBEDDED_CHAIN_ID),
        clock,
        USER,
    )

    async def hand_on(user: Address, transaction: Hash) -> None:
        assert user == USER
        await note(record, transaction)

    evidence = EvidenceByVenue(ChainEvidence(chain, USDC), BookEvidence(USDC))
    execution = ExecutionDesk(chain, evidence, journal, clock, asyncio.sleep, hand_on=hand_on)
    edge, signer = Edge(clock), HereSigner()
    where = (Path(request["store"]), edge, request["world"])
    with desk_over(execution, *where, signer, slippage=WIDE_BPS, watcher=WATCHER) as desk:
        await execute.recover(execution)
        decide_waiting(journal, desk.mandates, clock)
        await catch_up(record)
        await resume(desk, Person())
        await (buy(desk, request) if request["buys"] else sell(desk, request))
        await catch_up(record)
    await edge.aclose()
    await chain.aclose()
    journal.close()


async def buy(desk: TradingDesk, request: dict[str, Any]) -> None:
    """Buy once since `since`: what was recommended then, unless it is in the journal, or what is recommended now."""
    since = datetime.fromtimestamp(request["since_s"], UTC)
    newest = [desk.ledger.recommendation(name) for name, _ in desk.ledger.newest_recommendations(1)]
    kept = [one for one in newest if datetime.fromisoformat(str(one["created_at"])) >= since]
    journaled = {entry.trade.intent.ref for entry in desk.execution.journal.entries()}
    if not any(reference(one, keccak) in journaled for one in kept):
        name = str(kept[0]["id"]) if kept else await recommended(desk, OptionKind.CALL, usdc=20)
        await approve(desk, name, Person(), EXITS)


async def sell(desk: TradingDesk, request: dict[str, Any]) -> None:
    """Sell of a position until so many contracts are left."""
    position = desk.positions.position(request["position"])
    surplus = position.contracts_left - request["leave"]
    if surplus > 0:
        await close(desk, position.id, Fraction(surplus, position.contracts_left), Person())


def main() -> None:
    asyncio.run(trade_once(json.loads(sys.stdin.readline())))
    print(os.getpid(), 0, sep="\n", flush=True)
    for line in sys.stdin:
        worker = os.fork()
        if worker == 0:
            asyncio.run(trade_once(json.loads(line)))
            os._exit(0)
        print(worker, flush=True)
        _, status = os.waitpid(worker, 0)
        print(-signal.SIGKILL if os.WIFSIGNALED(status) else os.WEXITSTATUS(status), flush=True)


if __name__ == "__main__":
    main()
