"""The keys of the embedded chain's accounts, which are no secrets, and what is signed with them.

A key is the Keccak-256 of a sentence that says what it is for and not to send it money. They sign transactions of the
embedded chain and the market maker's quotes; the domain refuses their addresses on any other chain.
"""

from functools import cache
from typing import TYPE_CHECKING

from bethna_cli.adapters.abi import keccak
from bethna_cli.adapters.option_book import order_digest, order_nonce
from bethna_cli.adapters.sim.chain_types import BASE_FEE_WEI
from bethna_cli.adapters.sim.world import MakerOrder
from bethna_cli.domain.embedded import EMBEDDED_CHAIN_ID, PUBLIC_ACCOUNTS
from bethna_cli.domain.venue import Address, RawOrder

if TYPE_CHECKING:
    from coincurve import PrivateKey

THROWAWAY_SENTENCE = "bethna throwaway wallet: never send real money here"
TIP_WEI = 1_000
_FEE_MARKET = b"\x02"


@cache
def private_key(role: str) -> bytes:
    """Return the public private key of a role in PUBLIC_ACCOUNTS. Raises KeyError."""
    if role not in PUBLIC_ACCOUNTS:
        raise KeyError(role)
    if role == "throwaway_wallet":
        return keccak(THROWAWAY_SENTENCE.encode())
    return keccak(f"bethna simulated {role}: never send real money here".encode())


def signed_transaction(role: str, nonce: int, to: Address | None, data: bytes, gas: int) -> bytes:
    """Sign a transaction of the embedded chain that pays its constant base fee; equal arguments give equal bytes."""
    return signed(role, nonce, to, 0, data, gas, BASE_FEE_WEI + TIP_WEI, TIP_WEI)


def signed(
    role: str, nonce: int, to: Address | None, value_wei: int, data: bytes, gas: int, max_fee_wei: int, tip_wei: int
) -> bytes:
    """Sign a transaction of the embedded chain, of the kind that EIP-1559 describes.

    By itself, because these keys are no secrets, and eth-account takes longer to load than most of the world it serves.
    """
    import rlp

    place = b"" if to is None else bytes.fromhex(to[2:])
    body = [EMBEDDED_CHAIN_ID, nonce, tip_wei, max_fee_wei, gas, place, value_wei, data, []]
    signature = _signer(role).sign_recoverable(keccak(_FEE_MARKET + rlp.encode(body)), hasher=None)
    r, s = (int.from_bytes(signature[start : start + 32], "big") for start in (0, 32))
    return bytes(_FEE_MARKET + rlp.encode([*body, signature[64], r, s]))


class SigningQuoter:
    """The market maker with its key: orders that the book on the embedded chain fills."""

    maker = PUBLIC_ACCOUNTS["maker"]

    def nonce(self, order: MakerOrder) -> int:
        """Return the book's `computeNonce`."""
        return order_nonce(_raw(order))

    def sign(self, order: MakerOrder, /) -> bytes:
        """Return the signature over the order, 65 bytes as the contract reads it (v is 27 or 28)."""
        signature = _signer("maker").sign_recoverable(order_digest(_raw(order)), hasher=None)
        return bytes(signature[:64]) + bytes([27 + signature[64]])


@cache
def _signer(role: str) -> "PrivateKey":
    from coincurve import PrivateKey

    return PrivateKey(private_key(role))


def _raw(order: MakerOrder) -> RawOrder:
    return RawOrder(
        maker=order.maker,
        order_expiry_timestamp=order.good_until_s,
        collateral=order.collateral,
        is_call=order.is_call,
        price_feed=order.price_feed,
        implementation=order.implementation,
        is_long=order.is_long,
        max_collateral_usable=order.max_collateral,
        strikes=order.strikes,
        expiry=order.expiry_s,
        price=order.price,
        num_contracts=0,
        extra_option_data="0x",
        signature="0x",
        chain_id=order.chain_id,
        book=order.book,
        nonce=0,
    )
