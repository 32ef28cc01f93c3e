"""`bethna train`: grow another model of Alpha's on recorded history."""

from pathlib import Path
from typing import Annotated

import typer

from bethna_cli.cli.commands import ExampleCommand, Json, NoColor, new_app

app = new_app("Train Alpha's model.")

Data = Annotated[Path, typer.Option("--data", metavar="DIR", help="Folder with recorded candles, funding and mood.")]
Until = Annotated[str | None, typer.Option("--until", metavar="DATE", help="Use nothing after this day (UTC).")]
Out = Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Where to write the model.")]


@app.command("train", cls=ExampleCommand, epilog="bethna train --data DIR --until 2023-12-31 --out alpha.bin")
def train(data: Data, until: Until = None, out: Out = None, as_json: Json = False, no_color: NoColor = False) -> None:
    """Train the random forest on hourly history, test it year by year, and write it with its card."""
    from bethna_cli.cli.values import day_end

    until_moment = day_end(until, "--until")
    from bethna_cli.bootstrap.model import train_on
    from bethna_cli.cli import output
    from bethna_cli.cli.progress import progress_bar
    from bethna_cli.settings_files import replace_file

    with progress_bar(no_color) as progress:
        trained = train_on(data, until_moment, progress)
    target = out or Path(f"{trained.card['version']}.bin")
    replace_file(target, trained.content)
    if as_json:
        output.emit({"file": str(target), "card": trained.card})
        return
    from bethna_cli.cli.render_model import model_card

    screen = output.console(no_color)
    screen.print(model_card(trained.card))
    screen.print(f"Written to {target}", soft_wrap=True)
