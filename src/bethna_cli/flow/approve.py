"""From yes to receipt: a stored recommendation becomes one signed plan, checked before and after, sent once.

The order is the safety: check, show, ask, unlock, look at the price again, sign, check the signed call, journal, send.
A worse price asks again; without a yes nothing is unlocked. It returns at the first receipt.
"""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol

from bethna_cli.domain.approval import Answer, Decision, Offer, Purse, Wanted, WantedLeg
from bethna_cli.domain.errors import (
    BethnaError,
    ContractRefused,
    OutcomeUnknown,
    SlippageTooHigh,
    SourceUnavailable,
    TradeKnown,
    TradeRefused,
)
from bethna_cli.domain.journal import JournalEntry
from bethna_cli.domain.market import Asset, Origin
from bethna_cli.domain.options import OptionKind
from bethna_cli.domain.recommendation import Signal
from bethna_cli.domain.signing import SignedPlan, SignedTransaction
from bethna_cli.domain.units import Contracts, usdc_from_decimal
from bethna_cli.execution.approval import CardLine, card
from bethna_cli.flow import execute
from bethna_cli.flow.execute import Progress
from bethna_cli.flow.review import Review, checked, is_journaled, review
from bethna_cli.flow.sight import TradingDesk, look
from bethna_cli.ports import Clock, Decisions, Ledger

MOST_ASKS = 3
CLOCKS_APART_S = 60.0


class Consent(Protocol):
    """Whoever says yes. `ask` returns only when exactly this was agreed to; otherwise it raises TradeRefused."""

    def ask(self, shown: Review) -> None: ...


@dataclass(frozen=True, slots=True)
class Carried:
    """What came of an approval. progresses: one per leg that was sent; stopped: why a later leg was not.

    purse, held: the account and its option base units per leg afterwards.
    """

    review: Review
    progresses: tuple[Progress, ...]
    stopped: BethnaError | None
    purse: Purse
    held: tuple[int, ...]

    @property
    def usdc_spent(self) -> int:
        """What left the account, by its balance before and after."""
        return self.review.sight.purse.usdc - self.purse.usdc

    @property
    def is_complete(self) -> bool:
        """Say whether every leg was filled."""
        return len(self.progresses) == len(self.review.trades) and all(one.entry.fill for one in self.progresses)


def card_lines(shown: Review) -> list[CardLine]:
    """Return the card of exactly what is signed."""
    return card(shown.trades)


def require_buyable(document: Mapping[str, Any]) -> None:
    """Raise TradeRefused when a stored recommendation proposes nothing that can be bought: HOLD, or a replay."""
    asset = Asset(document["asset"])
    if document["origin"] == Origin.REPLAY.value:
        raise TradeRefused("It was read from recorded history; nothing there can be bought.", hint=_again(asset))
    if document["signal"] == Signal.HOLD.value:
        raise TradeRefused(
            f"Alpha says HOLD on {asset}: there is nothing to approve.", hint=document["buy_line"] or _again(asset)
        )


def wanted_of(document: Mapping[str, Any], now: datetime, within_s: float) -> Wanted:
    """Read a stored recommendation. Raises TradeRefused when it is not to be approved, or not any more."""
    require_buyable(document)
    asset, created_at = Asset(document["asset"]), datetime.fromisoformat(document["created_at"])
    age_s = (now - created_at).total_seconds()
    if not -CLOCKS_APART_S <= age_s <= within_s:
        raise TradeRefused(
            f"The recommendation is {age_s / 60:.0f} min old; it stands for {within_s / 60:.0f}.", hint=_again(asset)
        )
    return Wanted(document["id"], asset, created_at, tuple(_leg(leg) for leg in document["legs"]), document)


def _leg(leg: Mapping[str, Any]) -> WantedLeg:
    return WantedLeg(
        ticker=leg["ticker"],
        kind=OptionKind(leg["option_type"]),
        strikes=tuple(_decimal(strike) for strike in leg["strikes"]),
        expires_at=datetime.fromisoformat(leg["expiry"]),
        amount_in=usdc_from_decimal(_decimal(leg["premium_usdc"])),
        contracts=Contracts(usdc_from_decimal(_decimal(leg["contracts"]))),
    )


def _decimal(number: float) -> Decimal:
    """Read a number of our own JSON, which was written from six decimals."""
    return Decimal(str(number))


def _again(asset: Asset) -> str:
    return f"bethna recommend {asset}"


async def prepare(desk: TradingDesk, recommendation: str) -> Review:
    """Look at a recommendation as it could be bought now, with every check made. Signs nothing."""
    return await review(desk, _wanted(desk, recommendation))


def _wanted(desk: TradingDesk, recommendation: str) -> Wanted:
    wanted = wanted_of(desk.ledger.recommendation(recommendation), desk.clock.now(), desk.approve_within_s)
    for decision in desk.decisions.all():
        if decision.recommendation_id == wanted.id and decision.answer is Answer.REJECTED:
            raise TradeRefused("You rejected it.", hint=_again(wanted.asset))
    return wanted


async def approve(desk: TradingDesk, recommendation: str, consent: Consent) -> Carried:
    """Carry out a recommendation, once. Raises TradeRefused and its kinds; then nothing was sent."""
    wanted = _wanted(desk, recommendation)
    for _ in range(MOST_ASKS):
        shown = await review(desk, wanted)
        if shown.refusal is not None:
            raise shown.refusal
        consent.ask(shown)
        with ExitStack() as opened:
            sessions = [opened.enter_context(desk.signer.unlocked(plan)) for plan in shown.plans]
            fresh = await _refreshed(desk, shown)
            if fresh is None:
                continue
            signed = [
                session.sign([desk.venue.route(offer.order)])
                for session, offer in zip(sessions, fresh.sight.offers, strict=True)
            ]
        await _check_signed(desk, fresh, signed)
        return await _carry_out(desk, fresh, signed)
    raise SlippageTooHigh(
        f"The price moved past your bound {MOST_ASKS} times; nothing was sent.", hint=_again(wanted.asset)
    )


async def _refreshed(desk: TradingDesk, shown: Review) -> Review | None:
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


async def _check_signed(desk: TradingDesk, fresh: Review, signed: Sequence[SignedPlan]) -> None:
    """Run the first signed call without sending it, and make every check again. Raises what refuses.

    A later leg's permit counts on the one before it: its call is run when its turn has come, the venue's quote now.
    """
    if tuple(plan.intents[0].digest for plan in signed) != fresh.digests:
        raise TradeRefused("What was signed is not what was shown; nothing was sent.", hint="bethna doctor")
    delivered = [await desk.venue.outcome(signed[0].transactions[0], desk.wallet.address)]
    for trade, offer in zip(fresh.trades[1:], fresh.sight.offers[1:], strict=True):
        delivered.append(await desk.venue.quote(trade.intent, offer.order))
    again = await checked(desk, fresh, delivered)
    if again.refusal is not None:
        raise again.refusal


async def _carry_out(desk: TradingDesk, fresh: Review, signed: Sequence[SignedPlan]) -> Carried:
    """Journal everything, then send leg by leg; one that is not filled ends it, and those before it stand."""
    entries = await _journaled(desk, fresh)
    progresses: list[Progress] = []
    stopped: BethnaError | None = None
    for entry, plan in zip(entries, signed, strict=True):
        (transaction,) = plan.transactions
        stopped = await _refused_now(desk, entry, transaction) if progresses else None
        if stopped is not None:
            break
        progresses.append(await _sent(desk, entry, transaction))
        if progresses[-1].entry.fill is None:
            break
    purse = await desk.venue.purse(desk.wallet.address, desk.pins.contract)
    held = await desk.venue.balances(desk.wallet.address, [trade.intent.option_token for trade in fresh.trades])
    return Carried(fresh, tuple(progresses), stopped, purse, tuple(held))


async def _sent(desk: TradingDesk, entry: JournalEntry, transaction: SignedTransaction) -> Progress:
    """Send one leg and wait for its receipt. Raises OutcomeUnknown when the chain cannot be asked any more."""
    progress = await execute.submit(desk.execution, entry, [transaction])
    try:
        return await execute.settle(desk.execution, progress.entry)
    except SourceUnavailable as error:
        unknown = OutcomeUnknown(transaction.hash, error.message)
        unknown.hint = "bethna recover"
        raise unknown from error


async def _refused_now(desk: TradingDesk, entry: JournalEntry, transaction: SignedTransaction) -> BethnaError | None:
    """Run a later leg's signed call before it is sent, and say what speaks against it."""
    delivered = await desk.venue.outcome(transaction, desk.wallet.address)
    if isinstance(delivered, ContractRefused):
        return delivered
    least = entry.trade.intent.min_amount_out
    return None if delivered >= least else SlippageTooHigh(f"The venue delivers {delivered}; agreed were {least}.")


async def _journaled(desk: TradingDesk, fresh: Review) -> list[JournalEntry]:
    """Write down what was signed, if nobody did meanwhile. Raises TradeKnown."""
    async with desk.execution.journal.sending(desk.wallet.address):
        if is_journaled(desk, fresh.trades[0]):
            raise TradeKnown("This recommendation was approved meanwhile.", hint="bethna trades")
        plan_id = fresh.trades[0].intent.ref
        trades = list(zip(fresh.digests, fresh.trades, strict=True))
        entries = await execute.approve(desk.execution, plan_id, trades)
    desk.decisions.add(Decision(fresh.wanted.id, desk.clock.now(), Answer.APPROVED, plan_id))
    return entries


def reject(ledger: Ledger, decisions: Decisions, clock: Clock, recommendation: str, reason: str | None) -> Decision:
    """Keep a no, with the person's reason. Raises NotFound, TradeRefused when it was approved before."""
    name = str(ledger.recommendation(recommendation)["id"])
    if any(one.recommendation_id == name and one.answer is Answer.APPROVED for one in decisions.all()):
        raise TradeRefused("You approved it; what was bought can only be sold.", hint="bethna trades")
    decision = Decision(name, clock.now(), Answer.REJECTED, reason=reason)
    decisions.add(decision)
    return decision
