"""Who quotes at the option venue: the maker's identity, and the tokens of the options it quotes beside USDC ones.

The venue's addresses are the domain's. In one process there is no chain and nobody to sign: orders then carry the empty
signature, and cannot be bought.
"""

from types import MappingProxyType
from typing import Protocol

from bethna_cli.adapters.sim.chance import Memory, number
from bethna_cli.adapters.sim.world import MakerOrder
from bethna_cli.domain.market import Asset
from bethna_cli.domain.venue import VenueAddresses

SIM_MAKER = "0x51e0000000000000000000000000000000000a1e"

COINS = MappingProxyType(
    {
        Asset.ETH: "0x4200000000000000000000000000000000000006",
        Asset.BTC: "0xcbb7c0000ab88b473b1f5afd9ef808440eed33bf",
    }
)
"""WETH and cbBTC on Base: what inverse options are collateralised with."""


def untraded(venue: VenueAddresses, name: str) -> str:
    """Return the address of a payoff that bethna doesn't buy. Raises KeyError when this release has none."""
    for address, known in venue.not_traded.items():
        if known == name:
            return address
    raise KeyError(name)


class Quoter(Protocol):
    """The maker's identity: its address, the book's nonce of an order, and the signature over it."""

    @property
    def maker(self) -> str: ...

    def nonce(self, order: MakerOrder) -> int: ...

    def sign(self, order: MakerOrder, /) -> bytes: ...


Batch = tuple[str | int | bool, ...]


class UnsignedQuoter:
    """A maker without a chain: no signature, and a nonce that groups orders as the book's would."""

    maker = SIM_MAKER

    def __init__(self) -> None:
        self._numbers: Memory[Batch, int] = Memory(lambda batch: number(0, *batch), 512)

    def nonce(self, order: MakerOrder) -> int:
        """Return one number per batch: strikes, expiry and price are not in it, as in the book's `computeNonce`."""
        batch = (order.maker, order.good_until_s, order.collateral, order.is_call, order.price_feed)
        return self._numbers[*batch, order.implementation, order.is_long, order.max_collateral]

    def sign(self, _order: MakerOrder, /) -> bytes:
        """Return nothing: without a chain there is no book to sign for."""
        return b""
