"""The embedded world's accounts: their keys are public, so real chains refuse them."""

import pytest

from bethna_cli.domain.embedded import (
    EMBEDDED_CHAIN_ID,
    PUBLIC_ACCOUNTS,
    is_throwaway,
    require_own_key,
)
from bethna_cli.domain.errors import ConfigurationError

SOMEBODYS = "0x71c7656ec7ab88b098defb751b7401b5f6d8976f"
REAL_CHAINS = (1, 8453, 84_532)


@pytest.mark.parametrize("role", PUBLIC_ACCOUNTS)
@pytest.mark.parametrize("chain_id", REAL_CHAINS)
def test_no_account_with_a_public_key_is_accepted_on_a_real_chain(role, chain_id):
    with pytest.raises(ConfigurationError, match="everybody knows its key"):
        require_own_key(PUBLIC_ACCOUNTS[role], chain_id)


def test_the_way_an_address_is_written_does_not_hide_that_its_key_is_public():
    address = PUBLIC_ACCOUNTS["throwaway_wallet"]

    assert is_throwaway(address.upper().replace("0X", "0x"))
    with pytest.raises(ConfigurationError):
        require_own_key(address.upper().replace("0X", "0x"), 8453)


def test_the_throwaway_wallet_trades_on_the_embedded_chain():
    require_own_key(PUBLIC_ACCOUNTS["throwaway_wallet"], EMBEDDED_CHAIN_ID)


def test_an_address_of_ones_own_is_accepted_on_every_chain():
    assert not is_throwaway(SOMEBODYS)
    for chain_id in (*REAL_CHAINS, EMBEDDED_CHAIN_ID):
        require_own_key(SOMEBODYS, chain_id)
