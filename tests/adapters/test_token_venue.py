"""What a signed transaction says, read from its bytes as the signer's library wrote them."""

import pytest
from eth_account import Account
from hypothesis import given
from hypothesis import strategies as st

from bethna_cli.adapters.token_venue import TokenVenue, signed_call
from bethna_cli.domain.chain import Address, Call, Hash, OfferedFees
from bethna_cli.domain.signing import SignedTransaction

KEY = b"\x42" * 32
SENDER = Address(Account.from_key(KEY).address.lower())
WORDS = st.integers(0, 2**64)


def signed(**fields: object) -> SignedTransaction:
    done = Account.sign_transaction({"chainId": 8453, "nonce": 7, "gas": 100_000, **fields}, KEY)
    return SignedTransaction(Hash("0x" + bytes(done.hash).hex()), 7, bytes(done.raw_transaction))


@given(st.binary(min_size=20, max_size=20), st.binary(max_size=300), WORDS, WORDS, WORDS)
def test_a_signed_transaction_is_read_as_it_was_written(to: bytes, data: bytes, value: int, fee: int, tip: int):
    fees = {"maxFeePerGas": max(fee, tip), "maxPriorityFeePerGas": tip}
    transaction = signed(type=2, to=to, data=data, value=value, **fees)

    assert signed_call(transaction, SENDER) == Call(Address("0x" + to.hex()), data, SENDER, value)
    assert TokenVenue.offered(object(), transaction) == OfferedFees(max(fee, tip), tip)  # type: ignore[arg-type]


def test_a_transaction_of_another_kind_is_not_read_as_one():
    with pytest.raises(ValueError, match="another kind"):
        signed_call(signed(to=b"\1" * 20, data=b"", value=0, gasPrice=10**9), SENDER)
