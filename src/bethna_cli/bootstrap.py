"""The only place that chooses adapters: from settings to an application that is ready to work.

Every network runs the same code; only addresses, keys, the clock and the way to reach a service are chosen here.
"""

import os
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from bethna_cli.adapters import dydx, pyth, sentiment, thetanuts
from bethna_cli.adapters.clocks import FixedClock, SystemClock
from bethna_cli.adapters.http import Edge
from bethna_cli.adapters.http import Limits as EdgeLimits
from bethna_cli.adapters.in_process import AsgiApp
from bethna_cli.adapters.prices import TRADING, SpotLimits
from bethna_cli.adapters.sql import SqliteLedger
from bethna_cli.analysis import model as models
from bethna_cli.artifacts.model import SHA256 as SHIPPED_SHA256
from bethna_cli.domain.embedded import EMBEDDED_VENUE
from bethna_cli.domain.errors import ConfigurationError, NotFound
from bethna_cli.domain.market import Asset, Origin
from bethna_cli.domain.model import Model, Progress, TrainedModel
from bethna_cli.domain.venue import BASE_R12, VenueAddresses
from bethna_cli.flow.advise import Desk
from bethna_cli.flow.observe import Feeds, Limits
from bethna_cli.ports import Clock
from bethna_cli.settings import MARKET_PATHS, Settings, folders, load_settings
from bethna_cli.settings_files import make_private

if TYPE_CHECKING:
    from bethna_cli.adapters.contracts import SentientTraders
    from bethna_cli.adapters.decisions import SqliteDecisions
    from bethna_cli.adapters.evm import EvmChain
    from bethna_cli.adapters.journal import SqliteJournal
    from bethna_cli.adapters.keystore import WalletFolder
    from bethna_cli.adapters.signer import ProcessSigner
    from bethna_cli.adapters.sim.clock import SimClock
    from bethna_cli.adapters.sim.control import SimControl, WorldChoice
    from bethna_cli.adapters.sim.public_signer import PublicSigner
    from bethna_cli.domain.signing import Pins
    from bethna_cli.domain.wallet import PrivateKey, Wallet
    from bethna_cli.flow.execute import ExecutionDesk
    from bethna_cli.flow.sight import TradingDesk, TradingPins

SIGNER_ENVIRONMENT = frozenset(
    {"PATH", "HOME", "LANG", "LC_ALL", "TERM", "BETHNA_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"}
)
"""What the signer gets to see of the person's variables: where the files are, and how the terminal writes."""
SIGNER_SKEW_S = 120
"""How far a real network's newest block may be from this machine's clock when a plan is signed."""
SHIPPED_MODEL = "model/alpha-1.bin"
SIMULATED_KEY = "simulated"
BLOCK_AGE_S = 30.0
"""How old the newest block of a real network may be."""
EMBEDDED_URL = "http://embedded.market"
PRETENDED = (EMBEDDED_VENUE, BASE_R12)
"""Whose orders a market without a chain may show: a served world's, or those of Base as recorded and simulated."""


@dataclass(frozen=True, slots=True)
class App:
    """Everything a command works with, opened for one run."""

    settings: Settings
    clock: Clock
    feeds: Feeds
    book: thetanuts.ThetanutsClient
    ledger: SqliteLedger
    network: str
    origin: Origin

    def model(self) -> Model:
        """Load the trained model that the package ships. Raises ModelCorrupt when it was changed."""
        return load_model()

    def desk(self) -> Desk:
        """Return what Alpha works with."""
        return Desk(self.feeds, self.model(), self.ledger, self.clock, self.network)


@dataclass(frozen=True, slots=True)
class _Market:
    """Where the sources are: the clock they share, how they are reached, and whether they are real.

    embedded: the base URL of a world of our own, in this process or served, None where the services are outside.
    venues, signed_only: as in ThetanutsClient. remarks, asked_for: as in Feeds.
    """

    clock: Clock
    origin: Origin
    app: AsgiApp | None = None
    embedded: str | None = None
    venues: tuple[VenueAddresses, ...] = (BASE_R12,)
    signed_only: bool = True
    remarks: Mapping[str, str] = field(default_factory=dict)
    asked_for: datetime | None = None


@dataclass(frozen=True, slots=True)
class OnChain:
    """The chain of the network in use.

    signer: on the embedded chain alone, whose keys are public. known: addresses by name (usdc; there also router,
    trader, throwaway_wallet).
    """

    network: str
    chain: "EvmChain"
    contracts: "SentientTraders"
    signer: "PublicSigner | None"
    known: Mapping[str, str]


@asynccontextmanager
async def open_chain(settings: Settings) -> AsyncIterator[OnChain]:
    """Reach the chain of the network in use, and let go of it again. Asks nothing by itself.

    Raises ConfigurationError when no endpoint is set, NotFound when the embedded world is not being served.
    """
    from bethna_cli.adapters.contracts import SentientTraders
    from bethna_cli.adapters.evm import EvmChain
    from bethna_cli.adapters.rpc import JsonRpc
    from bethna_cli.adapters.rpc_transport import Http
    from bethna_cli.domain.chain import CHAIN_IDS

    urls = _rpc_urls(settings)
    names = ["rpc"] if len(urls) == 1 else [f"rpc {number}" for number in range(1, len(urls) + 1)]
    chain = EvmChain(
        CHAIN_IDS[settings.network],
        [JsonRpc(name, Http(name, url)) for name, url in zip(names, urls, strict=True)],
        SystemClock(),
        max_block_age_s=None if settings.network == "sim" else BLOCK_AGE_S,
    )
    try:
        yield _on_chain(settings.network, chain, SentientTraders(chain))
    finally:
        await chain.aclose()


def _rpc_urls(settings: Settings) -> tuple[str, ...]:
    if settings.rpc_urls:
        return settings.rpc_urls
    if settings.network != "sim":
        raise ConfigurationError(
            f"No RPC endpoint is set, so {settings.network} cannot be reached.", hint="bethna config set rpc_url"
        )
    info = sim_control(settings).running()
    if info is None:
        raise NotFound("The embedded world is not being served.", hint="bethna sim up --detach")
    return (f"{info.url}/rpc",)


def _on_chain(network: str, chain: "EvmChain", contracts: "SentientTraders") -> OnChain:
    if network != "sim":
        from bethna_cli.domain.chain import USDC_ADDRESSES

        return OnChain(network, chain, contracts, None, {"usdc": USDC_ADDRESSES[network]})
    from bethna_cli.adapters.sim.public_signer import PublicSigner
    from bethna_cli.domain.embedded import PUBLIC_ACCOUNTS, PUBLIC_CONTRACTS

    return OnChain(network, chain, contracts, PublicSigner(), {**PUBLIC_ACCOUNTS, **PUBLIC_CONTRACTS})


def shown_address(address: str) -> str:
    """Write an address as people should see it, in mixed case with its checksum (EIP-55)."""
    from bethna_cli.adapters.abi import checksummed

    return checksummed(address)


def wallet_folder(settings: Settings) -> "WalletFolder":
    """Return the person's wallets on this machine."""
    from bethna_cli.adapters.keystore import WalletFolder

    return WalletFolder(make_private(settings.folders.data) / "wallets", SystemClock())


def fresh_key() -> "PrivateKey":
    """Draw a new private key from the system's source of chance."""
    import secrets

    from bethna_cli.adapters.keys import new_key

    return new_key(secrets.token_bytes)


def typed_key(text: str) -> "PrivateKey":
    """Read a private key or a phrase. Raises UsageError without quoting it."""
    from bethna_cli.adapters.keys import parse_key

    return parse_key(text)


def plan_signer(settings: Settings, password_pipe: int | None = None) -> "ProcessSigner":
    """Return the signer: a process of its own for each plan, which asks for the password at the terminal.

    password_pipe: a descriptor to read it from instead, for whoever may hand one in.
    """
    from bethna_cli.adapters.signer import ProcessSigner

    command = (sys.executable, "-P", "-E", "-c", "from bethna_cli.bootstrap import sign_one_plan; sign_one_plan()")
    kept = {name: value for name, value in os.environ.items() if name in SIGNER_ENVIRONMENT}
    if settings.folders.config != folders(kept).config:
        raise ConfigurationError("The signer would read other settings than these.", hint="bethna config path")
    return ProcessSigner(command, kept, password_pipe)


def sign_one_plan() -> None:
    """Be the signer: answer one plan on stdin, on stdout. The pins come from the files alone, not from variables."""
    from bethna_cli.adapters.signer_child import Door, ask_at_terminal, ask_pipe, leave_no_core, serve_one_plan
    from bethna_cli.adapters.sim.public_keys import private_key
    from bethna_cli.domain.wallet import PrivateKey

    leave_no_core()
    kept = {name: value for name, value in os.environ.items() if name in SIGNER_ENVIRONMENT}
    settings = load_settings({"keyring": False}, kept)
    door = Door(
        pins=_pins(settings),
        keys=wallet_folder(settings),
        ask=ask_pipe(int(sys.argv[1])) if len(sys.argv) > 1 else ask_at_terminal,
        throwaway=lambda: PrivateKey(private_key("throwaway_wallet")),
        clock=SystemClock(),
    )
    serve_one_plan(sys.stdin.buffer, sys.stdout.buffer, door)


def wallet_in_use(settings: Settings) -> "Wallet":
    """Return the wallet that trades on this network are signed with. Raises ConfigurationError when there is none."""
    wallet = wallet_folder(settings).in_use(settings.network)
    if wallet is None:
        raise ConfigurationError(f"No wallet is in use on {settings.network}.", hint="bethna wallet new main")
    return wallet


def needs_no_consent(settings: Settings, wallet: "Wallet") -> bool:
    """Say whether nothing is at stake: the embedded world as this machine serves it, and the wallet everybody has.

    Raises NotFound when the world is not served, SourceUnavailable when another program answers in its place.
    """
    from bethna_cli.domain.wallet import WalletKind

    if settings.network != "sim" or settings.rpc_urls or wallet.kind is not WalletKind.THROWAWAY:
        return False
    return sim_control(settings).status().get("chain_id") == EMBEDDED_VENUE.chain_id


def system_clock() -> Clock:
    """Return this machine's clock."""
    return SystemClock()


def open_ledger(settings: Settings, origin: Origin = Origin.LIVE) -> SqliteLedger:
    """Open what is remembered of the network in use, or of replays; the caller closes it."""
    return SqliteLedger.open(store_path(settings, origin))


def open_journal(settings: Settings) -> "SqliteJournal":
    """Open the journal of the network in use; the caller closes it."""
    from bethna_cli.adapters.journal import SqliteJournal

    return SqliteJournal.open(store_path(settings, Origin.LIVE))


def open_decisions(settings: Settings) -> "SqliteDecisions":
    """Open what the person said to recommendations; the caller closes it."""
    from bethna_cli.adapters.decisions import SqliteDecisions

    return SqliteDecisions.open(store_path(settings, Origin.LIVE))


def execution_desk(place: OnChain, journal: "SqliteJournal", clock: Clock) -> "ExecutionDesk":
    """Return what Beta executes with."""
    import asyncio

    from bethna_cli.adapters.trade_evidence import ChainEvidence
    from bethna_cli.flow.execute import ExecutionDesk

    return ExecutionDesk(place.chain, ChainEvidence(place.chain, place.known["usdc"]), journal, clock, asyncio.sleep)


@asynccontextmanager
async def open_trading(settings: Settings, wallet: "Wallet") -> "AsyncIterator[TradingDesk]":
    """Open market, chain, journal and signer for one approval.

    Raises ConfigurationError when the network has no confirmed contract or no venue that it trades through, and what
    `open_app` and `open_chain` raise.
    """
    from bethna_cli.adapters.abi import keccak
    from bethna_cli.adapters.token_venue import TokenVenue
    from bethna_cli.domain.units import Bps
    from bethna_cli.execution.checks import CheckLimits
    from bethna_cli.flow.sight import TradingDesk

    pins = _trading_pins(settings)
    journal, decisions = open_journal(settings), open_decisions(settings)
    try:
        async with open_app(settings) as application, open_chain(settings) as place:
            yield TradingDesk(
                network=settings.network,
                wallet=wallet,
                pins=pins,
                feeds=application.feeds,
                book=application.book,
                venue=TokenVenue(place.chain, pins.usdc),
                traders=place.contracts,
                chain=place.chain,
                signer=plan_signer(settings),
                execution=execution_desk(place, journal, application.clock),
                ledger=application.ledger,
                decisions=decisions,
                clock=application.clock,
                keccak=keccak,
                slippage=Bps(settings.slippage_bps),
                approve_within_s=settings.approve_within_s,
                limits=CheckLimits(spot_age_s=settings.spot_max_age_s),
            )
    finally:
        journal.close()
        decisions.close()


def _trading_pins(settings: Settings) -> "TradingPins":
    """Say what a plan on this network may touch, from the release and from what the person confirmed."""
    from bethna_cli.domain.chain import CHAIN_IDS, Address, Hash
    from bethna_cli.domain.embedded import PUBLIC_CONTRACTS
    from bethna_cli.flow.sight import TradingPins

    if settings.network != "sim":
        raise ConfigurationError(
            f"There is no router on {settings.network} that bethna knows, so nothing can be bought through a contract.",
            hint="bethna contract deploy -h",
        )
    pin = settings.trader_pin
    return TradingPins(
        chain_id=CHAIN_IDS[settings.network],
        contract=Address(pin[0] if pin else PUBLIC_CONTRACTS["trader"]),
        code_hash=Hash(pin[1]) if pin else None,
        usdc=Address(PUBLIC_CONTRACTS["usdc"]),
        router=Address(PUBLIC_CONTRACTS["router"]),
        implementations=frozenset(EMBEDDED_VENUE.implementations),
    )


def _pins(settings: Settings) -> "dict[int, Pins]":
    """Say for each chain with a confirmed contract what plans there may touch."""
    from bethna_cli.domain.chain import CHAIN_IDS, USDC_ADDRESSES, Address
    from bethna_cli.domain.embedded import PUBLIC_CONTRACTS
    from bethna_cli.domain.signing import USDC_DOMAINS, Pins

    found = {}
    for network, chain_id in CHAIN_IDS.items():
        pin = settings.model_copy(update={"network": network}).trader_pin
        is_embedded = network == "sim"
        contract = pin[0] if pin else PUBLIC_CONTRACTS["trader"] if is_embedded else None
        if contract is None:
            continue
        found[chain_id] = Pins(
            chain_id,
            Address(contract),
            Address(PUBLIC_CONTRACTS["usdc"]) if is_embedded else USDC_ADDRESSES[network],
            *USDC_DOMAINS[chain_id],
            watcher=Address(settings.watcher_address) if settings.watcher_address else None,
            clock_skew_s=None if is_embedded else SIGNER_SKEW_S,
        )
    return found


def load_model() -> Model:
    """Load the shipped model. Raises ModelCorrupt when the file is not what was shipped."""
    content = (Path(__file__).parent / "artifacts" / SHIPPED_MODEL).read_bytes()
    return models.parse(content, pinned_sha256=SHIPPED_SHA256)


def train_on(folder: Path, until: datetime | None, progress: Progress) -> TrainedModel:
    """Train a model on the history files of `folder`, up to `until` (default: all of it), with scikit-learn.

    Raises DataRefused when a file is not what it should be, NotEnoughData when there is too little history.
    """
    from bethna_cli.adapters.history_files import HistoryFolder
    from bethna_cli.adapters.trainer import ForestTrainer
    from bethna_cli.flow.train import train

    return train(HistoryFolder(folder), ForestTrainer(), until or SystemClock().now(), progress)


@asynccontextmanager
async def open_app(settings: Settings, asset: Asset = Asset.ETH) -> AsyncIterator[App]:
    """Open the application and close it again. `asset` chooses the moment of a replay: each has snapshots of its own.

    Raises ConfigurationError when settings or the store are unusable, NotFound when there is nothing to replay.
    """
    market = _market(settings, asset)
    ledger = SqliteLedger.open(store_path(settings, market.origin))
    try:
        async with (
            Edge(market.clock, app=market.app, limits=EdgeLimits(budget_s=settings.source_timeout_s)) as inside,
            Edge(market.clock, limits=EdgeLimits(budget_s=settings.source_timeout_s)) as outside,
        ):
            feeds, book = _feeds(settings, market, inside, outside)
            yield App(settings, market.clock, feeds, book, ledger, settings.network, market.origin)
    finally:
        ledger.close()


def store_path(settings: Settings, origin: Origin) -> Path:
    """Return the file of this network's store; pretend trades never mix with real ones, nor replays with either."""
    name = "replay" if origin is Origin.REPLAY else settings.network
    return make_private(settings.folders.data) / f"{name}.db"


def _market(settings: Settings, asset: Asset) -> _Market:
    clock: Clock = FixedClock(settings.at) if settings.at else SystemClock()
    if settings.replay:
        return _replayed(settings.replay, settings.at, asset)
    if settings.network != "sim":
        return _Market(clock, Origin.LIVE)
    if settings.market_url:
        return _served(settings, settings.market_url, clock)
    return _shared(settings) or _simulated(settings.seed, clock)


def _shared(settings: Settings) -> _Market | None:
    """Use the world that `bethna sim up` serves, with its clock, unless another one is asked for."""
    control = sim_control(settings)
    info = control.answering() if settings.at is None else None
    choice = control.choice() if info is not None else None
    if info is None or choice is None:
        return None
    if settings.origin("seed") != "default" and settings.seed != choice.seed:
        return None
    return replace(_kept(control, choice), embedded=info.url)


def _served(settings: Settings, url: str, clock: Clock) -> _Market:
    """Use a world at an address: our own keeps its clock on disk, any other runs on this machine's."""
    control = sim_control(settings)
    info = control.running() if settings.at is None else None
    choice = control.choice() if info is not None and info.url == url else None
    if choice is None:
        return _Market(clock, Origin.SIMULATED, venues=PRETENDED, signed_only=False)
    return _kept(control, choice)


def _kept(control: "SimControl", choice: "WorldChoice") -> _Market:
    """Describe the world that the state folder keeps: a replay stands still, a simulated one has a chain."""
    if choice.at is not None:
        clock = FixedClock(datetime.fromisoformat(choice.at))
        return _Market(clock, Origin.REPLAY, venues=PRETENDED, signed_only=False)
    return _Market(control.clock() or SystemClock(), Origin.SIMULATED, venues=(EMBEDDED_VENUE,))


def _simulated(seed: int, clock: Clock) -> _Market:
    from bethna_cli.adapters.sim.market import SimWorld
    from bethna_cli.adapters.sim.wire import create_app

    app = create_app(SimWorld(seed, clock.now))
    return _Market(clock, Origin.SIMULATED, app, EMBEDDED_URL, PRETENDED, signed_only=False)


def _replayed(folder: Path, at: datetime | None, asset: Asset) -> _Market:
    from bethna_cli.adapters.sim.replay import ReplayWorld
    from bethna_cli.adapters.sim.wire import create_app

    world = ReplayWorld.open(folder, asset, _replay_moment(at))
    app = create_app(world)
    return _Market(
        world.clock,
        Origin.REPLAY,
        app,
        EMBEDDED_URL,
        PRETENDED,
        signed_only=False,
        remarks=world.remarks,
        asked_for=at,
    )


def _replay_moment(at: datetime | None) -> datetime:
    if at is None:
        raise ConfigurationError("A replay needs a moment.", hint="add --at 2026-05-05T15:30Z")
    return at


def _feeds(settings: Settings, market: _Market, inside: Edge, outside: Edge) -> tuple[Feeds, thetanuts.ThetanutsClient]:
    """Set up the sources, and the one of them that keeps the signed orders.

    An address in the settings replaces one source, the embedded market the others.
    """

    def place(source: str) -> tuple[Edge, str | None]:
        own = settings.source_url(source)
        if own is None and market.embedded is not None:
            return inside, market.embedded + MARKET_PATHS[source]
        return outside, own

    limits = SpotLimits(settings.spot_max_age_s, TRADING.max_band)
    prices = _pyth(settings, market.origin, limits, *place("pyth"))
    edge, url = place("dydx")
    perpetuals = dydx.DydxClient(edge, base_url=url or dydx.INDEXER_URL, origin=market.origin, limits=limits)
    edge, url = place("thetanuts")
    urls = thetanuts.ThetanutsUrls.below(url) if url else None
    venue = thetanuts.ThetanutsClient(
        edge,
        urls=urls,
        venues=market.venues,
        signed_only=market.signed_only,
        origin=market.origin,
        limits=limits,
    )
    feeds = Feeds(
        spots=(prices, perpetuals.oracle, venue),
        histories=(perpetuals, prices),
        options=venue,
        funding=perpetuals,
        sentiment=_mood(settings, market.origin, place("fng"), place("x")),
        limits=Limits(spot_age_s=settings.spot_max_age_s, source_timeout_s=settings.source_timeout_s),
        remarks=market.remarks,
        asked_for=market.asked_for,
    )
    return feeds, venue


def _pyth(settings: Settings, origin: Origin, limits: SpotLimits, edge: Edge, url: str | None) -> pyth.PythClient:
    """Set up Pyth; a simulated service is given a stand-in for the key, never the person's own."""
    own = settings.pyth_api_key if origin is Origin.LIVE else None
    key = SIMULATED_KEY if origin is not Origin.LIVE else own.get_secret_value() if own else None
    return pyth.PythClient(
        edge,
        api_key=key,
        base_url=url or pyth.HERMES_URL,
        history_url=url or pyth.HISTORY_URL,
        origin=origin,
        limits=limits,
    )


def _mood(
    settings: Settings, origin: Origin, index_place: tuple[Edge, str | None], posts_place: tuple[Edge, str | None]
) -> sentiment.MoodFeed:
    """Set up Fear & Greed, and X where there is a token; a simulated service is never given the person's own."""
    edge, url = index_place
    index = sentiment.FearGreedIndex(edge, base_url=url or sentiment.INDEX_URL)
    posts = None
    if settings.x_bearer_token is not None:
        from bethna_cli.adapters import x_search

        token = settings.x_bearer_token.get_secret_value() if origin is Origin.LIVE else SIMULATED_KEY
        posts_edge, posts_url = posts_place
        posts = x_search.XSearch(posts_edge, bearer_token=token, base_url=posts_url or x_search.API_URL)
    return sentiment.MoodFeed(edge, index, posts, origin=origin)


def sim_control(settings: Settings) -> "SimControl":
    """Return the hand on the embedded world that this person's processes share."""
    from bethna_cli.adapters.sim.control import SimControl

    return SimControl(settings.folders.data / "sim")


def serve_sim(settings: Settings, port: int, announce: Callable[[str], None]) -> None:
    """Serve the embedded world until it is told to stop; `announce` is told its URL.

    A kept world goes on from its own time. Raises ConfigurationError when another world is kept than is asked for.
    """
    from bethna_cli.adapters.sim.control import WorldChoice
    from bethna_cli.adapters.sim.exchange import CHAIN_FILE, Exchange
    from bethna_cli.adapters.sim.replay import ReplayWorld
    from bethna_cli.adapters.sim.server import serve

    control = sim_control(settings)
    folder = make_private(control.state_folder)
    if settings.replay:
        at = _replay_moment(settings.at)
        replayed = ReplayWorld.open(settings.replay, Asset.ETH, at, beside=tuple(Asset))
        control.keep(WorldChoice(settings.seed, str(settings.replay), replayed.now().isoformat()))
        serve(replayed, state_folder=folder, port=port, on_ready=lambda info: announce(info.url))
        return
    clock = _kept_or_new_clock(settings, control)
    control.keep(WorldChoice(settings.seed), clock)
    exchange = Exchange.open(folder / CHAIN_FILE, settings.seed, clock.now)
    try:
        serve(
            exchange.world,
            state_folder=folder,
            port=port,
            clock=clock,
            chain=exchange.served(),
            on_ready=lambda info: announce(info.url),
        )
    finally:
        exchange.close()


def _kept_or_new_clock(settings: Settings, control: "SimControl") -> "SimClock":
    from bethna_cli.adapters.sim.clock import SimClock

    kept, choice = control.clock(), control.choice()
    if kept is None or choice is None:
        return SimClock(settings.at or SystemClock().now(), settings.speed)
    if choice.seed != settings.seed:
        raise ConfigurationError(
            f"The kept world has seed {choice.seed}, not {settings.seed}.", hint="bethna sim reset"
        )
    if settings.at is not None and settings.at < kept.now():
        raise ConfigurationError("The kept world's clock is past that moment.", hint="bethna sim reset")
    return SimClock(settings.at or kept.now(), settings.speed)
