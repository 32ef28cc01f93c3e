"""A position: what one purchase has become, by the chain's events alone.

Positions are never edited; they are what the events of an account's token add up to, sales taking the oldest lots
first. The same events give the same positions, however and whenever they were learned. Amounts are base units (USDC 6
decimals, contracts 6); what this machine knows besides (exit rules, marks, recommendations) is kept elsewhere.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from bethna_cli.domain.chain import Address, Hash
from bethna_cli.domain.market import Asset
from bethna_cli.domain.options import OptionKind
from bethna_cli.domain.units import from_unix

SHOWN_DIGITS = 8


class PositionState(StrEnum):
    """What has become of a purchase.

    EXTERNAL: its contracts left the account by other ways than a sale. UNCONFIRMED: a reorganisation has taken the
    purchase back, and the chain does not show it now.
    """

    OPEN = "OPEN"
    CLOSED = "CLOSED"
    SETTLED = "SETTLED"
    EXTERNAL = "EXTERNAL"
    UNCONFIRMED = "UNCONFIRMED"


class Depth(StrEnum):
    """How settled the purchase's block is."""

    SEEN = "seen"
    SAFE = "safe"
    FINAL = "final"


class EventKind(StrEnum):
    """What happened to an account's option contracts. REDEEMED is the payment at expiry, which may be nothing."""

    BOUGHT = "BOUGHT"
    SOLD = "SOLD"
    RECEIVED = "RECEIVED"
    SENT = "SENT"
    REDEEMED = "REDEEMED"


@dataclass(frozen=True, slots=True)
class OptionTerms:
    """What an option token pays, as its own contract states it. strikes: USD, ascending, one or two."""

    asset: Asset
    kind: OptionKind
    strikes: tuple[Decimal, ...]
    expires_at: datetime
    ticker: str


class ChainEvent(NamedTuple):
    """One event of an account's option token; a tuple, because histories hold very many.

    ordinal: which of its kind it is in its transaction, purchases and sales counted together; a log's own index would
    change when a reorganisation moves the transaction. usdc: paid, received or paid out; 0 where tokens just moved.
    venue: the contract that the trade went through, the token itself where there was none.
    """

    kind: EventKind
    user: Address
    venue: Address
    token: Address
    contracts: int
    usdc: int
    transaction: Hash
    ordinal: int
    block_number: int
    block_hash: Hash
    time_s: int
    log_index: int

    @property
    def place(self) -> tuple[int, int, int, str]:
        """Where it stands in the order in which things happened."""
        return (self.block_number, self.log_index, self.ordinal, self.kind.value)


@dataclass(frozen=True, slots=True)
class Exit:
    """A part of a position that went: sold, paid out at expiry, or sent away. usdc: what came in for it."""

    kind: EventKind
    contracts: int
    usdc: int
    at: datetime
    transaction: Hash


@dataclass(frozen=True, slots=True)
class Position:
    """One purchase and what has become of it. `transaction` and `ordinal` name it on its chain."""

    chain_id: int
    transaction: Hash
    ordinal: int
    user: Address
    venue: Address
    token: Address
    terms: OptionTerms
    contracts: int
    cost: int
    opened_at: datetime
    block_number: int
    block_hash: Hash
    contracts_left: int
    exits: tuple[Exit, ...]
    state: PositionState
    depth: Depth

    @property
    def id(self) -> str:
        """The transaction's hash, and which purchase in it where it is not the first."""
        return self.transaction + (f".{self.ordinal}" if self.ordinal else "")

    @property
    def short_id(self) -> str:
        """What people see and type."""
        return self.transaction[2 : 2 + SHOWN_DIGITS] + (f".{self.ordinal}" if self.ordinal else "")

    @property
    def proceeds(self) -> int:
        """USDC base units that came in for what was sold or paid out."""
        return sum(one.usdc for one in self.exits)

    @property
    def exit_costs(self) -> tuple[int, ...]:
        """The share of the cost that each exit's contracts stand for; with `cost_left` they add up to the cost."""
        shares: list[int] = []
        gone = 0
        for one in self.exits:
            before, gone = self.cost * gone // self.contracts, gone + one.contracts
            shares.append(self.cost * gone // self.contracts - before)
        return tuple(shares)

    @property
    def cost_left(self) -> int:
        """The share of the cost that the contracts still held stand for."""
        return self.cost - sum(self.exit_costs)

    @property
    def realised(self) -> int:
        """What was gained or lost on what was sold or paid out; what was sent away is neither."""
        parts = zip(self.exits, self.exit_costs, strict=True)
        return sum(one.usdc - cost for one, cost in parts if one.kind is not EventKind.SENT)

    @property
    def closed_at(self) -> datetime | None:
        """When the last contract went, None while there is one."""
        return self.exits[-1].at if self.exits and not self.contracts_left else None

    @property
    def is_open(self) -> bool:
        """Say whether the chain shows contracts of it at the account."""
        return self.state is PositionState.OPEN


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far the chain has been read: everything up to a block, known by height *and* hash."""

    number: int
    hash: Hash


@dataclass(frozen=True, slots=True)
class Reach:
    """How far an account's events are known, and the heights that the chain last called safe and final.

    venues: the contracts whose trades are known. first_block: where their history begins.
    """

    account: Address
    venues: tuple[Address, ...]
    first_block: int
    cursor: Cursor
    safe: int
    final: int

    def depth_of(self, block_number: int) -> Depth:
        """Say how settled a block is."""
        if block_number <= self.final:
            return Depth.FINAL
        return Depth.SAFE if block_number <= self.safe else Depth.SEEN


@dataclass(frozen=True, slots=True)
class Stretch:
    """What the blocks `first` to `last` hold for the reach's account: these events, and no others.

    reach: how far everything is known with them. is_head: the chain ends here, so what was noted beyond is gone.
    """

    first: int
    last: int
    reach: Reach
    events: tuple[ChainEvent, ...]
    terms: Mapping[Address, OptionTerms]
    is_head: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """What became of one position in a step; before: None when it is new, after: None when it is gone for good."""

    before: "Position | None"
    after: "Position | None"


@dataclass(frozen=True, slots=True)
class Holding:
    """What the events of one account's token add up to. unbought: contracts held that were never bought here."""

    positions: tuple[Position, ...]
    unbought: int


@dataclass
class _Lot:
    """Contracts that came in at once, and what has gone of them. purchase: None when they were not bought here."""

    purchase: ChainEvent | None
    left: int
    exits: list[Exit] = field(default_factory=list)


_ENDS: Mapping[EventKind, PositionState] = {
    EventKind.SOLD: PositionState.CLOSED,
    EventKind.REDEEMED: PositionState.SETTLED,
    EventKind.SENT: PositionState.EXTERNAL,
}


def sold_before(position: Position, held: Sequence[Position]) -> list[Position]:
    """Return the open positions of the same option that a sale reduces before this one. held: oldest first."""
    same = [one for one in held if (one.user, one.token) == (position.user, position.token) and one.is_open]
    names = [one.id for one in same]
    return same[: names.index(position.id)] if position.id in names else []


def holding_of(chain_id: int, terms: OptionTerms, events: Sequence[ChainEvent], reach: Reach | None) -> Holding:
    """Add up the events of one account's token, in whichever order they are given.

    What goes takes the oldest lots first. More contracts going than ever came shows that an event is missing: the rest
    is ignored here, because a balance below nothing does not exist.
    """
    lots: list[_Lot] = []
    for event in sorted(events, key=lambda one: one.place):
        if event.kind is EventKind.BOUGHT:
            lots.append(_Lot(event, event.contracts))
        elif event.kind is EventKind.RECEIVED:
            lots.append(_Lot(None, event.contracts))
        else:
            _take(lots, event)
    positions = tuple(_position(chain_id, terms, lot.purchase, lot, reach) for lot in lots if lot.purchase)
    return Holding(positions, sum(lot.left for lot in lots if lot.purchase is None))


def _take(lots: Sequence[_Lot], event: ChainEvent) -> None:
    """Take an event's contracts out of the lots, oldest first, its USDC shared by size and the last one the rest."""
    wanted, usdc = event.contracts, event.usdc
    for lot in lots:
        part = min(lot.left, wanted)
        if not part:
            continue
        share = usdc if part == wanted else usdc * part // wanted
        lot.left -= part
        lot.exits.append(Exit(event.kind, part, share, from_unix(event.time_s), event.transaction))
        wanted, usdc = wanted - part, usdc - share
        if not wanted:
            break


def _position(chain_id: int, terms: OptionTerms, bought: ChainEvent, lot: _Lot, reach: Reach | None) -> Position:
    return Position(
        chain_id=chain_id,
        transaction=bought.transaction,
        ordinal=bought.ordinal,
        user=bought.user,
        venue=bought.venue,
        token=bought.token,
        terms=terms,
        contracts=bought.contracts,
        cost=bought.usdc,
        opened_at=from_unix(bought.time_s),
        block_number=bought.block_number,
        block_hash=bought.block_hash,
        contracts_left=lot.left,
        exits=tuple(lot.exits),
        state=PositionState.OPEN if lot.left else _ENDS[lot.exits[-1].kind],
        depth=Depth.SEEN if reach is None else reach.depth_of(bought.block_number),
    )
