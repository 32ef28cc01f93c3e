"""The red lines that stand below every command's output while open positions are watched by nobody."""

import os
import sys
from collections.abc import Sequence

ITSELF = frozenset({"watch"})
RED, PLAIN = "\x1b[1;31m", "\x1b[0m"


def warn_unwatched(arguments: Sequence[str]) -> None:
    """Say on stderr that nobody watches, after a command that has read its settings; help and versions stay short."""
    if "bethna_cli.settings" not in sys.modules or (arguments and arguments[0] in ITSELF):
        return
    from bethna_cli.domain.errors import BethnaError
    from bethna_cli.settings import load_settings

    try:
        settings = load_settings({"network": _network(arguments), "keyring": False})
    except BethnaError:
        return
    from bethna_cli.bootstrap.unwatched import unwatched_positions

    lines = alarm(unwatched_positions(settings))
    if lines:
        is_plain = bool(os.environ.get("NO_COLOR")) or "--no-color" in arguments or not sys.stderr.isatty()
        sys.stderr.write(f"{lines}\n" if is_plain else f"{RED}{lines}{PLAIN}\n")


def alarm(unwatched: int) -> str:
    """Say that so many open positions are watched by nobody, in two lines; nothing of none."""
    if not unwatched:
        return ""
    what = "an open position" if unwatched == 1 else f"{unwatched} open positions"
    return f"Nobody watches {what}: no stop and no alert works.\nTry: bethna watch --detach"


def _network(arguments: Sequence[str]) -> str | None:
    """Return the network that a command line names, None when it names none."""
    for place, word in enumerate(arguments):
        if word.startswith("--network="):
            return word.partition("=")[2]
        if word == "--network" and place + 1 < len(arguments):
            return arguments[place + 1]
    return None
