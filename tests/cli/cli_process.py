"""How the tests start bethna: the installed entry point, under this interpreter, with a home of its own."""

import os
import sys
from pathlib import Path

INTERPRETER = sys.executable
START = (INTERPRETER, "-c", "from bethna_cli.cli.app import main; main()")
KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "VIRTUAL_ENV", "PYTHONDONTWRITEBYTECODE")
SLIPPAGE = {"BETHNA_SLIPPAGE_BPS": "1000"}
"""The embedded market moves by the second; a slow machine must not let it run away between two commands."""


def environment_at(home: Path) -> dict[str, str]:
    """What a process with this home gets to see: nothing else of ours."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    return {**kept, **SLIPPAGE, "BETHNA_HOME": str(home), "COLUMNS": "80"}
