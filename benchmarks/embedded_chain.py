"""The embedded chain against anvil: a token transfer, one eth_call, a batch of 100 calls, and the start.

Run: python benchmarks/embedded_chain.py [ROUNDS]. Both nodes are separate processes asked over HTTP by the same
keep-alive client and take turns; the embedded one writes every block to disk, anvil keeps them in memory. Checked: both
end with the same token balances and give the same answers. Needs anvil: `npm ci` in contracts/. Goals for the embedded
chain: a transfer in 25 ms, a start in 0.7 s.
"""

import http.client
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from eth_abi.abi import encode
from eth_account import Account
from eth_hash.auto import keccak
from eth_utils.address import to_checksum_address
from stopwatch import medians_ms, report

ROOT = Path(__file__).resolve().parent.parent
ANVIL = ROOT / "contracts/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil"
TOKEN = ROOT / "src/bethna_cli/artifacts/contracts/DevelopmentUSDC.json"
WALLET = Account.from_key("0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80")  # anvil's first
FRIEND = "0x" + "ab" * 20
EMBEDDED, PEER = "embedded chain", "anvil 1.7.1"
SERVE = """
import sys, uvicorn
from datetime import UTC, datetime
from bethna_cli.adapters.sim.evm import EmbeddedChain
from bethna_cli.adapters.sim.node import Node
from bethna_cli.adapters.sim.rpc_server import rpc_app
now = lambda: datetime.now(UTC)
allocation = {sys.argv[3]: 10**22}
chain = EmbeddedChain.open(sys.argv[1], chain_id=779977, genesis_time=now(), allocation=allocation, clock=now)
uvicorn.run(rpc_app(Node(chain)), host="127.0.0.1", port=int(sys.argv[2]), log_level="warning", lifespan="off")
"""


class Client:
    """One keep-alive connection to a node that was just started, and a token deployed on it."""

    def __init__(self, command: list[str], port: int) -> None:
        started = time.perf_counter()
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        self._connection = http.client.HTTPConnection("127.0.0.1", port)
        while not self._is_up():
            time.sleep(0.005)
        self.start_ms = (time.perf_counter() - started) * 1e3
        self._nonce = 0
        creation = json.loads(TOKEN.read_text())["bytecode"] + encode(["address"], [WALLET.address]).hex()
        self.token = to_checksum_address(self.send(None, creation)["contractAddress"])
        self.send(self.token, call_data("mint(address,uint256)", ["address", "uint256"], [WALLET.address, 10**12]))

    def _is_up(self) -> bool:
        try:
            self._connection.connect()
        except ConnectionRefusedError:
            return False
        return bool(self.ask("eth_chainId"))

    def post(self, body: object) -> Any:
        self._connection.request("POST", "/", json.dumps(body), {"Content-Type": "application/json"})
        return json.loads(self._connection.getresponse().read())

    def ask(self, method: str, *params: object) -> Any:
        return self.post({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})["result"]

    def send(self, to: str | None, data: str) -> Any:
        transaction = {
            "type": 2, "chainId": 779_977, "nonce": self._nonce, "value": 0, "gas": 3_000_000, "data": data,
            "maxFeePerGas": 10**10, "maxPriorityFeePerGas": 10**6,
        }  # fmt: skip
        raw = WALLET.sign_transaction(transaction | ({"to": to} if to else {})).raw_transaction.hex()
        self._nonce += 1
        transaction_hash = self.ask("eth_sendRawTransaction", "0x" + raw)
        while (receipt := self.ask("eth_getTransactionReceipt", transaction_hash)) is None:
            time.sleep(0.0005)
        assert receipt["status"] == "0x1", "the transaction failed"
        return receipt

    def transfer(self) -> None:
        self.send(self.token, call_data("transfer(address,uint256)", ["address", "uint256"], [FRIEND, 1_000_000]))

    def balances(self) -> list[str]:
        return [self.ask("eth_call", *self._balance_call(address)) for address in (WALLET.address, FRIEND)]

    def read(self) -> Any:
        return self.ask("eth_call", *self._balance_call(FRIEND))

    def read_100(self) -> list[str]:
        calls = [
            {"jsonrpc": "2.0", "id": i, "method": "eth_call", "params": self._balance_call(FRIEND)} for i in range(100)
        ]
        return [answer["result"] for answer in sorted(self.post(calls), key=lambda answer: int(answer["id"]))]

    def _balance_call(self, address: str) -> list[object]:
        return [{"to": self.token, "data": call_data("balanceOf(address)", ["address"], [address])}, "latest"]


def call_data(signature: str, types: list[str], values: list[object]) -> str:
    """Return calldata as hexadecimal text."""
    return "0x" + (keccak(signature.encode())[:4] + encode(types, values)).hex()


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    if not ANVIL.is_file():
        print(f"The peer is missing: no {ANVIL}. Run `npm ci` in contracts/.", file=sys.stderr)
        sys.exit(2)
    with tempfile.TemporaryDirectory() as folder:
        served = [sys.executable, "-c", SERVE, f"{folder}/chain.db", "8611", WALLET.address]
        clients = {
            EMBEDDED: Client(served, 8611),
            PEER: Client([str(ANVIL), "--port", "8612", "--chain-id", "779977", "--silent"], 8612),
        }
        try:
            measure(clients, rounds)
        finally:
            for client in clients.values():
                client.process.kill()
                client.process.wait()


def measure(clients: dict[str, Client], rounds: int) -> None:
    report("start until the first answer", {name: client.start_ms for name, client in clients.items()}, 700)
    transfers = medians_ms({name: client.transfer for name, client in clients.items()}, rounds)
    report("token transfer, signed, sent, receipt read", transfers, 25)
    report("one eth_call", medians_ms({name: client.read for name, client in clients.items()}, rounds))
    report("a batch of 100 eth_calls", medians_ms({name: c.read_100 for name, c in clients.items()}, rounds // 5 + 1))
    balances = [client.balances() for client in clients.values()]
    assert balances[0] == balances[1], f"the chains disagree: {balances}"
    assert int(balances[0][1], 16) == (rounds + 1) * 1_000_000
    print(f"both hold the same balances after {rounds + 1} transfers")


if __name__ == "__main__":
    main()
