"""Consent ahead of time: made at a terminal, signed by an own wallet, used by a script, and over when ended."""

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pexpect
import pytest
from cli_process import START
from own_wallet import KEY, OWN, PASSWORD, TOKEN, TRADER, USDC, at_terminal, fund, read, send, type_code_and_password


@pytest.fixture
def world(bethna_here: Any) -> Iterator[Any]:
    """Run `bethna WORDS… --json` here and read the answer; the world it may have started is stopped at the end."""

    def run(*words: str, code: int = 0) -> Any:
        done = bethna_here(*words, "--json")
        assert done.returncode == code, done.stdout + done.stderr
        return json.loads(done.stdout)

    yield run
    bethna_here("sim", "down")


def something_to_buy(world: Any) -> str:
    answer = world("recommend", "ETH", "--bullish", "--budget", "50")
    if answer["signal"] != "HOLD":
        return str(answer["id"])
    return str(world(*answer["buy_line"].split()[1:])["id"])


def script(environment: dict[str, str], *words: str) -> dict[str, Any]:
    """Run `bethna WORDS… --yes --password-stdin --json` as a script does, without a terminal."""
    command = [*START, *words, "--yes", "--password-stdin", "--json"]
    done = subprocess.run(
        command,
        env=environment,
        input=f"{PASSWORD}\n",
        text=True,
        capture_output=True,
        timeout=110,
        start_new_session=True,
    )
    assert PASSWORD not in done.stdout + done.stderr
    return dict(json.loads(done.stdout))


@pytest.mark.timeout(900)
def test_a_script_buys_within_a_policy_made_at_a_terminal_and_permissions_are_taken_back_by_a_person(
    world: Any, environment: dict[str, str]
):
    fund(world, environment)
    name = something_to_buy(world)

    screen = at_terminal(environment, "policy", "set", "--max-per-trade", "60", "--max-per-day", "60", "--for", "2d")
    card = type_code_and_password(screen, "To allow that")
    screen.expect("left today usdc +60")
    screen.expect(pexpect.EOF)
    bought = script(environment, "approve", name)
    shown = world("policy", "show")["policy"]

    assert "at most 60 USDC a trade" in card
    assert [trade["state"] in {"MINED", "SAFE", "FINAL"} for trade in bought["trades"]] == [True]
    assert bought["user"] == OWN
    assert shown["spent_today_usdc"] == bought["trades"][0]["signed"]["amount_in"] >= bought["usdc_spent"]
    assert world("policy", "clear") == {"cleared": True}

    _a_permission_is_taken_back_by_a_person_and_by_nobody_else(world, environment)


def _a_permission_is_taken_back_by_a_person_and_by_nobody_else(world: Any, environment: dict[str, str]) -> None:
    send(world, KEY, [(USDC, TOKEN.function("approve").encode(TRADER, 7_000_000), 0)])
    before = {one["name"]: one for one in world("wallet", "balance")["tokens"]}
    for words in (("wallet", "revoke"), ("wallet", "revoke", "--yes")):
        assert world(*words, code=3)["error"]["code"] == "refused"
    screen = at_terminal(environment, "wallet", "revoke", "usdc")
    card = type_code_and_password(screen, "To take it back")
    screen.expect("USDC: taken back in 0x")
    screen.expect(pexpect.EOF)

    options = [one for one in before.values() if one["option"]]
    assert before["USDC"]["contract_may_take"] == 7.0
    assert [(one["option"]["asset"], one["amount"] > 0) for one in options] == [("ETH", True)]
    assert f"USDC ({USDC}): may take 7, then nothing" in card
    assert read(world, USDC, "allowance", OWN, TRADER) == 0


def test_nobody_makes_a_policy_without_a_terminal(bethna_here: Any):
    words = ("--max-per-trade", "5", "--max-per-day", "20", "--for", "2d")
    refused = bethna_here("policy", "set", *words, "--json")

    assert json.loads(refused.stdout)["error"]["message"] == "A yes is typed by a person at a terminal."
    for wrong in (("--max-per-trade", "30"), ("--for", "31d"), ("--max-per-day", "-1"), ("--max-per-trade", "0")):
        given = dict(zip(words[::2], words[1::2], strict=True)) | {wrong[0]: wrong[1]}
        flags = [part for pair in given.items() for part in pair]
        assert bethna_here("policy", "set", *flags).returncode == 2


def test_a_network_without_an_endpoint_says_what_to_set(bethna_here: Any):
    bethna_here("wallet", "import", "cold", "--watch", OWN)

    shown = bethna_here("wallet", "balance", "cold", "--network", "base")

    assert (shown.returncode, "bethna config set rpc_url" in shown.stderr) == (4, True)
