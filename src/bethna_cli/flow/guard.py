"""One tick of Gamma: read on, look at the market, value everything, decide, write it down, and act on what was decided.

Everything a tick concludes is kept in one transaction before anything is sent, so that `why` answers from the record
alone. A source or a chain that fails makes values unknown and is told; it never makes a number, and never an exit.
"""

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from bethna_cli.domain.alert import Alert
from bethna_cli.domain.errors import BethnaError
from bethna_cli.domain.guarding import Decided, GuardState, TickNotes, Verdict
from bethna_cli.domain.journal import JournalEntry
from bethna_cli.domain.market import Asset
from bethna_cli.execution.journal import ENDED
from bethna_cli.flow import execute, guard_words
from bethna_cli.flow.exits import Attempt
from bethna_cli.flow.lookout import GuardDesk, look
from bethna_cli.flow.mandate import decide_waiting
from bethna_cli.flow.protect import Covers, adopted_rules, look_at_protection
from bethna_cli.flow.selling import sell_all, sold_alerts
from bethna_cli.risk.book import Assessment, Book, Decision, first_state
from bethna_cli.risk.lots import is_passed, rules_by
from bethna_cli.risk.marks import AssetView
from bethna_cli.risk.protection import endings

TELL_UNKNOWN_AT = 2
"""At which tick in a row without a value, or without the chain, the person hears of it."""


@dataclass
class Memory:
    """What one watcher keeps between two ticks; all of it can be read again from the store and the chain.

    is_kept: the store has everything that the last tick concluded. Until it has, the store alone is believed.
    """

    token: int
    book: Book | None = None
    revision: int | None = None
    unknown: dict[Asset, tuple[datetime, int]] = field(default_factory=dict)
    silent: tuple[datetime, int] | None = None
    is_kept: bool = False


@dataclass(frozen=True, slots=True)
class Ticked:
    """What a tick has done. alerts: the new ones; attempts: sales that were tried, by position; troubles: in words."""

    at: datetime
    book: Book
    assessment: Assessment | None
    covers: Covers
    alerts: tuple[Alert, ...]
    attempts: Mapping[str, Attempt]
    troubles: tuple[str, ...]


@dataclass
class _Conclusions:
    """What a tick is about to write down. sales: what is to be sold, by row."""

    at: datetime
    states: dict[int, GuardState] = field(default_factory=dict)
    decided: list[Decided] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)
    sales: list[Decision] = field(default_factory=list)


async def tick(desk: GuardDesk, memory: Memory) -> Ticked:
    """Do one tick. Raises WatcherReplaced when another watcher has started, ConfigurationError when the store fails."""
    troubles: list[str] = []
    if not memory.is_kept:
        memory.book = None
    desk.watchbook.require_newest(memory.token)
    await _attempted("chain", desk.read_on(), troubles)
    is_chain_silent = bool(troubles)
    sold = await _own_exits(desk, troubles, with_ended=not memory.is_kept)
    memory.is_kept = False
    decide_waiting(desk.journal, desk.mandates, desk.clock)
    book = _book(desk, memory)
    views = await look(desk.market, book.assets)
    covers = await look_at_protection(desk, book, troubles)
    book = _by_rules_passed_on(desk, memory, book, covers)
    assessment = book.assess(views, desk.clock.now(), desk.strictness) if len(book) else None
    work = _Conclusions(desk.clock.now())
    work.alerts += sold_alerts(desk, sold)
    _note_unknown(memory, views, work, troubles)
    if len(book) or not is_chain_silent:  # without a position nobody misses the chain
        _note_silence(memory, work, troubles[0] if is_chain_silent else None)
    _note_protection(book, covers, work)
    if assessment is not None:
        _note_entries(book, assessment, work)
        for decision in assessment.decisions:
            _decide_alone(book, covers, views, decision, work, troubles)
    changed = [state for row, state in work.states.items() if book.remember(row, state)]
    marks = None if assessment is None else book.packed(assessment)
    notes = TickNotes(work.at, marks, changed, work.decided, work.alerts)
    alerts = desk.watchbook.keep(notes, memory.token, "; ".join(troubles) or None)
    attempts = await sell_all(desk, memory.token, book, covers, work.sales, work.at)
    memory.is_kept = True
    return Ticked(work.at, book, assessment, covers, tuple(alerts), attempts, tuple(troubles))


async def _attempted(what: str, work: Awaitable[object], troubles: list[str]) -> None:
    """Do something that needs the outside; a failure is a trouble of this tick and no more."""
    try:
        await work
    except BethnaError as error:
        troubles.append(f"{what}: {error.message}")


async def _own_exits(desk: GuardDesk, troubles: list[str], *, with_ended: bool) -> list[JournalEntry]:
    """Bring the watcher's own open sales to what the chain shows, and return those that were filled.

    with_ended: those that had ended before, too: they may have done so while nobody could write down that they did.
    """
    if desk.exits is None:
        return []
    filled = [one for one in desk.journal.entries() if one.fill and one.state in ENDED] if with_ended else []
    filled = [one for one in filled if _is_own_exit(desk, one)]
    await _attempted("errands", execute.finish_errands(desk.exits.execution, desk.exits.key.address), troubles)
    for entry in desk.journal.entries(only_open=True):
        if not _is_own_exit(desk, entry):
            continue
        try:
            progress = await execute.advance(desk.exits.execution, entry)
        except BethnaError as error:
            troubles.append(f"exit: {error.message}")
            continue
        if progress.entry.fill is not None:
            if entry.fill is None:
                await _attempted("record", desk.note_fill(progress.entry.fill.transaction), troubles)
            filled.append(progress.entry)
    return filled


def _is_own_exit(desk: GuardDesk, entry: JournalEntry) -> bool:
    """Say whether it is the watcher's to send; another account's exits are its own watcher's."""
    return entry.is_mandated and entry.trade.intent.user == desk.account


def _book(desk: GuardDesk, memory: Memory) -> Book:
    """Return the columns of the open positions, made anew when somebody has written to the store."""
    revision = desk.watchbook.revision()
    if memory.book is None or revision != memory.revision:
        positions = [one for one in desk.positions.all(only_open=True) if one.user == desk.account]
        states, rules = desk.watchbook.states(), adopted_rules(desk, positions)
        memory.book = Book(
            positions,
            [rules.get(one.id, desk.defaults) for one in positions],
            [states.get(one.id) or first_state(one) for one in positions],
        )
        memory.revision = revision
    return memory.book


def _by_rules_passed_on(desk: GuardDesk, memory: Memory, book: Book, covers: Covers) -> Book:
    """Have positions go by the limits of other exits than before, once: what the person says later counts again."""
    if not covers.is_known:
        return book
    changed = {row: cover for row, cover in covers.by_row.items() if is_passed(cover, book.states[row].reason)}
    if not changed:
        return book
    rules = list(book.rules)
    for row, cover in changed.items():
        rules[row] = rules_by(book.positions[row], cover, rules[row])
        desk.watchbook.set_rules(book.positions[row].id, rules[row], desk.clock.now())
    memory.book = book.with_rules(rules)
    return memory.book


# ── concluding ────────────────────────────────────────────────────────────────────────────────────────────────────


def _note_unknown(memory: Memory, views: Mapping[Asset, AssetView], work: _Conclusions, troubles: list[str]) -> None:
    """Count the ticks in a row in which an asset has no value; from the second on the person knows, and of its end."""
    for asset, view in views.items():
        if view.fault is None:
            since, ticks = memory.unknown.pop(asset, (work.at, 0))
            if ticks >= TELL_UNKNOWN_AT:
                work.alerts.append(guard_words.known_again_alert(asset, since, work.at))
            continue
        since, ticks = memory.unknown.get(asset, (work.at, 0))
        memory.unknown[asset] = (since, ticks + 1)
        troubles.append(f"{asset}: value unknown: {view.fault}")
        if ticks + 1 >= TELL_UNKNOWN_AT:
            work.alerts.append(guard_words.unknown_alert(asset, since, view.fault))


def _note_silence(memory: Memory, work: _Conclusions, why: str | None) -> None:
    """Count the ticks in a row in which the chain could not be read; from the second on the person knows."""
    if why is None:
        since, ticks = memory.silent or (work.at, 0)
        if ticks >= TELL_UNKNOWN_AT:
            work.alerts.append(guard_words.answering_again_alert(since, work.at))
        memory.silent = None
        return
    since, ticks = memory.silent or (work.at, 0)
    memory.silent = (since, ticks + 1)
    if ticks + 1 >= TELL_UNKNOWN_AT:
        work.alerts.append(guard_words.silent_alert(since, why))


def _note_protection(book: Book, covers: Covers, work: _Conclusions) -> None:
    """Keep what changed about protection, and tell of it; where the chain did not answer nothing has changed."""
    if not covers.is_known:
        return
    for row in sorted({*covers.by_row, *book.unmet}):
        position, cover, before = book.positions[row], covers.of(row), book.states[row]
        if (cover.protection, cover.reason) != (before.protection, before.reason):
            after = replace(before, protection=cover.protection, reason=cover.reason)
            work.states[row] = after
            alert = guard_words.protection_alert(position, after)
            work.alerts += [alert] if alert else []
            work.alerts += [guard_words.passed_on_alert(position, cover)] if cover.is_passed_on else []
        work.alerts += [
            guard_words.ending_alert(position, mandate, before_s)
            for mandate, before_s in endings(cover.usable, covers.block_s)
        ]
    book.unmet.clear()


def _note_entries(book: Book, assessment: Assessment, work: _Conclusions) -> None:
    """Remember the volatility at which a position was first valued."""
    for row, iv in book.without_entry_iv(assessment):
        work.states[row] = replace(_state(book, row, work), entry_iv=iv)


def _decide_alone(
    book: Book,
    covers: Covers,
    views: Mapping[Asset, AssetView],
    decision: Decision,
    work: _Conclusions,
    troubles: list[str],
) -> None:
    """Decide about one position, and keep its failure from the others."""
    try:
        _decide(book, covers, views, decision, work)
    except Exception as error:  # noqa: BLE001 (one turn of the watch loop)
        short_id = book.positions[decision.row].short_id
        troubles.append(f"{short_id}: bethna made a mistake: {type(error).__name__}")


def _decide(
    book: Book, covers: Covers, views: Mapping[Asset, AssetView], decision: Decision, work: _Conclusions
) -> None:
    """Keep what was decided about one position where it is news, and line up what is to be sold."""
    position, made = book.positions[decision.row], decision.decision
    before = _state(book, decision.row, work)
    after = replace(before, breach=made.breach)
    work.alerts += guard_words.warning_alerts(position, decision)
    is_news = made.breach != before.breach or made.verdict is Verdict.SELL
    if made.verdict is Verdict.SELL:
        is_news = before.selling_since is None
        after = replace(after, selling_since=before.selling_since or work.at)
        cover = covers.of(decision.row)
        if cover.usable and covers.is_known:
            if before.next_try_at is None or before.next_try_at <= work.at:
                work.sales.append(decision)
        elif not cover.usable:
            work.alerts.append(guard_words.unsigned_alert(position, decision, cover.reason))
    elif made.verdict is not Verdict.CONFIRM:
        after = replace(after, selling_since=None, attempts=0, next_try_at=None)
    if is_news:
        work.decided.append(guard_words.decided(position, work.at, decision, views[position.terms.asset]))
    work.states[decision.row] = after


def _state(book: Book, row: int, work: _Conclusions) -> GuardState:
    return work.states.get(row, book.states[row])
