"""Where this network's store is; apart from the market, which takes longer to import than a prompt may."""

from pathlib import Path

from bethna_cli.domain.market import Origin
from bethna_cli.settings import Settings
from bethna_cli.settings_files import make_private


def store_path(settings: Settings, origin: Origin) -> Path:
    """Return the file of this network's store; pretend trades never mix with real ones, nor replays with either."""
    name = "replay" if origin is Origin.REPLAY else settings.network
    return make_private(settings.folders.data) / f"{name}.db"


def history_folder(settings: Settings) -> Path:
    """Where fetched history is kept: apart for each network, so that pretended prices never teach a real model."""
    return settings.folders.data / "history" / settings.network
