"""The services' own JavaScript clients read the served market as they read the real one.

Set up once: npm ci --ignore-scripts --prefix tests/js
"""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from shapes import (
    DYDX_CANDLE,
    DYDX_FUNDING,
    DYDX_LEVEL,
    DYDX_MARKET,
    DYDX_TRADE,
    INTEGER,
    ISO,
    PYTH_FEED,
    PYTH_UPDATE,
    departures,
)

JS = Path(__file__).resolve().parent.parent / "js"

pytestmark = pytest.mark.node


@pytest.fixture(scope="module")
def answer(served) -> dict:
    """What the official clients made of the served market."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    if not (JS / "node_modules" / "@pythnetwork").is_dir():
        pytest.skip("the official clients are not installed: npm ci --ignore-scripts --prefix tests/js")
    script = str(JS / "official_clients.mjs")
    done = subprocess.run([node, script, served.url], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("part", "shape"),
    [
        ("feeds", [PYTH_FEED]),
        ("latest", PYTH_UPDATE),
        ("past", PYTH_UPDATE),
        ("events", [PYTH_UPDATE]),
        ("markets", {"markets": {"ETH-USD": DYDX_MARKET, "BTC-USD": DYDX_MARKET}}),
        ("funding", {"historicalFunding": [{**DYDX_FUNDING, "ticker": "ETH-USD"}]}),
        ("candles", {"candles": [{**DYDX_CANDLE, "ticker": "BTC-USD"}]}),
        ("orderbook", {"bids": [DYDX_LEVEL], "asks": [DYDX_LEVEL]}),
        ("trades", {"trades": [DYDX_TRADE]}),
        ("height", {"height": INTEGER, "time": ISO}),
    ],
)
def test_an_official_client_gets_every_documented_field(answer, part, shape):
    assert departures(shape, answer[part]) == []
    assert answer[part]


def test_the_hermes_client_accepts_prices_of_both_feeds_and_of_an_hour_ago(answer):
    latest, past = answer["latest"]["parsed"], answer["past"]["parsed"]

    assert len(latest) == 2
    assert 3500 < latest[0]["price"]["publish_time"] - past[0]["price"]["publish_time"] < 3700


def test_the_indexer_client_gets_as_many_rows_as_it_asks_for(answer):
    assert len(answer["funding"]["historicalFunding"]) == 24
    assert len(answer["candles"]["candles"]) == 48
    assert len(answer["trades"]["trades"]) == 10


def test_the_socket_client_is_greeted_subscribed_and_updated(answer):
    kinds = [message["type"] for message in answer["socket"]]

    assert kinds[0] == "connected"
    assert kinds.count("subscribed") == 2
    assert kinds[-1] in ("channel_data", "channel_batch_data")
