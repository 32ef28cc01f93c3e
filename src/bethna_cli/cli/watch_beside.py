"""A watcher that runs beside: starting one, what can be said of it, ending it, and telling when none is there."""

import os
import signal
import subprocess
import time
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from bethna_cli.domain.wallet import Wallet
    from bethna_cli.settings import Settings

LATE, ABSENT = 5, 6
LATEST_BEAT_S = 180.0
READY_WITHIN_S = 60.0
STOP_WITHIN_S = 60.0
POLL_S = 0.05


def detached(settings: "Settings", wallet: "Wallet", as_json: bool) -> None:
    """Start a watcher of its own session, and wait until it has looked once. Raises what it says when it ends first.

    A first look may have years of blocks to read; it goes on without being waited for.
    """
    from bethna_cli.bootstrap.guard import watch_lock
    from bethna_cli.cli import output
    from bethna_cli.cli.output import waiting
    from bethna_cli.cli.sim import AGAIN
    from bethna_cli.domain.errors import SourceUnavailable, TradeRefused
    from bethna_cli.domain.text import clean
    from bethna_cli.settings_files import make_private

    lock = watch_lock(settings, wallet.address)
    holder = lock.holder()
    if holder is not None:
        raise TradeRefused(f"Process {holder} watches these positions already.", hint="bethna watch status")
    before = _looks(settings, wallet)
    words = make_private(settings.folders.data / "logs") / f"watch-{settings.network}.out"
    words.touch(mode=0o600)
    with words.open("wb") as lines, waiting("Starting the watcher"):
        child = subprocess.Popen(  # noqa: S603 (our own interpreter and a network that settings have checked)
            [*AGAIN, "watch", "--json", "--network", settings.network],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=lines,
            start_new_session=True,
        )
        deadline = time.monotonic() + READY_WITHIN_S
        while not (has_looked := _looks(settings, wallet) != before):
            is_late = time.monotonic() > deadline
            if is_late and child.poll() is None and lock.holder() == child.pid:
                break
            if is_late or child.poll() is not None:
                child.terminate()
                said = clean(words.read_text("utf-8", "replace").removeprefix("Error: "), 300)
                raise SourceUnavailable("watcher", f"it did not start: {said or 'no word'}", hint="bethna watch")
            time.sleep(POLL_S)
    if as_json:
        output.emit({"watching": True, "pid": child.pid, "has_looked": has_looked})
    else:
        if not has_looked:
            typer.echo("It is still at its first look; reading the chain can take long.", err=True)
        typer.echo(
            f"Gamma watches in process {child.pid}. bethna watch status tells how it is; bethna watch stop ends it."
        )


def _looks(settings: "Settings", wallet: "Wallet") -> tuple[int, bool]:
    """Return which start of a watcher the store knows, and whether it has looked once."""
    from bethna_cli.bootstrap.guard import open_watchbook

    watchbook = open_watchbook(settings)
    try:
        found = watchbook.watcher(wallet.address)
    finally:
        watchbook.close()
    return (found.token, found.ticks > 0) if found is not None and found.ticks else (0, False)


def state_of(settings: "Settings") -> tuple[dict[str, object], int]:
    """Return what there is to say of the watcher, and the exit code: 0 when it watches, LATE or ABSENT."""
    from bethna_cli.bootstrap.guard import open_records, watch_lock
    from bethna_cli.bootstrap.market import system_clock
    from bethna_cli.bootstrap.wallet import wallet_in_use
    from bethna_cli.domain.units import iso

    wallet = wallet_in_use(settings)
    holder = watch_lock(settings, wallet.address).holder()
    with open_records(settings) as (positions, watchbook):
        found, states = watchbook.watcher(wallet.address), watchbook.states()
        still_open = [one for one in positions.all(only_open=True) if one.user == wallet.address]
    bare = [one for one in still_open if one.id not in states or states[one.id].protection.value == "UNPROTECTED"]
    document: dict[str, object] = {
        "state": "none",
        "network": settings.network,
        "wallet": wallet.address,
        "open_positions": len(still_open),
        "unprotected": len(bare),
    }
    if holder is None or found is None:
        return document, ABSENT
    age_s = (system_clock().now() - found.beat_at).total_seconds()
    is_late = age_s > max(LATEST_BEAT_S, 3 * found.interval_s)
    document |= {
        "state": "late" if is_late else "alive",
        "pid": holder,
        "started_at": iso(found.started_at),
        "last_look_at": iso(found.beat_at),
        "last_look_age_s": round(age_s, 1),
        "interval_s": found.interval_s,
        "looks": found.ticks,
        "trouble": found.trouble,
    }
    return document, LATE if is_late else 0


def tell_of_absence(settings: "Settings", code: int, still_open: object, last_look_at: object) -> bool:
    """Tell over every channel that open positions are watched by nobody. Returns whether there was reason to.

    A watcher that died cannot say so itself: this is for a timer that outlives it. The same absence is told once a day.
    """
    import asyncio

    from bethna_cli.bootstrap.market import system_clock
    from bethna_cli.bootstrap.notify import open_alerts, tell_once
    from bethna_cli.flow.guard_words import absent_alert

    if not code or not still_open:
        return False
    now = system_clock().now()
    alerts = open_alerts(settings)
    try:
        alerts.add(absent_alert(int(str(still_open)), None if code == ABSENT else str(last_look_at), now), now)
    finally:
        alerts.close()
    asyncio.run(tell_once(settings, lambda channel, error: typer.echo(f"{channel}: {error.message}", err=True)))
    return True


def stop_watcher(settings: "Settings") -> int:
    """Let the watcher finish its look and leave; returns its process id. Raises NotFound, SourceUnavailable."""
    from bethna_cli.bootstrap.guard import watch_lock
    from bethna_cli.bootstrap.wallet import wallet_in_use
    from bethna_cli.cli.output import waiting
    from bethna_cli.domain.errors import NotFound, SourceUnavailable

    lock = watch_lock(settings, wallet_in_use(settings).address)
    holder = lock.holder()
    if not holder:
        raise NotFound("Nobody watches.", hint="bethna watch --detach")
    os.kill(holder, signal.SIGTERM)
    deadline = time.monotonic() + STOP_WITHIN_S
    with waiting("The watcher finishes its look"):
        while lock.holder() is not None:
            if time.monotonic() > deadline:
                raise SourceUnavailable("watcher", f"process {holder} does not stop", hint=f"kill {holder}")
            time.sleep(POLL_S)
    return holder
