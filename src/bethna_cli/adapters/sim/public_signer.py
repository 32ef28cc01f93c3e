"""Signs for the accounts of the embedded chain, whose keys are public. No other account and no other chain."""

from bethna_cli.adapters.sim.public_keys import private_key
from bethna_cli.domain.chain import UnsignedTransaction
from bethna_cli.domain.embedded import EMBEDDED_CHAIN_ID, PUBLIC_ACCOUNTS
from bethna_cli.domain.errors import ConfigurationError


class PublicSigner:
    """`TransactionSigner` for PUBLIC_ACCOUNTS."""

    def sign(self, transaction: UnsignedTransaction) -> bytes:
        """Return the signed bytes. Raises ConfigurationError for a real chain, or an account of somebody's own."""
        from eth_account import Account
        from eth_utils.address import to_checksum_address

        roles = [role for role, address in PUBLIC_ACCOUNTS.items() if address == transaction.sender]
        if transaction.chain_id != EMBEDDED_CHAIN_ID or not roles:
            raise ConfigurationError(
                f"{transaction.sender} on chain {transaction.chain_id} is no account of the embedded world.",
                hint="bethna sim status",
            )
        fields = {
            "type": 2,
            "chainId": transaction.chain_id,
            "nonce": transaction.nonce,
            "to": None if transaction.to is None else to_checksum_address(transaction.to),
            "data": transaction.data,
            "value": transaction.value_wei,
            "gas": transaction.gas,
            "maxFeePerGas": transaction.fees.max_fee_wei,
            "maxPriorityFeePerGas": transaction.fees.tip_wei,
        }
        return bytes(Account.sign_transaction(fields, private_key(roles[0])).raw_transaction)
