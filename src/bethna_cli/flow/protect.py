"""Which positions would be sold without the person: what was signed for each, and what the chain says of it now."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bethna_cli.domain.chain import Hash, Tag
from bethna_cli.domain.errors import BethnaError
from bethna_cli.domain.guarding import ExitFacts, ExitRules
from bethna_cli.domain.mandate import Mandate, MandateState
from bethna_cli.domain.position import Position
from bethna_cli.flow.lookout import GuardDesk
from bethna_cli.risk.book import Book
from bethna_cli.risk.protection import UNSIGNED, Cover, cover_of, signed_rules

LIVE = frozenset({MandateState.WAITING, MandateState.OPEN})


@dataclass(frozen=True, slots=True)
class Covers:
    """The protection of the rows that were looked at, and the newest block's time; is_known: the chain has answered."""

    by_row: Mapping[int, Cover]
    block_s: int
    is_known: bool

    def of(self, row: int) -> Cover:
        """Return a row's protection; one that was not looked at has nothing signed."""
        return self.by_row.get(row, UNSIGNED)


async def look_at_protection(desk: GuardDesk, book: Book, troubles: list[str]) -> Covers:
    """Judge the positions for which something was signed, and those that nobody has looked at yet.

    What the chain does not answer leaves the mandates in place, and unproven.
    """
    signed = _signed(desk, book)
    live = {one.digest: one for found in signed.values() for one in found if one.state in LIVE}
    facts: dict[Hash, ExitFacts] = {}
    gas_wei: int | None = None
    block_s, is_known = int(desk.clock.now().timestamp()), False
    try:
        if live:
            facts = dict(zip(live, await desk.evidence.facts(list(live.values())), strict=True))
            block_s = (await desk.chain.block()).timestamp_s
            gas_wei = await _gas_wei(desk)
            await _end_mandates(desk, live, facts)
        is_known = True
    except BethnaError as error:
        troubles.append(f"protection: {error.message}")
    watcher = desk.watcher if desk.exits is not None else None
    covers = {}
    for row, mine in signed.items():
        fact = next((facts[one.digest] for one in mine if one.digest in facts), None)
        covers[row] = cover_of(book.positions[row], mine, fact, block_s, gas_wei, watcher)
    return Covers(covers, block_s, is_known)


async def _gas_wei(desk: GuardDesk) -> int | None:
    if desk.watcher is None:
        return None
    (account,) = await desk.chain.accounts([desk.watcher])
    return account.balance_wei


def _signed(desk: GuardDesk, book: Book) -> dict[int, tuple[Mandate, ...]]:
    """Find the mandates of each row: those of its purchase, and those that were signed later for its token.

    Ended ones are among them, so that it can be said why there is no protection.
    """
    tokens = dict.fromkeys(one.token for one in desk.mandates.live())
    tokens |= dict.fromkeys(book.positions[row].token for row in sorted(book.unmet | book.signed))
    by_token = {token: found for token in tokens if (found := desk.mandates.of_token(desk.account, token))}
    rows = {row for token in by_token for row in book.rows_of(token)}
    book.signed = rows
    if not rows:
        return {}
    purchases = _purchases(desk)
    return {row: _of_position(book.positions[row], by_token, purchases) for row in sorted(rows)}


def adopted_rules(desk: GuardDesk, positions: Sequence[Position]) -> Mapping[str, ExitRules]:
    """Return the rules of positions that have their own; what was signed with a purchase becomes its rules, once."""
    rules = dict(desk.watchbook.rules())
    live = {one.token for one in desk.mandates.live()}
    bare = [one for one in positions if one.id not in rules and one.token in live]
    if not bare:
        return rules
    purchases = _purchases(desk)
    for one in bare:
        mine = _of_position(one, {one.token: desk.mandates.of_token(desk.account, one.token)}, purchases)
        signed = signed_rules(one, mine, desk.defaults)
        if signed is not None:
            desk.watchbook.set_rules(one.id, signed, desk.clock.now())
            rules[one.id] = signed
    return rules


def _purchases(desk: GuardDesk) -> Mapping[tuple[Hash, int], Hash]:
    """Return the digest of each purchase by the transaction that filled it."""
    return {
        (entry.fill.transaction, entry.fill.ordinal): entry.digest for entry in desk.journal.entries() if entry.fill
    }


def _of_position(
    position: Position,
    by_token: Mapping[str, Sequence[Mandate]],
    purchases: Mapping[tuple[Hash, int], Hash],
) -> tuple[Mandate, ...]:
    purchase = purchases.get((position.transaction, position.ordinal))
    return tuple(one for one in by_token[position.token] if one.purchase in (purchase, None))


async def _end_mandates(desk: GuardDesk, live: Mapping[Hash, Mandate], facts: Mapping[Hash, ExitFacts]) -> None:
    """Put away the mandates that can never be used again, by what is final: used, cancelled, or past their time."""
    used = [digest for digest, fact in facts.items() if fact.is_nonce_used]
    final = await desk.chain.block(Tag.FINALIZED)
    if used:
        at_final = await desk.evidence.facts([live[digest] for digest in used], final.hash)
        gone = [digest for digest, fact in zip(used, at_final, strict=True) if fact.is_nonce_used]
        sold = {entry.digest for entry in desk.journal.entries() if entry.fill}
        _move(desk, (one for one in gone if one in sold), MandateState.USED)
        _move(desk, (one for one in gone if one not in sold), MandateState.CANCELLED)
    over = (digest for digest, one in live.items() if final.timestamp_s > one.trade.intent.deadline_s)
    _move(desk, over, MandateState.EXPIRED)


def _move(desk: GuardDesk, digests: Iterable[Hash], state: MandateState) -> None:
    found = list(digests)
    if found:
        desk.mandates.move(found, state, desk.clock.now())
