"""A served market for the tests that need sockets."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from worlds import NOW, wait_until_listening

from bethna_cli.adapters.sim.server import Running


@pytest.fixture(scope="session")
def state_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sim") / "state"


@pytest.fixture(scope="session")
def served(state_folder: Path) -> Iterator[Running]:
    """A market that another process serves, with something at `/rpc`."""
    script = Path(__file__).with_name("served.py")
    with subprocess.Popen([sys.executable, str(script), str(state_folder), NOW.isoformat()]) as process:
        try:
            yield wait_until_listening(state_folder, process)
        finally:
            process.terminate()
