"""A process that buys or sells as a command does at each start: recover what is open, then approve and submit the rest.

It forks a worker for each line of JSON on stdin, so that a worker's life, and its death, is the flow alone: the first
line it serves itself, and has loaded then what a worker needs.
"""

import asyncio
import json
import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

from bethna_cli.adapters.clocks import FixedClock
from bethna_cli.adapters.evm import EvmChain
from bethna_cli.adapters.journal import SqliteJournal
from bethna_cli.adapters.rpc import JsonRpc
from bethna_cli.adapters.rpc_transport import Http
from bethna_cli.adapters.trade_evidence import ChainEvidence
from bethna_cli.domain.chain import Tag
from bethna_cli.domain.embedded import EMBEDDED_CHAIN_ID
from bethna_cli.domain.errors import NotFound
from bethna_cli.domain.journal import TradeState
from bethna_cli.execution.approval import read_card
from bethna_cli.flow.execute import ExecutionDesk, approve, recover, settle, submit
from execution_desk import USDC, digest, plan_id, signed_trade


async def trade_once(request: dict[str, str]) -> None:
    clock = FixedClock(datetime.fromtimestamp(float(request["at_s"]), UTC))
    chain = EvmChain(EMBEDDED_CHAIN_ID, [JsonRpc("rpc", Http("rpc", request["url"]))], clock)
    journal = SqliteJournal.open(Path(request["store"]))
    desk = ExecutionDesk(chain, ChainEvidence(chain, USDC), journal, clock, asyncio.sleep)
    (trade,) = read_card(request["card"])
    await recover(desk)
    try:
        entry = journal.entry(digest(trade))
    except NotFound:
        (entry,) = await approve(desk, plan_id(request["card"]), [(digest(trade), trade)])
    if entry.state is TradeState.APPROVED:
        nonce = await chain.nonce(trade.intent.user, Tag.PENDING)
        transaction = signed_trade(trade, bytes.fromhex(request["route"]), nonce, 1.0)
        entry = (await submit(desk, entry, [transaction])).entry
    await settle(desk, entry)
    await chain.aclose()
    journal.close()


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
