"""`bethna model`: what Alpha's model rests on, and how it does on data it has not seen."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bethna_cli.cli.commands import ExampleCommand, Json, Network, NoColor, new_app

if TYPE_CHECKING:
    from bethna_cli.domain.model import Model


app = new_app("Alpha's model: its data, its parameters and its measured record.", acts="bethna model")

Data = Annotated[Path, typer.Option("--data", metavar="DIR", help="Folder with recorded candles, funding and mood.")]
AssetName = Annotated[str, typer.Option("--asset", metavar="ASSET", help="ETH or BTC.")]
From = Annotated[str | None, typer.Option("--from", metavar="DATE", help="First day (UTC); default: the first unseen.")]
To = Annotated[str | None, typer.Option("--to", metavar="DATE", help="Last day (UTC); default: the end of the data.")]
Until = Annotated[str | None, typer.Option("--until", metavar="DATE", help="Use nothing after this day (UTC).")]
ChainCandles = Annotated[
    Path | None, typer.Option("--candles", metavar="DIR2", help="Candles of the chains (default DIR/replay_2026).")
]
DriftData = Annotated[Path | None, typer.Option("--data", metavar="DIR", help="Another folder than the fetched one.")]
ModelFile = Annotated[Path | None, typer.Option("--model", metavar="FILE", help="Another model than the one in use.")]
InSampleToo = Annotated[bool, typer.Option("--in-sample", help="Allow days that the model learned from.")]
Resamples = Annotated[int, typer.Option("--resamples", min=100, max=20_000, help="Resamples behind an interval.")]
ResampleSeed = Annotated[int, typer.Option("--seed", min=0, help="Seed of the resamples.")]


@app.callback(invoke_without_command=True)
def model(ctx: typer.Context, as_json: Json = False, no_color: NoColor = False) -> None:
    """Show the model in use, or judge, list and choose models."""
    if ctx.invoked_subcommand is not None:
        return
    from bethna_cli.bootstrap.model import load_model
    from bethna_cli.bootstrap.track_record import stored_record
    from bethna_cli.cli import output
    from bethna_cli.flow.track_record import is_of
    from bethna_cli.flow.trade_rules import trade_rules

    used, record = load_model(), stored_record()
    card, measured = used.card, record if is_of(record, used.sha256) else None
    if as_json:
        output.emit({**card, "rules": trade_rules(), "record": measured})
        return
    from bethna_cli.cli.render_backtest import record_view
    from bethna_cli.cli.render_model import model_card

    screen = output.console(no_color)
    screen.print(model_card(card, trade_rules()))
    if measured is not None:
        screen.print()
        screen.print(record_view(measured))


@app.command(cls=ExampleCommand, epilog="bethna model evaluate --data DIR --asset ETH --from 2024-01-01")
def evaluate(
    data: Data,
    asset: AssetName = "ETH",
    starts: From = None,
    ends: To = None,
    model_path: ModelFile = None,
    in_sample: InSampleToo = False,
    resamples: Resamples = 1000,
    seed: ResampleSeed = 20180101,
    as_json: Json = False,
    no_color: NoColor = False,
) -> None:
    """Judge the model on recorded days it has not seen, without fitting anything. Intervals are at 95 %."""
    from bethna_cli.bootstrap.model import evaluate_on
    from bethna_cli.cli import output
    from bethna_cli.cli.values import day_end, day_start, parse_asset
    from bethna_cli.domain.errors import UsageError

    days = day_start(starts, "--from"), day_end(ends, "--to")
    if days[0] and days[1] and days[1] <= days[0]:
        raise UsageError("--to is before --from.", hint="bethna model evaluate -h")
    judged, named = _model(model_path), parse_asset(asset)
    with output.waiting("Predicting each week of the range", no_color):
        report = evaluate_on(data, named, judged, days, (resamples, seed), in_sample=in_sample)
    if as_json:
        output.emit(report)
        return
    from bethna_cli.cli.render_model import evaluation

    output.console(no_color).print(evaluation(report))


@app.command(cls=ExampleCommand, epilog="bethna model compare --data DIR")
def compare(
    data: Data,
    candles: ChainCandles = None,
    until: Until = None,
    resamples: Resamples = 1000,
    seed: ResampleSeed = 20180101,
    as_json: Json = False,
    no_color: NoColor = False,
) -> None:
    """Compare volatility forecasts, each year by what the years before taught: the reason for the one that ships.

    Where option chains lie in DIR, what they imply is compared as well. Intervals are at 95 %.
    """
    from bethna_cli.bootstrap.model import compare_on
    from bethna_cli.cli import output
    from bethna_cli.cli.progress import progress_bar
    from bethna_cli.cli.values import day_end

    known_by = day_end(until, "--until")
    with progress_bar(no_color) as progress:
        report = compare_on(data, candles, known_by, (resamples, seed), progress)
    if as_json:
        output.emit(report)
        return
    from bethna_cli.cli.render_model import comparison

    output.console(no_color).print(comparison(report))


@app.command(cls=ExampleCommand, epilog="bethna model drift")
def drift(data: DriftData = None, network: Network = None, as_json: Json = False, no_color: NoColor = False) -> None:
    """Measure whether the model still holds: the last 90 days of a folder, by default the fetched one."""
    from bethna_cli.bootstrap.model import drift_on
    from bethna_cli.bootstrap.places import history_folder
    from bethna_cli.cli import output
    from bethna_cli.settings import load_settings

    settings = load_settings({"network": network})
    with output.waiting("Predicting each week of the last 90 days", no_color):
        report = drift_on(data or history_folder(settings), settings.network)
    if as_json:
        output.emit(report)
        return
    from bethna_cli.cli.render_model import drift_view

    output.console(no_color).print(drift_view(report))


Name = Annotated[str, typer.Argument(metavar="NAME", help="A version, the beginning of its SHA-256, or shipped.")]


@app.command("list", cls=ExampleCommand, epilog="bethna model list")
def list_(as_json: Json = False, no_color: NoColor = False) -> None:
    """List the shipped model and those trained on this machine."""
    from bethna_cli.bootstrap.model import model_shelf, shipped_model
    from bethna_cli.cli import output
    from bethna_cli.domain.units import iso

    kept = model_shelf().models()
    version, digest = shipped_model()
    shipped = {"name": "shipped", "version": version, "sha256": digest, "added_at": None}
    rows: list[dict[str, object]] = [{**shipped, "in_use": not any(model.is_in_use for model in kept)}]
    for model in kept:
        named = {"name": model.sha256[:12], "version": model.version, "sha256": model.sha256}
        rows.append({**named, "added_at": iso(model.added_at), "in_use": model.is_in_use})
    if as_json:
        output.emit(rows)
        return
    from bethna_cli.cli.render_model import shelf

    output.console(no_color).print(shelf(rows))


@app.command(cls=ExampleCommand, epilog="bethna model use alpha-2-2026-11-25")
def use(name: Name, as_json: Json = False) -> None:
    """Put a model in use for every recommendation from now on."""
    from bethna_cli.bootstrap.model import model_shelf

    model_shelf().use(name)
    _say_in_use(as_json)


@app.command(cls=ExampleCommand, epilog="bethna model rollback")
def rollback(as_json: Json = False) -> None:
    """Go back to the model that was in use before."""
    from bethna_cli.bootstrap.model import model_shelf

    model_shelf().rollback()
    _say_in_use(as_json)


def _say_in_use(as_json: bool) -> None:
    from bethna_cli.bootstrap.model import load_model
    from bethna_cli.cli import output

    version = load_model().version
    if as_json:
        output.emit({"in_use": version})
    else:
        typer.echo(f"In use: {version}")


def _model(path: Path | None) -> "Model":
    from bethna_cli.bootstrap.model import load_model, open_model

    return load_model() if path is None else open_model(path)
