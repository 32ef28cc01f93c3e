"""From the outbox to the person: in order, once, late rather than never, and no channel waits for another."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest

from bethna_cli.adapters.alerts import SqliteAlerts
from bethna_cli.adapters.mail import MailAccount, Mailer
from bethna_cli.adapters.outbox import NEW_CHANNEL_TELLS, SqliteOutbox
from bethna_cli.domain.alert import Alert, KeptAlert, Level
from bethna_cli.domain.errors import BethnaError, ChannelDown, MessageRefused
from bethna_cli.flow import notify
from bethna_cli.flow.notify import NotifyDesk, keep_telling, tell_due, try_channels
from bethna_cli.risk.telling import FIRST_WAIT, LONGEST_WAIT, QuietHours, wait_after
from mail_servers import Postbox, free_port, mail_server

START = datetime(2026, 3, 4, 12, tzinfo=UTC)


class MovedClock:
    """A clock that stands still until a test moves it."""

    def __init__(self) -> None:
        self.at = START

    def now(self) -> datetime:
        return self.at

    def pass_(self, span: timedelta) -> None:
        self.at += span


def well(_: KeptAlert) -> BethnaError | None:
    return None


class Room:
    """A channel that keeps what it was told, or fails as a test wants it to."""

    def __init__(self, name: str = "room") -> None:
        self.name = name
        self.told: list[str] = []
        self.tries = 0
        self.trouble: Callable[[KeptAlert], BethnaError | None] = well

    async def tell(self, kept: KeptAlert) -> None:
        self.tries += 1
        await asyncio.sleep(0)
        trouble = self.trouble(kept)
        if trouble is not None:
            raise trouble
        self.told.append(kept.alert.cause)


class Office:
    """A store with its outbox, and a clock."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.alerts = SqliteAlerts.open(path)
        self.outbox = SqliteOutbox.open(path)
        self.clock = MovedClock()

    def desk(self, *notifiers: notify.Notifier, quiet: QuietHours | None = None) -> NotifyDesk:
        return NotifyDesk(self.outbox, notifiers, self.clock, quiet, UTC)

    def alert(self, cause: str, level: Level = Level.WARNING, kind: str | None = None) -> None:
        self.alerts.add(Alert(cause, level, kind or cause, cause, "words"), self.clock.now())

    def tell(self, desk: NotifyDesk) -> None:
        for notifier in desk.notifiers:
            asyncio.run(tell_due(desk, notifier))

    def known(self, room: Room) -> NotifyDesk:
        """A desk whose one channel was used before, so that it hears of everything from now on."""
        self.outbox.gather(room.name, self.clock.now())
        return self.desk(room)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    opened = Office(tmp_path / "sim.db")
    yield opened
    opened.outbox.close()
    opened.alerts.close()


def down(_: KeptAlert) -> BethnaError:
    return ChannelDown("room", "unplugged")


def test_alerts_are_told_in_the_order_in_which_they_were_kept_and_once(office: Office):
    room = Room()
    desk = office.known(room)
    for number in range(50):
        office.alert(f"alert {number}")

    for _ in range(5):
        office.tell(desk)

    assert room.told == [f"alert {number}" for number in range(50)]


def test_a_mail_server_that_was_down_for_hours_gets_every_alert_later_in_order_and_once(office: Office):
    port, postbox = free_port(), Postbox()
    account = MailAccount("127.0.0.1", port, "none", "bethna@example.org", ("me@example.org",))
    desk = office.desk(Mailer(account, "sim"))
    office.outbox.gather("e-mail", office.clock.now())
    for hour in range(5):
        office.alert(f"hour {hour}", Level.CRITICAL)
        office.tell(desk)
        office.clock.pass_(timedelta(hours=1))
    assert office.outbox.state("e-mail").error == "the mail server cannot be reached"

    office.clock.pass_(LONGEST_WAIT)
    with mail_server(postbox, port):
        office.tell(desk)
        office.tell(desk)

    assert postbox.subjects == [f"[bethna sim] CRITICAL: hour {hour}" for hour in range(5)]
    assert office.outbox.state("e-mail").failures == 0


def test_a_channel_that_fails_is_left_alone_for_a_minute_then_two_then_longer_up_to_six_hours(office: Office):
    room = Room()
    room.trouble = down
    desk = office.known(room)
    office.alert("first", Level.INFO)

    tried_after = []
    for minute in range(60 * 24):
        before = room.tries
        office.tell(desk)
        if room.tries > before:
            tried_after.append(minute)
        office.clock.pass_(timedelta(minutes=1))

    assert tried_after == [0, 1, 3, 7, 15, 31, 63, 127, 255, 511, 871, 1231]
    assert wait_after(1) == FIRST_WAIT
    assert wait_after(10_000) == LONGEST_WAIT


def test_something_new_that_matters_is_worth_a_try_but_not_within_a_minute_of_the_last(office: Office):
    room = Room()
    room.trouble = down
    desk = office.known(room)
    office.alert("first")
    for _ in range(10):
        office.tell(desk)
        office.clock.pass_(LONGEST_WAIT)
    office.tell(desk)
    office.clock.pass_(timedelta(seconds=30))
    office.alert("too soon", Level.CRITICAL)
    office.tell(desk)
    tries = room.tries
    assert tries == 11

    office.clock.pass_(timedelta(seconds=31))
    office.alert("only news", Level.INFO)
    office.tell(desk)
    assert room.tries == tries
    office.alert("stop-loss", Level.CRITICAL)
    room.trouble = well
    office.tell(desk)

    assert room.told == ["first", "too soon", "only news", "stop-loss"]


def test_a_message_that_is_refused_again_and_again_lets_the_next_ones_through(office: Office):
    room = Room()
    room.trouble = lambda kept: MessageRefused("room", "no") if kept.alert.cause == "poison" else None
    desk = office.known(room)
    office.alert("poison")
    office.alert("antidote")

    for _ in range(120):
        office.tell(desk)
        office.clock.pass_(timedelta(minutes=1))

    assert room.told == ["antidote"]
    assert room.tries == notify.MOST_REFUSALS + 1
    assert office.outbox.state("room").pending == 0


def test_one_channel_that_fails_or_hangs_stops_no_other(office: Office, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(notify, "PATIENCE_S", 0.2)
    monkeypatch.setattr(notify, "EVERY_S", 0.02)
    hanging, broken, failing, working = Room("hanging"), Room("broken"), Room("failing"), Room("working")

    async def hang(kept: KeptAlert) -> None:
        await asyncio.Event().wait()

    async def break_(kept: KeptAlert) -> None:
        raise ZeroDivisionError

    hanging.tell = hang  # type: ignore[method-assign]
    broken.tell = break_  # type: ignore[method-assign]
    failing.trouble = down
    rooms = (hanging, broken, failing, working)
    for room in rooms:
        office.outbox.gather(room.name, office.clock.now())
    mistakes: list[str] = []

    async def watch() -> None:
        stop = asyncio.Event()
        desk = office.desk(*rooms)
        telling = asyncio.create_task(keep_telling(desk, stop, lambda name, _: mistakes.append(name)))
        for number in range(3):
            office.alert(f"alert {number}")
            while len(working.told) <= number:
                await asyncio.sleep(0.005)
        stop.set()
        await telling

    asyncio.run(watch())

    assert working.told == ["alert 0", "alert 1", "alert 2"]
    assert set(mistakes) == {"broken"}
    assert office.outbox.state("hanging").failures == office.outbox.state("failing").failures == 1


def test_info_waits_for_the_morning_and_what_matters_does_not(office: Office):
    room = Room()
    office.known(room)
    desk = office.desk(room, quiet=QuietHours(time(22), time(7)))
    office.clock.at = START.replace(hour=23)
    for number in range(notify.BATCH + 1):
        office.alert(f"news {number}", Level.INFO)
    office.alert("stop-loss", Level.CRITICAL)

    office.tell(desk)
    assert room.told == ["stop-loss"]

    office.clock.pass_(timedelta(hours=8))
    for _ in range(2):
        office.tell(desk)
    assert room.told[1:] == [f"news {number}" for number in range(notify.BATCH + 1)]


@pytest.mark.parametrize(
    ("begin", "end", "held"),
    [(22, 7, {22, 23, 0, 6}), (0, 7, {0, 6}), (12, 14, {12, 13})],
)
def test_quiet_hours_may_span_midnight(begin: int, end: int, held: set[int]):
    quiet = QuietHours(time(begin), time(end))

    heard = {hour for hour in (22, 23, 0, 6, 7, 8, 12, 13, 14) if quiet.hold(START.replace(hour=hour))}
    assert heard == held


def test_news_of_a_kind_that_was_told_within_the_hour_is_kept_and_not_told_again(office: Office):
    room = Room()
    desk = office.known(room)
    for number, level in enumerate((Level.INFO, Level.INFO, Level.WARNING)):
        office.alert(f"mark {number}", level, kind="mark")
    office.tell(desk)
    office.clock.pass_(timedelta(hours=2))
    office.alert("mark 3", Level.INFO, kind="mark")
    office.tell(desk)

    assert room.told == ["mark 0", "mark 2", "mark 3"]
    assert len(office.alerts.latest(9)) == 4


def test_a_new_channel_hears_the_newest_that_nobody_has_seen_and_not_the_whole_past(office: Office):
    for number in range(100):
        office.alert(f"alert {number}")
    office.alerts.acknowledge(office.alerts.latest(1)[0].alert.id, START)
    room = Room()

    for _ in range(2):
        office.tell(office.desk(room))

    expected = [f"alert {number}" for number in range(99 - NEW_CHANNEL_TELLS, 99)]
    assert [cause for cause in room.told if cause != "alert 99"] == expected


def test_a_clock_that_is_turned_back_silences_no_channel(office: Office):
    room = Room()
    room.trouble = down
    desk = office.known(room)
    office.alert("before")
    office.tell(desk)
    office.outbox.lease("room", office.clock.now(), office.clock.now() + notify.LEASE)  # and died
    office.clock.pass_(timedelta(days=-365))
    room.trouble = well

    office.tell(desk)

    assert room.told == ["before"]


def test_two_watchers_of_one_store_tell_an_alert_once(office: Office):
    room, again = Room(), SqliteOutbox.open(office.path)
    desk = office.known(room)
    other = NotifyDesk(again, [room], office.clock)
    office.alert("once")

    async def both() -> None:
        await asyncio.gather(*(tell_due(one, room) for one in (desk, other)))

    asyncio.run(both())
    again.close()

    assert room.told == ["once"]


def test_a_try_goes_through_every_channel_and_says_what_each_did_with_it(office: Office):
    broken, working = Room("broken"), Room("working")
    broken.trouble = down
    desk = office.desk(broken, working)

    trials = asyncio.run(try_channels(desk, Alert("test:1", Level.INFO, "test", "A test", "works")))
    office.tell(desk)

    assert [(trial.channel, trial.error) for trial in trials] == [("broken", "unplugged"), ("working", None)]
    assert working.told == ["test:1"]


TELLER = """
import asyncio, sys
from datetime import UTC, datetime
from pathlib import Path
from bethna_cli.adapters.clocks import SystemClock
from bethna_cli.adapters.mail import MailAccount, Mailer
from bethna_cli.adapters.outbox import SqliteOutbox
from bethna_cli.flow.notify import NotifyDesk, tell_due

class Dying(SqliteOutbox):
    def note(self, *rest):
        print("sent", flush=True)
        sys.stdin.readline()

mailer = Mailer(MailAccount("127.0.0.1", int(sys.argv[2]), "none", "b@example.org", ("me@example.org",)), "sim")
asyncio.run(tell_due(NotifyDesk(Dying.open(Path(sys.argv[1])), [mailer], SystemClock()), mailer))
"""


def test_a_crash_between_sending_and_noting_sends_the_same_message_again_under_the_same_id(office: Office):
    postbox = Postbox()
    office.outbox.gather("e-mail", office.clock.now())
    office.alert("sold", Level.CRITICAL)
    with mail_server(postbox) as port:
        command = [sys.executable, "-c", TELLER, str(office.path), str(port)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        with subprocess.Popen(command, **pipes) as teller:  # type: ignore[call-overload]
            assert teller.stdout.readline() == b"sent\n"
            os.kill(teller.pid, signal.SIGKILL)
        account = MailAccount("127.0.0.1", port, "none", "b@example.org", ("me@example.org",))
        office.clock.at = datetime.now(UTC) + notify.LEASE
        office.tell(office.desk(Mailer(account, "sim")))
        office.tell(office.desk(Mailer(account, "sim")))

    assert len(postbox.taken) == 2
    assert len({str(mail["Message-ID"]) for mail in postbox.taken}) == 1
