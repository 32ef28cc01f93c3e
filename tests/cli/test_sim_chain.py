"""The served world's chain: where it is, that other commands see its market, and that it survives what stops it."""

import json
import os
import signal
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from bethna_cli.domain.embedded import EMBEDDED_CHAIN_ID, PUBLIC_ACCOUNTS, PUBLIC_CONTRACTS

Words = dict[str, Any]
MINED_S = 2


@pytest.fixture
def world(bethna):
    """Start a world in the background, stop it afterwards whatever happens, and return what it says of itself."""

    def start(*words: str) -> Words:
        shown = bethna("sim", "up", "--detach", "--json", *words)
        assert shown.returncode == 0, shown.stdout + shown.stderr
        return json.loads(shown.stdout)

    yield start
    bethna("sim", "down")


@pytest.fixture
def said(bethna_here) -> Callable[..., Any]:
    """Run a command and return its JSON."""

    def run(*words: str) -> Any:
        shown = bethna_here(*words, "--json")
        assert shown.returncode == 0, shown.stdout + shown.stderr
        return json.loads(shown.stdout)

    return run


def ask(status: Words, method: str, *params: object) -> Any:
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    return httpx.post(str(status["rpc_url"]), json=body, timeout=20).json()["result"]


def kill(status: Words) -> None:
    """Kill the serving process as the system does when memory runs out, and wait until it is gone."""
    os.kill(int(status["pid"]), signal.SIGKILL)
    deadline = time.monotonic() + 10
    while Path(f"/proc/{status['pid']}/cmdline").exists() and time.monotonic() < deadline:
        time.sleep(0.02)


def head(status: Words) -> Words:
    block: Words = ask(status, "eth_getBlockByNumber", "latest", False)
    return block


def unix(iso: str) -> float:
    return datetime.fromisoformat(iso).timestamp()


def test_the_status_names_where_the_chain_is_and_what_is_on_it(world, said):
    world()

    status = said("sim", "status")

    assert status["rpc_url"] == status["market_url"] + "/rpc"
    assert status["ws_url"] == status["rpc_url"].replace("http", "ws")
    assert status["chain_id"] == EMBEDDED_CHAIN_ID == int(ask(status, "eth_chainId"), 16)
    assert status["addresses"] == {**PUBLIC_CONTRACTS, **PUBLIC_ACCOUNTS}
    for name in PUBLIC_CONTRACTS:
        assert len(ask(status, "eth_getCode", status["addresses"][name], "latest")) > 2


def test_the_chains_clock_is_the_markets_and_moves_with_it(world, said):
    started = world("--at", "2026-11-23T12:00Z")
    height = int(head(started)["number"], 16)

    moved = said("sim", "advance", "6h")

    block = head(moved)
    assert int(block["number"], 16) > height
    assert unix("2026-11-23T18:00:00Z") <= int(block["timestamp"], 16) <= unix(moved["time"]) + 10


def test_commands_look_at_the_served_world_at_its_time_without_being_told_where_it_is(world, said):
    world("--at", "2027-01-15T12:00Z", "--seed", "5")

    market = said("market", "ETH")
    strategies = said("strategies", "eth-call")

    assert market["taken_at"].startswith("2027-01-15T12:")
    assert {market[part]["status"] for part in ("spot", "options", "funding", "history")} == {"ok"}
    assert all(quote["expiry"] > "2027-01-15" for quote in strategies)
    assert strategies


def test_what_strategies_shows_is_what_the_maker_has_signed_for_the_books_chain(world, said):
    status = world("--at", "2026-11-23T12:00:05Z")
    feed = httpx.get(f"{status['market_url']}/thetanuts/orders").json()["data"]["orders"]

    shown = said("strategies", "eth-call")

    asks = {
        (row["order"]["ticker"], int(row["order"]["price"]))
        for row in feed
        if not row["order"]["isLong"] and len(row["signature"]) == 132 and row["chainId"] == EMBEDDED_CHAIN_ID
    }
    assert shown
    assert {(quote["ticker"], round(float(quote["price_usd"]) * 10**8)) for quote in shown} <= asks


def test_a_seed_or_a_moment_of_ones_own_is_another_world_than_the_served_one(world, said):
    world("--at", "2027-01-15T12:00Z", "--seed", "5")

    assert said("market", "ETH", "--at", "2026-03-04T12:00Z")["taken_at"].startswith("2026-03-04T12:00")
    assert not said("market", "ETH", "--seed", "6")["taken_at"].startswith("2027")


def test_a_server_file_that_was_left_behind_does_not_hide_the_market(world, said, home):
    status = world()
    folder = home / "data" / "sim"
    kill(status)
    kept = json.loads((folder / "server.json").read_text())
    # The process id is somebody else's by now: here, this test's.
    (folder / "server.json").write_text(json.dumps(kept | {"pid": os.getpid()}))

    assert said("market", "ETH")["spot"]["status"] == "ok"
    (folder / "server.json").unlink()


def test_a_killed_world_goes_on_with_its_clock_and_its_chain(world, said, home):
    started = world("--seed", "5")
    moved = said("sim", "advance", "2d")
    before = head(moved)
    kill(started)

    again = world("--seed", "5")

    assert again["time"] >= moved["time"]
    assert ask(again, "eth_getBlockByNumber", before["number"], False)["hash"] == before["hash"]
    assert int(head(again)["timestamp"], 16) >= int(before["timestamp"], 16)
    assert sorted(path.name for path in (home / "data" / "sim").iterdir() if path.suffix == ".new") == []


@pytest.mark.parametrize("after_s", [0.6, 1.2])
def test_a_start_that_is_killed_half_way_can_be_started_again(bethna, home, environment, after_s, world):
    import subprocess

    from cli_process import START

    child = subprocess.Popen([*START, "sim", "up", "--at", "2026-11-23T12:00Z"], env=environment)
    time.sleep(after_s)
    child.kill()
    child.wait()

    status = world("--at", "2026-11-23T12:00:30Z")

    usdc = "0x70a08231" + status["addresses"]["throwaway_wallet"][2:].rjust(64, "0")
    balance = ask(status, "eth_call", {"to": status["addresses"]["usdc"], "data": usdc}, "latest")
    assert int(balance, 16) == 10_000 * 10**6
    assert abs(int(head(status)["timestamp"], 16) - unix(status["time"])) <= 20


def test_a_forgotten_world_begins_a_new_chain(world, said, bethna_here):
    first = world()
    said("sim", "advance", "1d")
    genesis = ask(first, "eth_getBlockByNumber", "0x0", False)
    bethna_here("sim", "down")
    assert bethna_here("sim", "reset").returncode == 0

    anew = world("--at", "2027-02-01T12:00Z")

    assert ask(anew, "eth_getBlockByNumber", "0x0", False)["timestamp"] != genesis["timestamp"]
    assert anew["addresses"] == first["addresses"]


def test_the_chains_file_is_its_owners_alone_and_sound_after_a_kill(world, home):
    status = world()
    kill(status)

    path = home / "data" / "sim" / "chain.db"
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert path.stat().st_mode & 0o077 == 0


def test_a_replayed_world_has_no_chain(world, market_data_dir):
    status = world("--replay", str(market_data_dir), "--at", "2026-05-05T15:30Z")

    assert not {"rpc_url", "ws_url", "chain_id", "addresses"} & status.keys()


def test_a_kept_world_that_cannot_be_read_stops_its_server_and_no_other_command(said, bethna_here, home):
    folder = home / "data" / "sim"
    folder.mkdir(parents=True, mode=0o700)
    (folder / "world.json").write_text("{")

    assert said("market", "ETH")["spot"]["status"] == "ok"
    refused = bethna_here("sim", "up", "--json")
    assert (refused.returncode, json.loads(refused.stdout)["error"]["hint"]) == (4, "bethna sim reset")
