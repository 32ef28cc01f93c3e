"""A maker's order as the venue's contract reads it: the digest that is signed, the batch's nonce, the call's data.

Thetanuts' OptionBook and our token router share this format (EIP-712 domain "OptionBook", version "1.0", with the
book as the verifying contract). At the book itself an order is filled directly: what is shown and signed there names
one order, and `require_order` holds a quote to it.
"""

from dataclasses import fields, replace
from functools import lru_cache

from bethna_cli.adapters.abi import Function, decode, encode, keccak
from bethna_cli.domain.chain import Address as ChainAddress
from bethna_cli.domain.chain import Hash
from bethna_cli.domain.errors import PlanRefused
from bethna_cli.domain.trade import TradeIntent
from bethna_cli.domain.units import PriceE8, proceeds_of
from bethna_cli.domain.venue import Address, RawOrder

_BATCH = ("address", "uint256", "address", "bool", "address", "address", "bool", "uint256")
_ORDER = f"({','.join(_BATCH)},uint256[],uint256,uint256,uint256,bytes)"
_SIGNED = (
    "Order(address maker,uint256 orderExpiryTimestamp,address collateral,bool isCall,address priceFeed,"
    "address implementation,bool isLong,uint256 maxCollateralUsable,uint256[] strikes,uint256 expiry,uint256 price)"
)
_DOMAIN = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
FILL = Function("fillOrder", (_ORDER, "bytes", "address"), ("address",))
NO_REFERRER = "0x" + "00" * 20
"""bethna takes no share of the book's fee, and lets nobody else name who does."""


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
    return encode((_ORDER, "bytes"), (order_values(order), _octets(order.signature)))


def order_values(order: RawOrder) -> tuple[object, ...]:
    """Return an order as the venue's tuple has it."""
    extra = _octets(order.extra_option_data)
    return (*_batch(order), order.strikes, order.expiry, order.price, order.num_contracts, extra)


def _octets(text: str) -> bytes:
    return bytes.fromhex(text[2:])


def read_route(route: bytes, chain_id: int, book: Address) -> RawOrder:
    """Read an order and its signature back. Raises PlanRefused for other bytes."""
    try:
        order, signature = decode((_ORDER, "bytes"), route)
    except ValueError:
        raise PlanRefused("The maker's order is not readable; nothing was signed.") from None
    *batch, strikes, expiry, price, contracts, extra = order
    named = dict(zip((field.name for field in fields(RawOrder)), batch, strict=False))
    found = RawOrder(
        **named,
        strikes=tuple(strikes),
        expiry=expiry,
        price=price,
        num_contracts=contracts,
        extra_option_data="0x" + extra.hex(),
        signature="0x" + signature.hex(),
        chain_id=chain_id,
        book=book,
        nonce=0,
    )
    if route_data(found) != route:
        raise PlanRefused("The maker's order is not readable; nothing was signed.")
    return found


# ── filling the book itself ───────────────────────────────────────────────────────────────────────────────────────


def order_handle(order: RawOrder) -> ChainAddress:
    """Return what an order is called where an option token has its place: the last 20 bytes of its digest.

    The book's options are no tokens, and the one that a fill makes has no address before. No two orders share a handle.
    """
    return ChainAddress("0x" + order_digest(order)[-20:].hex())


def fill_digest(intent: TradeIntent, chain_id: int, book: Address) -> Hash:
    """Return the name of a direct fill in the journal. Nobody signs it: the transaction is what is signed."""
    types = ("address", "address", "uint256", "uint256", "uint256", "uint256", "bytes32")
    reference = bytes.fromhex(intent.ref[2:])
    terms = (intent.user, intent.option_token, intent.amount_in, intent.quoted_amount_out, intent.deadline_s)
    hashed = keccak(encode(types, (*terms, intent.nonce, reference)))
    return Hash("0x" + keccak(b"\x19\x01" + _domain_separator(chain_id, book) + hashed).hex())


def require_order(order: RawOrder, intent: TradeIntent, usdc: Address) -> None:
    """Raise PlanRefused unless filling `order` is exactly what an intent says: this order, this premium, this side."""
    wrong = [
        name
        for name, is_right in (
            ("order", order_handle(order) == intent.option_token),
            ("side", not order.is_long),
            ("collateral", order.collateral == usdc),
            ("premium", _premium(order, intent) == intent.amount_in),
            ("life", order.order_expiry_timestamp == intent.deadline_s),
            ("extra terms", order.extra_option_data == "0x"),
        )
        if not is_right
    ]
    if wrong:
        raise PlanRefused(f"The maker's order has another {', '.join(wrong)} than was shown; nothing was signed.")


def _premium(order: RawOrder, intent: TradeIntent) -> int:
    return proceeds_of(intent.quoted_amount_out, PriceE8(order.price))


def fill_data(order: RawOrder, contracts: int) -> bytes:
    """Return the calldata that fills `contracts` base units of an order, with no referrer."""
    return FILL.encode(order_values(replace(order, num_contracts=contracts)), _octets(order.signature), NO_REFERRER)


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
