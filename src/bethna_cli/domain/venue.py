"""What the options venue is made of: pinned addresses, makers' orders, reference prices, indexed positions.

Addresses come from here or from configuration, never from an answer: an order that names others is left out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType

from bethna_cli.domain.market import Asset
from bethna_cli.domain.options import OptionKind

Address = str
"""A `0x` address in lower case: addresses are compared, never shown to be read aloud."""


@dataclass(frozen=True, slots=True)
class VenueAddresses:
    """One release of the venue on one chain. All addresses are lower case.

    implementations: the payoffs bethna buys, USDC-collateralised and cash-settled. not_traded: known payoffs that it
    does not buy, by name. feeds: the price feed that identifies an order's underlying. buys_back: whether a maker's bid
    buys the option that a holder has; where it does not, taking one writes a new option.
    """

    chain_id: int
    book: Address
    usdc: Address
    implementations: Mapping[Address, OptionKind]
    not_traded: Mapping[Address, str]
    feeds: Mapping[Address, Asset]
    buys_back: bool = False

    def implementation_of(self, kind: OptionKind) -> Address:
        """Return the pinned implementation that pays as `kind`. Raises KeyError when this release has none."""
        for address, known in self.implementations.items():
            if known is kind:
                return address
        raise KeyError(kind)

    def feed_of(self, asset: Asset) -> Address:
        """Return the pinned price feed of `asset`. Raises KeyError when this release has none."""
        for address, known in self.feeds.items():
            if known is asset:
                return address
        raise KeyError(asset)


BASE_R12 = VenueAddresses(
    chain_id=8453,
    book="0x1bdff855d6811728acadc00989e79143a2bdfded",
    usdc="0x833589fcd6edb6e08f4c7c32d4f71b54bda02913",
    implementations=MappingProxyType(
        {
            "0x051791df68223ae173fade5217c48875e36eef61": OptionKind.CALL,
            "0x7355eb92dfb0503db558a70c10843618932ab290": OptionKind.PUT,
            "0xfaed63f7040e65b79cf0ae29706fdc423ee249a9": OptionKind.CALL_SPREAD,
            "0x02fe0d9635e0139dbb3768a5d5db404fd84d9134": OptionKind.PUT_SPREAD,
        }
    ),
    not_traded=MappingProxyType(
        {
            "0xe6c5756b0289e3f0994cb12eb8ab71cd903ed0ea": "INVERSE_CALL",
            "0x7be48100b1b0349528a96d64953295cd0bbe4b70": "INVERSE_CALL_SPREAD",
            "0xa1d5f6b16a2e7f298f8d2cdf78f7779b4a20c4c2": "CALL_FLY",
            "0x4fd2c6d271cc6ff3ebd2027da9815a0608d03aa3": "PUT_FLY",
            "0x14476cf2ea9f7c448100f061670e390f17c78817": "CALL_CONDOR",
            "0xc742e422c7bb43a7fde1cef47997bc9d5b543cdd": "PUT_CONDOR",
            "0x9ebd7e23afd52a48f557523019285efef2170d59": "IRON_CONDOR",
            "0x9980ec85bc6fe07340adb36c76fa093bb6d4fcbc": "RANGER",
            "0x8c56100cae246f7daa4bc1ec4d1477d71178c563": "PHYSICAL_CALL",
            "0x6ad53dd058bea004829ccf58a282c21a7df02dca": "PHYSICAL_PUT",
            "0x7c444a2375275dab925b32493b64a407ee955ded": "CALL_LOAN",
        }
    ),
    feeds=MappingProxyType(
        {
            "0x71041dddad3595f9ced3dccfbe3d1f4b0a16bb70": Asset.ETH,
            "0x64c911996d3c6ac71f9b455b1e8e7266bcbd848f": Asset.BTC,
        }
    ),
)
"""Thetanuts V4 on Base, release `Base_r12` (2026-05-05)."""


@dataclass(frozen=True, slots=True)
class RawOrder:
    """A maker's signed order, kept as it came so that it can be filled: any change breaks the signature.

    The first thirteen fields are the venue's `Order`, in its order and units (strikes and price 8 decimals,
    max_collateral_usable in base units of `collateral`, times in Unix seconds). `nonce` is shared by a maker's batch:
    it is no identity.
    """

    maker: Address
    order_expiry_timestamp: int
    collateral: Address
    is_call: bool
    price_feed: Address
    implementation: Address
    is_long: bool
    max_collateral_usable: int
    strikes: tuple[int, ...]
    expiry: int
    price: int
    num_contracts: int
    extra_option_data: str
    signature: str
    chain_id: int
    book: Address
    nonce: int


@dataclass(frozen=True, slots=True)
class ReferencePrice:
    """An exchange-derived price of one option, USD per contract; not executable. None where there is no quote."""

    ticker: str
    kind: OptionKind
    strike_usd: Decimal
    expires_at: datetime
    bid_usd: Decimal | None
    ask_usd: Decimal | None
    mark_usd: Decimal | None
    underlying_usd: Decimal


@dataclass(frozen=True, slots=True)
class IndexedPosition:
    """A position as the venue's indexer reports it: a role on one option contract.

    premium and collateral in base units of the collateral token, contracts in its decimals, strikes 8 decimals.
    """

    address: Address
    side: str
    status: str
    opened_at: datetime
    transaction: str
    premium: int
    contracts: int
    collateral_token: Address
    collateral: int
    asset: str
    strikes: tuple[int, ...]
    expires_at: datetime
    implementation: str
    book: Address


@dataclass(frozen=True, slots=True)
class IndexerHealth:
    """How far the venue's indexer has come; `lag_blocks` behind the head."""

    healthy: bool
    chain_id: int
    last_indexed_block: int
    lag_blocks: int
