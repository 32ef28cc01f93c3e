"""`bethna close`: sell a position, or a part of it."""

from fractions import Fraction
from typing import TYPE_CHECKING, Annotated

import typer

from bethna_cli.cli.commands import ExampleCommand, Json, Network, NoColor, new_app
from bethna_cli.cli.consent import DryRun, PasswordStdin, Yes
from bethna_cli.cli.trading import Chunks, Every, Trade, run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bethna_cli.domain.position import Position

app = new_app("Sell what you hold.")

PositionId = Annotated[str, typer.Argument(metavar="ID", help="The position's id, or its first digits.")]
Part = Annotated[str, typer.Option("--fraction", metavar="50%", help="How much of it to sell.")]


def say_what_goes_first(position: "Position", held: "Sequence[Position]") -> None:
    """Say on stderr that a sale of this position reduces others, which were bought before it. held: oldest first."""
    from bethna_cli.domain.position import sold_before

    older = ", ".join(one.short_id for one in sold_before(position, held))
    if older:
        typer.echo(f"Sales take the oldest contracts first; bought before it: {older}.", err=True)


@app.command("close", cls=ExampleCommand, epilog="bethna close 3f2a --fraction 50%")
def close(
    position: PositionId,
    fraction: Part = "100%",
    yes: Yes = False,
    password_stdin: PasswordStdin = False,
    dry_run: DryRun = False,
    chunks: Chunks = 1,
    every: Every = "15s",
    network: Network = None,
    as_json: Json = False,
    no_color: NoColor = False,
) -> None:
    """Check a sale, show what will be signed, and sell the position once you have said yes."""
    from bethna_cli.bootstrap.record import open_positions
    from bethna_cli.cli.trading import schedule_of
    from bethna_cli.cli.values import parse_percent
    from bethna_cli.flow import close as flow
    from bethna_cli.settings import load_settings

    settings = load_settings({"network": network})
    share, schedule = Fraction(parse_percent(fraction, "--fraction", 100), 10_000), schedule_of(chunks, every)

    def require_known() -> None:
        positions = open_positions(settings)
        try:
            say_what_goes_first(positions.position(position), positions.all(only_open=True))
        finally:
            positions.close()

    trade = Trade(
        command=f"bethna close {position}",
        prepare=lambda desk: flow.prepare_close(desk, position, share, schedule),
        carry_out=lambda desk, consent: flow.close(desk, position, share, consent, schedule),
        before=require_known,
    )
    run(
        settings,
        trade,
        yes=yes,
        dry_run=dry_run,
        as_json=as_json,
        no_color=no_color,
        password_stdin=password_stdin,
    )
