"""`bethna train`: grow another model of Alpha's on recorded history."""

from pathlib import Path
from typing import Annotated

import typer

from bethna_cli.cli.commands import ExampleCommand, Json, Network, NoColor, new_app

app = new_app("Train Alpha's model.")

Data = Annotated[
    Path | None, typer.Option("--data", metavar="DIR", help="Folder with candles, funding and mood (default: fetched).")
]
Fetch = Annotated[bool, typer.Option("--fetch", help="First download what is missing; goes on where it stopped.")]
Since = Annotated[str | None, typer.Option("--since", metavar="DATE", help="Fetch from this day (default: 3 years).")]
FetchOnly = Annotated[bool, typer.Option("--fetch-only", help="Download and train nothing.")]
Until = Annotated[str | None, typer.Option("--until", metavar="DATE", help="Use nothing after this day (UTC).")]
Out = Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write the model there instead of keeping it.")]


@app.command("train", cls=ExampleCommand, epilog="bethna train --fetch")
def train(
    data: Data = None,
    fetch: Fetch = False,
    fetch_only: FetchOnly = False,
    since: Since = None,
    until: Until = None,
    out: Out = None,
    network: Network = None,
    as_json: Json = False,
    no_color: NoColor = False,
) -> None:
    """Train the random forest on hourly history, test it year by year, and keep it beside the shipped one."""
    import asyncio

    from bethna_cli.bootstrap.model import fetch_history, shelve, train_on
    from bethna_cli.bootstrap.places import history_folder
    from bethna_cli.cli import output
    from bethna_cli.cli.progress import progress_bar
    from bethna_cli.cli.values import day_end, day_start
    from bethna_cli.settings import load_settings
    from bethna_cli.settings_files import replace_file

    settings = load_settings({"network": network})
    known_by, starts = day_end(until, "--until"), day_start(since, "--since")
    folder = data or history_folder(settings)
    fetched: dict[str, object] = {}
    with progress_bar(no_color) as progress:
        if fetch or fetch_only:
            fetched = {"fetched": asyncio.run(fetch_history(settings, folder, starts, progress))}
            if not as_json:
                typer.echo(f"History is in {folder}", err=True)
        if fetch_only:
            if as_json:
                output.emit(fetched)
            return
        trained = train_on(folder, known_by, progress)
    if out is not None:
        replace_file(out, trained.content)
        place: dict[str, object] = {"file": str(out)}
        said = f"Written to {out}"
    else:
        kept = shelve(trained)
        place = {"kept_as": kept.sha256, "version": kept.version}
        said = f"Kept, and not in use yet: bethna model use {kept.sha256[:12]}"
    if as_json:
        output.emit({**fetched, **place, "card": trained.card})
        return
    from bethna_cli.cli.render_model import model_card
    from bethna_cli.flow.trade_rules import trade_rules

    screen = output.console(no_color)
    screen.print(model_card(trained.card, trade_rules()))
    screen.print(said, soft_wrap=True)
