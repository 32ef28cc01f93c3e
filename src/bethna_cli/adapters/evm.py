"""The chain over JSON-RPC: several endpoints, each held to its chain id, none believed beyond what it can show.

A read goes to the first endpoint that answers; a send goes out once. With two or more endpoints `check` and confirmed
receipts need them all to agree. It holds no key and signs nothing.
"""

from collections.abc import Awaitable, Callable, Sequence
from statistics import median_low
from typing import TypeVar

from bethna_cli.adapters import abi, evm_wire
from bethna_cli.adapters.evm_endpoint import Endpoint
from bethna_cli.adapters.evm_logs import proven_section
from bethna_cli.adapters.evm_send import send_once
from bethna_cli.adapters.evm_wire import strictly
from bethna_cli.adapters.rpc import JsonRpc, NotSent
from bethna_cli.adapters.rpc_answers import Request
from bethna_cli.domain.chain import (
    Account,
    Address,
    Block,
    BlockAt,
    Call,
    Fees,
    Hash,
    Log,
    LogQuery,
    Receipt,
    Section,
    Tag,
)
from bethna_cli.domain.errors import (
    ConfigurationError,
    ContractRefused,
    EndpointsDisagree,
    NodeBehind,
    SourceMalformed,
    SourceStale,
    SourceUnavailable,
    UsageError,
)
from bethna_cli.ports import Clock

T = TypeVar("T")

LONGEST_LOG_RANGE = 10_000
FEE_BLOCKS = 10
AGREEMENT_LOOKS = 3
"""How often two heads are compared before a difference is no longer a reorganisation seen halfway."""


class EvmChain:
    """`Chain` over one or more endpoints.

    max_block_age_s: how old, by `clock`, or how far ahead of it, the newest block may be; None on a chain whose time is
    not the wall clock's.
    """

    def __init__(
        self, chain_id: int, endpoints: Sequence[JsonRpc], clock: Clock, *, max_block_age_s: float | None = None
    ) -> None:
        if not endpoints:
            raise ConfigurationError("No RPC endpoint is set.", hint="bethna config set rpc_url")
        self._chain_id = chain_id
        self._endpoints = tuple(Endpoint(rpc, chain_id) for rpc in endpoints)
        self._clock = clock
        self._max_block_age_s = max_block_age_s

    @property
    def chain_id(self) -> int:
        return self._chain_id

    @property
    def endpoints(self) -> int:
        return len(self._endpoints)

    async def aclose(self) -> None:
        for endpoint in self._endpoints:
            await endpoint.rpc.aclose()

    # ── can it be believed ────────────────────────────────────────────────────────────────────────────────────

    async def check(self) -> None:
        reachable: list[Endpoint] = []
        failure = SourceUnavailable("rpc", "no endpoint is set")
        for endpoint in self._endpoints:
            try:
                await endpoint.check_chain()
                reachable.append(endpoint)
            except SourceUnavailable as error:
                failure = error
        if failure is not None and not reachable:
            raise failure
        await self.block()
        if len(reachable) > 1:
            await self._check_agreement(reachable)

    async def _check_agreement(self, endpoints: Sequence[Endpoint]) -> None:
        """Raise EndpointsDisagree unless all have the same block at the lower head."""
        for _ in range(AGREEMENT_LOOKS):
            lower = min([await endpoint.block(Tag.LATEST) for endpoint in endpoints], key=lambda block: block.number)
            hashes = {(await endpoint.block(lower.number)).hash for endpoint in endpoints}
            if len(hashes) == 1:
                return
        raise EndpointsDisagree(
            f"{len(endpoints)} RPC endpoints have different blocks at height {lower.number}.", hint="bethna doctor"
        )

    async def _first(self, work: Callable[[Endpoint], Awaitable[T]]) -> T:
        """Do `work` on the first endpoint that can, in the order of the settings. Raises the last one's failure."""
        failure = SourceUnavailable("rpc", "no endpoint is set")
        for endpoint in self._endpoints:
            try:
                return await work(endpoint)
            except SourceUnavailable as error:
                failure = error
        raise failure

    # ── reads ─────────────────────────────────────────────────────────────────────────────────────────────────

    async def block(self, at: BlockAt = Tag.LATEST) -> Block:
        async def work(endpoint: Endpoint) -> Block:
            block = await endpoint.block(at)
            if at is Tag.LATEST:
                self._check_age(endpoint.name, block)
            return block

        return await self._first(work)

    def _check_age(self, name: str, block: Block) -> None:
        if self._max_block_age_s is None:
            return
        age_s = self._clock.now().timestamp() - block.timestamp_s
        if age_s > self._max_block_age_s:
            raise SourceStale(name, age_s, self._max_block_age_s)
        if age_s < -self._max_block_age_s:
            raise SourceUnavailable(name, f"its newest block is {-age_s:.0f} s ahead of this machine's clock")

    async def call(self, call: Call, at: BlockAt = Tag.LATEST) -> bytes:
        (answer,) = await self.call_many([call], at)
        if isinstance(answer, ContractRefused):
            raise answer
        return answer

    async def call_many(self, calls: Sequence[Call], at: BlockAt = Tag.LATEST) -> list[bytes | ContractRefused]:
        place = evm_wire.block_param(at)
        requests: list[Request] = [("eth_call", [evm_wire.call_param(call), place]) for call in calls]

        async def work(endpoint: Endpoint) -> list[bytes | ContractRefused]:
            return [
                answer
                if isinstance(answer, ContractRefused)
                else strictly(endpoint.name, "a call's result", evm_wire.data, answer)
                for answer in await endpoint.ask(requests)
            ]

        return await self._first(work)

    async def accounts(self, addresses: Sequence[Address], at: BlockAt = Tag.LATEST) -> list[Account]:
        place = evm_wire.block_param(at)
        methods = ("eth_getBalance", "eth_getTransactionCount", "eth_getCode")
        requests: list[Request] = [(method, [one, place]) for one in addresses for method in methods]

        async def work(endpoint: Endpoint) -> list[Account]:
            answers = await endpoint.read(requests)
            triples = [(one, *answers[3 * n : 3 * n + 3]) for n, one in enumerate(addresses)]
            return [strictly(endpoint.name, "an account", evm_wire.account_of, triple) for triple in triples]

        return await self._first(work)

    async def nonce(self, address: Address, at: BlockAt = Tag.LATEST) -> int:
        request: Request = ("eth_getTransactionCount", [address, evm_wire.block_param(at)])

        async def work(endpoint: Endpoint) -> int:
            (answer,) = await endpoint.read([request])
            return strictly(endpoint.name, "a nonce", evm_wire.count, answer)

        return await self._first(work)

    async def fees(self) -> Fees:
        requests: list[Request] = [
            ("eth_feeHistory", [hex(FEE_BLOCKS), "latest", [50]]),
            ("eth_maxPriorityFeePerGas", []),
        ]

        async def work(endpoint: Endpoint) -> Fees:
            history, suggested = await endpoint.read(requests)
            return strictly(endpoint.name, "the fee history", _fees_of, (history, suggested))

        return await self._first(work)

    async def estimate_gas(self, call: Call) -> int:
        async def work(endpoint: Endpoint) -> int:
            (answer,) = await endpoint.read([("eth_estimateGas", [evm_wire.call_param(call)])])
            return strictly(endpoint.name, "a gas estimate", evm_wire.count, answer)

        return await self._first(work)

    async def logs(self, query: LogQuery, first: int, last: int) -> list[Log]:
        return list((await self.section([query], first, last)).logs)

    async def section(self, queries: Sequence[LogQuery], first: int, last: int) -> Section:
        if not 0 <= first <= last < first + LONGEST_LOG_RANGE:
            raise UsageError(f"Logs of blocks {first} to {last}: at most {LONGEST_LOG_RANGE} blocks at a time.")
        return await self._first(lambda endpoint: proven_section(endpoint, queries, first, last))

    # ── transactions ──────────────────────────────────────────────────────────────────────────────────────────

    async def send_raw(self, raw: bytes) -> Hash:
        own_hash = abi.hash_text(abi.keccak(raw))
        failure = SourceUnavailable("rpc", "no endpoint is set")
        for endpoint in self._endpoints:
            try:
                await endpoint.check_chain()
            except SourceUnavailable as error:
                failure = error
                continue
            try:
                return await send_once(endpoint, raw, own_hash)
            except NotSent as unsent:
                failure = unsent.error
        raise failure

    async def receipt(self, transaction: Hash, at: Tag = Tag.LATEST, *, confirmed: bool = False) -> Receipt | None:
        if not confirmed:
            return await self._any_receipt(transaction, at)
        found = [await _receipt(endpoint, transaction, at) for endpoint in self._endpoints]
        if None in found:
            return None
        if len(set(found)) > 1:
            raise EndpointsDisagree(f"RPC endpoints tell different outcomes of {transaction}.", hint="bethna doctor")
        return found[0]

    async def _any_receipt(self, transaction: Hash, at: Tag) -> Receipt | None:
        """Ask on when an endpoint has none: one that hides it, or lags, must not make it unseen."""
        failure: SourceUnavailable | None = None
        for endpoint in self._endpoints:
            try:
                found = await _receipt(endpoint, transaction, at)
            except SourceUnavailable as error:
                failure = error
                continue
            if found is not None:
                return found
        if failure is not None:
            raise failure
        return None


async def _receipt(endpoint: Endpoint, transaction: Hash, at: Tag) -> Receipt | None:
    answer, limit = await endpoint.read(
        [("eth_getTransactionReceipt", [transaction]), ("eth_getBlockByNumber", [at.value, False])]
    )
    if answer is None:
        return None
    receipt = strictly(endpoint.name, "a receipt", evm_wire.receipt_of, answer)
    if receipt.transaction_hash != transaction:
        raise SourceMalformed(endpoint.name, "it answered with another receipt")
    if limit is None:
        return None
    if receipt.block_number > strictly(endpoint.name, "a block", evm_wire.block_of, limit).number:
        return None
    mined_in = await endpoint.block(receipt.block_number)
    if mined_in.hash != receipt.block_hash:
        raise NodeBehind(endpoint.name, "its receipt is of a block that has left the chain")
    return receipt


def _fees_of(answers: tuple[object, object]) -> Fees:
    history, suggested = answers
    if not isinstance(history, dict):
        raise TypeError("not a fee history")
    base_fees = [evm_wire.quantity(fee) for fee in history["baseFeePerGas"]]
    tips = [evm_wire.quantity(share[0]) for share in history.get("reward") or [] if share]
    paid = [tip for tip in tips if tip]
    return Fees(base_fee_wei=base_fees[-1], tip_wei=median_low(paid) if paid else evm_wire.quantity(suggested))
