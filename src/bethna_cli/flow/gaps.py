"""Account nonces that hold up everything above them: one that nobody has a transaction for, and one that is held by a
transaction which can only fail. The person signs one in its place that sends nothing to themselves.
"""

from collections.abc import Sequence

from bethna_cli.domain.chain import OfferedFees, Tag
from bethna_cli.domain.errors import TradeRefused
from bethna_cli.domain.journal import Errand, JournalEntry
from bethna_cli.execution import steps
from bethna_cli.execution.journal import ENDED, Action
from bethna_cli.flow import execute
from bethna_cli.flow.consent import Consent, Way
from bethna_cli.flow.execute import Progress
from bethna_cli.flow.sight import TradingDesk

Blocked = tuple[int, JournalEntry | None]
"""An account nonce, and the trade whose transaction holds it, None where there is no transaction."""


async def blocked_nonces(desk: TradingDesk, progresses: Sequence[Progress]) -> list[Blocked]:
    """Return the account's nonces that hold up others, lowest first."""
    account, journal = desk.wallet.address, desk.execution.journal
    first, next_free = await desk.chain.nonce(account, Tag.LATEST), await desk.chain.nonce(account, Tag.PENDING)
    mine = [one for one in progresses if one.entry.account == account]
    held = [one.entry for one in mine if one.waits_for is Action.MAKE_WAY]
    # A node may keep offering to blocks what has long been dead here.
    held += [
        one
        for one in journal.entries()
        if one.account == account and one.state in ENDED and first <= (one.account_nonce or 0) < next_free
    ]
    stuck = [one.entry.account_nonce or 0 for one in mine if one.waits_for is Action.FILL_GAP]
    waiting = [one.transaction.nonce for one in journal.errands() if one.account == account and one.after is None]
    known = {one.account_nonce for one in (*journal.entries(only_open=True), *held) if one.account == account}
    known |= {one.transaction.nonce for one in journal.errands() if one.account == account}
    missing = [nonce for nonce in range(first, max([*stuck, *waiting], default=first)) if nonce not in known]
    found: dict[int, JournalEntry | None] = dict.fromkeys(missing)
    found |= {one.account_nonce: one for one in held if one.account_nonce is not None}
    return sorted(found.items(), key=lambda blocked: blocked[0])


async def make_way(desk: TradingDesk, blocked: Sequence[Blocked], consent: Consent) -> list[int]:
    """Ask for, sign and send a transaction for each nonce, and return those that are used up now. Raises TradeRefused.

    What held a nonce is out-bid, by a tenth and more; whichever of the two is mined, the nonce is used.
    """
    done = []
    for nonce, entry in blocked:
        way = await _way(desk, nonce, entry)
        consent.ask_way(way)
        with desk.signer.unlocked(way.plan) as session:
            ((transaction, *_),) = session.sign([]).steps
        errand = Errand(desk.wallet.address, f"make way at account nonce {nonce}", transaction)
        if await execute.make_way(desk.execution, errand, entry) is not None:
            done.append(nonce)
    return done


async def _way(desk: TradingDesk, nonce: int, entry: JournalEntry | None) -> Way:
    block, purse = await desk.chain.block(), await desk.venue.purse(desk.wallet.address, desk.pins.contract)
    frame = steps.Frame(
        chain_id=desk.pins.chain_id,
        contract=desk.pins.contract,
        user=desk.wallet.address,
        block_time_s=block.timestamp_s,
        account_nonce=nonce,
        fees=await desk.chain.fees(),
        dearest_wei=desk.limits.gas_ask_wei,
    )
    plan = steps.way(frame, _dearest(desk, nonce))
    way = Way(nonce, None if entry is None else entry.digest, plan, desk.venue.code(plan))
    if purse.balance_wei < way.gas_cost_wei:
        raise TradeRefused("The account has too little ETH for the gas.", hint="bethna wallet balance")
    return way


def _dearest(desk: TradingDesk, nonce: int) -> OfferedFees | None:
    """Return the most that a transaction of ours at a nonce was signed for, None where there is none."""
    journal, account = desk.execution.journal, desk.wallet.address
    there = [
        one for entry in journal.entries() if entry.account == account for one in entry.variants if one.nonce == nonce
    ]
    there += [one.transaction for one in journal.errands() if (one.account, one.transaction.nonce) == (account, nonce)]
    offered = [desk.venue.offered(one) for one in there]
    if not offered:
        return None
    return OfferedFees(max(one.max_fee_wei for one in offered), max(one.tip_wei for one in offered))
