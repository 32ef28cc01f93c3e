"""`bethna history` and `bethna report`: what was held, what came of it, and the figures for people and tax offices."""

import asyncio
import csv
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from bethna_cli.cli.commands import ExampleCommand, Json, Network, NoColor, new_app

if TYPE_CHECKING:
    from bethna_cli.domain.position import Position
    from bethna_cli.domain.report import Gain, Period, Report, Tally
    from bethna_cli.settings import Settings

app = new_app("What came of it.")

CSV_COLUMNS = (
    "acquired", "disposed", "option", "contracts", "cost_usdc", "proceeds_usdc", "gain_usdc", "how",
    "purchase_transaction", "disposal_transaction",
)  # fmt: skip

Daily = Annotated[bool, typer.Option("--daily", help="By day.")]
Weekly = Annotated[bool, typer.Option("--weekly", help="By week, from Monday.")]
Monthly = Annotated[bool, typer.Option("--monthly", help="By month (the default).")]
Csv = Annotated[
    Path | None,
    typer.Option("--csv", metavar="FILE", help="Write realised gains, first in first out; - is stdout."),
]


@app.command("history", cls=ExampleCommand, epilog="bethna history")
def history(network: Network = None, as_json: Json = False, no_color: NoColor = False) -> None:
    """Show the positions that are over: how they ended, what they cost and brought."""
    from bethna_cli.cli import output
    from bethna_cli.cli.render_positions import history_table, position_document

    ended = [one for one in _positions(network) if one.closed_at is not None]
    if as_json:
        output.emit([position_document(one) for one in ended])
    elif not ended:
        typer.echo("No position is over yet. Try: bethna positions", err=True)
    else:
        output.console(no_color).print(history_table(ended))


@app.command("report", cls=ExampleCommand, epilog="bethna report --weekly")
def report(
    daily: Daily = False,
    weekly: Weekly = False,
    monthly: Monthly = False,
    csv_file: Csv = None,
    network: Network = None,
    as_json: Json = False,
    no_color: NoColor = False,
) -> None:
    """Add up realised gains: by period and strategy, the worst fall, and beside holding the coin."""
    from bethna_cli.cli import output
    from bethna_cli.domain.errors import UsageError
    from bethna_cli.domain.report import Period
    from bethna_cli.flow.history import gains
    from bethna_cli.settings import load_settings

    if daily + weekly + monthly > 1:
        raise UsageError("A report has one period: --daily, --weekly or --monthly.", hint="bethna report -h")
    period = Period.DAILY if daily else Period.WEEKLY if weekly else Period.MONTHLY
    found = _positions(network)
    if csv_file is not None:
        _write_csv(gains(found), csv_file)
        return
    with output.waiting("Asking for the coins' prices", no_color):
        made = asyncio.run(_report(load_settings({"network": network}), found, period))
    if as_json:
        output.emit(report_document(made))
    elif not made.periods:
        typer.echo("Nothing was sold or paid out yet. Try: bethna positions", err=True)
    else:
        _print(made, no_color)


def _positions(network: str | None) -> "list[Position]":
    from bethna_cli.bootstrap.record import open_positions
    from bethna_cli.settings import load_settings

    store = open_positions(load_settings({"network": network}))
    try:
        return store.all()
    finally:
        store.close()


async def _report(settings: "Settings", found: "Sequence[Position]", period: "Period") -> "Report":
    from bethna_cli.bootstrap.market import open_app, system_clock
    from bethna_cli.flow.history import look_back

    if not any(one.exits for one in found):
        return await look_back(found, period, (), system_clock())
    async with open_app(settings) as application:
        return await look_back(found, period, application.feeds.histories, application.clock)


def report_document(made: "Report") -> dict[str, object]:
    """Return a report as scripts see it; amounts in USDC, shares as fractions."""
    return {
        "period": made.period.value,
        "periods": [_tally_document(one) for one in made.periods],
        "strategies": [_tally_document(one) for one in made.strategies],
        "total": _tally_document(made.total),
        "max_drawdown_usdc": _usdc(made.drawdown),
        "held_instead_usdc": {asset.value: None if gain is None else _usdc(gain) for asset, gain in made.held.items()},
    }


def _tally_document(one: "Tally") -> dict[str, object]:
    return {
        "name": one.name,
        "closed": one.closed,
        "wins": one.wins,
        "win_rate": one.win_rate,
        "cost_usdc": _usdc(one.cost),
        "proceeds_usdc": _usdc(one.proceeds),
        "gain_usdc": _usdc(one.gained),
        "return": one.return_share,
    }


def _usdc(amount: int) -> float:
    from bethna_cli.domain.units import usdc_to_decimal

    return float(usdc_to_decimal(amount))


def _print(made: "Report", no_color: bool) -> None:
    from bethna_cli.cli import output
    from bethna_cli.cli.figures import signed, usd
    from bethna_cli.cli.tables import pairs, words

    screen = output.console(no_color)
    begins = {"daily": "day", "weekly": "week of", "monthly": "month of"}
    screen.print(_tallies(begins[made.period.value], [*made.periods, made.total]))
    screen.print()
    screen.print(_tallies("strategy", made.strategies))
    screen.print()
    grid = pairs()
    grid.add_row("worst fall", f"{usd(_usdc(made.drawdown))} USDC below the highest sum of realised gains")
    for asset, gain in made.held.items():
        shown = "not known: there is no price for the time" if gain is None else f"{signed(_usdc(gain))} USDC"
        grid.add_row(f"in {asset} instead", words(shown))
    screen.print(grid)
    screen.print(words("Realised only, without gas; instead: the same money for the same time in the coin.", "dim"))


def _tallies(head: str, tallies: "Sequence[Tally]") -> Any:
    from rich.text import Text

    from bethna_cli.cli.figures import share, signed, usd
    from bethna_cli.cli.tables import table

    grid = table(
        head,
        "over",
        "won",
        "cost",
        "brought",
        "P&L",
        "return",
        right=("over", "won", "cost", "brought", "P&L", "return"),
    )
    for one in tallies:
        style = "green" if one.gained > 0 else "red" if one.gained < 0 else ""
        grid.add_row(
            one.name,
            str(one.closed),
            share(one.win_rate),
            usd(_usdc(one.cost)),
            usd(_usdc(one.proceeds)),
            Text(signed(_usdc(one.gained)), style=style),
            share(one.return_share),
        )
    return grid


def _write_csv(gains: "Sequence[Gain]", path: Path) -> None:
    """Write realised gains to a new file, or to stdout. Raises UsageError when the file is there already."""
    from bethna_cli.domain.errors import UsageError

    if str(path) == "-":
        _write_rows(gains, sys.stdout)
        return
    try:
        with path.open("x", encoding="utf-8", newline="") as stream:
            _write_rows(gains, stream)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}.", hint="bethna report --csv FILE") from error
    typer.echo(f"{len(gains)} realised gain{'' if len(gains) == 1 else 's'} in {path}", err=True)


def _write_rows(gains: "Sequence[Gain]", stream: TextIO) -> None:
    from bethna_cli.domain.units import iso, usdc_to_decimal

    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    for one in gains:
        amounts = (one.exit.contracts, one.cost, one.exit.usdc, one.usdc)
        writer.writerow(
            (
                iso(one.position.opened_at),
                iso(one.exit.at),
                one.position.terms.ticker,
                *(f"{usdc_to_decimal(amount):.6f}" for amount in amounts),
                one.exit.kind.value.lower(),
                one.position.transaction,
                one.exit.transaction,
            )
        )
