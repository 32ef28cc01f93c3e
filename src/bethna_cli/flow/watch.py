"""The watch: tick after tick until it is told to stop. It begins like a recovery, and no single tick ends it.

What goes wrong in a tick is said and tried again at the next one; a tick that takes too long is told of while it lasts.
Only another watcher that has taken over ends this one.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from bethna_cli.domain.alert import Alert, Level
from bethna_cli.domain.errors import BethnaError, WatcherReplaced
from bethna_cli.domain.units import iso
from bethna_cli.flow import execute
from bethna_cli.flow.guard import Memory, Ticked, tick
from bethna_cli.flow.lookout import GuardDesk
from bethna_cli.ports import Alerts

LATE_AFTER_S = 180.0
LOOK_AGAIN_EVERY = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Rounds:
    """What a watch is given besides its desk.

    interval_s: between two ticks, real time. look_again: reads the last hours of the chain a second time; daily: what
    is due once a day, asked at every tick. said: hears of every tick; failed: of one that came to nothing, in words;
    gauge: reckons what a tick's positions add up to.
    """

    interval_s: float
    alerts: Alerts
    look_again: Callable[[], Awaitable[object]]
    daily: Callable[[], Awaitable[object]]
    said: Callable[[Ticked], None]
    failed: Callable[[str], None]
    gauge: Callable[[Ticked], Awaitable[object]]


async def keep_watching(desk: GuardDesk, rounds: Rounds, memory: Memory, stop: asyncio.Event) -> None:
    """Watch until `stop`; a tick that has begun is finished. Raises WatcherReplaced."""
    await _soundly(rounds, "recovery", lambda: _recovered(desk))
    looked_again_at = desk.clock.now()
    while not stop.is_set():
        started = time.monotonic()
        await _soundly(rounds, "tick", lambda: _watched_tick(desk, rounds, memory))
        now = desk.clock.now()
        if now - looked_again_at >= LOOK_AGAIN_EVERY:
            looked_again_at = now
            await _soundly(rounds, "second look", rounds.look_again)
        await _soundly(rounds, "daily work", rounds.daily)
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, rounds.interval_s - (time.monotonic() - started))):
                await stop.wait()


async def _recovered(desk: GuardDesk) -> None:
    """Bring every open trade to what the chain shows: to start is to recover."""
    if desk.exits is not None and desk.journal.entries(only_open=True):
        await execute.recover(desk.exits.execution)


async def _soundly(rounds: Rounds, what: str, work: Callable[[], Awaitable[object]]) -> None:
    """Do one turn's work; whatever goes wrong is said, and the watch goes on."""
    try:
        await work()
    except WatcherReplaced:
        raise
    except BethnaError as error:
        rounds.failed(f"{what}: {error.message}")
    except Exception as error:  # noqa: BLE001 (one turn of the watch loop)
        rounds.failed(f"{what}: bethna made a mistake: {type(error).__name__}")


async def _watched_tick(desk: GuardDesk, rounds: Rounds, memory: Memory) -> None:
    """Do one tick, and tell the person while it takes longer than it may."""
    began = desk.clock.now()
    work = asyncio.ensure_future(tick(desk, memory))
    try:
        done, _ = await asyncio.wait([work], timeout=LATE_AFTER_S)
        if not done:
            title = "The watcher is late"
            text = f"A look at your positions has taken more than {LATE_AFTER_S:.0f} s. Try: bethna watch status"
            rounds.alerts.add(
                Alert(f"late:{iso(began)}", Level.CRITICAL, "watcher-late", title, text), desk.clock.now()
            )
            rounds.failed(text)
        ticked = await work
    finally:
        work.cancel()
    rounds.said(ticked)
    await _soundly(rounds, "portfolio", lambda: rounds.gauge(ticked))
