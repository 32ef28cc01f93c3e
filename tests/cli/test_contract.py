"""`bethna contract` against a served embedded chain with the contracts that every embedded world has."""

import json
import os
import pty
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cli_process import START

from bethna_cli.adapters.abi import artifact, checksummed, code_hash
from bethna_cli.adapters.rpc import RpcLimits
from bethna_cli.adapters.sim.deployment import ALLOCATION, deploy
from bethna_cli.adapters.sim.evm import DEFAULT_CHAIN_ID
from bethna_cli.adapters.sim.rpc_server import rpc_app
from bethna_cli.domain.chain import CHAIN_IDS
from bethna_cli.domain.embedded import EMBEDDED_CHAIN_ID, PUBLIC_ACCOUNTS, PUBLIC_CONTRACTS
from chain_places import CHAIN_ID, Place, embedded_node, in_process, served
from chain_places import OWNER as TESTER

TRADER, ROUTER, USDC = (PUBLIC_CONTRACTS[name] for name in ("trader", "router", "usdc"))
WALLET, OWNER, GUARDIAN = (PUBLIC_ACCOUNTS[role] for role in ("throwaway_wallet", "owner", "guardian"))
STRANGER = "0x" + "99" * 20
BASE_SEPOLIA = 84_532


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for the chain however busy this machine is: a deployment is half a million steps of py-evm."""
    for place in ("rpc", "rpc_transport"):
        monkeypatch.setattr(f"bethna_cli.adapters.{place}.RpcLimits", lambda: RpcLimits(budget_s=90.0))


@pytest.fixture(scope="module")
def begun() -> Any:
    node = embedded_node(allocation=ALLOCATION)
    deploy(node.chain)
    return node


@pytest.fixture(scope="module")
def served_url(begun: Any) -> Iterator[str]:
    with served(rpc_app(begun)) as url:
        yield url


@pytest.fixture
def world(begun: Any) -> Iterator[Any]:
    """The chain as it was begun, and again after the test."""
    untouched = begun.chain.snapshot()
    yield begun
    begun.chain.revert(untouched)


@pytest.fixture
def chain(world: Any) -> Place:
    return in_process(world)


@pytest.fixture
def rpc_url(world: Any, served_url: str) -> str:
    return served_url


@pytest.fixture
def contract(bethna_here: Any, rpc_url: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run `bethna contract WORDS…` against the served chain."""
    monkeypatch.setenv("BETHNA_RPC_URL", rpc_url)
    return lambda *words: bethna_here("contract", *words)


def answer(run: Any) -> Any:
    return json.loads(run.stdout)


def test_the_networks_name_the_chains_that_they_are():
    assert CHAIN_IDS == {"sim": DEFAULT_CHAIN_ID, "base": 8453, "base-sepolia": BASE_SEPOLIA}
    assert DEFAULT_CHAIN_ID == EMBEDDED_CHAIN_ID == CHAIN_ID


# ── status ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_status_shows_roles_routers_switches_and_balances(contract):
    state = answer(contract("status", "--json"))

    assert state["simulated"] is True
    assert (state["contract"], state["owner"]) == (checksummed(TRADER), checksummed(OWNER))
    assert (state["guardian"], state["usdc"]) == (checksummed(GUARDIAN), checksummed(USDC))
    assert (state["paused"], state["exits_paused"]) == (False, False)
    assert (state["balance_usdc"], state["balance_wei"]) == ("0", "0")
    assert state["routers"] == [
        {"address": checksummed(ROUTER), "listing": "active", "default": True, "code_unchanged": True}
    ]
    assert (state["pinned"], state["rpc_endpoints"]) == (False, 1)


def test_status_says_that_one_endpoint_is_not_checked_by_another(contract):
    assert "One RPC endpoint" in contract("status").stdout


def test_a_place_without_a_contract_is_said_to_be_one(contract):
    run = contract("status", STRANGER, "--json")

    assert run.returncode == 4
    assert answer(run)["error"]["code"] == "contract_mismatch"


def test_a_contract_of_another_kind_is_not_taken_for_one_of_ours(contract):
    run = contract("verify", USDC, "--json")

    assert run.returncode == 4
    assert answer(run)["error"]["code"] == "contract_mismatch"


@pytest.mark.parametrize("typed", ["0x123", "hello", checksummed(TRADER).replace("b", "B", 1)])
def test_an_address_with_a_typing_error_is_wrong_usage(contract, typed):
    assert contract("status", typed).returncode == 2


def test_the_wrong_chain_is_named_and_exits_4(contract):
    run = contract("status", TRADER, "--network", "base", "--json")

    assert run.returncode == 4
    assert answer(run)["error"]["code"] == "wrong_chain"


def test_without_a_served_world_the_hint_is_to_serve_one(bethna_here):
    run = bethna_here("contract", "status", "--json")

    assert run.returncode == 6
    assert answer(run)["error"]["hint"] == "bethna sim up --detach"


def test_without_an_endpoint_a_real_network_asks_for_one(bethna_here):
    run = bethna_here("contract", "status", "--network", "base")

    assert run.returncode == 4
    assert "bethna config set rpc_url" in run.stderr


# ── verify ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_verify_finds_nothing_wrong_with_the_contract_of_this_release(contract):
    found = answer(contract("verify", "--owner", OWNER, "--json"))

    assert {one["what"]: one["ok"] for one in found["findings"]} == {one["what"]: True for one in found["findings"]}
    assert {"code", "signing domain", "owner", "default router code"} <= {one["what"] for one in found["findings"]}


def test_verify_exits_4_and_names_what_differs(contract):
    contract("pause")

    run = contract("verify", "--owner", WALLET)

    assert run.returncode == 4
    assert "owner, buys paused" in run.stderr


def test_nothing_is_pinned_without_a_person_at_a_terminal(contract, home: Path):
    run = contract("verify")

    assert run.returncode == 0
    assert "takes a person at a terminal" in run.stderr
    assert not (home / "config.toml").exists()


def at_a_terminal(environment: dict[str, str], typed: str, *words: str) -> tuple[int, str]:
    """Run bethna on a terminal of its own, type, and return the exit code and what was shown."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen([*START, *words], stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    os.write(ours, typed.encode())
    shown = bytearray()
    while True:
        try:
            part = os.read(ours, 4096)
        except OSError:  # the other end has closed
            break
        if not part:
            break
        shown += part
    os.close(ours)
    return process.wait(60), shown.decode()


def test_the_last_digits_of_the_code_hash_pin_address_and_code(contract, chain, environment, rpc_url, home: Path):
    (trader,) = chain.run(lambda client: client.accounts([TRADER]))
    living = code_hash(trader.code)
    env = {**environment, "BETHNA_RPC_URL": rpc_url}

    code, shown = at_a_terminal(env, f"{living[-4:]}\n", "contract", "verify")

    assert (code, "Pinned as trader_sim" in shown) == (0, True)
    assert (home / "config.toml").read_text() == f'trader_sim = "{TRADER}@{living}"\n'
    assert answer(contract("status", "--json"))["pinned"] is True


@pytest.mark.parametrize("typed", ["\n", "yes\n", "0000\n"])
def test_other_digits_pin_nothing(contract, environment, rpc_url, home: Path, typed):
    code, _ = at_a_terminal({**environment, "BETHNA_RPC_URL": rpc_url}, typed, "contract", "verify")

    assert code == 3
    assert not (home / "config.toml").exists()


def test_a_pinned_contract_with_other_code_is_noticed(contract, home: Path):
    (home / "config.toml").write_text(f'trader_sim = "{TRADER}@0x{"77" * 32}"\n')

    run = contract("verify")

    assert run.returncode == 4
    assert "code hash" in run.stderr


# ── deploy ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_deployed_contract_is_this_release_and_belongs_to_the_person(contract):
    deployed = answer(contract("deploy", "--guardian", GUARDIAN, "--json"))

    state = answer(contract("status", deployed["contract"], "--json"))
    verified = contract("verify", deployed["contract"], "--owner", WALLET)
    assert (state["this_release"], state["owner"]) == (True, checksummed(WALLET))
    assert state["guardian"] == checksummed(GUARDIAN)
    assert verified.returncode == 0


def test_a_venue_that_is_no_contract_is_refused_before_anything_is_sent(contract, chain):
    before = int(chain.ask("eth_getTransactionCount", WALLET, "latest"), 16)

    run = contract("deploy", "--router", STRANGER, "--json")

    assert run.returncode == 3
    assert "RouterNotAllowed" in answer(run)["error"]["message"]
    assert int(chain.ask("eth_getTransactionCount", WALLET, "latest"), 16) == before


def test_no_key_of_the_embedded_world_signs_for_somebody_else(contract):
    run = contract("deploy", "--from", STRANGER, "--json")

    assert run.returncode == 4
    assert "is no account of the embedded world" in answer(run)["error"]["message"]


def test_without_a_router_a_real_network_says_why_there_is_no_contract(bethna_here, monkeypatch):
    monkeypatch.setenv("BETHNA_RPC_URL", "http://127.0.0.1:9")

    run = bethna_here("contract", "deploy", "--network", "base", "--owner", WALLET)

    assert run.returncode == 4
    assert "There is no router on base" in run.stderr


@pytest.fixture
def sepolia() -> Iterator[tuple[Place, str]]:
    """An empty chain with the id of Base Sepolia, on which somebody has money."""
    node = embedded_node(chain_id=BASE_SEPOLIA)
    with served(rpc_app(node)) as url:
        yield in_process(node), url


def test_on_a_real_network_the_transaction_is_printed_unsigned_and_nothing_is_sent(bethna_here, sepolia, monkeypatch):
    chain, url = sepolia
    monkeypatch.setenv("BETHNA_RPC_URL", url)
    usdc = chain.usdc()
    router = chain.deployed("ThetanutsTokenRouter", usdc, usdc, TESTER)
    monkeypatch.setattr("bethna_cli.domain.chain.USDC_ADDRESSES", {"base-sepolia": usdc})

    run = bethna_here("contract", "deploy", "--network", "base-sepolia", "--router", router, "--owner", STRANGER)

    unsigned = answer(run)
    assert (unsigned["chainId"], unsigned["to"], unsigned["from"]) == (hex(BASE_SEPOLIA), None, checksummed(STRANGER))
    assert unsigned["data"].startswith("0x" + artifact("SentientTrader").creation_code.hex())
    assert int(unsigned["gas"], 16) > 3_000_000
    assert "Nothing was signed or sent" in run.stderr
    assert int(chain.ask("eth_getTransactionCount", STRANGER, "pending"), 16) == 0


# ── pause, unpause ────────────────────────────────────────────────────────────────────────────────────────────────


def test_pause_stops_buys_and_unpause_allows_them_again(contract):
    contract("pause")
    paused = answer(contract("status", "--json"))["paused"]
    contract("unpause")
    unpaused = answer(contract("status", "--json"))["paused"]

    assert (paused, unpaused) == (True, False)


def test_the_guardian_may_pause_and_not_unpause(contract):
    paused = contract("pause", "--from", GUARDIAN)
    unpaused = contract("unpause", "--from", GUARDIAN, "--json")

    assert (paused.returncode, unpaused.returncode) == (0, 3)
    assert answer(unpaused)["error"]["code"] == "caller_not_allowed"


def test_pausing_twice_says_that_it_is_paused(contract):
    contract("pause")

    assert answer(contract("pause", "--json"))["error"]["code"] == "contract_paused"
