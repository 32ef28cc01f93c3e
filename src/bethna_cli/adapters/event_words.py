"""What an event's log is made of: words of fixed width, and what one of them tells of an account's option."""

from collections.abc import Mapping
from typing import NamedTuple

from bethna_cli.domain.chain import Address, Hash, Log
from bethna_cli.domain.errors import ContractMismatch
from bethna_cli.domain.position import ChainEvent, EventKind

WORD = 32


class Seen(NamedTuple):
    """An event and the log that tells it."""

    kind: EventKind
    user: Address
    venue: Address
    token: Address
    contracts: int
    usdc: int
    ordinal: int
    log: Log

    @property
    def place(self) -> tuple[int, int]:
        return (self.log.block_number, self.log.log_index)

    def event(self, times: Mapping[int, int]) -> ChainEvent:
        return ChainEvent(
            kind=self.kind,
            user=self.user,
            venue=self.venue,
            token=self.token,
            contracts=self.contracts,
            usdc=self.usdc,
            transaction=self.log.transaction_hash,
            ordinal=self.ordinal,
            block_number=self.log.block_number,
            block_hash=self.log.block_hash,
            time_s=times[self.log.block_number],
            log_index=self.log.log_index,
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
