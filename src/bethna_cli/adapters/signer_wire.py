"""Plans and signatures as they pass between bethna and its signer: one JSON document a line, read strictly.

An unknown field, a number as text, a fraction, a repeated key: each makes the whole plan unreadable, and nothing is
signed. Libraries that hash typed data overlook all of these.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import IO, Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from bethna_cli.adapters.wire import read_json
from bethna_cli.domain.chain import Address, Hash
from bethna_cli.domain.errors import (
    BethnaError,
    ConfigurationError,
    KeystoreRefused,
    NotFound,
    PlanRefused,
    WrongPassword,
)
from bethna_cli.domain.policy import SignedPolicy, SpendingPolicy
from bethna_cli.domain.signing import (
    MOST_BUMPS,
    Approve,
    CancelNonce,
    FillOrder,
    FundWatcher,
    MakeWay,
    Permit,
    Plan,
    SignedIntent,
    SignedPlan,
    SignedTransaction,
    Step,
    Submit,
)
from bethna_cli.domain.trade import Side, TradeIntent

LONGEST_LINE = 512 * 1024
MOST_ITEMS = 32
LONGEST_ROUTE = 16 * 1024
PLAN_ERRORS: Mapping[str, type[BethnaError]] = {
    error.code: error for error in (PlanRefused, WrongPassword, KeystoreRefused, NotFound)
}

_Address = Annotated[str, StringConstraints(pattern=r"^0x[0-9a-f]{40}$")]
_Hash = Annotated[str, StringConstraints(pattern=r"^0x[0-9a-f]{64}$")]
_Uint = Annotated[int, Field(ge=0, lt=2**256)]
_Uint64 = Annotated[int, Field(ge=0, lt=2**64)]
_Index = Annotated[int, Field(ge=0, lt=MOST_ITEMS)]
_Octets = Annotated[str, StringConstraints(pattern=r"^0x([0-9a-f]{2})*$", max_length=2 * LONGEST_ROUTE + 2)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


class _Intent(_Strict):
    user: _Address
    executor: _Address
    side: Literal[0, 1]
    option_token: _Address
    router: _Address
    amount_in: _Uint
    quoted_amount_out: _Uint
    min_amount_out: _Uint
    nonce: _Uint
    deadline_s: _Uint64
    ref: _Hash


class _Permit(_Strict):
    intent: _Index
    nonce: _Uint
    deadline_s: _Uint64


class _Approve(_Strict):
    kind: Literal["approve"]
    token: _Address
    amount: _Uint
    standing: _Uint


class _Submit(_Strict):
    kind: Literal["submit"]
    intent: _Index
    minimum_out: _Uint
    with_permit: bool


class _FillOrder(_Strict):
    kind: Literal["fill_order"]
    intent: _Index


class _CancelNonce(_Strict):
    kind: Literal["cancel_nonce"]
    nonce: _Uint


class _FundWatcher(_Strict):
    kind: Literal["fund_watcher"]
    amount_wei: _Uint


class _MakeWay(_Strict):
    kind: Literal["make_way"]


class _Step(_Strict):
    action: Annotated[
        _Approve | _Submit | _FillOrder | _CancelNonce | _FundWatcher | _MakeWay, Field(discriminator="kind")
    ]
    nonce: _Uint64
    gas: _Uint64
    max_fee_wei: _Uint
    tip_wei: _Uint
    bumps: Annotated[int, Field(ge=0, le=MOST_BUMPS)]


class _Policy(_Strict):
    chain_id: _Uint64
    contract: _Address
    user: _Address
    max_per_trade: _Uint
    max_per_day: _Uint
    valid_from_s: _Uint64
    valid_until_s: _Uint64


class _Plan(_Strict):
    chain_id: _Uint64
    contract: _Address
    user: _Address
    block_time_s: _Uint64
    intents: Annotated[list[_Intent], Field(max_length=MOST_ITEMS)]
    permits: Annotated[list[_Permit], Field(max_length=MOST_ITEMS)]
    steps: Annotated[list[_Step], Field(max_length=MOST_ITEMS)]
    policy: _Policy | None


class _SignedIntent(_Strict):
    digest: _Hash
    signature: _Octets


class _SignedTransaction(_Strict):
    hash: _Hash
    nonce: _Uint64
    raw: Annotated[str, StringConstraints(pattern=r"^0x([0-9a-f]{2})*$", max_length=LONGEST_LINE)]


class _SignedPolicy(_Strict):
    policy: _Policy
    digest: _Hash
    signature: _Octets


class _Signed(_Strict):
    intents: list[_SignedIntent]
    steps: list[list[_SignedTransaction]]
    policy: _SignedIntent | None


class _Order(_Strict):
    steps: Annotated[int, Field(ge=0, le=MOST_ITEMS)]
    routes: Annotated[list[_Octets], Field(max_length=MOST_ITEMS)]


class _Failure(_Strict):
    code: str
    message: str
    hint: str | None


_KINDS = {
    Approve: "approve",
    Submit: "submit",
    FillOrder: "fill_order",
    CancelNonce: "cancel_nonce",
    FundWatcher: "fund_watcher",
    MakeWay: "make_way",
}
_ACTIONS = {kind: action for action, kind in _KINDS.items()}
_Model = TypeVar("_Model", bound=_Strict)


def send(channel: IO[bytes], document: object) -> None:
    """Write one document as one line."""
    channel.write(canonical(document) + b"\n")
    channel.flush()


def canonical(document: object) -> bytes:
    """Write a document in the one way that its content allows: sorted keys, no spaces, ASCII."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def receive(channel: IO[bytes]) -> bytes | None:
    """Read one line, None when the other end is gone. Raises PlanRefused for a line that is too long or cut off."""
    line = channel.readline(LONGEST_LINE)
    if line and not line.endswith(b"\n"):
        raise PlanRefused("The line between bethna and its signer is cut off, or too long.")
    return line or None


def plan_document(plan: Plan) -> dict[str, object]:
    """Return a plan as JSON values."""
    document = asdict(plan)
    document["intents"] = [{**asdict(intent), "side": int(intent.side)} for intent in plan.intents]
    document["steps"] = [
        {**asdict(step), "action": {"kind": _KINDS[type(step.action)], **asdict(step.action)}} for step in plan.steps
    ]
    return document


def read_plan(line: bytes) -> Plan:
    """Read a plan. Raises PlanRefused unless every field is there, of its type, and no other."""
    wire = _read(_Plan, line)
    try:
        intents = tuple(_intent(one) for one in wire.intents)
    except ValueError as error:
        raise PlanRefused(f"The plan's intents are {error}; nothing was signed.") from error
    return Plan(
        chain_id=wire.chain_id,
        contract=Address(wire.contract),
        user=Address(wire.user),
        block_time_s=wire.block_time_s,
        intents=intents,
        permits=tuple(Permit(**one.model_dump()) for one in wire.permits),
        steps=tuple(_step(one) for one in wire.steps),
        policy=None if wire.policy is None else _policy(wire.policy),
    )


def policy_document(signed: SignedPolicy) -> dict[str, object]:
    """Return a signed policy as JSON values."""
    return {
        "policy": asdict(signed.policy),
        "digest": signed.digest,
        "signature": "0x" + signed.signature.hex(),
    }


def read_policy(line: bytes) -> SignedPolicy:
    """Read a signed policy; its signature is the caller's to check. Raises PlanRefused."""
    wire = _read(_SignedPolicy, line)
    return SignedPolicy(_policy(wire.policy), Hash(wire.digest), bytes.fromhex(wire.signature[2:]))


def _policy(wire: _Policy) -> SpendingPolicy:
    fields = wire.model_dump()
    return SpendingPolicy(**{**fields, "contract": Address(wire.contract), "user": Address(wire.user)})


def _intent(wire: _Intent) -> TradeIntent:
    return TradeIntent(**{**wire.model_dump(), "side": Side(wire.side)})


def _step(wire: _Step) -> Step:
    fields = wire.action.model_dump(exclude={"kind"})
    action = _ACTIONS[wire.action.kind](**fields)
    return Step(action, wire.nonce, wire.gas, wire.max_fee_wei, wire.tip_wei, wire.bumps)


def order_document(steps: int, routes: Sequence[bytes]) -> dict[str, object]:
    """Return the order to sign the next `steps` steps, with the venue's quote for each submission among them."""
    return {"steps": steps, "routes": ["0x" + route.hex() for route in routes]}


def read_order(line: bytes) -> tuple[int, list[bytes]]:
    """Read how many steps are to be signed, and the venue's quotes for them. Raises PlanRefused."""
    order = _read(_Order, line)
    return order.steps, [bytes.fromhex(route[2:]) for route in order.routes]


def signed_document(signed: SignedPlan) -> dict[str, object]:
    """Return signatures and transactions as JSON values."""
    return {
        "intents": [_signature(one) for one in signed.intents],
        "steps": [
            [{"hash": one.hash, "nonce": one.nonce, "raw": "0x" + one.raw.hex()} for one in variants]
            for variants in signed.steps
        ],
        "policy": None if signed.policy is None else _signature(signed.policy),
    }


def _signature(one: SignedIntent) -> dict[str, object]:
    return {"digest": one.digest, "signature": "0x" + one.signature.hex()}


def _signed_intent(one: _SignedIntent) -> SignedIntent:
    return SignedIntent(Hash(one.digest), bytes.fromhex(one.signature[2:]))


def read_signed(line: bytes) -> SignedPlan:
    """Read what the signer gave back. Raises PlanRefused."""
    wire = _read(_Signed, line)
    return SignedPlan(
        tuple(_signed_intent(one) for one in wire.intents),
        tuple(
            tuple(SignedTransaction(Hash(one.hash), one.nonce, bytes.fromhex(one.raw[2:])) for one in variants)
            for variants in wire.steps
        ),
        None if wire.policy is None else _signed_intent(wire.policy),
    )


def failure_document(error: BethnaError) -> dict[str, object]:
    """Return an error as JSON values."""
    return {"code": error.code, "message": error.message, "hint": error.hint}


def raise_failure(line: bytes) -> None:
    """Raise the error that a line carries; return when it is something else."""
    try:
        failure = _Failure.model_validate(read_json(line))
    except (ValidationError, ValueError):
        return
    kind = PLAN_ERRORS.get(failure.code, ConfigurationError)
    raise kind(failure.message, hint=failure.hint)


def _read(model: type[_Model], line: bytes) -> _Model:
    try:
        return model.model_validate(read_json(line))
    except ValidationError as error:
        place = ".".join(str(part) for part in error.errors(include_url=False, include_input=False)[0]["loc"])
        raise PlanRefused(f"The plan is not readable at {place[:60]!a}; nothing was signed.") from None
    except ValueError:
        raise PlanRefused("The plan is not strict JSON; nothing was signed.") from None
