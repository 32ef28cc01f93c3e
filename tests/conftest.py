"""Fixtures shared by all rooms."""

import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings

# No timed assertions: an example that happens to pay for an import would fail at random.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

# A shell that starts the suite in the background has it ignore Ctrl-C, and so would the processes it is tested on.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def market_data_dir() -> Path:
    """The folder of recorded market history; tests that need it skip where it is absent."""
    folder = Path(os.environ.get("BETHNA_DATA", ROOT / "../shared/data"))
    if not (folder / "eth_usd_1h.csv.gz").is_file():
        pytest.skip(f"no recorded market data in {folder}: set BETHNA_DATA")
    return folder
