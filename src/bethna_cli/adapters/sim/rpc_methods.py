"""What each JSON-RPC method of the embedded chain does.

Methods are named as on the wire and their annotations are the parameters' types: Node checks them before it calls.
There is no eth_sendTransaction and there are no accounts: this node holds no keys.
"""

import bisect
import itertools
from typing import Any

from eth_hash.auto import keccak

from bethna_cli import __version__
from bethna_cli.adapters.sim.chain_types import (
    BASE_FEE_WEI,
    BLOCK_GAS_LIMIT,
    Block,
    BlockUnknown,
    Call,
    ChainRefusal,
)
from bethna_cli.adapters.sim.evm import EmbeddedChain
from bethna_cli.adapters.sim.rpc_filters import PolledFilters
from bethna_cli.adapters.sim.rpc_format import Json, block_json, hexed, log_json, receipt_json, transaction_json
from bethna_cli.adapters.sim.rpc_params import (
    Address,
    BlockReference,
    BlockTag,
    CallRequest,
    Data,
    Hash,
    LogFilter,
    NumberTag,
    Quantity,
)

SUGGESTED_TIP_WEI = 1_000_000  # 0.001 gwei, Base's usual
MAX_LOG_RANGE_BLOCKS = 10_000
MAX_LOGS = 10_000
MAX_FEE_HISTORY_BLOCKS = 1_024


class InvalidParams(Exception):
    """Parameters that are well-formed but cannot be meant."""


class EthMethods:
    """The methods any Ethereum node has."""

    def __init__(self, chain: EmbeddedChain, filters: PolledFilters) -> None:
        self._chain = chain
        self._filters = filters

    # ── the node ──────────────────────────────────────────────────────────────────────────────────────────────

    def web3_clientVersion(self) -> str:
        return f"bethna/{__version__}/simulated"

    def web3_sha3(self, data: Data) -> str:
        return hexed(keccak(data))

    def net_version(self) -> str:
        return str(self._chain.chain_id)

    def net_listening(self) -> bool:
        return True

    def net_peerCount(self) -> str:
        return "0x0"

    def eth_chainId(self) -> str:
        return hex(self._chain.chain_id)

    def eth_syncing(self) -> bool:
        return False

    def eth_accounts(self) -> list[str]:
        return []

    # ── fees ──────────────────────────────────────────────────────────────────────────────────────────────────

    def eth_gasPrice(self) -> str:
        return hex(BASE_FEE_WEI + SUGGESTED_TIP_WEI)

    def eth_maxPriorityFeePerGas(self) -> str:
        return hex(SUGGESTED_TIP_WEI)

    def eth_feeHistory(self, count: Quantity, newest: NumberTag, percentiles: list[float] | None = None) -> Json:
        shares = percentiles or []
        if any(not 0 <= share <= 100 for share in shares) or shares != sorted(shares) or len(shares) > 100:
            raise InvalidParams("invalid reward percentile: expected up to 100 rising numbers between 0 and 100")
        last = self._block(newest).number
        first = max(0, last - max(1, min(count, MAX_FEE_HISTORY_BLOCKS)) + 1)
        blocks = [self._chain.block(number) for number in range(first, last + 1)]
        answer: Json = {
            "oldestBlock": hex(first),
            "baseFeePerGas": [hex(BASE_FEE_WEI)] * (len(blocks) + 1),
            "gasUsedRatio": [block.gas_used / BLOCK_GAS_LIMIT for block in blocks],
            "baseFeePerBlobGas": ["0x1"] * (len(blocks) + 1),
            "blobGasUsedRatio": [0] * len(blocks),
        }
        if percentiles:
            answer["reward"] = [[hex(tip) for tip in self._tips(block, shares)] for block in blocks]
        return answer

    def _tips(self, block: Block, shares: list[float]) -> list[int]:
        """Return the tip below which each share (per cent) of the block's gas was bought."""
        paid = sorted((r.transaction.price_wei() - BASE_FEE_WEI, r.gas_used) for r in self._chain.receipts(block))
        if not paid:
            return [0] * len(shares)
        gas_so_far = list(itertools.accumulate(gas for _, gas in paid))
        places = [bisect.bisect_left(gas_so_far, block.gas_used * share / 100) for share in shares]
        return [paid[min(place, len(paid) - 1)][0] for place in places]

    # ── blocks ────────────────────────────────────────────────────────────────────────────────────────────────

    def eth_blockNumber(self) -> str:
        return hex(self._chain.head.number)

    def eth_getBlockByNumber(self, block: NumberTag, full: bool = False) -> Json | None:
        return self._block_answer(self._block_or_none(block), full)

    def eth_getBlockByHash(self, block_hash: Hash, full: bool = False) -> Json | None:
        return self._block_answer(self._by_hash(block_hash), full)

    def eth_getBlockTransactionCountByNumber(self, block: NumberTag) -> str | None:
        found = self._block_or_none(block)
        return None if found is None else hex(len(found.transaction_hashes))

    def eth_getBlockTransactionCountByHash(self, block_hash: Hash) -> str | None:
        found = self._by_hash(block_hash)
        return None if found is None else hex(len(found.transaction_hashes))

    def eth_getBlockReceipts(self, block: BlockTag) -> list[Json] | None:
        found = self._block_or_none(block)
        return None if found is None else [receipt_json(receipt) for receipt in self._chain.receipts(found)]

    def _block_answer(self, block: Block | None, full: bool) -> Json | None:
        return None if block is None else block_json(block, self._chain.receipts(block) if full else None)

    # ── transactions ──────────────────────────────────────────────────────────────────────────────────────────

    def eth_sendRawTransaction(self, raw: Data) -> str:
        return hexed(self._chain.send(raw))

    def eth_getTransactionByHash(self, transaction_hash: Hash) -> Json | None:
        receipt = self._chain.receipt(transaction_hash)
        if receipt is not None:
            return transaction_json(receipt.transaction, receipt)
        waiting = self._chain.waiting(transaction_hash)
        return None if waiting is None else transaction_json(waiting, None)

    def eth_getTransactionByBlockNumberAndIndex(self, block: NumberTag, position: Quantity) -> Json | None:
        return self._transaction_at(self._block_or_none(block), position)

    def eth_getTransactionByBlockHashAndIndex(self, block_hash: Hash, position: Quantity) -> Json | None:
        return self._transaction_at(self._by_hash(block_hash), position)

    def eth_getTransactionReceipt(self, transaction_hash: Hash) -> Json | None:
        receipt = self._chain.receipt(transaction_hash)
        return None if receipt is None else receipt_json(receipt)

    def _transaction_at(self, block: Block | None, position: int) -> Json | None:
        receipts = self._chain.receipts(block) if block is not None else ()
        return (
            transaction_json(receipts[position].transaction, receipts[position]) if position < len(receipts) else None
        )

    # ── accounts ──────────────────────────────────────────────────────────────────────────────────────────────

    def eth_getBalance(self, address: Address, block: BlockTag = "latest") -> str:
        return hex(self._chain.balance(address, self._block(block)))

    def eth_getTransactionCount(self, address: Address, block: BlockTag = "latest") -> str:
        if block == "pending":
            return hex(self._chain.pending_nonce(address))
        return hex(self._chain.nonce(address, self._block(block)))

    def eth_getCode(self, address: Address, block: BlockTag = "latest") -> str:
        return hexed(self._chain.code(address, self._block(block)))

    def eth_getStorageAt(self, address: Address, slot: Quantity, block: BlockTag = "latest") -> str:
        return f"0x{self._chain.storage(address, slot, self._block(block)):064x}"

    # ── calls ─────────────────────────────────────────────────────────────────────────────────────────────────

    def eth_call(self, request: CallRequest, block: BlockTag = "latest", _overrides: None = None) -> str:
        return hexed(self._chain.call(_call(request), self._block(block), pending=block == "pending"))

    def eth_estimateGas(self, request: CallRequest, block: BlockTag = "latest", _overrides: None = None) -> str:
        at, call = self._block(block), _call(request)
        if call.price_wei:
            affordable = max(0, self._chain.balance(call.sender, at) - call.value) // call.price_wei
            if affordable < call.gas:
                call = _call(request, gas_limit=affordable)
                if affordable < 21_000:
                    raise ChainRefusal(f"gas required exceeds allowance ({affordable})")
        return hex(self._chain.estimate_gas(call, at, pending=block == "pending"))

    # ── logs ──────────────────────────────────────────────────────────────────────────────────────────────────

    def eth_getLogs(self, wanted: LogFilter) -> list[Json]:
        if wanted.blockHash is not None:
            block = self._by_hash(wanted.blockHash)
            if block is None:
                raise BlockUnknown("unknown block")
            first = last = block.number
        else:
            first, last = self._range(wanted)
            if first > last:
                return []
        logs = self._chain.logs(first, last, wanted.addresses, wanted.alternatives, MAX_LOGS + 1)
        if len(logs) > MAX_LOGS:
            raise InvalidParams(f"query returned more than {MAX_LOGS} results: ask for fewer blocks")
        return [log_json(log) for log in logs]

    def _range(self, wanted: LogFilter) -> tuple[int, int]:
        head = self._chain.head.number
        first = self._number(wanted.fromBlock if wanted.fromBlock is not None else "latest")
        last = self._number(wanted.toBlock if wanted.toBlock is not None else "latest")
        if first > last and first <= head:
            raise InvalidParams("invalid block range params")
        if min(last, head) - first >= MAX_LOG_RANGE_BLOCKS:
            raise InvalidParams(f"block range is longer than {MAX_LOG_RANGE_BLOCKS}: ask for fewer blocks")
        return first, min(last, head)

    def eth_newFilter(self, wanted: LogFilter) -> str:
        return self._added(self._filters.add("logs", wanted))

    def eth_newBlockFilter(self) -> str:
        return self._added(self._filters.add("blocks"))

    def eth_newPendingTransactionFilter(self) -> str:
        return self._added(self._filters.add("newPendingTransactions"))

    def eth_uninstallFilter(self, name: str) -> bool:
        return self._filters.remove(name)

    def eth_getFilterChanges(self, name: str) -> list[Any]:
        found = self._filters.take(name)
        if found is None:
            raise ChainRefusal("filter not found")
        return found

    def eth_getFilterLogs(self, name: str) -> list[Json]:
        wanted = self._filters.wanted(name)
        if wanted is None:
            raise ChainRefusal("filter not found")
        return self.eth_getLogs(wanted)

    def _added(self, name: str | None) -> str:
        if name is None:
            raise ChainRefusal("too many filters: uninstall some")
        return name

    # ── naming blocks ─────────────────────────────────────────────────────────────────────────────────────────

    def _number(self, tag: NumberTag) -> int:
        if isinstance(tag, int):
            return tag
        return self._block(tag).number

    def _block(self, tag: BlockTag) -> Block:
        """Return the block that a tag names. Raises BlockUnknown."""
        match tag:
            case "latest" | "pending":
                return self._chain.head
            case "safe":
                return self._chain.safe
            case "finalized":
                return self._chain.finalized
            case "earliest":
                return self._chain.block(0)
            case int():
                return self._chain.block(tag)
            case BlockReference(blockHash=bytes(block_hash)):
                return self._chain.block_by_hash(block_hash)
            case BlockReference(blockNumber=int(number)):
                return self._chain.block(number)
        raise BlockUnknown("header not found")

    def _block_or_none(self, tag: BlockTag) -> Block | None:
        try:
            return self._block(tag)
        except BlockUnknown:
            return None

    def _by_hash(self, block_hash: bytes) -> Block | None:
        try:
            return self._chain.block_by_hash(block_hash)
        except BlockUnknown:
            return None


def _call(request: CallRequest, gas_limit: int = BLOCK_GAS_LIMIT) -> Call:
    gas = min(gas_limit, BLOCK_GAS_LIMIT) if request.gas is None else min(request.gas, gas_limit, BLOCK_GAS_LIMIT)
    return Call(request.sender, request.to, gas, request.price_wei, request.value, request.payload)
