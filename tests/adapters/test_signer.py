"""The narrow door: what the signer signs, and everything else that it does not."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data
from hypothesis import given
from hypothesis import strategies as st

from bethna_cli.adapters import signer_wire as wire
from bethna_cli.adapters.abi import artifact
from bethna_cli.adapters.keys import address_of
from bethna_cli.adapters.keystore import Derivation, WalletFolder
from bethna_cli.adapters.keystore_v3 import ScryptLimits
from bethna_cli.adapters.signer import _checked, intent_digest, is_policy_signed, recovered
from bethna_cli.adapters.signer_child import Door, code_of, serve_one_plan
from bethna_cli.adapters.signer_rules import require_allowed, require_covered
from bethna_cli.adapters.signer_sign import signed_plan
from bethna_cli.adapters.sim.public_keys import private_key
from bethna_cli.domain.embedded import EMBEDDED_CHAIN_ID, PUBLIC_ACCOUNTS, PUBLIC_CONTRACTS
from bethna_cli.domain.errors import ConfigurationError, PlanRefused, WrongPassword
from bethna_cli.domain.policy import SignedPolicy, SpendingPolicy
from bethna_cli.domain.signing import (
    Approve,
    CancelNonce,
    FundWatcher,
    MakeWay,
    Permit,
    Plan,
    SignedPlan,
    Submit,
)
from bethna_cli.domain.trade import LAST_MOMENT_S, Side, TradeIntent
from bethna_cli.domain.wallet import Password, PrivateKey
from signing_plans import (
    BASE,
    BUY,
    CONTRACT,
    KEY,
    NOW_S,
    OPTION,
    PASSWORD,
    PINS,
    PURCHASE,
    QUOTE,
    ROUTER,
    STOP_LOSS,
    STRANGER,
    USDC,
    USER,
    WATCHER,
    step,
)

VECTORS = Path(__file__).resolve().parents[2] / "contracts/test/vectors/trade_intents.json"
UNLIMITED = 2**256 - 1
TAKE_PROFIT = replace(STOP_LOSS, quoted_amount_out=90_000_000, min_amount_out=80_000_000)
CHEAP = Derivation(cost=2**10, limits=ScryptLimits(least_cost=2**10))


def signed(plan: Plan, routes: list[bytes]) -> SignedPlan:
    require_allowed(plan, PINS, NOW_S)
    return signed_plan(plan, PINS, KEY, routes)


def transaction(raw: bytes) -> dict[str, object]:
    from eth_account.typed_transactions import TypedTransaction
    from hexbytes import HexBytes

    return TypedTransaction.from_bytes(HexBytes(raw)).as_dict()


# ── what it signs ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_purchase_is_signed_by_its_account_and_nothing_but_its_account():
    result = signed(PURCHASE, [QUOTE])

    assert [recovered(bytes.fromhex(one.digest[2:]), one.signature) for one in result.intents] == [USER, USER]
    assert [Account.recover_transaction(one.raw).lower() for one in result.transactions] == [USER] * 3
    assert _checked(result, PURCHASE, PURCHASE.steps) is result


def test_the_transactions_are_those_of_the_plan_and_go_where_it_says():
    sent = [transaction(one.raw) for one in signed(PURCHASE, [QUOTE]).transactions]

    assert ["0x" + bytes(one["to"]).hex() for one in sent] == [USDC, OPTION, CONTRACT]
    assert [(one["chainId"], one["value"], one["gas"]) for one in sent] == [(BASE, 0, 400_000)] * 3
    assert [(one["maxFeePerGas"], one["maxPriorityFeePerGas"]) for one in sent] == [(50_000_000, 1_000_000)] * 3
    assert [one["nonce"] for one in sent] == [0, 1, 2]


def test_the_calldata_is_the_plans_intent_signature_and_quote():
    result = signed(PURCHASE, [QUOTE])
    data = bytes(transaction(result.transactions[2].raw)["data"])
    function = next(one for one in artifact("SentientTrader")._functions if data[:4] == one.selector)

    intent, signature, route = function.decode_input(data)

    assert function.name == "buyOption"
    assert intent[:5] == (USER, USER, 0, OPTION, ROUTER)
    assert intent[5:10] == (50_000_000, 1_000_000, 990_000, 11, NOW_S + 600)
    assert (signature, route) == (result.intents[0].signature, QUOTE)


def test_an_approval_is_for_the_confirmed_contract_and_the_exact_amount():
    data = bytes(transaction(signed(PURCHASE, [QUOTE]).transactions[0].raw)["data"])

    spender, amount = artifact("DevelopmentUSDC").function("approve").decode_input(data)

    assert (spender, amount) == (CONTRACT, BUY.amount_in)


def test_a_sale_goes_through_execute_trade_with_its_own_minimum():
    sale = replace(STOP_LOSS, executor=USER, min_amount_out=39_000_000, deadline_s=NOW_S + 300)
    plan = replace(PURCHASE, intents=(sale,), steps=(step(Submit(0, 39_500_000)),))
    data = bytes(transaction(signed(plan, [QUOTE]).transactions[0].raw)["data"])

    _, _, minimum_out, route = artifact("SentientTrader").function("executeTrade").decode_input(data)

    assert (minimum_out, route) == (39_500_000, QUOTE)


def test_a_permit_is_for_the_exact_amount_and_travels_with_the_purchase():
    permit = Permit(0, nonce=3, deadline_s=NOW_S + 600)
    plan = replace(PURCHASE, intents=(BUY,), permits=(permit,), steps=(step(Submit(0, 990_000, with_permit=True)),))
    data = bytes(transaction(signed(plan, [QUOTE]).transactions[0].raw)["data"])

    *_, deadline_s, v, r, s = artifact("SentientTrader").function("executeTradeWithPermit").decode_input(data)

    message = encode_typed_data(
        {"name": "USD Coin", "version": "2", "chainId": BASE, "verifyingContract": USDC},
        {"Permit": [
            {"name": "owner", "type": "address"}, {"name": "spender", "type": "address"},
            {"name": "value", "type": "uint256"}, {"name": "nonce", "type": "uint256"},
            {"name": "deadline", "type": "uint256"},
        ]},
        {"owner": USER, "spender": CONTRACT, "value": 50_000_000, "nonce": 3, "deadline": deadline_s},
    )  # fmt: skip
    assert Account.recover_message(message, vrs=(v, r, s)).lower() == USER


def test_a_sales_permit_is_for_the_option_itself():
    sale = replace(STOP_LOSS, executor=USER, min_amount_out=39_000_000, deadline_s=NOW_S + 300)
    submission = step(Submit(0, 39_000_000, with_permit=True))
    plan = replace(PURCHASE, intents=(sale,), permits=(Permit(0, 5, NOW_S + 300),), steps=(submission,))
    data = bytes(transaction(signed(plan, [QUOTE]).transactions[0].raw)["data"])

    *_, deadline_s, v, r, s = artifact("SentientTrader").function("executeTradeWithPermit").decode_input(data)

    message = encode_typed_data(
        {"name": "OptionSeries", "version": "1", "chainId": BASE, "verifyingContract": OPTION},
        {"Permit": [
            {"name": "owner", "type": "address"}, {"name": "spender", "type": "address"},
            {"name": "value", "type": "uint256"}, {"name": "nonce", "type": "uint256"},
            {"name": "deadline", "type": "uint256"},
        ]},
        {"owner": USER, "spender": CONTRACT, "value": 1_000_000, "nonce": 5, "deadline": deadline_s},
    )  # fmt: skip
    assert Account.recover_message(message, vrs=(v, r, s)).lower() == USER


def test_the_dearer_forms_of_a_transaction_differ_in_their_fees_alone():
    plan = replace(PURCHASE, steps=(*PURCHASE.steps[:2], replace(PURCHASE.steps[2], bumps=2)))

    *others, variants = signed(plan, [QUOTE]).steps

    forms = [transaction(one.raw) for one in variants]
    changing = {"maxFeePerGas", "maxPriorityFeePerGas", "v", "r", "s"}
    assert [len(one) for one in others] == [1, 1]
    assert [(form["maxFeePerGas"], form["maxPriorityFeePerGas"]) for form in forms] == [
        (50_000_000 << bump, 1_000_000 << bump) for bump in range(3)
    ]
    kept = [{name: value for name, value in form.items() if name not in changing} for form in forms]
    assert kept[1:] == kept[:-1]


def test_a_nonce_is_cancelled_at_the_confirmed_contract():
    plan = replace(PURCHASE, intents=(), steps=(step(CancelNonce(12)),))
    sent = transaction(signed(plan, []).transactions[0].raw)

    assert bytes(sent["to"]).hex() == CONTRACT[2:]
    assert artifact("SentientTrader").function("cancelNonce").decode_input(bytes(sent["data"])) == (12,)


def test_gas_money_goes_to_the_persons_own_watcher_and_carries_no_call():
    plan = replace(PURCHASE, intents=(), steps=(step(FundWatcher(5 * 10**15)),))
    sent = transaction(signed(plan, []).transactions[0].raw)

    assert (bytes(sent["to"]).hex(), sent["value"], bytes(sent["data"])) == (WATCHER[2:], 5 * 10**15, b"")


def test_what_makes_way_goes_to_oneself_and_carries_nothing():
    plan = replace(PURCHASE, intents=(), steps=(step(MakeWay()),))
    sent = transaction(signed(plan, []).transactions[0].raw)

    assert (bytes(sent["to"]).hex(), sent["value"], bytes(sent["data"])) == (USER[2:], 0, b"")


def test_stop_loss_and_take_profit_share_a_nonce_and_one_approval():
    plan = replace(PURCHASE, intents=(STOP_LOSS, TAKE_PROFIT), steps=(step(Approve(OPTION, 1_000_000)),))

    assert len(signed(plan, []).intents) == 2


def test_an_approval_may_cover_mandates_that_stand_already():
    plan = replace(PURCHASE, intents=(STOP_LOSS,), steps=(step(Approve(OPTION, 1_700_000, standing=700_000)),))

    assert len(signed(plan, []).transactions) == 1


def test_an_approval_can_be_taken_back_of_any_token():
    plan = replace(PURCHASE, intents=(), steps=(step(Approve(USDC, 0), 0), step(Approve(STRANGER, 0), 1)))

    assert len(signed(plan, []).transactions) == 2


def test_signer_and_caller_hash_the_committed_intents_as_the_contract_does():
    known = json.loads(VECTORS.read_text())["vectors"]
    vectors = [one for one in known if int(one["intent"]["deadline"]) <= LAST_MOMENT_S]
    intents = [_vector(one["intent"]) for one in vectors]
    plans = [
        replace(
            PURCHASE, chain_id=one["chainId"], contract=one["verifyingContract"].lower(), intents=(intent,), steps=()
        )
        for one, intent in zip(vectors, intents, strict=True)
    ]

    theirs = [signed_plan(plan, PINS, KEY, []).intents[0].digest for plan in plans]
    ours = ["0x" + intent_digest(plan.intents[0], plan.chain_id, plan.contract).hex() for plan in plans]

    assert len(vectors) >= 6
    assert ours == theirs == [one["digest"] for one in vectors]


@given(
    st.integers(0, UNLIMITED), st.integers(0, UNLIMITED), st.integers(0, UNLIMITED), st.binary(min_size=32, max_size=32)
)
def test_signer_and_caller_agree_on_the_digest_of_any_intent(amount_in, minimum, nonce, ref):
    intent = replace(BUY, amount_in=amount_in, min_amount_out=minimum, nonce=nonce, ref="0x" + ref.hex())
    plan = replace(PURCHASE, intents=(intent,), steps=())

    (answer,) = signed_plan(plan, PINS, KEY, []).intents

    assert answer.digest == "0x" + intent_digest(intent, BASE, CONTRACT).hex()


def _vector(fields: dict[str, object]) -> TradeIntent:
    numbers = [int(fields[name]) for name in ("amountIn", "quotedAmountOut", "minAmountOut", "nonce", "deadline")]
    user, executor, option_token, router = (
        str(fields[name]).lower() for name in ("user", "executor", "optionToken", "router")
    )
    return TradeIntent(user, executor, Side(fields["side"]), option_token, router, *numbers, str(fields["ref"]))


# ── what it refuses ───────────────────────────────────────────────────────────────────────────────────────────────

buy = lambda **changes: replace(PURCHASE, intents=(replace(BUY, **changes), STOP_LOSS))  # noqa: E731
mandate = lambda **changes: replace(PURCHASE, intents=(BUY, replace(STOP_LOSS, **changes)))  # noqa: E731
permitted = lambda *permits: replace(  # noqa: E731
    PURCHASE, permits=permits, steps=(step(Submit(0, 990_000, with_permit=True)),)
)
steps = lambda *actions: replace(PURCHASE, steps=tuple(step(one, n) for n, one in enumerate(actions)))  # noqa: E731
priced = lambda **changes: replace(PURCHASE, steps=(replace(step(Approve(USDC, 50_000_000)), **changes),))  # noqa: E731

REFUSED = [
    ("another chain", replace(PURCHASE, chain_id=1)),
    ("a contract that was not confirmed", replace(PURCHASE, contract=STRANGER)),
    ("nothing at all", replace(PURCHASE, intents=(), steps=())),
    ("a block of two minutes ago", replace(steps(CancelNonce(1)), intents=(), block_time_s=NOW_S - 121)),
    ("a block of the future", replace(steps(CancelNonce(1)), intents=(), block_time_s=NOW_S + 121)),
    ("somebody else's purchase", buy(user=STRANGER)),
    ("a purchase that anybody may send", buy(executor="0x" + "00" * 20)),
    ("a purchase that a stranger may send", buy(executor=STRANGER)),
    ("USDC as the option", buy(option_token=USDC)),
    ("the contract as the option", buy(option_token=CONTRACT)),
    ("no option", buy(option_token="0x" + "00" * 20)),
    ("no venue", buy(router="0x" + "00" * 20)),
    ("USDC as the venue", buy(router=USDC)),
    ("nothing paid", replace(PURCHASE, intents=(replace(BUY, amount_in=0),), steps=())),
    ("an amount without limit", replace(PURCHASE, intents=(replace(BUY, amount_in=UNLIMITED),), steps=())),
    ("nothing quoted", buy(quoted_amount_out=0)),
    ("anything accepted", buy(min_amount_out=0)),
    ("less than 90 % accepted", buy(min_amount_out=899_999)),
    ("a purchase of 15 minutes and a second", buy(deadline_s=NOW_S + 901)),
    ("a purchase that is over", buy(deadline_s=NOW_S)),
    ("a mandate of 31 days", mandate(deadline_s=NOW_S + 31 * 86_400)),
    ("a mandate for a stranger", mandate(executor=STRANGER)),
    ("a mandate for anything", mandate(min_amount_out=0)),
    ("a sale at half the quote at once", mandate(deadline_s=NOW_S + 900)),
    ("a purchase and a sale with one nonce", mandate(nonce=11)),
    ("sales of two tokens with one nonce", replace(
        PURCHASE, intents=(STOP_LOSS, replace(TAKE_PROFIT, option_token=ROUTER)), steps=())),
    ("two purchases with one nonce", replace(PURCHASE, intents=(BUY, BUY), steps=())),
    ("unlimited USDC", steps(Approve(USDC, UNLIMITED))),
    ("one unit of USDC too much", steps(Approve(USDC, 50_000_001))),
    ("one unit of USDC too little", steps(Approve(USDC, 49_999_999))),
    ("USDC for mandates", steps(Approve(USDC, 50_000_001, standing=1))),
    ("unlimited options", steps(Approve(OPTION, UNLIMITED))),
    ("unlimited options by way of what stands", steps(Approve(OPTION, UNLIMITED, standing=UNLIMITED - 1_000_000))),
    ("more options than the mandates sell", steps(Approve(OPTION, 2_000_000))),
    ("a token that is in no intent", steps(Approve(STRANGER, 1))),
    ("a token of mandates that are not here", steps(Approve(STRANGER, 1, standing=1))),
    ("the contract as a token", steps(Approve(CONTRACT, 0))),
    ("two approvals of one token", steps(Approve(USDC, 0), Approve(USDC, 50_000_000))),
    ("an intent that is not there", steps(Submit(2, 1))),
    ("an intent twice", steps(Submit(0, 990_000), Submit(0, 990_000))),
    ("less than the intent accepts", steps(Submit(1, STOP_LOSS.min_amount_out - 1))),
    ("another minimum than the purchase has", steps(Submit(0, 990_001))),
    ("a permit that is not there", steps(Submit(0, 990_000, with_permit=True))),
    ("more gas money than 0.005 ETH", steps(FundWatcher(5 * 10**15 + 1))),
    ("more gas money in two parts", steps(FundWatcher(4 * 10**15), FundWatcher(4 * 10**15))),
    ("no gas money", steps(FundWatcher(0))),
    ("a nonce used up beside a trade", steps(Submit(0, 990_000), MakeWay())),
    ("two nonces used up", replace(steps(MakeWay(), MakeWay()), intents=())),
    ("a gap in the account's nonces", replace(PURCHASE, steps=(step(Approve(USDC, 0), 0), step(CancelNonce(1), 2)))),
    ("one account nonce twice", replace(PURCHASE, steps=(step(Approve(USDC, 0), 0), step(CancelNonce(1), 0)))),
    ("no gas", priced(gas=0)),
    ("more gas than a block", priced(gas=30_000_000)),
    ("fees that empty the account", priced(max_fee_wei=10**18)),
    ("a tip above the fee", priced(tip_wei=50_000_001)),
    ("a permit that is not handed in", replace(PURCHASE, permits=(Permit(0, 0, NOW_S + 600),))),
    ("two permits for one purchase", permitted(Permit(0, 0, NOW_S + 600), Permit(0, 1, NOW_S + 600))),
    ("a permit of an intent that is not there", permitted(Permit(2, 0, NOW_S + 600))),
    ("a permit of a mandate", permitted(Permit(1, 0, NOW_S + 600))),
    ("a permit that outlives the purchase", permitted(Permit(0, 0, NOW_S + 901))),
    ("too many dearer forms", priced(bumps=5)),
    ("fees that empty the account when doubled", priced(max_fee_wei=6 * 10**8, gas=5_000_000, bumps=1)),
]  # fmt: skip


@pytest.mark.parametrize("plan", [plan for _, plan in REFUSED], ids=[name for name, _ in REFUSED])
def test_it_refuses(plan):
    with pytest.raises(PlanRefused):
        require_allowed(plan, PINS, NOW_S)


def test_gas_money_without_a_watcher_is_refused():
    with pytest.raises(PlanRefused, match="no watcher"):
        require_allowed(replace(steps(FundWatcher(1)), intents=()), replace(PINS, watcher=None), NOW_S)


def test_a_chain_with_a_time_of_its_own_is_not_compared_with_this_machines_clock():
    require_allowed(PURCHASE, replace(PINS, clock_skew_s=None), NOW_S + 10**6)


def test_a_key_signs_for_its_own_account_alone():
    with pytest.raises(PlanRefused, match="not that of"):
        signed_plan(PURCHASE, PINS, PrivateKey(bytes(31) + b"\x07"), [QUOTE])


@pytest.mark.parametrize("routes", [[], [QUOTE, QUOTE]])
def test_every_submission_has_one_quote(routes):
    with pytest.raises(PlanRefused, match="quotes"):
        signed_plan(PURCHASE, PINS, KEY, routes)


# ── the wire ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_plan_arrives_as_it_was_sent():
    permit = Permit(0, 3, NOW_S + 600)
    actions = (Approve(USDC, 1, 2), Submit(0, 1, True), CancelNonce(UNLIMITED), FundWatcher(9), MakeWay())
    plan = replace(steps(*actions), permits=(permit,))

    assert wire.read_plan(wire.canonical(wire.plan_document(plan))) == plan


@given(st.integers(0, UNLIMITED), st.integers(0, UNLIMITED), st.sampled_from(Side))
def test_an_amount_of_any_size_arrives_exactly(amount, nonce, side):
    plan = replace(PURCHASE, intents=(replace(BUY, amount_in=amount, nonce=nonce, side=side),))

    assert wire.read_plan(wire.canonical(wire.plan_document(plan))) == plan


def _document(change: Callable[[dict], object]) -> bytes:
    document = json.loads(wire.canonical(wire.plan_document(PURCHASE)))
    change(document)
    return json.dumps(document).encode()


UNREADABLE = {
    "an unknown field of the plan": _document(lambda d: d.update(bytes_to_sign="0x00")),
    "an unknown field of an intent": _document(lambda d: d["intents"][0].update(beneficiary=STRANGER)),
    "an unknown field of an action": _document(lambda d: d["steps"][0]["action"].update(spender=STRANGER)),
    "an unknown field of a transaction": _document(lambda d: d["steps"][0].update(data="0xdeadbeef")),
    "a field that is missing": _document(lambda d: d["intents"][0].pop("min_amount_out")),
    "a number as text": _document(lambda d: d["intents"][0].update(amount_in="50000000")),
    "a number with a fraction": _document(lambda d: d["intents"][0].update(amount_in=50_000_000.0)),
    "a truth as a number": _document(lambda d: d["intents"][0].update(amount_in=True)),
    "a number as a truth": _document(lambda d: d["steps"][2]["action"].update(with_permit=1)),
    "a negative amount": _document(lambda d: d["intents"][0].update(amount_in=-1)),
    "an amount beyond 256 bits": _document(lambda d: d["intents"][0].update(amount_in=2**256)),
    "a third side": _document(lambda d: d["intents"][0].update(side=2)),
    "a deadline in milliseconds": _document(lambda d: d["intents"][0].update(deadline_s=(NOW_S + 600) * 1000)),
    "an address in mixed case": _document(lambda d: d.update(user=USER.upper())),
    "a short address": _document(lambda d: d.update(user=USER[:-1])),
    "an address with a line break": _document(lambda d: d.update(user=USER + "\n")),
    "a short hash": _document(lambda d: d["intents"][0].update(ref="0x12")),
    "a message to sign": _document(lambda d: d["steps"][0].update(action={"kind": "personal_sign", "message": "hi"})),
    "typed data to sign": _document(lambda d: d["steps"][0].update(action={"kind": "typed_data", "types": {}})),
    "bytes to sign": _document(lambda d: d["steps"][0].update(action={"kind": "hash", "hash": "0x" + "00" * 32})),
    "a transfer": _document(
        lambda d: d["steps"][0].update(action={"kind": "transfer", "to": STRANGER, "amount_wei": 1})
    ),
    "an authorisation of other code": _document(
        lambda d: d["steps"][0].update(action={"kind": "set_code", "address": STRANGER})
    ),
    "too many steps": _document(lambda d: d.update(steps=d["steps"] * 11)),
    "no number": b'{"chain_id": NaN}',
    "a key twice": b'{"chain_id": 8453, "chain_id": 1}',
    "no JSON": b"sign please",
    "a list": b"[]",
}


@pytest.mark.parametrize("line", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_a_plan_with_anything_else_in_it_is_unreadable(line):
    with pytest.raises(PlanRefused, match="nothing was signed"):
        wire.read_plan(line)


@pytest.mark.parametrize("routes", [b'["0x0"]', b'["01"]', b"[1]", b"{}", b'["0x' + b"00" * 16_385 + b'"]'])
def test_quotes_that_are_no_bytes_are_unreadable(routes):
    with pytest.raises(PlanRefused):
        wire.read_order(b'{"steps": 1, "routes": ' + routes + b"}")


# ── what comes back ───────────────────────────────────────────────────────────────────────────────────────────────


def _forged(change: Callable[[SignedPlan], SignedPlan]) -> SignedPlan:
    return change(signed(PURCHASE, [QUOTE]))


FORGED = {
    "another digest": lambda s: replace(s, intents=(replace(s.intents[0], digest="0x" + "00" * 32), s.intents[1])),
    "another signature": lambda s: replace(s, intents=(replace(s.intents[0], signature=bytes(65)), s.intents[1])),
    "a signature of the other intent": lambda s: replace(s, intents=s.intents[::-1]),
    "an intent too few": lambda s: replace(s, intents=s.intents[:1]),
    "an intent too many": lambda s: replace(s, intents=s.intents * 2),
    "a dearer form nobody asked for": lambda s: replace(s, steps=(s.steps[0] * 2, *s.steps[1:])),
    "a transaction too few": lambda s: replace(s, steps=s.steps[:2]),
    "transactions in another order": lambda s: replace(s, steps=s.steps[::-1]),
    "other bytes than its hash": lambda s: replace(
        s, steps=((replace(s.transactions[0], raw=s.transactions[1].raw),), *s.steps[1:])
    ),
}


@pytest.mark.parametrize("change", FORGED.values(), ids=FORGED.keys())
def test_an_answer_that_is_not_the_plan_is_not_believed(change):
    with pytest.raises(PlanRefused, match="something else"):
        _checked(_forged(change), PURCHASE, PURCHASE.steps)


# ── consent ahead of time ─────────────────────────────────────────────────────────────────────────────────────────

POLICY = SpendingPolicy(BASE, CONTRACT, USER, 50_000_000, 50_000_000, NOW_S, NOW_S + 3600)
MAKING = Plan(BASE, CONTRACT, USER, NOW_S, policy=POLICY)


def signed_by(key: PrivateKey, policy: SpendingPolicy = POLICY) -> SignedPolicy:
    plan = replace(MAKING, user=address_of(key), policy=replace(policy, user=address_of(key)))
    answer = signed_plan(plan, PINS, key, []).policy
    return SignedPolicy(policy, answer.digest, answer.signature)


def test_a_policy_comes_back_signed_and_is_hashed_the_same_by_other_code():
    signed = _checked(signed_plan(MAKING, PINS, KEY, []), MAKING, [])

    assert is_policy_signed(SignedPolicy(POLICY, signed.policy.digest, signed.policy.signature))


@pytest.mark.parametrize(
    "field", ["chain_id", "contract", "user", "max_per_trade", "max_per_day", "valid_from_s", "valid_until_s"]
)
def test_a_policy_with_any_field_changed_is_not_what_was_signed(field):
    value = getattr(POLICY, field)
    changed = replace(POLICY, **{field: STRANGER if isinstance(value, str) else value + 1})

    assert not is_policy_signed(replace(signed_by(KEY), policy=changed))


def test_nobody_else_signs_for_the_account():
    assert not is_policy_signed(signed_by(PrivateKey(b"\x07" * 32)))
    assert not is_policy_signed(replace(signed_by(KEY), signature=bytes(65)))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"max_per_trade": 0}, "limits"),
        ({"max_per_trade": POLICY.max_per_day + 1}, "limits"),
        ({"max_per_day": 2**255}, "limits"),
        ({"valid_until_s": NOW_S}, "lives"),
        ({"valid_until_s": NOW_S + 31 * 86_400}, "lives"),
        ({"valid_from_s": NOW_S + 1}, "begin now"),
        ({"valid_from_s": NOW_S - 1}, "begin now"),
        ({"user": STRANGER}, "another place"),
        ({"contract": STRANGER}, "another place"),
        ({"chain_id": 84_532}, "another place"),
    ],
)
def test_a_policy_out_of_bounds_is_not_signed(change, reason):
    with pytest.raises(PlanRefused, match=reason):
        require_allowed(replace(MAKING, policy=replace(POLICY, **change)), PINS, NOW_S)


def test_a_policy_is_signed_by_itself_and_within_bounds_it_may_be():
    require_allowed(MAKING, PINS, NOW_S)
    for mixed in (replace(PURCHASE, policy=POLICY), replace(MAKING, steps=(step(CancelNonce(1)),))):
        with pytest.raises(PlanRefused, match="by itself"):
            require_allowed(mixed, PINS, NOW_S)


def test_a_policy_covers_a_purchase_up_to_its_limit_while_it_holds():
    require_covered(PURCHASE, signed_by(KEY))


@pytest.mark.parametrize(
    ("plan", "policy", "reason"),
    [
        (PURCHASE, replace(POLICY, max_per_trade=49_999_999), "allows 49999999 a trade"),
        (PURCHASE, replace(POLICY, valid_from_s=NOW_S + 1), "not in force"),
        (PURCHASE, replace(POLICY, valid_from_s=1, valid_until_s=NOW_S), "not in force"),
        (PURCHASE, replace(POLICY, user=STRANGER), "another place"),
        (PURCHASE, replace(POLICY, contract=STRANGER), "another place"),
        (PURCHASE, replace(POLICY, chain_id=84_532), "another place"),
        (MAKING, POLICY, "a person at a terminal"),
        (replace(MAKING, policy=None, steps=(step(FundWatcher(1)),)), POLICY, "gas money"),
        (replace(MAKING, policy=None, steps=(step(MakeWay()),)), POLICY, "a person decides"),
    ],
)
def test_a_policy_covers_nothing_else(plan, policy, reason):
    with pytest.raises(PlanRefused, match=reason):
        require_covered(plan, replace(signed_by(KEY), policy=policy))


# ── passwords and keys ────────────────────────────────────────────────────────────────────────────────────────────


class Noon:
    def now(self) -> datetime:
        return datetime.fromtimestamp(NOW_S, UTC)


@pytest.fixture
def asked() -> list[str]:
    return []


@pytest.fixture
def door(tmp_path, asked) -> Door:
    keys = WalletFolder(tmp_path / "wallets", Noon(), CHEAP)
    keys.keep("main", KEY, PASSWORD)

    def ask(words: str) -> Password:
        asked.append(words)
        return PASSWORD

    embedded = replace(PINS, chain_id=EMBEDDED_CHAIN_ID, contract=PUBLIC_CONTRACTS["trader"], clock_skew_s=None)
    return Door(
        pins={BASE: PINS, EMBEDDED_CHAIN_ID: embedded},
        keys=keys,
        ask=ask,
        throwaway=lambda: PrivateKey(private_key("throwaway_wallet")),
        clock=Noon(),
    )


def lines(*documents: object) -> bytes:
    return b"".join(wire.canonical(document) + b"\n" for document in documents)


def served(door: Door, *documents: object) -> list[dict]:
    outward = BytesIO()
    serve_one_plan(BytesIO(lines(*documents)), outward, door)
    return [json.loads(line) for line in outward.getvalue().splitlines()]


def answers(door: Door, plan: Plan, routes: list[bytes]) -> list[dict]:
    return served(door, wire.plan_document(plan), wire.order_document(len(plan.steps), routes))


def cancelling(chain_id: int, contract: str, user: str) -> Plan:
    return Plan(chain_id, contract, user, NOW_S, steps=(step(CancelNonce(1)),))


def test_the_password_is_asked_for_with_the_wallet_the_chain_and_the_plans_code(door, asked):
    ready, result = answers(door, PURCHASE, [QUOTE])

    assert ready == {"ready": True}
    assert len(result["steps"]) == 3
    assert asked == [f"Password of main ({USER}), plan {code_of(PURCHASE)} on chain 8453: "]


def test_a_refused_plan_asks_for_no_password(door, asked):
    (failure,) = answers(door, buy(min_amount_out=1), [QUOTE])

    assert (failure["code"], asked) == ("plan_refused", [])


def test_a_chain_without_a_confirmed_contract_signs_nothing(door, asked):
    (failure,) = answers(door, replace(PURCHASE, chain_id=84_532), [QUOTE])

    assert (failure["code"], asked) == ("plan_refused", [])
    assert "84532" in failure["message"]


def test_one_process_answers_one_plan(door):
    assert len(served(door, *[wire.plan_document(PURCHASE), wire.order_document(3, [QUOTE])] * 3)) == 2


def test_the_steps_of_a_plan_are_signed_as_their_turns_come_each_once(door, asked):
    orders = [wire.order_document(2, []), wire.order_document(1, [QUOTE]), wire.order_document(1, [QUOTE])]

    _, first, second = served(door, wire.plan_document(PURCHASE), *orders)

    assert [[one["nonce"] for (one,) in answer["steps"]] for answer in (first, second)] == [[0, 1], [2]]
    assert (len(asked), first["intents"]) == (1, second["intents"])


def test_no_more_steps_are_signed_than_the_plan_has(door):
    _, failure = served(door, wire.plan_document(PURCHASE), wire.order_document(4, [QUOTE]))

    assert failure["code"] == "plan_refused"


def test_no_quotes_no_signature(door):
    outward = BytesIO()

    serve_one_plan(BytesIO(wire.canonical(wire.plan_document(PURCHASE)) + b"\n"), outward, door)

    assert outward.getvalue() == b'{"ready":true}\n'


def test_the_throwaway_wallet_signs_on_its_own_chain_without_a_password(door, asked):
    wallet = PUBLIC_ACCOUNTS["throwaway_wallet"]

    _, result = answers(door, cancelling(EMBEDDED_CHAIN_ID, PUBLIC_CONTRACTS["trader"], wallet), [])

    assert Account.recover_transaction(result["steps"][0][0]["raw"]).lower() == wallet
    assert asked == []


@pytest.mark.parametrize("role", PUBLIC_ACCOUNTS)
def test_a_key_that_everybody_knows_signs_nothing_on_a_real_chain(door, role):
    (failure,) = answers(door, cancelling(BASE, CONTRACT, PUBLIC_ACCOUNTS[role]), [])

    assert "everybody knows" in failure["message"]


def test_the_embedded_worlds_other_accounts_are_no_wallets(door):
    (failure,) = answers(door, cancelling(EMBEDDED_CHAIN_ID, PUBLIC_CONTRACTS["trader"], PUBLIC_ACCOUNTS["owner"]), [])

    assert failure["code"] == "plan_refused"


def test_a_real_key_signs_in_the_simulation_with_its_password(door, asked):
    answers(door, cancelling(EMBEDDED_CHAIN_ID, PUBLIC_CONTRACTS["trader"], USER), [])

    assert len(asked) == 1


def test_an_account_whose_key_is_elsewhere_is_not_found(door, asked):
    (failure,) = answers(door, cancelling(BASE, CONTRACT, STRANGER), [])

    assert (failure["code"], asked) == ("not_found", [])


def test_a_password_is_not_asked_for_while_the_next_try_is_too_early(door, asked):
    wrong = replace(door, ask=lambda words: asked.append(words) or Password("wrong"))
    said = [answers(wrong, PURCHASE, [QUOTE])[0]["message"] for _ in range(4)]

    assert len(asked) == 3
    assert said[:3] == ["The password is wrong (MAC mismatch)."] * 3
    assert "the next try" in said[3]


@pytest.mark.parametrize("error", [PlanRefused, WrongPassword, ConfigurationError])
def test_an_error_of_the_signer_is_the_same_error_here(error):
    with pytest.raises(error, match="so it is") as raised:
        wire.raise_failure(wire.canonical(wire.failure_document(error("so it is", hint="bethna -h"))))
    assert raised.value.hint == "bethna -h"
