"""A person's wallets on this machine: encrypted keystores, watched addresses, and which one is in use.

The index keeps, apart from the keystores, what each must be: its address and its hash. A keystore that was changed is
refused by its hash; one that opens to another address, because its IV was changed or index and file were swapped, is
refused by its address. Names and addresses are no secrets, but a folder that others can write to is no place for keys.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from bethna_cli.adapters.keys import address_of
from bethna_cli.adapters.keystore_v3 import ACCEPTED, DEFAULT_COST, LONGEST_FILE, ScryptLimits, decrypt, encrypt
from bethna_cli.adapters.private_files import PrivateFolder, write_new
from bethna_cli.adapters.wire import read_json
from bethna_cli.domain.chain import CHAIN_IDS, Address
from bethna_cli.domain.embedded import EMBEDDED_CHAIN_ID, is_throwaway
from bethna_cli.domain.errors import ConfigurationError, KeystoreRefused, NotFound, UsageError, WrongPassword
from bethna_cli.domain.text import clean
from bethna_cli.domain.wallet import THROWAWAY, Password, PrivateKey, Wallet, WalletKind, parse_name
from bethna_cli.ports import Clock

INDEX_FILE = "index.json"
LONGEST_INDEX = 64 * 1024
MOST_WALLETS = 64
FREE_TRIES = 3
LONGEST_WAIT_S = 900
REAL_NETWORKS = tuple(name for name, chain_id in CHAIN_IDS.items() if chain_id != EMBEDDED_CHAIN_ID)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class _Entry(_Strict):
    """One wallet. sha256: its keystore's, None for a watched address. failures: wrong passwords in a row."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$")]
    address: Annotated[str, StringConstraints(pattern=r"^0x[0-9a-f]{40}$")]
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] | None
    created_at: AwareDatetime
    failures: Annotated[int, Field(ge=0, strict=True)] = 0
    failed_at: AwareDatetime | None = None

    @property
    def file(self) -> str:
        return f"{self.address}.json"

    def wallet(self) -> Wallet:
        kind = WalletKind.WATCH_ONLY if self.sha256 is None else WalletKind.KEYSTORE
        return Wallet(self.name, Address(self.address), kind, self.created_at)


class _Index(_Strict):
    wallets: Annotated[tuple[_Entry, ...], Field(max_length=MOST_WALLETS)] = ()
    in_use: dict[str, str] = {}


@dataclass(frozen=True, slots=True)
class Derivation:
    """What a new keystore's derivation costs (scrypt's N), and which ones are accepted."""

    cost: int = DEFAULT_COST
    limits: ScryptLimits = ACCEPTED


STANDARD = Derivation()


class WalletFolder:
    """`KeyStore` in one folder."""

    def __init__(self, path: Path, clock: Clock, derivation: Derivation = STANDARD) -> None:
        self._files = PrivateFolder(path)
        self._clock = clock
        self._derivation = derivation

    @property
    def path(self) -> Path:
        return self._files.path

    def wallets(self, network: str) -> tuple[Wallet, ...]:
        own = tuple(entry.wallet() for entry in self._index().wallets)
        return (THROWAWAY, *own) if network == "sim" else own

    def wallet(self, name: str, network: str) -> Wallet:
        for wallet in self.wallets(network):
            if wallet.name == name:
                return wallet
        raise NotFound(f"No wallet is called {clean(name, 40)!r} on {network}.", hint="bethna wallet list")

    def in_use(self, network: str) -> Wallet | None:
        chosen = self._index().in_use.get(network)
        if chosen is not None:
            return self.wallet(chosen, network)
        return THROWAWAY if network == "sim" else None

    def use(self, name: str, network: str) -> Wallet:
        wallet = self.wallet(name, network)
        with self._files.locked():
            index = self._index()
            self._write(index.model_copy(update={"in_use": {**index.in_use, network: name}}))
        return wallet

    def keep(self, name: str, key: PrivateKey, password: Password) -> Wallet:
        address = address_of(key)
        with self._files.locked():
            index = self._index()
            self._require_new(index, name, address)
            content = encrypt(key, password, self._derivation.cost)
            if address_of(decrypt(content, password, self._derivation.limits)) != address:
                raise KeystoreRefused("The new keystore does not open to its own address; nothing was kept.")
            entry = _Entry(name=name, address=address, sha256=_hash(content), created_at=self._clock.now())
            self._files.replace(entry.file, content)
            self._write(_with(index, entry))
        return entry.wallet()

    def watch(self, name: str, address: Address) -> Wallet:
        with self._files.locked():
            index = self._index()
            self._require_new(index, name, address)
            entry = _Entry(name=name, address=address, sha256=None, created_at=self._clock.now())
            self._write(_with(index, entry))
        return entry.wallet()

    def export(self, name: str, target: Path) -> None:
        content = self._keystore(self._entry(lambda entry: entry.name == name, name))
        try:
            write_new(target, content)
        except FileExistsError as error:
            raise UsageError(f"{target} exists; it is left as it is.", hint="bethna wallet export -h") from error
        except OSError as error:
            raise ConfigurationError(f"{target} cannot be written: {type(error).__name__}.") from error

    def of(self, address: Address) -> Wallet:
        return self._entry(lambda entry: entry.address == address, address).wallet()

    def require_openable(self, address: Address) -> None:
        entry = self._entry(lambda entry: entry.address == address, address)
        self._keystore(entry)
        self._require_patience(entry)

    def unlock(self, address: Address, password: Password) -> PrivateKey:
        with self._files.locked():
            entry = self._entry(lambda entry: entry.address == address, address)
            content = self._keystore(entry)
            self._require_patience(entry)
            # Counted before it is tried: whoever kills the process in between has still tried.
            self._update(entry, failures=entry.failures + 1, failed_at=self._clock.now())
            key = decrypt(content, password, self._derivation.limits)
            if address_of(key) != address:
                raise KeystoreRefused(
                    f"The keystore of {entry.name!r} opens to another address than {address}: it was changed.",
                    hint="bethna wallet import",
                )
            self._update(entry, failures=0, failed_at=None)
            return key

    def _require_patience(self, entry: _Entry) -> None:
        if entry.failed_at is None or entry.failures < FREE_TRIES:
            return
        wait_s = min(2 ** (entry.failures - FREE_TRIES + 1), LONGEST_WAIT_S)
        # A clock that was set back must not lock the person out for longer than the wait itself.
        left_s = min(wait_s, wait_s - (self._clock.now() - entry.failed_at).total_seconds())
        if left_s > 0:
            raise WrongPassword(
                f"{entry.failures} wrong passwords for {entry.name!r}; the next try is in {left_s:.0f} s.",
                hint="bethna wallet list",
            )

    def _entry(self, is_it: Callable[[_Entry], bool], shown: str) -> _Entry:
        for entry in self._index().wallets:
            if is_it(entry):
                return entry
        raise NotFound(f"No wallet here is {clean(shown, 42)!r}.", hint="bethna wallet list")

    def _keystore(self, entry: _Entry) -> bytes:
        """Return a wallet's file as it was written. Raises KeystoreRefused when it was changed or is gone."""
        if entry.sha256 is None:
            raise ConfigurationError(
                f"{entry.name!r} is watched only: its key is not here.", hint="bethna wallet import main"
            )
        content = self._files.read(entry.file, LONGEST_FILE)
        if content is None:
            raise KeystoreRefused(f"The keystore of {entry.name!r} is gone: {self.path / entry.file}.")
        if _hash(content) != entry.sha256:
            raise KeystoreRefused(
                f"The keystore of {entry.name!r} was changed since it was made: {self.path / entry.file}.",
                hint="bethna wallet import",
            )
        return content

    @staticmethod
    def _require_new(index: _Index, name: str, address: Address) -> None:
        parse_name(name)
        if is_throwaway(address):
            raise UsageError(
                f"{address} is an account of the embedded world: everybody knows its key.",
                hint="bethna wallet new main",
            )
        for entry in index.wallets:
            if name == entry.name or address == entry.address:
                raise UsageError(f"There is {entry.name!r} already, {entry.address}.", hint="bethna wallet list")
        if len(index.wallets) >= MOST_WALLETS:
            raise UsageError(f"There are {MOST_WALLETS} wallets already.", hint="bethna wallet list")

    def _index(self) -> _Index:
        content = self._files.read(INDEX_FILE, LONGEST_INDEX)
        if content is None:
            return _Index()
        try:
            index = _Index.model_validate(read_json(content))
        except (ValidationError, ValueError):
            raise KeystoreRefused(
                f"{self.path / INDEX_FILE} is not what bethna wrote.", hint=f"ls -l {self.path}"
            ) from None
        named = [word for entry in index.wallets for word in (entry.name, entry.address)]
        if len(set(named)) != len(named):
            raise KeystoreRefused(f"{self.path / INDEX_FILE} names a wallet twice.", hint=f"ls -l {self.path}")
        return index

    def _update(self, entry: _Entry, **changes: object) -> None:
        index = self._index()
        wallets = tuple(
            one.model_copy(update=changes) if one.address == entry.address else one for one in index.wallets
        )
        self._write(index.model_copy(update={"wallets": wallets}))

    def _write(self, index: _Index) -> None:
        self._files.replace(INDEX_FILE, index.model_dump_json(indent=2).encode() + b"\n")


def _with(index: _Index, entry: _Entry) -> _Index:
    """Add a wallet; the first one with a key is the one that real networks use."""
    chosen = dict.fromkeys(REAL_NETWORKS, entry.name) if entry.sha256 is not None else {}
    return index.model_copy(update={"wallets": (*index.wallets, entry), "in_use": {**chosen, **index.in_use}})


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
