"""Alerts in the store: with their cause or not at all, once a cause, in order, seen when a person says so."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bethna_cli.adapters.alerts import SqliteAlerts, insert_alert
from bethna_cli.adapters.sql import open_store
from bethna_cli.domain.alert import Alert, Level
from bethna_cli.domain.errors import NotFound

AT = datetime(2026, 3, 4, 12, tzinfo=UTC)


def stop_loss(number: int = 1) -> Alert:
    return Alert(f"stop-loss:{number}", Level.CRITICAL, "stop-loss", "Stopped out", "Sold at 41.20 USDC.", "0xabc")


@pytest.fixture
def alerts(tmp_path: Path) -> Iterator[SqliteAlerts]:
    opened = SqliteAlerts.open(tmp_path / "sim.db")
    yield opened
    opened.close()


def test_an_alert_is_kept_with_its_cause_or_neither_is(tmp_path: Path):
    db = open_store(tmp_path / "sim.db")
    db.execute("begin immediate")
    db.execute("insert into halts (at, reason) values ('2026-03-04T12:00:00Z', 'a cause')")
    insert_alert(db, stop_loss(), AT)
    db.execute("rollback")

    assert SqliteAlerts(db).latest(9) == []
    assert db.execute("select count(*) from halts").fetchone() == (0,)
    db.close()


def test_the_same_cause_alerts_once_and_keeps_its_first_time(alerts: SqliteAlerts):
    assert alerts.add(stop_loss(), AT)
    assert not alerts.add(stop_loss(), AT + timedelta(minutes=1))

    assert [(kept.alert, kept.at) for kept in alerts.latest(9)] == [(stop_loss(), AT)]


def test_whoever_counts_the_stream_finds_no_number_left_out(alerts: SqliteAlerts):
    for number in (1, 1, 1, 2, 1, 3):
        alerts.add(stop_loss(number), AT)

    assert [kept.sequence for kept in alerts.after(0, 10)] == [1, 2, 3]


def test_alerts_come_back_in_the_order_in_which_they_were_kept_after_any_of_them(alerts: SqliteAlerts):
    for number in range(5):
        alerts.add(stop_loss(number), AT - timedelta(minutes=number))  # a clock that runs backwards changes nothing

    kept = alerts.after(0, 9)

    assert [one.alert.cause for one in kept] == [f"stop-loss:{number}" for number in range(5)]
    assert alerts.after(kept[2].sequence, 9) == kept[3:]
    assert alerts.after(0, 2) == kept[:2]
    assert alerts.latest(2) == kept[3:]


def test_an_alert_is_acknowledged_once_by_any_unique_beginning_of_its_id(alerts: SqliteAlerts):
    alerts.add(stop_loss(), AT)
    name = stop_loss().id

    first = alerts.acknowledge(name[:4].upper(), AT)
    again = alerts.acknowledge(name, AT + timedelta(hours=1))

    assert first.acked_at == again.acked_at == AT
    assert alerts.latest(9, only_open=True) == []
    for prefix, reason in (("0000", "No alert"), ("ab", "too short")):
        with pytest.raises(NotFound, match=reason):
            alerts.acknowledge(prefix, AT)


def test_words_from_strangers_cannot_leave_their_line():
    hostile = Alert("x", Level.INFO, "a\r\nb", "Hi\r\nBcc: eve@example.com", "\x1b]0;owned\x07<b>", None)

    assert hostile.title == "Hi Bcc: eve@example.com"
    assert not any(ord(character) < 32 for character in hostile.kind + hostile.title + hostile.text)
