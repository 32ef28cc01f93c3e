"""One sale of an option at a time: whoever journals second is told so, and whatever is not a second sale goes on."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bethna_cli.adapters.journal import SqliteJournal
from bethna_cli.domain.chain import Address, Hash, SigningDomain
from bethna_cli.domain.errors import TradeKnown
from bethna_cli.domain.journal import JournalEntry, TradeState
from bethna_cli.domain.signing import SignedTransaction
from bethna_cli.domain.trade import PlannedTrade, Side, TradeIntent

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
PERSON, WATCHER, TOKEN, OTHER, ROUTER = (Address("0x" + digits * 20) for digits in ("11", "22", "33", "44", "55"))


def entry(number: int, executor: Address, plan: int, token: Address = TOKEN, side: Side = Side.SELL) -> JournalEntry:
    intent = TradeIntent(PERSON, executor, side, token, ROUTER, 100, 100, 90, number, 2_000_000_000, word(0xAB))
    trade = PlannedTrade("sell", SigningDomain("SentientTrader", "1", 779_977, ROUTER), intent)
    return JournalEntry(word(number), word(plan), trade, TradeState.APPROVED, 1)


def word(number: int) -> Hash:
    return Hash(f"0x{number:064x}")


def signed(journal: SqliteJournal, one: JournalEntry) -> JournalEntry:
    journal.add([one], NOW)
    return journal.sign(one, [SignedTransaction(word(1_000 + int(one.digest, 16)), 0, b"raw")], NOW)


@pytest.fixture
def journal(tmp_path: Path) -> SqliteJournal:
    return SqliteJournal.open(tmp_path / "sim.db")


@pytest.mark.parametrize(("first", "second"), [(PERSON, WATCHER), (WATCHER, PERSON), (WATCHER, WATCHER)])
def test_an_option_that_is_being_sold_is_not_sold_a_second_time(
    journal: SqliteJournal, first: Address, second: Address
):
    signed(journal, entry(1, first, plan=1))

    with pytest.raises(TradeKnown, match="Another sale"):
        signed(journal, entry(2, second, plan=2))
    assert journal.entry(word(2)).variants == ()


@pytest.mark.parametrize(
    "other",
    [
        entry(2, PERSON, plan=1),
        entry(2, PERSON, plan=2, token=OTHER),
        entry(2, PERSON, plan=2, side=Side.BUY),
    ],
    ids=["a part of the same order", "another option", "a purchase"],
)
def test_what_is_no_second_sale_goes_on(journal: SqliteJournal, other: JournalEntry):
    signed(journal, entry(1, PERSON, plan=1))

    assert signed(journal, other).state is TradeState.TX_SIGNED


def test_a_sale_that_is_over_is_in_nobodys_way(journal: SqliteJournal):
    first = signed(journal, entry(1, WATCHER, plan=1))
    journal.move(replace(first), TradeState.APPROVED, None, NOW)

    assert signed(journal, entry(2, PERSON, plan=2)).state is TradeState.TX_SIGNED
