"""The store of positions: however the events came in, what stands there is what the chain's events add up to."""

import random
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bethna_cli.adapters.migrations import STEPS, lean_events
from bethna_cli.adapters.positions import SqlitePositions
from bethna_cli.domain.alert import Alert, Level
from bethna_cli.domain.errors import NotFound
from bethna_cli.domain.position import ChainEvent, Change, EventKind, PositionState
from position_histories import CHAIN_ID, HOLDER, TERMS, TOKENS, event, random_history, reach_to, stretch

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlitePositions]:
    opened = SqlitePositions.open(tmp_path / "sim.db", CHAIN_ID)
    yield opened
    opened.close()


def silent(_: Change) -> None:
    """Tell nobody."""


def rows(path: Path) -> list[tuple[object, ...]]:
    db = sqlite3.connect(path)
    found = db.execute("select * from positions order by transaction_hash, ordinal").fetchall()
    db.close()
    return found


def rebuilt(path: Path, events: list[ChainEvent], head: int) -> list[tuple[object, ...]]:
    fresh = SqlitePositions.open(path, CHAIN_ID)
    fresh.replace(stretch(0, head, events, final=head), NOW, silent)
    fresh.close()
    return rows(path)


def test_the_same_stretch_twice_changes_nothing(store: SqlitePositions):
    events = [event(EventKind.BOUGHT, 100, 10, 3), event(EventKind.SOLD, 40, 9, 5)]
    first = store.replace(stretch(0, 9, events), NOW, silent)
    again = store.replace(stretch(0, 9, events), NOW, silent)

    assert [change.before for change in first] == [None]
    assert again == []
    assert [(one.contracts_left, one.proceeds) for one in store.all()] == [(60, 9)]


def test_a_purchase_known_from_its_receipt_is_the_same_row_when_its_block_is_read(store: SqlitePositions):
    bought = event(EventKind.BOUGHT, 100, 10, 3)
    store.add([bought], TERMS, NOW, silent)
    noted = store.all()
    store.replace(stretch(0, 9, [bought]), NOW, silent)

    assert store.all() == noted


def test_a_purchase_whose_block_is_read_without_it_is_unconfirmed_and_goes_when_that_is_final(store: SqlitePositions):
    store.add([event(EventKind.BOUGHT, 100, 10, 3)], TERMS, NOW, silent)
    (vanished,) = store.replace(stretch(0, 9, []), NOW, silent)
    unconfirmed = store.all()
    (gone,) = store.replace(stretch(10, 12, [], final=9), NOW, silent)

    assert vanished.after is not None
    assert vanished.after.state is PositionState.UNCONFIRMED
    assert [one.state for one in unconfirmed] == [PositionState.UNCONFIRMED]
    assert store.all(only_open=True) == store.all() == []
    assert gone.after is None


def test_a_purchase_that_comes_back_in_another_block_is_the_same_row(store: SqlitePositions):
    store.replace(stretch(0, 9, [event(EventKind.BOUGHT, 100, 10, 3, name=77)]), NOW, silent)
    store.replace(stretch(0, 9, []), NOW, silent)
    store.replace(stretch(10, 20, [event(EventKind.BOUGHT, 90, 10, 14, name=77)]), NOW, silent)

    assert [(one.state, one.contracts, one.block_number) for one in store.all()] == [(PositionState.OPEN, 90, 14)]


def test_what_was_noted_beyond_the_new_head_of_a_shorter_chain_is_gone(store: SqlitePositions):
    store.replace(stretch(0, 20, [event(EventKind.BOUGHT, 100, 10, 18)]), NOW, silent)
    store.rewind(reach_to(9), NOW)
    store.replace(stretch(10, 15, [], is_head=True), NOW, silent)

    assert [one.state for one in store.all()] == [PositionState.UNCONFIRMED]


def test_an_alert_is_kept_with_the_change_that_it_tells_and_not_without_it(store: SqlitePositions, tmp_path: Path):
    def tell(change: Change) -> Alert:
        if change.before is not None:
            raise KeyboardInterrupt
        return Alert("bought", Level.INFO, "bought", "Bought", "…")

    store.replace(stretch(0, 9, [event(EventKind.BOUGHT, 100, 10, 3)]), NOW, tell)
    with pytest.raises(KeyboardInterrupt):
        store.replace(stretch(10, 19, [event(EventKind.SOLD, 100, 10, 13)]), NOW, tell)

    db = sqlite3.connect(tmp_path / "sim.db")
    assert db.execute("select count(*) from alerts").fetchone() == (1,)
    assert store.reach(HOLDER) == reach_to(9)
    assert [one.state for one in store.all()] == [PositionState.OPEN]


def test_a_position_is_found_by_the_first_digits_of_its_transaction(store: SqlitePositions):
    store.add([event(EventKind.BOUGHT, 1, 1, 3, name=0xABCD << 240)], TERMS, NOW, silent)

    assert store.position("abcd").short_id == "abcd0000"
    assert store.position("0xABCD00").short_id == "abcd0000"
    for wrong in ("abc", "abce", "abcd.1", "abcd.x"):
        with pytest.raises(NotFound):
            store.position(wrong)


def test_contracts_that_came_by_other_ways_are_known_without_being_a_position(store: SqlitePositions):
    events = [event(EventKind.RECEIVED, 70, 0, 3), event(EventKind.SENT, 20, 0, 4)]
    store.replace(stretch(0, 9, events), NOW, silent)

    assert store.all() == []
    assert store.unbought(HOLDER) == {TOKENS[0]: 50}


def test_events_that_an_older_release_stored_add_up_to_the_same_positions(tmp_path: Path):
    known = [
        event(EventKind.BOUGHT, 100, 10, 3),
        event(EventKind.RECEIVED, 2**63, 0, 4, token=TOKENS[1]),
        event(EventKind.BOUGHT, 30, 9, 5, token=TOKENS[1]),
        event(EventKind.SOLD, 40, 9, 6),
        event(EventKind.SENT, 10, 0, 7),
        event(EventKind.REDEEMED, 30, 1, 8),
    ]
    news = [event(EventKind.BOUGHT, 1, 1, 12), event(EventKind.SENT, 2**63, 0, 13, token=TOKENS[1])]
    old = sqlite3.connect(tmp_path / "old.db", isolation_level=None)
    for step in STEPS[: STEPS.index(lean_events)]:
        step(old)
    old.execute(f"pragma user_version = {STEPS.index(lean_events)}")
    old.executemany(f"insert into chain_events values ({', '.join('?' * 13)})", map(as_before, known))
    old.close()

    store = SqlitePositions.open(tmp_path / "old.db", CHAIN_ID)
    store.replace(stretch(10, 19, news), NOW, silent)
    store.close()

    assert rows(tmp_path / "old.db") == rebuilt(tmp_path / "new.db", [*known, *news], 19)


def as_before(one: ChainEvent) -> tuple[object, ...]:
    """An event's row as releases before lean_events wrote it."""
    octets = [bytes.fromhex(text[2:]) for text in (one.user, one.venue, one.token, one.transaction, one.block_hash)]
    user, venue, token, transaction, block_hash = octets
    contracts = one.contracts if one.contracts < 2**63 else str(one.contracts)
    place = (CHAIN_ID, one.block_number, one.log_index)
    return (*place, user, one.kind, venue, token, contracts, one.usdc, transaction, one.ordinal, block_hash, one.time_s)


@pytest.mark.parametrize(
    "seed", [*range(50), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(50, 1000))]
)
def test_a_history_learned_piece_by_piece_with_forks_and_repeats_equals_one_read_at_once(tmp_path: Path, seed: int):
    chance = random.Random(seed)
    live = SqlitePositions.open(tmp_path / "live.db", CHAIN_ID)
    events, head, known = random_history(chance, 40), 0, 0
    while head < 40 or known < head:
        if head < 40 and chance.random() < 0.6:
            head += chance.randint(1, 6)
        step = chance.random()
        if step < 0.2 and known > 5:  # a reorganisation: what comes after a block is told anew, and differently
            fork = chance.randint(max(0, known - 20), known - 1)
            events = [one for one in events if one.block_number <= fork] + random_history(chance, 40, fork + 1)
            events = _possible(events)
            live.rewind(reach_to(fork), NOW)
            known = fork
        elif step < 0.4:  # a receipt ahead of the cursor
            live.add([one for one in events if known < one.block_number <= head], TERMS, NOW, silent)
        else:
            first = max(0, known - chance.randint(0, 8) + 1)  # overlapping what is known
            last = min(head, first + chance.randint(0, 12))
            if last >= known:
                live.replace(stretch(first, last, events, is_head=last == head), NOW, silent)
                known = last
    live.replace(stretch(0, head, events, final=head, is_head=True), NOW, silent)
    live.replace(stretch(head + 1, head + 1, [], final=head + 1), NOW, silent)
    live.close()

    seen = [one for one in events if one.block_number <= head]
    assert rows(tmp_path / "live.db") == rebuilt(tmp_path / "rebuilt.db", seen, head)


def _possible(events: list[ChainEvent]) -> list[ChainEvent]:
    """Leave out what spends contracts that a fork has taken away."""
    held = dict.fromkeys(TOKENS, 0)
    kept = []
    for one in sorted(events, key=lambda one: one.place):
        size = one.contracts if one.kind in (EventKind.BOUGHT, EventKind.RECEIVED) else -one.contracts
        if held[one.token] + size >= 0:
            held[one.token] += size
            kept.append(one)
    return kept
