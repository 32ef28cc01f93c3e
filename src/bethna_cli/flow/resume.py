"""Going on with what only the person's wallet can: trades that were agreed to and have no transaction, and gaps.

A crash, a Ctrl-C or another program that used the account's nonce leaves an intent that is signed, journaled and not
sent. It is shown, checked and asked about again, and signed as it was: the same intent, and so the same trade.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from bethna_cli.domain.approval import Wanted, WantedLeg
from bethna_cli.domain.errors import BethnaError, NotFound, OutcomeUnknown, SlippageTooHigh, TradeRefused
from bethna_cli.domain.journal import JournalEntry
from bethna_cli.domain.mandate import MandateState
from bethna_cli.domain.trade import Side
from bethna_cli.execution import steps
from bethna_cli.execution.journal import Action
from bethna_cli.flow import execute
from bethna_cli.flow.approve import legs_of
from bethna_cli.flow.carry import Carried, Work, refreshed, send_stage
from bethna_cli.flow.consent import Consent
from bethna_cli.flow.execute import Progress
from bethna_cli.flow.gaps import blocked_nonces, make_way
from bethna_cli.flow.review import review_of
from bethna_cli.flow.sight import TradingDesk, look

ALIVE = (MandateState.WAITING, MandateState.OPEN)


@dataclass(frozen=True, slots=True)
class Resumed:
    """What came of going on. made_way: account nonces that held up others and are used up now."""

    made_way: tuple[int, ...]
    carried: tuple[Carried, ...]
    left: tuple[tuple[JournalEntry, BethnaError], ...]


async def resume(desk: TradingDesk, consent: Consent) -> Resumed:
    """Make way where account nonces hold up others, then sign again what waits for that. Raises TradeRefused."""
    progresses = await execute.recover(desk.execution)
    made_way: list[int] = []
    if blocked := await blocked_nonces(desk, progresses):
        made_way = await make_way(desk, blocked, consent)
        progresses = await execute.recover(desk.execution)
    carried: list[Carried] = []
    left: list[tuple[JournalEntry, BethnaError]] = []
    for entry in (one.entry for one in progresses if waits_for_signature(one, desk)):
        try:
            carried.append(await _again(desk, entry, consent))
        except OutcomeUnknown:
            raise
        except BethnaError as error:
            left.append((entry, error))
    return Resumed(tuple(made_way), tuple(carried), tuple(left))


def waits_for_signature(progress: Progress, desk: TradingDesk) -> bool:
    """Say whether the person's wallet can go on with a trade."""
    entry = progress.entry
    return progress.waits_for is Action.SIGN and not entry.is_mandated and entry.account == desk.wallet.address


# ── the trades ────────────────────────────────────────────────────────────────────────────────────────────────────


async def _again(desk: TradingDesk, entry: JournalEntry, consent: Consent) -> Carried:
    """Show a trade as it could be made now, have it signed again, and send it."""
    wanted = wanted_again(desk, entry)
    exits = tuple(one.trade for one in desk.mandates.of_purchase(entry.digest) if one.state in ALIVE)
    shown = await review_of(desk, wanted, await look(desk, wanted), (entry.trade,), exits, is_known=False)
    if shown.refusal is not None:
        raise shown.refusal
    consent.ask(shown)
    with desk.signer.unlocked(shown.plan) as session:
        fresh = await refreshed(desk, shown)
        if fresh is None:
            raise SlippageTooHigh("The price has moved past the bound that you signed.", hint="bethna trades")
        if steps.preparation(fresh.plan):
            raise TradeRefused("It needs a permission first; let it run out and sell anew.", hint="bethna positions")
        (stage,) = steps.stages(fresh.plan)
        signed = session.sign([desk.venue.route(fresh.sight.offers[0].order)])
        if tuple(one.digest for one in signed.intents) != (*fresh.digests, *fresh.exit_digests):
            raise TradeRefused("What was signed is not what was shown; nothing was sent.", hint="bethna doctor")
        work = Work(desk, fresh, session, consent)
        stopped = await send_stage(work, entry, stage, signed.steps, is_checked=False)
    purse = await desk.venue.purse(desk.wallet.address, desk.pins.contract)
    held = await desk.venue.balances(desk.wallet.address, [entry.trade.intent.option_token])
    return Carried(fresh, tuple(work.progresses), stopped, purse, tuple(held), tuple(work.loose))


def wanted_again(desk: TradingDesk, entry: JournalEntry) -> Wanted:
    """Say what a journaled trade was for, from the recommendation or the position behind it. Raises NotFound."""
    intent = entry.trade.intent
    if intent.side is Side.SELL:
        position = next((one for one in desk.positions.all() if one.token == intent.option_token), None)
        if position is None:
            raise NotFound("No position is known that it would sell.", hint="bethna positions")
        terms = position.terms
        leg = WantedLeg(terms.ticker, terms.kind, terms.strikes, terms.expires_at, intent.amount_in)
        document: Mapping[str, object] = {"simulated": desk.network == "sim"}
        return Wanted(position.short_id, terms.asset, desk.clock.now(), (leg,), document, side=Side.SELL, sold=position)
    decision = next((one for one in desk.decisions.all() if one.plan_id == entry.plan_id), None)
    if decision is None:
        raise NotFound("No recommendation is known that it came from.", hint="bethna trades")
    kept: Mapping[str, Any] = desk.ledger.recommendation(decision.recommendation_id)
    asset, legs = legs_of(kept)
    place = int(entry.trade.purpose.partition("-")[2] or 1) - 1
    leg = replace(legs[place] if len(legs) > 1 else legs[0], amount_in=intent.amount_in, expected_out=None)
    return Wanted(kept["id"], asset, datetime.fromisoformat(kept["created_at"]), (leg,), kept)
