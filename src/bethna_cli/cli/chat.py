"""`bethna chat --parse`: says what an utterance means, for scripts. Nothing is looked up, bought or sold."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from bethna_cli.cli.commands import At, ExampleCommand, Json, NoColor, new_app

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bethna_cli.domain.utterance import Understood

app = new_app("Say it in your own words.")

Parse = Annotated[
    str | None, typer.Option("--parse", metavar="TEXT", help="Print what TEXT means and do nothing; - reads lines.")
]


@app.command("chat", cls=ExampleCommand, epilog='bethna chat --parse "close my BTC call if it is up 20%"')
def chat(parse: Parse = None, at: At = None, as_json: Json = False, no_color: NoColor = False) -> None:  # noqa: ARG001
    """Say what an utterance means: its kind, the values in it, and how sure bethna is."""
    from bethna_cli.domain.errors import UsageError

    if parse is None:
        raise UsageError("There is nothing to understand.", hint='bethna chat --parse "show me eth calls"')
    is_stream = parse == "-"
    for understood in _understood(sys.stdin if is_stream else [parse], at):
        _print(understood, as_json, is_stream)


def _understood(lines: "Iterable[str]", at: str | None) -> "Iterator[Understood]":
    """Understand each line; days like "friday" count from now, or from --at."""
    from bethna_cli.bootstrap.language import local_understander, parsing_clock
    from bethna_cli.flow.ask import ask

    understander, clock = local_understander(), parsing_clock(at)
    for line in lines:
        yield ask(line, understander, clock)


def _print(understood: "Understood", as_json: bool, is_stream: bool) -> None:
    import json

    from bethna_cli.cli import output
    from bethna_cli.domain.utterance import utterance_document

    document = utterance_document(understood)
    if as_json and is_stream:
        typer.echo(json.dumps(document))
    elif as_json:
        output.emit(document)
    else:
        said = ", ".join(f"{name} {value}" for name, value in dict(document["slots"]).items())  # type: ignore[call-overload]
        kind = understood.kind.value.replace("_", " ").lower()
        typer.echo(f"{kind} ({understood.confidence:.0%}){': ' if said else ''}{said}")
