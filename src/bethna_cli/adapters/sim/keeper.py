"""The price keeper of the embedded chain: writes the simulated market's prices to the oracle, as time goes on.

It acts when the chain has a new head: first every expiry of a listed series that has passed, with the market's price
of that very second, then the present price once a minute. A series so settles at the price the market had at expiry,
whenever somebody asks. The order book's options are settled too, as its protocol does. It never publishes a price of a
time that the market has not reached.
"""

from collections.abc import Iterable, Iterator

from bethna_cli.adapters.abi import artifact, decode
from bethna_cli.adapters.sim.chain_types import (
    BLOCK_GAS_LIMIT,
    BlockAdded,
    BlockRemoved,
    Call,
    CallReverted,
    ChainEvent,
    Log,
)
from bethna_cli.adapters.sim.evm import EmbeddedChain
from bethna_cli.adapters.sim.public_keys import signed_transaction
from bethna_cli.adapters.sim.wire_hermes import EXPONENT, FEED_IDS
from bethna_cli.adapters.sim.world import World
from bethna_cli.domain.embedded import PUBLIC_ACCOUNTS, PUBLIC_BOOK, PUBLIC_CONTRACTS
from bethna_cli.domain.market import Asset

FRESH_FOR_S = 60
GAS = 200_000
SETTLE_GAS = 400_000
MOST_SERIES = 100_000
_OPTION = ("uint256", "address", "address", "uint256[]", "uint256", "uint256", "uint256", "bytes")


class Keeper:
    """Publishes the prices of `world`. Must be the chain's last listener: it adds blocks when it hears of one."""

    def __init__(self, chain: EmbeddedChain, world: World) -> None:
        self._chain, self._world = chain, world
        oracle = artifact("DevelopmentPriceOracle")
        self._update, self._latest = oracle.function("updatePrice"), oracle.function("getPriceUnsafe")
        self._series_created = bytes.fromhex(artifact("ThetanutsTokenRouter").event_topic("SeriesCreated")[2:])
        self._router = _bytes(PUBLIC_CONTRACTS["router"])
        option = artifact("DevelopmentBookOption")
        self._settle = option.function("settle").encode()
        self._option_made = [bytes.fromhex(option.event_topic("OptionInitialized")[2:]), _word(PUBLIC_BOOK)]
        self._option_expired = bytes.fromhex(option.event_topic("OptionExpired")[2:])
        self._expiries: set[int] = set()
        self._unsettled: dict[bytes, int] = {}
        topics = [[self._series_created, self._option_made[0], self._option_expired]]
        self._hear(chain.logs(0, chain.head.number, [], topics, MOST_SERIES))
        self._published_s: dict[Asset, int] = {}
        self._is_publishing = False
        chain.listen(self._on_event)

    def _on_event(self, event: ChainEvent) -> None:
        if isinstance(event, BlockRemoved):
            self._published_s.clear()  # what was published may be gone
        elif isinstance(event, BlockAdded):
            self._hear(event.logs)
            if event.block.number == self._chain.head.number:
                self.publish()

    def publish(self) -> None:
        """Publish what is due by now; nothing while blocks are made by hand."""
        if self._is_publishing or not self._chain.automine:
            return
        self._is_publishing = True
        try:
            for asset in self._world.assets:
                for moment_s in self._due(asset):
                    self._send(asset, moment_s)
            self._settle_book()
        finally:
            self._is_publishing = False

    def _due(self, asset: Asset) -> Iterator[int]:
        """Name the moments whose prices are missing, oldest first."""
        now_s = min(self._chain.pending_timestamp(), int(self._world.now().timestamp()))
        last_s = self._last_published(asset)
        for expiry_s in sorted(self._expiries):
            if last_s < expiry_s <= now_s:
                last_s = expiry_s
                yield expiry_s
        if now_s - last_s >= FRESH_FOR_S:
            yield now_s

    def _last_published(self, asset: Asset) -> int:
        if asset not in self._published_s:
            data = self._latest.encode(bytes.fromhex(FEED_IDS[asset]))
            keeper, oracle = _bytes(PUBLIC_ACCOUNTS["keeper"]), _bytes(PUBLIC_CONTRACTS["oracle"])
            try:
                output = self._chain.call(Call(keeper, oracle, BLOCK_GAS_LIMIT, 0, 0, data), self._chain.head)
            except CallReverted:  # PriceFeedNotFound: nothing has been published
                self._published_s[asset] = 0
            else:
                (price,) = self._latest.decode(output)
                self._published_s[asset] = price[3]
        return self._published_s[asset]

    def _send(self, asset: Asset, moment_s: int) -> None:
        tick = self._world.tick(asset, moment_s)
        if tick is None:
            return
        scale = 10**-EXPONENT
        figures = (round(tick.price_usd * scale), round(tick.confidence_usd * scale), EXPONENT, tick.at_s)
        data = self._update.encode(bytes.fromhex(FEED_IDS[asset]), *figures)
        nonce = self._chain.pending_nonce(_bytes(PUBLIC_ACCOUNTS["keeper"]))
        self._chain.send(signed_transaction("keeper", nonce, PUBLIC_CONTRACTS["oracle"], data, GAS))
        self._published_s[asset] = tick.at_s

    def _hear(self, logs: Iterable[Log]) -> None:
        """Note what is listed, and what was settled."""
        for log in logs:
            if log.address == self._router and log.topics[:1] == (self._series_created,):
                _, _, expiry_s = decode(("uint256", "uint256", "uint256"), log.data)
                self._expiries.add(int(expiry_s))
            elif [*log.topics[:1], *log.topics[3:]] == self._option_made:
                expiry_s = decode(_OPTION, log.data)[4]
                self._expiries.add(int(expiry_s))
                self._unsettled[log.address] = int(expiry_s)
            elif log.topics[:1] == (self._option_expired,):
                self._unsettled.pop(log.address, None)

    def _settle_book(self) -> None:
        """Settle the book's options whose expiry is behind the chain's time and has a price."""
        prices = [self._last_published(asset) for asset in self._world.assets]
        for option, expiry_s in list(self._unsettled.items()):
            if expiry_s <= min(prices) and expiry_s < self._chain.pending_timestamp():
                del self._unsettled[option]
                nonce = self._chain.pending_nonce(_bytes(PUBLIC_ACCOUNTS["keeper"]))
                place = "0x" + option.hex()
                self._chain.send(signed_transaction("keeper", nonce, place, self._settle, SETTLE_GAS))


def _word(address: str) -> bytes:
    return _bytes(address).rjust(32, b"\0")


def _bytes(address: str) -> bytes:
    return bytes.fromhex(address[2:])
