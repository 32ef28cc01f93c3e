"""What can be told at a glance from the network's store, cheaply enough to be asked every second."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from bethna_cli.adapters.alerts import SqliteAlerts
from bethna_cli.adapters.clocks import SystemClock
from bethna_cli.adapters.sql import SqliteLedger
from bethna_cli.bootstrap.places import store_path
from bethna_cli.bootstrap.unwatched import is_watched, open_counts
from bethna_cli.domain.alert import KeptAlert
from bethna_cli.domain.errors import BethnaError
from bethna_cli.domain.market import Origin
from bethna_cli.domain.units import usdc_to_decimal
from bethna_cli.settings import Settings

if TYPE_CHECKING:
    from bethna_cli.domain.wallet import Wallet

MOST_AT_ONCE = 20


@dataclass(frozen=True, slots=True)
class Glance:
    """The state of things.

    wallet: None without one in use; market_age_s: None before anything was looked at; gain: USDC on the open positions
    by the watcher's newest marks, which are gain_age_s old, None while one is not known; open: how many there are.
    """

    network: str
    wallet: str | None
    market_age_s: float | None
    open: int
    gain: Decimal | None
    gain_age_s: float | None
    watched: bool


class Glancer:
    """Looks, and remembers which alerts were told; those from before the conversation are not news."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        path = self._path = store_path(settings, Origin.LIVE)
        self._clock = SystemClock()
        self._alerts = SqliteAlerts.open(path)
        self._ledger = SqliteLedger.open(path)
        latest = self._alerts.latest(1)
        self._told = latest[0].sequence if latest else 0

    def look(self) -> Glance:
        """Read the state now. A part that cannot be read is left out."""
        wallet = self._wallet()
        place, network = self._settings.folders.data, self._settings.network
        count = sum(number for _, number in open_counts(self._path))
        gain, age_s = self._gain() if count else (None, None)
        watched = wallet is not None and is_watched(place, network, wallet.address)
        name = None if wallet is None else wallet.name
        return Glance(network, name, self._age(self._ledger.newest_snapshot()), count, gain, age_s, watched)

    def news(self) -> list[KeptAlert]:
        """Return the alerts that were kept since the last call."""
        fresh = self._alerts.after(self._told, MOST_AT_ONCE)
        if fresh:
            self._told = fresh[-1].sequence
        return fresh

    def _age(self, at: datetime | None) -> float | None:
        return None if at is None else max(0.0, (self._clock.now() - at).total_seconds())

    def _wallet(self) -> "Wallet | None":
        from bethna_cli.bootstrap.wallet import wallet_in_use

        try:
            return wallet_in_use(self._settings)
        except BethnaError:
            return None

    def _gain(self) -> tuple[Decimal | None, float | None]:
        """Add up what the open positions have gained, and say how old the oldest of their marks is."""
        from bethna_cli.bootstrap.record import holdings_reader

        with holdings_reader(self._settings) as read:
            held = read(False)
        gains = [one.gain for one in held.items]
        known = [gain for gain in gains if gain is not None]
        marks = [one.mark.at for one in held.items if one.mark is not None]
        if not marks or len(known) < len(gains):
            return None, None
        return usdc_to_decimal(sum(known)), max(0.0, (held.now - min(marks)).total_seconds())
