"""The trade that a person signs: exactly what SentientTrader may do with their money, once and before a deadline.

An intent whose fields are not exactly what the contract expects cannot be made at all.
"""

import re
from dataclasses import dataclass
from enum import IntEnum

from bethna_cli.domain.chain import Address, Hash, SigningDomain

LAST_MOMENT_S = 253_402_300_799
"""The end of the year 9999: a deadline beyond it is milliseconds, or a mistake."""

_ADDRESS = re.compile(r"0x[0-9a-f]{40}")
_HASH = re.compile(r"0x[0-9a-f]{64}")
_PURPOSE = re.compile(r"[a-z][a-z0-9-]{0,31}")


class Side(IntEnum):
    """Which way the money goes, as the contract numbers it: BUY pays USDC for options, SELL options for USDC."""

    BUY = 0
    SELL = 1


@dataclass(frozen=True, slots=True)
class TradeIntent:
    """SentientTrader's `TradeIntent`, field by field. Amounts are base units (USDC 6 decimals, options 6).

    executor: who may submit it besides the user; NO_ADDRESS is any courier of the contract's owner. amount_in: for a
    SELL a ceiling. ref: the hash of what was recommended. Raises ValueError for a value that another program would read
    differently: a float, a numeral, a bool, an address in mixed case.
    """

    user: Address
    executor: Address
    side: Side
    option_token: Address
    router: Address
    amount_in: int
    quoted_amount_out: int
    min_amount_out: int
    nonce: int
    deadline_s: int
    ref: Hash

    def __post_init__(self) -> None:
        if not isinstance(self.side, Side):
            raise ValueError(f"not a side: {self.side!r}")
        for address in (self.user, self.executor, self.option_token, self.router):
            require_address(address)
        for number in (self.amount_in, self.quoted_amount_out, self.min_amount_out, self.nonce, self.deadline_s):
            if type(number) is not int or not 0 <= number < 2**256:
                raise ValueError(f"not a uint256: {number!r}")
        if self.deadline_s > LAST_MOMENT_S:
            raise ValueError(f"not a time in seconds: {self.deadline_s}")
        require_hash(self.ref)


@dataclass(frozen=True, slots=True)
class PlannedTrade:
    """An intent with the contract it is signed for, and what it is for: "buy", "sell-2", a mandate's purpose."""

    purpose: str
    domain: SigningDomain
    intent: TradeIntent

    def __post_init__(self) -> None:
        if not isinstance(self.purpose, str) or not _PURPOSE.fullmatch(self.purpose):
            raise ValueError(f"not a purpose: {self.purpose!r}")
        require_address(self.domain.verifying_contract)
        if type(self.domain.chain_id) is not int or not 0 < self.domain.chain_id < 2**256:
            raise ValueError(f"not a chain id: {self.domain.chain_id!r}")


def require_address(value: object) -> None:
    """Raise ValueError unless `value` is an address in lower case."""
    if not isinstance(value, str) or not _ADDRESS.fullmatch(value):
        raise ValueError(f"not an address in lower case: {value!r}")


def require_hash(value: object) -> None:
    """Raise ValueError unless `value` is 32 bytes in lower-case hexadecimal."""
    if not isinstance(value, str) or not _HASH.fullmatch(value):
        raise ValueError(f"not 32 bytes in lower case: {value!r}")
