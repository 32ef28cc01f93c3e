"""What an event's log is made of: words of fixed width, and what one of them tells of an account's option."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from bethna_cli.domain.chain import Address, Hash, Log
from bethna_cli.domain.errors import ContractMismatch
from bethna_cli.domain.position import ChainEvent, EventKind

WORD = 32

_EVENT: Callable[[tuple[Any, ...]], ChainEvent] = partial(tuple.__new__, ChainEvent)
"""`ChainEvent._make` at a quarter of its cost."""


class Kept(NamedTuple):
    """Logs in the order of the chain, and when their blocks were made."""

    logs: Sequence[Log]
    times: Mapping[int, int]

    def event(
        self,
        log: Log,
        kind: EventKind,
        user: Address,
        venue: Address,
        token: Address,
        contracts: int,
        usdc: int,
        ordinal: int = 0,
    ) -> ChainEvent:
        """Return what one of the logs tells of an account's option."""
        _, _, _, number, block_hash, transaction, _, log_index = log
        time_s = self.times[number]
        return _EVENT(
            (kind, user, venue, token, contracts, usdc, transaction, ordinal, number, block_hash, time_s, log_index)
        )


def words(data: bytes, count: int) -> tuple[int, ...]:
    """Read event data that is nothing but `count` unsigned words. Raises ContractMismatch."""
    if len(data) != count * WORD:
        raise ContractMismatch(f"An event carries {len(data)} bytes instead of {count * WORD}.")
    return tuple(int.from_bytes(data[at : at + WORD]) for at in range(0, len(data), WORD))


def address_word(address: Address) -> Hash:
    """Write an address as an indexed topic."""
    return Hash("0x" + "00" * 12 + address[2:])


def word_address(word: Hash) -> Address:
    """Read the address in an indexed topic."""
    return Address("0x" + word[26:])
