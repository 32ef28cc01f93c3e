"""From yes to receipt as people and scripts do it: processes of their own, a served world, a store on disk."""

import io
import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pexpect
import pytest
from cli_process import START
from eth_account import Account

from bethna_cli.adapters.abi import artifact
from bethna_cli.adapters.sim.public_keys import private_key
from bethna_cli.adapters.sql import SqliteLedger
from bethna_cli.bootstrap import chain
from bethna_cli.domain.documents import recommendation_document
from bethna_cli.domain.embedded import EMBEDDED_CHAIN_ID, PUBLIC_ACCOUNTS, PUBLIC_CONTRACTS
from bethna_cli.domain.market import Origin
from bethna_cli.domain.recommendation import Recommendation
from bethna_cli.flow import approve as approving
from cards import hold, recommendation

USDC, ROUTER, TRADER = (PUBLIC_CONTRACTS[name] for name in ("usdc", "router", "trader"))
WALLET = PUBLIC_ACCOUNTS["throwaway_wallet"]
TOKEN = artifact("DevelopmentUSDC")
NAME = "0123456789abcdef"
KEY = "0x" + "42" * 32
PASSWORD = "correct horse battery"
MINED_OR_LATER = {"MINED", "SAFE", "FINAL"}


@pytest.fixture
def world(bethna: Any) -> Iterator[Any]:
    """Run `bethna WORDS… --json` and read the answer; the world it may have started is stopped at the end."""

    def run(*words: str, code: int = 0) -> Any:
        done = bethna(*words, "--json")
        assert done.returncode == code, done.stdout + done.stderr
        return json.loads(done.stdout)

    yield run
    bethna("sim", "down")


@pytest.fixture
def read(world: Any) -> Any:
    """Call a token's view function on the served chain."""

    def ask(token: str, name: str, *arguments: object) -> int:
        function = TOKEN.function(name)
        call = {"to": token, "data": "0x" + function.encode(*arguments).hex()}
        body = {"jsonrpc": "2.0", "id": 1, "method": "eth_call", "params": [call, "latest"]}
        answer = httpx.post(world("sim", "status")["rpc_url"], json=body).json()["result"]
        (value,) = function.decode(bytes.fromhex(answer[2:]))
        return int(value)

    return ask


def units(amount: float) -> int:
    """Read an amount of our JSON as base units."""
    return round(amount * 1_000_000)


def something_to_buy(world: Any) -> str:
    """Ask Alpha; when it says HOLD, choose the trade it would have refused."""
    answer = world("recommend", "ETH", "--bullish", "--budget", "50")
    if answer["signal"] != "HOLD":
        return str(answer["id"])
    return str(world(*answer["buy_line"].split()[1:])["id"])


# ── the whole journey ─────────────────────────────────────────────────────────────────────────────────────────────


def test_a_script_buys_what_was_recommended_and_follows_it_until_it_is_final(world, read):
    name = something_to_buy(world)
    world("sim", "up", "--detach")
    before = read(USDC, "balanceOf", WALLET)

    receipt = world("approve", name, "--yes")
    (trade,) = world("trades")
    (recovered,) = world("recover")

    token = trade["option_token"]
    paid, received = units(trade["amount_in"]), units(trade["amount_out"])
    assert trade["state"] in MINED_OR_LATER
    assert recovered["state"] == world("trades", trade["id"][:10])["state"] == "FINAL"
    assert before - read(USDC, "balanceOf", WALLET) == units(receipt["usdc_spent"]) == paid > 0
    assert read(token, "balanceOf", WALLET) == received > 0
    assert [read(one, "balanceOf", place) for one in (USDC, token) for place in (TRADER, ROUTER)] == [0, 0, 0, 0]
    assert (read(USDC, "allowance", WALLET, TRADER), read(USDC, "allowance", TRADER, ROUTER)) == (0, 0)


def test_approving_twice_buys_once(world, read):
    name = something_to_buy(world)
    world("approve", name, "--yes")
    before = read(USDC, "balanceOf", WALLET)

    refused = world("approve", name, "--yes", code=3)

    assert refused["error"]["hint"] == "bethna trades"
    assert (len(world("trades")), read(USDC, "balanceOf", WALLET)) == (1, before)


def test_a_straddle_is_one_yes_and_two_purchases(world, read):
    offers = world("strategies", "eth-call")
    strike = min(offers, key=lambda offer: abs(offer["delta"] - 0.5))
    words = ("--strike", f"{strike['strike']:g}", "--expiry", strike["expiry"], "--amount", "100")
    name = world("buy", "eth-straddle", *words)["id"]

    receipt = world("approve", name, "--yes")

    assert [trade["state"] in MINED_OR_LATER for trade in receipt["trades"]] == [True, True]
    assert units(receipt["usdc_spent"]) == sum(units(trade["amount_in"]) for trade in receipt["trades"])
    assert receipt["allowance_left"] == read(USDC, "allowance", WALLET, TRADER) == 0
    assert len({trade["option_token"] for trade in receipt["trades"]}) == 2


def test_a_dry_run_shows_checks_and_calldata_and_leaves_no_trace(world, read):
    name = something_to_buy(world)

    shown = world("approve", name, "--dry-run")

    assert {check["verdict"] for check in shown["checks"]} == {"pass"}
    assert [call["to"] for call in shown["calls"]] == [TRADER]
    assert shown["calls"][0]["data"].startswith(
        "0x" + artifact("SentientTrader").function("executeTradeWithPermit").selector.hex()
    )
    assert (world("trades"), read(USDC, "nonces", WALLET)) == ([], 0)


# ── a person at a terminal ────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def terminal(environment: dict[str, str]) -> Any:
    """Start `bethna WORDS…` at a terminal of its own."""

    def start(*words: str) -> pexpect.spawn:
        env = {**environment, "NO_COLOR": "1", "COLUMNS": "160"}
        return pexpect.spawn(
            START[0], [*START[1:], *words], env=env, encoding="utf-8", timeout=60, dimensions=(60, 160)
        )

    return start


def test_a_person_reads_the_card_types_its_code_and_owns_the_option(world, terminal, read):
    name = something_to_buy(world)

    screen = terminal("approve", name)
    screen.expect(r"To buy, type ([0-9a-f]{4}); anything else is a no")
    card = screen.before
    screen.sendline(screen.match[1])
    screen.expect("Next: bethna trades")
    screen.expect(pexpect.EOF)

    (trade,) = world("trades")
    assert [words in card for words in ("fair value", trade["id"], trade["option_token"])] == [True, True, True]
    assert read(trade["option_token"], "balanceOf", WALLET) == units(trade["amount_out"])


@pytest.mark.parametrize("answer", ["y", "yes", "", "YES PLEASE"])
def test_an_answer_that_is_not_the_plans_code_is_a_no(world, terminal, answer):
    name = something_to_buy(world)

    screen = terminal("approve", name)
    screen.expect("To buy, type")
    screen.sendline(answer)
    screen.expect("nothing was signed")
    screen.expect(pexpect.EOF)
    screen.close()

    assert (screen.exitstatus, world("trades")) == (3, [])


def test_an_interruption_at_the_card_leaves_nothing_behind_and_says_so(world, terminal):
    screen = terminal("approve", something_to_buy(world))
    screen.expect("anything else is a no")
    screen.sendintr()
    screen.expect("Interrupted; nothing is on its way")
    screen.expect(pexpect.EOF)
    screen.close()

    assert (screen.exitstatus, world("trades")) == (130, [])


def fund(world: Any, address: str) -> None:
    """Give an account some of the throwaway wallet's ETH and USDC."""
    throwaway = Account.from_key(private_key("throwaway_wallet"))
    transfers = ((address, b"", 10**17), (USDC, TOKEN.function("transfer").encode(address, 500_000_000), 0))
    for nonce, (to, data, value) in enumerate(transfers):
        signed = throwaway.sign_transaction(
            {
                "type": 2, "chainId": EMBEDDED_CHAIN_ID, "nonce": nonce, "to": bytes.fromhex(to[2:]), "data": data,
                "value": value, "gas": 100_000, "maxFeePerGas": 10**8, "maxPriorityFeePerGas": 0,
            }
        )  # fmt: skip
        raw = "0x" + signed.raw_transaction.hex()
        body = {"jsonrpc": "2.0", "id": 1, "method": "eth_sendRawTransaction", "params": [raw]}
        assert "result" in httpx.post(world("sim", "status")["rpc_url"], json=body).json()


@pytest.fixture
def funded(world: Any, bethna: Any) -> str:
    """An encrypted wallet of the person's own with money on the served chain, in use there."""
    bethna("wallet", "import", "mine", stdin=f"{KEY}\n{PASSWORD}\n")
    world("wallet", "use", "mine")
    world("sim", "up", "--detach")
    address: str = Account.from_key(KEY).address.lower()
    fund(world, address)
    return address


def answered(screen: pexpect.spawn, password: str) -> pexpect.spawn:
    """Type the card's code, then a password where the same code asks for it."""
    screen.expect("To buy, type ([0-9a-f]{4});")
    code = screen.match[1]
    screen.sendline(code)
    screen.expect(f"Password of mine .* plan {code} on chain {EMBEDDED_CHAIN_ID}: ")
    screen.sendline(password)
    return screen


def test_an_own_wallet_asks_for_the_code_and_then_for_its_password(world, terminal, read, funded):
    screen = answered(terminal("approve", something_to_buy(world)), PASSWORD)
    screen.expect("Next: bethna trades")
    screen.expect(pexpect.EOF)

    (trade,) = world("trades")
    assert trade["user"] == funded
    assert read(trade["option_token"], "balanceOf", funded) == units(trade["amount_out"])
    assert read(USDC, "allowance", funded, TRADER) == 0


def test_a_wrong_password_signs_nothing(world, terminal, funded):
    screen = answered(terminal("approve", something_to_buy(world)), "not the password")
    screen.expect(pexpect.EOF)
    screen.close()

    assert (screen.exitstatus, world("trades")) == (4, [])
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


def test_a_recommendation_stands_for_a_quarter_of_an_hour(world, home):
    now = datetime.now(UTC)
    old = replace(recommendation(), id="aaaa" + NAME[4:], created_at=now - timedelta(minutes=16))
    young = replace(recommendation(), id="bbbb" + NAME[4:], created_at=now - timedelta(minutes=14))

    messages = [world("approve", stored(home, answer), "--yes", code=3)["error"]["message"] for answer in (old, young)]

    assert messages == [
        "The recommendation is 16 min old; it stands for 15.",
        "ETH-12MAY26-3200-C is not on offer any more.",
    ]


def test_a_rejection_is_kept_with_its_reason_and_holds(world, home):
    name = something_to_buy(world)

    said = world("reject", name, "--reason", "too dear for me")

    assert (said["answer"], said["reason"]) == ("REJECTED", "too dear for me")
    assert world("approve", name, "--yes", code=3)["error"]["message"] == "You rejected it."
    assert world("trades") == []


def test_what_was_bought_cannot_be_rejected(world):
    name = something_to_buy(world)
    world("approve", name, "--yes")

    assert world("reject", name, code=3)["error"]["hint"] == "bethna trades"


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
