"""`bethna init`, typed at a real terminal: each answer tried on the real thing, each step left out, nothing shown."""

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest
from base_node import served_base
from cli_process import START

from bethna_cli.adapters.abi import checksummed
from bethna_cli.adapters.sim.deployment import ALLOCATION, deploy
from bethna_cli.adapters.sim.rpc_server import rpc_app
from bethna_cli.domain.embedded import PUBLIC_CONTRACTS
from chain_places import embedded_node, in_process, served
from mail_servers import PASSWORD as MAIL_PASSWORD
from mail_servers import USER, Postbox, free_port, logins, mail_server
from model_server import Reply, serving

PASSWORD = "Tr0ub4dor&3-correct-horse"
TRADER, ROUTER = PUBLIC_CONTRACTS["trader"], PUBLIC_CONTRACTS["router"]
CANARY = "canary-key-5ecr3t"
HIDDEN = ("Password:", "Repeat for confirmation:", "smtp_password", "llm_api_key")
STEPS = ["network", "rpc", "keys", "wallet", "contract", "e-mail", "language-model"]


@pytest.fixture
def terminal(environment) -> Iterator:
    """Type to `bethna init …` at a terminal; everything that it showed is in `logfile_read`."""
    children = []

    def start(*words: str) -> pexpect.spawn:
        command = [*START[1:], "init", "--no-color", *words]
        child = pexpect.spawn(START[0], command, env=environment, timeout=40, encoding="utf-8")
        child.logfile_read = io.StringIO()
        children.append(child)
        return child

    yield start
    for child in children:
        child.close(force=True)


def typed(child: pexpect.spawn, *dialogue: tuple[str, str]) -> None:
    """Answer each question when it is asked; the wait sees to it that a hidden prompt hides."""
    for question, answer in dialogue:
        child.expect_exact(question)
        if question in HIDDEN:
            child.waitnoecho()
        child.sendline(answer)


def ended(child: pexpect.spawn) -> int:
    child.expect(pexpect.EOF)
    child.close()
    return child.exitstatus


def test_every_step_can_be_left_out_and_nothing_is_written(terminal, home):
    child = terminal()

    typed(child, *[(f"{number}/7 ", "n") for number in range(1, 8)])

    assert ended(child) == 0
    assert not (home / "config.toml").exists()
    assert not (home / "secrets.toml").exists()


def test_a_new_wallet_is_made_and_named_without_its_password_on_the_screen(terminal, bethna_here):
    child = terminal("--only", "wallet")

    typed(
        child,
        ("Change it?", "y"),
        ("another (new, import, watch, use)", "new"),
        ("What do you call it", "mine"),
        ("Password:", PASSWORD),
        ("Repeat for confirmation:", PASSWORD),
    )

    child.expect_exact("tried: ok, mine (keystore), 0x")
    assert ended(child) == 0
    assert PASSWORD not in child.logfile_read.getvalue()
    assert json.loads(bethna_here("wallet", "show", "--json").stdout)["name"] == "mine"


def test_mail_is_tried_on_the_real_server_and_its_password_shown_nowhere(terminal, home):
    postbox = Postbox()
    with mail_server(postbox, authenticator=logins, auth_required=True, auth_require_tls=False) as port:
        child = terminal("--only", "e-mail")
        typed(
            child,
            ("Set it up?", "y"),
            ("The mail server", "127.0.0.1"),
            ("How is mail kept private", "none"),
            ("Its port", str(port)),
            ("Who gets the alerts", "me@example.org"),
            ("The login there", USER),
            ("or the environment", "file"),
            ("smtp_password", MAIL_PASSWORD),
        )
        child.expect_exact("tried: ok, a test message went to me@example.org")
        assert ended(child) == 0

    assert len(postbox.subjects) == 1
    assert MAIL_PASSWORD not in child.logfile_read.getvalue()
    assert (home / "secrets.toml").stat().st_mode & 0o777 == 0o600


def test_a_language_model_answers_with_its_key_from_the_keyring(terminal, environment, home, tmp_path, bethna):
    """The key is typed once, kept by a real keyring backend, sent to the server, and stands in no file of ours."""
    ring = tmp_path / "ring.json"
    environment |= {
        "PYTHON_KEYRING_BACKEND": "file_keyring.FileKeyring",
        "PYTHONPATH": str(Path(__file__).parent),
        "FILE_KEYRING": str(ring),
    }
    reading = Reply(calls=[("understood", '{"intent": "BROWSE_STRATEGIES", "confidence": 0.9, "asset": "ETH"}')])
    with serving(lambda _: reading) as server:
        child = terminal("--only", "language-model")
        typed(
            child,
            ("Set it up?", "y"),
            ("Which model", "openai:some-model"),
            ("Where it is served", server.url),
            ("Does it need a key?", "y"),
            ("or the environment", "keyring"),
            ("llm_api_key", CANARY),
        )
        child.expect_exact("tried: ok, openai:some-model read 'show me eth calls' as BROWSE_STRATEGIES")
        assert ended(child) == 0

        assert {headers["authorization"] for headers in server.headers} == {f"Bearer {CANARY}"}
    assert CANARY not in child.logfile_read.getvalue()
    assert list(json.loads(ring.read_text()).values()) == [CANARY]
    assert all(CANARY.encode() not in file.read_bytes() for file in home.rglob("*") if file.is_file())
    origins = json.loads(bethna("config", "show", "--json").stdout)
    assert CANARY not in json.dumps(origins)


def test_a_contract_is_verified_and_confirmed_by_the_digits_of_its_code(terminal, environment):
    world = embedded_node(allocation=ALLOCATION)
    deploy(world.chain)
    (router,) = in_process(world).run(lambda client: client.accounts([ROUTER]))
    with served(rpc_app(world)) as behind, served_base(behind, router.code) as node:
        environment |= {"BETHNA_RPC_URL": node.url, "BETHNA_NETWORK": "base"}
        child = terminal("--only", "contract")
        child.expect_exact("now: not set up, none is confirmed")
        typed(child, ("Set it up?", "y"), ("Your contract's address", checksummed(TRADER)))
        child.expect("code hash 0x[0-9a-f]{60}([0-9a-f]{4})")
        typed(child, ("type the last 4", child.match[1]))

        child.expect_exact(f"tried: ok, {checksummed(TRADER)}, the code that you confirmed")
        assert ended(child) == 0


def test_a_service_that_is_down_is_named_and_can_be_tried_again_or_left(terminal):
    child = terminal("--only", "language-model")

    typed(
        child,
        ("Set it up?", "y"),
        ("Which model", "openai:some-model"),
        ("Where it is served", f"http://127.0.0.1:{free_port()}/v1"),
        ("Does it need a key?", "y"),
        ("or the environment", "file"),
        ("llm_api_key", CANARY),
    )

    child.expect_exact("tried: failed")
    typed(child, ("Try again?", "n"))
    assert ended(child) == 5
    assert CANARY not in child.logfile_read.getvalue()


def test_a_second_run_shows_what_is_set_up_and_keeps_it(terminal, bethna_here):
    bethna_here("config", "set", "network", "base")
    child = terminal("--only", "rpc")

    child.expect_exact("now: not set up, no endpoint, so base cannot be reached")
    typed(child, ("Set it up?", "n"))
    assert ended(child) == 0
    assert '"base"' in bethna_here("config", "show", "--json").stdout


def test_ctrl_c_leaves_at_once_and_keeps_what_was_answered(terminal, bethna_here):
    child = terminal()

    typed(child, ("Change it?", "y"), ("Which network", "base-sepolia"), ("Try again?", "n"))
    child.expect_exact("2/7 rpc")
    child.sendintr()

    assert ended(child) == 130
    assert '"base-sepolia"' in bethna_here("config", "show", "--json").stdout


def test_without_a_person_it_asks_nothing_and_says_what_to_type(bethna_here, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("y\ny\n"))

    refused = bethna_here("init", "--json")

    assert refused.returncode == 2
    assert json.loads(refused.stdout)["error"]["hint"] == "bethna init --check"


def test_a_check_tries_every_step_and_reports_it_as_json(bethna_here):
    report = json.loads(bethna_here("init", "--check", "--json").stdout)

    assert [row["step"] for row in report["steps"]] == STEPS
    assert report["ok"] is True
    assert report["steps"][0]["detail"].startswith("sim: ETH is at ")


def test_an_unknown_step_is_named_with_the_nearest_one(bethna_here):
    refused = bethna_here("init", "--only", "walet")

    assert refused.returncode == 2
    assert "bethna init --only wallet" in refused.stderr
