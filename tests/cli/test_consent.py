"""Where money is real nothing is signed without a person: the real command, the real signer, a node with Base's id."""

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pexpect
import pytest
from base_node import BaseNode, served_base
from cli_process import START
from eth_account import Account
from own_wallet import KEY, OWN, PASSWORD, TOKEN, TRADER, USDC, at_terminal, fund, send

REVOKE = ("wallet", "revoke", "--network", "base", "--json")
POLICY = ("policy", "set", "--max-per-trade", "5", "--max-per-day", "5", "--for", "1d", "--network", "base", "--json")
VARIABLES = """
    CI GITHUB_ACTIONS PYTEST_CURRENT_TEST TESTING YES FORCE NONINTERACTIVE DEBIAN_FRONTEND ASSUME_YES
    ETH_KEYSTORE_PASSWORD BETHNA_YES BETHNA_CONSENT BETHNA_FORCE BETHNA_ASSUME_YES BETHNA_UNSAFE BETHNA_TEST
    BETHNA_DEBUG BETHNA_INTERACTIVE BETHNA_TTY BETHNA_NO_PASSWORD BETHNA_PASSWORD BETHNA_SIGN BETHNA_APPROVE
    BETHNA_AUTO BETHNA_DRY_RUN BETHNA_SKIP_CHECKS BETHNA_POLICY BETHNA_SIM BETHNA_THROWAWAY BETHNA_CHAIN_ID
    """.split()  # noqa: SIM905 (a list of names reads better as words)
EVERYTHING: dict[str, str] = dict.fromkeys(VARIABLES, "1") | {"ETH_KEYSTORE_PASSWORD": PASSWORD}
ATTEMPTS: tuple[tuple[dict[str, str], tuple[str, ...]], ...] = (
    (EVERYTHING, REVOKE),
    (EVERYTHING, (*REVOKE, "--yes")),
    *(({name: EVERYTHING[name]}, REVOKE) for name in VARIABLES),
    ({}, (*REVOKE, "--yes")),
    (EVERYTHING, POLICY),
    ({"BETHNA_KEYRING": "true"}, (*REVOKE, "--yes")),
)
A_TWENTIETH = 2


@pytest.fixture
def base(bethna_here: Any, environment: dict[str, str]) -> Iterator[BaseNode]:
    """An own wallet with a standing permission on what looks like Base, its contract confirmed."""

    def world(*words: str) -> Any:
        done = bethna_here(*words, "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    fund(world, environment)
    send(world, KEY, [(USDC, TOKEN.function("approve").encode(TRADER, 7_000_000), 0)])
    state = world("contract", "status")
    config = Path(environment["BETHNA_HOME"]) / "config.toml"
    before = config.read_text() if config.exists() else ""
    config.write_text(f'{before}trader_base = "{TRADER}@{state["code_hash"]}"\n')
    config.chmod(0o600)
    world("wallet", "use", "mine", "--network", "base")
    with served_base(world("sim", "status")["rpc_url"]) as node:
        yield node
    bethna_here("sim", "down")


def attempt(environment: dict[str, str], node: BaseNode, variables: dict[str, str], words: tuple[str, ...]) -> int:
    """Run bethna without a terminal, with a yes and the password on its stdin, and return its exit code."""
    env = {**environment, **variables, "BETHNA_RPC_URL": node.url}
    line = f"yes\n{PASSWORD}\n" * 20
    done = subprocess.run(
        [*START, *words], env=env, input=line, text=True, capture_output=True, timeout=110, start_new_session=True
    )
    assert PASSWORD not in done.stdout + done.stderr
    return done.returncode


def require_none_signed(environment: dict[str, str], node: BaseNode, attempts: Any) -> None:
    codes = [attempt(environment, node, *one) for one in attempts]

    assert node.sent == []
    assert set(codes) <= {3, 4}  # refused, or there is no keyring to ask


def require_a_person_can(environment: dict[str, str], node: BaseNode) -> None:
    """The control: the very same command signs for Base once a person types the code and the password."""
    screen = at_terminal({**environment, "BETHNA_RPC_URL": node.url}, *REVOKE[:-1])
    screen.expect("To take it back, type ([0-9a-f]{4});")
    screen.sendline(screen.match[1])
    screen.expect("Password of mine .* on chain 8453: ")
    screen.sendline(PASSWORD)
    give_up_at = time.monotonic() + 60
    while not node.sent and time.monotonic() < give_up_at:
        with suppress(pexpect.TIMEOUT, pexpect.EOF):
            screen.read_nonblocking(4096, timeout=0.2)
    screen.close(force=True)

    (raw,) = node.sent
    assert Account.recover_transaction(raw).lower() == OWN


@pytest.mark.timeout(600)
def test_a_yes_or_a_password_that_nobody_typed_signs_nothing_and_a_person_does(
    base: BaseNode, environment: dict[str, str]
):
    require_none_signed(environment, base, ATTEMPTS[:A_TWENTIETH])
    require_a_person_can(environment, base)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_in_all_the_ways_there_are(base: BaseNode, environment: dict[str, str]):
    assert len(ATTEMPTS) >= 30
    require_none_signed(environment, base, ATTEMPTS)
    require_a_person_can(environment, base)
