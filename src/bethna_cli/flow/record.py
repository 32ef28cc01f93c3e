"""From the chain's events to positions: read on from where it was left, go back where the chain changed, never twice.

The chain is the truth and the store a projection of it: whatever is written here can be thrown away and read again. A
receipt is noted at once and read again with its block. A node that lags ends a step; nothing is concluded from it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bethna_cli.domain.alert import Alert, Level
from bethna_cli.domain.chain import Address, Block, Hash, Tag
from bethna_cli.domain.errors import NodeBehind, NotFound
from bethna_cli.domain.position import Change, Cursor, EventKind, Position, PositionState, Reach, Stretch
from bethna_cli.domain.units import usdc_to_decimal
from bethna_cli.ports import Chain, Clock, OptionEvents, Positions, Sighting, Tell

STEP_BLOCKS = 500
"""How many blocks are read and written at once."""

RESCAN_S = 7_200
"""How far back a second look goes."""

MOST_FORKS = 5
"""How often in one catching-up the chain may change underneath before it is left for later."""

NEWS = timedelta(days=1)
"""What happened longer ago is history: it is recorded, and nobody is told."""

Advanced = Callable[[int, int], None]
"""Told after each step: how many blocks were read, and how many there are to read."""


@dataclass(frozen=True, slots=True)
class RecordDesk:
    """What the listener works with, for one account."""

    chain: Chain
    events: OptionEvents
    positions: Positions
    clock: Clock
    account: Address


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a look at the chain brought. forked_at: the last block that stayed, None when none was taken back."""

    changes: tuple[Change, ...]
    reach: Reach
    forked_at: int | None = None


@dataclass(frozen=True, slots=True)
class _Standing:
    """Where reading goes on: from a block that the chain has. forked_at: as in Recorded."""

    reach: Reach
    forked_at: int | None = None


class _Forked(Exception):
    """The chain changed below the cursor while it was read."""


def nobody(_done: int, _all: int) -> None:
    """Take no notice of progress."""


# ── reading on ────────────────────────────────────────────────────────────────────────────────────────────────────


async def catch_up(desk: RecordDesk, advanced: Advanced = nobody) -> Recorded:
    """Read on to the newest block, and return what changed. What was read stays when a step fails.

    Raises NodeBehind when the node lags or its chain keeps changing: come again.
    """
    changes: list[Change] = []
    forked_at: int | None = None
    for _ in range(MOST_FORKS):
        standing = await _standing(desk)
        forked_at = standing.forked_at if forked_at is None else forked_at
        try:
            reach = await _read_on(desk, standing.reach, changes, advanced, is_forked=forked_at is not None)
        except _Forked:
            continue
        return Recorded(tuple(changes), reach, forked_at)
    raise NodeBehind("rpc", "its chain keeps changing while it is read")


async def _read_on(
    desk: RecordDesk, reach: Reach, changes: list[Change], advanced: Advanced, *, is_forked: bool
) -> Reach:
    """Read step by step, adding to `changes`. Raises _Forked when a step does not follow the one before."""
    head = await desk.chain.block()
    safe, final = await desk.chain.block(Tag.SAFE), await desk.chain.block(Tag.FINALIZED)
    reach = replace(reach, safe=safe.number, final=final.number)
    start = reach.cursor.number
    if head.number <= start:
        changes += desk.positions.replace(_nothing_after(reach), desk.clock.now(), _tell(desk))
        return reach
    while reach.cursor.number < head.number:
        first, last = reach.cursor.number + 1, min(reach.cursor.number + STEP_BLOCKS, head.number)
        sighting = await desk.events.read(desk.account, first, last, desk.positions.terms())
        if sighting.blocks[0].parent_hash != reach.cursor.hash:
            raise _Forked
        reach = replace(reach, cursor=_cursor(sighting.blocks[-1]))
        is_head = is_forked and last == head.number
        stretch = Stretch(first, last, reach, sighting.events, sighting.terms, is_head)
        changes += desk.positions.replace(stretch, desk.clock.now(), _tell(desk))
        advanced(last - start, head.number - start)
    return reach


def _nothing_after(reach: Reach) -> Stretch:
    """Only the marks of safe and final have moved."""
    return Stretch(reach.cursor.number + 1, reach.cursor.number, reach, (), {})


async def _standing(desk: RecordDesk) -> _Standing:
    """Find the newest block that is both known here and part of the chain."""
    reach = desk.positions.reach(desk.account)
    if reach is None or not set(desk.events.venues) <= set(reach.venues):
        return _Standing(await _begin(desk, reach))
    head = await desk.chain.block()
    is_forked = False
    for known in [reach.cursor, *desk.positions.checkpoints(desk.account)]:
        if known.number > head.number:
            continue  # the node lags, or the chain is shorter now: its older blocks will tell
        if (await desk.chain.block(known.number)).hash == known.hash:
            if not is_forked:
                return _Standing(reach)
            back = replace(reach, cursor=known)
            desk.positions.rewind(back, desk.clock.now())
            return _Standing(back, known.number)
        is_forked = True
    begun = await _begin(desk, None)
    return _Standing(begun, begun.cursor.number)


async def _begin(desk: RecordDesk, known: Reach | None) -> Reach:
    """Start where the venues' history begins; what an earlier reading noted stays until it is read again."""
    first = max(1, await desk.events.first_block(desk.account))
    if known is not None:
        first = min(first, known.first_block)
    before = await desk.chain.block(first - 1)
    venues = tuple(sorted({*desk.events.venues, *(known.venues if known else ())}))
    reach = Reach(desk.account, venues, first, _cursor(before), 0, 0)
    desk.positions.rewind(reach, desk.clock.now())
    return reach


def _cursor(block: Block) -> Cursor:
    return Cursor(block.number, block.hash)


async def rescan(desk: RecordDesk) -> Recorded:
    """Read the last two hours again, backwards: what a node left out is found by the second look at the latest.

    Raises NotFound before the first reading, NodeBehind when the chain changes underneath.
    """
    reach = desk.positions.reach(desk.account)
    if reach is None:
        raise NotFound("The chain has not been read yet.", hint="bethna recover")
    changes: list[Change] = []
    last, expected = reach.cursor.number, reach.cursor.hash
    oldest_s: int | None = None
    while last >= reach.first_block:
        first = max(reach.first_block, last - STEP_BLOCKS + 1)
        sighting = await desk.events.read(desk.account, first, last, desk.positions.terms())
        if sighting.blocks[-1].hash != expected:
            raise NodeBehind("rpc", "its chain changed since it was read")
        stretch = Stretch(first, last, reach, sighting.events, sighting.terms)
        changes += desk.positions.replace(stretch, desk.clock.now(), _tell(desk))
        oldest_s = sighting.blocks[-1].timestamp_s - RESCAN_S if oldest_s is None else oldest_s
        if sighting.blocks[0].timestamp_s < oldest_s:
            break
        last, expected = first - 1, sighting.blocks[0].parent_hash
    return Recorded(tuple(changes), reach)


# ── one transaction, everything ───────────────────────────────────────────────────────────────────────────────────


async def note(desk: RecordDesk, transaction: Hash) -> tuple[Change, ...]:
    """Record what a mined transaction did, ahead of everything that is read in order; nothing when it is not mined.

    Where several endpoints are set up, nothing before all of them show it.
    """
    receipt = await desk.chain.receipt(transaction, confirmed=desk.chain.endpoints > 1)
    if receipt is None or not receipt.succeeded:
        return ()
    block = await desk.chain.block(receipt.block_hash)
    sighting: Sighting = await desk.events.of_receipt(desk.account, receipt, block, desk.positions.terms())
    return tuple(desk.positions.add(sighting.events, sighting.terms, desk.clock.now(), _tell(desk)))


async def rebuild(desk: RecordDesk, advanced: Advanced = nobody) -> Recorded:
    """Throw away what can be read from the chain, and read it again."""
    desk.positions.forget(desk.account)
    return await catch_up(desk, advanced)


# ── what people hear of it ────────────────────────────────────────────────────────────────────────────────────────


def _tell(desk: RecordDesk) -> Tell:
    now = desk.clock.now()
    return lambda change: news_of(change, now)


def news_of(change: Change, now: datetime) -> Alert | None:
    """Say what a person should hear about a change; nothing about what is long past, or what they just did."""
    before, after = change.before, change.after
    if after is None:
        return _gone(before) if before else None
    if after.state is PositionState.UNCONFIRMED:
        return _alert(
            f"unconfirmed:{after.id}:{after.block_hash}",
            Level.WARNING,
            "position-unconfirmed",
            after,
            "is unconfirmed",
            "The chain has taken back the block of its purchase. It may come back in another one; until then nothing is"
            " sold.",
        )
    if before is not None and before.state is PositionState.UNCONFIRMED:
        return _alert(
            f"confirmed:{after.id}:{after.block_hash}",
            Level.INFO,
            "position-confirmed",
            after,
            "is back",
            f"Its purchase is in block {after.block_number:,} now: {_size(after)}.",
        )
    if before is not None and (before.contracts, before.cost) != (after.contracts, after.cost):
        return _alert(
            f"changed:{after.id}:{after.block_hash}",
            Level.WARNING,
            "position-changed",
            after,
            "was bought at another price",
            f"After a reorganisation its purchase reads {_size(after)}; before it was {_size(before)}.",
        )
    return _exit_news(before, after, now)


def _exit_news(before: Position | None, after: Position, now: datetime) -> Alert | None:
    """Tell how contracts went, unless they were sold."""
    new = after.exits[len(before.exits) if before else 0 :]
    if not new or now - new[-1].at > NEWS or new[-1].kind is EventKind.SOLD:
        return None
    last = new[-1]
    amount = f"{usdc_to_decimal(last.contracts):,.4f} contracts"
    if last.kind is EventKind.SENT:
        return _alert(
            f"left:{after.id}:{last.transaction}",
            Level.WARNING,
            "position-left",
            after,
            "left the account",
            f"{amount} went by other ways than a sale, in transaction {last.transaction}.",
        )
    paid = usdc_to_decimal(sum(one.usdc for one in new))
    return _alert(
        f"settled:{after.id}:{last.transaction}",
        Level.INFO,
        "position-settled",
        after,
        "is settled",
        f"It paid {paid:,.2f} USDC at expiry and cost {usdc_to_decimal(after.cost):,.2f}.",
    )


def _gone(position: Position) -> Alert:
    return _alert(
        f"gone:{position.id}:{position.block_hash}",
        Level.WARNING,
        "position-gone",
        position,
        "was never bought",
        "The chain is final without its purchase, so it is no position; bethna trades shows what became of the trade.",
    )


def _alert(cause: str, level: Level, kind: str, position: Position, what: str, text: str) -> Alert:
    return Alert(cause, level, kind, f"{position.terms.ticker} {what}", text, position.id)


def _size(position: Position) -> str:
    return f"{usdc_to_decimal(position.contracts):,.4f} contracts for {usdc_to_decimal(position.cost):,.2f} USDC"
