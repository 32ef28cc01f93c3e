"""From yes to receipt as people and scripts do it: terminals, a signer's process, a served world, a store on disk."""

import io
import json
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pexpect
import pytest
from cli_process import environment_at, run_here
from own_wallet import OWN, PASSWORD, TRADER, USDC, asked, at_terminal, fund, read, type_code_and_password

from bethna_cli.adapters.abi import artifact
from bethna_cli.adapters.sql import SqliteLedger
from bethna_cli.bootstrap import chain
from bethna_cli.domain.documents import recommendation_document
from bethna_cli.domain.embedded import PUBLIC_ACCOUNTS, PUBLIC_CONTRACTS
from bethna_cli.domain.market import Origin
from bethna_cli.domain.recommendation import Recommendation
from bethna_cli.flow import approve as approving
from cards import hold, recommendation

ROUTER = PUBLIC_CONTRACTS["router"]
WALLET = PUBLIC_ACCOUNTS["throwaway_wallet"]
NAME = "0123456789abcdef"
MINED_OR_LATER = {"MINED", "SAFE", "FINAL"}


class World:
    """A home whose world is served: run `bethna WORDS… --json` there, or start bethna at a terminal."""

    def __init__(self, home: Path) -> None:
        home.chmod(0o700)
        self.home, self.environment = home, environment_at(home)

    def __call__(self, *words: str, code: int = 0) -> Any:
        done = run_here(self.environment, *words, "--json")
        assert done.returncode == code, done.stdout + done.stderr
        return json.loads(done.stdout)

    def terminal(self, *words: str) -> pexpect.spawn:
        return at_terminal(self.environment, *words)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The world that these tests share; each looks at what it changed itself."""
    shared = World(tmp_path_factory.mktemp("shared"))
    shared("sim", "up", "--detach")
    yield shared
    shared("sim", "down")


@pytest.fixture(scope="module")
def own_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world where an encrypted wallet of the person's own, with money, is in use."""
    shared = World(tmp_path_factory.mktemp("own"))
    fund(shared, shared.environment)
    yield shared
    shared("sim", "down")


def units(amount: float) -> int:
    """Read an amount of our JSON as base units."""
    return round(amount * 1_000_000)


def something_to_buy(world: World, budget: int = 50) -> str:
    """Ask Alpha; when it says HOLD, choose the trade it would have refused."""
    answer = world("recommend", "ETH", "--bullish", "--budget", str(budget))
    if answer["signal"] != "HOLD":
        return str(answer["id"])
    return str(world(*answer["buy_line"].split()[1:])["id"])


def made(world: World) -> dict[str, Any]:
    """The journal's trades by their id."""
    return {trade["id"]: trade for trade in world("trades")}


def new_since(world: World, known: dict[str, Any]) -> list[Any]:
    return [trade for name, trade in made(world).items() if name not in known]


# ── the whole journey ─────────────────────────────────────────────────────────────────────────────────────────────


def test_a_script_buys_what_was_recommended_and_follows_it_until_it_is_final(world):
    name = something_to_buy(world)
    known, before = made(world), read(world, USDC, "balanceOf", WALLET)

    receipt = world("approve", name, "--yes")
    (trade,) = new_since(world, known)
    recovered = {one["id"]: one["state"] for one in world("recover")}

    token = trade["option_token"]
    paid, received = units(trade["amount_in"]), units(trade["amount_out"])
    assert trade["state"] in MINED_OR_LATER
    assert recovered[trade["id"]] == world("trades", trade["id"][:10])["state"] == "FINAL"
    assert before - read(world, USDC, "balanceOf", WALLET) == units(receipt["usdc_spent"]) == paid > 0
    assert read(world, token, "balanceOf", WALLET) == received > 0
    left = [read(world, one, "balanceOf", place) for one in (USDC, token) for place in (TRADER, ROUTER)]
    assert left == [0, 0, 0, 0]
    assert (read(world, USDC, "allowance", WALLET, TRADER), read(world, USDC, "allowance", TRADER, ROUTER)) == (0, 0)


def test_what_was_bought_is_neither_bought_again_nor_rejected(world):
    name = something_to_buy(world, budget=51)
    world("approve", name, "--yes")
    known, before = made(world), read(world, USDC, "balanceOf", WALLET)

    refused = [world(*words, code=3)["error"]["hint"] for words in (("approve", name, "--yes"), ("reject", name))]

    assert refused == ["bethna trades"] * 2
    assert (new_since(world, known), read(world, USDC, "balanceOf", WALLET)) == ([], before)


def test_a_store_that_lost_and_mixed_things_up_is_rebuilt_from_the_chain_byte_for_byte(world):
    world("approve", something_to_buy(world, budget=57), "--yes")
    world("recover")  # what is known up to the newest block is not read again by itself

    def positions(*damage: str) -> list[tuple[object, ...]]:
        with closing(sqlite3.connect(world.home / "data" / "sim.db")) as db, db:
            for statement in damage:
                db.execute(statement)
            return db.execute("select * from positions order by transaction_hash, ordinal").fetchall()

    before = positions()
    damaged = positions("delete from chain_events", "update positions set cost = cost + 1")
    rebuilt = world("db", "rebuild")

    assert positions() == before != damaged
    assert rebuilt["positions"] == len(before) > 0
    assert rebuilt["blocks"][0] < rebuilt["blocks"][1]


def test_a_straddle_is_one_yes_and_two_purchases(world):
    offers = world("strategies", "eth-call")
    strike = min(offers, key=lambda offer: abs(offer["delta"] - 0.5))
    words = ("--strike", f"{strike['strike']:g}", "--expiry", strike["expiry"], "--amount", "100")
    name = world("buy", "eth-straddle", *words)["id"]

    receipt = world("approve", name, "--yes")

    assert [trade["state"] in MINED_OR_LATER for trade in receipt["trades"]] == [True, True]
    assert units(receipt["usdc_spent"]) == sum(units(trade["amount_in"]) for trade in receipt["trades"])
    assert receipt["allowance_left"] == read(world, USDC, "allowance", WALLET, TRADER) == 0
    assert len({trade["option_token"] for trade in receipt["trades"]}) == 2


def test_a_dry_run_shows_checks_and_calldata_and_leaves_no_trace(world):
    world("watch", "key")  # whose exits the card offers
    name = something_to_buy(world, budget=52)
    known, permits = made(world), read(world, USDC, "nonces", WALLET)

    shown = world("approve", name, "--dry-run")

    assert len(shown["chances"]) == len(shown["exits"]) / 2 > 0
    assert (shown["refused"], "fail" in {check["verdict"] for check in shown["checks"]}) == (None, False)
    purchase, selector = shown["calls"][0], artifact("SentientTrader").function("executeTradeWithPermit").selector.hex()
    assert (purchase["to"], purchase["data"][:10]) == (TRADER, "0x" + selector)
    assert (new_since(world, known), read(world, USDC, "nonces", WALLET)) == ([], permits)
    for odds, stop, goal in zip(shown["chances"], shown["exits"][::2], shown["exits"][1::2], strict=True):
        assert odds["stopped"] + odds["goal"] + odds["neither"] == pytest.approx(1, abs=2e-4)
        # Without drift the mark is worth what its exits are: half of the cost, double of it, or something in between.
        paid = (stop["trigger_usdc"] * 2 + goal["trigger_usdc"] / 2) / 2
        ends = odds["stopped"] * stop["trigger_usdc"] + odds["goal"] * goal["trigger_usdc"]
        assert 0.85 * paid < ends + odds["neither"] * paid < 1.1 * paid


# ── a person at a terminal ────────────────────────────────────────────────────────────────────────────────────────


def test_a_person_reads_the_card_types_its_code_and_owns_the_option(world):
    name, known = something_to_buy(world, budget=53), made(world)

    screen = world.terminal("approve", name)
    screen.expect(r"To buy, type ([0-9a-f]{4}); anything else is a no")
    card = screen.before
    assert "just wanders until" in card
    screen.sendline(screen.match[1])
    screen.expect("Next: bethna trades")
    screen.expect(pexpect.EOF)

    (trade,) = new_since(world, known)
    assert [words in card for words in ("fair value", trade["id"], trade["option_token"])] == [True, True, True]
    assert read(world, trade["option_token"], "balanceOf", WALLET) >= units(trade["amount_out"]) > 0


def test_an_answer_that_is_not_the_plans_code_is_a_no(world):
    name, known = something_to_buy(world, budget=54), made(world)

    for answer in ("y", "yes", "", "YES PLEASE"):
        screen = world.terminal("approve", name)
        screen.expect("To buy, type")
        screen.sendline(answer)
        screen.expect("nothing was signed")
        screen.expect(pexpect.EOF)
        screen.close()
        assert (screen.exitstatus, new_since(world, known)) == (3, [])


def test_an_enter_typed_ahead_is_no_answer_and_an_interruption_leaves_nothing_behind_and_says_so(world):
    world("recover")  # what others bought is final then, and no part of the answer
    known = made(world)

    screen = world.terminal("approve", something_to_buy(world, budget=55))
    screen.sendline("")
    screen.expect("anything else is a no")
    screen.sendintr()
    screen.expect("Interrupted; nothing is on its way")
    screen.expect(pexpect.EOF)
    screen.close()

    assert (screen.exitstatus, new_since(world, known)) == (130, [])


def test_an_own_wallet_asks_for_the_code_and_then_for_its_password(own_world):
    known = made(own_world)

    screen = own_world.terminal("approve", something_to_buy(own_world))
    type_code_and_password(screen, "To buy")
    screen.expect("Next: bethna trades")
    screen.expect(pexpect.EOF)

    (trade,) = new_since(own_world, known)
    assert trade["user"] == OWN
    assert read(own_world, trade["option_token"], "balanceOf", OWN) == units(trade["amount_out"])
    assert read(own_world, USDC, "allowance", OWN, TRADER) == 0


def test_an_own_wallet_gives_the_watcher_gas_once_the_amount_and_its_password_are_typed(own_world):
    watcher, held = own_world("watch", "key")["address"], []
    for answer in ("y", "0.001"):
        screen = own_world.terminal("watch", "fund", "0.001")
        screen.expect("To send it, type 0.001; anything else is a no")
        screen.sendline(answer)
        if answer == "0.001":
            screen.expect("Password of mine")
            screen.sendline(PASSWORD)
            screen.expect("The watcher has 0.001 ETH now")
        screen.expect(pexpect.EOF)
        held.append(int(asked(own_world, "eth_getBalance", watcher, "latest"), 16))

    assert held == [0, 10**15]


def test_a_wrong_password_signs_nothing(own_world):
    known = made(own_world)

    screen = own_world.terminal("approve", something_to_buy(own_world, budget=51))
    type_code_and_password(screen, "To buy", password="not the password")
    screen.expect(pexpect.EOF)
    screen.close()

    assert (screen.exitstatus, new_since(own_world, known)) == (4, [])
    assert "not the password" not in screen.before


# ── what cannot be approved ───────────────────────────────────────────────────────────────────────────────────────


def stored(home: Path, answer: Recommendation, store: str = "sim") -> str:
    (home / "data").mkdir(mode=0o700, exist_ok=True)
    ledger = SqliteLedger.open(home / "data" / f"{store}.db")
    ledger.add_recommendation(answer.id, answer.created_at, recommendation_document(answer))
    ledger.close()
    return answer.id


def refused(run: Any) -> tuple[int, str, str]:
    error = json.loads(run.stdout)["error"]
    return run.returncode, error["message"], error["hint"]


def test_there_is_nothing_to_approve_in_a_hold(bethna_here, home):
    code, message, hint = refused(bethna_here("approve", stored(home, hold()), "--yes", "--json"))

    assert (code, "HOLD" in message, hint) == (3, True, hold().buy_line)


def test_what_was_replayed_cannot_be_bought(bethna_here, home):
    name = stored(home, recommendation(Origin.REPLAY), "replay")

    code, message, _ = refused(bethna_here("approve", name, "--yes", "--json"))

    assert (code, "recorded history" in message) == (3, True)


def test_what_nobody_recommended_is_not_found(bethna_here):
    assert refused(bethna_here("approve", "fedcba98", "--yes", "--json"))[0] == 6


def test_a_recommendation_stands_for_a_quarter_of_an_hour(world):
    now = datetime.now(UTC)
    old = replace(recommendation(), id="aaaa" + NAME[4:], created_at=now - timedelta(minutes=16))
    young = replace(recommendation(), id="bbbb" + NAME[4:], created_at=now - timedelta(minutes=14))

    messages = [
        world("approve", stored(world.home, answer), "--yes", code=3)["error"]["message"] for answer in (old, young)
    ]

    assert messages == [
        "The recommendation is 16 min old; it stands for 15.",
        "ETH-12MAY26-3200-C is not on offer any more.",
    ]


def test_a_rejection_is_kept_with_its_reason_and_holds(world):
    name, known = something_to_buy(world, budget=56), made(world)

    said = world("reject", name, "--reason", "too dear for me")

    assert (said["answer"], said["reason"]) == ("REJECTED", "too dear for me")
    assert world("approve", name, "--yes", code=3)["error"]["message"] == "You rejected it."
    assert new_since(world, known) == []


def test_the_journal_knows_no_trade_that_was_never_made(bethna_here):
    assert json.loads(bethna_here("trades", "--json").stdout) == []
    assert json.loads(bethna_here("recover", "--json").stdout) == []
    assert refused(bethna_here("trades", "0xabcdef", "--json"))[0] == 6


# ── consent ───────────────────────────────────────────────────────────────────────────────────────────────────────

HINTS = (
    {},
    {"CI": "true"},
    {"GITHUB_ACTIONS": "true"},
    {"PYTEST_CURRENT_TEST": "test_yes (call)"},
    {"BETHNA_YES": "1"},
    {"BETHNA_ASSUME_YES": "true"},
    {"BETHNA_CONSENT": "yes"},
    {"BETHNA_INTERACTIVE": "0", "PYTHONINTERACTIVE": "1"},
    {"BETHNA_TEST": "1", "BETHNA_TESTING": "1"},
    {"BETHNA_POLICY": "max-per-trade=1000000"},
    {"BETHNA_DRY_RUN": "0"},
    {"BETHNA_CHAIN_ID": "779977"},
    {"BETHNA_RPC_URL": "http://127.0.0.1:9"},
    {"BETHNA_DEBUG": "1"},
    {"DEBIAN_FRONTEND": "noninteractive"},
    {"FORCE_COLOR": "1", "TTY_COMPATIBLE": "1"},
)


@pytest.fixture
def signers(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Stand where signing would begin, past every consent, and count who arrives."""
    arrived: list[str] = []

    class Anyone:
        async def __aenter__(self) -> None: ...
        async def __aexit__(self, *_: object) -> None: ...

    async def carry_out(_: object, name: str, *__: object) -> Any:
        arrived.append(name)
        return SimpleNamespace(is_complete=True)

    monkeypatch.setattr(chain, "open_trading", lambda *_: Anyone())
    monkeypatch.setattr(approving, "approve", carry_out)
    monkeypatch.setattr("bethna_cli.cli.trade_documents.carried_document", lambda _: {})
    return arrived


@pytest.fixture
def own_wallet(bethna_here: Any) -> None:
    """A wallet of the person's own, in use on every network."""
    bethna_here("wallet", "import", "mine", "--watch", "0x" + "42" * 20)
    used = [bethna_here("wallet", "use", "mine", "--network", name) for name in ("sim", "base", "base-sepolia")]
    assert [run.returncode for run in used] == [0, 0, 0]


@pytest.mark.parametrize("words", [("--yes",), ()], ids=["with --yes", "without"])
@pytest.mark.parametrize("hint", HINTS, ids=lambda hint: " ".join(hint) or "nothing")
def test_no_variable_and_no_pipe_says_yes_where_money_is_real(
    bethna_here, home, own_wallet, signers, monkeypatch, hint, words
):
    name = stored(home, recommendation(), "base")
    for variable, value in hint.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setattr(sys, "stdin", io.StringIO("yes\n" * 1000))

    run = bethna_here("approve", name, *words, "--network", "base", "--json")

    assert (run.returncode, signers) == (3, [])


@pytest.mark.parametrize("variables", [{}, {"BETHNA_RPC_URL": "http://127.0.0.1:9"}], ids=["own wallet", "other node"])
def test_yes_is_not_enough_for_an_own_wallet_or_a_node_that_is_not_ours(
    bethna_here, home, signers, monkeypatch, request, variables
):
    if not variables:
        request.getfixturevalue("own_wallet")
        monkeypatch.setattr("bethna_cli.cli.trading.serve_if_embedded", lambda _: None)
    name = stored(home, recommendation())
    for variable, value in variables.items():
        monkeypatch.setenv(variable, value)

    run = bethna_here("approve", name, "--yes", "--json")

    assert (run.returncode, signers) == (3, [])
    assert "--yes is for the embedded world" in json.loads(run.stdout)["error"]["message"]


def test_where_nothing_is_at_stake_the_same_way_leads_to_signing(bethna, bethna_here, home, signers):
    """The control of the tests above: what they count can be reached."""
    name = stored(home, recommendation())
    bethna("sim", "up", "--detach")

    run = bethna_here("approve", name, "--yes", "--json")
    bethna("sim", "down")

    assert (run.returncode, signers) == (0, [name])
