"""One EVM chain, and the contracts on it that trades go through."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from bethna_cli.domain.errors import ContractRefused

if TYPE_CHECKING:
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
    from bethna_cli.domain.holdings import Holdings
    from bethna_cli.domain.position import OptionTerms


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
