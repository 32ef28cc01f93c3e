"""Where the option venue lives: contract addresses, chain id, and who signs the maker's orders.

The defaults are release r12 on Base, so that clients which know only those implementations read our rows. In one
process there is no chain and nobody to sign: rows then carry the empty signature, and cannot be bought.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol

from bethna_cli.adapters.sim.chance import number
from bethna_cli.adapters.sim.world import MakerOrder
from bethna_cli.domain.market import Asset

ZERO_ADDRESS = "0x" + "0" * 40
SIM_MAKER = "0x51e0000000000000000000000000000000000a1e"

IMPLEMENTATIONS = MappingProxyType(
    {
        "PUT": "0x7355EB92dfb0503DB558a70c10843618932ab290",
        "LINEAR_CALL": "0x051791df68223AE173Fade5217C48875e36eef61",
        "CALL_SPREAD": "0xfaeD63f7040E65b79cF0Ae29706fDc423eE249A9",
        "PUT_SPREAD": "0x02Fe0d9635e0139DBB3768a5d5Db404Fd84d9134",
        "INVERSE_CALL": "0xE6c5756b0289e3f0994CB12eb8aB71Cd903Ed0Ea",
        "PHYSICAL_PUT": "0x6aD53DD058bea004829cCf58a282C21a7Df02DcA",
    }
)
PRICE_FEEDS = MappingProxyType(
    {
        Asset.ETH: "0x71041dddad3595F9CEd3DcCFBe3D1F4b0a16Bb70",
        Asset.BTC: "0x64c911996D3c6aC71f9b455B1E8E7266BcbD848F",
    }
)
COINS = MappingProxyType(
    {
        Asset.ETH: "0x4200000000000000000000000000000000000006",
        Asset.BTC: "0xcbB7C0000aB88B473b1f5aFd9ef808440eed33Bf",
    }
)


@dataclass(frozen=True, slots=True)
class VenueAddresses:
    """The contracts a maker's order names. `coins` are the tokens of inverse options' collateral."""

    chain_id: int = 8453
    book: str = "0x1bDff855d6811728acaDC00989e79143a2bdfDed"
    usdc: str = "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913"
    implementations: Mapping[str, str] = field(default_factory=lambda: IMPLEMENTATIONS)
    price_feeds: Mapping[Asset, str] = field(default_factory=lambda: PRICE_FEEDS)
    coins: Mapping[Asset, str] = field(default_factory=lambda: COINS)


class Quoter(Protocol):
    """The maker's identity: its address, the book's nonce of an order, and the signature over it."""

    @property
    def maker(self) -> str: ...

    def nonce(self, order: MakerOrder) -> int: ...

    def sign(self, order: MakerOrder, /) -> bytes: ...


class UnsignedQuoter:
    """A maker without a chain: no signature, and a nonce that groups orders as the book's would."""

    maker = SIM_MAKER

    def nonce(self, order: MakerOrder) -> int:
        """Return one number per batch: strikes, expiry and price are not in it, as in the book's `computeNonce`."""
        batch = (order.maker, order.good_until_s, order.collateral, order.is_call, order.price_feed)
        return number(0, *batch, order.implementation, order.is_long, order.max_collateral)

    def sign(self, _order: MakerOrder, /) -> bytes:
        """Return nothing: without a chain there is no book to sign for."""
        return b""
