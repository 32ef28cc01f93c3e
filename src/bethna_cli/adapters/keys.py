"""Where private keys come from: chance, words, hexadecimal digits. What was typed is in no message."""

import re
from collections.abc import Callable

from bethna_cli.domain.chain import Address
from bethna_cli.domain.errors import UsageError
from bethna_cli.domain.wallet import PrivateKey

CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
"""Of secp256k1 (SEC 2, 2.4.1): a private key is below it and not zero."""

LONGEST_PHRASE = 400
WORDS = (12, 15, 18, 21, 24)
_KEY = re.compile(r"(0x)?[0-9a-fA-F]{64}", re.ASCII)


def new_key(random_bytes: Callable[[int], bytes]) -> PrivateKey:
    """Draw a key. random_bytes: a source fit for cryptography, as `secrets.token_bytes`."""
    while True:
        octets = random_bytes(32)
        if 0 < int.from_bytes(octets, "big") < CURVE_ORDER:
            return PrivateKey(octets)


def parse_key(text: str) -> PrivateKey:
    """Read a private key in hexadecimal, or a BIP-39 phrase (English; the first account, m/44'/60'/0'/0/0).

    Raises UsageError, without a character of what was read.
    """
    text = text.strip()
    if _KEY.fullmatch(text):
        octets = bytes.fromhex(text[-64:])
        if not 0 < int.from_bytes(octets, "big") < CURVE_ORDER:
            raise UsageError("That number is no private key of secp256k1.", hint="bethna wallet import -h")
        return PrivateKey(octets)
    if len(text) <= LONGEST_PHRASE and len(text.split()) in WORDS:
        return _from_phrase(" ".join(text.lower().split()))
    raise UsageError(
        "That is neither a private key (64 hexadecimal digits) nor a phrase of 12 to 24 words.",
        hint="bethna wallet import -h",
    )


def _from_phrase(phrase: str) -> PrivateKey:
    key = _derived(phrase)
    if key is None:  # raised here and not where it was noticed: that error quotes the words
        raise UsageError(
            "Those words are no BIP-39 phrase: a word is not in the list, or the last one does not fit the others.",
            hint="bethna wallet import -h",
        )
    return key


def _derived(phrase: str) -> PrivateKey | None:
    from eth_account.hdaccount import ETHEREUM_DEFAULT_PATH, key_from_seed, seed_from_mnemonic
    from eth_utils.exceptions import ValidationError

    try:
        return PrivateKey(bytes(key_from_seed(seed_from_mnemonic(phrase, passphrase=""), ETHEREUM_DEFAULT_PATH)))
    except ValidationError:
        return None


def address_of(key: PrivateKey) -> Address:
    """Return the account of a key."""
    from coincurve import PublicKey

    from bethna_cli.adapters.abi import keccak

    public = PublicKey.from_valid_secret(key.octets).format(compressed=False)
    return Address("0x" + keccak(public[1:])[12:].hex())
