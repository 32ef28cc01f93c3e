"""Chains for the tests of everything that speaks JSON-RPC: the embedded one in this process or over HTTP, and anvil."""

import asyncio
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from eth_account import Account

from bethna_cli.adapters.abi import artifact, checksummed
from bethna_cli.adapters.clocks import SystemClock
from bethna_cli.adapters.evm import EvmChain
from bethna_cli.adapters.rpc import JsonRpc, RpcLimits
from bethna_cli.adapters.rpc_transport import Http, InProcess
from bethna_cli.adapters.sim.evm import EmbeddedChain
from bethna_cli.adapters.sim.node import Node
from bethna_cli.adapters.sim.rpc_server import rpc_app
from bethna_cli.domain.chain import Address, Receipt

CHAIN_ID = 779_977
WALLET = Account.from_key("0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80")  # anvil's first
OWNER = Address(WALLET.address.lower())
STRANGER = Address("0x" + "99" * 20)
ETH = 10**18
ROOT = Path(__file__).resolve().parent.parent
ANVIL = ROOT / "contracts/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil"
PATIENT = RpcLimits()
QUICK = RpcLimits(budget_s=1.0)

Work = Callable[[EvmChain], Awaitable[Any]]


class Place:
    """A chain with a funded wallet. `transport` opens a way to its node; `ask` speaks to it past our own client."""

    def __init__(self, ask: Callable[..., Any], transport: Callable[[], Any], chain_id: int = CHAIN_ID) -> None:
        self.ask = ask
        self.transport = transport
        self.chain_id = chain_id

    def run(self, work: Work, *, chain_id: int | None = None) -> Any:
        """Do `work` with a client of this chain, or one that takes it for another."""
        return run(work, self.transport, chain_id=chain_id or self.chain_id)

    def signed(self, to: str | None, data: bytes = b"", **changes: Any) -> bytes:
        nonce = int(self.ask("eth_getTransactionCount", OWNER, "pending"), 16)
        fields = {
            "type": 2, "chainId": self.chain_id, "nonce": nonce, "to": to and checksummed(to), "data": data, "value": 0,
            "gas": 8_000_000, "maxFeePerGas": 5 * 10**9, "maxPriorityFeePerGas": 10**6,
        }  # fmt: skip
        return bytes(WALLET.sign_transaction(fields | changes).raw_transaction)

    def mined(self, to: str | None, data: bytes = b"") -> Receipt:
        """Send a transaction and return its receipt."""
        raw = self.signed(to, data)

        async def work(chain: EvmChain) -> Receipt | None:
            sent = await chain.send_raw(raw)
            for _ in range(100):
                receipt = await chain.receipt(sent)
                if receipt is not None:
                    return receipt
                await asyncio.sleep(0.05)
            return None

        receipt: Receipt | None = self.run(work)
        assert receipt is not None, "no receipt"
        return receipt

    def deployed(self, name: str, *arguments: object) -> Address:
        """Deploy one of our contracts."""
        receipt = self.mined(None, artifact(name).creation(*arguments))
        assert receipt.contract_address is not None
        return receipt.contract_address

    def usdc(self) -> Address:
        """Deploy a development USDC that the wallet owns."""
        return self.deployed("DevelopmentUSDC", OWNER)


def run(
    work: Work,
    *transports: Callable[[], Any],
    chain_id: int = CHAIN_ID,
    limits: RpcLimits = PATIENT,
    clock: Any = None,
    max_block_age_s: float | None = None,
) -> Any:
    """Do `work` with a client of one or several nodes."""

    async def session() -> Any:
        endpoints = [JsonRpc(f"rpc {number}", open_(), limits=limits) for number, open_ in enumerate(transports, 1)]
        chain = EvmChain(chain_id, endpoints, clock or SystemClock(), max_block_age_s=max_block_age_s)
        try:
            return await work(chain)
        finally:
            await chain.aclose()

    return asyncio.run(session())


def embedded_node(**changes: Any) -> Node:
    """Open an embedded chain in memory on which the wallet has 10,000 ETH."""
    arguments: dict[str, Any] = {
        "chain_id": CHAIN_ID,
        "genesis_time": datetime.now(UTC),
        "allocation": {OWNER: 10_000 * ETH},
        "clock": lambda: datetime.now(UTC),
    }
    return Node(EmbeddedChain.open(":memory:", **(arguments | changes)))


def in_process(node: Node) -> Place:
    def ask(method: str, *params: object) -> Any:
        return node.request(method, list(params))

    return Place(ask, lambda: InProcess(node.handle), node.chain.chain_id)


@contextmanager
def served(app: Any) -> Iterator[str]:
    """Serve an ASGI application on loopback and give its URL."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="critical", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.005)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(10)


@contextmanager
def over_http(node: Node) -> Iterator[Place]:
    with served(rpc_app(node)) as url:
        yield at_url(url)


@contextmanager
def anvil() -> Iterator[Place]:
    """Start anvil; the caller has looked whether it is there."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [ANVIL, "--port", str(port), "--chain-id", str(CHAIN_ID), "--slots-in-an-epoch", "1", "--silent"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            break
        except ConnectionRefusedError:
            assert time.monotonic() < deadline, "anvil does not listen"
            time.sleep(0.02)
    yield at_url(f"http://127.0.0.1:{port}")
    process.kill()
    process.wait()


def has_anvil() -> bool:
    return ANVIL.is_file() and shutil.which("node") is not None


def at_url(url: str) -> Place:
    def ask(method: str, *params: object) -> Any:
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        answer = httpx.post(url, json=body, timeout=20, trust_env=False).json()
        assert "result" in answer, answer
        return answer["result"]

    return Place(ask, lambda: Http("rpc", url))
