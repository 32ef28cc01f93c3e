"""A maker's order as the venue's contract reads it: the digest that is signed, the batch's nonce, the call's data.

Thetanuts' OptionBook and our token router share this format (EIP-712 domain "OptionBook", version "1.0", with the
book as the verifying contract). Nothing here judges an order.
"""

from functools import lru_cache

from bethna_cli.adapters.abi import encode, keccak
from bethna_cli.domain.venue import Address, RawOrder

_BATCH = ("address", "uint256", "address", "bool", "address", "address", "bool", "uint256")
_ORDER = f"({','.join(_BATCH)},uint256[],uint256,uint256,uint256,bytes)"
_SIGNED = (
    "Order(address maker,uint256 orderExpiryTimestamp,address collateral,bool isCall,address priceFeed,"
    "address implementation,bool isLong,uint256 maxCollateralUsable,uint256[] strikes,uint256 expiry,uint256 price)"
)
_DOMAIN = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"


def order_digest(order: RawOrder) -> bytes:
    """Return the 32 bytes that the maker signs. `num_contracts` and `extra_option_data` are not signed."""
    strikes = keccak(b"".join(strike.to_bytes(32, "big") for strike in order.strikes))
    types = ("bytes32", *_BATCH, "bytes32", "uint256", "uint256")
    values = (_type_hash(_SIGNED), *_batch(order), strikes, order.expiry, order.price)
    return keccak(b"\x19\x01" + _domain_separator(order.chain_id, order.book) + keccak(encode(types, values)))


def order_nonce(order: RawOrder) -> int:
    """Return the book's `computeNonce`: one number for a maker's batch, so no order's identity."""
    return int.from_bytes(keccak(encode(_BATCH, _batch(order))), "big")


def route_data(order: RawOrder) -> bytes:
    """Return the token router's `routeData`: the order with its signature."""
    fields = (
        *_batch(order),
        order.strikes,
        order.expiry,
        order.price,
        order.num_contracts,
        bytes.fromhex(order.extra_option_data[2:]),
    )
    return encode((_ORDER, "bytes"), (fields, bytes.fromhex(order.signature[2:])))


def _batch(order: RawOrder) -> tuple[object, ...]:
    return (
        order.maker,
        order.order_expiry_timestamp,
        order.collateral,
        order.is_call,
        order.price_feed,
        order.implementation,
        order.is_long,
        order.max_collateral_usable,
    )


@lru_cache(8)
def _domain_separator(chain_id: int, book: Address) -> bytes:
    types = ("bytes32", "bytes32", "bytes32", "uint256", "address")
    return keccak(encode(types, (_type_hash(_DOMAIN), keccak(b"OptionBook"), keccak(b"1.0"), chain_id, book)))


@lru_cache(8)
def _type_hash(text: str) -> bytes:
    return keccak(text.encode())
