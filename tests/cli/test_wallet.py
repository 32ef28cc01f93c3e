"""`bethna wallet`: what people type, what they see, and the secrets that appear nowhere."""

import io
import json
import os
import shutil
import stat
import subprocess
from functools import partial
from pathlib import Path

import pexpect
import psutil
import pytest
from cli_process import START
from eth_account import Account

from bethna_cli.adapters.keystore import Derivation, WalletFolder
from bethna_cli.adapters.keystore_v3 import ScryptLimits

LIGHT = Derivation(2**10, ScryptLimits(least_cost=2**10))
KEY = "4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318"
ADDRESS = "0x2c7536E3605D9C16a7a3D7b1898e529396a65c23"
PASSWORD = "Tr0ub4dor&3-correct-horse"
PHRASE = "legal winner thank year wave sausage worth useful legal winner thank yellow"

CANARIES = {
    "a key": KEY,
    "a key with its prefix": f"0x{KEY}",
    "a key in capitals": KEY.upper(),
    "a key with a digit too few": KEY[:-1],
    "a key with a digit too many": KEY + "f",
    "a key with a letter that is no digit": "g" + KEY[1:],
    "a number that is no key": "f" * 64,
    "a phrase": PHRASE,
    "a phrase in capitals": PHRASE.upper(),
    "a phrase with a wrong last word": PHRASE.replace("yellow", "zebra"),
    "a phrase with a word that is in no list": PHRASE.replace("sausage", "xylophonist"),
    "a phrase of eleven words": PHRASE.rsplit(" ", 1)[0],
}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with one imported wallet; encrypting it takes a second, so tests work on copies."""
    place = tmp_path_factory.mktemp("prepared")
    command = [*START, "wallet", "import", "main"]
    variables = {**os.environ, "BETHNA_HOME": str(place)}
    subprocess.run(command, env=variables, input=f"{KEY}\n{PASSWORD}\n", text=True, check=True, capture_output=True)
    return place


@pytest.fixture
def made(prepared: Path, home: Path) -> Path:
    shutil.copytree(prepared, home, dirs_exist_ok=True)
    home.chmod(0o700)
    return home


@pytest.fixture(autouse=True)
def light(monkeypatch: pytest.MonkeyPatch) -> None:
    """Derive cheaply what is encrypted in this process: what a derivation has to cost is said elsewhere."""
    monkeypatch.setattr("bethna_cli.adapters.keystore.WalletFolder", partial(WalletFolder, derivation=LIGHT))


@pytest.fixture
def typed(bethna_here, monkeypatch):
    """Run `bethna WORDS…` in this process with lines on its stdin."""

    def run(*words: str, stdin: str) -> "subprocess.CompletedProcess[str]":
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        return bethna_here(*words)

    return run


def everything_written(home: Path) -> str:
    return "\n".join(path.read_text("utf-8", "replace") for path in home.rglob("*") if path.is_file())


def said(run) -> str:
    return run.stdout + run.stderr


# ── the commands ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_new_wallet_shows_its_address_and_is_used_on_real_networks(bethna):
    made = json.loads(bethna("wallet", "new", "main", "--json", stdin=f"{PASSWORD}\n").stdout)
    used = json.loads(bethna("wallet", "show", "--network", "base", "--json").stdout)

    assert made["kind"] == "keystore"
    assert used == {**made, "network": "base", "in_use": True}


def test_two_new_wallets_are_two_accounts(typed):
    addresses = {
        json.loads(typed("wallet", "new", name, "--json", stdin=f"{PASSWORD}\n").stdout)["address"]
        for name in ("one", "two")
    }

    assert len(addresses) == 2


def test_an_imported_key_is_listed_where_it_can_be_used(bethna_here, made):
    simulated = json.loads(bethna_here("wallet", "list", "--json").stdout)
    real = json.loads(bethna_here("wallet", "list", "--network", "base", "--json").stdout)

    assert [(row["name"], row["kind"], row["in_use"]) for row in simulated] == [
        ("throwaway", "throwaway", True),
        ("main", "keystore", False),
    ]
    assert [(row["name"], row["address"], row["in_use"]) for row in real] == [("main", ADDRESS, True)]


def test_the_list_marks_the_wallet_in_use(bethna_here, made):
    shown = bethna_here("wallet", "list", "--network", "base").stdout

    assert [row.split()[:3] for row in shown.splitlines() if ADDRESS in row] == [["*", "main", ADDRESS]]


def test_an_imported_phrase_is_the_account_that_other_wallets_show(typed):
    shown = typed("wallet", "import", "--json", stdin=f"{PHRASE}\n{PASSWORD}\n")

    Account.enable_unaudited_hdwallet_features()
    assert json.loads(shown.stdout)["address"] == Account.from_mnemonic(PHRASE).address


def test_an_exported_wallet_is_encrypted_and_private(bethna_here, made, tmp_path):
    target = tmp_path / "backup.json"

    assert bethna_here("wallet", "export", "main", str(target)).returncode == 0

    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert bytes(Account.decrypt(json.loads(target.read_text()), PASSWORD)).hex() == KEY
    assert bethna_here("wallet", "export", "main", str(target)).returncode == 2


def test_a_watched_address_is_shown_as_one(bethna_here):
    shown = bethna_here("wallet", "import", "whale", "--watch", ADDRESS, "--json")

    assert json.loads(shown.stdout)["kind"] == "watch-only"


def test_a_watched_address_with_a_wrong_digit_is_refused_by_its_checksum(bethna_here):
    shown = bethna_here("wallet", "import", "whale", "--watch", ADDRESS.replace("c23", "c24"))

    assert (shown.returncode, shown.stdout) == (2, "")
    assert "checksum" in shown.stderr


def test_another_wallet_can_be_chosen(bethna_here, made):
    bethna_here("wallet", "import", "whale", "--watch", "0x" + "ab" * 20)

    chosen = json.loads(bethna_here("wallet", "use", "whale", "--network", "base-sepolia", "--json").stdout)

    assert (chosen["name"], chosen["network"], chosen["in_use"]) == ("whale", "base-sepolia", True)
    assert json.loads(bethna_here("wallet", "show", "--network", "base", "--json").stdout)["name"] == "main"


def test_wallets_are_private_files_in_private_folders(made):
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in made.rglob("*")}

    assert {mode for path, mode in modes.items() if path.is_dir()} == {0o700}
    assert {mode for path, mode in modes.items() if path.is_file()} == {0o600}


# ── refusals ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("words", "stdin", "code", "error"),
    [
        ("wallet new main", f"{PASSWORD}\n", 2, "usage"),
        ("wallet new ../x", f"{PASSWORD}\n", 2, "usage"),
        ("wallet new throwaway", f"{PASSWORD}\n", 2, "usage"),
        ("wallet new second", "short\n", 2, "usage"),
        ("wallet new second", "", 2, "usage"),
        ("wallet import second", f"{KEY}\n{PASSWORD}\n", 2, "usage"),
        ("wallet import second", f"{'0' * 64}\n{PASSWORD}\n", 2, "usage"),
        ("wallet import second --watch 0x12", "", 2, "usage"),
        ("wallet import second --watch 0x5dfb2f713360984affcfd83b3e38574a62a36565", "", 2, "usage"),
        ("wallet show second", "", 6, "not_found"),
        ("wallet use second", "", 6, "not_found"),
        ("wallet use throwaway --network base", "", 6, "not_found"),
        ("wallet export second /tmp/never", "", 6, "not_found"),
    ],
)
def test_a_refusal_has_a_message_a_hint_and_its_exit_code(typed, made, words, stdin, code, error):
    before = everything_written(made)

    shown = typed(*words.split(), "--json", stdin=stdin)

    refusal = json.loads(shown.stdout)["error"]
    assert (shown.returncode, refusal["code"], refusal["exit"]) == (code, error, code)
    assert everything_written(made) == before


def test_without_a_wallet_on_a_real_network_the_way_to_one_is_shown(bethna_here):
    shown = bethna_here("wallet", "show", "--network", "base")

    assert shown.returncode == 6
    assert "Try: bethna wallet new main" in shown.stderr


@pytest.mark.parametrize("place", ["data/wallets", "data/wallets/index.json"])
def test_a_wallet_that_others_can_reach_exits_4_and_says_how_to_close_it(bethna_here, made, place):
    (made / place).chmod(0o755)

    shown = bethna_here("wallet", "list", "--network", "base")

    assert shown.returncode == 4
    assert "Try: chmod" in shown.stderr


# ── secrets ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("secret", CANARIES.values(), ids=CANARIES.keys())
def test_what_was_typed_as_a_key_is_printed_and_kept_nowhere(typed, home, secret, monkeypatch):
    monkeypatch.setenv("BETHNA_DEBUG", "1")

    told = typed("wallet", "import", stdin=f"{secret}\n{PASSWORD}\n")
    told_scripts = typed("wallet", "import", "again", "--json", stdin=f"{secret}\n{PASSWORD}\n")

    seen = (said(told) + said(told_scripts) + everything_written(home)).lower()
    assert {told.returncode, told_scripts.returncode} <= {0, 2}
    assert "traceback" not in seen
    assert secret.lower().removeprefix("0x") not in seen
    assert not any(word in seen.split() for word in ("sausage", "xylophonist", "yellow", "zebra"))
    assert PASSWORD.lower() not in seen


@pytest.mark.parametrize(
    "words", ["new", "new main", "import", "list", "show main", "use main", "export main /nowhere/x"]
)
def test_a_password_is_printed_and_kept_nowhere(typed, made, words, monkeypatch):
    monkeypatch.setenv("BETHNA_DEBUG", "1")

    told = typed("wallet", *words.split(), stdin=f"{PASSWORD}\n{PASSWORD}\n")

    assert PASSWORD not in said(told) + everything_written(made)
    assert KEY not in said(told) + everything_written(made)


@pytest.mark.parametrize("command", ["new", "import", "list", "show", "use", "export"])
def test_no_option_takes_a_secret(bethna_here, command):
    options = bethna_here("wallet", command, "-h").stdout.lower()

    assert not any(f"--{word}" in options for word in ("password", "key", "private", "phrase", "mnemonic", "secret"))


@pytest.mark.parametrize("command", ["new", "import"])
def test_a_key_as_an_argument_is_refused_and_not_repeated(bethna_here, command):
    shown = bethna_here("wallet", command, KEY)

    assert shown.returncode == 2
    assert KEY not in said(shown)


# ── the terminal ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def terminal(environment):
    """Type to `bethna WORDS…` at a terminal."""
    children = []

    def start(*words: str) -> pexpect.spawn:
        child = pexpect.spawn(START[0], [*START[1:], *words], env=environment, timeout=30, encoding="utf-8")
        child.logfile_read = io.StringIO()
        children.append(child)
        return child

    yield start
    for child in children:
        child.close(force=True)


def test_a_person_types_the_password_twice_and_unseen(terminal):
    child = terminal("wallet", "new", "main", "--no-color")
    child.expect("Password: ")
    child.sendline(PASSWORD)
    child.expect("Repeat for confirmation: ")
    child.sendline(PASSWORD)
    child.expect("address *0x[0-9a-fA-F]{40}")
    child.expect(pexpect.EOF)
    child.close()

    assert child.exitstatus == 0
    assert PASSWORD not in child.logfile_read.getvalue()


def test_two_passwords_that_differ_are_asked_for_again(terminal):
    child = terminal("wallet", "new", "main")
    child.expect("Password: ")
    child.sendline(PASSWORD)
    child.expect("Repeat for confirmation: ")
    child.sendline(PASSWORD + "x")
    child.expect("do not match")
    child.expect("Password: ")


def test_no_process_shows_what_was_typed(terminal):
    child = terminal("wallet", "import", "main")
    child.expect("Private key or phrase: ")
    child.sendline(KEY)
    child.expect("Password: ")
    process = psutil.Process(child.pid)

    assert KEY not in " ".join(process.cmdline()) + repr(process.environ()) + child.logfile_read.getvalue()


@pytest.mark.parametrize("command", ["new", "import"])
def test_ctrl_c_at_the_prompt_exits_130_and_leaves_nothing_behind(terminal, home, command):
    child = terminal("wallet", command, "main")
    child.expect(": $")
    child.sendintr()
    child.expect(pexpect.EOF)
    child.close()

    assert child.exitstatus == 130
    assert "Traceback" not in child.logfile_read.getvalue()
    assert [path for path in home.rglob("*") if path.is_file()] == []
