"""What every Clock promises: an aware time in UTC that does not run backwards."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bethna_cli.adapters.clocks import FixedClock, SystemClock
from bethna_cli.adapters.sim.clock import SimClock
from bethna_cli.adapters.sim.control import SimControl
from bethna_cli.adapters.sim.server import keep_clock
from bethna_cli.ports import Clock

AT = datetime(2026, 5, 5, 15, 30, tzinfo=UTC)
every_clock = pytest.mark.parametrize("clock", [SystemClock(), FixedClock(AT), SimClock(AT, speed=60.0)])


@every_clock
def test_the_time_is_aware_and_in_utc(clock: Clock) -> None:
    assert clock.now().utcoffset() == timedelta(0)


@every_clock
def test_it_does_not_run_backwards(clock: Clock) -> None:
    times = [clock.now() for _ in range(1000)]

    assert times == sorted(times)


def test_a_world_that_is_moved_ahead_is_ahead_for_whoever_watches_it_too(tmp_path: Path) -> None:
    served, control = SimClock(AT, speed=60.0), SimControl(tmp_path)
    keep_clock(tmp_path, served)
    watched = control.followed_clock()
    assert watched is not None
    before = watched.now()

    served.advance(timedelta(hours=19))
    keep_clock(tmp_path, served)

    assert watched.now() - before >= timedelta(hours=19)
    (tmp_path / "clock.json").write_text("{")  # being written, or damaged: it runs on
    assert served.now() - watched.now() < timedelta(minutes=10)


def test_a_fixed_clock_stands_still() -> None:
    assert {FixedClock(AT).now() for _ in range(10)} == {AT}
