"""`bethna train`: grow another model of Alpha's on recorded history."""

from pathlib import Path
from typing import Annotated

import typer

from bethna_cli.cli.commands import ExampleCommand, Json, NoColor, new_app

app = new_app("Train Alpha's model.")

Data = Annotated[Path, typer.Option("--data", metavar="DIR", help="Folder with recorded candles, funding and mood.")]
Until = Annotated[str | None, typer.Option("--until", metavar="DATE", help="Use nothing after this day (UTC).")]
Out = Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write the model there instead of keeping it.")]


@app.command("train", cls=ExampleCommand, epilog="bethna train --data DIR --until 2023-12-31")
def train(data: Data, until: Until = None, out: Out = None, as_json: Json = False, no_color: NoColor = False) -> None:
    """Train the random forest on hourly history, test it year by year, and keep it beside the shipped one."""
    from bethna_cli.bootstrap.model import shelve, train_on
    from bethna_cli.cli import output
    from bethna_cli.cli.progress import progress_bar
    from bethna_cli.cli.values import day_end
    from bethna_cli.settings_files import replace_file

    known_by = day_end(until, "--until")
    with progress_bar(no_color) as progress:
        trained = train_on(data, known_by, progress)
    if out is not None:
        replace_file(out, trained.content)
        place: dict[str, object] = {"file": str(out)}
        said = f"Written to {out}"
    else:
        kept = shelve(trained)
        place = {"kept_as": kept.sha256, "version": kept.version}
        said = f"Kept, and not in use yet: bethna model use {kept.sha256[:12]}"
    if as_json:
        output.emit({**place, "card": trained.card})
        return
    from bethna_cli.cli.render_model import model_card

    screen = output.console(no_color)
    screen.print(model_card(trained.card))
    screen.print(said, soft_wrap=True)
