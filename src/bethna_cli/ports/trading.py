"""What a trade needs on its way: quotes, evidence, and the journal that is written before anything is sent."""

from collections.abc import Collection, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from bethna_cli.domain.errors import ContractRefused
from bethna_cli.domain.market import Asset, OptionBoard

if TYPE_CHECKING:
    from bethna_cli.domain.approval import Decision, Held, Purse
    from bethna_cli.domain.chain import Address, BlockAt, Call, Hash, OfferedFees, Receipt
    from bethna_cli.domain.guarding import ExitFacts
    from bethna_cli.domain.journal import Errand, Fill, JournalEntry, TradeState
    from bethna_cli.domain.mandate import Mandate, MandateState
    from bethna_cli.domain.signing import Plan, SignedTransaction
    from bethna_cli.domain.trade import PlannedTrade, TradeIntent
    from bethna_cli.domain.venue import RawOrder, ReferencePrice


class TradeEvidence(Protocol):
    """What SentientTrader says of a trade, read from a chain. Raises what Chain raises."""

    async def is_nonce_used(self, trade: "PlannedTrade", at: "BlockAt") -> bool:
        """Say whether the contract has executed or cancelled the intent's nonce."""
        ...

    async def execution(self, trade: "PlannedTrade", digest: "Hash", first: int, last: int) -> "Hash | None":
        """Find the transaction that executed a digest in the blocks `first` to `last`, whoever sent it."""
        ...

    def fill(self, trade: "PlannedTrade", digest: "Hash", receipt: "Receipt") -> "Fill":
        """Read what a successful transaction did. Raises ChainAnomaly when event, tokens and signature disagree."""
        ...


class Journal(Protocol):
    """The trades on their way. What a method writes is on the disk when it returns, or it raises.

    A change is made only to the entry as it was read; otherwise TradeKnown is raised and nothing changes. Raises
    ConfigurationError when the store cannot be used.
    """

    def add(self, entries: "Sequence[JournalEntry]", at: datetime) -> None:
        """Begin entries, all or none. Raises TradeKnown when one of the digests is there."""
        ...

    def sign(
        self,
        entry: "JournalEntry",
        variants: "Sequence[SignedTransaction]",
        at: datetime,
        errands: "Sequence[Errand]" = (),
    ) -> "JournalEntry":
        """Keep the transactions that will carry an approved trade, and its errands, before any of them is sent."""
        ...

    def add_variant(self, entry: "JournalEntry", variant: "SignedTransaction", at: datetime) -> "JournalEntry":
        """Keep a dearer transaction of the same account nonce and calldata, before it is sent."""
        ...

    def hand_out(self, entry: "JournalEntry", count: int, at: datetime) -> "JournalEntry":
        """Note that the first `count` variants are about to be given to a node."""
        ...

    def move(self, entry: "JournalEntry", state: "TradeState", fill: "Fill | None", at: datetime) -> "JournalEntry":
        """Go to a state. Going back to APPROVED sets the transactions aside; they stay in the store."""
        ...

    def entry(self, prefix: str) -> "JournalEntry":
        """Return the one entry whose digest starts with `prefix`. Raises NotFound."""
        ...

    def entries(self, *, only_open: bool = False) -> "list[JournalEntry]":
        """Return the entries by account nonce, those without one last; only_open: those that have not ended."""
        ...

    def keep_errand(self, errand: "Errand", at: datetime) -> None:
        """Keep a transaction that trades nothing, before it is sent; the same one twice is one."""
        ...

    def errands(self) -> "list[Errand]":
        """Return the errands that have not ended, by account nonce."""
        ...

    def end_errand(self, errand: "Errand", at: datetime) -> None:
        """Note that it is over: its account nonce is used for good, or its trade has ended without a fill."""
        ...

    def sending(self, account: "Address") -> AbstractAsyncContextManager[None]:
        """Hold the right to send from an account, across processes. Raises TradeRefused when it is not to be had."""
        ...

    def halt(self, reason: str, at: datetime) -> None: ...

    def halted(self) -> str | None:
        """Return why trading is halted, None when it is not."""
        ...

    def resume(self, at: datetime) -> None:
        """End the halt: a person has looked."""
        ...


class Mandates(Protocol):
    """Exits that the person signed beforehand, oldest first. Raises ConfigurationError when the store is not usable."""

    def keep(self, mandates: "Sequence[Mandate]") -> None:
        """Keep signed mandates, all or none; the same one twice is one."""
        ...

    def of_token(self, user: "Address", token: "Address") -> "list[Mandate]": ...

    def of_purchase(self, purchase: "Hash") -> "list[Mandate]":
        """Return what protects the purchase of this digest."""
        ...

    def live(self) -> "list[Mandate]":
        """Return those that wait for their purchase, or are open."""
        ...

    def move(self, digests: "Collection[Hash]", state: "MandateState", at: datetime) -> None:
        """Change the state of those that live; one that has ended stays as it ended, and its signature is gone."""
        ...


class ExitEvidence(Protocol):
    """What the chain says of mandates, all read at one block. Raises what Chain raises."""

    async def facts(self, mandates: "Sequence[Mandate]", at: "BlockAt" = ...) -> "list[ExitFacts]": ...


class OrderBook(Protocol):
    """The venue's quotes with the signed orders behind them. Raises SourceUnavailable."""

    async def board(self, asset: Asset) -> OptionBoard: ...

    async def bids(self, asset: Asset) -> OptionBoard:
        """Return what makers pay for options that somebody holds: the same quotes, with the bid as their price.

        Raises NothingSuitable where makers do not buy back.
        """
        ...

    def order(self, order_id: str) -> "RawOrder":
        """Return the signed order behind a quote of the last boards. Raises NotFound."""
        ...

    async def reference_prices(self, asset: Asset) -> "Sequence[ReferencePrice]":
        """Return exchange-derived prices, which nobody can be held to: what is fair, not what is offered."""
        ...


class TradingVenue(Protocol):
    """The venue on chain. A contract's refusal is an answer here; otherwise raises what Chain raises."""

    async def purse(self, account: "Address", contract: "Address") -> "Purse":
        """Read what an account holds and what it has let `contract` take."""
        ...

    async def balances(self, account: "Address", tokens: "Sequence[Address]") -> list[int]: ...

    async def held(self, account: "Address", contract: "Address", tokens: "Sequence[Address]") -> "list[Held]":
        """Read what an account holds of option tokens and has let `contract` take of them."""
        ...

    async def series(self, order: "RawOrder") -> "Address":
        """Return the option token that an order's terms name, whether or not it was ever filled."""
        ...

    async def quote(self, intent: "TradeIntent", order: "RawOrder") -> "int | ContractRefused":
        """Ask the venue what filling `order` for an intent's amount delivers now, base units of what is received."""
        ...

    async def outcome(self, transaction: "SignedTransaction", sender: "Address") -> "int | ContractRefused":
        """Run a signed call, byte for byte, without sending it, and return what it would deliver."""
        ...

    def calls(self, plan: "Plan", orders: "Sequence[RawOrder]") -> "list[Call]":
        """Return the call of each step with zeros where the signatures go. orders: one for each submission."""
        ...

    def route(self, order: "RawOrder") -> bytes: ...

    def offered(self, transaction: "SignedTransaction") -> "OfferedFees":
        """Read what a signed transaction offers for its gas."""
        ...

    def digest(self, trade: "PlannedTrade") -> "Hash":
        """Return what a signature of `trade` signs (EIP-712)."""
        ...

    def code(self, plan: "Plan") -> str:
        """Return the four characters that tell this plan from another."""
        ...


class Decisions(Protocol):
    """What the person said to recommendations, oldest first."""

    def add(self, decision: "Decision") -> None: ...

    def all(self) -> "list[Decision]": ...
