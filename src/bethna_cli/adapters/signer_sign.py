"""What the signer does with a key: sign the intents, the permits and the transactions of one plan that was allowed.

Typed data and calldata are written here from the plan's fields; nothing that arrives ready-made is signed. eth-account
does the signing.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bethna_cli.adapters.abi import Function, artifact, hash_text
from bethna_cli.adapters.option_book import fill_data, fill_digest, read_route, require_order
from bethna_cli.domain.chain import Address
from bethna_cli.domain.errors import PlanRefused
from bethna_cli.domain.policy import SpendingPolicy
from bethna_cli.domain.signing import (
    Approve,
    CancelNonce,
    FillOrder,
    MakeWay,
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
POLICY_TYPES: Mapping[str, str] = {
    "user": "address",
    "maxPerTrade": "uint256",
    "maxPerDay": "uint256",
    "validFrom": "uint256",
    "validUntil": "uint256",
}
POLICY_DOMAIN = ("bethna spending policy", "1")
"""Of its own: nothing that a contract accepts has this name."""
SERIES_DOMAIN = ("OptionSeries", "1")
"""Name and version of the EIP-712 domain that every series of the token router has for its permits."""
_INTENT_TUPLE = f"({','.join(INTENT_TYPES.values())})"
APPROVE = Function("approve", ("address", "uint256"), ("bool",))


def signed_plan(
    plan: Plan, pins: Pins, key: PrivateKey, routes: Sequence[bytes], steps: Sequence[Step] | None = None
) -> SignedPlan:
    """Sign a plan that `require_allowed` has let through, or some of its steps and all of its intents.

    routes: the venue's quote for each submission among the steps, in order. Raises PlanRefused when the key is another
    account's, or the number of quotes does not fit.
    """
    from eth_account import Account

    account: LocalAccount = Account.from_key(key.octets)
    if account.address.lower() != plan.user:
        raise PlanRefused(f"The key is not that of {plan.user}.")
    wanted = plan.steps if steps is None else tuple(steps)
    submissions = sum(isinstance(step.action, Submit | FillOrder) for step in wanted)
    if len(routes) != submissions:
        raise PlanRefused(f"There are {len(routes)} quotes for {submissions} submissions.")
    intents = tuple(_signed_intent(intent, plan, account) for intent in plan.intents)
    desk = _Desk(plan, pins, account, intents, iter(routes))
    policy = None if plan.policy is None else _signed_policy(plan.policy, account)
    return SignedPlan(intents, tuple(_signed_step(step, desk) for step in wanted), policy)


@dataclass(frozen=True, slots=True)
class _Desk:
    """One plan at work: its key, its signed intents, and the quotes that are still to be used."""

    plan: Plan
    pins: Pins
    account: "LocalAccount"
    intents: Sequence[SignedIntent]
    routes: Iterator[bytes]


def _signed_step(step: Step, desk: _Desk) -> tuple[SignedTransaction, ...]:
    """Sign a step, and its dearer forms."""
    call = _call(step, desk)
    return tuple(_signed_transaction(step, bump, *call, desk) for bump in range(step.bumps + 1))


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
    if plan.fills_book:
        return SignedIntent(fill_digest(intent, plan.chain_id, plan.contract), b"")  # the transaction is what is signed
    domain = {
        "name": "SentientTrader",
        "version": "1",
        "chainId": plan.chain_id,
        "verifyingContract": plan.contract,
    }
    message = dict(zip(INTENT_TYPES, intent_values(intent), strict=True))
    digest, signature = _typed(domain, "TradeIntent", INTENT_TYPES, message, account)
    return SignedIntent(hash_text(digest), signature)


def policy_values(policy: SpendingPolicy) -> tuple[object, ...]:
    """Return a policy's fields in the order in which they are signed."""
    return (policy.user, policy.max_per_trade, policy.max_per_day, policy.valid_from_s, policy.valid_until_s)


def _signed_policy(policy: SpendingPolicy, account: "LocalAccount") -> SignedIntent:
    name, version = POLICY_DOMAIN
    domain = {"name": name, "version": version, "chainId": policy.chain_id, "verifyingContract": policy.contract}
    message = dict(zip(POLICY_TYPES, policy_values(policy), strict=True))
    digest, signature = _typed(domain, "SpendingPolicy", POLICY_TYPES, message, account)
    return SignedIntent(hash_text(digest), signature)


def _signed_permit(permit: Permit, desk: _Desk) -> bytes:
    """Sign for the token that the intent gives: USDC, or a series of the token router, each with its own domain."""
    plan, pins, intent = desk.plan, desk.pins, desk.plan.intents[permit.intent]
    is_buy = intent.side is Side.BUY
    name, version = (pins.usdc_name, pins.usdc_version) if is_buy else SERIES_DOMAIN
    domain = {
        "name": name,
        "version": version,
        "chainId": plan.chain_id,
        "verifyingContract": pins.usdc if is_buy else intent.option_token,
    }
    message = {
        "owner": plan.user,
        "spender": plan.contract,
        "value": intent.amount_in,
        "nonce": permit.nonce,
        "deadline": permit.deadline_s,
    }
    return _typed(domain, "Permit", PERMIT_TYPES, message, desk.account)[1]


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


def _call(step: Step, desk: _Desk) -> tuple[Address, bytes, int]:
    """Return where a transaction goes, its calldata and its value in wei."""
    action, plan = step.action, desk.plan
    if isinstance(action, Approve):
        return action.token, APPROVE.encode(plan.contract, action.amount), 0
    if isinstance(action, CancelNonce):
        return plan.contract, artifact("SentientTrader").function("cancelNonce").encode(action.nonce), 0
    if isinstance(action, Submit):
        return plan.contract, _submission(action, desk), 0
    if isinstance(action, FillOrder):
        return plan.contract, _fill(action, desk), 0
    if isinstance(action, MakeWay):
        return plan.user, b"", 0
    if desk.pins.watcher is None:
        raise PlanRefused("No watcher is set up.", hint="bethna config set watcher_address")
    return desk.pins.watcher, b"", action.amount_wei


def _submission(action: Submit, desk: _Desk) -> bytes:
    intent, signature = desk.plan.intents[action.intent], desk.intents[action.intent].signature
    trader, values, route = artifact("SentientTrader"), intent_values(intent), next(desk.routes)
    permit = desk.plan.permit_of(action.intent) if action.with_permit else None
    if permit is not None:
        signed = _signed_permit(permit, desk)
        parts = (permit.deadline_s, signed[64], signed[:32], signed[32:64])
        function = trader.function("executeTradeWithPermit")
        return function.encode(values, signature, action.minimum_out, route, *parts)
    if intent.side is Side.BUY:
        return trader.function("buyOption", f"({_INTENT_TUPLE},bytes,bytes)").encode(values, signature, route)
    return trader.function("executeTrade").encode(values, signature, action.minimum_out, route)


def _fill(action: FillOrder, desk: _Desk) -> bytes:
    """Write a direct fill, of the very order that the plan names and no other."""
    plan, intent = desk.plan, desk.plan.intents[action.intent]
    order = read_route(next(desk.routes), plan.chain_id, plan.contract)
    require_order(order, intent, desk.pins.usdc)
    return fill_data(order, intent.quoted_amount_out)


def _signed_transaction(
    step: Step, bump: int, to: Address, data: bytes, value_wei: int, desk: _Desk
) -> SignedTransaction:
    from eth_utils.address import to_checksum_address

    signed = desk.account.sign_transaction(
        {
            "type": 2,
            "chainId": desk.plan.chain_id,
            "nonce": step.nonce,
            "to": to_checksum_address(to),
            "data": data,
            "value": value_wei,
            "gas": step.gas,
            "maxFeePerGas": step.max_fee_wei << bump,
            "maxPriorityFeePerGas": step.tip_wei << bump,
        }
    )
    return SignedTransaction(hash_text(bytes(signed.hash)), step.nonce, bytes(signed.raw_transaction))
