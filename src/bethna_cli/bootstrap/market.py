"""The market that a command looks at: real services, the embedded world, or recorded history.

Every network runs the same code; only addresses, keys, the clock and the way to reach a service are chosen here.
"""

from collections.abc import AsyncIterator, Mapping
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
from bethna_cli.adapters.past import RecordedPast
from bethna_cli.adapters.prices import TRADING, WATCHING, SpotLimits
from bethna_cli.adapters.sql import SqliteLedger
from bethna_cli.bootstrap.model import drift_warnings, load_model
from bethna_cli.bootstrap.places import store_path
from bethna_cli.bootstrap.sim import EMBEDDED_VENUES, replay_moment, sim_control
from bethna_cli.bootstrap.track_record import load_records
from bethna_cli.domain.embedded import EMBEDDED_VENUE
from bethna_cli.domain.market import Asset, Origin
from bethna_cli.domain.model import Model
from bethna_cli.domain.venue import BASE_R12, VenueAddresses
from bethna_cli.flow.advise import Desk
from bethna_cli.flow.observe import Feeds, Limits
from bethna_cli.ports import Clock
from bethna_cli.settings import MARKET_PATHS, Settings

if TYPE_CHECKING:
    from bethna_cli.adapters.sim.control import SimControl, WorldChoice


SIMULATED_KEY = "simulated"
PAGE_BUDGET_S = 30.0


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
        model = self.model()
        drifted = drift_warnings(self.network, self.origin, model.version)
        return Desk(self.feeds, model, self.ledger, self.clock, self.network, load_records(model), drifted)


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


def system_clock() -> Clock:
    """Return this machine's clock."""
    return SystemClock()


def open_ledger(settings: Settings, origin: Origin = Origin.LIVE) -> SqliteLedger:
    """Open what is remembered of the network in use, or of replays; the caller closes it."""
    return SqliteLedger.open(store_path(settings, origin))


@asynccontextmanager
async def open_app(settings: Settings, asset: Asset = Asset.ETH, *, watching: bool = False) -> AsyncIterator[App]:
    """Open the application and close it again. `asset` chooses the moment of a replay: each has snapshots of its own.

    watching: prices may be older and less certain than those that are traded on.

    Raises ConfigurationError when settings or the store are unusable, NotFound when there is nothing to replay.
    """
    market = _market(settings, asset)
    ledger = SqliteLedger.open(store_path(settings, market.origin))
    try:
        async with (
            Edge(market.clock, app=market.app, limits=EdgeLimits(budget_s=settings.source_timeout_s)) as inside,
            Edge(market.clock, limits=EdgeLimits(budget_s=settings.source_timeout_s)) as outside,
        ):
            limits = WATCHING if watching else SpotLimits(settings.spot_max_age_s, TRADING.max_band)
            feeds, book = _feeds(settings, market, limits, inside, outside)
            yield App(settings, market.clock, feeds, book, ledger, settings.network, market.origin)
    finally:
        ledger.close()


@asynccontextmanager
async def open_past(settings: Settings) -> AsyncIterator[tuple[RecordedPast, Clock, Origin]]:
    """Open the services' past, on the network in use, and close it again; patient, because pages are many."""
    market = _market(settings, Asset.ETH)
    patient = EdgeLimits(budget_s=PAGE_BUDGET_S)
    async with (
        Edge(market.clock, app=market.app, limits=patient) as inside,
        Edge(market.clock, limits=patient) as outside,
    ):
        edge, url = _place(settings, market, inside, outside, "dydx")
        perpetuals = dydx.DydxClient(edge, base_url=url or dydx.INDEXER_URL, origin=market.origin)
        edge, url = _place(settings, market, inside, outside, "fng")
        index = sentiment.FearGreedIndex(edge, base_url=url or sentiment.INDEX_URL)
        yield RecordedPast(perpetuals, index), market.clock, market.origin


def _place(settings: Settings, market: _Market, inside: Edge, outside: Edge, source: str) -> tuple[Edge, str | None]:
    """Say how one source is reached: at its own address, in the embedded market, or where it always is."""
    own = settings.source_url(source)
    if own is None and market.embedded is not None:
        return inside, market.embedded + MARKET_PATHS[source]
    return outside, own


def _market(settings: Settings, asset: Asset) -> _Market:
    clock: Clock = FixedClock(settings.at) if settings.at else SystemClock()
    if settings.replay:
        return _replayed(settings.replay, settings.at, asset)
    if settings.network != "sim":
        return _Market(clock, Origin.LIVE, venues=(live_venue(settings),))
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
    return _Market(control.followed_clock() or SystemClock(), Origin.SIMULATED, venues=(EMBEDDED_VENUES[choice.venue],))


def live_venue(settings: Settings) -> VenueAddresses:
    """Return whose orders count on a real network: the confirmed router's, or else those of Thetanuts' book on Base."""
    if settings.venue == "book" or settings.venue_pin is None:
        return BASE_R12
    from bethna_cli.domain.chain import CHAIN_IDS, USDC_ADDRESSES

    return replace(
        EMBEDDED_VENUE,  # the router's own labels, which are the same wherever it is deployed
        chain_id=CHAIN_IDS[settings.network],
        book=settings.venue_pin[0],
        usdc=USDC_ADDRESSES[settings.network],
    )


def _simulated(seed: int, clock: Clock) -> _Market:
    from bethna_cli.adapters.sim.market import SimWorld
    from bethna_cli.adapters.sim.wire import create_app

    app = create_app(SimWorld(seed, clock.now))
    return _Market(clock, Origin.SIMULATED, app, EMBEDDED_URL, PRETENDED, signed_only=False)


def _replayed(folder: Path, at: datetime | None, asset: Asset) -> _Market:
    from bethna_cli.adapters.sim.replay import ReplayWorld
    from bethna_cli.adapters.sim.wire import create_app

    world = ReplayWorld.open(folder, asset, replay_moment(at))
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


def _feeds(
    settings: Settings, market: _Market, limits: SpotLimits, inside: Edge, outside: Edge
) -> tuple[Feeds, thetanuts.ThetanutsClient]:
    """Set up the sources, and the one of them that keeps the signed orders.

    An address in the settings replaces one source, the embedded market the others.
    """

    def place(source: str) -> tuple[Edge, str | None]:
        return _place(settings, market, inside, outside, source)

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
        limits=Limits(spot_age_s=limits.max_age_s, source_timeout_s=settings.source_timeout_s),
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
