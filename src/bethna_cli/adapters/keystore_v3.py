"""Web3 secret storage, version 3: a private key encrypted with scrypt and AES-128-CTR (ethereum.org, 2015).

eth-keyfile encrypts and decrypts. Before it derives anything, this reads the file strictly and bounds what the
derivation may cost: a weak one is no protection, an absurd one is an attack on this machine.
"""

import json
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from bethna_cli.adapters.wire import read_json
from bethna_cli.domain.errors import KeystoreRefused, WrongPassword
from bethna_cli.domain.wallet import Password, PrivateKey

LONGEST_FILE = 4096
DEFAULT_COST = 2**18
BLOCK_SIZE = 8


@dataclass(frozen=True, slots=True)
class ScryptLimits:
    """Which derivations are accepted. least_cost: scrypt's N; most_work: N·r·p, of which 128 bytes each are memory."""

    least_cost: int = 2**17
    most_work: int = 2**22


ACCEPTED = ScryptLimits()


def _hexadecimal(octets: int) -> StringConstraints:
    return StringConstraints(pattern=rf"^[0-9a-fA-F]{{{2 * octets}}}$")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


class _KdfParameters(_Strict):
    n: int = Field(ge=2, le=2**40)
    r: int = Field(ge=BLOCK_SIZE, le=64)
    p: int = Field(ge=1, le=64)
    dklen: Literal[32]
    salt: Annotated[str, StringConstraints(pattern=r"^([0-9a-fA-F]{2}){16,64}$")]


class _CipherParameters(_Strict):
    iv: Annotated[str, _hexadecimal(16)]


class _Crypto(_Strict):
    cipher: Literal["aes-128-ctr"]
    cipherparams: _CipherParameters
    ciphertext: Annotated[str, _hexadecimal(32)]
    kdf: Literal["scrypt"]
    kdfparams: _KdfParameters
    mac: Annotated[str, _hexadecimal(32)]


class _Keystore(_Strict):
    address: Annotated[str, _hexadecimal(20)] | None = None
    crypto: _Crypto
    id: Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F-]{36}$")]
    version: Literal[3]


def encrypt(key: PrivateKey, password: Password, cost: int = DEFAULT_COST) -> bytes:
    """Return the keystore file's content. cost: scrypt's N, a power of two."""
    from eth_keyfile.keyfile import create_keyfile_json

    document = create_keyfile_json(key.octets, password.text.encode(), kdf="scrypt", iterations=cost)
    return json.dumps(document, indent=2, sort_keys=True).encode() + b"\n"


def decrypt(content: bytes, password: Password, limits: ScryptLimits) -> PrivateKey:
    """Return the key. It may be another one than was encrypted: the format does not protect the IV, compare addresses.

    Raises KeystoreRefused for a file that is no such keystore or not within `limits`, WrongPassword when the MAC does
    not match, which a changed file shows too.
    """
    keystore = _read(content)
    _require_within(keystore.crypto.kdfparams, limits)
    from eth_keyfile.keyfile import decode_keyfile_json

    try:
        octets = decode_keyfile_json(keystore.model_dump(), password.text.encode())
    except ValueError:
        raise WrongPassword("The password is wrong (MAC mismatch).", hint="bethna wallet list") from None
    return PrivateKey(bytes(octets))


def _read(content: bytes) -> _Keystore:
    try:
        return _Keystore.model_validate(read_json(content))
    except ValidationError as error:
        place = ".".join(str(part) for part in error.errors(include_url=False, include_input=False)[0]["loc"])
        raise KeystoreRefused(
            f"The wallet's file is no keystore that can be trusted: {place[:60]!a}.", hint="bethna wallet list"
        ) from None
    except ValueError:
        raise KeystoreRefused("The wallet's file is not JSON.", hint="bethna wallet list") from None


def _require_within(found: _KdfParameters, limits: ScryptLimits) -> None:
    if found.n & (found.n - 1):
        raise KeystoreRefused(f"scrypt with n={found.n}: it must be a power of two.", hint="bethna wallet import")
    if found.n < limits.least_cost:
        raise KeystoreRefused(
            f"scrypt with n={found.n} is too weak; the least is {limits.least_cost}.", hint="bethna wallet import"
        )
    if found.n * found.r * found.p > limits.most_work:
        raise KeystoreRefused(
            f"scrypt with n={found.n}, r={found.r}, p={found.p} would need more than this machine should give.",
            hint="bethna wallet import",
        )
