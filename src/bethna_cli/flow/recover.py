"""What runs after a crash, and whenever somebody asks: every open trade is brought to what the chain shows.

Where the chain's own finality is seconds away it is waited for; where it takes minutes, coming back later is told.
"""

from bethna_cli.domain.chain import Tag
from bethna_cli.domain.journal import JournalEntry, TradeState
from bethna_cli.flow import execute
from bethna_cli.flow.execute import ExecutionDesk, Progress
from bethna_cli.flow.mandate import decide_waiting
from bethna_cli.ports import Mandates

NEAR_S = 30.0
LOOKS = 80
LOOK_EVERY_S = 0.5
SETTLING = frozenset({TradeState.MINED, TradeState.SAFE})


async def recover(desk: ExecutionDesk, mandates: Mandates) -> list[Progress]:
    """Advance every open trade, and return them as they are then; those that ended in this run are among them.

    Exits whose purchase was filled stand from then on.
    """
    progresses = {one.entry.digest: one for one in await execute.recover(desk)}
    decide_waiting(desk.journal, mandates, desk.clock)
    if not await _is_finality_near(desk):
        return list(progresses.values())
    for _ in range(LOOKS):
        waiting = [one.entry for one in progresses.values() if one.entry.state in SETTLING]
        if not waiting:
            break
        await desk.pause(LOOK_EVERY_S)
        progresses |= {entry.digest: await _advanced(desk, entry) for entry in waiting}
    return list(progresses.values())


async def _advanced(desk: ExecutionDesk, entry: JournalEntry) -> Progress:
    return await execute.advance(desk, entry)


async def _is_finality_near(desk: ExecutionDesk) -> bool:
    """Judge by how far the final block is behind the newest one, in the chain's own time."""
    head, final = await desk.chain.block(Tag.LATEST), await desk.chain.block(Tag.FINALIZED)
    return head.timestamp_s - final.timestamp_s <= NEAR_S
