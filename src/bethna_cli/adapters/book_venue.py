"""The order book as an approval needs it, filled from the person's own account: EXPERIMENTAL until run on a fork.

Nothing there is a token: an order is named by its handle, and what was bought is a role on a contract of its own. There
is no slippage: an order is filled at its signed price, or the call reverts. It reads and writes calldata; it signs
nothing and sends nothing.
"""

from collections.abc import Callable, Sequence
from typing import Any

from bethna_cli.adapters.abi import Function, artifact
from bethna_cli.adapters.book_evidence import book_fills
from bethna_cli.adapters.option_book import (
    FILL,
    fill_data,
    fill_digest,
    order_digest,
    order_handle,
    order_nonce,
    order_values,
    route_data,
)
from bethna_cli.adapters.signer_child import code_of
from bethna_cli.adapters.signer_sign import APPROVE
from bethna_cli.adapters.token_venue import TokenVenue, signed_call
from bethna_cli.domain.approval import Held, Purse
from bethna_cli.domain.chain import NO_ADDRESS, Address, Call, Hash, OfferedFees
from bethna_cli.domain.errors import ContractMismatch, ContractRefused
from bethna_cli.domain.signing import Approve, FillOrder, Plan, SignedTransaction
from bethna_cli.domain.trade import PlannedTrade, TradeIntent
from bethna_cli.domain.units import PriceE8, proceeds_of
from bethna_cli.domain.venue import RawOrder
from bethna_cli.ports import Chain

CANCELLED = 2**256 - 1


class BookVenue:
    """`TradingVenue` for the OptionBook at `place`, where USDC is at `usdc`.

    filled: gives the transaction that filled the order of a handle, None when none did.
    """

    def __init__(self, chain: Chain, place: Address, usdc: Address, filled: Callable[[Address], Hash | None]) -> None:
        self._chain = chain
        self._place = place
        self._filled = filled
        self._tokens = TokenVenue(chain, usdc)
        self._book = artifact("DevelopmentOptionBook")
        self._option = artifact("DevelopmentBookOption")

    async def purse(self, account: Address, contract: Address) -> Purse:
        return await self._tokens.purse(account, contract)

    async def balances(self, account: Address, tokens: Sequence[Address]) -> list[int]:
        return [await self._owned(account, token) for token in tokens]

    async def held(self, account: Address, contract: Address, tokens: Sequence[Address]) -> list[Held]:  # noqa: ARG002
        return [Held(balance, 0, 0) for balance in await self.balances(account, tokens)]

    async def _owned(self, account: Address, handle: Address) -> int:
        """Count the contracts of a filled order whose buyer the account still is."""
        transaction = self._filled(handle)
        receipt = None if transaction is None else await self._chain.receipt(transaction)
        if receipt is None:
            return 0
        views = [(self._option.function(name), ()) for name in ("buyer", "optionSettled", "numContracts")]
        owned = 0
        for fill in book_fills(receipt.logs, self._place):
            buyer, is_settled, contracts = await self._views(fill.option, views)
            owned += int(contracts) if buyer == account and not is_settled else 0
        return owned

    async def series(self, order: RawOrder) -> Address:
        return order_handle(order)

    async def quote(self, intent: TradeIntent, order: RawOrder) -> int | ContractRefused:
        """Say how many contracts the book lets the intent have now, by its own views and this order's terms."""
        contracts, head = intent.quoted_amount_out, await self._chain.block()
        if order_handle(order) != intent.option_token:
            return ContractRefused("AnotherOrder", {"order": order_handle(order)})
        if head.timestamp_s > order.order_expiry_timestamp or head.timestamp_s >= order.expiry:
            return ContractRefused("Order expired", {"at": order.order_expiry_timestamp})
        valid, collateral = await self._valid(intent.router, order, contracts)
        digest, used, cutoff, least, cheapest = await self._limits(intent.router, order)
        if digest != order_digest(order):
            return ContractRefused("Signer not authorized", {"order": order_handle(order)})
        if used == CANCELLED or order.order_expiry_timestamp < cutoff:
            return ContractRefused("Order cancelled", {"order": order_handle(order)})
        if used + collateral > order.max_collateral_usable:
            return ContractRefused("Exceeds max collateral", {"left": order.max_collateral_usable - used})
        if contracts < least or proceeds_of(contracts, PriceE8(order.price)) < cheapest:
            return ContractRefused("Too few contracts", {"contracts": contracts, "minimum": least})
        return min(int(valid), contracts)

    async def _valid(self, book: Address, order: RawOrder, contracts: int) -> tuple[int, int]:
        function = self._book.function("getValidNumContracts")
        data = function.encode(order.implementation, order.strikes, contracts)
        valid, collateral = function.decode(await self._chain.call(Call(book, data)))
        return int(valid), int(collateral)

    async def _limits(self, book: Address, order: RawOrder) -> list[Any]:
        return await self._views(
            book,
            [
                (self._book.function("hashOrder"), (order_values(order),)),
                (self._book.function("amountFilled"), (order_nonce(order),)),
                (self._book.function("makerCancellationCutoff"), (order.maker,)),
                (self._book.function("minNumContracts"), ()),
                (self._book.function("minPremiumAmount"), ()),
            ],
        )

    async def _views(self, place: Address, asked: Sequence[tuple[Function, tuple[object, ...]]]) -> list[Any]:
        """Call views of one contract in one batch. Raises ContractMismatch when one of them is not there."""
        calls = [Call(place, function.encode(*arguments)) for function, arguments in asked]
        found = []
        for (function, _), output in zip(asked, await self._chain.call_many(calls), strict=True):
            if isinstance(output, ContractRefused):
                raise ContractMismatch(f"The contract at {place} has no {function.name}().") from output
            (value,) = function.decode(output)
            found.append(value)
        return found

    async def outcome(self, transaction: SignedTransaction, sender: Address) -> int | ContractRefused:
        call = signed_call(transaction, sender)
        (answer,) = await self._chain.call_many([call])
        if isinstance(answer, ContractRefused):
            return answer
        (option,) = FILL.decode(answer)
        order, _, _ = FILL.decode_input(call.data)
        return 0 if option == NO_ADDRESS else int(order[11])

    def calls(self, plan: Plan, orders: Sequence[RawOrder]) -> list[Call]:
        waiting, found = iter(orders), []
        for step in plan.steps:
            action = step.action
            if isinstance(action, Approve):
                found.append(Call(action.token, APPROVE.encode(plan.contract, action.amount), plan.user))
            elif isinstance(action, FillOrder):
                contracts = plan.intents[action.intent].quoted_amount_out
                found.append(Call(plan.contract, fill_data(next(waiting), contracts), plan.user))
            else:
                raise ValueError("a direct fill needs nothing else")
        return found

    def offered(self, transaction: SignedTransaction) -> OfferedFees:
        return self._tokens.offered(transaction)

    def route(self, order: RawOrder) -> bytes:
        return route_data(order)

    def digest(self, trade: PlannedTrade) -> Hash:
        return fill_digest(trade.intent, trade.domain.chain_id, trade.domain.verifying_contract)

    def code(self, plan: Plan) -> str:
        return code_of(plan)
