"""A serving chain that is killed: what it acknowledged is there when it opens again, and its file is sound."""

import contextlib
import random
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from served_chains import DEFAULT_CHAIN_ID, WALLET, TestChain, free_port, open_chain, wait_until_open, word

from bethna_cli.adapters.sim.node import Node

SERVER = Path(__file__).parent / "serve_chain.py"


@dataclass
class Sent:
    """What the client knows: the acknowledged transactions, and the one that was under way at the kill."""

    acknowledged: list[str]
    height: int


def send_until_killed(path: Path, kill_after_s: float, recorder: str | None) -> tuple[Sent, str]:
    """Serve the file, send transactions as fast as answers come, and kill the server with SIGKILL."""
    port = free_port()
    process = subprocess.Popen([sys.executable, SERVER, path, str(port)])
    wait_until_open(port)
    chain = TestChain(f"http://127.0.0.1:{port}", DEFAULT_CHAIN_ID)
    address = recorder or chain.deploy()
    sent = Sent([], 0)
    nonce = chain.nonce()
    kill_at = time.monotonic() + kill_after_s
    killer = subprocess.Popen(["sh", "-c", f"sleep {kill_after_s}; kill -{signal.SIGKILL} {process.pid}"])
    try:
        while time.monotonic() < kill_at + 10:
            raw = chain.signed(address, word(nonce + 1), nonce=nonce)
            sent.acknowledged.append(chain.ask("eth_sendRawTransaction", raw))
            sent.height = chain.number()
            nonce += 1
    except httpx.TransportError:
        pass  # that was the kill
    assert process.wait(10) == -signal.SIGKILL
    killer.wait(10)
    chain.close()
    return sent, address


def check(path: Path, sent: Sent, recorder: str) -> None:
    """Open the file in this process and compare it with what the client knows."""
    chain = open_chain(path)
    node = Node(chain)
    receipts = [node.request("eth_getTransactionReceipt", [h]) for h in sent.acknowledged]
    assert all(receipt is not None and receipt["status"] == "0x1" for receipt in receipts)
    assert chain.head.number >= sent.height
    mined = chain.nonce(bytes.fromhex(WALLET.address[2:]), chain.head)
    assert int(node.request("eth_getStorageAt", [recorder, "0x0"]), 16) == mined  # it stores nonce + 1
    blocks = [chain.block(number) for number in range(chain.head.number + 1)]
    assert [block.parent_hash for block in blocks[1:]] == [block.hash for block in blocks[:-1]]
    chain.close()
    with contextlib.closing(sqlite3.connect(path)) as file:
        assert file.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


@pytest.mark.parametrize("count", [5, pytest.param(100, marks=[pytest.mark.slow, pytest.mark.timeout(1800)])])
def test_a_killed_chain_loses_nothing_it_acknowledged(tmp_path: Path, count: int):
    chance = random.Random(count)
    recorder: str | None = None
    acknowledged = 0
    for _ in range(count):
        sent, recorder = send_until_killed(tmp_path / "chain.db", chance.uniform(0.05, 0.6), recorder)
        check(tmp_path / "chain.db", sent, recorder)
        acknowledged += len(sent.acknowledged)

    print(f"{count} kills: {acknowledged} acknowledged transactions, none lost, integrity ok")
    assert acknowledged > count
