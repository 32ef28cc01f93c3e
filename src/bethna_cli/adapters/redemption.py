"""Payments at expiry: the call that makes an option series pay its holder, which anybody may make for anybody.

Whoever signs it pays gas and gains nothing: the money goes to the holder, so that this key needs no consent of theirs.
"""

from collections.abc import Callable

from bethna_cli.adapters.abi import artifact, hash_text, keccak
from bethna_cli.domain.chain import Address, Call, UnsignedTransaction
from bethna_cli.domain.errors import PlanRefused
from bethna_cli.domain.signing import SignedTransaction

MOST_GAS = 1_000_000


class SignedRedemptions:
    """`Redemptions` whose gas one account pays; `sign` signs for it."""

    def __init__(self, payer: Address, sign: Callable[[UnsignedTransaction], bytes]) -> None:
        self.payer = payer
        self._sign = sign
        self._redeem_for = artifact("OptionSeries").function("redeemFor")

    def call(self, token: Address, holder: Address) -> Call:
        return Call(token, self._redeem_for.encode(holder), self.payer)

    def sign(self, transaction: UnsignedTransaction) -> SignedTransaction:
        require_redemption(transaction, self.payer)
        raw = self._sign(transaction)
        return SignedTransaction(hash_text(keccak(raw)), transaction.nonce, raw)


def require_redemption(transaction: UnsignedTransaction, payer: Address) -> None:
    """Raise PlanRefused unless a transaction makes a token pay one holder, sends nothing, and is the payer's."""
    try:
        artifact("OptionSeries").function("redeemFor").decode_input(transaction.data)
        is_call = transaction.to is not None
    except ValueError:
        is_call = False
    if not is_call or transaction.value_wei or transaction.sender != payer or transaction.gas > MOST_GAS:
        raise PlanRefused("This is no payment at expiry, so it is not signed.")
