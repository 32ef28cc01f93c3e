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
class Cover:
    """A position's protection, and the mandates that may be sent for it now."""

    protection: Protection
    reason: str
    usable: tuple[Mandate, ...] = ()


UNSIGNED = Cover(Protection.UNPROTECTED, "no exit is signed")


def cover_of(
    position: Position,
    mandates: Sequence[Mandate],
    facts: ExitFacts | None,
    block_s: int,
    gas_wei: int | None,
    watcher: str | None,
) -> Cover:
    """Judge a position by what was signed for it and what the chain says. gas_wei: the watcher's, None unknown."""
    signed = [one for one in mandates if one.state is MandateState.OPEN]
    if not signed:
        return _bare(_why_none(mandates))
    alive = [one for one in signed if one.usable_until_s >= block_s]
    if not alive:
        return _bare("its exits have expired")
    if any(one.trade.intent.executor != watcher for one in alive):
        return _bare("its exits were signed for another watcher")
    if facts is None:
        return Cover(Protection.UNPROTECTED, "the chain could not be asked", tuple(alive))
    fault = _fault(position, alive, facts)
    if fault is not None:
        return _bare(fault)
    if gas_wei is not None and gas_wei < LEAST_GAS_WEI:
        return _bare(NO_GAS)
    return Cover(Protection.PROTECTED, "signed exits stand", tuple(alive))


def _why_none(mandates: Sequence[Mandate]) -> str:
    reasons = {
        MandateState.CANCELLED: "its exits were cancelled",
        MandateState.EXPIRED: "its exits have expired",
        MandateState.USED: "its exits are used up",
        MandateState.WAITING: "its purchase is not confirmed yet",
    }
    return reasons.get(mandates[-1].state, "no exit is signed") if mandates else "no exit is signed"


def _fault(position: Position, alive: Sequence[Mandate], facts: ExitFacts) -> str | None:
    if facts.is_nonce_used:
        return "its exits were cancelled or used on chain"
    if facts.balance < position.contracts_left:
        return "the account holds fewer contracts than the position"
    needed = min(facts.balance, max(one.trade.intent.amount_in for one in alive))
    if facts.allowance < needed:
        return "the contract may not take its option tokens any more"
    return None


def _bare(reason: str) -> Cover:
    return Cover(Protection.UNPROTECTED, reason)


def mandate_for(rule: ExitRule, usable: Sequence[Mandate], contracts: int, offered: int) -> Mandate | None:
    """Return the mandate to sell by: the rule's own kind first, and only one whose floor the offer keeps."""
    wanted = MandateKind.TAKE_PROFIT if rule is ExitRule.TAKE_PROFIT else MandateKind.STOP_LOSS
    by_kind = sorted(usable, key=lambda one: one.kind is not wanted)
    return next((one for one in by_kind if one.floor(contracts) <= offered), None)


def endings(mandates: Sequence[Mandate], block_s: int) -> list[tuple[Mandate, int]]:
    """Return the mandates that end soon, each with the warning that is due: so many seconds before, the shorter one."""
    found = []
    for one in mandates:
        left_s = one.usable_until_s - block_s
        due = [before_s for before_s in WARN_BEFORE_S if 0 <= left_s <= before_s]
        if due:
            found.append((one, min(due)))
    return found


def signed_rules(position: Position, mandates: Sequence[Mandate], otherwise: ExitRules) -> ExitRules | None:
    """Return the limits that the person signed for a position's exits, None where none is open or nothing was paid."""
    live = {one.kind: one for one in mandates if one.state is MandateState.OPEN}
    if not live or position.cost <= 0:
        return None
    worth = {kind: one.trigger_value(position.contracts) * FULL for kind, one in live.items()}
    stop, goal = worth.get(MandateKind.STOP_LOSS), worth.get(MandateKind.TAKE_PROFIT)
    return replace(
        otherwise,
        stop_loss=None if stop is None else Bps(max(0, FULL - -(-stop // position.cost))),
        take_profit=None if goal is None else Bps(max(0, goal // position.cost - FULL)),
    )
