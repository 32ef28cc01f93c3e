"""What bethna needs from outside, as Protocols. A Protocol's docstring is its contract.

Every method raises a `BethnaError` subclass when it cannot answer; none answers with an invented or stale number,
an empty list for an outage, or an exception of the library underneath.
"""

from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple, Protocol

from bethna_cli.domain.errors import ContractRefused
from bethna_cli.domain.market import (
    Asset,
    Candle,
    FearGreed,
    Funding,
    FundingPoint,
    MarketSnapshot,
    OptionBoard,
    PriceHistory,
    Sentiment,
    SpotPrice,
)
from bethna_cli.domain.model import Forest, History, Shares, Split, TrainingSet

if TYPE_CHECKING:  # a look at the market has no use for the chain's nouns, and they cost 10 ms
    from pathlib import Path

    from bethna_cli.domain.alert import Alert, ChannelState, Delivery, KeptAlert, Level
    from bethna_cli.domain.approval import Decision, Held, Purse
    from bethna_cli.domain.backtest import MarketDescription, Sale, Settlement
    from bethna_cli.domain.chain import (
        Account,
        Address,
        Block,
        BlockAt,
        Call,
        ContractState,
        DeploymentTerms,
        Fees,
        Hash,
        Log,
        LogQuery,
        Receipt,
        Section,
        Tag,
        UnsignedTransaction,
    )
    from bethna_cli.domain.conversation import Session
    from bethna_cli.domain.guarding import (
        Decided,
        ExitFacts,
        ExitRules,
        GuardState,
        PackedMarks,
        TickNotes,
        Watcher,
    )
    from bethna_cli.domain.holdings import Holdings
    from bethna_cli.domain.journal import Errand, Fill, JournalEntry, TradeState
    from bethna_cli.domain.mandate import Mandate, MandateState
    from bethna_cli.domain.options import OptionQuote
    from bethna_cli.domain.policy import SignedPolicy
    from bethna_cli.domain.position import ChainEvent, Change, Cursor, OptionTerms, Position, Reach, Stretch
    from bethna_cli.domain.retention import DataSet, StoreSize
    from bethna_cli.domain.signing import Plan, SignedPlan, SignedTransaction
    from bethna_cli.domain.trade import PlannedTrade, TradeIntent
    from bethna_cli.domain.utterance import Understood
    from bethna_cli.domain.venue import RawOrder, ReferencePrice
    from bethna_cli.domain.wallet import Password, PrivateKey, Wallet


class Clock(Protocol):
    """The one clock of market, blocks and deadlines. Aware UTC."""

    def now(self) -> datetime: ...


class SpotFeed(Protocol):
    """One source's spot price in USD, under its own name; as old as the source says, never adjusted."""

    @property
    def name(self) -> str: ...

    async def spot(self, asset: Asset) -> SpotPrice: ...


class HistoryFeed(Protocol):
    """One source's hourly candles: the closed ones among the last `hours`, oldest first, gaps left as gaps."""

    @property
    def name(self) -> str: ...

    async def history(self, asset: Asset, hours: int) -> PriceHistory: ...


class PriceStream(Protocol):
    """Spot prices as they come, until the caller stops; reconnects by itself, raises when it cannot."""

    def stream(self, asset: Asset) -> AsyncIterator[SpotPrice]: ...


class OptionsVenue(Protocol):
    """Quotes that can be bought: asks, unexpired, known payoff, USDC collateral, cash-settled. The rest is counted."""

    async def board(self, asset: Asset) -> OptionBoard: ...


class FundingFeed(Protocol):
    """Perpetual funding: predicted hourly rate and `days` of settled history."""

    async def funding(self, asset: Asset, days: int) -> Funding: ...


class SentimentFeed(Protocol):
    """The mood: `days` of Fear & Greed, and posts where a source is set up."""

    async def sentiment(self, asset: Asset, days: int) -> Sentiment: ...


class HistoryArchive(Protocol):
    """Recorded history of all assets, as known at `until` (aware UTC). Raises DataRefused; repairs are counted."""

    def read(self, until: datetime) -> History: ...


class RecordedMoment(SpotFeed, HistoryFeed, OptionsVenue, FundingFeed, SentimentFeed, Protocol):
    """One recorded moment as all the sources answered then. Nothing it says is of a later time than `at`."""

    @property
    def at(self) -> datetime: ...

    def sale(self, quote: "OptionQuote") -> "Sale | None":
        """Return what selling one contract of a series would have brought; None where it was not listed."""
        ...


class RecordedMarket(Protocol):
    """A market to walk through again, from front to back, with one moment in memory at a time. Raises DataRefused."""

    @property
    def done(self) -> float:
        """The share of the whole that is behind us, 0..1."""
        ...

    def moments(self) -> "Iterator[RecordedMoment]": ...

    def settlement(self, expires_at: datetime) -> "Settlement | None":
        """Return the price at which options of that expiry are settled; None where it was not recorded."""
        ...

    def described(self) -> "MarketDescription":
        """Say what was walked through; complete when `moments` has ended."""
        ...


class Past(Protocol):
    """Past prices, settled funding and mood, a page of at most 1,000 hours per question, oldest first.

    Candles start, and rates were settled, in [first, before) (aware UTC). Raises SourceUnavailable or one of its kinds.
    """

    async def candles(self, asset: Asset, first: datetime, before: datetime) -> Sequence[Candle]: ...

    async def funding(self, asset: Asset, first: datetime, before: datetime) -> Sequence[FundingPoint]: ...

    async def fear_greed(self, days: int) -> Sequence[FearGreed]: ...


class HistoryStore(Protocol):
    """A data folder that grows: what was added is on the disk before the call returns. Raises DataRefused."""

    def newest_candle(self, asset: Asset) -> datetime | None: ...

    def newest_funding(self, asset: Asset) -> datetime | None: ...

    def add_candles(self, asset: Asset, candles: Sequence[Candle]) -> None: ...

    def add_funding(self, asset: Asset, points: Sequence[FundingPoint]) -> None: ...

    def keep_mood(self, days: Sequence[FearGreed]) -> None: ...

    def forget_before(self, at: datetime) -> int: ...


class Trainer(Protocol):
    """Grows random forests. The same data and rows give the same forest, bit for bit.

    `grow` learns from the given rows; `shares` learns from `split.train` and returns the class shares of each row of
    `split.held_out`; `parameters` are JSON values for the model card: settings, seed, versions of the libraries.
    """

    @property
    def parameters(self) -> Mapping[str, object]: ...

    def grow(self, data: TrainingSet, rows: Sequence[int]) -> Forest: ...

    def shares(self, data: TrainingSet, split: Split) -> list[Shares]: ...


class Chain(Protocol):
    """One EVM chain behind one or several RPC endpoints.

    Reads are of the newest block unless `at` says otherwise; they are repeated and passed on to the next endpoint,
    sends never. Raises WrongChain (an endpoint serves another chain), SourceUnavailable (SourceRateLimited,
    SourceMalformed, NodeBehind, SourceStale), EndpointsDisagree, ContractRefused (the call reverted; a subclass says
    how to react).
    """

    @property
    def chain_id(self) -> int: ...

    @property
    def endpoints(self) -> int:
        """How many endpoints are set up; one alone cannot be checked against another."""
        ...

    async def check(self) -> None:
        """Ask every endpoint now for its chain id, one for a fresh block, several for that at the lower head."""
        ...

    async def block(self, at: "BlockAt" = ...) -> "Block": ...

    async def call(self, call: "Call", at: "BlockAt" = ...) -> bytes: ...

    async def call_many(self, calls: "Sequence[Call]", at: "BlockAt" = ...) -> "list[bytes | ContractRefused]":
        """Run calls in one batch on one endpoint. One that reverts gives its refusal in place of its bytes."""
        ...

    async def accounts(self, addresses: "Sequence[Address]", at: "BlockAt" = ...) -> "list[Account]": ...

    async def nonce(self, address: "Address", at: "BlockAt" = ...) -> int:
        """Count the transactions an address has sent, with `Tag.PENDING` those that wait too."""
        ...

    async def fees(self) -> "Fees": ...

    async def estimate_gas(self, call: "Call") -> int: ...

    async def send_raw(self, raw: bytes) -> "Hash":
        """Send a signed transaction once, and return its hash; a node that knows it already is a success.

        Raises OutcomeUnknown when it may have been accepted (an answer was lost, its nonce is used),
        TransactionRejected when the node refused it, SourceUnavailable when no endpoint was reached at all.
        """
        ...

    async def receipt(self, transaction: "Hash", at: "Tag" = ..., *, confirmed: bool = False) -> "Receipt | None":
        """Return what became of a transaction whose block is at or below `at`, None while there is none.

        confirmed: every endpoint must have it and all must agree; one endpoint alone is believed.
        """
        ...

    async def logs(self, query: "LogQuery", first: int, last: int) -> "list[Log]":
        """Return the logs of the blocks `first` to `last`, in order, only when the endpoint proves to have them all."""
        ...

    async def section(self, queries: "Sequence[LogQuery]", first: int, last: int) -> "Section":
        """Return the blocks `first` to `last` of one endpoint and the logs in them that any of the queries means."""
        ...


class ContractStates(Protocol):
    """The contract that a trade goes through, on one chain: SentientTrader, or the order book itself."""

    async def state(self, address: "Address", routers: "Sequence[Address]" = ()) -> "ContractState":
        """Read everything at one block; `routers` besides the default one. Raises ContractMismatch."""
        ...


class TraderContracts(ContractStates, Protocol):
    """SentientTrader contracts on one chain: their state, and the transactions that create and steer them."""

    async def deployment(self, terms: "DeploymentTerms", sender: "Address") -> "UnsignedTransaction":
        """Prepare the creation of a contract. Raises ContractRefused when its constructor would revert."""
        ...

    async def switch(self, address: "Address", sender: "Address", *, paused: bool) -> "UnsignedTransaction":
        """Prepare a pause or an unpause. Raises ContractRefused when the contract would."""
        ...


class TransactionSigner(Protocol):
    """Signs transactions without asking a person: only for accounts and on chains where nothing is at stake."""

    def sign(self, transaction: "UnsignedTransaction") -> bytes:
        """Return the signed bytes. Raises ConfigurationError for an account or a chain that is not its own."""
        ...


class KeyStore(Protocol):
    """A person's wallets. Raises NotFound, UsageError (a name or an address is taken), KeystoreRefused."""

    def wallets(self, network: str) -> "tuple[Wallet, ...]":
        """List what may be used on `network`; the throwaway wallet on the embedded one alone."""
        ...

    def wallet(self, name: str, network: str) -> "Wallet": ...

    def in_use(self, network: str) -> "Wallet | None": ...

    def use(self, name: str, network: str) -> "Wallet": ...

    def keep(self, name: str, key: "PrivateKey", password: "Password") -> "Wallet":
        """Encrypt a key and keep it under a name."""
        ...

    def watch(self, name: str, address: "Address") -> "Wallet": ...

    def export(self, name: str, target: "Path") -> None:
        """Write the encrypted keystore to a new file."""
        ...

    def of(self, address: "Address") -> "Wallet": ...

    def require_openable(self, address: "Address") -> None:
        """Raise what `unlock` would before it looks at a password."""
        ...

    def unlock(self, address: "Address", password: "Password") -> "PrivateKey":
        """Decrypt a key. Raises WrongPassword, also when a try comes too soon after wrong ones."""
        ...


class SigningSession(Protocol):
    """One plan whose key is open."""

    def sign(self, routes: Sequence[bytes], steps: int | None = None) -> "SignedPlan":
        """Sign the intents and the next `steps` steps of the plan, None for all that are left; each step once.

        routes: the venue's fresh quote for each submission among them, in order.
        """
        ...


class Signer(Protocol):
    """Signs one plan after another, each with a password of its own, and nothing else."""

    def unlocked(self, plan: "Plan") -> AbstractContextManager[SigningSession]:
        """Check a plan, ask the person for the password, and hold the key until the block ends.

        Raises PlanRefused, WrongPassword, KeystoreRefused, NotFound, ConfigurationError.
        """
        ...


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


class ExitSigner(Protocol):
    """The watcher's own account, which sends mandates and can do nothing else."""

    @property
    def address(self) -> "Address": ...

    def sign(
        self, mandate: "Mandate", minimum_out: int, route: bytes, nonce: int, gas: int, fees: "Sequence[Fees]"
    ) -> "tuple[SignedTransaction, ...]":
        """Sign the call that executes a mandate at `minimum_out` or better, once for each of the fees.

        route: the venue's fresh bid. Raises PlanRefused for what is not its own mandate, or costs too much.
        """
        ...


class ExitEvidence(Protocol):
    """What the chain says of mandates, all read at one block. Raises what Chain raises."""

    async def facts(self, mandates: "Sequence[Mandate]", at: "BlockAt" = ...) -> "list[ExitFacts]": ...


class Watchbook(Protocol):
    """What Gamma remembers: rules, states, decisions, marks, and which process watches. Raises ConfigurationError.

    Only the newest watcher may write: whoever holds an older token gets WatcherReplaced, and nothing changes.
    """

    def start(self, pid: int, interval_s: float) -> int:
        """Become the watcher, and return the fencing token of this start. interval_s: between ticks, real time."""
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

    def stop(self, token: int) -> None:
        """Note that this watcher has left by itself."""
        ...

    def watcher(self) -> "Watcher | None":
        """Return the process that watches or was the last to, None after it left by itself."""
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


class Alerts(Protocol):
    """What the person should hear about, in the order in which it was kept. Raises NotFound for an unknown id.

    An alert that has a cause in the store is written with it, in one transaction; `add` is for one that has none.
    """

    def add(self, alert: "Alert", at: datetime) -> bool:
        """Keep an alert, and say whether it is new: the same cause alerts once."""
        ...

    def after(self, sequence: int, limit: int) -> "list[KeptAlert]":
        """Return the alerts that were kept after a sequence number, in order."""
        ...

    def latest(self, limit: int, *, only_open: bool = False) -> "list[KeptAlert]":
        """Return the newest alerts, oldest first; only_open: those that nobody has acknowledged."""
        ...

    def acknowledge(self, prefix: str, at: datetime) -> "KeptAlert":
        """Note that a person has seen the one alert whose id starts with `prefix`; the first time counts."""
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


class Outbox(Protocol):
    """What each channel has yet to tell, and how it fares; times are the machine's.

    A channel is known from the first `gather` on. Raises ConfigurationError when the store cannot be used.
    """

    def gather(self, channel: str, at: datetime) -> "Level | None":
        """Put down what a channel has to tell since the last time, and return the loudest level of it."""
        ...

    def put_by_hand(self, alert: "Alert", channels: Sequence[str], at: datetime) -> "KeptAlert":
        """Keep an alert that the caller tells over these channels itself, so that nobody else does."""
        ...

    def state(self, channel: str) -> "ChannelState": ...

    def states(self) -> "list[ChannelState]":
        """Return how every channel fares that was ever used."""
        ...

    def lease(self, channel: str, at: datetime, until: datetime) -> bool:
        """Take the right to tell over a channel, and say whether it was free; nobody holds it longer than `until`."""
        ...

    def extend(self, channel: str, until: datetime) -> None: ...

    def release(self, channel: str) -> None: ...

    def pending(self, channel: str, limit: int, *, only_loud: bool = False) -> "list[KeptAlert]":
        """Return the first alerts that the channel has yet to tell, in order; only_loud: without those of INFO."""
        ...

    def was_told(self, channel: str, alert: "Alert", since: datetime) -> bool:
        """Say whether one of the same kind about the same position was told over the channel since then."""
        ...

    def note(self, channel: str, kept: "KeptAlert", state: "Delivery", at: datetime) -> None: ...

    def refused(self, channel: str, kept: "KeptAlert") -> int:
        """Count a refusal of one alert, and return how many there were."""
        ...

    def works(self, channel: str) -> None: ...

    def fails(self, channel: str, failures: int, next_try_at: datetime, error: str) -> None: ...


class Notifier(Protocol):
    """One way to reach the person. Its name is safe to show; telling the same alert twice looks like once.

    Raises ChannelDown when the channel does not work now, MessageRefused when it works and will not take this one.
    """

    @property
    def name(self) -> str: ...

    async def tell(self, kept: "KeptAlert") -> None: ...


PolicyCheck = Callable[["SignedPolicy"], bool]
"""Says whether a policy is exactly what its account signed."""


class Policies(Protocol):
    """What people let scripts spend, one policy in use per account and chain. Raises ConfigurationError.

    Whether a signature is right is the reader's to check.
    """

    def keep(self, signed: "SignedPolicy", at: datetime) -> None:
        """Keep a policy, and end the one before it."""
        ...

    def current(self, user: "Address", chain_id: int) -> "SignedPolicy | None":
        """Return the policy that nobody has ended; its own time may be over."""
        ...

    def end(self, user: "Address", chain_id: int, at: datetime) -> bool:
        """End the policy in use, and say whether there was one."""
        ...

    def spent(self, user: "Address", chain_id: int, since: datetime) -> int:
        """Sum up, in USDC base units, what was agreed to since a time and is not known to have spent nothing."""
        ...


class TokenAccounts(Protocol):
    """What accounts hold, and what they let a contract take. Raises what Chain raises."""

    async def holdings(
        self, account: "Address", contract: "Address | None", options: "Mapping[Address, OptionTerms]"
    ) -> "Holdings":
        """Read ETH, USDC and the named option tokens at one block, with what `contract` may take of each."""
        ...

    def revocation(self, token: "Address", account: "Address", contract: "Address") -> "Call":
        """Return the call that takes a permission back."""
        ...


class Retention(Protocol):
    """What the store and the logs drop one day. Raises ConfigurationError when the store cannot be used."""

    def overdue(self, data_set: "DataSet", before: datetime) -> int:
        """Count what a data set has from before a time."""
        ...

    def drop(self, data_set: "DataSet", before: datetime, limit: int) -> int:
        """Drop up to `limit` of it in one transaction, and return how many; 0 when nothing is left to drop."""
        ...

    def give_back(self, most_bytes: int) -> int:
        """Give free room in the store's file back to the disk, and return how many bytes."""
        ...

    def size(self) -> "StoreSize": ...

    def log_bytes(self) -> int: ...


class Ledger(Protocol):
    """What is remembered. Documents are JSON objects as shown to scripts, keyed by their id."""

    def add_snapshot(self, snapshot: MarketSnapshot) -> None: ...

    def add_recommendation(self, recommendation_id: str, at: datetime, document: Mapping[str, object]) -> None: ...

    def recommendation(self, prefix: str) -> Mapping[str, object]: ...


class Understander(Protocol):
    """Finds out what an utterance asks for. Total: any text has an answer, at worst OUT_OF_SCOPE; changes nothing."""

    def understand(self, text: str, now: datetime) -> "Understood":
        """Understand one printable line. now: aware UTC, what "friday" or "in two weeks" counts from."""
        ...


@dataclass(frozen=True, slots=True)
class ReadTool:
    """Something a language model may look up: a name, what it is for, a JSON schema of its arguments, and the look.

    look: returns text, and never raises over its arguments. It changes nothing that is the person's.
    """

    name: str
    purpose: str
    parameters: Mapping[str, object]
    look: Callable[[Mapping[str, object]], str]


class LanguageModel(Protocol):
    """A language model that explains and understands, and can do nothing else: it is given words and read-only tools.

    What it returns is hostile until checked. Raises SourceUnavailable (SourceRateLimited, SourceMalformed) when it is
    down, slow, too long or talks nonsense; what was said until then stays said.
    """

    async def understand(self, text: str, situation: str) -> "Understood":
        """Find out what an utterance asks for. Values are within their bounds, and not otherwise to be trusted."""
        ...

    def answer(self, question: str, facts: Sequence[str], tools: Sequence[ReadTool]) -> AsyncIterator[str]:
        """Answer in prose, piece by piece, from the facts and what the tools return."""
        ...


class Sessions(Protocol):
    """Conversations, for their owner's eyes only. What is handed in must hold no secret."""

    def keep(self, session: "Session") -> None:
        """Write a session whole, in place of what was kept under its name."""
        ...

    def latest(self, network: str) -> "Session | None":
        """Return the newest session of a network, without an open question; None where there is none."""
        ...

    def prune(self, before: datetime) -> int:
        """Forget the sessions that began before a time, and say how many."""
        ...
