"""At expiry: make every option that has run out pay its holder, once, and write the payment down.

Anybody may make a series pay; the account that pays the gas gains nothing by it. A series that cannot settle yet,
because nobody has published its price, is tried again later.
"""

from dataclasses import dataclass

from bethna_cli.domain.chain import Address, Hash, UnsignedTransaction
from bethna_cli.domain.errors import ContractRefused
from bethna_cli.domain.journal import Errand
from bethna_cli.flow import execute
from bethna_cli.flow.execute import ExecutionDesk
from bethna_cli.flow.record import RecordDesk, note
from bethna_cli.ports import Redemptions

GAS_MARGIN = 1.25
"""The estimate is of a moment before; settling first costs more."""


@dataclass(frozen=True, slots=True)
class Redeemed:
    """A token that was made to pay. transaction: None when nobody knows yet whether it was mined."""

    token: Address
    transaction: Hash | None


async def redeem_due(execution: ExecutionDesk, record: RecordDesk, redemptions: Redemptions) -> list[Redeemed]:
    """Make pay what has run out and is still held. What is on its way already is not sent a second time."""
    held = [one for one in record.positions.all(only_open=True) if one.user == record.account]
    if not held:
        return []
    now_s = (await record.chain.block()).timestamp_s
    due = {one.token for one in held if one.terms.expires_at.timestamp() <= now_s}
    under_way = {errand.purpose for errand in execution.journal.errands()}
    found = [token for token in sorted(due) if _purpose(token) not in under_way]
    return [one for token in found if (one := await _redeem(execution, record, redemptions, token)) is not None]


def _purpose(token: Address) -> str:
    return f"redeem {token}"


async def _redeem(
    execution: ExecutionDesk, record: RecordDesk, redemptions: Redemptions, token: Address
) -> Redeemed | None:
    """Send the call and wait for its receipt; None when the series cannot pay yet, or nobody can pay the gas."""
    chain, call = record.chain, redemptions.call(token, record.account)
    try:
        gas = await chain.estimate_gas(call)
    except ContractRefused:
        return None
    nonce = await execute.next_account_nonce(execution, redemptions.payer)
    fees = await chain.fees()
    unsigned = UnsignedTransaction(
        chain.chain_id, redemptions.payer, nonce, token, call.data, 0, round(gas * GAS_MARGIN), fees
    )
    (payer,) = await chain.accounts([redemptions.payer])
    if payer.balance_wei < unsigned.highest_cost_wei:
        return None
    errand = Errand(redemptions.payer, _purpose(token), redemptions.sign(unsigned))
    receipt = await execute.run_errand(execution, errand)
    if receipt is None:
        return Redeemed(token, None)
    await note(record, receipt.transaction_hash)
    return Redeemed(token, receipt.transaction_hash)
