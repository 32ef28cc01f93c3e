"""Which signed exits guard which purchase, where an account holds several of one option.

An option's tokens are all alike, and a sale takes the oldest contracts first, whichever purchase it was signed for. So
when the exits of a younger purchase have sold, the contracts that are left are booked as that purchase's, and the older
one's exits stand without any: they guard what is left then, at the limits they were signed for.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from bethna_cli.domain.guarding import ExitFacts, ExitRules
from bethna_cli.domain.journal import JournalEntry
from bethna_cli.domain.mandate import Mandate, MandateState
from bethna_cli.domain.position import Position, PositionState
from bethna_cli.risk.protection import ChainNow, Cover, bare, cover_of, fault_of, signed_shares, why_none

SOLD_OLDER = "what was signed for it has sold older contracts of the same option"
PASSED_ON = "guarded by the exits of the older"


@dataclass(frozen=True, slots=True)
class Pair:
    """Exits that share a nonce, so that the contract executes one of them. names: the positions they were signed for.

    has_sold: the watcher has sold by one of them.
    """

    mandates: tuple[Mandate, ...]
    names: frozenset[str]
    has_sold: bool

    @property
    def nonce(self) -> int:
        return self.mandates[0].trade.intent.nonce

    @property
    def amount(self) -> int:
        """The most contracts that it sells, base units."""
        return max(one.trade.intent.amount_in for one in self.mandates)

    @property
    def is_nameless(self) -> bool:
        """Say whether nobody knows which position it was signed for; then it is the oldest one's that has none."""
        return all(one.position is None and one.purchase is None for one in self.mandates)


def pairs_of(
    mandates: Sequence[Mandate],
    positions: Sequence[Position],
    bought: Mapping[str, JournalEntry],
    sold: Collection[str],
) -> list[Pair]:
    """Put a token's mandates into pairs, in the order in which they were signed.

    positions: the token's; bought: the journal's purchases by the position that they made; sold: digests of sales.
    """
    order = {one.trade.intent.nonce: place for place, one in reversed(list(enumerate(mandates)))}
    by_pair = sorted(mandates, key=lambda one: order[one.trade.intent.nonce])
    groups = [tuple(found) for _, found in groupby(by_pair, key=lambda one: one.trade.intent.nonce)]
    return [
        Pair(
            group,
            frozenset(one.id for one in positions if any(_is_for(mandate, one, bought) for mandate in group)),
            any(one.digest in sold or one.state is MandateState.USED for one in group),
        )
        for group in groups
    ]


def _is_for(mandate: Mandate, position: Position, bought: Mapping[str, JournalEntry]) -> bool:
    """Say whether a mandate was signed for a position; one that goes with a purchase in parts is for all of them."""
    if mandate.position is not None:
        return mandate.position == position.id
    entry = bought.get(position.id)
    if entry is None:
        return False
    return mandate.purchase == entry.digest or mandate.trade.intent.ref == entry.trade.intent.ref


def shared_out(positions: Sequence[Position], living: Sequence[Pair], pairs: Sequence[Pair]) -> dict[str, Pair]:
    """Return the pair that guards each open position: the newest of its own, else one that is passed on to it.

    positions: the token's, oldest first, closed ones too. living: those of `pairs` that the contract would execute.
    """
    lots = [one for one in positions if one.is_open]
    found = {lot.id: pair for pair in living for lot in lots if lot.id in pair.names}
    gone = {one.id for one in positions if not one.is_open and one.state is not PositionState.UNCONFIRMED}
    spare = {pair.nonce: pair.amount for pair in living if pair.names <= gone or pair in found.values()}
    for lot in lots:
        if lot.id in found:
            spare[found[lot.id].nonce] -= lot.contracts_left
    has_sold = {name for pair in pairs if pair.has_sold for name in pair.names}
    for lot in lots:
        if lot.id in found:
            continue
        able = [
            pair
            for pair in living
            if spare.get(pair.nonce, 0) >= lot.contracts_left
            and (pair.is_nameless or (lot.id in has_sold and pair.names))
        ]
        if able:
            heirloom = min(able, key=lambda pair: not pair.names <= gone)
            found[lot.id] = heirloom
            spare[heirloom.nonce] -= lot.contracts_left
    return found


def covers_of(
    positions: Sequence[Position], pairs: Sequence[Pair], facts: Mapping[int, ExitFacts], now: ChainNow
) -> dict[str, Cover]:
    """Judge each open position of a token. facts: what the chain says of each pair, by nonce."""
    faults = {pair.nonce: fault_of(pair.mandates, facts.get(pair.nonce), now) for pair in pairs}
    living = [pair for pair in pairs if faults[pair.nonce] is None]
    guards = shared_out(positions, living, pairs)
    covers = {}
    for lot in (one for one in positions if one.is_open):
        own = [pair for pair in pairs if lot.id in pair.names]
        guard = guards.get(lot.id)
        if guard is not None:
            cover = cover_of(lot, guard.mandates, facts.get(guard.nonce), now)
            is_passed_on = bool(guard.names) and lot.id not in guard.names
            covers[lot.id] = _passed_on(guard, positions, cover) if is_passed_on else cover
        elif any(pair.has_sold for pair in own):
            covers[lot.id] = bare(SOLD_OLDER)
        else:
            covers[lot.id] = bare((faults[own[-1].nonce] if own else None) or why_none(()))
    return covers


def _passed_on(guard: Pair, positions: Sequence[Position], cover: Cover) -> Cover:
    """Say whose exits guard a position now."""
    if not cover.usable:
        return cover
    older = ", ".join(one.short_id for one in positions if one.id in guard.names)
    reason = f"{PASSED_ON} {older}, whose contracts were sold first"
    return replace(cover, reason=reason, is_passed_on=True)


def is_passed(cover: Cover, before: str) -> bool:
    """Say whether exits have been passed on, or back. before: the reason that an earlier look gave."""
    is_back = before.startswith(PASSED_ON) and not cover.is_passed_on
    return bool(cover.usable) and (is_back or (cover.is_passed_on and cover.reason != before))


def rules_by(lot: Position, cover: Cover, rules: ExitRules) -> ExitRules:
    """Return a position's rules with the limits that the exits which guard it were signed for."""
    stop, goal = signed_shares(lot, cover.usable)
    return replace(rules, stop_loss=stop, take_profit=goal)
