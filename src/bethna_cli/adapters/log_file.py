"""The watcher's log: lines with a time in files of bounded size, for the owner's eyes only.

A disk that is full, or a file that cannot be written, loses lines of the log and stops nothing.
"""

import logging
import os
from collections.abc import Callable
from logging.handlers import RotatingFileHandler
from pathlib import Path

from bethna_cli.domain.errors import ConfigurationError
from bethna_cli.domain.text import clean

FILE_BYTES = 10_000_000
OLD_FILES = 4
LONGEST_LINE = 2_000


class _PrivateRotation(RotatingFileHandler):
    """Files are made with mode 0600, and trouble with them is swallowed."""

    def _open(self):  # type: ignore[no-untyped-def]
        os.close(os.open(self.baseFilename, os.O_CREAT | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
        return super()._open()

    def handleError(self, record: logging.LogRecord) -> None:
        """Lose the line: exits matter more than their log."""


def open_log(path: Path) -> Callable[[str], None]:
    """Return what writes one line to the log at `path`: 50 MB in five files at most.

    Raises ConfigurationError when the file cannot be made at all.
    """
    try:
        handler = _PrivateRotation(path, maxBytes=FILE_BYTES, backupCount=OLD_FILES, encoding="utf-8", delay=False)
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be written: {error.strerror}.", hint=f"ls -ld {path.parent}"
        ) from error
    formatter = logging.Formatter("%(asctime)s %(message)s", "%Y-%m-%dT%H:%M:%S%z")
    handler.setFormatter(formatter)

    def write(line: str) -> None:
        record = logging.LogRecord("bethna.watch", logging.INFO, "", 0, clean(line, LONGEST_LINE), None, None)
        handler.handle(record)

    return write
