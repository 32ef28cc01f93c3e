"""What is known of the embedded chain before it runs: its id, its accounts and its contracts.

The accounts' keys are public: each is the Keccak-256 of a sentence in bethna's source. The deployer's transactions are
always the same, so the contracts' addresses are too, and can be pinned like those of a real network. Whoever holds one
of these keys on a real chain loses the money at once, which is why they are refused there.
"""

from collections.abc import Mapping
from types import MappingProxyType

from bethna_cli.domain.errors import ConfigurationError
from bethna_cli.domain.market import Asset
from bethna_cli.domain.options import OptionKind
from bethna_cli.domain.venue import BASE_R12, Address, VenueAddresses

EMBEDDED_CHAIN_ID = 779_977

PUBLIC_ACCOUNTS: Mapping[str, Address] = MappingProxyType(
    {
        "throwaway_wallet": "0x5dfb2f713360984affcfd83b3e38574a62a36565",
        "maker": "0x6bcb8d61c4695fc9fea4d0433a5e42fb51ce830e",
        "keeper": "0x7f92e57526e554c1439534dc729a2c2590c4344d",
        "owner": "0xa1e02e98bce32470e2366c97ff11828e178ee17a",
        "guardian": "0xfd577acbd5ebf3f1927ef83b933b25c42caef154",
        "deployer": "0x8566e0f2871f53ae1c2bcc81319ac201f0891d2e",
    }
)
"""Who acts on the embedded chain, by role. Everybody knows their keys."""

PUBLIC_CONTRACTS: Mapping[str, Address] = MappingProxyType(
    {
        "usdc": "0xc37c06b50f5430822124d8bc0f2e600a921daab0",
        "oracle": "0x3303d976d55f8793f5120b7134a7f7c186aca16f",
        "router": "0x7b54c9b507ce1ef2247fe2de174ff74f12fefec5",
        "trader": "0x5b1ff04c89929f6e122140e74165c4a6dcee340f",
    }
)
"""Where the contracts of the embedded chain are: DevelopmentUSDC, DevelopmentPriceOracle, ThetanutsTokenRouter and
SentientTrader, the deployer's first four transactions."""

EMBEDDED_VENUE = VenueAddresses(
    chain_id=EMBEDDED_CHAIN_ID,
    book=PUBLIC_CONTRACTS["router"],
    usdc=PUBLIC_CONTRACTS["usdc"],
    implementations=MappingProxyType(
        {
            "0x810748093ab20f54686a590b7f839b7a0bbb2447": OptionKind.CALL,
            "0x8264492e2af43fc4f18b68852b1b52671b3c100c": OptionKind.PUT,
            "0x6f7070386b527015d1f4d1a8b39d6937b7efabd9": OptionKind.CALL_SPREAD,
            "0x8b7a8a0908e2ccfa69a565e0c312bd1541591405": OptionKind.PUT_SPREAD,
        }
    ),
    not_traded=BASE_R12.not_traded,
    feeds=MappingProxyType({BASE_R12.feed_of(asset): asset for asset in (Asset.ETH, Asset.BTC)}),
    buys_back=True,
)
"""The venue on the embedded chain: the token router is its book, and the implementations are the router's constants.
An order's price feed is the label that orders on Base carry; no code lives there."""


PUBLIC_BOOK: Address = "0x47a9d4ab081406ccddf436bc5e5fce350d6838f5"
"""Where the stand-in for Thetanuts' OptionBook is, in worlds that quote for it: the deployer's tenth transaction."""

EMBEDDED_BOOK = VenueAddresses(
    chain_id=EMBEDDED_CHAIN_ID,
    book=PUBLIC_BOOK,
    usdc=PUBLIC_CONTRACTS["usdc"],
    implementations=MappingProxyType(
        {
            "0xf3e841d2ab5d70e47ed28628be610d5d7bdd2541": OptionKind.CALL,
            "0xd790c25aa871f14b9a584ee949beb46684174068": OptionKind.PUT,
            "0x03a418761323ea4c2e19272b84801ebda03f4538": OptionKind.CALL_SPREAD,
            "0xa95d7bb00863aa13cef3c8da0cc1961787a4a330": OptionKind.PUT_SPREAD,
        }
    ),
    not_traded=BASE_R12.not_traded,
    feeds=EMBEDDED_VENUE.feeds,
)
"""The same market quoted for the order book, whose options are roles: the implementations are the book's first four
contracts."""


def is_throwaway(address: Address) -> bool:
    """Say whether everybody knows the key of `address`, in whichever case it is written."""
    return address.lower() in PUBLIC_ACCOUNTS.values()


def require_own_key(address: Address, chain_id: int) -> None:
    """Raise ConfigurationError when the key of `address` is public and the chain is not the embedded one."""
    if chain_id != EMBEDDED_CHAIN_ID and is_throwaway(address):
        raise ConfigurationError(
            f"{address} is an account of the embedded world: everybody knows its key, and chain {chain_id} is real.",
            hint="bethna wallet new",
        )
