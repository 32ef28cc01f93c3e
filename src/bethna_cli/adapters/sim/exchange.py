"""The simulated venue on chain: the embedded chain with our contracts on it, and a market whose quotes it fills.

One clock drives the market, the blocks and the deadlines; the maker signs what the order feed serves; the keeper brings
the market's prices on chain. Opening it again goes on where it was, whatever had stopped it.
"""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from bethna_cli.adapters.sim.chain_store import ChainFileRefused
from bethna_cli.adapters.sim.deployment import ALLOCATION, deploy
from bethna_cli.adapters.sim.evm import EmbeddedChain
from bethna_cli.adapters.sim.keeper import Keeper
from bethna_cli.adapters.sim.market import SimWorld
from bethna_cli.adapters.sim.node import Node
from bethna_cli.adapters.sim.public_keys import SigningQuoter
from bethna_cli.adapters.sim.server import ServedChain
from bethna_cli.domain.embedded import (
    EMBEDDED_BOOK,
    EMBEDDED_CHAIN_ID,
    EMBEDDED_VENUE,
    PUBLIC_ACCOUNTS,
    PUBLIC_CONTRACTS,
)
from bethna_cli.domain.errors import ConfigurationError
from bethna_cli.domain.venue import VenueAddresses

CHAIN_FILE = "chain.db"


class Exchange:
    """A market and the chain it trades on, of one seed and one clock."""

    def __init__(self, world: SimWorld, node: Node, keeper: Keeper) -> None:
        self.world, self.node = world, node
        self._keeper = keeper

    @classmethod
    def open(
        cls, path: Path | str, seed: int, clock: Callable[[], datetime], venue: VenueAddresses = EMBEDDED_VENUE
    ) -> "Exchange":
        """Open the chain in `path` (":memory:" for one that ends with the process), or begin it at the clock's time.

        venue: whose orders the maker signs: the token router's, or the order book's.

        Raises ConfigurationError when another process has it open, or it is of another release.
        """
        if path != ":memory:":
            Path(path).touch(mode=0o600)
        try:
            chain = EmbeddedChain.open(
                path, chain_id=EMBEDDED_CHAIN_ID, genesis_time=clock(), allocation=ALLOCATION, clock=clock
            )
        except ChainFileRefused as refusal:
            raise ConfigurationError(str(refusal), hint="bethna sim reset") from refusal
        world = SimWorld(seed, clock, venue=venue, quoter=SigningQuoter())
        try:
            deploy(chain, with_book=venue is EMBEDDED_BOOK)
        except ConfigurationError:
            chain.close()
            raise
        node = Node(chain)
        exchange = cls(world, node, Keeper(chain, world))
        exchange.catch_up()
        return exchange

    def close(self) -> None:
        """Close the chain's file."""
        self.node.chain.close()

    def catch_up(self) -> None:
        """Make the blocks that are due, and publish the prices that are."""
        self.node.catch_up()
        self._keeper.publish()

    def served(self) -> ServedChain:
        """Return the chain for `serve`, with what a client must know to trade: its id and every address by role."""
        from bethna_cli.adapters.sim.rpc_server import rpc_app

        description = {"chain_id": EMBEDDED_CHAIN_ID, "addresses": {**PUBLIC_CONTRACTS, **PUBLIC_ACCOUNTS}}
        return ServedChain(rpc_app(self.node), description)
