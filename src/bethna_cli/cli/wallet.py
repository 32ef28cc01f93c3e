"""`bethna wallet`: make, bring in, name and choose the accounts that sign. Keys stay in encrypted files.

A key, a phrase or a password is typed at a hidden prompt or read from stdin; no option takes one, nothing prints one.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bethna_cli.cli import wallet_chain
from bethna_cli.cli.commands import ExampleCommand, Json, Network, NoColor, new_app

if TYPE_CHECKING:
    from bethna_cli.domain.chain import Address
    from bethna_cli.domain.wallet import Password, Wallet
    from bethna_cli.ports import KeyStore
    from bethna_cli.settings import Settings

app = new_app("Wallets: encrypted keys on this machine, watched addresses, and which one is in use.")

LONGEST_LINE = 4096

Name = Annotated[str, typer.Argument(metavar="NAME", help="What you call the wallet, like main.")]
AnyName = Annotated[str | None, typer.Argument(metavar="[NAME]", help="The wallet; without one, the one in use.")]
Watch = Annotated[
    str | None, typer.Option("--watch", metavar="ADDRESS", help="Only look at this address; no key is asked for.")
]
Forget = Annotated[bool, typer.Option("--forget", help="Remove it from the keyring.")]
Target = Annotated[Path, typer.Argument(metavar="FILE", help="A new file for the encrypted keystore.")]


@app.command("new", cls=ExampleCommand, epilog="bethna wallet new main")
def new(name: Name = "main", as_json: Json = False, no_color: NoColor = False) -> None:
    """Make a new account, encrypted with a password that you type twice (or one line of stdin)."""
    from bethna_cli.bootstrap.wallet import fresh_key, wallet_folder
    from bethna_cli.settings import load_settings

    settings = load_settings()
    folder = wallet_folder(settings)
    _require_free(folder, name)
    wallet = folder.keep(name, fresh_key(), _new_password())
    _say(wallet, settings, folder, as_json, no_color)
    if not as_json:
        typer.echo(f"Back it up: bethna wallet export {name} FILE", err=True)


@app.command("import", cls=ExampleCommand, epilog="bethna wallet import main")
def import_(name: Name = "main", watch: Watch = None, as_json: Json = False, no_color: NoColor = False) -> None:
    """Bring in a private key or a phrase, typed hidden or as the first line of stdin; the password is the second."""
    from bethna_cli.bootstrap.wallet import typed_key, wallet_folder
    from bethna_cli.settings import load_settings

    settings = load_settings()
    folder = wallet_folder(settings)
    _require_free(folder, name)
    if watch is not None:
        wallet = folder.watch(name, _address(watch))
    else:
        key = typed_key(_hidden("Private key or phrase"))
        wallet = folder.keep(name, key, _new_password())
    _say(wallet, settings, folder, as_json, no_color)


@app.command("list", cls=ExampleCommand, epilog="bethna wallet list")
def list_(network: Network = None, as_json: Json = False, no_color: NoColor = False) -> None:
    """List the wallets that can be used on the network, and mark the one in use."""
    from bethna_cli.bootstrap.wallet import wallet_folder
    from bethna_cli.cli import output
    from bethna_cli.settings import load_settings

    settings = load_settings({"network": network})
    folder = wallet_folder(settings)
    rows = [_document(wallet, settings, folder) for wallet in folder.wallets(settings.network)]
    if as_json:
        output.emit(rows)
        return
    if not rows:
        typer.echo("No wallet yet. Try: bethna wallet new main", err=True)
        return
    from bethna_cli.cli.tables import table

    grid = table("", "wallet", "address", "kind")
    for row in rows:
        grid.add_row("*" if row["in_use"] else "", str(row["name"]), str(row["address"]), str(row["kind"]))
    output.console(no_color).print(grid)


@app.command("show", cls=ExampleCommand, epilog="bethna wallet show main")
def show(name: AnyName = None, network: Network = None, as_json: Json = False, no_color: NoColor = False) -> None:
    """Show one wallet: its address, what kind it is, since when, and whether it is in use."""
    from bethna_cli.bootstrap.wallet import wallet_folder
    from bethna_cli.settings import load_settings

    settings = load_settings({"network": network})
    folder = wallet_folder(settings)
    _say(_chosen(name, settings, folder), settings, folder, as_json, no_color)


@app.command("use", cls=ExampleCommand, epilog="bethna wallet use main --network base")
def use(name: Name, network: Network = None, as_json: Json = False, no_color: NoColor = False) -> None:
    """Choose the wallet that a network's trades are signed with."""
    from bethna_cli.bootstrap.wallet import wallet_folder
    from bethna_cli.settings import load_settings

    settings = load_settings({"network": network})
    folder = wallet_folder(settings)
    _say(folder.use(name, settings.network), settings, folder, as_json, no_color)


app.command("balance", cls=ExampleCommand, epilog="bethna wallet balance")(wallet_chain.balance)
app.command("revoke", cls=ExampleCommand, epilog="bethna wallet revoke USDC")(wallet_chain.revoke)


@app.command("remember", cls=ExampleCommand, epilog="bethna wallet remember main")
def remember(name: AnyName = None, forget: Forget = False, network: Network = None, as_json: Json = False) -> None:
    """Keep a wallet's password in the system's keyring, for --yes within your policy; --forget removes it."""
    from bethna_cli.bootstrap.policy import remember_password
    from bethna_cli.bootstrap.wallet import wallet_folder
    from bethna_cli.cli import output
    from bethna_cli.domain.wallet import Password
    from bethna_cli.settings import load_settings

    settings = load_settings({"network": network})
    folder = wallet_folder(settings)
    wallet = _chosen(name, settings, folder)
    password = None
    if not forget:
        folder.require_openable(wallet.address)
        password = Password(_hidden("Password"))
        folder.unlock(wallet.address, password)
    remember_password(wallet, password)
    if as_json:
        output.emit({"name": wallet.name, "remembered": not forget})
    else:
        typer.echo(f"The keyring {'forgets' if forget else 'keeps'} the password of {wallet.name}.")


@app.command("export", cls=ExampleCommand, epilog="bethna wallet export main backup.json")
def export(name: Name, target: Target, as_json: Json = False) -> None:
    """Write the encrypted keystore to a new file that only you can read; the key stays encrypted."""
    from bethna_cli.bootstrap.wallet import wallet_folder
    from bethna_cli.cli import output
    from bethna_cli.settings import load_settings

    wallet_folder(load_settings()).export(name, target)
    if as_json:
        output.emit({"name": name, "file": str(target)})
    else:
        typer.echo(f"{name} is written to {target}, encrypted with its password.")


def _require_free(folder: "KeyStore", name: str) -> None:
    """Refuse a name before anything secret is asked for."""
    from bethna_cli.domain.errors import UsageError
    from bethna_cli.domain.wallet import parse_name

    parse_name(name)
    if any(wallet.name == name for wallet in folder.wallets("sim")):
        raise UsageError(f"There is a wallet {name!r} already.", hint="bethna wallet list")


def _new_password() -> "Password":
    from bethna_cli.domain.wallet import checked_password

    return checked_password(_hidden("Password", confirm=True))


def _hidden(words: str, confirm: bool = False) -> str:
    """Ask without echo at a terminal (twice with `confirm`), else take one line of stdin."""
    if sys.stdin.isatty():
        return str(typer.prompt(words, hide_input=True, confirmation_prompt=confirm, err=True))
    return sys.stdin.readline(LONGEST_LINE).rstrip("\r\n")


def _address(text: str) -> "Address":
    """Read an address; one in mixed case must have the right checksum (EIP-55). Raises UsageError."""
    from bethna_cli.bootstrap.chain import shown_address
    from bethna_cli.domain.errors import UsageError
    from bethna_cli.domain.wallet import parse_lower_address

    address = parse_lower_address(text)
    digits = text.strip()[2:]
    if digits not in (digits.lower(), digits.upper()) and text.strip() != shown_address(address):
        raise UsageError(
            f"The checksum of {text.strip()} does not fit: a digit is wrong.", hint="bethna wallet import -h"
        )
    return address


def _chosen(name: str | None, settings: "Settings", folder: "KeyStore") -> "Wallet":
    from bethna_cli.domain.errors import NotFound

    if name is not None:
        return folder.wallet(name, settings.network)
    wallet = folder.in_use(settings.network)
    if wallet is None:
        raise NotFound(f"No wallet is in use on {settings.network}.", hint="bethna wallet new main")
    return wallet


def _document(wallet: "Wallet", settings: "Settings", folder: "KeyStore") -> dict[str, object]:
    from bethna_cli.bootstrap.chain import shown_address
    from bethna_cli.domain.units import iso

    in_use = folder.in_use(settings.network)
    return {
        "name": wallet.name,
        "address": shown_address(wallet.address),
        "kind": wallet.kind.value,
        "created_at": None if wallet.created_at is None else iso(wallet.created_at),
        "network": settings.network,
        "in_use": in_use is not None and in_use.name == wallet.name,
    }


def _say(wallet: "Wallet", settings: "Settings", folder: "KeyStore", as_json: bool, no_color: bool) -> None:
    from bethna_cli.cli import output

    document = _document(wallet, settings, folder)
    if as_json:
        output.emit(document)
        return
    from bethna_cli.cli.tables import pairs

    grid = pairs()
    for name, value in document.items():
        shown = ("yes" if value else "no") if isinstance(value, bool) else value
        grid.add_row(name.replace("_", " "), "–" if shown is None else str(shown))
    output.console(no_color).print(grid)
