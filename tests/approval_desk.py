"""Beta's whole desk on the embedded exchange in this process: real feeds, checks, signatures, journal and contracts."""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bethna_cli.adapters.abi import artifact, keccak
from bethna_cli.adapters.book_venue import BookVenue
from bethna_cli.adapters.contracts import SentientTraders
from bethna_cli.adapters.decisions import SqliteDecisions
from bethna_cli.adapters.dydx import DydxClient
from bethna_cli.adapters.http import Edge
from bethna_cli.adapters.mandates import SqliteMandates
from bethna_cli.adapters.policies import SqlitePolicies
from bethna_cli.adapters.positions import SqlitePositions
from bethna_cli.adapters.pyth import PythClient
from bethna_cli.adapters.sentiment import FearGreedIndex, MoodFeed
from bethna_cli.adapters.signer_rules import require_allowed
from bethna_cli.adapters.signer_sign import signed_plan
from bethna_cli.adapters.sim.public_keys import private_key, signed_transaction
from bethna_cli.adapters.sim.wire import create_app
from bethna_cli.adapters.sql import SqliteLedger
from bethna_cli.adapters.thetanuts import ThetanutsClient, ThetanutsUrls
from bethna_cli.adapters.token_venue import TokenVenue
from bethna_cli.adapters.venue_contracts import VenueContracts
from bethna_cli.bootstrap.model import load_model
from bethna_cli.domain.chain import Address, Hash
from bethna_cli.domain.embedded import EMBEDDED_BOOK, EMBEDDED_CHAIN_ID, EMBEDDED_VENUE, PUBLIC_ACCOUNTS, PUBLIC_BOOK
from bethna_cli.domain.intent import DirectRequest
from bethna_cli.domain.market import Asset, Origin
from bethna_cli.domain.options import OptionKind
from bethna_cli.domain.policy import SignedPolicy, SpendingPolicy
from bethna_cli.domain.signing import USDC_DOMAINS, Pins, Plan, SignedPlan
from bethna_cli.domain.units import Bps, Usdc
from bethna_cli.domain.venue import VenueAddresses
from bethna_cli.domain.wallet import THROWAWAY, PrivateKey
from bethna_cli.execution.checks import CheckLimits
from bethna_cli.flow.advise import Desk, advise
from bethna_cli.flow.consent import Way
from bethna_cli.flow.execute import ExecutionDesk
from bethna_cli.flow.observe import Feeds
from bethna_cli.flow.review import Review
from bethna_cli.flow.sight import TradingDesk, TradingPins
from execution_desk import ROUTER, TRADER, USDC, Market

WATCHER = Address("0x" + "aa" * 20)
WORLD = "http://embedded.market"
BOOK = "DevelopmentOptionBook"
PINS = Pins(
    EMBEDDED_CHAIN_ID,
    TRADER,
    USDC,
    *USDC_DOMAINS[EMBEDDED_CHAIN_ID],
    watcher=WATCHER,
    clock_skew_s=None,
    book=Address(PUBLIC_BOOK),
)


@dataclass
class Session:
    """A plan that may be signed once."""

    plan: Plan
    signed: list[SignedPlan]
    done: int = 0

    def sign(self, routes: Sequence[bytes], steps: int | None = None) -> SignedPlan:
        wanted = self.plan.steps[self.done :][:steps]
        self.done += len(wanted)
        self.signed.append(signed_plan(self.plan, PINS, PrivateKey(private_key("throwaway_wallet")), routes, wanted))
        return self.signed[-1]


@dataclass
class HereSigner:
    """The signer's own rules and signatures in this process; `unlocked_plans` and `signed` are what it did."""

    unlocked_plans: list[Plan] = field(default_factory=list)
    signed: list[SignedPlan] = field(default_factory=list)

    @contextmanager
    def unlocked(self, plan: Plan) -> Iterator[Session]:
        require_allowed(plan, PINS, plan.block_time_s)
        self.unlocked_plans.append(plan)
        yield Session(plan, self.signed)


@dataclass
class Person:
    """Says yes to whatever is shown, after doing `before` each time it is asked; `shown` is what it saw."""

    before: Callable[[Review], None] = lambda _: None
    shown: list[Review] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    ways: list[Way] = field(default_factory=list)

    def confirm(self, shown: Review) -> None:
        """Stand by what was said."""

    def ask(self, shown: Review) -> None:
        self.shown.append(shown)
        self.before(shown)

    def ask_way(self, way: Way) -> None:
        self.ways.append(way)

    def tell(self, words: str) -> None:
        self.told.append(words)


@asynccontextmanager
async def opened(
    market: Market, signer: HereSigner, slippage: int = 100, watcher: Address | None = None
) -> AsyncIterator[TradingDesk]:
    """Open the desk as a command does."""
    clock = market.clock
    async with Edge(clock, app=create_app(market.exchange.world), monotonic=lambda: clock.at.timestamp()) as edge:
        with desk_over(market.desk(), market.store, edge, WORLD, signer, market.venue, slippage, watcher) as desk:
            yield desk


@contextmanager
def desk_over(
    execution: ExecutionDesk,
    store: Path,
    edge: Edge,
    world: str,
    signer: HereSigner,
    venue: VenueAddresses = EMBEDDED_VENUE,
    slippage: int = 100,
    watcher: Address | None = None,
) -> Iterator[TradingDesk]:
    """Open the desk over a market at `world`, a chain and a store."""
    at_book = venue is EMBEDDED_BOOK
    decisions, ledger = SqliteDecisions.open(store), SqliteLedger.open(store)
    mandates, positions = SqliteMandates.open(store), SqlitePositions.open(store, EMBEDDED_CHAIN_ID)
    perpetuals = DydxClient(edge, base_url=f"{world}/dydx", origin=Origin.SIMULATED)
    urls = ThetanutsUrls.below(f"{world}/thetanuts")
    book = ThetanutsClient(edge, urls=urls, venues=(venue,), signed_only=True, origin=Origin.SIMULATED)
    hermes = f"{world}/hermes"
    prices = PythClient(edge, api_key="x", base_url=hermes, history_url=hermes, origin=Origin.SIMULATED)
    mood = MoodFeed(edge, FearGreedIndex(edge, base_url=f"{world}/fng"), None, origin=Origin.SIMULATED)
    yield TradingDesk(
        network="sim",
        wallet=THROWAWAY,
        pins=_pins(venue, watcher),
        feeds=Feeds((prices, perpetuals.oracle, book), (perpetuals, prices), book, perpetuals, mood),
        book=book,
        venue=_book_venue(execution) if at_book else TokenVenue(execution.chain, USDC),
        traders=VenueContracts(execution.chain, USDC, BOOK) if at_book else SentientTraders(execution.chain),
        chain=execution.chain,
        signer=signer,
        execution=execution,
        ledger=ledger,
        decisions=decisions,
        mandates=mandates,
        positions=positions,
        clock=execution.clock,
        keccak=keccak,
        slippage=Bps(slippage),
        approve_within_s=900.0,
        limits=CheckLimits(),
    )
    for one in (decisions, ledger, mandates, positions):
        one.close()


def _pins(venue: VenueAddresses, watcher: Address | None) -> TradingPins:
    implementations = frozenset(venue.implementations)
    if venue is EMBEDDED_BOOK:
        book = Address(PUBLIC_BOOK)
        return TradingPins(EMBEDDED_CHAIN_ID, book, None, USDC, book, implementations, fills_book=True)
    return TradingPins(EMBEDDED_CHAIN_ID, TRADER, None, USDC, ROUTER, implementations, watcher)


def _book_venue(execution: ExecutionDesk) -> BookVenue:
    def filled(handle: Address) -> Hash | None:
        entries = execution.journal.entries()
        return next((e.fill.transaction for e in entries if e.trade.intent.option_token == handle and e.fill), None)

    return BookVenue(execution.chain, Address(PUBLIC_BOOK), USDC, filled)


async def recommended(desk: TradingDesk, *kinds: OptionKind, usdc: int = 100) -> str:
    """Have the option nearest to the money proposed, or the straddle, and return the recommendation's id."""
    board = await desk.book.board(Asset.ETH)
    spot = (await desk.feeds.spots[0].spot(Asset.ETH)).value_usd
    later = [quote for quote in board.quotes if (quote.expires_at - desk.clock.now()).days >= 3]
    nearest = min((q for q in later if q.kind is kinds[0]), key=lambda q: (abs(q.strikes[0] - spot), q.expires_at))
    request = DirectRequest(Asset.ETH, frozenset(kinds), nearest.strikes, nearest.expires_at, Usdc(usdc * 1_000_000))
    answer = await advise(request, Desk(desk.feeds, load_model(), desk.ledger, desk.clock, desk.network))
    return answer.id


def allowed(market: Market, per_day: int, contract: Address = TRADER) -> SqlitePolicies:
    """Keep a policy of the throwaway wallet, in force now."""
    now_s = int(market.clock.now().timestamp())
    user = THROWAWAY.address
    policy = SpendingPolicy(
        EMBEDDED_CHAIN_ID, contract, user, per_day * 10**6, per_day * 10**6, now_s - 3600, now_s + 86_400
    )
    plan = Plan(EMBEDDED_CHAIN_ID, contract, user, now_s, policy=policy)
    answer = signed_plan(plan, PINS, PrivateKey(private_key("throwaway_wallet")), []).policy
    assert answer is not None
    policies = SqlitePolicies.open(market.store)
    policies.keep(SignedPolicy(policy, answer.digest, answer.signature), market.clock.now())
    return policies


def pause_trading(market: Market) -> None:
    """Let the guardian pause the contract, past everything that looks at it."""
    nonce = int(market.ask("eth_getTransactionCount", PUBLIC_ACCOUNTS["guardian"], "pending"), 16)
    data = artifact("SentientTrader").function("pause").encode()
    market.ask("eth_sendRawTransaction", "0x" + signed_transaction("guardian", nonce, TRADER, data, 100_000).hex())


def pause_exits(market: Market) -> None:
    """Let the owner pause exits, past everything that looks at it."""
    nonce = int(market.ask("eth_getTransactionCount", PUBLIC_ACCOUNTS["owner"], "pending"), 16)
    data = artifact("SentientTrader").function("setExitsPaused").encode(True)
    market.ask("eth_sendRawTransaction", "0x" + signed_transaction("owner", nonce, TRADER, data, 100_000).hex())
