"""`bethna sim`: serve the embedded world to several processes, see what time it is there, move its clock, stop it."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bethna_cli.cli.commands import At, ExampleCommand, Json, NoColor, Replay, Seed, new_app

if TYPE_CHECKING:
    from bethna_cli.settings import Settings

app = new_app("The embedded world: a simulated market that needs no key, no network and no money.")

READY_WITHIN_S = 20.0
POLL_S = 0.05
LONGEST_REASON = 200
WORLD_FLAGS = ("seed", "speed", "replay", "at", "venue")
AGAIN = (sys.executable, "-c", "from bethna_cli.cli.app import main; main()")

Port = Annotated[
    int,
    typer.Option("--port", metavar="N", help="Where to listen on this machine; 0 takes the last one, or a free one."),
]
Speed = Annotated[str | None, typer.Option("--speed", metavar="X", help="Pace of its clock (default 1).")]
Venue = Annotated[
    str | None,
    typer.Option(
        "--venue", metavar="token|book", help="Whose quotes it serves; book is filled directly, experimental."
    ),
]
Detach = Annotated[bool, typer.Option("--detach", help="Serve in the background; bethna sim down stops it.")]
Span = Annotated[str, typer.Argument(metavar="SPAN", help="15m, 6h, 2d …")]


@app.command("up", cls=ExampleCommand, epilog="bethna sim up --detach")
def up(
    detach: Detach = False,
    port: Port = 0,
    seed: Seed = None,
    speed: Speed = None,
    replay: Replay = None,
    at: At = None,
    venue: Venue = None,
    as_json: Json = False,
) -> None:
    """Serve the world over HTTP on this machine until Ctrl-C; it goes on where it was stopped."""
    from bethna_cli.bootstrap.sim import serve_sim, sim_control
    from bethna_cli.settings import load_settings

    settings = load_settings({"seed": seed, "speed": speed, "replay": replay, "at": at, "venue": venue})
    control = sim_control(settings)
    if control.running() is not None:
        _say(control.status(), as_json)
        if any(settings.origin(key) == "flag" for key in WORLD_FLAGS):
            typer.echo("It was up already and stays as it is. Try: bethna sim down", err=True)
    elif detach:
        _start_in_background(control.state_folder, lambda: control.running() is not None, settings, port)
        _say(control.status(), as_json)
    else:
        try:
            serve_sim(settings, port, lambda url: _announce(url, as_json))
        except KeyboardInterrupt:
            typer.echo("Stopped; bethna sim up goes on from here.", err=True)


def serve_in_background(settings: "Settings") -> None:
    """Serve the kept world, or a new one, unless one is being served already."""
    from bethna_cli.bootstrap.sim import sim_control

    control = sim_control(settings)
    if control.running() is None:
        _start_in_background(control.state_folder, lambda: control.running() is not None, settings, 0)


def _announce(url: str, as_json: bool) -> None:
    """Say where the world is served, before it serves."""
    import json

    if as_json:
        typer.echo(json.dumps({"market_url": url}))
    else:
        typer.echo(f"The embedded world is served at {url}; Ctrl-C stops it. Elsewhere:")
        typer.echo(f"BETHNA_MARKET_URL={url} bethna recommend ETH")
    sys.stdout.flush()


def _start_in_background(folder: Path, is_up: Callable[[], bool], settings: "Settings", port: int) -> None:
    """Start a process of its own that serves, and wait until it does. Raises SourceUnavailable when it ends first."""
    from bethna_cli.cli.config import shown
    from bethna_cli.cli.output import waiting
    from bethna_cli.domain.errors import SourceUnavailable
    from bethna_cli.domain.text import clean
    from bethna_cli.settings_files import make_private

    given = [key for key in WORLD_FLAGS if settings.origin(key) == "flag"]
    flags = [word for key in given for word in (f"--{key}", str(shown(settings, key)))]
    log = make_private(folder) / "server.log"
    log.touch(mode=0o600)
    with log.open("wb") as lines, waiting("Starting the embedded world"):
        child = subprocess.Popen(  # noqa: S603 (our own interpreter and words that settings have checked)
            [*AGAIN, "sim", "up", "--port", str(port), *flags],
            stdin=subprocess.DEVNULL,
            stdout=lines,
            stderr=lines,
            start_new_session=True,
        )
        deadline = time.monotonic() + READY_WITHIN_S
        while not is_up():
            if child.poll() is not None or time.monotonic() > deadline:
                child.kill()
                words = log.read_text("utf-8", "replace").removeprefix("Error: ").partition("Try: ")[0]
                said = clean(words, LONGEST_REASON)
                raise SourceUnavailable("sim", f"the embedded world did not start: {said}", hint="bethna sim reset")
            time.sleep(POLL_S)


@app.command("down", cls=ExampleCommand, epilog="bethna sim down")
def down(as_json: Json = False) -> None:
    """Stop the served world; its clock and chain are kept."""
    from bethna_cli.bootstrap.sim import sim_control
    from bethna_cli.cli import output
    from bethna_cli.settings import load_settings

    stopped = sim_control(load_settings()).stop()
    if as_json:
        output.emit({"up": False, "market_url": stopped.url, "pid": stopped.pid})
    else:
        typer.echo(f"Stopped the world at {stopped.url}; bethna sim up goes on from here.")


@app.command("status", cls=ExampleCommand, epilog="bethna sim status")
def status(as_json: Json = False, no_color: NoColor = False) -> None:
    """Say where the world is served and what time it is there. Exits 6 when it is not served."""
    from bethna_cli.bootstrap.sim import sim_control
    from bethna_cli.settings import load_settings

    _say(sim_control(load_settings()).status(), as_json, no_color)


@app.command("advance", cls=ExampleCommand, epilog="bethna sim advance 6h")
def advance(span: Span, as_json: Json = False, no_color: NoColor = False) -> None:
    """Move the served world's clock ahead."""
    from bethna_cli.bootstrap.sim import sim_control
    from bethna_cli.cli.values import parse_span
    from bethna_cli.settings import load_settings

    _say(sim_control(load_settings()).advance(parse_span(span)), as_json, no_color)


@app.command("reset", cls=ExampleCommand, epilog="bethna sim reset")
def reset(as_json: Json = False) -> None:
    """Forget the kept world: its clock and chain start anew at the next bethna sim up."""
    from bethna_cli.bootstrap.sim import sim_control
    from bethna_cli.cli import output
    from bethna_cli.settings import load_settings

    control = sim_control(load_settings())
    control.forget()
    if as_json:
        output.emit({"reset": True, "folder": str(control.state_folder)})
    else:
        typer.echo("The embedded world is forgotten; the next bethna sim up starts anew.")


def _say(said: Mapping[str, object], as_json: bool, no_color: bool = False) -> None:
    from bethna_cli.cli import output

    if as_json:
        output.emit({"up": True, **said})
        return
    from bethna_cli.cli.tables import pairs

    grid = pairs()
    for name, value in _rows(said):
        grid.add_row(name.replace("_", " "), value)
    screen = output.console(no_color)
    screen.print(grid)
    screen.print(f"BETHNA_MARKET_URL={said['market_url']} bethna recommend ETH", soft_wrap=True)


def _rows(said: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Give what a world says of itself line by line, without what it has nothing to say about."""
    for name, value in said.items():
        if isinstance(value, Mapping):
            yield from _rows(value)
        elif value is not None:
            yield name, ", ".join(value) if isinstance(value, list) else str(value)
