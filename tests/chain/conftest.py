"""Chains to test on: the embedded one, served on loopback, and anvil where Node's packages are."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from served_chains import (
    AnvilTestChain,
    EmbeddedTestChain,
    HandClock,
    TestChain,
    UvicornThread,
    free_port,
    open_chain,
    wait_until_open,
)

from bethna_cli.adapters.sim.node import Node
from bethna_cli.adapters.sim.rpc_server import rpc_app

ROOT = Path(__file__).resolve().parents[2]
FOUNDRY = ROOT / "contracts/node_modules/@foundry-rs"


@pytest.fixture(scope="session")
def anvil_path() -> Path:
    return _foundry("anvil")


@pytest.fixture(scope="session")
def cast_path() -> Path:
    return _foundry("cast")


def _foundry(tool: str) -> Path:
    path = FOUNDRY / f"{tool}-linux-amd64/bin/{tool}"
    if not path.is_file():
        pytest.skip(f"no {tool} in {path.parent}: run `npm ci` in contracts/")
    return path


@pytest.fixture(scope="session")
def node_program() -> str:
    """The path of Node.js, with viem installed in contracts/."""
    program = shutil.which("node")
    if program is None or not (ROOT / "contracts/node_modules/viem").is_dir():
        pytest.skip("no Node.js or no viem: run `npm ci` in contracts/")
    return program


@pytest.fixture
def embedded() -> Iterator[EmbeddedTestChain]:
    clock = HandClock()
    chain = open_chain(clock=clock)
    node = Node(chain)
    server = UvicornThread(rpc_app(node))
    served = EmbeddedTestChain(f"http://127.0.0.1:{server.port}", node, clock)
    yield served
    served.close()
    server.stop()
    chain.close()


@pytest.fixture
def anvil(anvil_path: Path) -> Iterator[AnvilTestChain]:
    port = free_port()
    command = [anvil_path, "--port", str(port), "--chain-id", "779977", "--slots-in-an-epoch", "1", "--silent"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    served = AnvilTestChain(f"http://127.0.0.1:{port}", 779_977)
    wait_until_open(port)
    yield served
    served.close()
    process.kill()
    process.wait()


@pytest.fixture(params=["embedded", pytest.param("anvil", marks=pytest.mark.node)])
def chain(request: pytest.FixtureRequest) -> TestChain:
    """Each chain in turn."""
    served: TestChain = request.getfixturevalue(request.param)
    return served
