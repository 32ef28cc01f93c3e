"""What bethna needs from outside, as Protocols. A Protocol's docstring is its contract.

Every method raises a `BethnaError` subclass when it cannot answer; none answers with an invented or stale number,
an empty list for an outage, or an exception of the library underneath.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from bethna_cli.domain.errors import ContractRefused
from bethna_cli.domain.market import (
    Asset,
    Funding,
    MarketSnapshot,
    OptionBoard,
    PriceHistory,
    Sentiment,
    SpotPrice,
)
from bethna_cli.domain.model import Forest, History, Shares, Split, TrainingSet

if TYPE_CHECKING:  # a look at the market has no use for the chain's nouns, and they cost 10 ms
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
        Tag,
        UnsignedTransaction,
    )


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
        """Ask every endpoint now for its chain id, and where there are several for the block at the lower head."""
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


class TraderContracts(Protocol):
    """SentientTrader contracts on one chain: their state, and the transactions that create and steer them."""

    async def state(self, address: "Address", routers: "Sequence[Address]" = ()) -> "ContractState":
        """Read everything at one block; `routers` besides the default one. Raises ContractMismatch."""
        ...

    async def router_usdc(self, router: "Address") -> "Address":
        """Ask a token router which USDC it trades in. Raises ContractMismatch when it does not say."""
        ...

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


class Ledger(Protocol):
    """What is remembered. Documents are JSON objects as shown to scripts, keyed by their id."""

    def add_snapshot(self, snapshot: MarketSnapshot) -> None: ...

    def add_recommendation(self, recommendation_id: str, at: datetime, document: Mapping[str, object]) -> None: ...

    def recommendation(self, prefix: str) -> Mapping[str, object]: ...
