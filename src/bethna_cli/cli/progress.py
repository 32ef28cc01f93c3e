"""A progress bar on stderr for work that takes long; nothing at all where escapes may not go."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bethna_cli.domain.model import Progress


@contextmanager
def progress_bar(no_color: bool) -> "Iterator[Progress]":
    """Show what is being done on stderr when it is a terminal that takes escapes; say nothing otherwise."""
    if no_color or os.environ.get("NO_COLOR") or not sys.stderr.isatty():
        yield _silent
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    from bethna_cli.cli.output import console

    columns = (TextColumn("{task.description:24}"), BarColumn(bar_width=30), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console(stream=sys.stderr), transient=True) as bar:
        task = bar.add_task("starting", total=1.0)
        yield lambda stage, done: bar.update(task, description=stage, completed=done)


def _silent(stage: str, done: float) -> None:
    """Take the progress and show nothing."""
