"""Acting on what a look has decided: one sale after another, each written down with what came of it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from bethna_cli.domain.alert import Alert
from bethna_cli.domain.chain import Address
from bethna_cli.domain.errors import BethnaError, WatcherReplaced
from bethna_cli.domain.guarding import Decided, ExitRule, Verdict
from bethna_cli.domain.journal import JournalEntry
from bethna_cli.domain.position import Position
from bethna_cli.execution.exits import kind_of
from bethna_cli.flow import guard_words
from bethna_cli.flow.exits import Attempt, Leave, sell
from bethna_cli.flow.lookout import GuardDesk
from bethna_cli.flow.protect import Covers
from bethna_cli.risk.book import Book, Decision
from bethna_cli.risk.protection import Cover

FIRST_WAIT_S = 30.0
LONGEST_WAIT_S = 240.0

NEWEST = 20
ASKED = frozenset({Verdict.SELL.value, "TRIED", "SOLD"})

SELLING_FOR = timedelta(seconds=40)
"""How long after its look a tick begins another sale: a slow node must not keep the watcher from looking again."""


async def sell_all(
    desk: GuardDesk, token: int, book: Book, covers: Covers, sales: Sequence[Decision], looked_at: datetime
) -> dict[str, Attempt]:
    """Try to sell these rows, and return what came of each that was tried. Raises WatcherReplaced.

    Sales of one option come from one balance: each takes at most what the earlier ones have left.
    """
    attempts: dict[str, Attempt] = {}
    left: dict[Address, int] = {}
    spent: set[int] = set()
    for sale in sales:
        position, cover = book.positions[sale.row], covers.of(sale.row)
        nonce = cover.usable[0].trade.intent.nonce
        takes = min(cover.takes, left.get(position.token, cover.held))
        if nonce in spent or not takes:
            continue  # it went with another one of the same option
        if desk.clock.now() - looked_at > SELLING_FOR:
            break  # the next look finds them still to be sold, at a price of its own
        attempt = await _act(desk, token, book, replace(cover, takes=takes), sale)
        attempts[position.id] = attempt
        if attempt.entry is not None and attempt.entry.fill is not None:
            spent.add(nonce)
            left[position.token] = left.get(position.token, cover.held) - attempt.entry.fill.amount_in
    return attempts


async def _act(desk: GuardDesk, token: int, book: Book, cover: Cover, sale: Decision) -> Attempt:
    """Try to sell one position, and write down what came of it. Raises WatcherReplaced."""
    position, rule = book.positions[sale.row], sale.decision.rule or ExitRule.STOP_LOSS
    leave = Leave(
        sale.seen.observed_at + timedelta(seconds=desk.market.limits.spot_age_s),
        lambda: desk.watchbook.require_newest(token),
    )
    if desk.exits is None:
        attempt = Attempt(None, "the watcher has no key", {})
    else:
        try:
            attempt = await sell(desk.exits, position, rule, cover, leave)
        except WatcherReplaced:
            raise
        except Exception as error:  # noqa: BLE001 (one turn of the watch loop: a mistake here must not stop the others)
            attempt = Attempt(None, f"bethna made a mistake: {type(error).__name__}", {})
    now = desk.clock.now()
    before = book.states[sale.row]
    wait_s = min(FIRST_WAIT_S * 2**before.attempts, LONGEST_WAIT_S)
    after = replace(before, attempts=before.attempts + 1, next_try_at=now + timedelta(seconds=wait_s))
    alerts = []
    if attempt.entry is not None and attempt.entry.fill is not None:
        await _recorded(desk, attempt.entry)
        held = [one for one in desk.positions.all() if one.user == desk.account]
        alerts.append(_sold_alert(desk, attempt.entry, held, position.id))
        words = "sold"
    else:
        words = attempt.refusal or "not sold yet"
        failing = guard_words.failing_alert(position, after, rule, words, now)
        alerts += [failing] if failing else []
    verdict, facts = "SOLD" if attempt.is_sold else "TRIED", guard_words.attempt_facts(attempt)
    note = Decided(position.id, now, verdict, rule, words, facts)
    desk.watchbook.note([note], [after], alerts, token, now)
    book.remember(sale.row, after)
    return attempt


async def _recorded(desk: GuardDesk, entry: JournalEntry) -> None:
    """Bring positions to what a sale has left; where the chain does not answer the next look does."""
    assert entry.fill is not None
    try:
        await desk.note_fill(entry.fill.transaction)
    except BethnaError:
        return


def sold_alerts(desk: GuardDesk, entries: Sequence[JournalEntry]) -> list[Alert]:
    """Say what exits have sold, each named by the position that it reduced."""
    held = [one for one in desk.positions.all() if one.user == desk.account] if entries else []
    return [_sold_alert(desk, entry, held) for entry in entries]


def _sold_alert(desk: GuardDesk, entry: JournalEntry, held: Sequence[Position], name: str | None = None) -> Alert:
    """Say what an exit has sold. name: the position that it was for, else the one that it reduced."""
    assert entry.fill is not None
    token = entry.trade.intent.option_token
    mine = [one for one in held if one.token == token]
    reduced = [one for one in mine if any(part.transaction == entry.fill.transaction for part in one.exits)]
    position = name or (reduced[0].id if reduced else None)
    booked = [one.short_id for one in reduced] if [one.id for one in reduced] != [position] else []
    return guard_words.sold_alert(
        entry, _rule_behind(desk, entry, position), mine[-1].terms.ticker if mine else token, position, booked
    )


def _rule_behind(desk: GuardDesk, entry: JournalEntry, position: str | None) -> ExitRule:
    """Find which rule asked for a sale: a stop's mandate serves every rule but the goal's, and at need that too."""
    decided = desk.watchbook.decisions(position, NEWEST) if position else []
    asked = (one.rule for one in reversed(decided) if one.rule is not None and one.verdict in ASKED)
    return next(asked, ExitRule(kind_of(entry.trade).value))
