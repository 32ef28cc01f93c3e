"""Sending a signed transaction once, and saying what is known of it afterwards.

A lost answer is not a failure and nothing is sent twice: what cannot be told from the answer is OutcomeUnknown, and the
chain says later. Nodes agree on no error codes, so the words of geth, reth, erigon, Nethermind, op-node and anvil are
recognised; words that nobody knows are unknown too.
"""

from collections.abc import Mapping

from bethna_cli.adapters.evm_endpoint import Endpoint
from bethna_cli.adapters.retry import TryAgain
from bethna_cli.adapters.rpc import NotSent
from bethna_cli.adapters.rpc_answers import RpcFault
from bethna_cli.domain.chain import Hash
from bethna_cli.domain.errors import OutcomeUnknown, SourceUnavailable, TransactionRejected

_ALREADY_KNOWN = ("already known", "known transaction", "already imported", "already exists", "already in mempool")
_NONCE_USED = ("nonce too low", "nonce is too low", "nonce has already been used", "old nonce", "invalid nonce")
_REJECTED: Mapping[str, str] = {
    "insufficient funds": "the account has too little ETH for gas and value",
    "underpriced": "another transaction with its nonce waits at a higher price",
    "intrinsic gas": "its gas limit is too low",
    "gas limit": "its gas limit is more than a block holds",
    "less than block base fee": "its highest fee is below the block's",
    "chain id": "it is signed for another chain",
    "chainid": "it is signed for another chain",
    "invalid sender": "its signature is not valid",
    "invalid signature": "its signature is not valid",
    "gas too low": "its gas limit is too low",
}


async def send_once(endpoint: Endpoint, raw: bytes, own_hash: Hash) -> Hash:
    """Send, and name what came of it. Raises NotSent, OutcomeUnknown, TransactionRejected."""
    try:
        answer = await endpoint.rpc.send("eth_sendRawTransaction", ["0x" + raw.hex()])
    except RpcFault as fault:
        return _sent_before(fault, own_hash)
    except NotSent:
        raise
    except TryAgain as lost:
        raise OutcomeUnknown(own_hash, lost.error.reason) from lost
    except SourceUnavailable as error:
        raise OutcomeUnknown(own_hash, error.reason) from error
    if not isinstance(answer, str) or answer.lower() != own_hash:
        raise OutcomeUnknown(own_hash, f"{endpoint.name} answered with another hash")
    return own_hash


def _sent_before(fault: RpcFault, own_hash: Hash) -> Hash:
    """Return the hash when the node has the transaction already. Raises OutcomeUnknown, TransactionRejected."""
    if any(words in fault.message for words in _ALREADY_KNOWN):
        return own_hash
    if any(words in fault.message for words in _NONCE_USED):
        raise OutcomeUnknown(own_hash, "its account nonce is used") from fault
    for words, reason in _REJECTED.items():
        if words in fault.message:
            raise TransactionRejected(f"The node refused the transaction: {reason}.") from fault
    raise OutcomeUnknown(own_hash, f"the node answered with error {fault.code}") from fault
