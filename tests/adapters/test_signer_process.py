"""The signer as the process it is: its terminal, its pipe, its files, its end."""

import io
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pexpect
import psutil
import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data

from bethna_cli.adapters import signer_wire as wire
from bethna_cli.adapters.clocks import SystemClock
from bethna_cli.adapters.signer import AheadOfTime, ProcessSigner
from bethna_cli.bootstrap import wallet as bootstrap
from bethna_cli.domain.chain import Hash
from bethna_cli.domain.embedded import EMBEDDED_CHAIN_ID, PUBLIC_ACCOUNTS, PUBLIC_CONTRACTS
from bethna_cli.domain.errors import ConfigurationError, PlanRefused, WrongPassword
from bethna_cli.domain.policy import SignedPolicy, SpendingPolicy
from bethna_cli.domain.signing import CancelNonce, Plan
from bethna_cli.domain.wallet import Password
from bethna_cli.settings import Settings, load_settings
from signing_plans import BASE, CONTRACT, KEY, PASSWORD, PURCHASE, QUOTE, STRANGER, USER, WATCHER, step

PIN = f"{CONTRACT}@0x{'cc' * 32}"
SIGN_AT_TERMINAL = """
import json, sys
from bethna_cli.bootstrap import wallet as bootstrap
from bethna_cli.adapters import signer_wire as wire
from bethna_cli.domain.errors import BethnaError
from bethna_cli.settings import load_settings

plan = wire.read_plan(sys.argv[1].encode())
try:
    with bootstrap.plan_signer(load_settings()).unlocked(plan) as session:
        print("SIGNED", session.sign([]).transactions[0].hash)
except BethnaError as error:
    print("REFUSED", error.code, error.message)
"""
CONSENT = dict.fromkeys(
    """
    CI GITHUB_ACTIONS PYTEST_CURRENT_TEST TESTING YES FORCE NONINTERACTIVE DEBIAN_FRONTEND PYTHONINSPECT
    ETH_KEYSTORE_PASSWORD BETHNA_YES BETHNA_CONSENT BETHNA_FORCE BETHNA_ASSUME_YES BETHNA_UNSAFE BETHNA_TEST
    BETHNA_DEBUG BETHNA_INTERACTIVE BETHNA_TTY BETHNA_NO_PASSWORD BETHNA_PASSWORD BETHNA_SIGN BETHNA_APPROVE
    BETHNA_AUTO BETHNA_DRY_RUN BETHNA_SKIP_CHECKS BETHNA_POLICY BETHNA_SIM BETHNA_THROWAWAY BETHNA_KEYSTORE_PASSWORD
    """.split(),  # noqa: SIM905 (a list of names reads better as words)
    "1",
)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """bethna's folders with a confirmed contract on Base and one wallet, encrypted as people's are."""
    place = tmp_path_factory.mktemp("home")
    place.chmod(0o700)
    (place / "config.toml").write_text(f'trader_base = "{PIN}"\nwatcher_address = "{WATCHER}"\n')
    (place / "config.toml").chmod(0o600)
    bootstrap.wallet_folder(load_settings(env={"BETHNA_HOME": str(place)})).keep("main", KEY, PASSWORD)
    return place


@pytest.fixture
def settings(home: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("BETHNA_HOME", str(home))
    return load_settings()


@pytest.fixture
def with_password(settings: Settings) -> Callable[[str], ProcessSigner]:
    """Make a signer that is given a password, and the policy that lets it be."""

    def make(text: str, **limits: object) -> ProcessSigner:
        return bootstrap.plan_signer(settings, AheadOfTime(policy(**limits), Password(text)))

    return make


def policy(**limits: object) -> SignedPolicy:
    """A policy in force now that covers the purchase, signed by the account."""
    now_s = int(SystemClock().now().timestamp())
    granted = replace(SpendingPolicy(BASE, CONTRACT, USER, 10**9, 10**9, now_s - 60, now_s + 3600), **limits)
    account = Account.from_key(KEY.octets)
    signed = account.sign_message(encode_typed_data(*typed_policy(granted)))
    return SignedPolicy(granted, Hash("0x" + bytes(signed.message_hash).hex()), bytes(signed.signature))


def typed_policy(policy: SpendingPolicy) -> tuple[dict, dict, dict]:
    """The typed document, written out as any wallet would show it."""
    fields = {"user": "address", "maxPerTrade": "uint256", "maxPerDay": "uint256"}
    fields |= {"validFrom": "uint256", "validUntil": "uint256"}
    domain = {
        "name": "bethna spending policy",
        "version": "1",
        "chainId": policy.chain_id,
        "verifyingContract": policy.contract,
    }
    values = (policy.user, policy.max_per_trade, policy.max_per_day, policy.valid_from_s, policy.valid_until_s)
    types = [{"name": name, "type": kind} for name, kind in fields.items()]
    return domain, {"SpendingPolicy": types}, dict(zip(fields, values, strict=True))


def cancelling(chain_id: int = BASE, contract: str = CONTRACT, user: str = USER) -> Plan:
    now_s = int(SystemClock().now().timestamp())
    return Plan(chain_id, contract, user, now_s, steps=(step(CancelNonce(1)),))


def purchase() -> Plan:
    """The purchase, moved to now."""
    now_s = int(SystemClock().now().timestamp())
    later_s = now_s - PURCHASE.block_time_s
    intents = tuple(replace(one, deadline_s=one.deadline_s + later_s) for one in PURCHASE.intents)
    return replace(PURCHASE, block_time_s=now_s, intents=intents)


def line(plan: Plan) -> str:
    return wire.canonical(wire.plan_document(plan)).decode()


def test_a_purchase_comes_back_signed_by_the_persons_account(with_password):
    with with_password(PASSWORD.text).unlocked(purchase()) as session:
        signed = session.sign([QUOTE])

    assert [Account.recover_transaction(one.raw).lower() for one in signed.transactions] == [USER] * 3


def test_a_password_without_a_person_signs_only_what_they_agreed_to_ahead_of_time(with_password):
    signer = with_password(PASSWORD.text, max_per_trade=49_999_999)

    with pytest.raises(PlanRefused, match="its policy allows 49999999 a trade"), signer.unlocked(purchase()):
        pass


def test_a_policy_that_the_account_did_not_sign_is_none(settings):
    widened = replace(policy(max_per_trade=1), policy=policy().policy)
    signer = bootstrap.plan_signer(settings, AheadOfTime(widened, PASSWORD))

    with pytest.raises(PlanRefused, match="not what its account signed"), signer.unlocked(purchase()):
        pass


def test_a_password_alone_is_no_consent(settings, with_password, monkeypatch):
    """The signer is started as with a policy, and is handed the plan at once."""
    monkeypatch.setattr(wire, "policy_document", wire.plan_document)
    signer = with_password(PASSWORD.text)
    signer._ahead = SimpleNamespace(policy=purchase(), password=PASSWORD)

    with pytest.raises(PlanRefused, match="not readable"), signer.unlocked(purchase()):
        pass


def test_a_wrong_password_is_the_same_error_on_this_side(with_password):
    with pytest.raises(WrongPassword, match="MAC mismatch"), with_password("wrong").unlocked(cancelling()):
        pass


def test_the_throwaway_wallet_signs_in_the_simulation_without_a_terminal(settings):
    plan = cancelling(EMBEDDED_CHAIN_ID, PUBLIC_CONTRACTS["trader"], PUBLIC_ACCOUNTS["throwaway_wallet"])

    with bootstrap.plan_signer(settings).unlocked(plan) as session:
        signed = session.sign([])

    assert Account.recover_transaction(signed.transactions[0].raw).lower() == PUBLIC_ACCOUNTS["throwaway_wallet"]


def test_the_throwaway_wallet_signs_nothing_on_base(settings):
    plan = cancelling(user=PUBLIC_ACCOUNTS["throwaway_wallet"])

    with pytest.raises(ConfigurationError, match="everybody knows"), bootstrap.plan_signer(settings).unlocked(plan):
        pass


def test_the_confirmed_contract_comes_from_the_file_and_not_from_a_variable(settings, with_password, monkeypatch):
    monkeypatch.setenv("BETHNA_TRADER_BASE", f"{STRANGER}@0x{'cc' * 32}")

    with (
        pytest.raises(PlanRefused, match="not the confirmed"),
        with_password(PASSWORD.text).unlocked(cancelling(contract=STRANGER)),
    ):
        pass


def test_no_process_outlives_its_plan(with_password):
    before = {child.pid for child in psutil.Process().children()}

    with with_password(PASSWORD.text).unlocked(cancelling()) as session:
        during = {child.pid for child in psutil.Process().children()} - before
        session.sign([])

    assert len(during) == 1
    assert not psutil.pid_exists(during.pop())


def test_a_signer_whose_caller_fails_ends_without_signing(with_password):
    before = {child.pid for child in psutil.Process().children()}

    with pytest.raises(LookupError), with_password(PASSWORD.text).unlocked(cancelling()):
        raise LookupError

    assert {child.pid for child in psutil.Process().children()} == before


def test_the_process_that_holds_the_key_shows_no_secret_and_leaves_no_core(with_password):
    before = {child.pid for child in psutil.Process().children()}
    with with_password(PASSWORD.text).unlocked(cancelling()):
        (child,) = (one for one in psutil.Process().children() if one.pid not in before)
        shown = " ".join(child.cmdline()) + repr(child.environ())
        limits = Path(f"/proc/{child.pid}/limits").read_text()

    assert PASSWORD.text not in shown
    assert KEY.octets.hex() not in shown
    assert next(row.split()[4:6] for row in limits.splitlines() if "core file" in row) == ["0", "0"]


def test_a_signer_that_cannot_start_is_said_to_have_stopped(settings):
    signer = ProcessSigner((sys.executable, "-c", "raise SystemExit(3)"), {})

    with pytest.raises(ConfigurationError, match="stopped without an answer"), signer.unlocked(cancelling()):
        pass


@pytest.mark.parametrize("variables", [{}, CONSENT], ids=["nothing", "thirty variables"])
def test_without_a_terminal_nothing_is_signed_whatever_is_set_and_piped(home, variables):
    said = subprocess.run(
        ["setsid", sys.executable, "-c", SIGN_AT_TERMINAL, line(cancelling())],
        env={**os.environ, **variables, "BETHNA_HOME": str(home)},
        input=f"{PASSWORD.text}\nyes\n" * 9, capture_output=True, text=True, timeout=60,
    )  # fmt: skip

    assert said.stdout.startswith("REFUSED plan_refused A password is typed at a terminal")


@pytest.fixture
def terminal(home: Path) -> pexpect.spawn:
    """A person's terminal in which a plan waits for its password."""
    child = pexpect.spawn(
        sys.executable,
        ["-c", SIGN_AT_TERMINAL, line(cancelling())],
        env={**os.environ, "BETHNA_HOME": str(home)},
        timeout=30,
        encoding="utf-8",
    )
    child.logfile_read = io.StringIO()
    yield child
    child.close(force=True)


def test_the_password_is_typed_unseen_and_the_plan_is_signed(terminal):
    terminal.expect(rf"Password of main \({USER}\), plan [0-9a-f]{{4}} on chain 8453: ")
    terminal.sendline(PASSWORD.text)
    terminal.expect("SIGNED 0x[0-9a-f]{64}")
    terminal.expect(pexpect.EOF)

    assert PASSWORD.text not in terminal.logfile_read.getvalue()


def test_a_wrong_password_at_the_terminal_is_refused_and_not_repeated(terminal):
    terminal.expect("Password of main")
    terminal.sendline("hunter2hunter2")
    terminal.expect(pexpect.EOF)

    assert "REFUSED wrong_password" in terminal.before
    assert "hunter2" not in terminal.logfile_read.getvalue()


def test_ctrl_c_at_the_password_signs_nothing_and_leaves_nobody_behind(terminal):
    terminal.expect("Password of main")
    children = psutil.Process(terminal.pid).children(recursive=True)
    terminal.sendintr()
    terminal.expect(pexpect.EOF)

    assert "SIGNED" not in terminal.logfile_read.getvalue()
    assert len(children) == 1
    assert psutil.wait_procs(children, timeout=10)[1] == []
