"""`bethna positions`, `history` and `report`, from a store that a chain has filled."""

import csv
import io
import json
from array import array
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rich.console import Console

from bethna_cli.adapters.positions import SqlitePositions
from bethna_cli.adapters.watchbook import SqliteWatchbook
from bethna_cli.cli.banner import alarm
from bethna_cli.cli.close import say_what_goes_first
from bethna_cli.cli.render_positions import live_screen, sparkline
from bethna_cli.domain.chain import Address
from bethna_cli.domain.guarding import ExitRules, GuardState, PackedMarks, Protection, TickNotes
from bethna_cli.domain.position import EventKind, Stretch, holding_of
from bethna_cli.flow.holdings import holdings
from position_histories import CHAIN_ID, TERMS, TOKENS, event, reach_to

BOUGHT, SOLD, REDEEMED, RECEIVED = EventKind.BOUGHT, EventKind.SOLD, EventKind.REDEEMED, EventKind.RECEIVED
HISTORY = [
    event(BOUGHT, 2_000_000, 100_000_000, 10, name=0xA1 << 248),
    event(BOUGHT, 1_000_000, 60_000_000, 20, name=0xB2 << 248),
    event(SOLD, 2_500_000, 200_000_000, 40_000, name=0xC3 << 248),
    event(BOUGHT, 500_000, 25_000_000, 50_000, token=TOKENS[1], name=0xD4 << 248),
    event(REDEEMED, 500_000, 0, 90_000, token=TOKENS[1], name=0xE5 << 248),
]


@pytest.fixture
def store(home: Path) -> Path:
    """Fill the embedded network's store."""
    (home / "data").mkdir(mode=0o700, exist_ok=True)
    path = home / "data" / "sim.db"
    opened = SqlitePositions.open(path, CHAIN_ID)
    opened.replace(
        Stretch(0, 99_999, reach_to(99_999, final=99_999), tuple(HISTORY), TERMS), datetime.now(UTC), lambda _: None
    )
    opened.close()
    return path


def mark(path: Path, *values: int | None) -> None:
    """Leave marks of the open position, a minute apart, as a watcher does."""
    positions, book, now = SqlitePositions.open(path, CHAIN_ID), SqliteWatchbook.open(path), datetime.now(UTC)
    (held,) = positions.all(only_open=True)
    layout = {"positions": [held.id], "options": [held.terms.ticker], "columns": ["usd", "delta", "iv"]}
    token = book.start(held.user, 1, 60.0)
    for number, value in enumerate(values):
        price = float("nan") if value is None else value / 500_000
        marks = PackedMarks("one", lambda: layout, {}, array("d", [price, 0.31, float("nan")]).tobytes())
        state = GuardState(held.id, protection=Protection.PROTECTED, reason="signed")
        at = now - timedelta(minutes=len(values) - number)
        book.keep(TickNotes(at, marks, [state], [], []), token)
    positions.close()
    book.close()


def test_an_open_position_without_a_mark_says_so_and_shows_no_number(bethna_here, store):
    shown = bethna_here("positions")

    assert shown.returncode == 0
    assert "b2000000" in shown.stdout
    assert "not marked yet" in shown.stdout
    assert "a1000000" not in shown.stdout
    assert max(len(line) for line in shown.stdout.splitlines()) <= 80


def test_a_marked_position_shows_its_value_gain_and_trail(bethna_here, store):
    mark(store, 20_000_000, 30_000_000, 45_000_000)
    shown = bethna_here("positions")
    (one,) = json.loads(bethna_here("positions", "--json").stdout)

    # Half of it is sold for 40 of the 200 USDC; the rest cost 30 and is worth 45.
    assert (one["mark_usdc"], one["cost_left_usdc"], one["realised_usdc"], one["pnl_usdc"]) == (45.0, 30.0, 10.0, 25.0)
    assert (one["greeks"]["delta"], one["greeks"]["gamma"], one["iv"]) == (0.31, None, None)
    assert one["protection"] == "PROTECTED"
    assert "▁▃█" in shown.stdout
    assert "+25.00" in shown.stdout


def test_what_was_sold_since_the_mark_is_not_worth_anything_any_more(bethna_here, store):
    mark(store, 45_000_000)
    opened = SqlitePositions.open(store, CHAIN_ID)
    opened.add([event(SOLD, 250_000, 20_000_000, 99_998, name=0xF6 << 248)], TERMS, datetime.now(UTC), lambda _: None)
    opened.close()
    (one,) = json.loads(bethna_here("positions", "--json").stdout)

    assert (one["contracts_left"], one["mark_usdc"]) == (0.25, 22.5)
    assert one["pnl_usdc"] == 10.0 + (20.0 - 15.0) + (22.5 - 15.0)


def test_a_value_that_the_watcher_could_not_tell_is_no_value(bethna_here, store):
    mark(store, 45_000_000, None)
    (one,) = json.loads(bethna_here("positions", "--json").stdout)

    assert (one["mark_usdc"], one["pnl_usdc"]) == (None, None)


def test_marks_of_another_wallets_watcher_leave_mine_as_they_were(store):
    mark(store, 40_000_000, 45_000_000)
    positions, book, now = SqlitePositions.open(store, CHAIN_ID), SqliteWatchbook.open(store), datetime.now(UTC)
    layout = {"positions": ["0xyours"], "options": [], "columns": ["usd"]}
    yours = PackedMarks("two", lambda: layout, {}, b"")
    book.keep(TickNotes(now, yours, [], [], []), book.start(Address("0x" + "22" * 20), 2, 60.0))
    held = holdings(positions, book, [], ExitRules(), now)
    positions.close()
    book.close()

    (one,) = held.items
    assert one.mark is not None
    assert (one.mark.value, len(one.trail)) == (45_000_000, 2)


@pytest.mark.parametrize("size", [(56, 9), (80, 24), (120, 30)])
def test_the_live_table_fits_the_terminal_however_much_is_held_and_says_what_it_leaves_out(store, size):
    mark(store, 20_000_000, 45_000_000)
    with closing(SqlitePositions.open(store, CHAIN_ID)) as positions, closing(SqliteWatchbook.open(store)) as book:
        held = holdings(positions, book, [], ExitRules(), datetime.now(UTC))
    crowd = replace(held, items=held.items * 40)
    console = Console(width=size[0], file=io.StringIO())
    console.print(live_screen(crowd, "sim", alarm(40), size))
    lines = console.file.getvalue().splitlines()

    assert len(lines) <= size[1]
    assert max(map(len, lines)) <= size[0]
    shown = sum(line.startswith("b2000000") for line in lines)
    assert shown >= 1
    assert f"{40 - shown} more: bethna positions" in lines
    assert lines[1].startswith("Nobody watches 40 open positions")
    assert any("paid 60.00" in line for line in lines) == (size[0] == 120)


def test_one_position_is_shown_by_its_first_digits(bethna_here, store):
    assert "SETTLED" in bethna_here("positions", "d400").stdout
    assert "give 4 digits or more" in bethna_here("positions", "d40").stderr
    assert json.loads(bethna_here("positions", "0xd400", "--json").stdout)["state"] == "SETTLED"
    unknown = bethna_here("positions", "ffff", "--json")
    assert (unknown.returncode, json.loads(unknown.stdout)["error"]["code"]) == (6, "not_found")


def test_history_tells_how_each_position_ended(bethna_here, store):
    ended = json.loads(bethna_here("history", "--json").stdout)
    shown = bethna_here("history").stdout

    assert [(one["ticker"][:3], one["state"], one["realised_usdc"]) for one in ended] == [
        ("ETH", "CLOSED", 60.0),
        ("BTC", "SETTLED", -25.0),
    ]
    assert "+60.00" in shown
    assert "paid out" in shown


def test_a_report_adds_up_to_what_the_chain_paid(bethna_here, store):
    made = json.loads(bethna_here("report", "--daily", "--json").stdout)

    paid = (160.0 + 40.0) - (100.0 + 30.0) - 25.0
    assert made["total"]["gain_usdc"] == sum(one["gain_usdc"] for one in made["periods"]) == paid
    assert made["max_drawdown_usdc"] == -25.0
    assert [(one["name"], one["closed"], one["wins"]) for one in made["strategies"]] == [
        ("BTC put spread", 1, 0),
        ("ETH call", 1, 1),
    ]
    assert set(made["held_instead_usdc"]) == {"ETH", "BTC"}
    assert "+45.00" in bethna_here("report").stdout


def test_the_tax_list_goes_first_in_first_out_and_adds_up(bethna_here, store, tmp_path):
    rows = list(csv.DictReader(io.StringIO(bethna_here("report", "--csv", "-").stdout)))

    assert [(row["option"][:3], row["cost_usdc"], row["proceeds_usdc"], row["how"]) for row in rows] == [
        ("ETH", "100.000000", "160.000000", "sold"),
        ("ETH", "30.000000", "40.000000", "sold"),
        ("BTC", "25.000000", "0.000000", "redeemed"),
    ]
    path = tmp_path / "gains.csv"
    assert bethna_here("report", "--csv", str(path)).returncode == 0
    assert bethna_here("report", "--csv", str(path)).returncode == 2, "what is there is not overwritten"


def test_contracts_that_came_by_other_ways_are_named(bethna_here, home):
    (home / "data").mkdir(mode=0o700)
    positions = SqlitePositions.open(home / "data" / "sim.db", CHAIN_ID)
    given = event(RECEIVED, 700_000, 0, 3)
    throwaway = Address("0x5dfb2f713360984affcfd83b3e38574a62a36565")
    ours = given._replace(user=throwaway)
    positions.add([ours], TERMS, datetime.now(UTC), lambda _: None)
    positions.close()

    assert "0.7000 × ETH-4DEC26-3200-C came by other ways" in bethna_here("positions").stderr


def test_a_sparkline_has_a_bar_for_each_value_and_is_flat_where_nothing_moves():
    assert sparkline([1, 2, 3]) == "▁▄█"
    assert sparkline([5, 5]) == "▄▄"
    assert sparkline([]) == ""


def test_whoever_sells_a_younger_purchase_reads_which_older_one_goes_first(capsys: pytest.CaptureFixture[str]):
    events = [event(BOUGHT, 100, 50, block, name=name << 248) for block, name in ((1, 0xA1), (2, 0xB2), (3, 0xC3))]
    held = holding_of(CHAIN_ID, TERMS[TOKENS[0]], events, None).positions

    say_what_goes_first(held[2], held)
    say_what_goes_first(held[0], held)

    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == "Sales take the oldest contracts first; bought before it: a1000000, b2000000.\n"
