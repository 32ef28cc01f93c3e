"""The narrow door: which plans may be signed at all. A plan is signed whole or not.

Addresses are compared with the pins, amounts with the intents, times with the block. What the contract refuses anyway
is refused here too: a signature that is not worth anything should not exist.
"""

from collections.abc import Iterable

from bethna_cli.domain.chain import NO_ADDRESS, Address
from bethna_cli.domain.errors import PlanRefused
from bethna_cli.domain.policy import LONGEST_POLICY_S, SignedPolicy, SpendingPolicy
from bethna_cli.domain.signing import (
    MOST_BUMPS,
    MOST_FEES_WEI,
    MOST_GAS_MONEY_WEI,
    Approve,
    FillOrder,
    FundWatcher,
    MakeWay,
    Pins,
    Plan,
    Step,
    Submit,
    ether,
)
from bethna_cli.domain.trade import Side, TradeIntent

LONGEST_BUY_S = 900
LONGEST_SELL_S = 30 * 86_400
LEAST_SHARE = 9_000
FULL = 10_000
MOST_GAS = 5_000_000
MOST_AMOUNT = 2**96
"""Base units. 8·10^22 USDC: any real amount is below it, and every way to write "unlimited" above."""


def require_allowed(plan: Plan, pins: Pins, now_s: int) -> None:
    """Raise PlanRefused unless everything in `plan` may be signed. now_s: this machine's clock, Unix seconds."""
    _require(plan.chain_id == pins.chain_id, f"it is for chain {plan.chain_id}, not {pins.chain_id}")
    is_book = pins.book is not None and plan.contract == pins.book
    _require(
        is_book or plan.contract == pins.contract,
        f"its contract {plan.contract} is not the confirmed {pins.contract or pins.book}",
    )
    _require(bool(plan.intents or plan.steps or plan.policy), "it is empty")
    if pins.clock_skew_s is not None:
        skew_s = abs(plan.block_time_s - now_s)
        _require(skew_s <= pins.clock_skew_s, f"its block is {skew_s} s from this machine's clock")
    if is_book:
        _require_fills_only(plan, pins)
    for intent in plan.intents:
        _require_intent(intent, plan, pins)
    _require_nonces(plan.intents)
    _require_permits(plan)
    _require_steps(plan, pins)
    if plan.policy is not None:
        _require_policy(plan.policy, plan)


def require_covered(plan: Plan, signed: SignedPolicy) -> None:
    """Raise PlanRefused unless a person has agreed ahead of time to what `plan` spends. Its signature is not checked.

    How much was spent today is not known here; whoever journals the trade counts that.
    """
    policy = signed.policy
    place = (plan.chain_id, plan.contract, plan.user)
    _require(place == (policy.chain_id, policy.contract, policy.user), "its policy is for another place")
    _require(policy.holds_at(plan.block_time_s), "its policy is not in force")
    _require(plan.policy is None, "a policy is made by a person at a terminal")
    _require(not any(isinstance(step.action, FundWatcher) for step in plan.steps), "no policy covers gas money")
    _require(not _makes_way(plan), "a person decides what makes way")
    spent = _bought(plan)
    _require(spent <= policy.max_per_trade, f"it spends {spent}; its policy allows {policy.max_per_trade} a trade")


def _require_policy(policy: SpendingPolicy, plan: Plan) -> None:
    """A policy is signed by itself, for this account and contract, and begins now."""
    _require(not (plan.intents or plan.permits or plan.steps), "a policy is signed by itself")
    place = (plan.chain_id, plan.contract, plan.user)
    _require(place == (policy.chain_id, policy.contract, policy.user), "its policy is for another place")
    _require(policy.valid_from_s == plan.block_time_s, "its policy does not begin now")
    life_s = policy.valid_until_s - policy.valid_from_s
    _require(0 < life_s <= LONGEST_POLICY_S, f"a policy lives 1 to {LONGEST_POLICY_S} s, not {life_s}")
    limits = 0 < policy.max_per_trade <= policy.max_per_day <= MOST_AMOUNT
    _require(limits, "a policy's limits are above 0, a trade's not above a day's")


def _require_intent(intent: TradeIntent, plan: Plan, pins: Pins) -> None:
    _require(intent.user == plan.user, f"an intent is for {intent.user}, not {plan.user}")
    senders = {plan.user} | ({pins.watcher} if pins.watcher else set())
    _require(intent.executor in senders, f"{intent.executor} is neither the person nor their watcher")
    _require(
        intent.option_token not in {NO_ADDRESS, pins.usdc, pins.contract, plan.user},
        f"{intent.option_token} is no option token",
    )
    if plan.contract != pins.book:
        _require(intent.router not in {NO_ADDRESS, pins.usdc, pins.contract}, f"{intent.router} is no venue")
    _require(0 < intent.amount_in <= MOST_AMOUNT, f"amount {intent.amount_in} is out of bounds")
    _require(intent.min_amount_out > 0, "it accepts nothing in return")
    left_s = intent.deadline_s - plan.block_time_s
    longest_s = LONGEST_BUY_S if intent.side is Side.BUY else LONGEST_SELL_S
    _require(0 < left_s <= longest_s, f"its deadline is {left_s} s away; a {intent.side.name} has 1 to {longest_s} s")
    if left_s <= LONGEST_BUY_S:
        floor = intent.quoted_amount_out * LEAST_SHARE
        _require(intent.min_amount_out * FULL >= floor, "it accepts less than 90 % of what was quoted")
    _require(0 < intent.quoted_amount_out <= MOST_AMOUNT, f"quote {intent.quoted_amount_out} is out of bounds")


def _require_fills_only(plan: Plan, pins: Pins) -> None:
    """At the order book: whole fills at their signed price for the person themselves, and USDC for exactly these."""
    for intent in plan.intents:
        _require(intent.side is Side.BUY, "the book is only bought from")
        _require(intent.router == plan.contract, f"{intent.router} is not the book")
        _require(intent.executor == plan.user, "the book is filled by the person's own account")
        _require(intent.min_amount_out == intent.quoted_amount_out, "an order is filled whole, or not")
    for step in plan.steps:
        if isinstance(step.action, MakeWay):
            continue
        is_usdc = isinstance(step.action, Approve) and step.action.token == pins.usdc
        _require(is_usdc or isinstance(step.action, FillOrder), "the book takes fills, and USDC for them")
    filled = sorted(one.intent for one in plan.submissions)
    _require(filled == list(range(len(plan.intents))), "every order shown is filled, once")


def _require_nonces(intents: Iterable[TradeIntent]) -> None:
    """Two intents may exclude one another only when both sell the same token: stop-loss and take-profit."""
    first: dict[int, TradeIntent] = {}
    for intent in intents:
        if intent.nonce in first:
            other = first[intent.nonce]
            _require(
                other.side is intent.side is Side.SELL and other.option_token == intent.option_token,
                "two intents that do not exclude one another share a nonce",
            )
        first[intent.nonce] = intent


def _require_permits(plan: Plan) -> None:
    """A permit is for what one intent gives, handed in with that intent, and lives no longer than a purchase may."""
    handed_in = [one.intent for one in plan.submissions if isinstance(one, Submit) and one.with_permit]
    _require(sorted(handed_in) == sorted(permit.intent for permit in plan.permits), "a permit is not handed in once")
    for permit in plan.permits:
        left_s = permit.deadline_s - plan.block_time_s
        _require(0 < left_s <= LONGEST_BUY_S, f"a permit's deadline is {left_s} s away")


def _require_steps(plan: Plan, pins: Pins) -> None:
    for number, step in enumerate(plan.steps):
        _require(step.nonce == plan.steps[0].nonce + number, "its transactions are not in the account's order")
        _require(0 < step.gas <= MOST_GAS, f"{step.gas} gas is out of bounds")
        _require(step.tip_wei <= step.max_fee_wei, "a tip is above the highest fee")
        _require(0 <= step.bumps <= MOST_BUMPS, f"{step.bumps} dearer forms of a transaction are out of bounds")
        _require_action(step, plan, pins)
    fees_wei = sum(step.most_wei for step in plan.steps)
    _require(
        fees_wei <= MOST_FEES_WEI, f"its fees could reach {ether(fees_wei)} ETH; the most is {ether(MOST_FEES_WEI)}"
    )
    given_wei = sum(step.action.amount_wei for step in plan.steps if isinstance(step.action, FundWatcher))
    _require(
        given_wei <= MOST_GAS_MONEY_WEI,
        f"it gives the watcher {ether(given_wei)} ETH; the most is {ether(MOST_GAS_MONEY_WEI)}",
    )
    is_alone = len(plan.steps) == 1 and not (plan.intents or plan.permits)
    _require(is_alone or not _makes_way(plan), "what makes way is signed by itself")
    sent = [submission.intent for submission in plan.submissions]
    _require(len(sent) == len(set(sent)), "it sends an intent twice")
    approved = [step.action.token for step in plan.steps if isinstance(step.action, Approve)]
    _require(len(approved) == len(set(approved)), "it approves a token twice")


def _require_action(step: Step, plan: Plan, pins: Pins) -> None:
    action = step.action
    if isinstance(action, Approve):
        _require_approval(action, plan, pins)
    elif isinstance(action, Submit):
        _require(action.intent < len(plan.intents), f"it has no intent {action.intent}")
        intent = plan.intents[action.intent]
        _require(action.minimum_out >= intent.min_amount_out, "a transaction accepts less than its intent")
        _require(
            intent.side is Side.SELL or action.with_permit or action.minimum_out == intent.min_amount_out,
            "a plain purchase has the minimum of its intent",
        )
    elif isinstance(action, FillOrder):
        _require(plan.contract == pins.book, "only the confirmed book is filled")
        _require(action.intent < len(plan.intents), f"it has no intent {action.intent}")
    elif isinstance(action, FundWatcher):
        _require(pins.watcher is not None, "no watcher is set up: bethna config set watcher_address")
        _require(action.amount_wei > 0, "it gives the watcher nothing")


def _require_approval(action: Approve, plan: Plan, pins: Pins) -> None:
    _require(action.token not in {NO_ADDRESS, pins.contract, plan.user}, f"{action.token} is no token")
    if action.amount == 0:
        return
    is_usdc = action.token == pins.usdc
    needed = _bought(plan) if is_usdc else _sold(plan, action.token)
    _require(needed > 0, f"nothing in it needs an approval of {action.token}")
    _require(not (is_usdc and action.standing), "no mandate spends USDC")
    _require(
        action.amount == needed + action.standing <= MOST_AMOUNT,
        f"it approves {action.amount} of {action.token}; exactly {needed + action.standing} are needed",
    )


def _makes_way(plan: Plan) -> bool:
    return any(isinstance(step.action, MakeWay) for step in plan.steps)


def _bought(plan: Plan) -> int:
    return sum(intent.amount_in for intent in plan.intents if intent.side is Side.BUY)


def _sold(plan: Plan, token: Address) -> int:
    """Count what the sales of a token can take at most: of those that share a nonce, one."""
    most: dict[int, int] = {}
    for intent in plan.intents:
        if intent.side is Side.SELL and intent.option_token == token:
            most[intent.nonce] = max(most.get(intent.nonce, 0), intent.amount_in)
    return sum(most.values())


def _require(holds: bool, reason: str) -> None:
    if not holds:
        raise PlanRefused(f"The signer refuses this plan: {reason}.")
