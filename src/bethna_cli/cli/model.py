"""`bethna model` and `bethna train`: what Alpha's model rests on, and how to grow another one."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from bethna_cli.cli.commands import ExampleCommand, Json, NoColor, new_app

app = new_app("Alpha's model.")

Data = Annotated[Path, typer.Option("--data", metavar="DIR", help="Folder with recorded candles, funding and mood.")]
Until = Annotated[str | None, typer.Option("--until", metavar="DATE", help="Use nothing after this day (UTC).")]
Out = Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Where to write the model.")]


@app.command("model", cls=ExampleCommand, epilog="bethna model")
def model(as_json: Json = False, no_color: NoColor = False) -> None:
    """Show the model in use: its data, its parameters and its walk-forward test."""
    from bethna_cli.bootstrap.model import load_model
    from bethna_cli.bootstrap.track_record import stored_record
    from bethna_cli.cli import output

    card, record = load_model().card, stored_record()
    measured = record if record["model"]["version"] == card["version"] else None
    if as_json:
        output.emit({**card, "record": measured})
        return
    from bethna_cli.cli.render_backtest import record_view
    from bethna_cli.cli.render_model import model_card

    screen = output.console(no_color)
    screen.print(model_card(card))
    if measured is not None:
        screen.print()
        screen.print(record_view(measured))


@app.command("train", cls=ExampleCommand, epilog="bethna train --data DIR --until 2023-12-31 --out alpha.bin")
def train(data: Data, until: Until = None, out: Out = None, as_json: Json = False, no_color: NoColor = False) -> None:
    """Train the random forest on hourly history, test it year by year, and write it with its card."""
    day_end = _day_end(until)
    from bethna_cli.bootstrap.model import train_on
    from bethna_cli.cli import output
    from bethna_cli.cli.progress import progress_bar
    from bethna_cli.settings_files import replace_file

    with progress_bar(no_color) as progress:
        trained = train_on(data, day_end, progress)
    target = out or Path(f"{trained.card['version']}.bin")
    replace_file(target, trained.content)
    if as_json:
        output.emit({"file": str(target), "card": trained.card})
        return
    from bethna_cli.cli.render_model import model_card

    screen = output.console(no_color)
    screen.print(model_card(trained.card))
    screen.print(f"Written to {target}", soft_wrap=True)


def _day_end(word: str | None) -> datetime | None:
    """Read a day and return the moment it is over, UTC. Raises UsageError."""
    from bethna_cli.domain.errors import UsageError

    if word is None:
        return None
    try:
        return datetime.strptime(word, "%Y-%m-%d").replace(tzinfo=UTC) + timedelta(days=1)
    except (ValueError, OverflowError) as error:
        raise UsageError(f"--until {word[:24]!a} must be a day like 2023-12-31.", hint="bethna train -h") from error
