"""Taking permissions back: one plan of approvals of nothing, shown, signed once, journaled, sent one after another."""

from collections.abc import Sequence
from dataclasses import dataclass

from bethna_cli.domain.chain import Hash, Receipt
from bethna_cli.domain.errors import BethnaError, ContractMismatch, NotFound, TradeRefused
from bethna_cli.domain.holdings import Holding, Holdings
from bethna_cli.domain.journal import Errand
from bethna_cli.domain.signing import Approve, Plan, Step
from bethna_cli.flow.execute import ExecutionDesk, next_account_nonce, run_errand
from bethna_cli.ports import Signer, TokenAccounts, TraderContracts

PURPOSE = "revoke"
MOST_AT_ONCE = 20


@dataclass(frozen=True, slots=True)
class AllowanceDesk:
    """What taking permissions back works with."""

    accounts: TokenAccounts
    traders: TraderContracts
    signer: Signer
    execution: ExecutionDesk


@dataclass(frozen=True, slots=True)
class Revoked:
    """One permission that was to be taken back. receipt: None while none came."""

    holding: Holding
    transaction: Hash
    receipt: Receipt | None


def revocable(holdings: Holdings, wanted: str | None) -> list[Holding]:
    """Return what can be taken back: every permission that stands, or the one of a token.

    wanted: a token's address or name, None for all. Raises NotFound when there is none.
    """
    standing = [one for one in holdings.tokens if one.allowance]
    if wanted is not None:
        standing = [one for one in standing if wanted.lower() in (one.token, one.name.lower())]
    if not standing:
        what = "nothing" if wanted is None else f"nothing of {wanted!r}"
        raise NotFound(f"The contract may take {what}; there is no permission to end.", hint="bethna wallet balance")
    return standing[:MOST_AT_ONCE]


async def revocation(desk: AllowanceDesk, holdings: Holdings, wanted: Sequence[Holding]) -> Plan:
    """Write the plan that takes permissions back. Raises ContractMismatch when the contract is none of ours."""
    if holdings.contract is None:
        raise ContractMismatch("No contract is confirmed on this network.", hint="bethna contract verify ADDRESS")
    chain = desk.execution.chain
    await chain.check()
    await desk.traders.state(holdings.contract)
    block, fees = await chain.block(), await chain.fees()
    nonce = await next_account_nonce(desk.execution, holdings.account)
    steps = []
    for number, holding in enumerate(wanted):
        call = desk.accounts.revocation(holding.token, holdings.account, holdings.contract)
        gas = await chain.estimate_gas(call) * 5 // 4
        steps.append(Step(Approve(holding.token, 0), nonce + number, gas, fees.max_fee_wei, fees.tip_wei))
    plan = Plan(chain.chain_id, holdings.contract, holdings.account, block.timestamp_s, steps=tuple(steps))
    if most_wei(plan) > holdings.balance_wei:
        raise TradeRefused("The account has too little ETH for the fees.", hint="bethna wallet balance")
    return plan


def most_wei(plan: Plan) -> int:
    """Return what a plan's transactions can cost at most."""
    return sum(step.most_wei for step in plan.steps)


async def revoke(desk: AllowanceDesk, plan: Plan, wanted: Sequence[Holding]) -> list[Revoked]:
    """Sign a plan, journal each transaction before it is sent, and wait for the receipts."""
    with desk.signer.unlocked(plan) as session:
        signed = session.sign([])
    done: list[Revoked] = []
    for holding, transaction in zip(wanted, signed.transactions, strict=True):
        receipt = await run_errand(desk.execution, Errand(plan.user, PURPOSE, transaction))
        done.append(Revoked(holding, transaction.hash, receipt))
        if receipt is None:
            break
    return done


def outcome(done: Sequence[Revoked]) -> BethnaError | None:
    """Return what is to be reported besides the list: a transaction that failed, or has no receipt yet."""
    if any(one.receipt is not None and not one.receipt.succeeded for one in done):
        return TradeRefused("A token refused to take its permission back.", hint="bethna wallet balance")
    if any(one.receipt is None for one in done):
        return TradeRefused("A transaction is on its way and has no receipt yet.", hint="bethna recover")
    return None
