"""`bethna positions`: what is held, what it cost and what it is worth, once or refreshed in place."""

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bethna_cli.cli.commands import ExampleCommand, Json, Network, NoColor, new_app

if TYPE_CHECKING:
    from collections.abc import Callable

    from bethna_cli.flow.holdings import Holdings
    from bethna_cli.settings import Settings

app = new_app("What is held.")

REFRESH_S = 1.0

Live = Annotated[bool, typer.Option("--live", help="Refresh the table in place until Ctrl-C.")]
All = Annotated[bool, typer.Option("--all", help="Closed and settled ones too.")]
PositionId = Annotated[str | None, typer.Argument(metavar="[ID]", help="The first digits of a position's id.")]


@app.command("positions", cls=ExampleCommand, epilog="bethna positions --live")
def positions(
    position: PositionId = None,
    live: Live = False,
    everything: All = False,
    network: Network = None,
    as_json: Json = False,
    no_color: NoColor = False,
) -> None:
    """Show open positions: cost, value, profit or loss, Greeks, days left, and whether they are protected."""
    from bethna_cli.bootstrap.record import holdings_reader
    from bethna_cli.cli import output
    from bethna_cli.settings import load_settings

    settings = load_settings({"network": network})
    name = None if position is None else _id_of(settings, position)
    with holdings_reader(settings) as read:
        if live and not as_json:
            _follow(settings, lambda: read(everything), no_color)
            return
        held = read(everything or name is not None)
    if name is not None:
        _show_one(held, name, as_json, no_color)
    elif as_json:
        from bethna_cli.cli.render_positions import held_document

        output.emit([held_document(one, held.now) for one in held.items])
    elif not held.items:
        typer.echo("Nothing is held. Try: bethna recommend ETH", err=True)
        _say_unbought(held)
    else:
        from bethna_cli.cli.render_positions import WIDE, screen

        console = output.console(no_color, widest=WIDE)
        console.print(screen(held, console.width))
        _say_unbought(held)


def _id_of(settings: "Settings", prefix: str) -> str:
    """Return the id of the position that a prefix names. Raises NotFound."""
    from contextlib import closing

    from bethna_cli.bootstrap.record import open_positions

    with closing(open_positions(settings)) as store:
        return store.position(prefix).id


def _show_one(held: "Holdings", name: str, as_json: bool, no_color: bool) -> None:
    from bethna_cli.cli import output
    from bethna_cli.cli.render_positions import details, held_document

    one = next(one for one in held.items if one.position.id == name)
    if as_json:
        output.emit(held_document(one, held.now))
    else:
        output.console(no_color).print(details(one, held.now))


def _say_unbought(held: "Holdings") -> None:
    """Name the contracts that came by other ways: they are no positions, and nothing watches them."""
    for ticker, contracts in held.unbought:
        typer.echo(f"! {contracts:,.4f} × {ticker} came by other ways than a purchase; they are not watched.", err=True)


def _follow(settings: "Settings", read: "Callable[[], Holdings]", no_color: bool) -> None:
    """Draw the table again every second; in a pipe, one table a second under the other."""
    from bethna_cli.cli import output
    from bethna_cli.cli.render_positions import WIDE, screen

    console = output.console(no_color, widest=WIDE)
    try:
        if not console.is_terminal:
            while True:
                console.print(screen(read(), console.width))
                time.sleep(REFRESH_S)
        _draw(console, read, settings)
    except KeyboardInterrupt:
        return


def _draw(console: Any, read: "Callable[[], Holdings]", settings: "Settings") -> None:
    """Draw on a screen of its own, which is as large as the terminal is now; the last table stays when it is left."""
    import shutil

    from rich.live import Live as LiveTable

    from bethna_cli.bootstrap.unwatched import unwatched_positions
    from bethna_cli.cli import output
    from bethna_cli.cli.banner import alarm
    from bethna_cli.cli.render_positions import WIDE, live_screen, screen

    held = read()
    try:
        with LiveTable(console=console, auto_refresh=False, screen=True) as table:
            while True:
                console.size = shutil.get_terminal_size()
                table.update(
                    live_screen(held, settings.network, alarm(unwatched_positions(settings)), console.size),
                    refresh=True,
                )
                time.sleep(REFRESH_S)
                held = read()
    finally:
        console.width = max(output.NARROWEST, min(shutil.get_terminal_size().columns, WIDE))
        console.print(screen(held, console.width))
