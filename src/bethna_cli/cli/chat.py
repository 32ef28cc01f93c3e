"""`bethna chat`: a conversation with a person at a terminal, with a script on a pipe, or a single question.

`--parse` says what an utterance means and does nothing.
"""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from bethna_cli.cli.commands import At, ExampleCommand, Json, Network, NoColor, new_app

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bethna_cli.cli.talk import Talk
    from bethna_cli.domain.utterance import Understood

app = new_app("Say it in your own words.")

LONGEST_ECHO = 200

Question = Annotated[str | None, typer.Argument(metavar="[TEXT]", help="One question; without it, a conversation.")]
Parse = Annotated[
    str | None, typer.Option("--parse", metavar="TEXT", help="Print what TEXT means and do nothing; - reads lines.")
]
GoOn = Annotated[bool, typer.Option("--continue", help="Go on with the last conversation.")]
Plain = Annotated[bool, typer.Option("--plain", help="No drawing: for screen readers and dumb terminals.")]


@app.command("chat", cls=ExampleCommand, epilog='bethna chat "I\'m bullish on ETH, what should I do?"')
def chat(
    text: Question = None,
    parse: Parse = None,
    go_on: GoOn = False,
    plain: Plain = False,
    network: Network = None,
    at: At = None,
    as_json: Json = False,
    no_color: NoColor = False,
) -> None:
    """Talk in plain language; /command is bethna command. A pipe is read line by line; its first failure counts."""
    if parse is not None:
        _parse(parse, at, as_json)
        return
    from bethna_cli.bootstrap.chat import chat_desk, session_to_hold
    from bethna_cli.cli.repl import hold, is_plain_terminal, run_here
    from bethna_cli.cli.talk import Talk
    from bethna_cli.cli.voice import Voice
    from bethna_cli.settings import load_settings

    _hand_on(network, at, no_color or plain)
    desk = chat_desk(load_settings())
    talk = Talk(desk, Voice(no_color), run_here, session_to_hold(desk, go_on=go_on), as_json=as_json)
    if text is not None:
        code = _answer(talk, text, as_json)
    elif sys.stdin.isatty() and not as_json:
        code = hold(desk, talk, plain=plain or is_plain_terminal())
    else:
        code = _from_pipe(talk, as_json)
    if code:
        raise typer.Exit(code)


def _hand_on(network: str | None, at: str | None, no_color: bool) -> None:
    """Let the flags of the chat hold for the commands it runs in this process."""
    import os

    given = {"BETHNA_NETWORK": network, "BETHNA_AT": at, "NO_COLOR": "1" if no_color else None}
    os.environ.update({name: value for name, value in given.items() if value is not None})


def _answer(talk: "Talk", text: str, as_json: bool) -> int:
    """Answer one utterance, as one JSON object on one line where that is wished."""
    answer = talk.hear(text)
    if as_json:
        import json

        typer.echo(json.dumps(answer.document(), allow_nan=False))
    return answer.exit_code


def _from_pipe(talk: "Talk", as_json: bool) -> int:
    """Answer line by line; blank lines and those that begin with # are skipped. Returns the first exit code not 0."""
    from bethna_cli.domain.redaction import redacted
    from bethna_cli.domain.text import clean

    first = 0
    for line in sys.stdin:
        if not line.strip() or line.startswith("#"):
            continue
        if not as_json:
            typer.echo(f"> {redacted(clean(line, LONGEST_ECHO))}", err=True)
        code = _answer(talk, line, as_json)
        first = first or code
        sys.stdout.flush()
    return first


# ── what an utterance means ───────────────────────────────────────────────────────────────────────────────────────


def _parse(text: str, at: str | None, as_json: bool) -> None:
    is_stream = text == "-"
    for understood in _understood(sys.stdin if is_stream else [text], at):
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
