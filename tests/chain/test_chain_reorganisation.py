"""Reorganisations: a client that follows the logs holds the same ones as a client that asks afterwards.

Two kinds of client follow: one believes `removed: true` notifications, the other goes by new heads and asks for each
block's logs by hash. Anvil 1.7.1 never says `removed` (foundry issue 9933), so there only the second kind can be right.
"""

import random
from typing import Any

import pytest
from served_chains import RECORDED, EmbeddedTestChain, Listener, RpcFailure, TestChain, word

TOPIC = "0x" + RECORDED.hex()
COUNTS = [10, pytest.param(200, marks=[pytest.mark.slow, pytest.mark.timeout(1800)])]

Held = dict[tuple[str, str], tuple[Any, ...]]


def place(log: dict[str, Any]) -> tuple[str, str]:
    return log["blockHash"], log["logIndex"]


def contents(log: dict[str, Any]) -> tuple[Any, ...]:
    fields = ("address", "data", "blockNumber", "transactionHash")
    return (*[log[name].lower() for name in fields], *log["topics"])


class BelievesRemoved:
    """Adds every log it is told and takes back every removed one; polls a filter as well."""

    def __init__(self, chain: TestChain, listener: Listener, recorder: str) -> None:
        self._chain, self._listener = chain, listener
        self._logs = listener.subscribe("logs", {"address": recorder, "topics": [TOPIC]})
        self._filter = chain.ask("eth_newFilter", {"address": recorder, "topics": [TOPIC]})
        self._polled: list[dict[str, Any]] = []

    def held(self) -> Held:
        self._polled += self._chain.ask("eth_getFilterChanges", self._filter)
        pushed = self._listener.wait_for(self._logs, len(self._polled))
        assert pushed == self._polled
        held: Held = {}
        for log in pushed:
            if log["removed"]:
                assert held.pop(place(log)) == contents(log)
            else:
                assert place(log) not in held
                held[place(log)] = contents(log)
        return held

    def corrections(self) -> int:
        return sum(log["removed"] for log in self._polled)


class GoesByHeads:
    """At each new head forgets what it held from that height on, and asks for the block's logs by its hash."""

    def __init__(self, chain: TestChain, listener: Listener, recorder: str) -> None:
        self._chain, self._listener, self._recorder = chain, listener, recorder
        self._heads = listener.subscribe("newHeads")
        self._seen = self._corrections = self._height = 0
        self._held: Held = {}

    def held(self) -> Held:
        newest = self._chain.ask("eth_getBlockByNumber", "latest", False)["hash"]
        while not (heard := self._listener.heard[self._heads]) or heard[-1]["hash"] != newest:
            self._listener.wait_for(self._heads, len(heard) + 1)
        for head in heard[self._seen :]:
            self._take(head)
        self._seen = len(heard)
        return self._held

    def _take(self, head: dict[str, Any]) -> None:
        number = int(head["number"], 16)
        self._corrections += number <= self._height
        self._height = number
        self._held = {key: log for key, log in self._held.items() if int(log[2], 16) < number}
        try:
            logs = self._chain.ask("eth_getLogs", {"blockHash": head["hash"], "address": self._recorder})
        except RpcFailure:
            return  # the block was replaced before we asked; its successor at that height comes later
        self._held |= {place(log): contents(log) for log in logs}

    def corrections(self) -> int:
        return self._corrections


class Disturber:
    """Records random values, makes empty blocks, and replaces the last 1 to 20 blocks, keeping some transactions."""

    def __init__(self, chain: TestChain, recorder: str, chance: random.Random) -> None:
        self._chain, self._recorder, self._chance = chain, recorder, chance
        self._sent: dict[str, str] = {}

    def record(self) -> None:
        raw = self._chain.signed(self._recorder, word(self._chance.getrandbits(200) + 1))
        transaction_hash = self._chain.ask("eth_sendRawTransaction", raw)
        self._chain.receipt(transaction_hash)
        self._sent[transaction_hash] = raw

    def reorganise(self) -> None:
        depth = self._chance.randint(1, 20)
        for _ in range(depth):
            self._chance.choice([self.record, lambda: self._chain.ask("evm_mine")])()
        first = self._chain.number() - depth + 1
        blocks = [self._chain.ask("eth_getBlockByNumber", hex(first + i), False) for i in range(depth)]
        mined = [(self._sent[h], i) for i, block in enumerate(blocks) for h in block["transactions"]]
        self._chain.reorganise(depth, mined[: self._chance.randint(0, len(mined))])


def corrections_in(chain: TestChain, client_class: type, count: int) -> int:
    """Run random reorganisations, comparing after each. Returns how often the client had to correct itself."""
    with Listener(chain.ws_url) as listener:
        recorder = chain.deploy()
        client = client_class(chain, listener, recorder)
        disturber = Disturber(chain, recorder, random.Random(count))
        for _ in range(count):
            disturber.record()
            disturber.reorganise()
            there = chain.ask("eth_getLogs", {"fromBlock": "0x0", "toBlock": "latest", "address": recorder})
            assert client.held() == {place(log): contents(log) for log in there}
        return client.corrections()


@pytest.mark.parametrize("count", COUNTS)
def test_a_client_that_believes_removed_logs_stays_right(embedded: EmbeddedTestChain, count: int):
    corrections = corrections_in(embedded, BelievesRemoved, count)

    print(f"{count} reorganisations of depth 1-20: {corrections} logs removed")
    assert corrections > count


@pytest.mark.parametrize("count", COUNTS)
def test_a_client_that_goes_by_heads_stays_right(chain: TestChain, count: int):
    corrections = corrections_in(chain, GoesByHeads, count)

    print(f"{count} reorganisations of depth 1-20 on {type(chain).__name__}: {corrections} heads at or below the last")
    assert corrections > count // 2  # a head that is replaced before it is announced needs no correction
