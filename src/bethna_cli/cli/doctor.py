"""`bethna doctor`: looks at the installation and asks every source once, so that an outage has a name and a number.

It repairs nothing. Exit 4 when something here is wrong, 5 when something outside is.
"""

import asyncio
import os
import stat
import sys
import time
from collections.abc import Awaitable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Protocol

import typer

from bethna_cli.cli.commands import At, ExampleCommand, Json, Network, NoColor, Replay, Seed, new_app
from bethna_cli.domain.errors import BethnaError, OutsideError, SourceDisabled
from bethna_cli.domain.market import Asset, Provenance
from bethna_cli.ports import Clock

if TYPE_CHECKING:
    from bethna_cli.bootstrap.market import App
    from bethna_cli.settings import Settings

app = new_app("Check the installation and every source.")

OK, WARNING, DISABLED, FAILED = "ok", "warning", "disabled", "failed"
HERE, OUTSIDE = "here", "outside"
EXIT_CODES = {HERE: 4, OUTSIDE: 5}
OLDEST_PYTHON = (3, 11)
LOOK_BACK_DAYS = 2
CLOCK_SLACK_S = 5.0

AssetName = Annotated[str, typer.Option("--asset", metavar="ASSET", help="Which market to ask for.")]


class _Sourced(Protocol):
    """Any answer of a source: it says who spoke and when."""

    @property
    def provenance(self) -> Provenance: ...


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at. `latency_ms` is there for sources; `hint` is a command to type next."""

    name: str
    place: str
    status: str
    detail: str
    latency_ms: float | None = None
    hint: str | None = None


@app.command("doctor", cls=ExampleCommand, epilog="bethna doctor")
def doctor(
    asset: AssetName = "ETH",
    network: Network = None,
    replay: Replay = None,
    at: At = None,
    seed: Seed = None,
    as_json: Json = False,
    no_color: NoColor = False,
) -> None:
    """Check Python, folders, settings, model, store, clock, and every source with its latency."""
    from bethna_cli.cli import output
    from bethna_cli.cli.values import parse_asset
    from bethna_cli.settings import load_settings

    wanted = parse_asset(asset)
    checks = [_python()]
    try:
        settings = load_settings({"network": network, "replay": replay, "at": at, "seed": seed})
        checks += [_variables(), _folders(settings)]
        checks += _with_application(settings, wanted, no_color)
    except BethnaError as error:
        place = OUTSIDE if isinstance(error, OutsideError) else HERE
        checks.append(Check("settings", place, FAILED, error.message, hint=error.hint))
    failed = {check.place for check in checks if check.status == FAILED}
    if as_json:
        output.emit({"ok": not failed, "checks": [asdict(check) for check in checks]})
    else:
        _print(checks, no_color)
    for place, code in EXIT_CODES.items():
        if place in failed:
            raise typer.Exit(code)


def _python() -> Check:
    found = ".".join(map(str, sys.version_info[:3]))
    return Check("python", HERE, OK if sys.version_info >= OLDEST_PYTHON else FAILED, found)


def _variables() -> Check:
    from bethna_cli.settings import unknown_variables

    unknown = unknown_variables(os.environ)
    if unknown:
        return Check("variables", HERE, WARNING, f"set nothing: {', '.join(unknown)}", hint="bethna config show")
    return Check("variables", HERE, OK, "every BETHNA_ variable is known")


def _folders(settings: "Settings") -> Check:
    places = (settings.folders.config, settings.folders.data)
    modes = {place: stat.S_IMODE(place.stat().st_mode) for place in places if place.exists()}
    wide = [place for place, mode in modes.items() if mode & 0o077]
    if wide:
        names = ", ".join(f"{place} ({modes[place]:04o})" for place in wide)
        return Check("folders", HERE, WARNING, f"open to others: {names}", hint=f"chmod 700 {wide[0]}")
    return Check("folders", HERE, OK, ", ".join(str(place) for place in modes) or "none yet")


def _with_application(settings: "Settings", asset: Asset, no_color: bool) -> list[Check]:
    from bethna_cli.cli.session import with_market

    async def examine(application: "App") -> list[Check]:
        return [
            _model(application),
            _store(application),
            _room(application.settings),
            *await ask_sources(application, asset),
        ]

    return with_market(settings, asset, examine, no_color)


def _model(application: "App") -> Check:
    try:
        version = application.model().version
    except BethnaError as error:
        return Check("model", HERE, FAILED, error.message, hint=error.hint)
    return Check("model", HERE, OK, version)


def _store(application: "App") -> Check:
    verdict = application.ledger.check()
    rows = {table: count for table, count in application.ledger.sizes().items() if count}
    sizes = ", ".join(f"{count:,} {table}" for table, count in rows.items() if not table.startswith("sqlite_"))
    return Check("store", HERE, OK if verdict == "ok" else FAILED, sizes or "empty" if verdict == "ok" else verdict)


def _room(settings: "Settings") -> Check:
    """Say how much room store and logs take, and whether something in them is due to be dropped."""
    from bethna_cli.bootstrap.market import system_clock
    from bethna_cli.bootstrap.retain import open_retention
    from bethna_cli.flow.retain import overdue

    retention = open_retention(settings)
    try:
        sizes = {
            "store": retention.size().file_bytes,
            "training data": retention.history_bytes(),
            "logs": retention.log_bytes(),
        }
        old = sum(one.count for one in overdue(retention, system_clock().now()))
    finally:
        retention.close()
    detail = ", ".join(f"{name} {count / 1e6:.1f} MB" for name, count in sizes.items())
    if old:
        return Check("room", HERE, WARNING, f"{detail}; {old:,} rows or files are old", hint="bethna db prune")
    return Check("room", HERE, OK, detail)


async def ask_sources(application: "App", asset: Asset) -> list[Check]:
    """Ask every source once, all at the same time, and measure each."""
    feeds = application.feeds
    asked: dict[str, Awaitable[_Sourced]] = {f"spot {feed.name}": feed.spot(asset) for feed in feeds.spots}
    asked |= {f"history {feed.name}": feed.history(asset, 24) for feed in feeds.histories}
    asked |= {
        "options": feeds.options.board(asset),
        "funding": feeds.funding.funding(asset, LOOK_BACK_DAYS),
        "mood": feeds.sentiment.sentiment(asset, LOOK_BACK_DAYS),
    }
    limit_s = application.settings.source_timeout_s
    answers = (_asked(name, answer, limit_s, application.clock) for name, answer in asked.items())
    return list(await asyncio.gather(*answers))


async def _asked(name: str, answer: Awaitable[_Sourced], limit_s: float, clock: Clock) -> Check:
    """Wait for one source and measure it; a figure from the future says that this machine's clock is slow."""
    from bethna_cli.cli.figures import age

    started = time.perf_counter()
    try:
        async with asyncio.timeout(limit_s):
            provenance = (await answer).provenance
    except TimeoutError:
        return Check(name, OUTSIDE, FAILED, f"no answer within {limit_s:g} s")
    except SourceDisabled as error:
        return Check(name, OUTSIDE, DISABLED, error.reason)
    except OutsideError as error:
        return Check(name, OUTSIDE, FAILED, error.message, hint=error.hint)
    latency_ms = round((time.perf_counter() - started) * 1000, 1)
    age_s = (clock.now() - provenance.observed_at).total_seconds()
    said = f"{provenance.source}, {provenance.origin.value}, {age(max(0.0, age_s))} old"
    if age_s < -CLOCK_SLACK_S:
        return Check(name, HERE, WARNING, f"{said}: this clock is slow", latency_ms, "timedatectl status")
    return Check(name, OUTSIDE, OK, said, latency_ms)


def _print(checks: list[Check], no_color: bool) -> None:
    from rich.text import Text

    from bethna_cli.cli.output import console
    from bethna_cli.cli.tables import table, words

    styles = {OK: "green", WARNING: "yellow", DISABLED: "dim", FAILED: "red"}
    grid = table("check", "state", "ms", "detail", right=("ms",))
    for check in checks:
        latency = "" if check.latency_ms is None else f"{check.latency_ms:.0f}"
        grid.add_row(words(check.name), Text(check.status, style=styles[check.status]), latency, words(check.detail))
    screen = console(no_color)
    screen.print(grid)
    for hint in dict.fromkeys(check.hint for check in checks if check.hint and check.hint != "bethna doctor"):
        screen.print(Text(f"Try: {hint}"))
