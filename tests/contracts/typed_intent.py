"""The typed data of SentientTrader's TradeIntent, written from its specification and hashed by eth-account."""

from collections.abc import Mapping
from typing import Any

from eth_account.messages import encode_typed_data
from eth_utils import keccak

TYPES = {
    "TradeIntent": [
        {"name": "user", "type": "address"},
        {"name": "executor", "type": "address"},
        {"name": "side", "type": "uint8"},
        {"name": "optionToken", "type": "address"},
        {"name": "router", "type": "address"},
        {"name": "amountIn", "type": "uint256"},
        {"name": "quotedAmountOut", "type": "uint256"},
        {"name": "minAmountOut", "type": "uint256"},
        {"name": "nonce", "type": "uint256"},
        {"name": "deadline", "type": "uint256"},
        {"name": "ref", "type": "bytes32"},
    ]
}
FIELDS = tuple(field["name"] for field in TYPES["TradeIntent"])


def intent_digest(intent: Mapping[str, Any], chain_id: int, contract: str) -> bytes:
    """Return the 32 bytes that the user signs; `intent` has one value per field, numbers as int."""
    domain = {"name": "SentientTrader", "version": "1", "chainId": chain_id, "verifyingContract": contract}
    message = encode_typed_data(domain, TYPES, dict(intent))
    return keccak(b"\x19" + message.version + message.header + message.body)
