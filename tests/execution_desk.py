"""Beta's desk on the embedded exchange: the real chain, contracts, orders and signatures, and a transport that fails.

Faults strike below the chain's adapter, where a network would: between the bytes and the node.
"""

import asyncio
import json
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from eth_account import Account
from eth_account.messages import encode_typed_data

from bethna_cli.adapters.abi import artifact, decode, hash_text, keccak
from bethna_cli.adapters.book_evidence import BookEvidence, EvidenceByVenue
from bethna_cli.adapters.evm import EvmChain
from bethna_cli.adapters.http import Edge
from bethna_cli.adapters.journal import SqliteJournal
from bethna_cli.adapters.option_book import route_data
from bethna_cli.adapters.option_events import OptionLogs, Venues
from bethna_cli.adapters.positions import SqlitePositions
from bethna_cli.adapters.retry import TryAgain
from bethna_cli.adapters.rpc import JsonRpc, NotSent, RpcLimits
from bethna_cli.adapters.rpc_transport import InProcess
from bethna_cli.adapters.sim import maker
from bethna_cli.adapters.sim.exchange import Exchange
from bethna_cli.adapters.sim.public_keys import private_key
from bethna_cli.adapters.sim.wire import create_app
from bethna_cli.adapters.thetanuts import ThetanutsClient, ThetanutsUrls
from bethna_cli.adapters.trade_evidence import ChainEvidence
from bethna_cli.domain.chain import Address, Hash, SigningDomain
from bethna_cli.domain.embedded import EMBEDDED_CHAIN_ID, EMBEDDED_VENUE, PUBLIC_ACCOUNTS, PUBLIC_CONTRACTS
from bethna_cli.domain.errors import SourceUnavailable
from bethna_cli.domain.journal import JournalEntry
from bethna_cli.domain.market import Asset, Origin
from bethna_cli.domain.signing import SignedTransaction
from bethna_cli.domain.trade import PlannedTrade, Side
from bethna_cli.domain.units import Bps
from bethna_cli.domain.venue import RawOrder, VenueAddresses
from bethna_cli.execution.approval import typed_data
from bethna_cli.execution.journal import Patience
from bethna_cli.execution.plan import QuotedLeg, Terms, planned
from bethna_cli.flow.execute import ExecutionDesk, Progress, approve, submit
from bethna_cli.flow.record import RecordDesk, note

NOON = datetime(2026, 11, 23, 12, 0, 7, tzinfo=UTC)
USER = Address(PUBLIC_ACCOUNTS["throwaway_wallet"])
USDC, ROUTER, TRADER = (Address(PUBLIC_CONTRACTS[name]) for name in ("usdc", "router", "trader"))
WALLET = Account.from_key(private_key("throwaway_wallet"))
DOMAIN = SigningDomain("SentientTrader", "1", EMBEDDED_CHAIN_ID, TRADER)
INTENT = "(address,address,uint8,address,address,uint256,uint256,uint256,uint256,uint256,bytes32)"
BUY = artifact("SentientTrader").function("buyOption", f"({INTENT},bytes,bytes)")
SELL = artifact("SentientTrader").function("executeTrade", f"({INTENT},bytes,uint256,bytes)")
FIVE_USDC = 5_000_000
GWEI = 10**9


CHEAPEST: dict[tuple[datetime, str, tuple[int, ...]], RawOrder] = {}
"""The order that tests buy by, for each listing: reading the board takes long."""


class Crash(BaseException):
    """The process ends here: nothing catches it."""


@dataclass
class HandClock:
    """A clock that moves when it is told to: the exchange's, called, and the desk's, asked."""

    at: datetime = NOON

    def __call__(self) -> datetime:
        return self.at

    def now(self) -> datetime:
        return self.at

    def advance(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@dataclass
class FaultyTransport:
    """Carries bodies to the node; each fault strikes one send, in turn. `sent` are the raw transactions that left."""

    inner: InProcess
    faults: deque[str] = field(default_factory=deque)
    sent: list[bytes] = field(default_factory=list)

    async def exchange(self, body: bytes) -> bytes:
        if b"eth_sendRawTransaction" not in body:
            return await self.inner.exchange(body)
        self.sent.append(bytes.fromhex(json.loads(body)["params"][0][2:]))
        fault = self.faults.popleft() if self.faults else "none"
        if fault == "crash before":
            raise Crash
        if fault == "never reached":
            raise NotSent(SourceUnavailable("rpc", "it cannot be reached"))
        if fault == "request lost":
            raise TryAgain(SourceUnavailable("rpc", "the connection broke"))
        answer = await self.inner.exchange(body)
        if fault == "crash after":
            raise Crash
        if fault == "answer lost":
            raise TryAgain(SourceUnavailable("rpc", "no answer in time"))
        if fault == "answer garbled":
            return answer[: len(answer) // 2]
        if fault.startswith("says "):
            error = {"code": -32000, "message": fault.removeprefix("says ")}
            return json.dumps({"jsonrpc": "2.0", "id": 0, "error": error}).encode()
        return answer

    async def aclose(self) -> None:
        await self.inner.aclose()


class Market:
    """The embedded exchange with one wallet at work on it, and as many desks as there are lives of the process."""

    def __init__(self, path: Path, store: Path, venue: VenueAddresses = EMBEDDED_VENUE) -> None:
        self.clock = HandClock()
        self.venue = venue
        self.exchange = Exchange.open(path, 7, self.clock, venue)
        self.clock.at = datetime.fromtimestamp(self.head_time_s(), UTC)
        self.store = store
        self.transport = FaultyTransport(InProcess(self.exchange.node.handle))
        self.order = asyncio.run(self._cheapest_call())
        self.patience = Patience()

    def close(self) -> None:
        self.exchange.close()

    def desk(self) -> ExecutionDesk:
        """Open a desk as a new process does: from the store alone."""
        rpc = JsonRpc("rpc", self.transport, limits=RpcLimits(budget_s=5.0))
        chain = EvmChain(EMBEDDED_CHAIN_ID, [rpc], self.clock)
        journal = SqliteJournal.open(self.store)
        positions = SqlitePositions(journal.connection, EMBEDDED_CHAIN_ID)
        logs = OptionLogs(chain, Venues((TRADER,), (ROUTER,)))

        async def hand_on(user: Address, transaction: Hash) -> None:
            await note(RecordDesk(chain, logs, positions, self.clock, user), transaction)

        evidence = EvidenceByVenue(ChainEvidence(chain, USDC), BookEvidence(USDC))
        return ExecutionDesk(chain, evidence, journal, self.clock, self._pause, self.patience, hand_on)

    async def _pause(self, seconds: float) -> None:
        self.clock.advance(seconds)

    def listing(self) -> tuple[datetime, str, tuple[int, ...]]:
        """What the maker's quotes follow from: whatever is read at one listing is the same in every test."""
        return self.clock.at, repr(self.venue), tuple(maker.expiries(int(self.clock.at.timestamp())))

    async def _cheapest_call(self) -> RawOrder:
        listing = self.listing()
        if listing not in CHEAPEST:
            CHEAPEST[listing] = await self._read_cheapest_call()
        return CHEAPEST[listing]

    async def _read_cheapest_call(self) -> RawOrder:
        transport = httpx.ASGITransport(create_app(self.exchange.world))
        async with Edge(self.clock, transport=transport) as edge:
            urls = ThetanutsUrls.below("http://embedded.market/thetanuts")
            client = ThetanutsClient(edge, urls=urls, venues=(self.venue,), origin=Origin.SIMULATED)
            board = await client.board(Asset.ETH)
            quote = max(board.quotes, key=lambda quote: (quote.max_contracts * quote.price, quote.order_id))
            return client.order(quote.order_id)

    def refresh(self) -> None:
        """Take a fresh quote."""
        self.order = asyncio.run(self._cheapest_call())

    # ── what the wallet signs ─────────────────────────────────────────────────────────────────────────────────

    def trade(self, name: str, amount: int = FIVE_USDC, lifetime_s: int = 600) -> PlannedTrade:
        terms = self.order
        leg = QuotedLeg(Side.BUY, self.series(terms), ROUTER, amount, amount * 10**8 // terms.price)
        plan = Terms(plan_id(name), DOMAIN, USER, USER, plan_id("ref"), Bps(100), self.head_time_s(), lifetime_s)
        return planned([leg], plan, keccak)[0]

    def sale(self, name: str, contracts: int, of: RawOrder, bid: RawOrder) -> PlannedTrade:
        """Plan to sell a part of what was bought from `of` to a maker's bid."""
        leg = QuotedLeg(Side.SELL, self.series(of), ROUTER, contracts, contracts * bid.price // 10**8)
        plan = Terms(plan_id(name), DOMAIN, USER, USER, plan_id("ref"), Bps(100), self.head_time_s(), 600)
        return planned([leg], plan, keccak)[0]

    def bid_for(self, order: RawOrder) -> RawOrder:
        """Find what a maker pays now for the option that an ask once sold."""
        return asyncio.run(self._bid_for(order))

    async def _bid_for(self, order: RawOrder) -> RawOrder:
        transport = httpx.ASGITransport(create_app(self.exchange.world))
        async with Edge(self.clock, transport=transport) as edge:
            urls = ThetanutsUrls.below("http://embedded.market/thetanuts")
            client = ThetanutsClient(edge, urls=urls, venues=(EMBEDDED_VENUE,), origin=Origin.SIMULATED)
            bids = [client.order(quote.order_id) for quote in (await client.bids(Asset.ETH)).quotes]
        wanted = (order.implementation, order.strikes, order.expiry)
        return next(bid for bid in bids if (bid.implementation, bid.strikes, bid.expiry) == wanted)

    def series(self, order: RawOrder) -> Address:
        """Ask the router where an order's option token is."""
        lookup = artifact("ThetanutsTokenRouter").function("seriesAddress")
        data = lookup.encode(order.implementation, order.price_feed, order.strikes, order.expiry)
        return Address("0x" + self.call(ROUTER, data)[-20:].hex())

    def transactions(self, trade: PlannedTrade, nonce: int, *fees_gwei: float) -> list[SignedTransaction]:
        """Sign the purchase at one account nonce, once for each fee."""
        route = route_data(self.order)
        return [signed_purchase(trade, route, nonce, fee) for fee in fees_gwei or (1.0,)]

    # ── what the chain says ───────────────────────────────────────────────────────────────────────────────────

    def ask(self, method: str, *params: object) -> Any:
        return self.exchange.node.request(method, list(params))

    def call(self, to: str, data: bytes) -> bytes:
        return bytes.fromhex(self.ask("eth_call", {"to": to, "data": "0x" + data.hex()}, "latest")[2:])

    def send(self, to: str, data: bytes) -> str:
        """Send another transaction of the same wallet, past the journal."""
        return str(self.ask("eth_sendRawTransaction", "0x" + signed(to, data, self.nonce(), 1.0).raw.hex()))

    def approve_usdc(self, amount: int) -> None:
        self.send(USDC, artifact("DevelopmentUSDC").function("approve").encode(TRADER, amount))

    def nonce(self) -> int:
        return int(self.ask("eth_getTransactionCount", USER, "pending"), 16)

    def head_time_s(self) -> int:
        return int(self.ask("eth_getBlockByNumber", "latest", False)["timestamp"], 16)

    def usdc(self) -> int:
        return int.from_bytes(self.call(USDC, artifact("DevelopmentUSDC").function("balanceOf").encode(USER)), "big")

    def executions(self) -> list[Hash]:
        """The digests that the contract has executed, in order."""
        topic = artifact("SentientTrader").event_topic("IntentExecuted")
        logs = self.ask("eth_getLogs", {"fromBlock": "0x0", "toBlock": "latest", "address": TRADER, "topics": [topic]})
        return [Hash(log["topics"][1]) for log in logs]

    def purchases(self) -> list[tuple[int, int]]:
        """What each purchase cost and brought, by the contract's events."""
        topic = artifact("SentientTrader").event_topic("OptionPurchased")
        logs = self.ask("eth_getLogs", {"fromBlock": "0x0", "toBlock": "latest", "address": TRADER, "topics": [topic]})
        types = ("uint256", "uint256", "uint256")
        return [decode(types, bytes.fromhex(log["data"][2:]))[:2] for log in logs]

    def finalise(self) -> None:
        """Let blocks pass until what is mined is final."""
        self.clock.advance(10)
        self.exchange.catch_up()


def plan_id(name: str) -> Hash:
    return hash_text(keccak(name.encode()))


def digest(trade: PlannedTrade) -> Hash:
    message = encode_typed_data(full_message=typed_data(trade))
    return hash_text(keccak(b"\x19" + message.version + message.header + message.body))


def sign_intent(trade: PlannedTrade) -> bytes:
    return bytes(WALLET.sign_message(encode_typed_data(full_message=typed_data(trade))).signature)


def intent_values(trade: PlannedTrade) -> tuple[object, ...]:
    *head, ref = typed_data(trade)["message"].values()  # type: ignore[attr-defined]
    return (*head, bytes.fromhex(ref[2:]))


def signed(to: str, data: bytes, nonce: int, fee_gwei: float) -> SignedTransaction:
    transaction = {
        "type": 2, "chainId": EMBEDDED_CHAIN_ID, "to": bytes.fromhex(to[2:]), "data": data, "value": 0,
        "gas": 2_000_000, "maxFeePerGas": int(fee_gwei * GWEI), "maxPriorityFeePerGas": int(fee_gwei * GWEI / 10),
        "nonce": nonce,
    }  # fmt: skip
    raw = bytes(WALLET.sign_transaction(transaction).raw_transaction)
    return SignedTransaction(hash_text(keccak(raw)), nonce, raw)


def signed_purchase(trade: PlannedTrade, route: bytes, nonce: int, fee_gwei: float) -> SignedTransaction:
    return signed(TRADER, BUY.encode(intent_values(trade), sign_intent(trade), route), nonce, fee_gwei)


def signed_trade(trade: PlannedTrade, route: bytes, nonce: int, fee_gwei: float) -> SignedTransaction:
    if trade.intent.side is Side.BUY:
        return signed_purchase(trade, route, nonce, fee_gwei)
    least = trade.intent.min_amount_out
    return signed(TRADER, SELL.encode(intent_values(trade), sign_intent(trade), least, route), nonce, fee_gwei)


async def approved(desk: ExecutionDesk, trade: PlannedTrade) -> JournalEntry:
    (entry,) = await approve(desk, plan_id("a plan"), [(digest(trade), trade)])
    return entry


async def bought(desk: ExecutionDesk, market: Market, trade: PlannedTrade, fees: Iterable[float] = (1.0,)) -> Progress:
    """Approve and submit, as a command does."""
    entry = await approved(desk, trade)
    return await submit(desk, entry, market.transactions(trade, market.nonce(), *fees))
