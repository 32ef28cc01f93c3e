"""What the embedded world signs is what a wallet would have signed, to the byte."""

import pytest
from eth_account import Account
from hypothesis import given
from hypothesis import strategies as st

from bethna_cli.adapters.sim.public_keys import private_key, signed
from bethna_cli.domain.embedded import EMBEDDED_CHAIN_ID, PUBLIC_ACCOUNTS

AMOUNTS = st.integers(0, 2**100)


@given(
    role=st.sampled_from(sorted(PUBLIC_ACCOUNTS)),
    nonce=st.integers(0, 2**32),
    to=st.none() | st.binary(min_size=20, max_size=20).map(lambda octets: "0x" + octets.hex()),
    value=AMOUNTS,
    data=st.binary(max_size=200),
    gas=st.integers(21_000, 30_000_000),
    fee=AMOUNTS,
    tip=AMOUNTS,
)
def test_a_transaction_is_signed_as_a_wallet_signs_it(role, nonce, to, value, data, gas, fee, tip):
    fields = {
        "type": 2, "chainId": EMBEDDED_CHAIN_ID, "nonce": nonce, "to": to and bytes.fromhex(to[2:]), "value": value,
        "data": data, "gas": gas, "maxFeePerGas": fee, "maxPriorityFeePerGas": tip,
    }  # fmt: skip

    expected = Account.sign_transaction(fields, private_key(role)).raw_transaction

    assert signed(role, nonce, to, value, data, gas, fee, tip) == bytes(expected)


def test_nobody_else_signs():
    with pytest.raises(KeyError):
        signed("stranger", 0, None, 0, b"", 21_000, 1, 1)
