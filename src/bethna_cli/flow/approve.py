"""A person's answer to a recommendation: a yes becomes a purchase, a no is kept with its reason.

What was recommended is read back from where it was stored; nothing here asks or sends by itself.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from bethna_cli.domain.approval import Answer, Decision, Schedule, Wanted, WantedLeg
from bethna_cli.domain.errors import TradeRefused
from bethna_cli.domain.mandate import ExitTerms
from bethna_cli.domain.market import Asset, Origin
from bethna_cli.domain.options import OptionKind
from bethna_cli.domain.recommendation import Signal
from bethna_cli.domain.units import usdc_from_decimal
from bethna_cli.execution.plan import in_parts
from bethna_cli.flow.carry import Carried, carry
from bethna_cli.flow.consent import Consent
from bethna_cli.flow.review import Review, review
from bethna_cli.flow.sight import TradingDesk
from bethna_cli.ports import Clock, Decisions, Ledger

CLOCKS_APART_S = 60.0


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
    return Wanted(document["id"], asset, created_at, legs_of(document)[1], document)


def legs_of(document: Mapping[str, Any]) -> tuple[Asset, tuple[WantedLeg, ...]]:
    """Return what a stored recommendation is about: its asset, and what was to be bought."""
    return Asset(document["asset"]), tuple(_leg(leg) for leg in document["legs"])


def _leg(leg: Mapping[str, Any]) -> WantedLeg:
    return WantedLeg(
        ticker=leg["ticker"],
        kind=OptionKind(leg["option_type"]),
        strikes=tuple(_decimal(strike) for strike in leg["strikes"]),
        expires_at=datetime.fromisoformat(leg["expiry"]),
        amount_in=usdc_from_decimal(_decimal(leg["premium_usdc"])),
        expected_out=usdc_from_decimal(_decimal(leg["contracts"])),
    )


def _decimal(number: float) -> Decimal:
    """Read a number of our own JSON, which was written from six decimals."""
    return Decimal(str(number))


def _again(asset: Asset) -> str:
    return f"bethna recommend {asset}"


async def prepare(
    desk: TradingDesk, recommendation: str, exits: ExitTerms | None = None, schedule: Schedule | None = None
) -> Review:
    """Look at a recommendation as it could be bought now, with every check made. Signs nothing."""
    return await review(desk, _wanted(desk, recommendation, exits, schedule))


def _wanted(desk: TradingDesk, recommendation: str, exits: ExitTerms | None, schedule: Schedule | None) -> Wanted:
    wanted = wanted_of(desk.ledger.recommendation(recommendation), desk.clock.now(), desk.approve_within_s)
    for decision in desk.decisions.all():
        if decision.recommendation_id == wanted.id and decision.answer is Answer.REJECTED:
            raise TradeRefused("You rejected it.", hint=_again(wanted.asset))
    return replace(in_parts(wanted, schedule), exits=exits)


async def approve(
    desk: TradingDesk,
    recommendation: str,
    consent: Consent,
    exits: ExitTerms | None = None,
    schedule: Schedule | None = None,
) -> Carried:
    """Carry out a recommendation, once. Raises TradeRefused and its kinds; then nothing was sent.

    exits: the mandates to be signed with it. schedule: the parts that a large order is bought in.
    """
    return await carry(desk, _wanted(desk, recommendation, exits, schedule), consent)


def reject(ledger: Ledger, decisions: Decisions, clock: Clock, recommendation: str, reason: str | None) -> Decision:
    """Keep a no, with the person's reason. Raises NotFound, TradeRefused when it was approved before."""
    name = str(ledger.recommendation(recommendation)["id"])
    if any(one.recommendation_id == name and one.answer is Answer.APPROVED for one in decisions.all()):
        raise TradeRefused("You approved it; what was bought can only be sold.", hint="bethna trades")
    decision = Decision(name, clock.now(), Answer.REJECTED, reason=reason)
    decisions.add(decision)
    return decision
