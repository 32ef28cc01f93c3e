"""Which venue a trade goes through: the router of one's own contract, or the order book itself; and who confirms it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bethna_cli.adapters.abi import checksummed, code_hash
from bethna_cli.adapters.sim.rpc_server import rpc_app
from bethna_cli.bootstrap.chain import trading_pins
from bethna_cli.bootstrap.market import live_venue
from bethna_cli.domain.embedded import EMBEDDED_VENUE, PUBLIC_BOOK
from bethna_cli.domain.venue import BASE_R12
from bethna_cli.execution.direct import EXPERIMENTAL
from bethna_cli.settings import load_settings
from chain_places import OWNER, STRANGER, Place, embedded_node, in_process, served

BASE_SEPOLIA = 84_532


def answer(run: Any) -> Any:
    return json.loads(run.stdout)


# ── in the embedded world ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_world_that_quotes_for_the_book_is_bought_from_directly_and_says_what_that_is(bethna_here):
    assert bethna_here("sim", "up", "--venue", "book", "--detach", "--json").returncode == 0
    try:
        proposed = answer(
            bethna_here("buy", "eth-call", "--strike", "3000", "--expiry", "7d", "--amount", "50", "--json")
        )
        receipt = answer(bethna_here("approve", proposed["id"], "--yes", "--json"))
        other = bethna_here("sim", "up", "--venue", "token", "--json")
        again = bethna_here("approve", proposed["id"], "--yes", "--json")
        (position,) = answer(bethna_here("positions", "--json"))
        sold = bethna_here("close", position["id"], "--yes", "--json")
    finally:
        bethna_here("sim", "down")

    card = {line["label"]: line["value"] for line in receipt["card"]}
    assert (receipt["complete"], receipt["contract"], receipt["allowance_left"]) == (True, PUBLIC_BOOK, 0.0)
    assert receipt["usdc_spent"] == receipt["trades"][0]["amount_in"] <= 50.0
    assert (card["Caution"], receipt["exits"]) == (EXPERIMENTAL, [])
    assert other.returncode == 0
    assert again.returncode == 3
    assert position["cost_usdc"] == receipt["usdc_spent"]
    assert (sold.returncode, "a role, not a token" in answer(sold)["error"]["message"]) == (3, True)


# ── on a real network ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def sepolia(monkeypatch, home: Path) -> Iterator[tuple[Place, str, str]]:
    """A chain with the id of Base Sepolia, on which the person has a confirmed contract with its router."""
    node = embedded_node(chain_id=BASE_SEPOLIA)
    place = in_process(node)
    usdc = place.usdc()
    monkeypatch.setattr("bethna_cli.domain.chain.USDC_ADDRESSES", {"base-sepolia": usdc, "base": BASE_R12.usdc})
    oracle = place.deployed("DevelopmentPriceOracle", OWNER)
    router = place.deployed("ThetanutsTokenRouter", usdc, oracle, OWNER)
    trader = place.deployed("SentientTrader", usdc, [router], OWNER, STRANGER)
    (living,) = place.run(lambda client: client.accounts([trader]))
    confirmed = home / "config.toml"
    confirmed.touch(mode=0o600)
    confirmed.write_text(f'trader_base_sepolia = "{trader}@{code_hash(living.code)}"\n')
    with served(rpc_app(node)) as url:
        yield place, url, router


def test_the_router_of_a_confirmed_contract_is_shown_and_not_pinned_without_a_person(
    bethna_here, sepolia, monkeypatch, home: Path
):
    place, url, router = sepolia
    monkeypatch.setenv("BETHNA_RPC_URL", url)

    run = bethna_here("contract", "venue", "--network", "base-sepolia", "--json")

    (living,) = place.run(lambda client: client.accounts([router]))
    assert run.returncode == 0
    assert (answer(run)["contract"], answer(run)["code_hash"]) == (checksummed(router), code_hash(living.code))
    assert "router_base_sepolia" not in (home / "config.toml").read_text()


def test_a_venue_whose_code_has_changed_since_it_was_confirmed_is_refused(
    bethna_here, sepolia, monkeypatch, home: Path
):
    _, url, router = sepolia
    monkeypatch.setenv("BETHNA_RPC_URL", url)
    with (home / "config.toml").open("a") as confirmed:
        confirmed.write(f'router_base_sepolia = "{router}@0x{"12" * 32}"\n')

    run = bethna_here("contract", "venue", "--network", "base-sepolia", "--json")

    assert run.returncode == 4
    assert (answer(run)["error"]["code"], "code hash" in answer(run)["error"]["message"]) == ("contract_mismatch", True)


def test_with_contract_and_router_confirmed_trades_go_through_them_and_their_makers(sepolia, home: Path):
    _, _, router = sepolia
    with (home / "config.toml").open("a") as confirmed:
        confirmed.write(f'router_base_sepolia = "{router}@0x{"12" * 32}"\nnetwork = "base-sepolia"\n')
    settings = load_settings({}, {"BETHNA_HOME": str(home)})

    pins, venue = trading_pins(settings), live_venue(settings)

    assert (pins.chain_id, pins.contract, pins.router) == (BASE_SEPOLIA, settings.trader_pin[0], router)
    assert (venue.chain_id, venue.book, venue.usdc) == (BASE_SEPOLIA, router, pins.usdc)
    assert pins.implementations == frozenset(EMBEDDED_VENUE.implementations)
    assert not pins.fills_book


def test_on_base_the_confirmed_book_is_filled_directly(home: Path):
    confirmed = home / "config.toml"
    confirmed.touch(mode=0o600)
    confirmed.write_text(f'book_base = "{BASE_R12.book}@0x{"34" * 32}"\nnetwork = "base"\nvenue = "book"\n')
    settings = load_settings({}, {"BETHNA_HOME": str(home)})

    pins = trading_pins(settings)

    assert (pins.chain_id, pins.contract, pins.router, pins.code_hash) == (8453, *[BASE_R12.book] * 2, "0x" + "34" * 32)
    assert (pins.fills_book, pins.watcher) == (True, None)
    assert live_venue(settings) is BASE_R12


@pytest.mark.parametrize("venue", ["token", "book"])
def test_a_venue_that_nobody_confirmed_is_not_traded_through(bethna_here, home: Path, venue):
    from bethna_cli.domain.errors import ConfigurationError

    settings = load_settings({"network": "base", "venue": venue}, {"BETHNA_HOME": str(home)})

    with pytest.raises(ConfigurationError) as refused:
        trading_pins(settings)
    assert refused.value.hint == f"bethna contract venue --venue {venue} --network base"


@pytest.mark.parametrize("key", ["router_base", "router_base_sepolia", "book_base"])
def test_no_variable_and_no_command_confirms_a_venue(bethna_here, monkeypatch, key):
    typed = bethna_here("config", "set", key, f"{STRANGER}@0x{'12' * 32}", "--json")
    monkeypatch.setenv(f"BETHNA_{key.upper()}", f"{STRANGER}@0x{'12' * 32}")
    given = bethna_here("market", "ETH", "--json")

    assert (typed.returncode, given.returncode) == (2, 4)


def test_there_is_no_book_on_base_sepolia(bethna_here, sepolia, monkeypatch):
    _, url, _ = sepolia
    monkeypatch.setenv("BETHNA_RPC_URL", url)

    run = bethna_here("contract", "venue", "--venue", "book", "--network", "base-sepolia", "--json")

    assert run.returncode == 4
    assert "no order book" in answer(run)["error"]["message"]
