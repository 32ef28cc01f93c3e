"""A served market for the tests that need sockets."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from worlds import NOW

from bethna_cli.adapters.sim.server import Running, running


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


def wait_until_listening(state_folder: Path, process: "subprocess.Popen[bytes]") -> Running:
    import httpx

    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        info = running(state_folder)
        if info is not None:
            try:
                httpx.get(f"{info.url}/sim/status").raise_for_status()
            except httpx.HTTPError:
                pass
            else:
                return info
        time.sleep(0.05)
    raise RuntimeError("the served market did not start")
