"""What Gamma watches with on this machine: market, chain, store, the watcher's key, and the lock that makes it one."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bethna_cli.adapters.watch_lock import WatchLock
from bethna_cli.bootstrap.market import open_app
from bethna_cli.bootstrap.places import store_path
from bethna_cli.bootstrap.wallet import wallet_in_use
from bethna_cli.domain.chain import Address
from bethna_cli.domain.guarding import Confirmation, ExitRules
from bethna_cli.domain.market import Origin
from bethna_cli.domain.units import Bps
from bethna_cli.ports import Clock
from bethna_cli.settings import Settings
from bethna_cli.settings_files import make_private

if TYPE_CHECKING:
    from bethna_cli.adapters.positions import SqlitePositions
    from bethna_cli.adapters.watchbook import SqliteWatchbook
    from bethna_cli.domain.wallet import Wallet
    from bethna_cli.flow.lookout import GuardDesk, MarketDesk
    from bethna_cli.flow.observe import Feeds

SHORTEST_WAIT_S = 0.25


@dataclass(frozen=True, slots=True)
class Guarding:
    """A desk that is open. look_again: reads the last hours of the chain a second time; feeds: for histories.

    stop: to be set when the watch is to end, so that a long reading of the chain does not keep it.
    """

    desk: "GuardDesk"
    feeds: "Feeds"
    look_again: Callable[[], Awaitable[object]]
    stop: asyncio.Event


def watch_lock(settings: Settings, account: Address) -> WatchLock:
    """Return the lock of this network's watcher for an account."""
    return WatchLock(make_private(settings.folders.data), settings.network, account)


def open_watchbook(settings: Settings) -> "SqliteWatchbook":
    """Open what Gamma remembers of the network in use; the caller closes it."""
    from bethna_cli.adapters.watchbook import SqliteWatchbook

    return SqliteWatchbook.open(store_path(settings, Origin.LIVE))


@contextmanager
def open_records(settings: Settings) -> "Iterator[tuple[SqlitePositions, SqliteWatchbook]]":
    """Open positions and what Gamma remembers of them, and close both."""
    from bethna_cli.bootstrap.record import open_positions

    positions, watchbook = open_positions(settings), open_watchbook(settings)
    try:
        yield positions, watchbook
    finally:
        watchbook.close()
        positions.close()


def default_rules(settings: Settings) -> ExitRules:
    """Return the exit rules of positions that have none of their own."""
    return ExitRules(
        stop_loss=Bps(round(settings.stop_loss_pct * 100)), take_profit=Bps(round(settings.take_profit_pct * 100))
    )


def real_interval_s(settings: Settings, clock: Clock) -> float:
    """Return the pause between two ticks in real time: on a world whose clock runs fast it is as much shorter."""
    from bethna_cli.adapters.sim.clock import SimClock

    pace = clock.state.speed if isinstance(clock, SimClock) else 1.0
    return max(SHORTEST_WAIT_S, settings.watch_interval_s / pace)


@asynccontextmanager
async def open_market_desk(settings: Settings) -> "AsyncIterator[tuple[MarketDesk, Feeds]]":
    """Open the market as Gamma looks at it, without a chain."""
    from bethna_cli.flow.lookout import MarketDesk

    async with open_app(settings, watching=True) as application:
        feeds = application.feeds
        desk = MarketDesk(feeds.spots, application.book, application.clock, source_timeout_s=settings.source_timeout_s)
        yield desk, feeds


@asynccontextmanager
async def open_guard(
    settings: Settings, wallet: "Wallet | None" = None, failed: Callable[[str], None] = lambda _: None
) -> AsyncIterator[Guarding]:
    """Open everything that one watcher works with, from the store alone, and listen to the chain meanwhile.

    failed: hears of a look at the chain that came to nothing.

    Raises KeystoreRefused for a key that was changed, ConfigurationError and NotFound as `open_chain` does.
    """
    from bethna_cli.adapters.exit_evidence import ChainExits
    from bethna_cli.adapters.mandates import SqliteMandates
    from bethna_cli.adapters.token_venue import TokenVenue
    from bethna_cli.bootstrap.chain import execution_desk, open_chain, open_journal
    from bethna_cli.bootstrap.record import following, listener, open_positions, record_desk
    from bethna_cli.bootstrap.watcher import open_watcher
    from bethna_cli.flow.exits import ExitDesk
    from bethna_cli.flow.lookout import GuardDesk, MarketDesk
    from bethna_cli.risk.exits import Strictness

    account = (wallet or wallet_in_use(settings)).address
    key = open_watcher(settings) if settings.watcher_address else None
    positions, watchbook = open_positions(settings), open_watchbook(settings)
    journal, mandates = open_journal(settings), SqliteMandates.open(store_path(settings, Origin.LIVE))
    try:
        async with open_app(settings, watching=True) as application, open_chain(settings) as place:
            clock = application.clock
            execution = execution_desk(place, journal, clock)
            listening = listener(place, record_desk(place, positions, clock, account), execution, key)
            venue = TokenVenue(place.chain, Address(place.known["usdc"]))
            slippage = Bps(settings.exit_slippage_bps)
            desk = GuardDesk(
                account=account,
                market=MarketDesk(
                    application.feeds.spots, application.book, clock, source_timeout_s=settings.source_timeout_s
                ),
                positions=positions,
                watchbook=watchbook,
                mandates=mandates,
                journal=journal,
                chain=place.chain,
                evidence=ChainExits(place.chain),
                clock=clock,
                read_on=listening.read_on,
                note_fill=listening.note,
                exits=None if key is None else ExitDesk(key, application.book, venue, execution, slippage),
                watcher=None if key is None else key.address,
                defaults=default_rules(settings),
                strictness=Strictness(Confirmation(settings.confirm_exits)),
            )
            async with following(place, listening, failed):
                yield Guarding(desk, application.feeds, listening.look_again, listening.stop)
    finally:
        for store in (mandates, journal, watchbook, positions):
            store.close()


def watch_log(settings: Settings) -> Callable[[str], None]:
    """Return what writes a line to the watcher's log."""
    from bethna_cli.adapters.log_file import open_log

    return open_log(make_private(settings.folders.data / "logs") / f"watch-{settings.network}.log")


def this_process() -> int:
    """Return this process's id."""
    return os.getpid()
