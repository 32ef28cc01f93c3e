"""Logs: asked for, filtered by polling, and pushed; on the embedded chain and on anvil alike."""

import pytest
from served_chains import RECORDED, Listener, RpcFailure, TestChain, word

TOPIC = "0x" + RECORDED.hex()
OTHER = word(0xDEAD)


@pytest.fixture
def recorded(chain: TestChain) -> tuple[str, str]:
    """Two recorders: the first has recorded 1, 2 and 3, the second 2."""
    first, second = chain.deploy(), chain.deploy()
    for address, value in ((first, 1), (first, 2), (second, 2), (first, 3)):
        chain.receipt(chain.send(address, word(value)))
    return first, second


def values(logs: list[dict]) -> list[int]:
    return [int(log["topics"][1], 16) for log in logs]


def test_logs_are_chosen_by_sender_and_topics(chain: TestChain, recorded: tuple[str, str]):
    first, second = recorded

    def found(**wanted: object) -> list[int]:
        return values(chain.ask("eth_getLogs", {"fromBlock": "0x0", "toBlock": "latest"} | wanted))

    assert found() == [1, 2, 2, 3]
    assert found(address=first) == [1, 2, 3]
    assert found(address=[first, second]) == [1, 2, 2, 3]
    assert found(address=[second]) == [2]
    assert found(topics=[TOPIC]) == [1, 2, 2, 3]
    assert found(topics=[OTHER]) == []
    assert found(topics=[[OTHER, TOPIC], word(2)]) == [2, 2]
    assert found(topics=[None, [word(1), word(3)]]) == [1, 3]
    assert found(topics=[None, word(2)], address=first) == [2]
    assert found(topics=[]) == [1, 2, 2, 3]
    assert found(topics=[None, None]) == [1, 2, 2, 3]


def test_logs_are_chosen_by_range_and_by_one_blocks_hash(chain: TestChain, recorded: tuple[str, str]):
    head = chain.number()
    block = chain.ask("eth_getBlockByNumber", hex(head - 1), False)

    def found(**wanted: object) -> list[int]:
        return values(chain.ask("eth_getLogs", wanted))

    assert found(fromBlock=hex(head - 2), toBlock=hex(head - 1)) == [2, 2]
    assert found() == [3]
    assert found(fromBlock=hex(head)) == [3]
    assert found(blockHash=block["hash"]) == [2]
    for wrong in ({"blockHash": "0x" + "12" * 32}, {"blockHash": block["hash"], "fromBlock": "0x0"}):
        with pytest.raises(RpcFailure):
            chain.ask("eth_getLogs", wrong)


def test_a_log_says_where_it_is_from_and_is_in_the_receipt_and_the_bloom(chain: TestChain):
    address = chain.deploy()
    receipt = chain.receipt(chain.send(address, word(8)))

    [log] = chain.ask("eth_getLogs", {"blockHash": receipt["blockHash"]})

    assert log == receipt["logs"][0]
    assert log["address"].lower() == address.lower()
    assert log["topics"] == [TOPIC, word(8)]
    assert (log["transactionHash"], log["logIndex"]) == (receipt["transactionHash"], "0x0")
    assert log["removed"] is False
    block = chain.ask("eth_getBlockByNumber", receipt["blockNumber"], False)
    assert block["logsBloom"] == receipt["logsBloom"]
    assert int(block["logsBloom"], 16).bit_count() >= 6


def test_a_polled_filter_gives_each_log_once(chain: TestChain):
    address = chain.deploy()
    name = chain.ask("eth_newFilter", {"address": address, "topics": [TOPIC]})
    chain.receipt(chain.send(address, word(1)))
    chain.receipt(chain.send(address, word(2)))

    assert values(chain.ask("eth_getFilterChanges", name)) == [1, 2]
    assert chain.ask("eth_getFilterChanges", name) == []
    chain.receipt(chain.send(address, word(3)))
    assert values(chain.ask("eth_getFilterChanges", name)) == [3]
    assert chain.ask("eth_uninstallFilter", name) is True
    assert chain.ask("eth_uninstallFilter", name) is False


def test_filters_for_blocks_and_waiting_transactions(chain: TestChain):
    blocks = chain.ask("eth_newBlockFilter")
    pending = chain.ask("eth_newPendingTransactionFilter")
    transaction_hash = chain.send("0x" + "00" * 19 + "99", value=1, gas=21_000)
    receipt = chain.receipt(transaction_hash)

    assert chain.ask("eth_getFilterChanges", blocks) == [receipt["blockHash"]]
    assert chain.ask("eth_getFilterChanges", pending) == [transaction_hash]


def test_heads_and_logs_are_pushed_as_they_come(chain: TestChain):
    address, silent = chain.deploy(), chain.deploy()
    with Listener(chain.ws_url) as listener:
        heads = listener.subscribe("newHeads")
        logs = listener.subscribe("logs", {"address": address, "topics": [TOPIC]})
        chain.receipt(chain.send(silent, word(1)))
        receipt = chain.receipt(chain.send(address, word(2)))

        assert listener.wait_for(heads, 2)[1]["hash"] == receipt["blockHash"]
        assert listener.wait_for(logs, 1) == receipt["logs"]
        assert listener.ask("eth_unsubscribe", logs) is True
        chain.receipt(chain.send(address, word(3)))
        listener.wait_for(heads, 3)
        assert len(listener.heard[logs]) == 1
