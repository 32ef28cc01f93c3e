"""What is held: the chain's events, the positions that follow from them, and how they are watched."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from bethna_cli.domain.alert import Alert
    from bethna_cli.domain.chain import Address, Block, Call, Receipt, UnsignedTransaction
    from bethna_cli.domain.guarding import Decided, ExitRules, GuardState, PackedMarks, TickNotes, Watcher
    from bethna_cli.domain.position import ChainEvent, Change, Cursor, OptionTerms, Position, Reach, Stretch
    from bethna_cli.domain.signing import SignedTransaction


class Watchbook(Protocol):
    """What Gamma remembers: rules, states, decisions, marks, and which process watches. Raises ConfigurationError.

    Each account has a watcher of its own, and only its newest may write: whoever holds an older token gets
    WatcherReplaced, and nothing changes.
    """

    def start(self, account: "Address", pid: int, interval_s: float) -> int:
        """Become an account's watcher, and return the fencing token of this start. interval_s: between ticks, real."""
        ...

    def keep(self, notes: "TickNotes", token: int, trouble: str | None = None) -> "list[Alert]":
        """Keep a tick in one transaction with its heartbeat, and return the alerts that are new."""
        ...

    def note(
        self,
        decisions: "Sequence[Decided]",
        states: "Sequence[GuardState]",
        alerts: "Sequence[Alert]",
        token: int,
        at: datetime,
    ) -> None:
        """Keep what came of an action, in one transaction."""
        ...

    def keep_gauge(self, at: datetime, document: "Mapping[str, object]", token: int) -> None:
        """Keep what the watched positions add up to, as JSON values."""
        ...

    def gauges(self, account: "Address", limit: int) -> "list[Mapping[str, Any]]":
        """Return what an account's positions added up to at the newest looks, oldest first."""
        ...

    def require_newest(self, token: int) -> None:
        """Raise WatcherReplaced when another watcher has started for the same account since."""
        ...

    def stop(self, token: int) -> None:
        """Note that this watcher has left by itself."""
        ...

    def watcher(self, account: "Address") -> "Watcher | None":
        """Return the process that watches an account or was the last to, None after it left by itself."""
        ...

    def revision(self) -> int:
        """Return a number that changes when anybody else has written to the store."""
        ...

    def set_rules(self, position: str, rules: "ExitRules | None", at: datetime) -> None:
        """Keep a position's own rules; None goes back to the defaults."""
        ...

    def rules(self) -> "Mapping[str, ExitRules]":
        """Return the rules of the positions that have their own."""
        ...

    def states(self) -> "Mapping[str, GuardState]": ...

    def decisions(self, position: str, limit: int) -> "list[Decided]":
        """Return the newest decisions about a position, oldest first."""
        ...

    def marks(self, limit: int) -> "list[tuple[datetime, Mapping[str, object], PackedMarks]]":
        """Return the newest marks with their layouts, oldest first."""
        ...


class Sighting(NamedTuple):
    """What a run of blocks shows of an account: the blocks, its events in order, the terms of tokens not met before."""

    blocks: "tuple[Block, ...]"
    events: "tuple[ChainEvent, ...]"
    terms: "Mapping[Address, OptionTerms]"


class OptionEvents(Protocol):
    """The events of an account's options, as a chain shows them. Raises what Chain raises, and ContractMismatch.

    known: the terms of the tokens met before, which are options for certain.
    """

    @property
    def venues(self) -> "tuple[Address, ...]":
        """The contracts whose trades are read."""
        ...

    async def first_block(self, account: "Address") -> int:
        """Return a block before which the account can have traded at none of the venues."""
        ...

    async def read(self, account: "Address", first: int, last: int, known: "Mapping[Address, OptionTerms]") -> Sighting:
        """Read the blocks `first` to `last`, proven; with several endpoints, trades that all of them show."""
        ...

    async def of_receipt(
        self, account: "Address", receipt: "Receipt", block: "Block", known: "Mapping[Address, OptionTerms]"
    ) -> Sighting:
        """Read one transaction; block: the one it is in."""
        ...


class Redemptions(Protocol):
    """Payments at expiry: the call that makes a token pay its holder, signed for the account that pays the gas."""

    @property
    def payer(self) -> "Address": ...

    def call(self, token: "Address", holder: "Address") -> "Call":
        """Return the call; it reverts while the token cannot pay."""
        ...

    def sign(self, transaction: "UnsignedTransaction") -> "SignedTransaction":
        """Sign such a call, and nothing else. Raises PlanRefused, ConfigurationError."""
        ...


class News(Protocol):
    """Word that a look at the chain is worth while; who hears it looks for themselves. Goes on for ever."""

    def news(self) -> AsyncIterator[None]: ...


Tell = Callable[["Change"], "Alert | None"]
"""What a person should hear about a change; kept in the transaction of the change."""


class Positions(Protocol):
    """What was bought and what became of it, as far as the chain is known here. Raises ConfigurationError.

    Writes are idempotent and all or none: events, the positions they add up to, reach and alerts are one transaction.
    """

    def reach(self, account: "Address") -> "Reach | None":
        """Return how far an account's events are known, None before they were first looked for."""
        ...

    def checkpoints(self, account: "Address") -> "list[Cursor]":
        """Return the blocks up to which the events were known at earlier times, newest first."""
        ...

    def rewind(self, reach: "Reach", at: datetime) -> None:
        """Go back to an earlier reach; what is noted of later blocks stays until these are read again."""
        ...

    def replace(self, stretch: "Stretch", at: datetime, tell: Tell) -> "list[Change]":
        """Make a stretch of blocks what the chain shows, and know the stretch's reach from now on.

        A position whose purchase is not there any more becomes UNCONFIRMED, and goes once that is final.
        """
        ...

    def add(
        self, events: "Sequence[ChainEvent]", terms: "Mapping[Address, OptionTerms]", at: datetime, tell: Tell
    ) -> "list[Change]":
        """Note events ahead of the reach, as a receipt shows them."""
        ...

    def terms(self) -> "Mapping[Address, OptionTerms]":
        """Return the terms of every option token that was met."""
        ...

    def unbought(self, account: "Address") -> "Mapping[Address, int]":
        """Return the contracts, per token, that an account holds and did not buy here."""
        ...

    def all(self, *, only_open: bool = False) -> "list[Position]":
        """Return the positions, oldest first; only_open: those whose contracts the chain shows now."""
        ...

    def position(self, prefix: str) -> "Position":
        """Return the one position whose id starts with `prefix` (4 digits or more). Raises NotFound."""
        ...

    def forget(self, account: "Address") -> None:
        """Drop everything that can be read from the chain again, so that it is."""
        ...
