"""`bethna db`: care of the store of the network in use."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bethna_cli.cli.commands import ExampleCommand, Json, Network, NoColor, new_app

if TYPE_CHECKING:
    from bethna_cli.domain.retention import StoreSize, Swept
    from bethna_cli.flow.retain import Progress
    from bethna_cli.settings import Settings

app = new_app("The store: bring it up to date, read it again from the chain, drop what is old.")

DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would be dropped.")]


@app.command("migrate", cls=ExampleCommand, epilog="bethna db migrate")
def migrate(network: Network = None, as_json: Json = False, no_color: NoColor = False) -> None:
    """Bring the store to this version's schema (every command does), check it, and set a damaged one aside."""
    from bethna_cli.bootstrap.record import checked_store
    from bethna_cli.cli import output
    from bethna_cli.cli.tables import pairs, words
    from bethna_cli.settings import load_settings

    state = checked_store(load_settings({"network": network}))
    if as_json:
        output.emit(state)
        return
    grid = pairs()
    for name, value in state.items():
        grid.add_row(name.replace("_", " "), words("–" if value is None else str(value)))
    output.console(no_color).print(grid)
    if state["set_aside"]:
        typer.echo("What the chain knows is read again by: bethna db rebuild", err=True)


@app.command("rebuild", cls=ExampleCommand, epilog="bethna db rebuild")
def rebuild(network: Network = None, as_json: Json = False, no_color: NoColor = False) -> None:
    """Throw away what the chain knows better, and read it again: events and positions. Rules and trades stay."""
    from bethna_cli.bootstrap.record import rebuilt
    from bethna_cli.cli import output
    from bethna_cli.settings import load_settings

    settings = load_settings({"network": network})
    with _counting("Reading the chain", "blocks", no_color) as advanced:
        reach, found = asyncio.run(rebuilt(settings, advanced))
    if as_json:
        output.emit({"blocks": [reach.first_block, reach.cursor.number], "positions": found})
    else:
        what = "1 position" if found == 1 else f"{found} positions"
        typer.echo(f"Read blocks {reach.first_block:,} to {reach.cursor.number:,}: {what}.")


@contextmanager
def _counting(what: str, unit: str, no_color: bool) -> "Iterator[Callable[[int, int], None]]":
    """Say on stderr how much of a known amount is done, where a terminal shows it."""
    import sys

    from bethna_cli.cli.output import console

    screen = console(no_color, sys.stderr)
    if not screen.is_terminal:
        yield lambda *_: None
        return
    with screen.status(what) as status:
        yield lambda done, of: status.update(f"{what}: {done:,} of {of:,} {unit}")


@app.command("prune", cls=ExampleCommand, epilog="bethna db prune --dry-run")
def prune(dry_run: DryRun = False, network: Network = None, as_json: Json = False, no_color: NoColor = False) -> None:
    """Drop market data after 90 days, training data after 3 years, logs after 30 days; trades never."""
    from bethna_cli.cli import output
    from bethna_cli.settings import load_settings

    settings = load_settings({"network": network})
    with _progress(no_color) as progress:
        swept, before, after = _pruned(settings, dry_run, progress)
    if as_json:
        dropped = {one.data_set.value.replace(" ", "_"): one.count for one in swept}
        sizes = {"before_bytes": before.file_bytes, "after_bytes": after.file_bytes}
        output.emit({"dry_run": dry_run, "dropped": dropped, **sizes})
        return
    from bethna_cli.cli.tables import table, words

    grid = table("", "to drop" if dry_run else "dropped", right=("to drop", "dropped"))
    for one in swept:
        grid.add_row(words(one.data_set.value), f"{one.count:,}")
    output.console(no_color).print(grid)
    if not dry_run:
        typer.echo(f"The store had {megabytes(before.file_bytes)} and has {megabytes(after.file_bytes)}.")


def _pruned(settings: "Settings", dry_run: bool, progress: "Progress") -> "tuple[list[Swept], StoreSize, StoreSize]":
    from bethna_cli.bootstrap.market import system_clock
    from bethna_cli.bootstrap.retain import open_retention
    from bethna_cli.flow.retain import overdue, sweep

    now, retention = system_clock().now(), open_retention(settings)
    try:
        before = retention.size()
        swept = overdue(retention, now) if dry_run else asyncio.run(sweep(retention, now, progress))
        return swept, before, retention.size()
    finally:
        retention.close()


@contextmanager
def _progress(no_color: bool) -> "Iterator[Progress]":
    """Say on stderr how far a sweep is, where a terminal shows it."""
    import sys

    from bethna_cli.cli.output import console

    screen = console(no_color, sys.stderr)
    if not screen.is_terminal:
        yield lambda *_: None
        return
    with screen.status("Looking for what is old") as status:

        def show(data_set: Any, count: int) -> None:
            status.update(f"Dropping {data_set.value}: {count:,}")

        yield show


def megabytes(count: int) -> str:
    """Write bytes as people read them."""
    return f"{count / 1e6:,.1f} MB"
