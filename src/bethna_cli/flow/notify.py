"""The outbox's way to the person: every channel at its own pace, none waiting for another, nothing lost and told once.

An alert is told in the order in which it was kept. A crash between telling and noting tells again, under the same id.
The watcher is never kept waiting: `keep_telling` runs beside it.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta, tzinfo

from bethna_cli.domain.alert import Alert, Delivery, KeptAlert, Level
from bethna_cli.domain.errors import BethnaError, ChannelDown, MessageRefused
from bethna_cli.ports import Clock, Notifier, Outbox
from bethna_cli.risk.telling import MERGE_WITHIN, QuietHours, is_due, wait_after

PATIENCE_S = 60.0
LEASE = timedelta(seconds=3 * PATIENCE_S)
BATCH = 20
MOST_REFUSALS = 6
"""Mail servers also refuse for good what they would take tomorrow; six tries are half an hour."""
EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class NotifyDesk:
    """What telling needs. clock: the machine's, also on the simulated network.

    zone: where the quiet hours apply, None for the machine's own.
    """

    outbox: Outbox
    notifiers: Sequence[Notifier]
    clock: Clock
    quiet: QuietHours | None = None
    zone: tzinfo | None = None


Report = Callable[[str, BethnaError], None]
"""What hears of a store that could not be read or written meanwhile: the channel, and the error."""


async def keep_telling(desk: NotifyDesk, stop: asyncio.Event, report: Report) -> None:
    """Tell whatever is due over every channel, beside the watcher; after `stop` what is due is told once more."""

    async def serve(notifier: Notifier) -> None:
        while True:
            is_last = stop.is_set()
            await _turn(desk, notifier, report)
            if is_last:
                return
            await _nap(stop)

    async with asyncio.TaskGroup() as group:
        for notifier in desk.notifiers:
            group.create_task(serve(notifier))


async def _turn(desk: NotifyDesk, notifier: Notifier, report: Report) -> None:
    try:
        await tell_due(desk, notifier)
    except BethnaError as error:  # a locked store, a full disk: the next turn tries again
        report(notifier.name, error)
    except Exception as error:  # noqa: BLE001 (a turn of the watcher: our own mistake in one channel ends none)
        report(notifier.name, BethnaError(f"bethna made a mistake: {type(error).__name__}."))


async def _nap(stop: asyncio.Event) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(EVERY_S):
            await stop.wait()


async def tell_due(desk: NotifyDesk, notifier: Notifier) -> None:
    """Tell what waits for one channel, if it is to be tried now and nobody else is telling over it."""
    outbox, name, now = desk.outbox, notifier.name, desk.clock.now()
    loudest_new = outbox.gather(name, now)
    state = outbox.state(name)
    if not state.pending or not is_due(state.failures, state.next_try_at, loudest_new, now):
        return
    if not outbox.lease(name, now, now + LEASE):
        return
    try:
        await _tell_waiting(desk, notifier, state.failures)
    finally:
        outbox.release(name)


async def _tell_waiting(desk: NotifyDesk, notifier: Notifier, failures: int) -> None:
    outbox, name = desk.outbox, notifier.name
    for kept in outbox.pending(name, BATCH, only_loud=_is_quiet(desk)):
        outbox.extend(name, desk.clock.now() + LEASE)
        try:
            await _tell_one(desk, notifier, kept)
        except ChannelDown as error:
            next_try_at = desk.clock.now() + wait_after(failures + 1)
            outbox.fails(name, failures + 1, next_try_at, error.reason)
            return
        outbox.works(name)
        failures = 0


async def _tell_one(desk: NotifyDesk, notifier: Notifier, kept: KeptAlert) -> None:
    """Tell one alert, or note why not. A refusal counts as trouble of the channel until there were too many of it."""
    outbox, name = desk.outbox, notifier.name
    if kept.alert.level is Level.INFO and outbox.was_told(name, kept.alert, desk.clock.now() - MERGE_WITHIN):
        outbox.note(name, kept, Delivery.MERGED, desk.clock.now())
        return
    try:
        async with asyncio.timeout(PATIENCE_S):
            await notifier.tell(kept)
    except MessageRefused as error:
        if outbox.refused(name, kept) < MOST_REFUSALS:
            raise ChannelDown(name, error.reason) from error
        outbox.note(name, kept, Delivery.REFUSED, desk.clock.now())
    except TimeoutError as error:
        raise ChannelDown(name, f"no answer within {PATIENCE_S:.0f} s") from error
    else:
        outbox.note(name, kept, Delivery.SENT, desk.clock.now())


def _is_quiet(desk: NotifyDesk) -> bool:
    return desk.quiet is not None and desk.quiet.hold(desk.clock.now().astimezone(desk.zone))


@dataclass(frozen=True, slots=True)
class Trial:
    """What one channel did with a test. error: None when it took it."""

    channel: str
    error: str | None


async def try_channels(desk: NotifyDesk, alert: Alert) -> list[Trial]:
    """Keep an alert and tell it over every channel at once, whatever else waits and however long they were silent.

    A channel that works again gets what waits for it with the watcher's next turn.
    """
    now = desk.clock.now()
    for notifier in desk.notifiers:
        desk.outbox.gather(notifier.name, now)
    kept = desk.outbox.put_by_hand(alert, [notifier.name for notifier in desk.notifiers], now)
    return list(await asyncio.gather(*(_try_channel(desk, notifier, kept) for notifier in desk.notifiers)))


async def _try_channel(desk: NotifyDesk, notifier: Notifier, kept: KeptAlert) -> Trial:
    try:
        async with asyncio.timeout(PATIENCE_S):
            await notifier.tell(kept)
    except (ChannelDown, MessageRefused) as error:
        return Trial(notifier.name, error.reason)
    except TimeoutError:
        return Trial(notifier.name, f"no answer within {PATIENCE_S:.0f} s")
    desk.outbox.note(notifier.name, kept, Delivery.SENT, desk.clock.now())
    desk.outbox.works(notifier.name)
    return Trial(notifier.name, None)
