"""The watcher's own account on this machine, and what it is opened with."""

from typing import TYPE_CHECKING

from bethna_cli.domain.chain import Address
from bethna_cli.domain.errors import ConfigurationError
from bethna_cli.settings import Settings
from bethna_cli.settings_files import keyring_text, make_private, write_keyring, write_value

if TYPE_CHECKING:
    from bethna_cli.adapters.watcher_key import ExitKey, WatcherAccount

VAULT_NAME = "watcher_password"


class KeyringVault:
    """The keystore's password in the system's keyring."""

    def read(self) -> str | None:
        return keyring_text(VAULT_NAME)

    def keep(self, text: str) -> None:
        write_keyring(VAULT_NAME, text)


def watcher_account(settings: Settings) -> "WatcherAccount":
    """Return the watcher's keystore, whether or not it has been made."""
    from bethna_cli.adapters.watcher_key import WatcherAccount

    vault = KeyringVault() if settings.keyring else None
    return WatcherAccount(make_private(settings.folders.data) / "watcher", vault)


def ensure_watcher(settings: Settings) -> Address:
    """Return the account that exits are signed for; where none is pinned yet, make one and pin it in the settings.

    Raises KeystoreRefused where its folder is not private.
    """
    if settings.watcher_address:
        return Address(settings.watcher_address)
    address = watcher_account(settings).create()
    write_value(settings.folders.config_file, "watcher_address", address)
    return address


def open_watcher(settings: Settings) -> "ExitKey":
    """Open the key of the pinned account. Raises ConfigurationError when there is none here, KeystoreRefused."""
    if not settings.watcher_address:
        raise ConfigurationError("The watcher has no account yet, so it can only warn.", hint="bethna watch key")
    return watcher_account(settings).open(Address(settings.watcher_address))
