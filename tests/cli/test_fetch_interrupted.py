"""A download of history that is killed or stopped half-way: what came is kept, the rest is fetched, nothing twice."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from bethna_cli.adapters.history_files import HistoryFolder

STRUCK = """
import os, sys
from bethna_cli.adapters.history_store import HistoryStore
from bethna_cli.cli.app import main
blow, pages, add = int(sys.argv.pop(1)), [], HistoryStore.add_candles
def struck(self, asset, candles):
    add(self, asset, candles)
    pages.append(len(candles))
    if len(pages) == 2:
        os.kill(os.getpid(), blow)
HistoryStore.add_candles = struck
main()
"""
"""bethna, struck by a signal when the second page has come to the disk."""


@pytest.mark.parametrize(("blow", "code"), [(signal.SIGKILL, -9), (signal.SIGINT, 130)])
def test_an_interrupted_download_goes_on_where_it_was(
    bethna: "Callable[..., CompletedProcess[str]]",
    environment: dict[str, str],
    home: Path,
    blow: signal.Signals,
    code: int,
) -> None:
    since = (datetime.now(UTC) - timedelta(days=130)).strftime("%Y-%m-%d")
    words = ("train", "--fetch-only", "--since", since, "--json")
    folder = home / "data" / "history" / "sim"

    command = [sys.executable, "-c", STRUCK, str(int(blow)), *words]
    struck = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100)
    kept = (folder / "eth_usd_1h.csv").read_bytes()
    assert (struck.returncode, len(kept.splitlines())) == (code, 1 + 2 * 1000)
    assert [path.name for path in folder.glob("*.csv")] == ["eth_usd_1h.csv"]

    added = json.loads(bethna(*words).stdout)["fetched"]["added"]
    whole = (folder / "eth_usd_1h.csv").read_bytes()
    assert whole.startswith(kept)
    assert added["eth_candles"] == len(whole.splitlines()) - len(kept.splitlines())
    history = HistoryFolder(folder).read(datetime.now(UTC))
    assert all(not file.notes for file in history.files)  # no hour missing, none repeated
