"""How blocks, transactions, receipts and logs look in JSON-RPC answers, field by field as geth writes them."""

from typing import Any

from eth_utils.address import to_checksum_address

from bethna_cli.adapters.sim.chain_types import (
    BASE_FEE_WEI,
    BLOCK_GAS_LIMIT,
    FEE_RECIPIENT,
    Block,
    Log,
    Receipt,
    Transaction,
)

Json = dict[str, Any]

_EMPTY_UNCLES = "0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347"
_EMPTY_TRIE = "0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421"
_EMPTY_SHA256 = "0xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
_ERROR_STRING = bytes.fromhex("08c379a0")
_PANIC = bytes.fromhex("4e487b71")


def hexed(data: bytes) -> str:
    """Return bytes as 0x and two digits each."""
    return "0x" + data.hex()


def block_json(block: Block, receipts: tuple[Receipt, ...] | None = None) -> Json:
    """Return a block with the hashes of its transactions, or with all of them when their receipts are given."""
    transactions: list[Any] = [hexed(h) for h in block.transaction_hashes]
    if receipts is not None:
        transactions = [transaction_json(receipt.transaction, receipt) for receipt in receipts]
    return header_json(block) | {
        "size": hex(block.size),
        "totalDifficulty": "0x0",
        "uncles": [],
        "transactions": transactions,
        "withdrawals": [],
    }


def header_json(block: Block) -> Json:
    """Return the header, as subscribers to newHeads get it."""
    return {
        "number": hex(block.number),
        "hash": hexed(block.hash),
        "parentHash": hexed(block.parent_hash),
        "sha3Uncles": _EMPTY_UNCLES,
        "miner": to_checksum_address(FEE_RECIPIENT),
        "stateRoot": hexed(block.state_root),
        "transactionsRoot": hexed(block.transactions_root),
        "receiptsRoot": hexed(block.receipts_root),
        "logsBloom": hexed(block.logs_bloom),
        "difficulty": "0x0",
        "gasLimit": hex(BLOCK_GAS_LIMIT),
        "gasUsed": hex(block.gas_used),
        "timestamp": hex(block.timestamp),
        "extraData": hexed(block.extra_data),
        "mixHash": hexed(block.mix_hash),
        "nonce": "0x0000000000000000",
        "baseFeePerGas": hex(BASE_FEE_WEI),
        "withdrawalsRoot": _EMPTY_TRIE,
        "blobGasUsed": "0x0",
        "excessBlobGas": "0x0",
        "parentBeaconBlockRoot": "0x" + "00" * 32,
        "requestsHash": _EMPTY_SHA256,
    }


def transaction_json(transaction: Transaction, receipt: Receipt | None) -> Json:
    """Return a transaction, with its place in the chain when it is mined."""
    answer: Json = {
        "hash": hexed(transaction.hash),
        "type": hex(transaction.type),
        "chainId": None if transaction.chain_id is None else hex(transaction.chain_id),
        "nonce": hex(transaction.nonce),
        "from": to_checksum_address(transaction.sender),
        "to": _address(transaction.to),
        "value": hex(transaction.value),
        "gas": hex(transaction.gas),
        "gasPrice": hex(transaction.max_fee_wei if receipt is None else transaction.price_wei()),
        "input": hexed(transaction.data),
        "v": hex(transaction.v),
        "r": hex(transaction.r),
        "s": hex(transaction.s),
        "blockHash": None if receipt is None else hexed(receipt.block.hash),
        "blockNumber": None if receipt is None else hex(receipt.block.number),
        "blockTimestamp": None if receipt is None else hex(receipt.block.timestamp),
        "transactionIndex": None if receipt is None else hex(receipt.position),
    }
    if transaction.type >= 1:
        answer["yParity"] = hex(transaction.v)
        answer["accessList"] = [
            {"address": to_checksum_address(address), "storageKeys": [f"0x{slot:064x}" for slot in slots]}
            for address, slots in transaction.access_list
        ]
    if transaction.type >= 2:
        answer["maxFeePerGas"] = hex(transaction.max_fee_wei)
        answer["maxPriorityFeePerGas"] = hex(transaction.max_priority_fee_wei)
    return answer


def receipt_json(receipt: Receipt) -> Json:
    """Return a receipt. A failed transaction's revert data is in `revertReason`, as Besu and Foundry put it."""
    transaction = receipt.transaction
    answer: Json = {
        "transactionHash": hexed(transaction.hash),
        "transactionIndex": hex(receipt.position),
        "blockHash": hexed(receipt.block.hash),
        "blockNumber": hex(receipt.block.number),
        "from": to_checksum_address(transaction.sender),
        "to": _address(transaction.to),
        "type": hex(transaction.type),
        "status": hex(receipt.succeeded),
        "gasUsed": hex(receipt.gas_used),
        "cumulativeGasUsed": hex(receipt.cumulative_gas_used),
        "effectiveGasPrice": hex(transaction.price_wei()),
        "contractAddress": _address(receipt.contract_address),
        "logsBloom": hexed(receipt.logs_bloom),
        "logs": [log_json(log) for log in receipt.logs],
    }
    if not receipt.succeeded:
        answer["revertReason"] = hexed(receipt.output)
    return answer


def log_json(log: Log, *, removed: bool = False) -> Json:
    """Return a log; removed: its block has left the chain."""
    return {
        "address": to_checksum_address(log.address),
        "topics": [hexed(topic) for topic in log.topics],
        "data": hexed(log.data),
        "blockNumber": hex(log.block_number),
        "blockHash": hexed(log.block_hash),
        "blockTimestamp": hex(log.block_timestamp),
        "transactionHash": hexed(log.transaction_hash),
        "transactionIndex": hex(log.transaction_index),
        "logIndex": hex(log.log_index),
        "removed": removed,
    }


def revert_message(data: bytes) -> str:
    """Return "execution reverted", with the reason when the revert data is Error(string) or Panic(uint256)."""
    if data[:4] not in (_ERROR_STRING, _PANIC):
        return "execution reverted"
    from eth_abi.abi import decode  # 100 ms that a node which never sees a reason need not spend to start
    from eth_abi.exceptions import DecodingError

    try:
        if data[:4] == _ERROR_STRING:
            return f"execution reverted: {decode(['string'], data[4:])[0]}"
        return f"execution reverted: panic code 0x{decode(['uint256'], data[4:])[0]:02x}"
    except (DecodingError, UnicodeDecodeError):
        return "execution reverted"


def _address(address: bytes | None) -> str | None:
    return None if address is None else to_checksum_address(address)
