"""The transactions that carry out a plan, in their order: permissions, submissions, and what follows a fill.

A submission comes with everything that belongs to it, so that a plan broken off after any of its trades has no gap in
the account's nonces. Amounts are exact: what is permitted is what is given, and what standing mandates need.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bethna_cli.domain.approval import Held
from bethna_cli.domain.chain import Address, Fees, OfferedFees
from bethna_cli.domain.signing import Action, Approve, CancelNonce, FillOrder, MakeWay, Permit, Plan, Step, Submit
from bethna_cli.domain.trade import PlannedTrade

GAS_PER_TRADE = 900_000
"""A limit for one trade: the first fill of a series deploys its token, and takes about 500,000 with it."""
GAS_PER_PERMISSION = 100_000
GAS_TO_MAKE_WAY = 50_000
"""Twice a plain transfer's: an account may have code of its own."""
MOST_BUMPS = 2


@dataclass(frozen=True, slots=True)
class Frame:
    """Whose plan it is, on which contract, and what a transaction may cost.

    account_nonce: of its first transaction. dearest_wei: what a unit of gas may cost at most after fee bumps.
    """

    chain_id: int
    contract: Address
    user: Address
    block_time_s: int
    account_nonce: int
    fees: Fees
    dearest_wei: int


@dataclass(frozen=True, slots=True)
class Stage:
    """One trade of a plan: its submission, and the transactions that follow its fill."""

    submission: Step
    then: tuple[Step, ...]

    @property
    def steps(self) -> int:
        return 1 + len(self.then)


def purchase(
    frame: Frame,
    trades: Sequence[PlannedTrade],
    exits: Sequence[PlannedTrade],
    permit_nonce: int,
    allowed: Mapping[Address, int],
) -> Plan:
    """Write a plan that buys. A permit goes with each purchase, for exactly what it costs.

    exits: the mandates signed with it; their tokens are permitted after the first purchase of each. allowed: what
    mandates signed earlier need of a token.
    """
    actions: list[Action] = []
    waiting = {trade.intent.option_token: trade.intent.amount_in for trade in exits}
    for number, trade in enumerate(trades):
        actions.append(Submit(number, trade.intent.min_amount_out, with_permit=True))
        token = trade.intent.option_token
        if token in waiting:
            standing = allowed.get(token, 0)
            actions.append(Approve(token, waiting.pop(token) + standing, standing))
    return _plan(frame, (*trades, *exits), _permits(trades, permit_nonce), actions)


def sale(frame: Frame, trades: Sequence[PlannedTrade], held: Held, standing: int, cancelled: Sequence[int]) -> Plan:
    """Write a plan that sells one token, all of it or a part.

    standing: what mandates still need of the token afterwards. Where none stands, a permit goes with each sale; where
    the allowance does not reach for both, it is set first. cancelled: nonces of mandates that end with the sale.
    """
    token, total = trades[0].intent.option_token, sum(trade.intent.amount_in for trade in trades)
    is_allowed = held.allowance >= total + standing
    with_permit = not is_allowed and not standing
    actions: list[Action] = [] if is_allowed or with_permit else [Approve(token, total + standing, standing)]
    actions += [Submit(number, trade.intent.min_amount_out, with_permit) for number, trade in enumerate(trades)]
    actions += [CancelNonce(nonce) for nonce in cancelled]
    if cancelled and is_allowed and held.allowance > total:
        actions.append(Approve(token, 0))
    return _plan(frame, trades, _permits(trades, held.permit_nonce) if with_permit else [], actions)


def exits(
    frame: Frame,
    exits: Sequence[PlannedTrade],
    token: Address,
    allowance: int,
    standing: int,
    cancelled: Sequence[int],
) -> Plan:
    """Write a plan that authorises exits for what is held, and calls the earlier ones off after that.

    standing: what other mandates need of the token.
    """
    amount = max((trade.intent.amount_in for trade in exits), default=0)
    actions: list[Action] = (
        [Approve(token, amount + standing, standing)] if allowance != amount + standing and amount else []
    )
    actions += [CancelNonce(nonce) for nonce in cancelled]
    if not amount and not standing and allowance:
        actions.append(Approve(token, 0))
    return _plan(frame, exits, [], actions)


def way(frame: Frame, beaten: OfferedFees | None) -> Plan:
    """Write a plan that uses up the frame's account nonce and changes nothing.

    beaten: what the dearest transaction there offers. Nodes exchange it for one that offers at least a tenth more.
    """
    most, tip = frame.fees.max_fee_wei, frame.fees.tip_wei
    if beaten is not None:
        most, tip = max(most, _dearer(beaten.max_fee_wei)), max(tip, _dearer(beaten.tip_wei))
    step = Step(MakeWay(), frame.account_nonce, GAS_TO_MAKE_WAY, most, tip)
    return Plan(frame.chain_id, frame.contract, frame.user, frame.block_time_s, steps=(step,))


def _dearer(fee_wei: int) -> int:
    return fee_wei + fee_wei // 4 + 1


def fills(frame: Frame, trades: Sequence[PlannedTrade], usdc: Address, allowance: int) -> Plan:
    """Write a plan that fills orders at the book, which may take exactly what they cost."""
    total = sum(trade.intent.amount_in for trade in trades)
    actions: list[Action] = [] if allowance == total else [Approve(usdc, total)]
    return _plan(frame, trades, [], [*actions, *(FillOrder(number) for number in range(len(trades)))])


def _permits(trades: Sequence[PlannedTrade], first_nonce: int) -> list[Permit]:
    return [Permit(number, first_nonce + number, trade.intent.deadline_s) for number, trade in enumerate(trades)]


def _plan(frame: Frame, intents: Sequence[PlannedTrade], permits: Sequence[Permit], actions: Sequence[Action]) -> Plan:
    return Plan(
        chain_id=frame.chain_id,
        contract=frame.contract,
        user=frame.user,
        block_time_s=frame.block_time_s,
        intents=tuple(trade.intent for trade in intents),
        permits=tuple(permits),
        steps=tuple(_step(frame, action, number) for number, action in enumerate(actions)),
    )


def _step(frame: Frame, action: Action, number: int) -> Step:
    most, tip, nonce = frame.fees.max_fee_wei, frame.fees.tip_wei, frame.account_nonce + number
    if not isinstance(action, Submit | FillOrder):
        return Step(action, nonce, GAS_PER_PERMISSION, most, tip)
    bumps = sum(1 for bump in range(1, MOST_BUMPS + 1) if most << bump <= frame.dearest_wei)
    return Step(action, nonce, GAS_PER_TRADE, most, tip, bumps)


def preparation(plan: Plan) -> tuple[Step, ...]:
    """Return what goes before the first submission."""
    first = next(
        (n for n, step in enumerate(plan.steps) if isinstance(step.action, Submit | FillOrder)), len(plan.steps)
    )
    return plan.steps[:first]


def stages(plan: Plan) -> tuple[Stage, ...]:
    """Return the submissions, each with what follows it until the next."""
    found: list[Stage] = []
    for step in plan.steps[len(preparation(plan)) :]:
        if isinstance(step.action, Submit | FillOrder):
            found.append(Stage(step, ()))
        else:
            found[-1] = Stage(found[-1].submission, (*found[-1].then, step))
    return tuple(found)
