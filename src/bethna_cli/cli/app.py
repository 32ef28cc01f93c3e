"""The command line's outer edge: parses, dispatches, and turns every failure into a message, a hint and an exit code.

It decides nothing about markets. Commands live in the modules that `registry` names and are imported when they run.
"""

import gc
import io
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from typing import Annotated, Any

import typer

from bethna_cli import __version__
from bethna_cli.cli import output
from bethna_cli.cli.banner import warn_unwatched
from bethna_cli.cli.commands import HelpfulGroup, new_app
from bethna_cli.cli.registry import BY_NAME, COMMANDS
from bethna_cli.domain.errors import BethnaError

FIRST_LINE = "bethna recommend ETH"
INTERRUPTED = 130
COLLECT_EVERY = 200_000


class _Commands(Mapping[str, Any]):
    """The commands by name; looking one up imports the module it lives in."""

    def __init__(self) -> None:
        self._loaded: dict[str, Any] = {}

    def __iter__(self) -> Iterator[str]:
        return iter(BY_NAME)

    def __len__(self) -> int:
        return len(BY_NAME)

    def __getitem__(self, name: str) -> Any:
        entry = BY_NAME[name]
        if name not in self._loaded:
            module, _, attribute = entry.target.partition(":")
            command: Any = typer.main.get_command(getattr(import_module(module), attribute))
            members = {} if entry.is_group else getattr(command, "commands", {})
            self._loaded[name] = members.get(name, command)
        return self._loaded[name]


class CommandTable(HelpfulGroup):
    """The root group. Its help opens with a line that works when pasted and lists the registry by section."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = _Commands()  # type: ignore[assignment]

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        return list(self.commands)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        formatter.write(f"{FIRST_LINE}\n\nPaste that line: it needs no key, no network and no money.\n\n")
        super().format_help(ctx, formatter)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        for section in dict.fromkeys(command.section for command in COMMANDS):
            with formatter.section(section):
                formatter.write_dl([(entry.name, entry.summary) for entry in COMMANDS if entry.section == section])


app = new_app(
    "A copilot for buying crypto options on Base: Alpha looks and thinks, you decide.", CommandTable, completion=True
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"bethna {__version__}")
        raise typer.Exit(0)


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Take the options that stand before any command."""


def main() -> None:
    """Run the command line and exit with its code."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return the exit code. No exception escapes; a reader that leaves early is no error."""
    _travel_light()
    _print_whatever_comes()
    try:
        code = _dispatch(list(arguments), as_json="--json" in arguments)
        sys.stdout.flush()
        warn_unwatched(arguments)
    except (BrokenPipeError, SystemExit) as stop:
        if not output.reader_is_gone(stop):
            raise
        output.let_go_of_stdout()
        return 0
    return code


def _travel_light() -> None:
    """Leave out what a short run never uses; together about a quarter of the time of `bethna recommend`.

    httpx brings its own command line (with rich, pygments and click) when it can; pydantic looks through every
    installed package for plug-ins, which have no business with our validation anyway; a collection of cycles every 700
    objects finds nothing while modules are being loaded.
    """
    sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    gc.set_threshold(COLLECT_EVERY)


def _print_whatever_comes() -> None:
    """Let a terminal that lacks a character show a question mark: an answer is not lost to a dash."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _dispatch(arguments: list[str], as_json: bool) -> int:
    try:
        result = typer.main.get_command(app).main(arguments, prog_name="bethna", standalone_mode=False)
    except BethnaError as error:
        return output.tell(error, as_json)
    except typer.TyperException as error:
        return output.tell(output.usage_error(error), as_json)
    except (typer.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001 (the outer edge)
        return output.tell(output.internal_error(error), as_json)
    return result if isinstance(result, int) else 0
