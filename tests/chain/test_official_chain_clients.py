"""The clients people use, against the embedded chain and anvil: web3.py, cast and viem."""

import asyncio
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from served_chains import RECORDED, RECORDER_CREATION, REFUSED, WALLET, HandClock, TestChain, open_chain, word
from web3 import AsyncWeb3, HTTPProvider, Web3, WebSocketProvider
from web3.exceptions import ContractCustomError, Web3RPCError
from web3.middleware import SignAndSendRawMiddlewareBuilder

from bethna_cli.adapters.sim.node import Node
from bethna_cli.adapters.sim.rpc_provider import InProcessProvider

CONTRACTS = Path(__file__).resolve().parents[2] / "contracts"
KEY = "0x" + WALLET.key.hex()
ERROR_DATA = "0x" + REFUSED.hex() + word(42)[2:]


def trade_with(web3: Web3) -> None:
    """Deploy, record, read, filter, fail and batch, as a script with web3.py would."""
    web3.middleware_onion.add(SignAndSendRawMiddlewareBuilder.build(Account.from_key(KEY)))
    web3.eth.default_account = WALLET.address
    deployed = web3.eth.wait_for_transaction_receipt(web3.eth.send_transaction({"data": RECORDER_CREATION}))
    address = deployed["contractAddress"]
    changes = web3.eth.filter({"address": address})
    receipt = web3.eth.wait_for_transaction_receipt(web3.eth.send_transaction({"to": address, "data": word(7)}))

    assert web3.is_connected()
    assert receipt["status"] == 1
    assert receipt["logs"][0]["topics"][0] == RECORDED
    assert web3.eth.get_logs({"address": address, "fromBlock": 0}) == receipt["logs"]
    assert changes.get_new_entries() == receipt["logs"]
    assert int(web3.eth.get_storage_at(address, 0).hex(), 16) == 7
    assert web3.eth.get_block("latest", full_transactions=True)["transactions"][0]["hash"] == receipt["transactionHash"]
    assert web3.eth.get_transaction(receipt["transactionHash"])["maxFeePerGas"] > 0
    assert web3.eth.fee_history(2, "latest", [50])["reward"]
    assert web3.eth.get_block("finalized")["number"] <= web3.eth.get_block("safe")["number"]
    with pytest.raises(ContractCustomError) as refused:
        web3.eth.call({"to": address, "data": word(0)})
    assert refused.value.data == ERROR_DATA
    foreign = {"chainId": 8453, "nonce": 2, "to": address, "gas": 21_000, "value": 0, "maxFeePerGas": 10**10}
    with pytest.raises(Web3RPCError, match=r"(?i)chain id"):
        web3.eth.send_raw_transaction(
            WALLET.sign_transaction(foreign | {"maxPriorityFeePerGas": 1, "type": 2}).raw_transaction
        )
    with web3.batch_requests() as batch:
        batch.add(web3.eth.get_balance(WALLET.address))
        batch.add(web3.eth.get_block("latest"))
        balance, block = batch.execute()
    assert balance < 10**22
    assert block["number"] == receipt["blockNumber"]


def test_web3_works_over_http(chain: TestChain):
    trade_with(Web3(HTTPProvider(chain.rpc_url)))


def test_web3_works_without_a_socket():
    trade_with(Web3(InProcessProvider(Node(open_chain(clock=HandClock())))))


def test_web3_hears_heads_and_logs_over_a_websocket(chain: TestChain):
    address = chain.deploy()

    async def listen() -> list[Any]:
        async with AsyncWeb3(WebSocketProvider(chain.ws_url)) as web3:
            heads = await web3.eth.subscribe("newHeads")
            logs = await web3.eth.subscribe("logs", {"address": address})
            await asyncio.to_thread(chain.send, address, word(3))
            heard: dict[Any, Any] = {}
            async for message in web3.socket.process_subscriptions():
                heard[message["subscription"]] = message["result"]
                if len(heard) == 2:
                    break
            return [heard[heads], heard[logs]]

    head, log = asyncio.run(asyncio.wait_for(listen(), 20))

    assert head["hash"] == log["blockHash"]
    assert log["topics"][1].hex() == word(3)[2:]


class Cast:
    """Foundry's command line, pointed at one chain."""

    def __init__(self, path: Path, url: str) -> None:
        self._path, self._url = path, url

    def __call__(self, command: str, *words: str) -> str:
        done = subprocess.run(
            [self._path, command, "--rpc-url", self._url, *words],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done.stdout.strip() if done.returncode == 0 else f"failed: {done.stderr}"


@pytest.mark.node
def test_cast_works(chain: TestChain, cast_path: Path):
    cast = Cast(cast_path, chain.rpc_url)
    deployed = json.loads(cast("send", "--private-key", KEY, "--json", "--create", "0x" + RECORDER_CREATION.hex()))
    address = deployed["contractAddress"]
    recorded = json.loads(cast("send", "--private-key", KEY, "--json", address, word(6)))

    assert recorded["status"] == "0x1"
    assert cast("chain-id") == "779977"
    assert cast("nonce", WALLET.address) == "2"
    assert cast("storage", address, "0") == word(6)
    assert cast("call", address)[:66] == word(6)
    assert int(cast("balance", WALLET.address)) < 10**22
    assert int(cast("block-number")) >= 2
    assert cast("block", "latest", "--field", "hash") == recorded["blockHash"]
    assert cast("receipt", recorded["transactionHash"], "blockNumber") == str(int(recorded["blockNumber"], 16))
    assert cast("tx", recorded["transactionHash"], "from").lower() == WALLET.address.lower()
    [log] = json.loads(cast("logs", "--json", "--from-block", "0", "--address", address))
    assert log["topics"] == ["0x" + RECORDED.hex(), word(6)]
    assert int(cast("estimate", address, word(9))) > 21_000
    assert int(cast("gas-price")) >= 5_000_000
    refused = cast("call", address, word(0))
    assert ERROR_DATA in refused
    assert "execution reverted" in refused


@pytest.mark.node
def test_viem_works(chain: TestChain, node_program: str):
    given = {
        "rpcUrl": chain.rpc_url, "wsUrl": chain.ws_url, "chainId": chain.chain_id, "key": KEY,
        "creation": "0x" + RECORDER_CREATION.hex(),
    }  # fmt: skip
    script = (Path(__file__).parent / "viem_client.mjs").read_text()

    done = subprocess.run(
        [node_program, "--input-type=module"], input=script, capture_output=True, text=True, timeout=60, check=False,
        cwd=CONTRACTS, env=os.environ | {"GIVEN": json.dumps(given)},
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert 0 <= seen.pop("finalized") <= 2
    assert seen == {
        "chainId": 779_977, "status": "success", "stored": word(5), "heardTopic": word(5), "logs": 1,
        "revertData": ERROR_DATA, "feeIsEnough": True, "nonce": 2, "rewards": 2, "spent": True,
    }  # fmt: skip
