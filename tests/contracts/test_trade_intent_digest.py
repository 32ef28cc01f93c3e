"""What Solidity and Python each say a person signs must be the same 32 bytes."""

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typed_intent import FIELDS, TYPES, intent_digest

from bethna_cli.adapters.abi import artifact
from bethna_cli.adapters.sim.chain_types import Call
from bethna_cli.adapters.sim.deployment import ALLOCATION, deploy
from bethna_cli.adapters.sim.evm import EmbeddedChain
from bethna_cli.domain.embedded import EMBEDDED_CHAIN_ID, PUBLIC_ACCOUNTS, PUBLIC_CONTRACTS

VECTORS = Path(__file__).resolve().parents[2] / "contracts/test/vectors/trade_intents.json"
TRADER = PUBLIC_CONTRACTS["trader"]


@pytest.fixture(scope="module")
def chain() -> Iterator[EmbeddedChain]:
    start = datetime(2026, 11, 1, tzinfo=UTC)
    embedded = EmbeddedChain.open(
        ":memory:", chain_id=EMBEDDED_CHAIN_ID, genesis_time=start, allocation=ALLOCATION, clock=lambda: start
    )
    deploy(embedded)
    yield embedded
    embedded.close()


def test_the_committed_digests_are_those_of_the_typed_data():
    vectors = json.loads(VECTORS.read_text())["vectors"]

    digests = [intent_digest(_numbers(v["intent"]), v["chainId"], v["verifyingContract"]) for v in vectors]

    assert len(vectors) == 64
    assert ["0x" + digest.hex() for digest in digests] == [v["digest"] for v in vectors]


def test_the_contract_agrees_on_random_intents(chain: EmbeddedChain):
    assert _disagreements(chain, 200) == []


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_contract_agrees_on_ten_thousand_random_intents(chain: EmbeddedChain):
    assert _disagreements(chain, 10_000) == []


def _disagreements(chain: EmbeddedChain, count: int) -> list[dict[str, Any]]:
    chance = random.Random(20_261_123)
    intents = (_random_intent(chance) for _ in range(count))
    return [i for i in intents if intent_digest(i, EMBEDDED_CHAIN_ID, TRADER) != _on_chain_digest(chain, i)]


def _on_chain_digest(chain: EmbeddedChain, intent: dict[str, Any]) -> bytes:
    data = artifact("SentientTrader").function("hashIntent").encode(tuple(intent[name] for name in FIELDS))
    sender = bytes.fromhex(PUBLIC_ACCOUNTS["deployer"][2:])
    call = Call(sender=sender, to=bytes.fromhex(TRADER[2:]), gas=200_000, price_wei=0, value=0, data=data)
    return chain.call(call, chain.head)


def _random_intent(chance: random.Random) -> dict[str, Any]:
    """Numbers of every size, since a field that is cut off only shows in a large one."""
    kinds = {
        "address": lambda: "0x" + chance.randbytes(20).hex(),
        "uint8": lambda: chance.randrange(2),
        "uint256": lambda: chance.getrandbits(chance.randrange(257)),
        "bytes32": lambda: chance.randbytes(32),
    }
    return {field["name"]: kinds[field["type"]]() for field in TYPES["TradeIntent"]}


def _numbers(intent: dict[str, Any]) -> dict[str, Any]:
    numeric = {field["name"] for field in TYPES["TradeIntent"] if field["type"] == "uint256"}
    return {name: int(value) if name in numeric else value for name, value in intent.items()}
