"""Which positions would be sold without the person: what was signed for each, and what the chain says of it now."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bethna_cli.domain.chain import Address, Hash, Tag
from bethna_cli.domain.errors import BethnaError
from bethna_cli.domain.guarding import ExitFacts, ExitRules
from bethna_cli.domain.journal import JournalEntry
from bethna_cli.domain.mandate import Mandate, MandateState
from bethna_cli.domain.position import Position
from bethna_cli.flow.lookout import GuardDesk
from bethna_cli.risk.book import Book
from bethna_cli.risk.lots import Pair, covers_of, pairs_of
from bethna_cli.risk.protection import UNSIGNED, ChainNow, Cover, signed_rules

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
    facts: dict[int, ExitFacts] = {}
    gas_wei: int | None = None
    block_s, is_known = int(desk.clock.now().timestamp()), False
    try:
        if live:
            by_nonce = {one.trade.intent.nonce: one for one in live.values()}
            facts = dict(zip(by_nonce, await desk.evidence.facts(list(by_nonce.values())), strict=True))
            block_s = (await desk.chain.block()).timestamp_s
            gas_wei = await _gas_wei(desk)
            await _end_mandates(desk, live, facts)
        is_known = True
    except BethnaError as error:
        troubles.append(f"protection: {error.message}")
    now = ChainNow(block_s, desk.watcher if desk.exits is not None else None, gas_wei)
    return Covers(_covers(desk, book, signed, facts, now), block_s, is_known)


def _covers(
    desk: GuardDesk,
    book: Book,
    signed: Mapping[Address, Sequence[Mandate]],
    facts: Mapping[int, ExitFacts],
    now: ChainNow,
) -> dict[int, Cover]:
    if not signed:
        return {}
    journal = Purchases(desk.journal.entries())
    found: dict[int, Cover] = {}
    for token, mandates in signed.items():
        rows = book.rows_of(token)
        lots = [book.positions[row] for row in rows]
        pairs = journal.pairs(mandates, lots)
        if any(pair.has_sold and pair.names for pair in pairs):  # it has sold an older one's contracts
            earlier = [one for one in desk.positions.all() if (one.user, one.token) == (desk.account, token)]
            lots = [*(one for one in earlier if not one.is_open), *lots]
            pairs = journal.pairs(mandates, lots)
        covers = covers_of(lots, pairs, facts, now)
        found |= {row: covers[book.positions[row].id] for row in rows}
    return found


class Purchases:
    """What the journal knows of an account's purchases and of the sales by its mandates."""

    def __init__(self, entries: Sequence[JournalEntry]) -> None:
        filled = [(entry, entry.fill) for entry in entries if entry.fill]
        self._by_fill = {(fill.transaction, fill.ordinal): entry for entry, fill in filled}
        self._filled = {entry.digest for entry, _ in filled}

    def made(self, position: Position) -> JournalEntry | None:
        """Return the purchase that made a position, None when this machine did not send it."""
        return self._by_fill.get((position.transaction, position.ordinal))

    def pairs(self, mandates: Sequence[Mandate], positions: Sequence[Position]) -> list[Pair]:
        """Put a token's mandates into pairs, each with those of the token's positions that it was signed for."""
        bought = {one.id: entry for one in positions if (entry := self.made(one)) is not None}
        return pairs_of(mandates, positions, bought, self._filled)


async def _gas_wei(desk: GuardDesk) -> int | None:
    if desk.watcher is None:
        return None
    (account,) = await desk.chain.accounts([desk.watcher])
    return account.balance_wei


def _signed(desk: GuardDesk, book: Book) -> dict[Address, Sequence[Mandate]]:
    """Find the mandates of each token that is held, ended ones among them: they say why there is no protection."""
    tokens = dict.fromkeys(one.token for one in desk.mandates.live())
    tokens |= dict.fromkeys(book.positions[row].token for row in sorted(book.unmet | book.signed))
    by_token = {token: desk.mandates.of_token(desk.account, token) for token in tokens if book.rows_of(token)}
    signed: dict[Address, Sequence[Mandate]] = {token: found for token, found in by_token.items() if found}
    book.signed = {row for token in signed for row in book.rows_of(token)}
    return signed


def adopted_rules(desk: GuardDesk, positions: Sequence[Position]) -> Mapping[str, ExitRules]:
    """Return the rules of positions that have their own; what was signed with a purchase becomes its rules, once."""
    rules = dict(desk.watchbook.rules())
    live = {one.token for one in desk.mandates.live()}
    bare = [one for one in positions if one.id not in rules and one.token in live]
    if not bare:
        return rules
    journal = Purchases(desk.journal.entries())
    for one in bare:
        pairs = journal.pairs(desk.mandates.of_token(desk.account, one.token), [one])
        mine = [mandate for pair in pairs if pair.names or pair.is_nameless for mandate in pair.mandates]
        signed = signed_rules(one, mine, desk.defaults)
        if signed is not None:
            desk.watchbook.set_rules(one.id, signed, desk.clock.now())
            rules[one.id] = signed
    return rules


async def _end_mandates(desk: GuardDesk, live: Mapping[Hash, Mandate], facts: Mapping[int, ExitFacts]) -> None:
    """Put away the mandates that can never be used again, by what is final: used, cancelled, or past their time."""
    used = [digest for digest, one in live.items() if facts[one.trade.intent.nonce].is_nonce_used]
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
