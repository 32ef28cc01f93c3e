"""What was bought: the store of positions, and the listener that fills it from the chain."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

from bethna_cli.adapters.clocks import SystemClock
from bethna_cli.adapters.positions import SqlitePositions
from bethna_cli.bootstrap.places import store_path
from bethna_cli.bootstrap.sim import sim_control
from bethna_cli.domain.chain import CHAIN_IDS, Address
from bethna_cli.domain.errors import BethnaError
from bethna_cli.domain.market import Origin
from bethna_cli.ports import Clock, Positions
from bethna_cli.settings import Settings

if TYPE_CHECKING:
    from bethna_cli.adapters.journal import SqliteJournal
    from bethna_cli.adapters.watcher_key import ExitKey
    from bethna_cli.bootstrap.chain import OnChain
    from bethna_cli.domain.position import Reach
    from bethna_cli.flow.execute import ExecutionDesk
    from bethna_cli.flow.holdings import Holdings
    from bethna_cli.flow.listen import Listener
    from bethna_cli.flow.record import RecordDesk, Recorded

CALM_S = 15.0
"""How often a new block alone is a reason to look; a trade always is. Public endpoints count every question."""

CALM_EMBEDDED_S = 1.0


def open_positions(settings: Settings) -> SqlitePositions:
    """Open the positions of the network in use; the caller closes them."""
    return SqlitePositions.open(store_path(settings, Origin.LIVE), CHAIN_IDS[settings.network])


@contextmanager
def holdings_reader(settings: Settings) -> Iterator["Callable[[bool], Holdings]"]:
    """Open what tells of everything held now, and with an argument that is true what was held before."""
    from bethna_cli.bootstrap.guard import default_rules, open_records
    from bethna_cli.bootstrap.wallet import wallet_folder
    from bethna_cli.flow.holdings import holdings

    clock, rules = network_clock(settings), default_rules(settings)
    accounts = [wallet.address for wallet in wallet_folder(settings).wallets(settings.network)]
    with open_records(settings) as (positions, watchbook):
        yield lambda closed: holdings(positions, watchbook, accounts, rules, clock.now(), closed=closed)


def network_clock(settings: Settings) -> Clock:
    """Return the clock that the network's blocks go by: a served world's own, else this machine's."""
    kept = sim_control(settings).followed_clock() if settings.network == "sim" else None
    return kept or SystemClock()


def positions_beside(place: "OnChain", journal: "SqliteJournal") -> SqlitePositions:
    """Return the positions in the store that a journal is in; it closes both."""
    return SqlitePositions(journal.connection, place.chain.chain_id)


def record_desk(place: "OnChain", positions: Positions, clock: Clock, account: Address) -> "RecordDesk":
    """Return what the listener works with for one account: the contracts in use, and those used before."""
    from bethna_cli.adapters.option_events import OptionLogs, Venues
    from bethna_cli.flow.record import RecordDesk

    reach = positions.reach(account)
    known = {*(Address(one) for one in place.traders), *(reach.venues if reach else ())}
    traders = known - {one.book for one in place.books}
    routers = (Address(place.known["router"]),) if "router" in place.known else ()
    events = OptionLogs(place.chain, Venues(tuple(sorted(traders)), routers, place.books))
    return RecordDesk(place.chain, events, positions, clock, account)


def listener(place: "OnChain", record: "RecordDesk", execution: "ExecutionDesk", key: "ExitKey | None") -> "Listener":
    """Return the listener. What is due at expiry the embedded wallet calls in itself, elsewhere the watcher does."""
    from bethna_cli.adapters.redemption import SignedRedemptions
    from bethna_cli.domain.embedded import is_throwaway
    from bethna_cli.flow.listen import Listener

    redemptions = None
    if place.signer is not None and is_throwaway(record.account):
        redemptions = SignedRedemptions(record.account, place.signer.sign)
    elif key is not None:
        redemptions = SignedRedemptions(key.address, key.sign_redemption)
    return Listener(record, execution, redemptions)


@asynccontextmanager
async def following(place: "OnChain", listening: "Listener", failed: Callable[[str], None]) -> AsyncIterator[None]:
    """Read on in the background, whenever the chain has news, until the block ends; `failed` hears of what did."""
    import asyncio

    from bethna_cli.adapters.chain_news import ChainNews, websocket_url
    from bethna_cli.adapters.option_events import trades_wanted

    calm_s = CALM_EMBEDDED_S if place.network == "sim" else CALM_S
    traders = tuple(Address(one) for one in place.traders)
    news = ChainNews(place.chain, websocket_url(place.url), trades_wanted(traders), calm_s=calm_s)

    def heard(what: "Recorded | BethnaError") -> None:
        if isinstance(what, BethnaError):
            failed(f"listener: {what.message}")

    task = asyncio.ensure_future(listening.follow(news, listening.stop, heard))
    try:
        yield
    finally:
        listening.stop.set()
        await asyncio.gather(task, return_exceptions=True)


async def rebuilt(settings: Settings, advanced: Callable[[int, int], None]) -> "tuple[Reach, int]":
    """Read everything about the wallet in use again, and return how far that reaches and how many positions it gave."""
    from bethna_cli.bootstrap.chain import open_chain
    from bethna_cli.bootstrap.wallet import wallet_in_use
    from bethna_cli.flow.record import rebuild

    account = wallet_in_use(settings).address
    positions = open_positions(settings)
    try:
        async with open_chain(settings) as place:
            await place.chain.check()
            desk = record_desk(place, positions, network_clock(settings), account)
            recorded = await rebuild(desk, advanced)
        return recorded.reach, sum(one.user == account for one in positions.all())
    finally:
        positions.close()


def checked_store(settings: Settings) -> dict[str, object]:
    """Bring the store up to date and check every page of it; a damaged one is set aside, and a new one begun.

    Nothing is deleted: set_aside names where the damaged files are.
    """
    from bethna_cli.adapters.migrations import STEPS
    from bethna_cli.adapters.sql import quarantined

    path = store_path(settings, Origin.LIVE)
    verdict, aside = quarantined(path)
    return {
        "store": str(path),
        "schema": len(STEPS),
        "check": verdict,
        "set_aside": None if aside is None else str(aside),
    }
