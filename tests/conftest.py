"""Fixtures shared by all rooms."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

# No timed assertions: an example that happens to pay for an import would fail at random.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def market_data_dir() -> Path:
    """The folder of recorded market history; tests that need it skip where it is absent."""
    folder = Path(os.environ.get("BETHNA_DATA", ROOT / "../shared/data"))
    if not (folder / "eth_usd_1h.csv.gz").is_file():
        pytest.skip(f"no recorded market data in {folder}: set BETHNA_DATA")
    return folder
