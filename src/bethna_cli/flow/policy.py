"""Consent ahead of time: made by a person, checked before every purchase that nobody confirms, ended at any moment.

A day is a UTC day of the chain's time. Everything that was bought from the account counts, whoever said yes to it.
"""

from dataclasses import dataclass

from bethna_cli.domain.chain import Address
from bethna_cli.domain.errors import TradeRefused
from bethna_cli.domain.policy import DAY_S, SignedPolicy, SpendingPolicy, day_of
from bethna_cli.domain.signing import Plan
from bethna_cli.domain.trade import Side
from bethna_cli.domain.units import from_unix, usdc_to_decimal
from bethna_cli.ports import Chain, Clock, Policies, PolicyCheck, Signer

AGAIN = "bethna policy set"


@dataclass(frozen=True, slots=True)
class PolicyDesk:
    """What a policy is kept and checked with."""

    chain: Chain
    policies: Policies
    signer: Signer
    clock: Clock
    is_signed: PolicyCheck


@dataclass(frozen=True, slots=True)
class Standing:
    """A policy, and how far it has been used. spent_today: base units, since midnight UTC."""

    signed: SignedPolicy
    is_in_force: bool
    spent_today: int

    @property
    def left_today(self) -> int:
        return max(0, self.signed.policy.max_per_day - self.spent_today)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a person wants to allow: base units of USDC, and for how long."""

    max_per_trade: int
    max_per_day: int
    life_s: int


async def draft(desk: PolicyDesk, user: Address, contract: Address, limits: Limits) -> Plan:
    """Write the plan that makes a policy. It begins at the newest block's time, and signs nothing else."""
    await desk.chain.check()
    block = await desk.chain.block()
    policy = SpendingPolicy(
        chain_id=desk.chain.chain_id,
        contract=contract,
        user=user,
        max_per_trade=limits.max_per_trade,
        max_per_day=limits.max_per_day,
        valid_from_s=block.timestamp_s,
        valid_until_s=block.timestamp_s + limits.life_s,
    )
    return Plan(desk.chain.chain_id, contract, user, block.timestamp_s, policy=policy)


def make(desk: PolicyDesk, plan: Plan) -> SignedPolicy:
    """Have a policy signed and keep it in the place of the one before."""
    if plan.policy is None:
        raise ValueError("a plan without a policy")
    with desk.signer.unlocked(plan) as session:
        answer = session.sign([]).policy
    if answer is None:
        raise TradeRefused("The signer gave back no policy; nothing is kept.", hint="bethna doctor")
    signed = SignedPolicy(plan.policy, answer.digest, answer.signature)
    desk.policies.keep(signed, desk.clock.now())
    return signed


def standing(policies: Policies, is_signed: PolicyCheck, user: Address, chain_id: int, time_s: int) -> Standing | None:
    """Return the policy in use and what is left of it, None without one. One that nobody signed is none."""
    signed = policies.current(user, chain_id)
    if signed is None or not is_signed(signed) or (signed.policy.user, signed.policy.chain_id) != (user, chain_id):
        return None
    spent = policies.spent(user, chain_id, from_unix(day_of(time_s)))
    return Standing(signed, signed.policy.holds_at(time_s), spent)


def require_within(policies: Policies, is_signed: PolicyCheck, plan: Plan) -> SignedPolicy:
    """Return the policy that lets a plan be signed unasked. Raises TradeRefused, with the numbers, where none does.

    To be asked again while nobody else can journal a trade of the account: only then is today's sum what it will be.
    """
    found = standing(policies, is_signed, plan.user, plan.chain_id, plan.block_time_s)
    if found is None:
        raise TradeRefused("Nobody has agreed to this ahead of time: there is no policy.", hint=AGAIN)
    policy = found.signed.policy
    if not found.is_in_force:
        ended = f"{from_unix(policy.valid_until_s):%Y-%m-%d %H:%M} UTC"
        raise TradeRefused(f"The policy held until {ended}.", hint=AGAIN)
    if policy.contract != plan.contract:
        raise TradeRefused("The policy is for another contract.", hint=AGAIN)
    amount = sum(intent.amount_in for intent in plan.intents if intent.side is Side.BUY)
    if amount > policy.max_per_trade:
        limit = _usdc(policy.max_per_trade)
        raise TradeRefused(f"It costs {_usdc(amount)}; the policy allows {limit} a trade.", hint=AGAIN)
    if amount > found.left_today:
        raise TradeRefused(
            f"It costs {_usdc(amount)}; of {_usdc(policy.max_per_day)} a day {_usdc(found.left_today)} are left until "
            f"{from_unix(day_of(plan.block_time_s) + DAY_S):%Y-%m-%d %H:%M} UTC.",
            hint=AGAIN,
        )
    return found.signed


def _usdc(amount: int) -> str:
    return f"{usdc_to_decimal(amount):,f} USDC"
