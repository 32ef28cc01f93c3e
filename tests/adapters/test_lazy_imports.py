"""What looking at the market does not load: retries, streams and numerics are imported when they are needed."""

import subprocess
import sys

import pytest

CLIENTS = "import bethna_cli.adapters.dydx, bethna_cli.adapters.pyth, bethna_cli.adapters.thetanuts"


@pytest.fixture(scope="module")
def loaded() -> set[str]:
    command = [sys.executable, "-c", f"{CLIENTS}; import sys; print('\\n'.join(sys.modules))"]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())


@pytest.mark.parametrize("module", ["tenacity", "httpx_sse", "websockets", "numpy", "sqlite3", "web3", "eth_account"])
def test_the_clients_do_not_load(module: str, loaded: set[str]) -> None:
    assert "bethna_cli.adapters.pyth" in loaded
    assert module not in loaded
