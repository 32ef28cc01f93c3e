"""Twelve secrets that show themselves wherever they leak: no command and no error prints, logs or stores one."""

import io
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import typer

from bethna_cli.cli.registry import COMMANDS
from mail_servers import free_port

CANARIES = {
    "an Alchemy key": "alcCANARY0f3b1d2c4e5f60718293a4b5c6",
    "an Infura key": "infCANARY9d8c7b6a5f4e3d2c1b0a998877",
    "a QuickNode token": "qnCANARY112233445566778899aabbccdd",
    "a Pyth key": "pythCANARY-73c1d0",
    "an X token": "xCANARY-AAAAAAAAAAAAAAAAAAAAAMLheAAA",
    "a model key": "sk-CANARY-proj-0123456789abcdef",
    "a mail password": "mailCANARY correct horse",
    "a Telegram token": "123456789:tgCANARY_AAEhBOweik6ad9r_QXMENQjcrGbqCr4K",
    "a Discord webhook": "dcCANARYaBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789",
    "a password in a URL": "urlCANARYpassword",
    "a wallet's password": "walletCANARY battery staple",
    "a private key": "ca4a51eca4a51eca4a51eca4a51eca4a51eca4a51eca4a51eca4a51eca4a51e0",
}
ARGUMENTS: dict[str, tuple[str, ...]] = {
    "recommend": ("ETH",),
    "market": ("ETH",),
    "buy": ("eth-call",),
    "approve": ("abcd1234", "--yes"),
    "reject": ("abcd1234",),
    "close": ("abcd1234", "--yes"),
    "exits": ("abcd1234",),
    "why": ("abcd1234",),
    "watch": ("--once",),
    "watch fund": ("0.002", "--yes"),
    "wallet import": ("mine",),
    "wallet new": ("other",),
    "wallet show": ("mine",),
    "wallet use": ("mine",),
    "wallet balance": ("mine",),
    "wallet remember": ("mine",),
    "wallet export": ("mine", "/nonexistent/file"),
    "policy set": ("--max-per-trade", "5", "--max-per-day", "5", "--for", "1d"),
    "contract verify": ("0x" + "11" * 20,),
    "config set": ("smtp_password",),
    "sim up": ("--detach",),
    "sim advance": ("1h",),
    "train": ("--data", "/nonexistent"),
    "backtest": ("--data", "/nonexistent"),
}


def leaves() -> Iterator[str]:
    """Every command there is, by the registry: groups by their members, and those that also run alone."""
    for entry in COMMANDS:
        module, _, attribute = entry.target.partition(":")
        command: Any = typer.main.get_command(getattr(import_module(module), attribute))
        members = list(getattr(command, "commands", {})) if entry.is_group else []
        yield from (f"{entry.name} {member}" for member in members)
        if not members or getattr(command, "invoke_without_command", False):
            yield entry.name


@pytest.fixture
def laden(home: Path, monkeypatch: pytest.MonkeyPatch, bethna_here: Any) -> Path:
    """A home whose files hold every secret, in a world where everything outside refuses."""
    port = free_port()
    here = f"http://127.0.0.1:{port}"
    rpc = " ".join(
        f"{here}{path}"
        for path in (
            f"/v2/{CANARIES['an Alchemy key']}",
            f"/v3/{CANARIES['an Infura key']}",
            f"/?token={CANARIES['a QuickNode token']}",
        )
    )
    rooms = " ".join(
        (
            f"tgram://{CANARIES['a Telegram token']}/42",
            f"discord://1234567890/{CANARIES['a Discord webhook']}",
            f"json://me:{CANARIES['a password in a URL']}@127.0.0.1:{port}",
        )
    )
    secrets = {
        "rpc_url": rpc,
        "pyth_api_key": CANARIES["a Pyth key"],
        "x_bearer_token": CANARIES["an X token"],
        "llm_api_key": CANARIES["a model key"],
        "smtp_password": CANARIES["a mail password"],
        "alert_urls": rooms,
    }
    (home / "secrets.toml").write_text("".join(f'{name} = "{value}"\n' for name, value in secrets.items()))
    (home / "secrets.toml").chmod(0o600)
    settings = {"network": "base", "smtp_host": "127.0.0.1", "smtp_security": "none", "smtp_user": "me"}
    settings |= {"mail_to": "me@example.org"}
    (home / "config.toml").write_text(
        "".join(f'{name} = "{value}"\n' for name, value in settings.items())
        + f'smtp_port = {port}\nsource_timeout_s = 0.2\nmarket_url = "{here}"\n'
    )
    (home / "config.toml").chmod(0o600)
    monkeypatch.setenv("BETHNA_DEBUG", "1")
    return home


PIPED = (CANARIES["a private key"], CANARIES["a wallet's password"], "yes")
"""A private key, a password and a yes, as somebody might pipe them."""


def typed(monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    """Put lines on stdin. The chat knows a key when it sees one; a password is any word, and no place for it."""
    monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))


def require_no_leak(said: Mapping[tuple[str, ...], str]) -> None:
    leaks = [(words, what) for words, text in said.items() for what, secret in CANARIES.items() if secret in text]
    assert leaks == []


def require_nothing_kept(home: Path) -> None:
    for path in (one for one in home.rglob("*") if one.is_file() and one.name != "secrets.toml"):
        content = path.read_bytes()
        found = [what for what, secret in CANARIES.items() if secret.encode() in content]
        assert (path.name, found) == (path.name, [])


@pytest.mark.timeout(900)
def test_no_command_and_no_error_shows_logs_or_stores_a_secret(
    laden: Path, monkeypatch: pytest.MonkeyPatch, bethna_here: Any
):
    monkeypatch.setattr("time.sleep", lambda _: None)
    names = list(leaves())
    assert len(names) >= 45
    assert len(CANARIES) == 12

    said: dict[tuple[str, ...], str] = {}
    for name in ("wallet import", *names, "sim down"):
        for how in ((), ("--json",), ("--no-such-flag",)):
            typed(monkeypatch, *(PIPED[::2] if name == "chat" else PIPED))
            words = (*name.split(), *ARGUMENTS.get(name, ()), *how)
            done = bethna_here(*words)
            said[words] = done.stdout + done.stderr
            assert done.returncode in range(7), said[words]

    assert any("no such option" in text.lower() for text in said.values())
    require_no_leak(said)
    require_nothing_kept(laden)


WRONG_FILES = {
    "an unknown setting": 'smpt_password = "{secret}"\n',
    "a setting twice": 'smtp_password = "{secret}"\nsmtp_password = "{secret}"\n',
    "another type": 'smtp_port = "{secret}"\n',
    "no TOML": "smtp_password = {secret}\n",
    "an address that is none": 'market_url = "ftp://{secret}@127.0.0.1"\n',
}


@pytest.mark.parametrize("file", ["config.toml", "secrets.toml"])
@pytest.mark.parametrize("wrong", WRONG_FILES)
def test_a_file_that_is_wrong_is_named_and_its_secrets_are_not(laden: Path, bethna_here: Any, wrong: str, file: str):
    for secret in CANARIES.values():
        (laden / file).write_text(WRONG_FILES[wrong].replace("{secret}", secret))
        said = {words: bethna_here(*words) for words in (("doctor",), ("config", "show", "--json"))}

        assert {one.returncode for one in said.values()} == {4}
        require_no_leak({words: done.stdout + done.stderr for words, done in said.items()})


def test_a_wrong_password_is_not_repeated(laden: Path, monkeypatch: pytest.MonkeyPatch, bethna_here: Any):
    typed(monkeypatch, *PIPED)
    assert bethna_here("wallet", "import", "mine", "--json").returncode == 0

    said = {}
    for how in ((), ("--json",)):
        typed(monkeypatch, CANARIES["a mail password"])
        done = bethna_here("wallet", "remember", "mine", *how)
        assert done.returncode == 4
        said[how] = done.stdout + done.stderr
    require_no_leak(said)
    require_nothing_kept(laden)
