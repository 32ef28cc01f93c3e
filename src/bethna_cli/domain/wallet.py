"""A person's accounts by name, and the two secrets that open them, which no `repr` shows."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from bethna_cli.domain.chain import Address
from bethna_cli.domain.embedded import PUBLIC_ACCOUNTS
from bethna_cli.domain.errors import UsageError

THROWAWAY_NAME = "throwaway"
"""How the embedded world's account is called; nobody's own wallet may be."""

SHORTEST_PASSWORD = 8
LONGEST_PASSWORD = 1024
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}", re.ASCII)
_ADDRESS = re.compile(r"0x[0-9a-f]{40}", re.ASCII)


class WalletKind(StrEnum):
    """Who holds the key: an encrypted file here, somebody else, or everybody."""

    KEYSTORE = "keystore"
    WATCH_ONLY = "watch-only"
    THROWAWAY = "throwaway"


@dataclass(frozen=True, slots=True)
class Wallet:
    """An account under a name. created_at: when it was added here, None for the throwaway wallet."""

    name: str
    address: Address
    kind: WalletKind
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Password:
    """What a person typed to open a wallet."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """The 32 bytes that are an account."""

    octets: bytes = field(repr=False)


THROWAWAY = Wallet(THROWAWAY_NAME, Address(PUBLIC_ACCOUNTS["throwaway_wallet"]), WalletKind.THROWAWAY)
"""The embedded world's wallet: everybody knows its key, so it needs no password and exists on no real network."""


def parse_name(text: str) -> str:
    """Read a wallet's name. Raises UsageError unless it is 1 to 32 of a-z, 0-9, - and _, and free to be given."""
    if not _NAME.fullmatch(text) or text == THROWAWAY_NAME:
        raise UsageError(
            f"{text[:40]!a} is no name for a wallet: a-z, 0-9, - and _, at most 32, not {THROWAWAY_NAME!r}.",
            hint="bethna wallet new main",
        )
    return text


def parse_lower_address(text: str) -> Address:
    """Read `0x` and 40 hexadecimal digits in any case. Raises UsageError; a checksum is the caller's to compare."""
    lower = text.strip().lower()
    if not _ADDRESS.fullmatch(lower):
        raise UsageError(f"{text[:50]!a} is no address: 0x and 40 hexadecimal digits.", hint="bethna wallet import -h")
    return Address(lower)


def checked_password(text: str) -> Password:
    """Accept a new password. Raises UsageError when it is too short, too long, or not printable."""
    if not SHORTEST_PASSWORD <= len(text) <= LONGEST_PASSWORD:
        raise UsageError(f"A password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters.")
    if not text.isprintable():
        raise UsageError("A password has printable characters only.")
    return Password(text)
