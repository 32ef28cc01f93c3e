"""A script trades within a policy: bought once by two at a time, sold with the keyring's password, and no secret seen.

One world and one wallet serve the whole story; what is refused on its way leaves them as they were.
"""

import io
import json
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from base_node import served_base
from cli_process import START
from eth_account import Account
from own_wallet import KEY, OWN, PASSWORD, TRADER, USDC, asked, fund, read

from bethna_cli.adapters.policies import SqlitePolicies
from bethna_cli.adapters.signer_sign import signed_plan
from bethna_cli.domain.chain import Address
from bethna_cli.domain.embedded import EMBEDDED_CHAIN_ID
from bethna_cli.domain.policy import DAY_S, SignedPolicy, SpendingPolicy
from bethna_cli.domain.signing import USDC_DOMAINS, Pins, Plan
from bethna_cli.domain.units import from_unix
from bethna_cli.domain.wallet import PrivateKey

UNIT = 1_000_000
YES = ("--yes", "--json")
STDIN = ("--yes", "--password-stdin", "--json")


@pytest.fixture
def ring() -> Iterator[dict[tuple[str, str], str]]:
    """A keyring of this process, registered through the library's own door; what it keeps."""
    keyring = pytest.importorskip("keyring")
    from keyring.backend import KeyringBackend

    kept: dict[tuple[str, str], str] = {}

    class Ring(KeyringBackend):
        priority = 1

        def get_password(self, service: str, username: str) -> str | None:
            return kept.get((service, username))

        def set_password(self, service: str, username: str, password: str) -> None:
            kept[service, username] = password

        def delete_password(self, service: str, username: str) -> None:
            del kept[service, username]

    before = keyring.get_keyring()
    keyring.set_keyring(Ring())
    yield kept
    keyring.set_keyring(before)


class Script:
    """Runs bethna without a terminal: in this process, or as others that are watched while they run."""

    def __init__(self, bethna_here: Any, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
        self._here, self._environment, self._monkeypatch = bethna_here, environment, monkeypatch

    def world(self, *words: str, code: int = 0) -> Any:
        answer, found = self.here(*words, "--json")
        assert found == code, answer
        return answer

    def here(self, *words: str, stdin: str = "", **variables: str) -> tuple[Any, int]:
        with self._monkeypatch.context() as patch:
            patch.setattr("sys.stdin", io.StringIO(stdin))
            for name, value in variables.items():
                patch.setenv(name, value)
            done = self._here(*words)
        assert PASSWORD not in done.stdout + done.stderr
        return json.loads(done.stdout), done.returncode

    def together(self, *runs: tuple[str, ...]) -> list[Any]:
        """Run several at once, each with the password on its stdin, and return what they answered."""
        processes = [
            subprocess.Popen(
                [*START, *words, *STDIN],
                env=self._environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )
            for words in runs
        ]
        with watched(self._environment["BETHNA_HOME"]):
            for process in processes:
                assert process.stdin is not None
                process.stdin.write(f"{PASSWORD}\n")
                process.stdin.close()
                process.stdin = None
            said = [process.communicate(timeout=110) for process in processes]
        assert not any(PASSWORD in text for pair in said for text in pair)
        return [json.loads(out) for out, _ in said]


@contextmanager
def watched(home: str) -> Iterator[None]:
    """Look at every process that works in a home, as `ps` does, until the body ends: it shows no secret."""
    seen: set[str] = set()
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set():
            for place in Path("/proc").glob("[0-9]*"):
                with suppress(OSError):
                    variables = (place / "environ").read_bytes()
                    if home.encode() in variables:
                        seen.add((place / "cmdline").read_bytes().decode(errors="replace") + repr(variables))
            time.sleep(0.1)  # each of them runs for longer

    looking = threading.Thread(target=look, daemon=True)
    looking.start()
    try:
        yield
    finally:
        stop.set()
        looking.join()
    assert any("sign_one_plan" in one for one in seen)
    assert any("--password-stdin" in one for one in seen)
    assert not any(secret in one for one in seen for secret in (PASSWORD, PASSWORD.replace(" ", "\0"), KEY[2:]))


@pytest.fixture
def script(bethna_here: Any, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Script]:
    found = Script(bethna_here, environment, monkeypatch)
    fund(found.world, environment)
    yield found
    bethna_here("sim", "down")


def allow(home: Path, now_s: int, per_trade: int, per_day: int) -> None:
    """Keep a policy that the wallet signed: how a person makes one at a terminal has a test of its own."""
    policy = SpendingPolicy(
        EMBEDDED_CHAIN_ID, Address(TRADER), Address(OWN), per_trade * UNIT, per_day * UNIT, now_s, now_s + 2 * DAY_S
    )
    pins = Pins(EMBEDDED_CHAIN_ID, Address(TRADER), Address(USDC), *USDC_DOMAINS[EMBEDDED_CHAIN_ID], None, None)
    plan = Plan(EMBEDDED_CHAIN_ID, Address(TRADER), Address(OWN), now_s, policy=policy)
    answer = signed_plan(plan, pins, PrivateKey(bytes.fromhex(KEY[2:])), []).policy
    assert answer is not None
    policies = SqlitePolicies.open(home / "data" / "sim.db")
    policies.keep(SignedPolicy(policy, answer.digest, answer.signature), from_unix(now_s))
    policies.close()


def proposed(script: Script, side: str, usdc: int = 50) -> str:
    """Have the option nearest to the money proposed, a few days away."""
    offers = [one for one in script.world("strategies", f"eth-{side}") if one["expiry"] > two_days_on(script)]
    offer = min(offers, key=lambda one: abs(abs(one["delta"]) - 0.5))
    words = ("--strike", f"{offer['strike']:g}", "--expiry", offer["expiry"], "--amount", str(usdc))
    return str(script.world("buy", f"eth-{side}", *words)["id"])


def now_s(script: Script) -> int:
    return int(asked(script.world, "eth_getBlockByNumber", "latest", False)["timestamp"], 16)


def two_days_on(script: Script) -> str:
    return from_unix(now_s(script) + 2 * DAY_S).isoformat()


@pytest.mark.timeout(900)
def test_within_a_policy_a_script_buys_once_and_sells_and_without_one_or_with_a_wrong_part_it_does_nothing(
    script: Script, home: Path, ring: dict[tuple[str, str], str]
):
    call, put = proposed(script, "call"), proposed(script, "put")

    # The keyring keeps the password; without a policy that is worth nothing.
    assert script.here("wallet", "remember", "mine", "--json", stdin=f"{PASSWORD}\n")[1] == 0
    assert list(ring.values()) == [PASSWORD]
    assert refusal(*script.here("approve", call, *YES)) == (3, "refused", "no policy")

    # Two at once, of which the day has room for one. The other's permit may be void before it is counted; when it tries
    # again, the day is spent.
    allow(home, now_s(script), per_trade=60, per_day=60)
    answers = script.together(("approve", call, "--no-exits"), ("approve", put, "--no-exits"))
    (bought,) = [one for one in answers if "trades" in one]
    (late,) = [name for name, one in zip((call, put), answers, strict=True) if "error" in one]
    code, kind, message = refusal(*script.here("approve", late, *STDIN, stdin=f"{PASSWORD}\n"))
    assert [trade["state"] in {"MINED", "SAFE", "FINAL"} for trade in bought["trades"]] == [True]
    assert [one["error"]["exit"] for one in answers if "error" in one] == [3]
    assert (code, kind, "are left until" in message) == (3, "refused", True)
    assert len(script.world("trades")) == 1

    # A sale that goes wrong is one clear answer, and nothing has happened.
    (position,) = script.world("positions")
    close = ("close", position["id"], *YES)
    before = state(script)
    key_file = next(one for one in (home / "data" / "wallets").iterdir() if b"ciphertext" in one.read_bytes())
    intact = key_file.read_bytes()
    found = {
        "wrong password": script.here("close", position["id"], *STDIN, stdin="not the password\n"),
        "no node": script.here(*close, BETHNA_RPC_URL="http://127.0.0.1:9"),
    }
    key_file.write_bytes(intact.replace(b"0", b"1", 1))
    found["changed keystore"] = script.here(*close)
    key_file.write_bytes(intact)
    with served_base(script.world("sim", "status")["rpc_url"]) as node:
        found["wrong chain"] = script.here(*close, BETHNA_RPC_URL=node.url)
        assert node.sent == []
    assert {name: (code, answer["error"]["code"]) for name, (answer, code) in found.items()} == {
        "wrong password": (4, "wrong_password"),
        "no node": (5, "source_unavailable"),
        "changed keystore": (4, "keystore_refused"),
        "wrong chain": (4, "wrong_chain"),
    }
    assert state(script) == before

    # Selling is within every policy that holds, however much of the day is spent; the rest with the keyring's password.
    (half,) = script.together(("close", position["id"], "--fraction", "50%"))
    rest, code = script.here(*close)
    assert (code, [one["side"] for one in (*half["trades"], *rest["trades"])]) == (0, ["SELL", "SELL"])
    assert read(script.world, bought["trades"][0]["option_token"], "balanceOf", OWN) == 0
    assert read(script.world, USDC, "allowance", OWN, TRADER) == 0

    # Forgotten, or without the policy, it ends.
    script.world("wallet", "remember", "mine", "--forget")
    assert (refusal(*script.here("approve", put, *YES))[:2], ring) == ((4, "configuration"), {})
    script.world("policy", "clear")
    assert refusal(*script.here("approve", put, *STDIN, stdin=f"{PASSWORD}\n")) == (3, "refused", "no policy")


def state(script: Script) -> tuple[Any, ...]:
    """What a trade would have changed."""
    trades = [(one["id"], one["account_nonce"]) for one in script.world("trades")]
    return trades, asked(script.world, "eth_getTransactionCount", Account.from_key(KEY).address, "pending")


def refusal(answer: Any, code: int) -> tuple[int, str, str]:
    message = answer["error"]["message"]
    return code, answer["error"]["code"], "no policy" if "no policy" in message else message
