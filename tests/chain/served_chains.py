"""A chain as its clients see it, whatever node is behind; and what the tests put on it."""

import itertools
import json
import socket
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from eth_account import Account
from eth_hash.auto import keccak
from eth_utils.address import to_checksum_address
from websockets.sync.client import connect

from bethna_cli.adapters.sim.evm import DEFAULT_CHAIN_ID, EmbeddedChain
from bethna_cli.adapters.sim.node import Node

WALLET = Account.from_key("0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80")  # anvil's first
STRANGER = Account.from_key("0x" + "5e" * 32)
GENESIS_TIME = datetime(2026, 3, 2, 12, tzinfo=UTC)
GWEI = 10**9

OPCODES = {
    "STOP": 0x00, "SUB": 0x03, "ISZERO": 0x15, "SHL": 0x1B, "CALLDATALOAD": 0x35, "CALLDATASIZE": 0x36,
    "CODECOPY": 0x39, "BLOCKHASH": 0x40, "TIMESTAMP": 0x42, "NUMBER": 0x43, "CHAINID": 0x46, "BASEFEE": 0x48,
    "MSTORE": 0x52, "SLOAD": 0x54, "SSTORE": 0x55, "JUMPI": 0x57, "JUMPDEST": 0x5B, "DUP1": 0x80, "LOG2": 0xA2,
    "RETURN": 0xF3, "REVERT": 0xFD,
}  # fmt: skip
RECORDED = keccak(b"Recorded(uint256,uint256)")
REFUSED = keccak(b"Refused(uint256)")[:4]


def assemble(source: str) -> bytes:
    """Turn words into code: opcodes by name, 0x… pushed, `:name` a jump target, `@name` its address pushed."""
    code, labels, uses = bytearray(), {}, {}
    for word in source.split():
        if word.startswith("0x"):
            value = bytes.fromhex(word[2:])
            code += bytes([0x5F + len(value)]) + value
        elif word.startswith("@"):
            code += b"\x60\x00"
            uses[len(code) - 1] = word[1:]
        elif word.startswith(":"):
            labels[word[1:]] = len(code)
            code.append(OPCODES["JUMPDEST"])
        else:
            code.append(OPCODES[word])
    for position, name in uses.items():
        code[position] = labels[name]
    return bytes(code)


# Without calldata it returns (stored value, time, height, chain id, parent's hash). With a word it stores it and logs
# Recorded(word indexed, time); the word 0 it refuses with Refused(42).
RECORDER = assemble(
    f"""
    CALLDATASIZE ISZERO @read JUMPI
    0x00 CALLDATALOAD DUP1 ISZERO @refuse JUMPI
    DUP1 0x00 SSTORE
    TIMESTAMP 0x00 MSTORE
    0x{RECORDED.hex()} 0x20 0x00 LOG2 STOP
    :refuse 0x{REFUSED.hex()} 0xe0 SHL 0x00 MSTORE 0x2a 0x04 MSTORE 0x24 0x00 REVERT
    :read 0x00 SLOAD 0x00 MSTORE TIMESTAMP 0x20 MSTORE NUMBER 0x40 MSTORE CHAINID 0x60 MSTORE
    0x01 NUMBER SUB BLOCKHASH 0x80 MSTORE 0xa0 0x00 RETURN
    """
)
RECORDER_CREATION = assemble(f"0x{len(RECORDER):02x} 0x0c 0x00 CODECOPY 0x{len(RECORDER):02x} 0x00 RETURN") + RECORDER


def word(value: int) -> str:
    """Return a number as one 32-byte word of calldata or topic."""
    return f"0x{value:064x}"


class RpcFailure(Exception):
    """A JSON-RPC error, as the client sees it."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(error["message"])
        self.code: int = error["code"]
        self.message: str = error["message"]
        self.data = error.get("data")


class HandClock:
    """A clock that moves when it is told to."""

    def __init__(self, now: datetime = GENESIS_TIME) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class TestChain:
    """A served chain and a funded wallet on it, whatever node is behind."""

    __test__ = False

    def __init__(self, rpc_url: str, chain_id: int) -> None:
        self.rpc_url = rpc_url
        self.ws_url = rpc_url.replace("http", "ws")
        self.chain_id = chain_id
        self._client = httpx.Client(timeout=20)

    def close(self) -> None:
        self._client.close()

    def post(self, body: object) -> Any:
        return self._client.post(self.rpc_url, json=body).json()

    def ask(self, method: str, *params: object) -> Any:
        answer = self.post({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
        if "error" in answer:
            raise RpcFailure(answer["error"])
        return answer["result"]

    def number(self) -> int:
        return int(self.ask("eth_blockNumber"), 16)

    def nonce(self, account: Any = WALLET) -> int:
        return int(self.ask("eth_getTransactionCount", account.address, "pending"), 16)

    def signed(self, to: str | None, data: bytes | str = b"", *, account: Any = WALLET, **changes: Any) -> str:
        transaction = {
            "type": 2, "chainId": self.chain_id, "to": to, "data": data, "value": 0, "gas": 300_000,
            "maxFeePerGas": 5 * GWEI, "maxPriorityFeePerGas": 1_000_000,
        }  # fmt: skip
        transaction |= {"nonce": self.nonce(account)} | changes
        return "0x" + account.sign_transaction(transaction).raw_transaction.hex()

    def send(self, to: str | None, data: bytes | str = b"", **changes: Any) -> str:
        return self.ask("eth_sendRawTransaction", self.signed(to, data, **changes))

    def receipt(self, transaction_hash: str) -> dict[str, Any]:
        deadline = time.monotonic() + 10
        while (receipt := self.ask("eth_getTransactionReceipt", transaction_hash)) is None:
            assert time.monotonic() < deadline, "no receipt"
            time.sleep(0.01)
        return receipt

    def transaction(self, transaction_hash: str) -> dict[str, Any]:
        """Return a transaction once it names its block: anvil may show its receipt a moment earlier."""
        deadline = time.monotonic() + 10
        while (found := self.ask("eth_getTransactionByHash", transaction_hash))["blockHash"] is None:
            assert time.monotonic() < deadline, "in no block"
            time.sleep(0.01)
        return dict(found)

    def deploy(self) -> str:
        """Deploy the recorder and return its address."""
        return to_checksum_address(self.receipt(self.send(None, RECORDER_CREATION))["contractAddress"])

    def reorganise(self, depth: int, kept: Sequence[tuple[str, int]]) -> None:
        """Replace the last blocks; kept: raw transactions and the new block each goes into, counted from 0."""
        raise NotImplementedError


class EmbeddedTestChain(TestChain):
    def __init__(self, rpc_url: str, node: Node, clock: HandClock) -> None:
        super().__init__(rpc_url, DEFAULT_CHAIN_ID)
        self.node = node
        self.clock = clock

    def reorganise(self, depth: int, kept: Sequence[tuple[str, int]]) -> None:
        first = self.number() - depth + 1
        hashes = {"0x" + keccak(bytes.fromhex(raw[2:])).hex() for raw, _ in kept}
        blocks = [self.ask("eth_getBlockByNumber", hex(first + i), False) for i in range(depth)]
        drop = [h for block in blocks for h in block["transactions"] if h not in hashes]
        self.ask("bethna_reorg", depth, {"drop": drop})


class AnvilTestChain(TestChain):
    def reorganise(self, depth: int, kept: Sequence[tuple[str, int]]) -> None:
        self.ask("anvil_reorg", depth, list(kept))


def open_chain(path: Path | str = ":memory:", **changes: Any) -> EmbeddedChain:
    """Open a chain on which the wallet has 10,000 ETH."""
    arguments: dict[str, Any] = {
        "chain_id": DEFAULT_CHAIN_ID,
        "genesis_time": GENESIS_TIME,
        "allocation": {WALLET.address: 10**22},
        "clock": lambda: datetime.now(UTC),
    }
    return EmbeddedChain.open(path, **(arguments | changes))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class UvicornThread:
    """An ASGI application served on loopback by a thread of this process."""

    def __init__(self, app: Any) -> None:
        self.port = free_port()
        config = uvicorn.Config(app, host="127.0.0.1", port=self.port, log_level="warning", lifespan="off")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        while not self._server.started:
            time.sleep(0.005)

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(10)


def wait_until_open(port: int) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except ConnectionRefusedError:
            assert time.monotonic() < deadline, f"nothing listens on port {port}"
            time.sleep(0.01)


class Listener:
    """A WebSocket client of a chain: asks, and keeps the notifications of its subscriptions."""

    def __init__(self, url: str) -> None:
        self._socket = connect(url, max_size=None, proxy=None)
        self.heard: dict[str, list[Any]] = {}
        self._count = itertools.count(1)

    def __enter__(self) -> "Listener":
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def ask(self, method: str, *params: object) -> Any:
        """Return a result; notifications that come before it are kept."""
        request_id = next(self._count)
        self._socket.send(json.dumps({"jsonrpc": "2.0", "id": request_id, "method": method, "params": params}))
        while (message := self._next(10)).get("id") != request_id:
            self._keep(message)
        if "error" in message:
            raise RpcFailure(message["error"])
        return message["result"]

    def subscribe(self, kind: str, *wanted: object) -> str:
        name: str = self.ask("eth_subscribe", kind, *wanted)
        self.heard[name] = []
        return name

    def wait_for(self, name: str, count: int) -> list[Any]:
        """Return what a subscription heard once it is at least `count` notifications."""
        while len(self.heard[name]) < count:
            self._keep(self._next(10))
        return self.heard[name]

    def _next(self, timeout_s: float) -> Any:
        return json.loads(self._socket.recv(timeout=timeout_s))

    def _keep(self, message: Any) -> None:
        if message.get("method") == "eth_subscription":
            self.heard[message["params"]["subscription"]].append(message["params"]["result"])
