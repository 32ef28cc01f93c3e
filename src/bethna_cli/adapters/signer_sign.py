"""What the signer does with a key: sign the intents, the permit and the transactions of one plan that was allowed.

Typed data and calldata are written here from the plan's fields; nothing that arrives ready-made is signed. eth-account
does the signing.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from bethna_cli.adapters.abi import Function, artifact, hash_text
from bethna_cli.domain.chain import Address
from bethna_cli.domain.errors import PlanRefused
from bethna_cli.domain.signing import (
    Approve,
    CancelNonce,
    Permit,
    Pins,
    Plan,
    SignedIntent,
    SignedPlan,
    SignedTransaction,
    Step,
    Submit,
)
from bethna_cli.domain.trade import Side, TradeIntent
from bethna_cli.domain.wallet import PrivateKey

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount

INTENT_TYPES: Mapping[str, str] = {
    "user": "address",
    "executor": "address",
    "side": "uint8",
    "optionToken": "address",
    "router": "address",
    "amountIn": "uint256",
    "quotedAmountOut": "uint256",
    "minAmountOut": "uint256",
    "nonce": "uint256",
    "deadline": "uint256",
    "ref": "bytes32",
}
PERMIT_TYPES: Mapping[str, str] = {
    "owner": "address",
    "spender": "address",
    "value": "uint256",
    "nonce": "uint256",
    "deadline": "uint256",
}
_INTENT_TUPLE = f"({','.join(INTENT_TYPES.values())})"
APPROVE = Function("approve", ("address", "uint256"), ("bool",))


def signed_plan(plan: Plan, pins: Pins, key: PrivateKey, routes: Sequence[bytes]) -> SignedPlan:
    """Sign a plan that `require_allowed` has let through. routes: the venue's quote for each submission, in order.

    Raises PlanRefused when the key is another account's, or the number of quotes does not fit.
    """
    from eth_account import Account

    account: LocalAccount = Account.from_key(key.octets)
    if account.address.lower() != plan.user:
        raise PlanRefused(f"The key is not that of {plan.user}.")
    if len(routes) != len(plan.submissions):
        raise PlanRefused(f"There are {len(routes)} quotes for {len(plan.submissions)} submissions.")
    intents = tuple(_signed_intent(intent, plan, account) for intent in plan.intents)
    permit = None if plan.permit is None else _signed_permit(plan.permit, plan, pins, account)
    waiting = iter(routes)
    transactions = tuple(
        _signed_transaction(step, *_call(step, plan, pins, intents, permit, waiting), plan, account)
        for step in plan.steps
    )
    return SignedPlan(intents, permit, transactions)


def intent_values(intent: TradeIntent) -> tuple[object, ...]:
    """Return an intent's fields as the contract's tuple has them."""
    return (
        intent.user,
        intent.executor,
        int(intent.side),
        intent.option_token,
        intent.router,
        intent.amount_in,
        intent.quoted_amount_out,
        intent.min_amount_out,
        intent.nonce,
        intent.deadline_s,
        bytes.fromhex(intent.ref[2:]),
    )


def _signed_intent(intent: TradeIntent, plan: Plan, account: "LocalAccount") -> SignedIntent:
    domain = {
        "name": "SentientTrader",
        "version": "1",
        "chainId": plan.chain_id,
        "verifyingContract": plan.contract,
    }
    message = dict(zip(INTENT_TYPES, intent_values(intent), strict=True))
    digest, signature = _typed(domain, "TradeIntent", INTENT_TYPES, message, account)
    return SignedIntent(hash_text(digest), signature)


def _signed_permit(permit: Permit, plan: Plan, pins: Pins, account: "LocalAccount") -> bytes:
    domain = {
        "name": pins.usdc_name,
        "version": pins.usdc_version,
        "chainId": plan.chain_id,
        "verifyingContract": pins.usdc,
    }
    message = {
        "owner": plan.user,
        "spender": plan.contract,
        "value": permit.amount,
        "nonce": permit.nonce,
        "deadline": permit.deadline_s,
    }
    return _typed(domain, "Permit", PERMIT_TYPES, message, account)[1]


def _typed(
    domain: Mapping[str, object],
    name: str,
    types: Mapping[str, str],
    message: Mapping[str, object],
    account: "LocalAccount",
) -> tuple[bytes, bytes]:
    """Hash and sign one typed document, and return both."""
    from eth_account.messages import encode_typed_data

    fields = [{"name": field, "type": kind} for field, kind in types.items()]
    signed = account.sign_message(encode_typed_data(dict(domain), {name: fields}, dict(message)))
    return bytes(signed.message_hash), bytes(signed.signature)


def _call(
    step: Step,
    plan: Plan,
    pins: Pins,
    intents: Sequence[SignedIntent],
    permit: bytes | None,
    routes: Iterator[bytes],
) -> tuple[Address, bytes, int]:
    """Return where a transaction goes, its calldata and its value in wei."""
    action = step.action
    if isinstance(action, Approve):
        return action.token, APPROVE.encode(plan.contract, action.amount), 0
    if isinstance(action, CancelNonce):
        return plan.contract, artifact("SentientTrader").function("cancelNonce").encode(action.nonce), 0
    if isinstance(action, Submit):
        signature = intents[action.intent].signature
        return plan.contract, _submission(action, plan, signature, permit, next(routes)), 0
    if pins.watcher is None:
        raise PlanRefused("No watcher is set up.", hint="bethna config set watcher_address")
    return pins.watcher, b"", action.amount_wei


def _submission(action: Submit, plan: Plan, signature: bytes, permit: bytes | None, route: bytes) -> bytes:
    intent = plan.intents[action.intent]
    trader = artifact("SentientTrader")
    values = intent_values(intent)
    if action.with_permit and permit is not None and plan.permit is not None:
        parts = (plan.permit.deadline_s, permit[64], permit[:32], permit[32:64])
        function = trader.function("executeTradeWithPermit")
        return function.encode(values, signature, action.minimum_out, route, *parts)
    if intent.side is Side.BUY:
        return trader.function("buyOption", f"({_INTENT_TUPLE},bytes,bytes)").encode(values, signature, route)
    return trader.function("executeTrade").encode(values, signature, action.minimum_out, route)


def _signed_transaction(
    step: Step, to: Address, data: bytes, value_wei: int, plan: Plan, account: "LocalAccount"
) -> SignedTransaction:
    from eth_utils.address import to_checksum_address

    signed = account.sign_transaction(
        {
            "type": 2,
            "chainId": plan.chain_id,
            "nonce": step.nonce,
            "to": to_checksum_address(to),
            "data": data,
            "value": value_wei,
            "gas": step.gas,
            "maxFeePerGas": step.max_fee_wei,
            "maxPriorityFeePerGas": step.tip_wei,
        }
    )
    return SignedTransaction(hash_text(bytes(signed.hash)), step.nonce, bytes(signed.raw_transaction))
