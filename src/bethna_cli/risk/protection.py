"""Whether a position would be sold without the person, and if not, why. A guard that is not there is said loudly."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bethna_cli.domain.guarding import ExitFacts, ExitRule, ExitRules, Protection
from bethna_cli.domain.mandate import Mandate, MandateKind, MandateState
from bethna_cli.domain.position import Position
from bethna_cli.domain.units import Bps
from bethna_cli.risk.exits import FULL

WARN_BEFORE_S = (86_400, 3_600)
"""How long before a mandate ends the person hears of it."""

LEAST_GAS_WEI = 2 * 10**13
"""What one exit may need on Base, several times over: 0.00002 ETH."""

NO_GAS = "the watcher has no ether for gas"


@dataclass(frozen=True, slots=True)
class ChainNow:
    """What all exits have in common at a look: the newest block's time, the watcher's account and its ether.

    watcher: None where it has no key; gas_wei: None when it is not known.
    """

    block_s: int
    watcher: str | None
    gas_wei: int | None


@dataclass(frozen=True, slots=True)
class Cover:
    """A position's protection, and the mandates that may be sent for it now.

    takes: how many of the `held` contracts the contract would sell by them, base units: those of other positions too
    when the mandate is for more than this one. is_passed_on: they were signed for another position of the same option.
    """

    protection: Protection
    reason: str
    usable: tuple[Mandate, ...] = ()
    takes: int = 0
    held: int = 0
    is_passed_on: bool = False


def bare(reason: str) -> Cover:
    return Cover(Protection.UNPROTECTED, reason)


UNSIGNED = bare("no exit is signed")


def fault_of(mandates: Sequence[Mandate], facts: ExitFacts | None, now: ChainNow) -> str | None:
    """Say why the contract would take none of the exits that share a nonce, None when it would take one."""
    if not any(one.state is MandateState.OPEN for one in mandates):
        return why_none(mandates)
    alive = _alive(mandates, now)
    if not alive:
        return "its exits have expired"
    if any(one.trade.intent.executor != now.watcher for one in alive):
        return "its exits were signed for another watcher"
    if facts is not None and facts.is_nonce_used:
        return "its exits were cancelled or used on chain"
    return None


def cover_of(position: Position, mandates: Sequence[Mandate], facts: ExitFacts | None, now: ChainNow) -> Cover:
    """Judge a position by the exits that guard it, in which there is no fault, and by what the chain says of them."""
    alive = _alive(mandates, now)
    if facts is None:
        return Cover(Protection.UNPROTECTED, "the chain could not be asked", alive)
    takes = min(facts.balance, max(one.trade.intent.amount_in for one in alive))
    if facts.balance < position.contracts_left:
        return bare("the account holds fewer contracts than the position")
    if facts.allowance < takes:
        return bare("the contract may not take its option tokens any more")
    if now.gas_wei is not None and now.gas_wei < LEAST_GAS_WEI:
        return bare(NO_GAS)
    return Cover(Protection.PROTECTED, "signed exits stand", alive, takes, facts.balance)


def _alive(mandates: Sequence[Mandate], now: ChainNow) -> tuple[Mandate, ...]:
    return tuple(one for one in mandates if one.state is MandateState.OPEN and one.usable_until_s >= now.block_s)


def why_none(mandates: Sequence[Mandate]) -> str:
    """Say why none of the exits that were signed stands."""
    reasons = {
        MandateState.CANCELLED: "its exits were cancelled",
        MandateState.EXPIRED: "its exits have expired",
        MandateState.USED: "its exits are used up",
        MandateState.WAITING: "its purchase is not confirmed yet",
    }
    return reasons.get(mandates[-1].state, "no exit is signed") if mandates else "no exit is signed"


def mandate_for(rule: ExitRule, usable: Sequence[Mandate], contracts: int, offered: int) -> Mandate | None:
    """Return the mandate to sell by: the rule's own kind first, and only one whose floor the offer keeps."""
    wanted = MandateKind.TAKE_PROFIT if rule is ExitRule.TAKE_PROFIT else MandateKind.STOP_LOSS
    by_kind = sorted(usable, key=lambda one: one.kind is not wanted)
    return next((one for one in by_kind if one.floor(contracts) <= offered), None)


def endings(mandates: Sequence[Mandate], block_s: int) -> list[tuple[Mandate, int]]:
    """Return the mandates that end soon, each with the warning that is due: so many seconds before, the shorter one.

    A stop and a goal that share a nonce end together, and are one.
    """
    found: dict[int, tuple[Mandate, int]] = {}
    for one in mandates:
        left_s = one.usable_until_s - block_s
        due = [before_s for before_s in WARN_BEFORE_S if 0 <= left_s <= before_s]
        if due:
            found.setdefault(one.trade.intent.nonce, (one, min(due)))
    return list(found.values())


def signed_rules(position: Position, mandates: Sequence[Mandate], otherwise: ExitRules) -> ExitRules | None:
    """Return the limits that the person signed for a position's exits, None where none is open or nothing was paid."""
    live = [one for one in mandates if one.state is MandateState.OPEN]
    if not live or position.cost <= 0:
        return None
    stop, goal = signed_shares(position, live)
    return replace(
        otherwise,
        stop_loss=None if stop is None else Bps(max(0, stop)),
        take_profit=None if goal is None else Bps(max(0, goal)),
    )


def signed_shares(position: Position, mandates: Sequence[Mandate]) -> tuple[Bps | None, Bps | None]:
    """Return the loss and the gain on what a position cost at which mandates sell, None where none was signed.

    A loss below nothing is a gain, and the other way about: that of exits which were signed for something else.
    """
    if position.cost <= 0:
        return None, None
    # To the nearest: what is signed covers a little more than was bought, so that its value comes out a grain too high.
    worth = {
        one.kind: (2 * one.trigger_value(position.contracts) * FULL + position.cost) // (2 * position.cost)
        for one in mandates
    }
    stop, goal = worth.get(MandateKind.STOP_LOSS), worth.get(MandateKind.TAKE_PROFIT)
    return None if stop is None else Bps(FULL - stop), None if goal is None else Bps(goal - FULL)
