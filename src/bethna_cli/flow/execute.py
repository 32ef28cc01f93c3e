"""From a signed trade to what the chain says of it: journal, send, look, and never anything twice.

What a node answers to a send decides nothing: the chain is asked. `recover` is what runs at every start, and the only
way an entry moves on; a crash anywhere is a start like any other.
"""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from bethna_cli.domain.chain import Address, Block, Hash, Receipt, Tag
from bethna_cli.domain.errors import (
    ChainAnomaly,
    ConfigurationError,
    OutcomeUnknown,
    OutsideError,
    SourceUnavailable,
    TradeRefused,
    TradingHalted,
    TransactionRejected,
)
from bethna_cli.domain.journal import Errand, JournalEntry, TradeState
from bethna_cli.domain.signing import SignedTransaction
from bethna_cli.domain.trade import PlannedTrade
from bethna_cli.execution.journal import ENDED, Action, Depth, Mined, Patience, Seen, Unmined, is_legal, next_step
from bethna_cli.ports import Chain, Clock, Journal, TradeEvidence

MOST_STEPS = 8
RECEIPT_LOOKS = 120
LOOK_EVERY_S = 0.5

Pause = Callable[[float], Awaitable[None]]
HandOn = Callable[[Address, Hash], Awaitable[object]]


async def _to_nobody(_user: Address, _transaction: Hash) -> None:
    """Hand a fill on to nobody: the listener meets it in its block."""


def _no_objection() -> None:
    """Let it be sent."""


@dataclass(frozen=True, slots=True)
class ExecutionDesk:
    """What Beta executes with. `pause` waits between two looks at the chain.

    hand_on: told whose trade was filled by which transaction, as soon as it is mined.
    """

    chain: Chain
    evidence: TradeEvidence
    journal: Journal
    clock: Clock
    pause: Pause
    patience: Patience = field(default_factory=Patience)
    hand_on: HandOn = _to_nobody


@dataclass(frozen=True, slots=True)
class Progress:
    """An entry as it is now, what is left to do about it, and what the node said when it was sent, None if nothing."""

    entry: JournalEntry
    waits_for: Action
    remark: str | None = None


async def approve(
    desk: ExecutionDesk, plan_id: Hash, trades: Sequence[tuple[Hash, PlannedTrade]]
) -> list[JournalEntry]:
    """Write down what the person signed, all of the plan or nothing. Raises TradeKnown when it was approved before."""
    _require_trading(desk)
    head = await desk.chain.block()
    entries = [
        JournalEntry(digest, plan_id, trade, TradeState.APPROVED, max(0, head.number)) for digest, trade in trades
    ]
    desk.journal.add(entries, desk.clock.now())
    return entries


async def submit(
    desk: ExecutionDesk,
    entry: JournalEntry,
    variants: Sequence[SignedTransaction],
    errands: Sequence[Errand] = (),
    last_check: Callable[[], None] = _no_objection,
) -> Progress:
    """Journal the transactions that carry an approved trade, and its errands, then send the first.

    variants: one account nonce and one calldata, fees rising. errands: what is to be sent once the trade is filled, on
    the account nonces that follow. last_check: raises when it must not be sent any more; nothing is waited for between
    it and the send. Raises TradeRefused when the account's nonce has moved on
    since they were signed (nothing was kept or sent), TradingHalted.
    """
    _require_trading(desk)
    nonces = {variant.nonce for variant in variants}
    if len(nonces) != 1 or entry.state is not TradeState.APPROVED:
        raise ValueError("not the transactions of one approved trade")
    async with desk.journal.sending(entry.account):
        expected = await next_account_nonce(desk, entry.account)
        if nonces != {expected}:
            raise TradeRefused("The account has sent something else meanwhile: sign again.", hint="bethna trades")
        last_check()
        signed = desk.journal.sign(entry, variants, desk.clock.now(), errands)
        return await _hand_out(desk, signed, 1)


async def add_fee_bump(desk: ExecutionDesk, entry: JournalEntry, variant: SignedTransaction) -> JournalEntry:
    """Keep a dearer transaction for a trade that waits; `advance` sends it when patience ends."""
    if variant.nonce != entry.account_nonce:
        raise ValueError("a fee bump keeps the account nonce")
    return desk.journal.add_variant(entry, variant, desk.clock.now())


async def settle(desk: ExecutionDesk, entry: JournalEntry) -> Progress:
    """Go on until the trade is mined or has ended, or there is nothing to do but come back later."""
    progress = await advance(desk, entry)
    for _ in range(RECEIPT_LOOKS):
        if progress.waits_for is not Action.WAIT or progress.entry.state in (TradeState.MINED, TradeState.SAFE):
            break
        await desk.pause(LOOK_EVERY_S)
        progress = await advance(desk, progress.entry)
    return progress


async def recover(desk: ExecutionDesk) -> list[Progress]:
    """Bring every open entry to what the chain shows, in the order of the account nonces, so that gaps are filled."""
    for errand in desk.journal.errands():
        if errand.after is None:
            await _run_again(desk, errand)
    progresses = [await advance(desk, entry) for entry in desk.journal.entries(only_open=True)]
    for errand in desk.journal.errands():
        if errand.after is not None:
            await _run_again(desk, errand)
    return progresses


async def advance(desk: ExecutionDesk, entry: JournalEntry) -> Progress:
    """Do what is to be done about one entry until it has to wait. Raises ChainAnomaly, and trading is halted then."""
    remark = None
    for _ in range(MOST_STEPS):
        if entry.state in ENDED:
            break
        seen = await _observe(desk, entry)
        step = next_step(entry, seen, int(desk.clock.now().timestamp()), desk.patience)
        if step.state is not None:
            if not is_legal(entry.state, step.state):
                raise AssertionError(f"{entry.state} to {step.state}")
            _keep_refused(desk, entry, seen)
            entry = desk.journal.move(entry, step.state, step.fill, desk.clock.now())
            await _hand_on(desk, entry)
        elif step.action in (Action.SEND, Action.BUMP) and desk.journal.halted() is None:
            count = max(1, entry.handed_out) + (1 if step.action is Action.BUMP else 0)
            async with desk.journal.sending(entry.account):
                progress = await _hand_out(desk, entry, count)
            entry, remark = progress.entry, progress.remark
            if remark is not None:
                return progress
        else:
            return Progress(entry, step.action, remark)
    return Progress(entry, Action.NOTHING if entry.state in ENDED else Action.WAIT, remark)


def _keep_refused(desk: ExecutionDesk, entry: JournalEntry, seen: Seen) -> None:
    """Keep a mandated sale that was refused on chain until that is final, and before it is tried anew.

    A reorganisation may take it out, and its account nonce must not stay empty below the next try's.
    """
    if entry.is_mandated and isinstance(seen, Mined) and seen.fill is None and entry.handed_out:
        refused = entry.variants[entry.handed_out - 1]
        desk.journal.keep_errand(Errand(entry.account, "refused exit", refused), desk.clock.now())


async def _hand_on(desk: ExecutionDesk, entry: JournalEntry) -> None:
    """Hand a fill on as soon as it is there. A failure costs nothing: the listener meets it in its block."""
    if entry.state is TradeState.MINED and entry.fill is not None:
        with suppress(OutsideError, ConfigurationError):
            await desk.hand_on(entry.trade.intent.user, entry.fill.transaction)


# ── errands ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def run_errand(desk: ExecutionDesk, errand: Errand) -> Receipt | None:
    """Journal and send a transaction that trades nothing, and wait for its receipt; None when none came in time.

    Raises TradeRefused when the account's nonce has moved on since it was signed (nothing was kept or sent).
    """
    async with desk.journal.sending(errand.account):
        if errand.transaction.nonce != await next_account_nonce(desk, errand.account):
            raise TradeRefused("The account has sent something else meanwhile: sign again.", hint="bethna trades")
        desk.journal.keep_errand(errand, desk.clock.now())
        await _send(desk, errand.transaction)
    return await _receipt(desk, errand)


async def make_way(desk: ExecutionDesk, errand: Errand, instead_of: JournalEntry | None) -> Receipt | None:
    """Journal and send a transaction at an account nonce that holds up others, and wait for its receipt.

    instead_of: the trade whose transaction holds the nonce, None where none is there. None when it is not mined in
    time, or what it was to replace was. Raises TradeRefused when the nonce was used or given away meanwhile (nothing
    was kept or sent).
    """
    async with desk.journal.sending(errand.account):
        nonce = errand.transaction.nonce
        others = [one for one in desk.journal.entries(only_open=True) if one.account == errand.account]
        ours = {one.account_nonce for one in others if instead_of is None or one.digest != instead_of.digest}
        if nonce in ours or nonce != await desk.chain.nonce(errand.account, Tag.LATEST):
            raise TradeRefused("The account has sent something else meanwhile.", hint="bethna recover")
        desk.journal.keep_errand(errand, desk.clock.now())
        await _send(desk, errand.transaction)
    return await _receipt(desk, errand)


async def finish_errand(desk: ExecutionDesk, errand: Errand) -> Receipt | None:
    """Send an errand that was journaled with its trade, which is filled now, and wait for its receipt."""
    async with desk.journal.sending(errand.account):
        await _send(desk, errand.transaction)
    return await _receipt(desk, errand)


async def finish_errands(desk: ExecutionDesk, account: Address) -> None:
    """End what an account has sent beside its trades and is final; what the chain has lost is sent again."""
    for errand in desk.journal.errands():
        if errand.account == account and errand.after is None:
            await _run_again(desk, errand)


async def _receipt(desk: ExecutionDesk, errand: Errand) -> Receipt | None:
    for _ in range(RECEIPT_LOOKS):
        receipt = await desk.chain.receipt(errand.transaction.hash)
        if receipt is not None:
            return receipt
        await desk.pause(LOOK_EVERY_S)
    return None


async def _run_again(desk: ExecutionDesk, errand: Errand) -> None:
    """End an errand whose account nonce is used for good; send the same bytes again while it is not used at all.

    One that belongs to a trade waits for its fill, and is over when the trade has ended without.
    """
    trade = None if errand.after is None else desk.journal.entry(errand.after)
    final = await desk.chain.block(Tag.FINALIZED)
    is_used = await desk.chain.nonce(errand.account, final.hash) > errand.transaction.nonce
    if is_used or (trade is not None and trade.fill is None and trade.state in ENDED):
        desk.journal.end_errand(errand, desk.clock.now())
    elif trade is not None and trade.fill is None:
        return
    elif await desk.chain.nonce(errand.account, Tag.LATEST) <= errand.transaction.nonce:
        async with desk.journal.sending(errand.account):
            await _send(desk, errand.transaction)


# ── sending ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def _hand_out(desk: ExecutionDesk, entry: JournalEntry, count: int) -> Progress:
    """Give a node the newest variant in use, always the journaled bytes. What it answers is a remark and no outcome."""
    entry = desk.journal.hand_out(entry, count, desk.clock.now())
    remark = await _send(desk, entry.variants[count - 1])
    if entry.state is TradeState.TX_SIGNED:
        entry = desk.journal.move(entry, TradeState.BROADCAST, None, desk.clock.now())
    return Progress(entry, Action.WAIT, remark)


async def _send(desk: ExecutionDesk, transaction: SignedTransaction) -> str | None:
    """Send journaled bytes. Returns what went wrong, in words; whether they arrived, the chain says later."""
    try:
        await desk.chain.send_raw(transaction.raw)
    except (OutcomeUnknown, TransactionRejected, SourceUnavailable) as error:
        return error.message
    return None


async def next_account_nonce(desk: ExecutionDesk, account: Address) -> int:
    """Return the first account nonce that neither the node nor the journal has given away."""
    pending = await desk.chain.nonce(account, Tag.PENDING)
    mined = await desk.chain.nonce(account, Tag.LATEST)
    ours = [
        other.account_nonce
        for other in desk.journal.entries(only_open=True)
        if other.account == account and other.account_nonce is not None
    ]
    errands = [one.transaction.nonce for one in desk.journal.errands() if one.account == account]
    return max([pending, *(nonce + 1 for nonce in (*ours, *errands) if nonce >= mined)])


def _require_trading(desk: ExecutionDesk) -> None:
    reason = desk.journal.halted()
    if reason is not None:
        raise TradingHalted(f"Trading is halted: {reason}", hint="bethna trades")


# ── looking ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def _observe(desk: ExecutionDesk, entry: JournalEntry) -> Seen:
    """Look for the receipt; where there is none, at the accounts, and then once more for what was mined meanwhile.

    A trade that is mined needs no state of the final block, which a node may have pruned.
    """
    mined = await _mined(desk, entry)
    if mined is not None:
        return mined
    trade, chain = entry.trade, desk.chain
    final, head = await chain.block(Tag.FINALIZED), await chain.block(Tag.LATEST)
    unmined = Unmined(
        account_nonce=await chain.nonce(entry.account, Tag.LATEST),
        final_account_nonce=await chain.nonce(entry.account, final.hash),
        is_nonce_used=await desk.evidence.is_nonce_used(trade, head.hash),
        is_nonce_used_final=await desk.evidence.is_nonce_used(trade, final.hash),
        time_s=head.timestamp_s,
        final_time_s=final.timestamp_s,
    )
    return await _mined(desk, entry) or unmined


async def _mined(desk: ExecutionDesk, entry: JournalEntry) -> Mined | None:
    """Find the receipt that decides the trade: a success of ours, of anybody's, or else a failure of ours."""
    safe, final = await desk.chain.block(Tag.SAFE), await desk.chain.block(Tag.FINALIZED)
    receipts = [await desk.chain.receipt(variant.hash) for variant in entry.variants]
    found = next((receipt for receipt in receipts if receipt and receipt.succeeded), None)
    found = found or await _executed_elsewhere(desk, entry)
    found = found or next((receipt for receipt in receipts if receipt), None)
    if found is None:
        return None
    depth = await _depth(desk, found, safe, final)
    if not found.succeeded:
        return Mined(depth, None)
    try:
        return Mined(depth, desk.evidence.fill(entry.trade, entry.digest, found))
    except ChainAnomaly as anomaly:
        desk.journal.halt(anomaly.message, desk.clock.now())
        raise


async def _executed_elsewhere(desk: ExecutionDesk, entry: JournalEntry) -> Receipt | None:
    """Look for the intent's own event where its nonce is used: another copy of this wallet may have sent it."""
    head = await desk.chain.block()
    if not await desk.evidence.is_nonce_used(entry.trade, head.hash):
        return None
    executed = await desk.evidence.execution(entry.trade, entry.digest, entry.first_block, head.number)
    return None if executed is None else await desk.chain.receipt(executed)


async def _depth(desk: ExecutionDesk, receipt: Receipt, safe: Block, final: Block) -> Depth:
    """Say how settled a receipt is; for more than a first look, every endpoint has to agree."""
    depth = Depth.LATEST
    if receipt.block_number <= safe.number:
        depth = Depth.FINAL if receipt.block_number <= final.number else Depth.SAFE
    if depth is not Depth.LATEST and desk.chain.endpoints > 1:
        agreed = await desk.chain.receipt(receipt.transaction_hash, confirmed=True)
        return depth if agreed == receipt else Depth.LATEST
    return depth
