"""One contract read, and a hundred in one go, through bethna's chain adapter and through web3.py, on the same node.

    python benchmarks/eth_call.py [ROUNDS]

The node is anvil where `npm ci` has put it into contracts/, else the embedded chain, served by a process of its own.
Both clients call `balanceOf` of the same token over loopback, keep the connection alive, and their answers are
compared. A hundred reads are a JSON-RPC batch in both. "bare httpx" is the same request without a client.
"""

import asyncio
import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from eth_account import Account
from stopwatch import medians_ms, report
from web3 import HTTPProvider, Web3

from bethna_cli.adapters.abi import artifact
from bethna_cli.adapters.clocks import SystemClock
from bethna_cli.adapters.evm import EvmChain
from bethna_cli.adapters.rpc import JsonRpc
from bethna_cli.adapters.rpc_transport import Http
from bethna_cli.domain.chain import Address, Call

ROOT = Path(__file__).resolve().parent.parent
ANVIL = ROOT / "contracts/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil"
CHAIN_ID = 779_977
WALLET = Account.from_key("0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80")  # anvil's first
OWNER = Address(WALLET.address.lower())
MINTED = 123_456_789
BATCH = 100


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    with node() as url, asyncio.Runner() as runner:
        chain = EvmChain(CHAIN_ID, [JsonRpc("rpc", Http("rpc", url))], SystemClock())
        web3 = Web3(HTTPProvider(url))
        token = deployed_token(web3)
        ours, theirs = reads_of(chain, runner, token), web3_reads(web3, token)
        for name in ours:
            check(name, ours[name](), theirs[name]())
        report("one balanceOf", turns("one", ours, theirs, {"bare httpx": bare(url, token)}, rounds), goal_ms=0.5)
        report(f"{BATCH} balanceOf in a batch", turns("batch", ours, theirs, {}, max(10, rounds // 10)), goal_ms=5)
        runner.run(chain.aclose())


def turns(
    name: str,
    ours: dict[str, Callable[[], object]],
    theirs: dict[str, Callable[[], object]],
    more: dict[str, Callable[[], object]],
    rounds: int,
) -> dict[str, float]:
    return medians_ms({"bethna": ours[name], "web3.py": theirs[name], **more}, rounds)


def reads_of(chain: EvmChain, runner: asyncio.Runner, token: Address) -> dict[str, Callable[[], object]]:
    function = artifact("DevelopmentUSDC").function("balanceOf")
    call = Call(token, function.encode(OWNER))

    async def one() -> object:
        return function.decode(await chain.call(call))[0]

    async def batch() -> object:
        return [
            function.decode(output)[0] for output in await chain.call_many([call] * BATCH) if isinstance(output, bytes)
        ]

    return {"one": lambda: runner.run(one()), "batch": lambda: runner.run(batch())}


def web3_reads(web3: Web3, token: Address) -> dict[str, Callable[[], object]]:
    entries = [dict(entry) for entry in artifact("DevelopmentUSDC").entries]
    contract: Any = web3.eth.contract(address=Web3.to_checksum_address(token), abi=entries)

    def batch() -> object:
        with web3.batch_requests() as requests:
            for _ in range(BATCH):
                requests.add(contract.functions.balanceOf(WALLET.address))
            return requests.execute()

    return {"one": lambda: contract.functions.balanceOf(WALLET.address).call(), "batch": batch}


def bare(url: str, token: Address) -> Callable[[], object]:
    """The same request without any client: what HTTP on loopback and the node cost."""
    client = httpx.Client(trust_env=False)
    data = "0x" + artifact("DevelopmentUSDC").function("balanceOf").encode(OWNER).hex()
    body = {"jsonrpc": "2.0", "id": 0, "method": "eth_call", "params": [{"to": token, "input": data}, "latest"]}
    content = json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    return lambda: int(client.post(url, content=content, headers=headers).json()["result"], 16)


def check(name: str, ours: object, theirs: object) -> None:
    expected = MINTED if name == "one" else [MINTED] * BATCH
    if not ours == theirs == expected:
        sys.exit(f"{name}: the answers differ")


def deployed_token(web3: Web3) -> Address:
    """Deploy the token with raw transactions and mint to the wallet."""
    usdc = artifact("DevelopmentUSDC")
    token = send(web3, None, usdc.creation(OWNER))["contractAddress"]
    send(web3, token, usdc.function("mint").encode(OWNER, MINTED))
    return Address(token.lower())


def send(web3: Web3, to: str | None, data: bytes) -> Any:
    fields = {
        "type": 2, "chainId": CHAIN_ID, "nonce": web3.eth.get_transaction_count(WALLET.address), "to": to, "data": data,
        "value": 0, "gas": 5_000_000, "maxFeePerGas": 5 * 10**9, "maxPriorityFeePerGas": 10**6,
    }  # fmt: skip
    sent = web3.eth.send_raw_transaction(WALLET.sign_transaction(fields).raw_transaction)
    return web3.eth.wait_for_transaction_receipt(sent)


@contextmanager
def node() -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    if ANVIL.is_file() and shutil.which("node"):
        print("node: anvil")
        command = [str(ANVIL), "--port", str(port), "--chain-id", str(CHAIN_ID), "--silent"]
    else:
        print("node: the embedded chain")
        command = [sys.executable, str(ROOT / "tests/chain/serve_chain.py"), ":memory:", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            break
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                sys.exit("the node does not listen")
            time.sleep(0.05)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


if __name__ == "__main__":
    main()
