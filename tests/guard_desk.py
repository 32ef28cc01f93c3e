"""Gamma's desk on the embedded exchange: a bought option, signed exits, the watcher's own account, the real feeds.

Prices can be replaced by the test's own; bids, contracts, journal and store are the real ones.
"""

import asyncio
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account

from bethna_cli.adapters.abi import artifact, keccak
from bethna_cli.adapters.exit_evidence import ChainExits
from bethna_cli.adapters.http import Edge
from bethna_cli.adapters.mandates import SqliteMandates
from bethna_cli.adapters.option_book import route_data
from bethna_cli.adapters.option_events import OptionLogs, Venues
from bethna_cli.adapters.positions import SqlitePositions
from bethna_cli.adapters.pyth import PythClient
from bethna_cli.adapters.rpc_transport import InProcess
from bethna_cli.adapters.sim import maker
from bethna_cli.adapters.sim.wire import create_app
from bethna_cli.adapters.thetanuts import ThetanutsClient, ThetanutsUrls
from bethna_cli.adapters.token_venue import TokenVenue
from bethna_cli.adapters.watchbook import SqliteWatchbook
from bethna_cli.adapters.watcher_key import ExitKey
from bethna_cli.domain.chain import Address, Hash
from bethna_cli.domain.embedded import EMBEDDED_CHAIN_ID, EMBEDDED_VENUE
from bethna_cli.domain.errors import TradeRefused
from bethna_cli.domain.guarding import Confirmation, ExitRules
from bethna_cli.domain.mandate import Mandate, MandateKind, MandateState
from bethna_cli.domain.market import Asset, OptionBoard, Origin, SpotPrice
from bethna_cli.domain.position import Position
from bethna_cli.domain.trade import PlannedTrade, Side, TradeIntent
from bethna_cli.domain.units import Bps
from bethna_cli.domain.venue import RawOrder
from bethna_cli.domain.wallet import PrivateKey
from bethna_cli.execution.approval import intent_nonce
from bethna_cli.flow.execute import ExecutionDesk, approve, settle, submit
from bethna_cli.flow.exits import ExitDesk
from bethna_cli.flow.guard import Memory, Ticked, tick
from bethna_cli.flow.lookout import GuardDesk, MarketDesk
from bethna_cli.flow.record import RecordDesk, catch_up, note
from bethna_cli.ports import OrderBook, SpotFeed
from bethna_cli.risk.exits import Strictness
from bethna_cli.risk.spot import WatchLimits
from execution_desk import (
    DOMAIN,
    ROUTER,
    TRADER,
    USDC,
    USER,
    WALLET,
    Market,
    bought,
    digest,
    intent_values,
    plan_id,
    sign_intent,
    signed,
)

WORLD = "http://embedded.market"
WATCHER_KEY = PrivateKey(b"\x07" * 32)
WATCHER = Address(Account.from_key(WATCHER_KEY.octets).address.lower())
STOP_AT_ONCE = ExitRules(stop_loss=Bps(1))
"""What was just bought is worth a little less than it cost, because of the maker's spread: this stop is broken, and so
is the one that `sign_exits` signs."""

NEVER = ExitRules(stop_loss=None, take_profit=None)
ETHER = 10**18
EXECUTE = artifact("SentientTrader").function("executeTrade")


@pytest.fixture(autouse=True, scope="module")
def two_expiries() -> Iterator[None]:
    """Have the maker list two expiries alone, at which what was just bought is worth less than it cost."""
    listed = maker.expiries
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(maker, "expiries", lambda at_s: listed(at_s)[6:8])
        yield


@dataclass
class OwnPrices:
    """A spot source whose words are the test's own: it says what `change` makes of the real one's answer."""

    inner: SpotFeed
    change: Callable[[SpotPrice], SpotPrice]
    name: str = "own"

    async def spot(self, asset: Asset) -> SpotPrice:
        return self.change(await self.inner.spot(asset))


@dataclass
class Remembered:
    """The venue's boards, each read once for each listing of the market, whoever asks: reading one takes long."""

    boards: dict[tuple[object, Asset, bool], OptionBoard] = field(default_factory=dict)
    orders: dict[str, RawOrder] = field(default_factory=dict)


SHARED = Remembered()


class RememberedBook:
    """The venue as one watcher sees it."""

    def __init__(self, venue: OrderBook, listing: Callable[[], object], memory: Remembered) -> None:
        self._venue, self._listing, self._memory = venue, listing, memory

    async def board(self, asset: Asset) -> OptionBoard:
        return await self._read(asset, wants_bids=False)

    async def bids(self, asset: Asset) -> OptionBoard:
        return await self._read(asset, wants_bids=True)

    def order(self, order_id: str) -> RawOrder:
        return self._memory.orders[order_id]

    async def _read(self, asset: Asset, *, wants_bids: bool) -> OptionBoard:
        place = (self._listing(), asset, wants_bids)
        if place not in self._memory.boards:
            board = await (self._venue.bids(asset) if wants_bids else self._venue.board(asset))
            self._memory.boards[place] = board
            self._memory.orders |= {one.order_id: self._venue.order(one.order_id) for one in board.quotes}
        return self._memory.boards[place]


@dataclass
class Meddling:
    """A way to the node on which something happens before its n-th request, once. sent: raw transactions that left."""

    inner: InProcess
    before: int
    happens: Callable[[], None]
    asked: int = 0
    sent: int = 0
    only_sends: bool = False

    async def exchange(self, body: bytes) -> bytes:
        is_send = b"eth_sendRawTransaction" in body
        if is_send or not self.only_sends:
            self.asked += 1
            if self.asked == self.before:
                self.happens()
        self.sent += is_send
        return await self.inner.exchange(body)

    async def aclose(self) -> None:
        await self.inner.aclose()


@dataclass(frozen=True)
class Moment:
    """A market as it was, chain, clock and store, to which `Guarded.back_to` returns any number of times."""

    chain: str
    at: datetime
    store: Path


@dataclass
class Watch:
    """One life of a watcher: its desk and its memory, and the ticks it has done."""

    desk: GuardDesk
    memory: Memory
    ticks: list[Ticked] = field(default_factory=list)

    async def tick(self) -> Ticked:
        self.ticks.append(await tick(self.desk, self.memory))
        return self.ticks[-1]


@dataclass
class Guarded:
    """A market in which the wallet has bought an option, and the watcher has gas."""

    market: Market
    rules: ExitRules = field(default_factory=lambda: STOP_AT_ONCE)
    change: Callable[[SpotPrice], SpotPrice] = lambda price: price
    has_key: bool = True
    strictness: Strictness = field(default_factory=lambda: Strictness(Confirmation.LOOKS))
    returns: int = 0

    @asynccontextmanager
    async def watch(self) -> AsyncIterator[Watch]:
        """Open the desk as a process does, from the store alone."""
        market, clock = self.market, self.market.clock
        execution: ExecutionDesk = market.desk()
        chain = execution.chain
        positions = SqlitePositions.open(market.store, EMBEDDED_CHAIN_ID)
        record = RecordDesk(chain, OptionLogs(chain, Venues((TRADER,), (ROUTER,))), positions, clock, USER)
        book, mandates = SqliteWatchbook.open(market.store), SqliteMandates.open(market.store)
        async with Edge(clock, app=create_app(market.exchange.world), monotonic=lambda: clock.at.timestamp()) as edge:
            urls = ThetanutsUrls.below(f"{WORLD}/thetanuts")
            client = ThetanutsClient(
                edge, urls=urls, venues=(EMBEDDED_VENUE,), signed_only=True, origin=Origin.SIMULATED
            )
            venue: Any = RememberedBook(client, market.listing, SHARED)
            hermes = f"{WORLD}/hermes"
            prices = PythClient(edge, api_key="x", base_url=hermes, history_url=hermes, origin=Origin.SIMULATED)
            exits = ExitDesk(ExitKey(WATCHER_KEY, WATCHER), venue, TokenVenue(chain, USDC), execution)
            desk = GuardDesk(
                account=USER,
                market=MarketDesk((OwnPrices(prices, self.change),), venue, clock, WatchLimits()),
                positions=positions,
                watchbook=book,
                mandates=mandates,
                journal=execution.journal,
                chain=chain,
                evidence=ChainExits(chain),
                clock=clock,
                read_on=lambda: catch_up(record),
                note_fill=lambda transaction: note(record, transaction),
                exits=exits if self.has_key else None,
                watcher=WATCHER,
                defaults=self.rules,
                strictness=self.strictness,
            )
            token = book.start(USER, 1, 60.0)
            yield Watch(desk, Memory(token))
        for store in (positions, book, mandates, execution.journal):
            store.close()

    def ticks(self, count: int = 1, every_s: float = 60.0) -> list[Ticked]:
        """Watch for some ticks, as one process."""

        async def work() -> list[Ticked]:
            async with self.watch() as watch:
                for number in range(count):
                    if number:
                        self.market.clock.advance(every_s)
                    await watch.tick()
                return watch.ticks

        return asyncio.run(work())

    # ── going back ────────────────────────────────────────────────────────────────────────────────────────────

    def moment(self) -> Moment:
        """Keep the market as it is now."""
        with closing(sqlite3.connect(self.market.store)) as db:
            db.execute("pragma wal_checkpoint(truncate)")
        kept = Path(shutil.copy(self.market.store, self.market.store.with_suffix(".kept")))
        return Moment(self.market.ask("evm_snapshot"), self.market.clock.at, kept)

    def back_to(self, moment: Moment) -> Moment:
        """Return to a moment, with a store of its own; a moment is used up, so the next one is handed back."""
        assert self.market.ask("evm_revert", moment.chain)
        self.returns += 1
        self.market.clock.at = moment.at
        self.market.store = Path(shutil.copy(moment.store, moment.store.with_suffix(f".{self.returns}")))
        return replace(moment, chain=self.market.ask("evm_snapshot"))

    # ── what there is to guard ────────────────────────────────────────────────────────────────────────────────

    def buy(self, name: str = "a purchase", usdc: int = 50_000_000) -> Position:
        """Buy the market's call, and return its position."""
        self.market.refresh()
        trade = self.market.trade(name, usdc)

        async def work() -> None:
            desk = self.market.desk()
            progress = await settle(desk, (await bought(desk, self.market, trade)).entry)
            assert progress.entry.fill is not None
            record = RecordDesk(
                desk.chain, OptionLogs(desk.chain, Venues((TRADER,), (ROUTER,))),
                SqlitePositions.open(self.market.store, EMBEDDED_CHAIN_ID), self.market.clock, USER,
            )  # fmt: skip
            await note(record, progress.entry.fill.transaction)

        asyncio.run(work())
        return self.positions()[-1]

    def breached(self) -> Position:
        """Buy a position with signed exits whose stop one more look will fire; that market is known already."""
        position = self.buy("a purchase", 5_000_000)
        self.sign_exits(position)
        self.ticks(1)
        self.market.clock.advance(60)
        self.market.exchange.catch_up()
        return position

    def sign_exits(
        self,
        position: Position,
        *,
        stop_share: float = 0.999,
        floor_share: float = 0.5,
        days: float = 5.0,
        name: str = "exits",
        purchase: Hash | None = None,
        allow: int = 1,
        parts: int = 1,
        spare: int = 100,
    ) -> tuple[Mandate, ...]:
        """Sign a stop-loss and a take-profit that share a nonce, and let the contract take the tokens.

        purchase: they were signed with it, and nobody has noticed yet that it was filled. allow: as many times what
        the position holds, where others hold the same token. parts: it is one of so many that were bought with one yes.
        spare: for how much of it they are signed, in per cent; a purchase's own are for a little more than was quoted.
        """
        market, worth, contracts = self.market, position.cost * parts, position.contracts_left * parts * spare // 100
        approve = artifact("OptionSeries").function("approve").encode(TRADER, contracts * allow)
        market.send(position.token, approve)
        market.exchange.catch_up()
        nonce = intent_nonce(plan_id(name + position.id), "exits", keccak)
        made = []
        for kind, at in ((MandateKind.STOP_LOSS, int(worth * stop_share)), (MandateKind.TAKE_PROFIT, worth * 2)):
            least, until_s = int(at * floor_share) or 1, int(market.clock.at.timestamp() + days * 86_400)
            intent = TradeIntent(
                USER, WATCHER, Side.SELL, position.token, ROUTER, contracts, at, least, nonce, until_s,
                plan_id(name),
            )  # fmt: skip
            trade = PlannedTrade(kind.value, DOMAIN, intent)
            state = MandateState.WAITING if purchase else MandateState.OPEN
            name_of = None if purchase else position.id
            mandate = Mandate(
                digest(trade), kind, trade, sign_intent(trade), purchase, market.clock.now(), state, name_of
            )
            made.append(mandate)
        with closing(SqliteMandates.open(market.store)) as store:
            store.keep(made)
        return tuple(made)

    def sale_by_hand(self, position: Position, name: str) -> Callable[[], Coroutine[Any, Any, None]]:
        """Sign a sale of the whole position as the person does, and return what journals and sends it."""
        market = self.market
        until_s = int(market.clock.at.timestamp()) + 600
        nonce = intent_nonce(plan_id(name), "sell", keccak)
        intent = TradeIntent(
            USER, USER, Side.SELL, position.token, ROUTER, position.contracts_left, position.cost, position.cost,
            nonce, until_s, plan_id(name),
        )  # fmt: skip

        async def sell() -> None:
            async with self.watch() as watch:
                bids = await watch.desk.market.board.bids(position.terms.asset)
                wanted = (position.terms.strikes, position.terms.expires_at, position.terms.kind)
                bid = next(one for one in bids.quotes if (one.strikes, one.expires_at, one.kind) == wanted)
                quoted = position.contracts_left * bid.price // 10**8
                mine = replace(intent, quoted_amount_out=quoted, min_amount_out=quoted * 95 // 100)
                trade = PlannedTrade("sell", DOMAIN, mine)
                desk = market.desk()
                (entry,) = await approve(desk, plan_id(name), [(digest(trade), trade)])
                route = route_data(watch.desk.market.board.order(bid.order_id))
                data = EXECUTE.encode(intent_values(trade), sign_intent(trade), mine.min_amount_out, route)
                with suppress(TradeRefused):
                    await settle(desk, (await submit(desk, entry, [signed(TRADER, data, market.nonce(), 1.0)])).entry)

        return sell

    def fund_watcher(self, wei: int = ETHER // 500) -> None:
        """Give the watcher gas, from the wallet."""
        fields = {
            "type": 2, "chainId": EMBEDDED_CHAIN_ID, "to": bytes.fromhex(WATCHER[2:]), "data": b"", "value": wei,
            "gas": 21_000, "maxFeePerGas": 10**9, "maxPriorityFeePerGas": 10**8, "nonce": self.market.nonce(),
        }  # fmt: skip
        raw = bytes(WALLET.sign_transaction(fields).raw_transaction)
        self.market.ask("eth_sendRawTransaction", "0x" + raw.hex())
        self.market.exchange.catch_up()

    def cancel(self, mandate: Mandate) -> None:
        """Burn the mandate's nonce, as the person can at any time."""
        cancel = artifact("SentientTrader").function("cancelNonce").encode(mandate.trade.intent.nonce)
        self.market.send(TRADER, cancel)
        self.market.exchange.catch_up()

    # ── what the store says ───────────────────────────────────────────────────────────────────────────────────

    def positions(self) -> list[Position]:
        with closing(SqlitePositions.open(self.market.store, EMBEDDED_CHAIN_ID)) as store:
            return store.all()

    def mandates(self, position: Position) -> list[Mandate]:
        with closing(SqliteMandates.open(self.market.store)) as store:
            return store.of_token(USER, position.token)

    def alerts(self) -> list[tuple[str, str, str]]:
        """Level, kind and text of everything the person was told."""
        return self._rows("select level, kind, text from alerts order by sequence")

    def decisions(self) -> list[tuple[str, str, str]]:
        return self._rows("select verdict, rule, words from exit_decisions order by id")

    def explained(self, position: Position) -> list[dict[str, Any]]:
        """The facts behind each decision, as the record has them."""
        with closing(SqliteWatchbook.open(self.market.store)) as book:
            return [dict(one.facts) for one in book.decisions(position.id, 20)]

    def own_rules(self) -> Mapping[str, ExitRules]:
        with closing(SqliteWatchbook.open(self.market.store)) as book:
            return book.rules()

    def _rows(self, query: str) -> list[tuple[str, str, str]]:
        with closing(sqlite3.connect(self.market.store)) as db:
            return db.execute(query).fetchall()

    def sales(self) -> list[tuple[int, int]]:
        """What each sale took and brought, by the contract's events."""
        return [(int(log["data"][2:66], 16), int(log["data"][66:130], 16)) for log in self._sold()]

    def height(self) -> int:
        return int(self.market.ask("eth_blockNumber"), 16)

    def sale_blocks(self) -> list[int]:
        """The block of each sale, as the chain shows them now."""
        return [int(log["blockNumber"], 16) for log in self._sold()]

    def _sold(self) -> list[dict[str, Any]]:
        topic = artifact("SentientTrader").event_topic("OptionSold")
        wanted = {"fromBlock": "0x0", "toBlock": "latest", "address": TRADER, "topics": [topic]}
        logs: list[dict[str, Any]] = self.market.ask("eth_getLogs", wanted)
        return logs


def run(work: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    return asyncio.run(work())


def seen(kinds: Sequence[tuple[str, str, str]]) -> list[str]:
    return [kind for _, kind, _ in kinds]
