"""What was bought: the store of positions, and the listener that fills it from the chain."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bethna_cli.adapters.clocks import SystemClock
from bethna_cli.adapters.positions import SqlitePositions
from bethna_cli.bootstrap.market import store_path
from bethna_cli.bootstrap.sim import sim_control
from bethna_cli.domain.chain import CHAIN_IDS, Address
from bethna_cli.domain.market import Origin
from bethna_cli.ports import Clock
from bethna_cli.settings import Settings

if TYPE_CHECKING:
    from bethna_cli.adapters.journal import SqliteJournal
    from bethna_cli.bootstrap.chain import OnChain
    from bethna_cli.flow.holdings import Holdings
    from bethna_cli.flow.record import RecordDesk


def open_positions(settings: Settings) -> SqlitePositions:
    """Open the positions of the network in use; the caller closes them."""
    return SqlitePositions.open(store_path(settings, Origin.LIVE), CHAIN_IDS[settings.network])


@contextmanager
def holdings_reader(settings: Settings) -> Iterator["Callable[[bool], Holdings]"]:
    """Open what tells of everything held now, and with an argument that is true what was held before."""
    from bethna_cli.adapters.watchbook import SqliteWatchbook
    from bethna_cli.bootstrap.wallet import wallet_folder
    from bethna_cli.domain.guarding import ExitRules
    from bethna_cli.flow.holdings import holdings

    path, clock = store_path(settings, Origin.LIVE), network_clock(settings)
    accounts = [wallet.address for wallet in wallet_folder(settings).wallets(settings.network)]
    positions, watchbook = open_positions(settings), SqliteWatchbook.open(path)
    try:
        yield lambda closed: holdings(positions, watchbook, accounts, ExitRules(), clock.now(), closed=closed)
    finally:
        positions.close()
        watchbook.close()


def network_clock(settings: Settings) -> Clock:
    """Return the clock that the network's blocks go by: a served world's own, else this machine's."""
    kept = sim_control(settings).clock() if settings.network == "sim" else None
    return kept or SystemClock()


def positions_beside(place: "OnChain", journal: "SqliteJournal") -> SqlitePositions:
    """Return the positions in the store that a journal is in; it closes both."""
    return SqlitePositions(journal.connection, place.chain.chain_id)


def record_desk(place: "OnChain", positions: SqlitePositions, clock: Clock, account: Address) -> "RecordDesk":
    """Return what the listener works with for one account: the contract in use, and those used before."""
    from bethna_cli.adapters.option_events import OptionLogs, Venues
    from bethna_cli.flow.record import RecordDesk

    reach = positions.reach(account)
    traders = {Address(one) for one in place.traders} | set(reach.venues if reach else ())
    routers = (Address(place.known["router"]),) if "router" in place.known else ()
    events = OptionLogs(place.chain, Venues(tuple(sorted(traders)), routers))
    return RecordDesk(place.chain, events, positions, clock, account)
