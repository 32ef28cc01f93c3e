"""The venue on chain as an approval needs it: series, quotes, calldata, and what a signed call would do.

It reads through the chain port and writes calldata; it signs nothing and sends nothing.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from bethna_cli.adapters.abi import Function, artifact, hash_text
from bethna_cli.adapters.option_book import route_data
from bethna_cli.adapters.signer import intent_digest
from bethna_cli.adapters.signer_child import code_of
from bethna_cli.adapters.signer_sign import APPROVE, intent_values
from bethna_cli.domain.approval import Held, Purse
from bethna_cli.domain.chain import Address, Call, Hash, OfferedFees, Tag
from bethna_cli.domain.errors import ContractMismatch, ContractRefused
from bethna_cli.domain.signing import Approve, CancelNonce, Plan, SignedTransaction, Step, Submit
from bethna_cli.domain.trade import PlannedTrade, Side, TradeIntent
from bethna_cli.domain.venue import RawOrder
from bethna_cli.ports import Chain

UNSIGNED = bytes(65)
_FEE_MARKET = b"\x02"
_FIELDS = (
    *("chain", "nonce", "tip", "max_fee", "gas", "to", "value", "data", "access_list"),
    *("y_parity", "r", "s"),
)
"""Of a transaction of that kind, in their order (EIP-1559)."""


class TokenVenue:
    """`TradingVenue` for SentientTrader and a token router, where USDC is at `usdc`."""

    def __init__(self, chain: Chain, usdc: Address) -> None:
        self._chain = chain
        self._usdc = usdc
        self._token = artifact("DevelopmentUSDC")
        self._router = artifact("ThetanutsTokenRouter")
        self._with_permit = artifact("SentientTrader").function("executeTradeWithPermit")

    async def purse(self, account: Address, contract: Address) -> Purse:
        head = (await self._chain.block()).hash
        reads: list[tuple[Function, tuple[object, ...]]] = [
            (self._token.function("balanceOf"), (account,)),
            (self._token.function("allowance"), (account, contract)),
            (self._token.function("nonces"), (account,)),
        ]
        calls = [Call(self._usdc, function.encode(*arguments)) for function, arguments in reads]
        answers = await self._chain.call_many(calls, head)
        usdc, allowance, permit_nonce = (
            _one(function, answer) for (function, _), answer in zip(reads, answers, strict=True)
        )
        (state,) = await self._chain.accounts([account], head)
        nonce = await self._chain.nonce(account, Tag.PENDING)
        return Purse(state.balance_wei, nonce, usdc, allowance, permit_nonce)

    async def balances(self, account: Address, tokens: Sequence[Address]) -> list[int]:
        function = self._token.function("balanceOf")
        calls = [Call(token, function.encode(account)) for token in tokens]
        # A series that was never filled has no code yet, and so no balance.
        answers = await self._chain.call_many(calls)
        return [0 if answer == b"" else _one(function, answer) for answer in answers]

    async def held(self, account: Address, contract: Address, tokens: Sequence[Address]) -> list[Held]:
        names = (("balanceOf", (account,)), ("allowance", (account, contract)), ("nonces", (account,)))
        reads = [(self._token.function(name), arguments) for name, arguments in names]
        calls = [Call(token, function.encode(*given)) for token in tokens for function, given in reads]
        answers = await self._chain.call_many(calls)
        values = [0 if answer == b"" else _one(reads[n % 3][0], answer) for n, answer in enumerate(answers)]
        return [Held(*values[start : start + 3]) for start in range(0, len(values), 3)]

    async def series(self, order: RawOrder) -> Address:
        function = self._router.function("seriesAddress")
        data = function.encode(order.implementation, order.price_feed, order.strikes, order.expiry)
        (address,) = function.decode(await self._chain.call(Call(order.book, data)))
        return Address(address)

    async def quote(self, intent: TradeIntent, order: RawOrder) -> int | ContractRefused:
        function = self._router.function("quoteBuy" if intent.side is Side.BUY else "quoteSell")
        data = function.encode(intent.option_token, intent.amount_in, route_data(order))
        (answer,) = await self._chain.call_many([Call(intent.router, data, intent.user)])
        return answer if isinstance(answer, ContractRefused) else _one(function, answer)

    async def outcome(self, transaction: SignedTransaction, sender: Address) -> int | ContractRefused:
        (answer,) = await self._chain.call_many([signed_call(transaction, sender)])
        return answer if isinstance(answer, ContractRefused) else _one(self._with_permit, answer)

    def calls(self, plan: Plan, orders: Sequence[RawOrder]) -> list[Call]:
        waiting = iter(orders)
        return [self._unsigned(step, plan, waiting) for step in plan.steps]

    def _unsigned(self, step: Step, plan: Plan, orders: Iterator[RawOrder]) -> Call:
        action, trader = step.action, artifact("SentientTrader")
        if isinstance(action, Approve):
            return Call(action.token, APPROVE.encode(plan.contract, action.amount), plan.user)
        if isinstance(action, CancelNonce):
            return Call(plan.contract, trader.function("cancelNonce").encode(action.nonce), plan.user)
        if not isinstance(action, Submit):
            raise ValueError("a trade's plan gives no money to the watcher")
        values, route = intent_values(plan.intents[action.intent]), route_data(next(orders))
        permit = plan.permit_of(action.intent) if action.with_permit else None
        if permit is None:
            data = trader.function("executeTrade").encode(values, UNSIGNED, action.minimum_out, route)
        else:
            empty = (permit.deadline_s, 0, bytes(32), bytes(32))
            data = self._with_permit.encode(values, UNSIGNED, action.minimum_out, route, *empty)
        return Call(plan.contract, data, plan.user)

    def offered(self, transaction: SignedTransaction) -> OfferedFees:
        fields = _fields(transaction)
        return OfferedFees(int.from_bytes(fields["max_fee"], "big"), int.from_bytes(fields["tip"], "big"))

    def route(self, order: RawOrder) -> bytes:
        return route_data(order)

    def digest(self, trade: PlannedTrade) -> Hash:
        return hash_text(intent_digest(trade.intent, trade.domain.chain_id, trade.domain.verifying_contract))

    def code(self, plan: Plan) -> str:
        return code_of(plan)


def signed_call(transaction: SignedTransaction, sender: Address) -> Call:
    """Return the call that a signed transaction makes, read from its bytes."""
    fields = _fields(transaction)
    return Call(Address("0x" + fields["to"].hex()), fields["data"], sender, int.from_bytes(fields["value"], "big"))


def _fields(transaction: SignedTransaction) -> dict[str, bytes]:
    """Read what the signer has written. Raises ValueError unless it is a transaction as EIP-1559 has them.

    By itself, because to load eth-account takes a second.
    """
    import rlp

    if transaction.raw[:1] != _FEE_MARKET:
        raise ValueError("a signed transaction of another kind")
    return dict(zip(_FIELDS, rlp.decode(transaction.raw[1:]), strict=True))


def _one(function: Function, answer: bytes | ContractRefused) -> Any:
    """Read the one value that a view function returns."""
    if isinstance(answer, ContractRefused):
        raise ContractMismatch(f"The contract has no {function.name}().") from answer
    (value,) = function.decode(answer)
    return value
