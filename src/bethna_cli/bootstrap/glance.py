"""What can be told at a glance from the network's store, cheaply enough to be asked every second."""

from dataclasses import dataclass
from datetime import datetime

from bethna_cli.adapters.alerts import SqliteAlerts
from bethna_cli.adapters.clocks import SystemClock
from bethna_cli.adapters.sql import SqliteLedger
from bethna_cli.bootstrap.places import store_path
from bethna_cli.domain.alert import KeptAlert
from bethna_cli.domain.errors import BethnaError
from bethna_cli.domain.market import Origin
from bethna_cli.settings import Settings

MOST_AT_ONCE = 20


@dataclass(frozen=True, slots=True)
class Glance:
    """The state of things. wallet: None without one in use; feeds_age_s: None before anything was looked at."""

    network: str
    wallet: str | None
    feeds_age_s: float | None


class Glancer:
    """Looks, and remembers which alerts were told; those from before the conversation are not news."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        path = store_path(settings, Origin.LIVE)
        self._clock = SystemClock()
        self._alerts = SqliteAlerts.open(path)
        self._ledger = SqliteLedger.open(path)
        latest = self._alerts.latest(1)
        self._told = latest[0].sequence if latest else 0

    def look(self) -> Glance:
        """Read the state now. A part that cannot be read is left out."""
        return Glance(self._settings.network, self._wallet(), self._age(self._ledger.newest_snapshot()))

    def news(self) -> list[KeptAlert]:
        """Return the alerts that were kept since the last call."""
        fresh = self._alerts.after(self._told, MOST_AT_ONCE)
        if fresh:
            self._told = fresh[-1].sequence
        return fresh

    def _age(self, at: datetime | None) -> float | None:
        return None if at is None else max(0.0, (self._clock.now() - at).total_seconds())

    def _wallet(self) -> str | None:
        from bethna_cli.bootstrap.wallet import wallet_in_use

        try:
            return wallet_in_use(self._settings).name
        except BethnaError:
            return None
