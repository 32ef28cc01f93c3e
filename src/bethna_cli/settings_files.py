"""The files behind the settings, and the system's keyring: read strictly, written whole, for the owner's eyes only.

It knows keys and text, not what a setting means; types and bounds are `settings`'s.
"""

import json
import os
import re
import stat
import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType

from bethna_cli.domain.errors import ConfigurationError

FOLDER_MODE = 0o700
FILE_MODE = 0o600
KEYRING_SERVICE = "bethna"
_NUMBER = re.compile(r"(0|[1-9]\d{0,11})(\.\d{1,12})?", re.ASCII)


def read_values(path: Path, known: frozenset[str], secret: frozenset[str]) -> dict[str, object]:
    """Return the keys and values of a TOML file, nothing when there is no file.

    Raises ConfigurationError when it cannot be read, is not TOML, repeats a key, holds a key that is not `known`, or
    holds a `secret` one while others on this machine may read it.
    """
    try:
        values = tomllib.loads(path.read_text("utf-8"), parse_float=Decimal)
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read: {type(error).__name__}.", hint=f"ls -l {path}") from error
    except tomllib.TOMLDecodeError as error:
        place = re.search(r" \(at .*\)", str(error))
        reason = "a key stands there twice" if "overwrite" in str(error) else "not valid TOML"
        raise ConfigurationError(f"{path}: {reason}{place[0] if place else ''}.", hint="bethna config path") from None
    for key in values:
        if key not in known:
            raise unknown_key(key, known, str(path))
    if secret & set(values):
        refuse_wide(path)
    return values


def unknown_key(key: str, known: frozenset[str], where: str) -> ConfigurationError:
    """Build the refusal of a key nobody knows, with the nearest one that exists."""
    near = get_close_matches(key, known, n=1)
    tail = f" Did you mean {near[0]!r}?" if near else ""
    return ConfigurationError(f"{where}: no setting is called {key!r}.{tail}", hint="bethna config show")


def refuse_wide(path: Path) -> None:
    """Raise ConfigurationError when others on this machine may reach `path` or its folder."""
    for place, mode in ((path.parent, FOLDER_MODE), (path, FILE_MODE)):
        found = stat.S_IMODE(place.stat().st_mode)
        if found & ~mode:
            raise ConfigurationError(
                f"{place} holds a secret and has mode {found:04o}; more than {mode:04o} is not safe.",
                hint=f"chmod {mode:o} {place}",
            )


def write_value(path: Path, key: str, value: str | None) -> None:
    """Set `key` to `value` (None removes it) and keep every other line; the file changes whole or not at all."""
    make_private(path.parent)
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    kept = [line for line in lines if not re.match(rf"\s*\"?{re.escape(key)}\"?\s*=", line)]
    if value is not None:
        kept.append(f"{key} = {value if _NUMBER.fullmatch(value) else _quoted(value)}")
    replace_file(path, "".join(f"{line}\n" for line in kept).encode())


def _quoted(text: str) -> str:
    """Write a TOML basic string: JSON's, with the one control character that JSON leaves as it is."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def replace_file(path: Path, content: bytes) -> None:
    """Put `content` at `path` in one step, mode 0600, on the disk before the old one is gone."""
    temporary = None
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except OSError as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        raise ConfigurationError(
            f"{path} cannot be written: {type(error).__name__}.", hint=f"ls -ld {path.parent}"
        ) from error


def make_private(folder: Path) -> Path:
    """Create `folder`, and the folders above it, with mode 0700 where they are missing, and return it."""
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    try:
        for place in (*reversed(missing), folder):
            place.mkdir(mode=FOLDER_MODE, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"{folder} cannot be made: {type(error).__name__}.", hint="bethna config path"
        ) from error
    return folder


def keyring_values(keys: frozenset[str]) -> dict[str, str]:
    """Return the secrets that the system's keyring holds for bethna. Raises ConfigurationError when there is none."""
    with _keyring() as ring:
        found = {key: ring.get_password(KEYRING_SERVICE, key) for key in sorted(keys)}
    return {key: value for key, value in found.items() if value}


def keyring_text(key: str) -> str | None:
    """Return what the system's keyring keeps under one name. Raises ConfigurationError when there is no keyring."""
    with _keyring() as ring:
        text: str | None = ring.get_password(KEYRING_SERVICE, key)
        return text


def write_keyring(key: str, value: str | None) -> None:
    """Keep a secret in the system's keyring (None removes it). Raises ConfigurationError when there is none."""
    with _keyring() as ring:
        if value is not None:
            ring.set_password(KEYRING_SERVICE, key, value)
        elif ring.get_password(KEYRING_SERVICE, key) is not None:
            ring.delete_password(KEYRING_SERVICE, key)


@contextmanager
def _keyring() -> Iterator[ModuleType]:
    try:
        import keyring
        from keyring.errors import KeyringError
    except ModuleNotFoundError as error:
        raise ConfigurationError("The keyring needs a package.", hint="pip install 'bethna[keyring]'") from error
    try:
        yield keyring
    except KeyringError as error:
        reason = f"The keyring cannot be used: {type(error).__name__}."
        raise ConfigurationError(reason, hint="bethna config set keyring false") from error
