"""`bethna config`: show every setting with its source, change one, say where the files are. Secrets stay masked."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from bethna_cli.cli.commands import ExampleCommand, Json, NoColor, new_app

if TYPE_CHECKING:
    from bethna_cli.settings import Settings

app = new_app("Settings: what they are, where they come from, and how to change one.")

Key = Annotated[str, typer.Argument(metavar="KEY", help="The setting's name, as in bethna config show.")]
Value = Annotated[str | None, typer.Argument(metavar="[VALUE]", help="The new value; a secret is asked for instead.")]
Keyring = Annotated[bool, typer.Option("--keyring", help="Keep a secret in the system's keyring, not in a file.")]
Unset = Annotated[bool, typer.Option("--unset", help="Go back to the default.")]


@app.command("show", cls=ExampleCommand, epilog="bethna config show")
def show(as_json: Json = False, no_color: NoColor = False) -> None:
    """Print every setting, its value and where the value came from; secrets as stars."""
    from bethna_cli.cli import output
    from bethna_cli.settings import load_settings

    settings = load_settings()
    rows = [(key, shown(settings, key), settings.origin(key)) for key in type(settings).model_fields]
    if as_json:
        output.emit([{"key": key, "value": value, "source": origin} for key, value, origin in rows])
        return
    from bethna_cli.cli.tables import table

    grid = table("setting", "value", "from")
    for key, value, origin in rows:
        grid.add_row(key, "–" if value is None else str(value), origin)
    output.console(no_color).print(grid)


def shown(settings: "Settings", key: str) -> object:
    """Return a setting as it may be shown: a number, a text, None, or stars for a secret."""
    from bethna_cli.domain.units import iso
    from bethna_cli.settings import SECRET_KEYS

    value = getattr(settings, key)
    if value is None:
        return None
    if key in SECRET_KEYS:
        return "********"
    if key == "at":
        return iso(value)
    if key == "expiry":
        return f"{value:g}d"
    return value if isinstance(value, bool | int | float) else str(value)


@app.command("set", cls=ExampleCommand, epilog="bethna config set budget_usdc 50")
def set_(
    key: Key, value: Value = None, unset: Unset = False, in_keyring: Keyring = False, as_json: Json = False
) -> None:
    """Write one setting to config.toml; a secret is read from a hidden prompt or stdin into secrets.toml."""
    from bethna_cli.cli import output
    from bethna_cli.domain.errors import UsageError
    from bethna_cli.settings import SECRET_KEYS, check_value

    secret = key in SECRET_KEYS
    if secret and value is not None:
        raise UsageError(f"{key} is a secret and never an argument.", hint=f"bethna config set {key}")
    if in_keyring and not secret:
        raise UsageError(f"{key} is no secret; the keyring is for secrets.", hint=f"bethna config set {key} VALUE")
    if unset:
        value = None
    else:
        value = _secret_from_person(key) if secret else value
        if value is None:
            raise UsageError(f"{key} needs a value.", hint=f"bethna config set {key} VALUE")
        check_value(key, value)
    place = _kept(key, value, in_keyring)
    if as_json:
        output.emit({"key": key, "file": place, "set": not unset})
    else:
        typer.echo(f"{key} {'removed from' if unset else 'written to'} {place}")


def _kept(key: str, value: str | None, in_keyring: bool) -> str:
    """Write (None: remove) a value where it belongs, and say where that was."""
    from bethna_cli.settings import SECRET_KEYS, folders
    from bethna_cli.settings_files import refuse_wide, write_keyring, write_value

    places = folders()
    if in_keyring:
        write_keyring(key, value)
        write_value(places.config_file, "keyring", "true")
        return "the keyring"
    path = places.secrets_file if key in SECRET_KEYS else places.config_file
    write_value(path, key, value)
    if key in SECRET_KEYS:
        refuse_wide(path)
    return str(path)


def _secret_from_person(key: str) -> str:
    if sys.stdin.isatty():
        return str(typer.prompt(key, hide_input=True, err=True))
    return sys.stdin.readline().strip()


@app.command("path", cls=ExampleCommand, epilog="bethna config path")
def path(as_json: Json = False) -> None:
    """Print where settings, secrets and data are kept (BETHNA_HOME moves all of it)."""
    from bethna_cli.cli import output
    from bethna_cli.settings import folders

    places = folders()
    named = {"config": places.config_file, "secrets": places.secrets_file, "data": places.data}
    if as_json:
        output.emit({name: str(place) for name, place in named.items()})
        return
    for name, place in named.items():
        typer.echo(f"{name:8} {place}")
