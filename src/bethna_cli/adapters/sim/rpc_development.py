"""The JSON-RPC methods that only a chain for development has: move time, make blocks, go back.

They are what tests and the simulated clock need, under the names other development nodes use where there is one.
"""

from bethna_cli.adapters.sim.evm import EmbeddedChain
from bethna_cli.adapters.sim.rpc_format import hexed
from bethna_cli.adapters.sim.rpc_params import Branch, Hash, Number


class DevelopmentMethods:
    """What no real network offers."""

    def __init__(self, chain: EmbeddedChain) -> None:
        self._chain = chain

    def evm_increaseTime(self, seconds: Number) -> int:
        return self._chain.increase_time(seconds)

    def evm_setNextBlockTimestamp(self, timestamp: Number) -> None:
        self._chain.set_next_timestamp(timestamp)

    def evm_mine(self, timestamp: Number | None = None) -> str:
        self._chain.mine(timestamp)
        return "0x0"

    def evm_setAutomine(self, on: bool) -> bool:
        self._chain.set_automine(on)
        return True

    def evm_snapshot(self) -> str:
        return hex(self._chain.snapshot())

    def evm_revert(self, snapshot: Number) -> bool:
        return self._chain.revert(snapshot)

    def bethna_dropTransaction(self, transaction_hash: Hash) -> bool:
        """Forget a waiting transaction."""
        return self._chain.drop_waiting(transaction_hash)

    def bethna_reorg(self, depth: Number, branch: Branch | None = None) -> list[str]:
        """Replace the last blocks; returns the hashes of the transactions that were left out."""
        wanted = branch or Branch()
        drop = None if wanted.drop is True else wanted.drop or ()
        return [hexed(h) for h in self._chain.reorganise(depth, drop, wanted.insert)]
