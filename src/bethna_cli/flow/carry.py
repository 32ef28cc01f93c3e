"""From yes to receipt, for a purchase as for a sale: one signed plan, checked before and after, sent trade by trade.

The order is the safety: check, show, ask, unlock, look at the price again, sign, check the signed call, journal, send.
A worse price asks again; without a yes nothing is unlocked. It returns at the last trade's first receipt.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from bethna_cli.domain.approval import Answer, Decision, Offer, Purse, Wanted
from bethna_cli.domain.chain import Hash
from bethna_cli.domain.errors import (
    BethnaError,
    ContractRefused,
    OutcomeUnknown,
    QuoteExpired,
    SlippageTooHigh,
    SourceUnavailable,
    TradeKnown,
    TradeRefused,
)
from bethna_cli.domain.journal import Errand, JournalEntry
from bethna_cli.domain.mandate import Mandate, MandateState
from bethna_cli.domain.signing import Approve, CancelNonce, SignedPlan, SignedTransaction, Step
from bethna_cli.domain.trade import Side
from bethna_cli.execution import steps
from bethna_cli.execution.approval import CardLine, card
from bethna_cli.execution.direct import direct_card
from bethna_cli.execution.exits import kind_of
from bethna_cli.execution.plan import has_moved_too_far
from bethna_cli.flow import execute
from bethna_cli.flow.consent import Consent
from bethna_cli.flow.draft import standing_mandates
from bethna_cli.flow.execute import Progress
from bethna_cli.flow.review import Review, checked, is_journaled, review
from bethna_cli.flow.sight import TradingDesk, look
from bethna_cli.ports import SigningSession

MOST_ASKS = 3
LONGEST_PAUSE_S = 5.0


@dataclass(frozen=True, slots=True)
class Carried:
    """What came of a plan. progresses: one per trade that was sent; stopped: why a later one was not.

    purse, held: the account and its option base units per leg afterwards. loose: permissions and cancellations that
    were signed with it and are not known to have happened.
    """

    review: Review
    progresses: tuple[Progress, ...]
    stopped: BethnaError | None
    purse: Purse
    held: tuple[int, ...]
    loose: tuple[Errand, ...] = ()

    @property
    def usdc_spent(self) -> int:
        """What left the account, by its balance before and after; below 0 it came in."""
        return self.review.sight.purse.usdc - self.purse.usdc

    @property
    def is_complete(self) -> bool:
        """Say whether every leg was filled."""
        return len(self.progresses) == len(self.review.trades) and all(one.entry.fill for one in self.progresses)


@dataclass(slots=True)
class Work:
    """A plan while it is being carried out: what was shown, its open key, and what has come of it so far."""

    desk: TradingDesk
    shown: Review
    session: SigningSession
    consent: Consent
    progresses: list[Progress] = field(default_factory=list)
    loose: list[Errand] = field(default_factory=list)


def card_lines(shown: Review) -> list[CardLine]:
    """Return the card of exactly what is signed."""
    return direct_card(shown.trades) if shown.plan.fills_book else card((*shown.trades, *shown.exits))


async def carry(desk: TradingDesk, wanted: Wanted, consent: Consent) -> Carried:
    """Carry out what is wanted, once. Raises TradeRefused and its kinds; then nothing was sent."""
    for _ in range(MOST_ASKS):
        shown = await review(desk, wanted)
        if shown.refusal is not None:
            raise shown.refusal
        consent.ask(shown)
        with desk.signer.unlocked(shown.plan) as session:
            fresh = await refreshed(desk, shown)
            if fresh is not None:
                return await _carry_out(Work(desk, fresh, session, consent))
    raise SlippageTooHigh(f"The price moved past your bound {MOST_ASKS} times; nothing was sent.", hint=again(wanted))


def again(wanted: Wanted) -> str:
    """Return what to type to have another try."""
    return f"bethna recommend {wanted.asset}" if wanted.side is Side.BUY else f"bethna close {wanted.id}"


async def refreshed(desk: TradingDesk, shown: Review) -> Review | None:
    """Take the quotes of this moment for the plan that was agreed to; None when one brings less than its bound."""
    sight = await look(desk, shown.wanted)
    offers: list[Offer] = []
    for trade, offer in zip(shown.trades, sight.offers, strict=True):
        delivered = await desk.venue.quote(trade.intent, offer.order)
        is_same = offer.series == trade.intent.option_token
        if isinstance(delivered, ContractRefused) or delivered < trade.intent.min_amount_out or not is_same:
            return None
        offers.append(offer)
    return replace(shown, sight=replace(sight, offers=tuple(offers)))


async def _carry_out(work: Work) -> Carried:
    """Journal everything, then send trade by trade; one that is not filled ends it, and those before it stand."""
    desk, shown = work.desk, work.shown
    prepared, (first, *later) = steps.preparation(shown.plan), steps.stages(shown.plan)
    signed = work.session.sign([desk.venue.route(shown.sight.offers[0].order)], len(prepared) + first.steps)
    await _check_signed(work, signed, is_prepared=bool(prepared))
    entries = await _journaled(work, signed)
    for step, (transaction, *_) in zip(prepared, signed.steps, strict=False):
        await _prepare(work, step, transaction)
    stopped = await send_stage(work, entries[0], first, signed.steps[len(prepared) :], is_checked=not prepared)
    for number, stage in enumerate(later, 1):
        if stopped is not None or work.progresses[-1].entry.fill is None:
            break
        stopped = await _next(work, entries[number], stage, number)
    purse = await desk.venue.purse(desk.wallet.address, desk.pins.contract)
    held = await desk.venue.balances(desk.wallet.address, [trade.intent.option_token for trade in shown.trades])
    return Carried(shown, tuple(work.progresses), stopped, purse, tuple(held), tuple(work.loose))


async def _check_signed(work: Work, signed: SignedPlan, *, is_prepared: bool) -> None:
    """Run the first signed call without sending it, and make every check again. Raises what refuses.

    A later leg counts on the one before it, and a first one on what prepares it: their calls are run when their turns
    have come, the venue's quotes now.
    """
    desk, shown = work.desk, work.shown
    if tuple(one.digest for one in signed.intents) != (*shown.digests, *shown.exit_digests):
        raise TradeRefused("What was signed is not what was shown; nothing was sent.", hint="bethna doctor")
    delivered = [] if is_prepared else [await desk.venue.outcome(signed.steps[0][0], desk.wallet.address)]
    offered = list(zip(shown.trades, shown.sight.offers, strict=True))
    delivered += [await desk.venue.quote(trade.intent, offer.order) for trade, offer in offered[len(delivered) :]]
    again_checked = await checked(desk, shown, delivered)
    if again_checked.refusal is not None:
        raise again_checked.refusal


async def _journaled(work: Work, signed: SignedPlan) -> list[JournalEntry]:
    """Write down what was signed, if nobody did meanwhile. Raises TradeKnown."""
    desk, shown = work.desk, work.shown
    async with desk.execution.journal.sending(desk.wallet.address):
        if is_journaled(desk, shown.trades[0]):
            raise TradeKnown("This was approved meanwhile.", hint="bethna trades")
        work.consent.confirm(shown)
        plan_id = shown.trades[0].intent.ref
        trades = list(zip(shown.digests, shown.trades, strict=True))
        if shown.wanted.side is Side.BUY:
            # Before the trades: one that is journaled can be gone on with only if what it was for is known.
            desk.decisions.add(Decision(shown.wanted.id, desk.clock.now(), Answer.APPROVED, plan_id))
        entries = await execute.approve(desk.execution, plan_id, trades)
    desk.mandates.keep(_mandates(work, signed))
    return entries


def _mandates(work: Work, signed: SignedPlan) -> list[Mandate]:
    """Pair each signed exit with the first purchase of its option; it waits for that."""
    shown = work.shown
    purchases: Mapping[str, Hash] = {
        trade.intent.option_token: digest
        for trade, digest in reversed(list(zip(shown.trades, shown.digests, strict=True)))
    }
    answers = signed.intents[len(shown.trades) :]
    return [
        Mandate(
            digest=answer.digest,
            kind=kind_of(trade),
            trade=trade,
            signature=answer.signature,
            purchase=purchases[trade.intent.option_token],
            signed_at=work.desk.clock.now(),
        )
        for trade, answer in zip(shown.exits, answers, strict=True)
    ]


# ── one trade after another ───────────────────────────────────────────────────────────────────────────────────────


async def _prepare(work: Work, step: Step, transaction: SignedTransaction) -> None:
    """Send what the first trade needs. Raises TradeRefused when it failed, OutcomeUnknown when nobody can say."""
    errand = Errand(work.desk.wallet.address, purpose_of(step), transaction)
    receipt = await execute.run_errand(work.desk.execution, errand)
    if receipt is None:
        raise _unknown(transaction, "it is not in a block yet")
    if not receipt.succeeded:
        raise TradeRefused(f"The permission failed in {transaction.hash}; no trade was sent.", hint="bethna recover")


def purpose_of(step: Step) -> str:
    """Say what an errand is for, as the journal keeps it."""
    if isinstance(step.action, Approve):
        return f"allow {step.action.amount} of {step.action.token}"
    return "cancel a nonce"


async def _next(work: Work, entry: JournalEntry, stage: steps.Stage, number: int) -> BethnaError | None:
    """Send a later trade when its turn has come, with a quote of that moment. Returns what speaks against it."""
    try:
        await _wait_for_turn(work, number)
        sight = await look(work.desk, replace(work.shown.wanted, legs=work.shown.wanted.legs[number : number + 1]))
        _require_near(work, sight.offers[0])
        signed = work.session.sign([work.desk.venue.route(sight.offers[0].order)], stage.steps)
        return await send_stage(work, entry, stage, signed.steps, is_checked=False)
    except OutcomeUnknown:
        raise
    except BethnaError as error:
        return error


async def _wait_for_turn(work: Work, number: int) -> None:
    """Wait until a part's turn: counted from the plan's block, as its deadline is."""
    leg, desk = work.shown.wanted.legs[number], work.desk
    due_s = work.shown.plan.block_time_s + leg.after_s
    if leg.after_s:
        count = len(work.shown.trades)
        work.consent.tell(f"Part {number} of {count} is done; the next one follows in {leg.after_s} s.")
    while (left_s := due_s - (await desk.chain.block()).timestamp_s) > 0:
        await desk.execution.pause(min(float(left_s), LONGEST_PAUSE_S))


def _require_near(work: Work, offer: Offer) -> None:
    """Raise SlippageTooHigh when the price has moved too far for the rest of a large order."""
    first = work.shown.sight.offers[0].quote.price
    if work.shown.wanted.is_schedule and has_moved_too_far(first, offer.quote.price):
        moved = offer.quote.price / first - 1
        raise SlippageTooHigh(f"The price has moved {moved:+.1%} since the first part; the rest is left undone.")


async def send_stage(
    work: Work,
    entry: JournalEntry,
    stage: steps.Stage,
    signed: Sequence[Sequence[SignedTransaction]],
    *,
    is_checked: bool,
) -> BethnaError | None:
    """Send one trade, wait for its receipt, and see to what follows it. Returns what spoke against sending it.

    Raises OutcomeUnknown when the chain cannot be asked any more.
    """
    desk = work.desk
    variants, *following = signed
    refused = None if is_checked else await _refused_now(work, entry, variants[0])
    if refused is not None:
        return refused
    errands = [
        Errand(desk.wallet.address, purpose_of(step), transaction, entry.digest)
        for step, (transaction, *_) in zip(stage.then, following, strict=True)
    ]
    progress = await execute.submit(desk.execution, entry, variants, errands)
    try:
        progress = await execute.settle(desk.execution, progress.entry)
        work.progresses.append(progress)
        if progress.entry.fill is not None:
            await _follow(work, progress.entry, stage, errands)
    except SourceUnavailable as error:
        raise _unknown(variants[0], error.message) from error
    return None


def _unknown(transaction: SignedTransaction, reason: str) -> OutcomeUnknown:
    unknown = OutcomeUnknown(transaction.hash, reason)
    unknown.hint = "bethna recover"
    return unknown


async def _refused_now(work: Work, entry: JournalEntry, transaction: SignedTransaction) -> BethnaError | None:
    """Run a signed call before it is sent, and say what speaks against it."""
    delivered = await work.desk.venue.outcome(transaction, work.desk.wallet.address)
    if isinstance(delivered, ContractRefused):
        return delivered
    least = entry.trade.intent.min_amount_out
    if delivered < least:
        return SlippageTooHigh(f"The venue delivers {delivered}; agreed were {least}.")
    head = await work.desk.chain.block()
    if head.timestamp_s > entry.trade.intent.deadline_s:
        return QuoteExpired("Its deadline has passed.", hint=again(work.shown.wanted))
    return None


async def _follow(work: Work, entry: JournalEntry, stage: steps.Stage, errands: Sequence[Errand]) -> None:
    """Send what follows a fill, and let the exits stand that wait for it, and those go that end with it."""
    desk, token = work.desk, entry.trade.intent.option_token
    for step, errand in zip(stage.then, errands, strict=True):
        receipt = await execute.finish_errand(desk.execution, errand)
        if receipt is None or not receipt.succeeded:
            work.loose.append(errand)
        elif isinstance(step.action, CancelNonce):
            same = [one for one in standing_mandates(desk, token) if one.trade.intent.nonce == step.action.nonce]
            desk.mandates.move([one.digest for one in same], MandateState.CANCELLED, desk.clock.now())
    waiting = [one.digest for one in desk.mandates.of_purchase(entry.digest)]
    desk.mandates.move(waiting, MandateState.OPEN, desk.clock.now())
