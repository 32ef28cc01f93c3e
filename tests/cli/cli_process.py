"""How the tests start bethna: the installed entry point, under this interpreter, with a home of its own."""

import io
import os
import sys
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from bethna_cli.cli import app as edge

INTERPRETER = sys.executable
START = (INTERPRETER, "-c", "from bethna_cli.cli.app import main; main()")
KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "VIRTUAL_ENV", "PYTHONDONTWRITEBYTECODE")
SLIPPAGE = {"BETHNA_SLIPPAGE_BPS": "1000"}
"""The embedded market moves by the second; a slow machine must not let it run away between two commands."""


def environment_at(home: Path) -> dict[str, str]:
    """What a process with this home gets to see: nothing else of ours."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    return {**kept, **SLIPPAGE, "BETHNA_HOME": str(home), "COLUMNS": "80"}


def run_here(environment: Mapping[str, str], *words: str) -> "CompletedProcess[str]":
    """Run `bethna WORDS…` in this process, through the same outer edge, as one that gets to see `environment`.

    A process of its own takes three times the time of most commands to start; what it starts itself it starts here too.
    """
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        for name in set(os.environ) - set(environment):
            patch.delenv(name)
        for name, value in environment.items():
            patch.setenv(name, value)
        code = edge.run(words)
    return CompletedProcess(words, code, out.getvalue(), err.getvalue())
