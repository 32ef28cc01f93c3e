"""One RPC endpoint of a chain and what it has shown so far; the refusals of a node become typed errors here."""

from collections.abc import Sequence

from bethna_cli.adapters import abi, evm_wire
from bethna_cli.adapters.evm_wire import strictly
from bethna_cli.adapters.rpc import JsonRpc
from bethna_cli.adapters.rpc_answers import NO_READERS, Readers, Request, RpcFault
from bethna_cli.domain.chain import Block, BlockAt, Tag
from bethna_cli.domain.errors import ContractRefused, NodeBehind, SourceMalformed, SourceUnavailable, WrongChain

_BEHIND = (
    "header not found",
    "unknown block",
    "block not found",
    "missing trie node",
    "not canonical",
    "hash not found",
)


class Endpoint:
    """One endpoint and what it has shown so far: which chain it serves, and how high it has been."""

    def __init__(self, rpc: JsonRpc, chain_id: int) -> None:
        self.rpc = rpc
        self._chain_id = chain_id
        self._is_checked = False
        self._highest = 0

    @property
    def name(self) -> str:
        return self.rpc.name

    async def check_chain(self) -> None:
        """Raise WrongChain unless it serves the expected chain now."""
        self._is_checked = False
        (answer,) = await self.rpc.ask([("eth_chainId", [])])
        found = strictly(self.name, "the chain id", evm_wire.count, self._result(answer))
        if found != self._chain_id:
            raise WrongChain(self.name, self._chain_id, found)
        self._is_checked = True

    async def ask(self, requests: Sequence[Request]) -> list[object | ContractRefused]:
        """Answer requests; a call that reverted gives its refusal. Raises what makes the endpoint no good."""
        if not self._is_checked:
            await self.check_chain()
        return [self._result_or_refusal(answer) for answer in await self.rpc.ask(requests)]

    async def read(self, requests: Sequence[Request], readers: Readers = NO_READERS) -> list[object]:
        """Answer requests, raising the first refusal."""
        if not self._is_checked:
            await self.check_chain()
        return [self._result(answer) for answer in await self.rpc.ask(requests, readers)]

    async def block(self, at: BlockAt) -> Block:
        """Return a block. Raises NodeBehind when the endpoint lacks it or has gone back in height."""
        request: Request = ("eth_getBlockByNumber", [at.value if isinstance(at, Tag) else at, False])
        if isinstance(at, int):
            request = ("eth_getBlockByNumber", [hex(at), False])
        elif not isinstance(at, Tag):
            request = ("eth_getBlockByHash", [at, False])
        (answer,) = await self.read([request])
        if answer is None:
            raise NodeBehind(self.name, f"it does not have block {at}")
        block = strictly(self.name, "a block", evm_wire.block_of, answer)
        if at not in (block.number, block.hash) and not isinstance(at, Tag):
            raise SourceMalformed(self.name, "it answered with another block")
        if at is Tag.LATEST:
            self.heed_height(block.number)
        return block

    def heed_height(self, height: int) -> None:
        """Remember the highest block seen. Raises NodeBehind for a lower one: a chain does not shrink."""
        if height < self._highest:
            raise NodeBehind(self.name, f"its height went back from {self._highest} to {height}")
        self._highest = height

    def _result(self, answer: object) -> object:
        result = self._result_or_refusal(answer)
        if isinstance(result, ContractRefused):
            raise result
        return result

    def _result_or_refusal(self, answer: object) -> object | ContractRefused:
        if not isinstance(answer, RpcFault):
            return answer
        reverted = _revert_data(answer)
        if reverted is not None:
            return abi.refusal(reverted)
        if any(words in answer.message for words in _BEHIND):
            raise NodeBehind(self.name, "it does not have the block")
        raise SourceUnavailable(self.name, f"it refused a request (code {answer.code})")


def _revert_data(fault: RpcFault) -> bytes | None:
    """Return what a reverted call gave back, None when the fault is no revert."""
    data = fault.data.get("data") if isinstance(fault.data, dict) else fault.data
    try:
        if fault.code == 3 or "revert" in fault.message:
            return b"" if data is None else evm_wire.data(data)
    except ValueError:
        return b""
    return None
