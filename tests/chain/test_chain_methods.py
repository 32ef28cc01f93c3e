"""What any node must answer, asked of the embedded chain and of anvil alike."""

import pytest
import rlp
from eth_account import Account
from eth_hash.auto import keccak
from served_chains import RECORDER, RECORDER_CREATION, REFUSED, STRANGER, WALLET, RpcFailure, TestChain, word

NOBODY = "0x" + "00" * 19 + "99"


def test_a_node_names_its_chain(chain: TestChain):
    assert int(chain.ask("eth_chainId"), 16) == 779_977
    assert chain.ask("net_version") in ("779977", 779_977)
    assert chain.ask("eth_syncing") is False
    assert "/" in chain.ask("web3_clientVersion")
    assert chain.ask("web3_sha3", "0x68656c6c6f") == "0x" + keccak(b"hello").hex()


def test_a_transfer_moves_the_value_and_costs_gas_times_the_effective_price(chain: TestChain):
    before = int(chain.ask("eth_getBalance", WALLET.address, "latest"), 16)

    receipt = chain.receipt(chain.send(NOBODY, value=10**15, gas=21_000))

    price = int(receipt["effectiveGasPrice"], 16)
    block = chain.ask("eth_getBlockByNumber", receipt["blockNumber"], False)
    assert int(receipt["status"], 16) == 1
    assert int(receipt["gasUsed"], 16) == 21_000
    assert price == int(block["baseFeePerGas"], 16) + 1_000_000
    assert int(chain.ask("eth_getBalance", NOBODY, "latest"), 16) == 10**15
    assert int(chain.ask("eth_getBalance", WALLET.address, "latest"), 16) == before - 10**15 - 21_000 * price


def test_a_contract_is_deployed_where_the_rules_say_and_keeps_its_code_and_storage(chain: TestChain):
    nonce = chain.nonce()
    address = chain.deploy()
    chain.receipt(chain.send(address, word(7)))

    assert address.lower() == "0x" + keccak(rlp.encode([bytes.fromhex(WALLET.address[2:]), nonce]))[12:].hex()
    assert chain.ask("eth_getCode", address, "latest") == "0x" + RECORDER.hex()
    assert chain.ask("eth_getCode", NOBODY, "latest") == "0x"
    assert int(chain.ask("eth_getStorageAt", address, "0x0", "latest"), 16) == 7
    assert int(chain.ask("eth_call", {"to": address}, "latest")[:66], 16) == 7


def test_the_past_is_still_there(chain: TestChain):
    address = chain.deploy()
    first = chain.receipt(chain.send(address, word(1)))
    chain.receipt(chain.send(address, word(2)))

    then = first["blockNumber"]
    assert int(chain.ask("eth_getStorageAt", address, "0x0", then), 16) == 1
    assert int(chain.ask("eth_call", {"to": address}, then)[:66], 16) == 1
    assert int(chain.ask("eth_call", {"to": address}, {"blockHash": first["blockHash"]})[:66], 16) == 1
    assert int(chain.ask("eth_getTransactionCount", WALLET.address, then), 16) == chain.nonce() - 1
    assert int(chain.ask("eth_getBalance", NOBODY, "earliest"), 16) == 0


def test_a_reverted_call_carries_code_3_and_the_contracts_own_error(chain: TestChain):
    address = chain.deploy()
    error = "0x" + REFUSED.hex() + word(42)[2:]

    for method in ("eth_call", "eth_estimateGas"):
        with pytest.raises(RpcFailure) as failure:
            chain.ask(method, {"to": address, "data": word(0), "from": WALLET.address})

        assert failure.value.code == 3
        assert failure.value.data == error
        assert failure.value.message.startswith("execution reverted")


def test_a_reverted_transaction_has_a_receipt_without_logs_and_pays(chain: TestChain):
    address = chain.deploy()

    receipt = chain.receipt(chain.send(address, word(0)))

    assert int(receipt["status"], 16) == 0
    assert receipt["logs"] == []
    assert 21_000 < int(receipt["gasUsed"], 16) < 300_000
    assert chain.nonce() == 2


def test_estimated_gas_is_enough_and_not_much_more(chain: TestChain):
    address = chain.deploy()
    estimate = int(chain.ask("eth_estimateGas", {"to": address, "data": word(5), "from": WALLET.address}), 16)

    receipt = chain.receipt(chain.send(address, word(5), gas=estimate))

    assert int(receipt["status"], 16) == 1
    assert int(receipt["gasUsed"], 16) <= estimate <= int(receipt["gasUsed"], 16) * 1.1
    assert int(chain.ask("eth_estimateGas", {"to": NOBODY, "from": WALLET.address, "value": "0x1"}), 16) == 21_000


def test_a_block_is_the_same_by_number_and_by_hash_and_counts_its_transactions(chain: TestChain):
    receipt = chain.receipt(chain.send(None, RECORDER_CREATION))
    number, block_hash = receipt["blockNumber"], receipt["blockHash"]

    block = chain.ask("eth_getBlockByNumber", number, True)

    assert block == chain.ask("eth_getBlockByHash", block_hash, True)
    assert block["transactions"][0]["hash"] == receipt["transactionHash"]
    assert block["transactions"][0]["from"].lower() == WALLET.address.lower()
    assert chain.ask("eth_getBlockByHash", block_hash, False)["transactions"] == [receipt["transactionHash"]]
    assert chain.ask("eth_getBlockTransactionCountByNumber", number) == "0x1"
    assert chain.ask("eth_getBlockTransactionCountByHash", block_hash) == "0x1"
    assert chain.ask("eth_getBlockByNumber", hex(10**6), False) is None
    assert chain.ask("eth_getBlockByHash", "0x" + "ab" * 32, False) is None
    assert int(block["gasUsed"], 16) == int(receipt["gasUsed"], 16)
    assert int(block["size"], 16) > 500 + len(RECORDER_CREATION)


def test_a_transaction_is_found_by_hash_and_by_place(chain: TestChain):
    transaction_hash = chain.send(NOBODY, value=3, gas=21_000)
    receipt = chain.receipt(transaction_hash)

    found = chain.transaction(transaction_hash)

    assert (int(found["value"], 16), int(found["nonce"], 16), int(found["type"], 16)) == (3, 0, 2)
    assert found["blockHash"] == receipt["blockHash"]
    assert int(found["chainId"], 16) == 779_977
    assert found == chain.ask("eth_getTransactionByBlockHashAndIndex", receipt["blockHash"], "0x0")
    assert found == chain.ask("eth_getTransactionByBlockNumberAndIndex", receipt["blockNumber"], "0x0")
    assert chain.ask("eth_getBlockReceipts", receipt["blockNumber"]) == [receipt]
    assert chain.ask("eth_getTransactionByHash", "0x" + "cd" * 32) is None
    assert chain.ask("eth_getTransactionReceipt", "0x" + "cd" * 32) is None


def test_the_block_hash_is_the_hash_of_its_header(chain: TestChain):
    """Checked with an independent RLP encoding of the fields as served, so that no field is made up."""
    block = chain.ask("eth_getBlockByNumber", chain.receipt(chain.send(None, RECORDER_CREATION))["blockNumber"], False)

    texts = ["parentHash", "sha3Uncles", "miner", "stateRoot", "transactionsRoot", "receiptsRoot", "logsBloom"]
    numbers = ["difficulty", "number", "gasLimit", "gasUsed", "timestamp"]
    fields = [bytes.fromhex(block[name][2:]) for name in texts] + [int(block[name], 16) for name in numbers]
    fields += [bytes.fromhex(block[name][2:]) for name in ("extraData", "mixHash", "nonce")]
    fields += [int(block["baseFeePerGas"], 16), bytes.fromhex(block["withdrawalsRoot"][2:])]
    fields += [int(block["blobGasUsed"], 16), int(block["excessBlobGas"], 16)]
    fields += [bytes.fromhex(block[name][2:]) for name in ("parentBeaconBlockRoot", "requestsHash")]
    assert block["hash"] == "0x" + keccak(rlp.encode(fields)).hex()


def test_a_transaction_for_another_chain_is_refused(chain: TestChain):
    with pytest.raises(RpcFailure, match=r"(?i)chain id"):
        chain.send(NOBODY, chainId=8453)

    assert chain.nonce() == 0


def test_a_nonce_is_used_once(chain: TestChain):
    raw = chain.signed(NOBODY, value=1, gas=21_000)
    chain.receipt(chain.ask("eth_sendRawTransaction", raw))

    with pytest.raises(RpcFailure, match="nonce too low") as failure:
        chain.ask("eth_sendRawTransaction", raw)
    assert failure.value.code in (-32000, -32003)


def test_nobody_spends_what_he_does_not_have(chain: TestChain):
    with pytest.raises(RpcFailure, match=r"(?i)insufficient funds"):
        chain.send(NOBODY, value=1, gas=21_000, account=STRANGER)


def test_an_older_transaction_type_is_taken_too(chain: TestChain):
    legacy = {
        "chainId": 779_977, "nonce": 0, "gasPrice": 5 * 10**9, "gas": 21_000, "to": NOBODY, "value": 1, "data": b"",
    }  # fmt: skip
    listed = {**legacy, "nonce": 1, "type": 1, "gas": 30_000, "accessList": [{"address": NOBODY, "storageKeys": []}]}

    for expected_type, transaction in enumerate([legacy, listed]):
        raw = "0x" + WALLET.sign_transaction(transaction).raw_transaction.hex()
        receipt = chain.receipt(chain.ask("eth_sendRawTransaction", raw))
        assert int(receipt["type"], 16) == expected_type
        assert int(receipt["effectiveGasPrice"], 16) == 5 * 10**9


def test_a_waiting_transaction_counts_in_the_pending_nonce_and_is_mined_when_asked(chain: TestChain):
    chain.ask("evm_setAutomine", False)
    raw = chain.signed(NOBODY, value=1, gas=21_000)
    transaction_hash = chain.ask("eth_sendRawTransaction", raw)

    assert chain.ask("eth_getTransactionReceipt", transaction_hash) is None
    assert chain.ask("eth_getTransactionByHash", transaction_hash)["blockHash"] is None
    assert chain.nonce() == 1
    assert int(chain.ask("eth_getTransactionCount", WALLET.address, "latest"), 16) == 0

    with pytest.raises(RpcFailure, match=r"already (known|imported)"):
        chain.ask("eth_sendRawTransaction", raw)

    chain.ask("evm_mine")
    assert int(chain.receipt(transaction_hash)["status"], 16) == 1


def test_a_waiting_transaction_is_replaced_only_by_one_that_pays_more(chain: TestChain):
    chain.ask("evm_setAutomine", False)
    cheap = chain.send(NOBODY, value=1, gas=21_000, nonce=0)

    with pytest.raises(RpcFailure, match="underpriced"):
        chain.send(NOBODY, value=2, gas=21_000, nonce=0)
    dear = chain.send(NOBODY, value=3, gas=21_000, nonce=0, maxFeePerGas=10**10, maxPriorityFeePerGas=2_000_000)
    chain.ask("evm_mine")

    assert int(chain.receipt(dear)["status"], 16) == 1
    assert chain.ask("eth_getTransactionReceipt", cheap) is None


def test_a_transaction_after_a_gap_waits_until_the_gap_is_filled(chain: TestChain):
    later = chain.send(NOBODY, value=2, gas=21_000, nonce=1)
    assert chain.ask("eth_getTransactionReceipt", later) is None
    assert chain.nonce() == 0

    chain.send(NOBODY, value=1, gas=21_000, nonce=0)

    assert int(chain.receipt(later)["status"], 16) == 1


def test_fees_are_told_for_the_past_and_the_next_block(chain: TestChain):
    chain.receipt(chain.send(NOBODY, value=1, gas=21_000))
    head = chain.number()

    history = chain.ask("eth_feeHistory", "0x2", hex(head), [10, 50, 90])

    assert int(history["oldestBlock"], 16) == head - 1
    assert len(history["baseFeePerGas"]) == 3
    assert len(history["gasUsedRatio"]) == 2
    assert [int(tip, 16) for tip in history["reward"][-1]] == [1_000_000] * 3
    assert int(chain.ask("eth_gasPrice"), 16) >= int(history["baseFeePerGas"][-1], 16)
    assert int(chain.ask("eth_maxPriorityFeePerGas"), 16) >= 0


def test_the_tags_rise_from_earliest_to_latest(chain: TestChain):
    for _ in range(5):
        chain.ask("evm_mine")

    tags = ("earliest", "finalized", "safe", "latest")
    numbers = [int(chain.ask("eth_getBlockByNumber", tag, False)["number"], 16) for tag in tags]
    assert numbers == sorted(numbers)
    assert numbers[0] == 0
    assert 1 <= numbers[1] < numbers[3]


def test_time_can_be_moved_ahead_and_set(chain: TestChain):
    chain.ask("evm_mine")
    before = int(chain.ask("eth_getBlockByNumber", "latest", False)["timestamp"], 16)

    chain.ask("evm_increaseTime", 3600)
    chain.ask("evm_mine")
    after = int(chain.ask("eth_getBlockByNumber", "latest", False)["timestamp"], 16)
    chain.ask("evm_setNextBlockTimestamp", after + 1000)
    chain.ask("evm_mine")
    last = int(chain.ask("eth_getBlockByNumber", "latest", False)["timestamp"], 16)

    assert 3600 <= after - before <= 3605
    assert last == after + 1000
    with pytest.raises(RpcFailure):
        chain.ask("evm_setNextBlockTimestamp", last - 1)


def test_a_call_sees_the_time_that_a_transaction_would_see(chain: TestChain):
    address = chain.deploy()
    chain.ask("evm_setNextBlockTimestamp", 2_000_000_000)
    receipt = chain.receipt(chain.send(address, word(9)))

    seen = int(chain.ask("eth_call", {"to": address}, "latest")[66:130], 16)

    assert int(receipt["logs"][0]["data"], 16) == 2_000_000_000
    assert 0 <= seen - 2_000_000_000 <= 2


def test_a_snapshot_brings_everything_back(chain: TestChain):
    address = chain.deploy()
    chain.receipt(chain.send(address, word(1)))
    head = chain.ask("eth_getBlockByNumber", "latest", False)["hash"]
    snapshot = chain.ask("evm_snapshot")
    later = chain.send(address, word(2))
    chain.receipt(later)

    assert chain.ask("evm_revert", snapshot) is True
    assert chain.ask("eth_getBlockByHash", head, False)["hash"] == head
    assert int(chain.ask("eth_getStorageAt", address, "0x0", "latest"), 16) == 1
    assert chain.ask("eth_getTransactionReceipt", later) is None
    assert chain.nonce() == 2


def test_a_batch_is_answered_in_order_and_an_unknown_method_has_its_code(chain: TestChain):
    answers = chain.post(
        [
            {"jsonrpc": "2.0", "id": "a", "method": "eth_chainId", "params": []},
            {"jsonrpc": "2.0", "id": 7, "method": "eth_nonsense", "params": []},
            {"jsonrpc": "2.0", "id": 8, "method": "eth_getBalance", "params": ["0x12", "latest"]},
        ]
    )

    assert [answer["id"] for answer in answers] == ["a", 7, 8]
    assert int(answers[0]["result"], 16) == 779_977
    assert answers[1]["error"]["code"] in (-32601, -32602)
    assert answers[2]["error"]["code"] == -32602


def test_new_accounts_can_be_paid_and_pay(chain: TestChain):
    fresh = Account.create()
    chain.receipt(chain.send(fresh.address, value=10**18, gas=21_000))

    receipt = chain.receipt(chain.send(NOBODY, value=5, gas=21_000, account=fresh))

    assert receipt["from"].lower() == fresh.address.lower()
