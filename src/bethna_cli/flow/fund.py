"""Gas money for the watcher: one transaction from the person's wallet to the watcher's pinned account.

It goes the way of every plan: shown, agreed to, signed by the signer, journaled before it is sent.
"""

from collections.abc import Callable
from dataclasses import dataclass

from bethna_cli.domain.chain import Address, Hash
from bethna_cli.domain.errors import ContractRefused, OutcomeUnknown, TradeRefused
from bethna_cli.domain.journal import Errand
from bethna_cli.domain.signing import MOST_GAS_MONEY_WEI, FundWatcher, Plan, Step, ether
from bethna_cli.flow import execute
from bethna_cli.flow.execute import ExecutionDesk
from bethna_cli.ports import Signer

TRANSFER_GAS = 21_000


@dataclass(frozen=True, slots=True)
class Funded:
    """What was sent, and what the watcher has now, wei."""

    transaction: Hash
    balance_wei: int


async def fund_watcher(
    desk: ExecutionDesk,
    signer: Signer,
    user: Address,
    watcher: Address,
    contract: Address,
    amount_wei: int,
    agree: Callable[[Plan], None],
) -> Funded:
    """Send `amount_wei` to the watcher once. agree: returns only when the person says yes to exactly this plan.

    Raises TradeRefused when the wallet has too little or the watcher would have too much, OutcomeUnknown when no
    receipt came in time.
    """
    await desk.chain.check()
    fees, head = await desk.chain.fees(), await desk.chain.block()
    account, funded = await desk.chain.accounts([user, watcher])
    _require_little(funded.balance_wei, amount_wei)
    cost_wei = amount_wei + TRANSFER_GAS * fees.max_fee_wei
    if account.balance_wei < cost_wei:
        words = f"The wallet has {ether(account.balance_wei)} ETH; {ether(cost_wei)} are needed."
        raise TradeRefused(words, hint="bethna wallet balance")
    nonce = await execute.next_account_nonce(desk, user)
    step = Step(FundWatcher(amount_wei), nonce, TRANSFER_GAS, fees.max_fee_wei, fees.tip_wei)
    plan = Plan(desk.chain.chain_id, contract, user, head.timestamp_s, steps=(step,))
    agree(plan)
    with signer.unlocked(plan) as session:
        (transaction,) = session.sign([]).transactions
    receipt = await execute.run_errand(desk, Errand(user, "fund-watcher", transaction))
    if receipt is None:
        raise OutcomeUnknown(transaction.hash, "no receipt came in time")
    if not receipt.succeeded:
        raise ContractRefused("TransferRefused")
    (funded,) = await desk.chain.accounts([watcher])
    return Funded(transaction.hash, funded.balance_wei)


def _require_little(held_wei: int, more_wei: int) -> None:
    """Raise TradeRefused unless the watcher stays poor: its key opens without a password."""
    if held_wei + more_wei <= MOST_GAS_MONEY_WEI:
        return
    room = _plain(max(0, MOST_GAS_MONEY_WEI - held_wei))
    raise TradeRefused(
        f"The watcher has {_plain(held_wei)} ETH; with {_plain(more_wei)} more it would have over"
        f" {_plain(MOST_GAS_MONEY_WEI)}, the most that its key may hold.",
        hint="bethna watch key" if room == "0" else f"bethna watch fund {room}",
    )


def _plain(wei: int) -> str:
    return f"{ether(wei).normalize():f}"
