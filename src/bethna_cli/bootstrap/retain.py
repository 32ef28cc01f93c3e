"""What of this network's store, fetched history and logs is dropped one day."""

from typing import TYPE_CHECKING

from bethna_cli.bootstrap.places import store_path
from bethna_cli.domain.market import Origin
from bethna_cli.settings import Settings

if TYPE_CHECKING:
    from bethna_cli.adapters.retention import SqliteRetention


def open_retention(settings: Settings) -> "SqliteRetention":
    """Open the store of the network in use for sweeping; the caller closes it."""
    from bethna_cli.adapters.retention import SqliteRetention
    from bethna_cli.bootstrap.places import history_folder

    return SqliteRetention.open(
        store_path(settings, Origin.LIVE), history_folder(settings), settings.folders.data / "logs"
    )
