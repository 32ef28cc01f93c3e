"""What was typed at the prompt, kept to be found again: for its owner alone, without secrets, and not for ever."""

import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from tempfile import NamedTemporaryFile

from prompt_toolkit.history import FileHistory

from bethna_cli.domain.redaction import holds_secret

MOST_LINES = 5_000
_STAMP = "# "


class PrivateHistory(FileHistory):
    """A file of mode 0600. What is older than `since`, or beyond the newest few thousand lines, is forgotten at once.

    A line that looks like it holds a secret is never kept.
    """

    def __init__(self, path: Path, since: datetime) -> None:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        os.close(handle)
        _forget(path, since)
        super().__init__(str(path))

    def append_string(self, string: str) -> None:
        if not holds_secret(string):
            super().append_string(string)


def _forget(path: Path, since: datetime) -> None:
    """Write the file anew without what is too old or too much; a file that needs nothing is left alone."""
    entries = list(_entries(path.read_text("utf-8", "replace")))
    local = f"{since.astimezone().replace(tzinfo=None)}"
    kept = [entry for stamp, entry in entries if stamp >= local][-MOST_LINES:]
    if len(kept) == len(entries):
        return
    with NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, delete=False) as beside:  # made with mode 0600
        beside.writelines(kept)
    Path(beside.name).replace(path)


def _entries(content: str) -> Iterator[tuple[str, str]]:
    """Give each entry with the local time that prompt-toolkit wrote above it."""
    stamp, lines = "", list[str]()
    for line in content.splitlines(keepends=True):
        if line.startswith(_STAMP):
            if lines:
                yield stamp, "".join(lines)
            stamp, lines = line.removeprefix(_STAMP).strip(), ["\n", line]
        elif line.startswith("+"):
            lines.append(line)
    if lines:
        yield stamp, "".join(lines)
