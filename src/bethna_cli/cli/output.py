"""What goes to the terminal and how: JSON and results on stdout, everything else on stderr, errors with exit codes.

Text from outside is printed literally: no markup, no highlighting, no emoji codes.
"""

import json
import os
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from bethna_cli.domain.errors import BethnaError, UsageError

if TYPE_CHECKING:
    from rich.console import Console

WIDEST = 80
NARROWEST = 40


def emit(document: Mapping[str, object] | Sequence[object]) -> None:
    """Print one JSON document on stdout, in ASCII. Raises ValueError for a number JSON does not have."""
    print(json.dumps(document, indent=2, allow_nan=False))  # noqa: T201


def console(no_color: bool = False, stream: TextIO | None = None, widest: int = WIDEST) -> "Console":
    """Return a Rich console on stdout that is at most 80 columns wide (or `widest`) and prints text as it is.

    Without colour (a flag, NO_COLOR, or not a terminal) it writes no escape code at all.
    """
    from rich.console import Console

    stream = stream or sys.stdout
    plain = _is_plain(stream, no_color)
    measured = Console(
        file=stream,
        markup=False,
        emoji=False,
        highlight=False,
        color_system=None if plain else "auto",
        force_terminal=False if plain else None,
        legacy_windows=False,
    )
    measured.width = max(NARROWEST, min(measured.width, widest))
    return measured


def _is_plain(stream: TextIO, no_color: bool) -> bool:
    return no_color or bool(os.environ.get("NO_COLOR")) or not stream.isatty()


@contextmanager
def waiting(what: str, no_color: bool = False) -> Iterator[None]:
    """Show a spinner on stderr while the body runs, once it has taken half a second; only where escapes may go."""
    if _is_plain(sys.stderr, no_color):
        yield
        return
    from threading import Event, Thread

    done = Event()

    def spin() -> None:
        if done.wait(0.5):
            return
        with console(stream=sys.stderr).status(what):
            done.wait()

    spinner = Thread(target=spin, daemon=True)
    spinner.start()
    try:
        yield
    finally:
        done.set()
        spinner.join()


def tell(error: BethnaError, as_json: bool) -> int:
    """Report a failure, as an object on stdout or in words on stderr, and return its exit code."""
    if as_json:
        emit(error_document(error))
        return error.exit_code
    hint = f"Try: {error.hint}" if error.hint else ""
    gap = " " if isinstance(error, UsageError) else "\n"
    sys.stderr.write(f"Error: {error.message}{gap if hint else ''}{hint}\n")
    return error.exit_code


def error_document(error: BethnaError) -> dict[str, object]:
    """Return a failure as scripts see it."""
    body = {"code": error.code, "exit": error.exit_code, "message": error.message, "hint": error.hint}
    return {"ok": False, "error": body}


def usage_error(error: Any) -> UsageError:
    """Turn a refusal of the argument parser into ours: one line, and the help to read."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "bethna"
    return UsageError(" ".join(str(error.format_message()).split()), hint=f"{path} -h")


def internal_error(error: Exception) -> BethnaError:
    """Describe our own bug by its type and place; its text stays out, because it may quote a secret."""
    ours = [frame for frame in traceback.extract_tb(error.__traceback__) if "bethna_cli" in frame.filename]
    place = f" at {Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else ""
    if os.environ.get("BETHNA_DEBUG"):
        traceback.print_exception(error)
    return BethnaError(f"bethna made a mistake: {type(error).__name__}{place}.", hint="BETHNA_DEBUG=1 bethna …")


def reader_is_gone(stop: BaseException) -> bool:
    """Say whether an exit was caused by the reader of our output closing the pipe."""
    return isinstance(stop, BrokenPipeError) or isinstance(stop.__context__, BrokenPipeError)


def let_go_of_stdout() -> None:
    """Point stdout at nothing, so that the interpreter's last flush has nowhere to fail."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
