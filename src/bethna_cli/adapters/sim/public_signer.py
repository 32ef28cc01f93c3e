"""Signs for the accounts of the embedded chain, whose keys are public. No other account and no other chain."""

from bethna_cli.adapters.sim.public_keys import signed
from bethna_cli.domain.chain import UnsignedTransaction
from bethna_cli.domain.embedded import EMBEDDED_CHAIN_ID, PUBLIC_ACCOUNTS
from bethna_cli.domain.errors import ConfigurationError


class PublicSigner:
    """`TransactionSigner` for PUBLIC_ACCOUNTS."""

    def sign(self, transaction: UnsignedTransaction) -> bytes:
        """Return the signed bytes. Raises ConfigurationError for a real chain, or an account of somebody's own."""
        roles = [role for role, address in PUBLIC_ACCOUNTS.items() if address == transaction.sender]
        if transaction.chain_id != EMBEDDED_CHAIN_ID or not roles:
            raise ConfigurationError(
                f"{transaction.sender} on chain {transaction.chain_id} is no account of the embedded world.",
                hint="bethna sim status",
            )
        fees = transaction.fees
        what = (transaction.nonce, transaction.to, transaction.value_wei, transaction.data, transaction.gas)
        return signed(roles[0], *what, fees.max_fee_wei, fees.tip_wei)
