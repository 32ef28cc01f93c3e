"""The watcher's own account: a key that holds gas money and may do nothing but send exits that a person has signed.

The key is an encrypted keystore in a private folder; its random password lies in the system's keyring where that is in
use, else in a file for the owner's eyes only beside it. So the watcher starts by itself, and the person's key stays
shut.
"""

import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from bethna_cli.adapters.abi import artifact, hash_text
from bethna_cli.adapters.keys import address_of, new_key
from bethna_cli.adapters.keystore import Derivation
from bethna_cli.adapters.keystore_v3 import ACCEPTED, LONGEST_FILE, decrypt, encrypt
from bethna_cli.adapters.private_files import PrivateFolder
from bethna_cli.adapters.redemption import require_redemption
from bethna_cli.adapters.signer_sign import intent_values
from bethna_cli.domain.chain import Address, Fees, UnsignedTransaction
from bethna_cli.domain.errors import ConfigurationError, KeystoreRefused, PlanRefused
from bethna_cli.domain.mandate import Mandate
from bethna_cli.domain.signing import MOST_FEES_WEI, SignedTransaction, ether
from bethna_cli.domain.wallet import Password, PrivateKey

KEY_FILE = "watcher.json"
PASSWORD_FILE = "password"  # noqa: S105 (a file's name)
PASSWORD_OCTETS = 32
LONGEST_PASSWORD_FILE = 256
MOST_EXIT_GAS = 2_000_000
LIGHT = Derivation(ACCEPTED.least_cost)
"""A password of 256 random bits is not guessed, however cheap the guess: the least accepted derivation will do."""


class Vault(Protocol):
    """Where the keystore's password is kept."""

    def read(self) -> str | None: ...

    def keep(self, text: str) -> None: ...


class FileVault:
    """A password in a private folder's file."""

    def __init__(self, folder: PrivateFolder) -> None:
        self._folder = folder

    def read(self) -> str | None:
        content = self._folder.read(PASSWORD_FILE, LONGEST_PASSWORD_FILE)
        return None if content is None else content.decode("ascii", "replace").strip()

    def keep(self, text: str) -> None:
        self._folder.replace(PASSWORD_FILE, f"{text}\n".encode("ascii"))


class WatcherAccount:
    """The watcher's keystore in the folder at a path. vault: None keeps the password in a file there."""

    def __init__(self, path: Path, vault: Vault | None = None, derivation: Derivation = LIGHT) -> None:
        self._derivation = derivation
        self._folder = PrivateFolder(path)
        self._vault = vault or FileVault(self._folder)

    def address(self) -> Address | None:
        """Return the account that the keystore says it is, None before there is one. `open` proves it."""
        content = self._folder.read(KEY_FILE, LONGEST_FILE)
        return None if content is None else _stated_address(content)

    def create(self) -> Address:
        """Draw a key where there is none yet, and return its account; two processes at once make one."""
        with self._folder.locked():
            known = self.address()
            if known is not None:
                return known
            key = new_key(secrets.token_bytes)
            password = secrets.token_urlsafe(PASSWORD_OCTETS)
            self._vault.keep(password)
            self._folder.replace(KEY_FILE, encrypt(key, Password(password), self._derivation.cost))
            return address_of(key)

    def open(self, pinned: Address) -> "ExitKey":
        """Open the key. Raises KeystoreRefused unless it is that of the pinned account, ConfigurationError without."""
        content, password = self._folder.read(KEY_FILE, LONGEST_FILE), self._vault.read()
        if content is None or password is None:
            raise ConfigurationError("The watcher has no key here, so it can only warn.", hint="bethna watch key")
        key = decrypt(content, Password(password), self._derivation.limits)
        if address_of(key) != pinned:
            raise KeystoreRefused(
                f"The watcher's keystore opens to {address_of(key)}, not to the pinned {pinned}: it was changed.",
                hint="bethna watch key",
            )
        return ExitKey(key, pinned)


class ExitKey:
    """`ExitSigner`: signs `executeTrade` of a mandate that names this account as its executor, and nothing else."""

    def __init__(self, key: PrivateKey, address: Address) -> None:
        self._key = key
        self.address = address

    def sign(
        self, mandate: Mandate, minimum_out: int, route: bytes, nonce: int, gas: int, fees: Sequence[Fees]
    ) -> tuple[SignedTransaction, ...]:
        self._require_exit(mandate, minimum_out, gas, fees)
        from eth_account import Account
        from eth_utils.address import to_checksum_address

        account = Account.from_key(self._key.octets)
        domain = mandate.trade.domain
        signed = [
            account.sign_transaction(
                {
                    "type": 2,
                    "chainId": domain.chain_id,
                    "nonce": nonce,
                    "to": to_checksum_address(domain.verifying_contract),
                    "data": exit_calldata(mandate, minimum_out, route),
                    "value": 0,
                    "gas": gas,
                    "maxFeePerGas": one.max_fee_wei,
                    "maxPriorityFeePerGas": one.tip_wei,
                }
            )
            for one in fees
        ]
        return tuple(SignedTransaction(hash_text(bytes(one.hash)), nonce, bytes(one.raw_transaction)) for one in signed)

    def sign_redemption(self, transaction: UnsignedTransaction) -> bytes:
        """Sign a payment at expiry, which brings nothing but its gas. Raises PlanRefused for anything else."""
        require_redemption(transaction, self.address)
        _require_cheap(transaction.gas * transaction.fees.max_fee_wei)
        from eth_account import Account
        from eth_utils.address import to_checksum_address

        fields = {
            "type": 2,
            "chainId": transaction.chain_id,
            "nonce": transaction.nonce,
            "to": to_checksum_address(str(transaction.to)),
            "data": transaction.data,
            "value": 0,
            "gas": transaction.gas,
            "maxFeePerGas": transaction.fees.max_fee_wei,
            "maxPriorityFeePerGas": transaction.fees.tip_wei,
        }
        return bytes(Account.sign_transaction(fields, self._key.octets).raw_transaction)

    def _require_exit(self, mandate: Mandate, minimum_out: int, gas: int, fees: Sequence[Fees]) -> None:
        intent = mandate.trade.intent
        if intent.executor != self.address:
            raise PlanRefused(f"The mandate names {intent.executor} as its executor, not the watcher {self.address}.")
        if minimum_out <= 0:
            raise PlanRefused("An exit accepts nothing in return.")
        cost_wei = gas * max(one.max_fee_wei for one in fees)
        if gas > MOST_EXIT_GAS or cost_wei > MOST_FEES_WEI:
            raise PlanRefused(f"An exit could cost {ether(cost_wei)} ETH; the most is {ether(MOST_FEES_WEI)}.")


def _require_cheap(cost_wei: int) -> None:
    if cost_wei > MOST_FEES_WEI:
        raise PlanRefused(f"It could cost {ether(cost_wei)} ETH; the most is {ether(MOST_FEES_WEI)}.")


def exit_calldata(mandate: Mandate, minimum_out: int, route: bytes) -> bytes:
    """Return the call that executes a mandate; the contract takes the larger of `minimum_out` and the signed floor."""
    function = artifact("SentientTrader").function("executeTrade")
    return function.encode(intent_values(mandate.trade.intent), mandate.signature, minimum_out, route)


def _stated_address(content: bytes) -> Address:
    """Read the address in a keystore, which nothing protects: only good for telling people."""
    from bethna_cli.adapters.wire import read_json

    try:
        document = read_json(content)
        text = str(document["address"]) if isinstance(document, dict) else ""
        if len(bytes.fromhex(text.removeprefix("0x"))) == 20:
            return Address("0x" + text.removeprefix("0x").lower())
    except (KeyError, ValueError):
        pass
    raise KeystoreRefused("The watcher's keystore is not what bethna wrote.", hint="bethna watch key -h")
