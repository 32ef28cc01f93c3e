"""The compiled contracts in the package: complete and deployable.

That they are what the sources beside them compile to is checked in contracts/ (`npm run check`).
"""

import json
from importlib.resources import files

import pytest

SHIPPED = ("SentientTrader", "ThetanutsTokenRouter", "OptionSeries", "DevelopmentUSDC", "DevelopmentPriceOracle")
LARGEST_CODE_BYTES = 24_576


def load(name: str) -> dict:
    return json.loads(files("bethna_cli.artifacts.contracts").joinpath(f"{name}.json").read_text())


def events(name: str) -> dict[str, list[tuple[str, str, bool]]]:
    entries = [entry for entry in load(name)["abi"] if entry["type"] == "event"]
    return {e["name"]: [(i["name"], i["type"], i["indexed"]) for i in e["inputs"]] for e in entries}


@pytest.mark.parametrize("name", SHIPPED)
def test_every_contract_fits_the_size_that_chains_accept(name: str):
    assert 0 < len(bytes.fromhex(load(name)["deployedBytecode"][2:])) <= LARGEST_CODE_BYTES


@pytest.mark.parametrize("name", SHIPPED)
def test_immutables_are_zero_in_the_shipped_code_and_lie_inside_it(name: str):
    code = bytes.fromhex(load(name)["deployedBytecode"][2:])

    ranges = load(name)["immutableRanges"]

    assert [code[start : start + length] for start, length in ranges] == [bytes(length) for _, length in ranges]
    assert all(start + length <= len(code) for start, length in ranges)


@pytest.mark.parametrize("name", ["OptionPurchased", "OptionSold"])
def test_trades_are_announced_in_the_form_that_indexers_know(name: str):
    assert events("SentientTrader")[name] == [
        ("user", "address", True),
        ("optionToken", "address", True),
        ("amountIn", "uint256", False),
        ("amountOut", "uint256", False),
        ("timestamp", "uint256", False),
    ]
