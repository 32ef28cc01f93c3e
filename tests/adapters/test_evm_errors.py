"""Every custom error of our contracts arrives as one of ours, with its numbers."""

import json
from importlib.resources import files
from typing import Any

import pytest
from eth_abi.abi import encode
from eth_utils.abi import abi_to_signature
from eth_utils.crypto import keccak

from bethna_cli.adapters.abi import REACTIONS, SHIPPED, refusal
from bethna_cli.domain.chain import Call
from bethna_cli.domain.errors import (
    ContractPaused,
    ContractRefused,
    InsufficientLiquidity,
    QuoteExpired,
    SlippageExceeded,
    SlippageTooHigh,
    TradingPaused,
)
from chain_places import embedded_node, in_process

ADDRESS = "0x" + "ab" * 20
SAMPLES: dict[str, Any] = {
    "address": ADDRESS,
    "uint256": 2**200 + 1,
    "uint8": 3,
    "int256": -4,
    "int64": -5,
    "int32": -6,
    "bytes32": b"\x07" * 32,
    "string": "too long a name",
}
SHOWN = {**SAMPLES, "bytes32": "0x" + "07" * 32}


def entries() -> dict[str, Any]:
    """Read the errors from the files, past the code under test."""
    found = {}
    for name in SHIPPED:
        document = json.loads(files("bethna_cli.artifacts").joinpath(f"contracts/{name}.json").read_text())
        found |= {abi_to_signature(one): one for one in document["abi"] if one["type"] == "error"}
    return found


ERRORS = entries()


@pytest.mark.parametrize("signature", ERRORS)
def test_each_error_of_the_contracts_arrives_with_its_name_and_its_values(signature: str):
    types = [one["type"] for one in ERRORS[signature]["inputs"]]
    data = keccak(text=signature)[:4] + encode(types, [SAMPLES[kind] for kind in types])

    error = refusal(data)

    assert isinstance(error, ContractRefused)
    assert error.name == signature.partition("(")[0]
    assert error.arguments == {one["name"]: SHOWN[one["type"]] for one in ERRORS[signature]["inputs"]}


def test_slippage_arrives_with_the_minimum_and_what_there_was():
    data = keccak(text="SlippageExceeded(uint256,uint256)")[:4] + encode(["uint256", "uint256"], [990_000, 870_123])
    chain = in_process(embedded_node())
    raising = bytes([0x60, len(data), 0x60, 12, 0x60, 0, 0x39, 0x60, len(data), 0x60, 0, 0xFD]) + data

    with pytest.raises(SlippageExceeded) as error:
        chain.run(lambda client: client.call(Call(None, raising)))

    assert (error.value.minimum, error.value.got) == (990_000, 870_123)
    assert "minOut=990000, got=870123" in error.value.message
    assert isinstance(error.value, SlippageTooHigh)


@pytest.mark.parametrize(
    ("signature", "types", "reaction"),
    [
        ("EnforcedPause()", [], ContractPaused),
        ("ExitsArePaused()", [], TradingPaused),
        ("DeadlineExpired(uint256)", ["uint256"], QuoteExpired),
        ("OrderExpired(uint256)", ["uint256"], QuoteExpired),
        ("ExceedsMakerSize(uint256,uint256)", ["uint256", "uint256"], InsufficientLiquidity),
    ],
)
def test_what_callers_treat_alike_shares_a_class(signature, types, reaction):
    data = keccak(text=signature)[:4] + encode(types, [5] * len(types))

    assert isinstance(refusal(data), reaction)


def test_every_reaction_names_an_error_that_a_contract_really_has():
    known = {signature.partition("(")[0] for signature in ERRORS}

    assert {name for names in REACTIONS.values() for name in names} - known == set()


def test_a_reason_from_a_contract_is_printed_as_plain_characters():
    data = bytes.fromhex("08c379a0") + encode(["string"], ["\x1b[2Jsend all\r\nto " + "x" * 500])

    reason = refusal(data).arguments["reason"]

    assert isinstance(reason, str)
    assert reason.isprintable()
    assert len(reason) <= 120


@pytest.mark.parametrize("tail", [b"", b"\xff" * 31, b"\xff" * 64])
def test_an_error_with_the_wrong_length_keeps_its_name(tail: bytes):
    error = refusal(keccak(text="NotAuthorized(address)")[:4] + tail)

    assert error.name == "NotAuthorized"
    assert set(error.arguments) == {"data"}
