"""Record the mood's cassettes from the simulated services: `python tests/ports/sentiment_cassettes.py`.

What is recorded is simulated and says so (`x-bethna-origin`). Each cassette was checked by hand against the services'
published formats after recording. The bearer token is filtered out; the tests replay with `record_mode="none"`.
"""

import asyncio
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import vcr

from bethna_cli.adapters.clocks import FixedClock
from bethna_cli.adapters.http import Edge
from bethna_cli.adapters.sentiment import FearGreedIndex, MoodFeed
from bethna_cli.adapters.sim.market import SimWorld
from bethna_cli.adapters.sim.wire import create_app
from bethna_cli.adapters.x_search import XSearch
from bethna_cli.domain.market import Asset, Origin

FOLDER = Path(__file__).parent.parent / "cassettes" / "sentiment"
RECORDED_AT = datetime(2026, 5, 5, 15, 30, tzinfo=UTC)
BASE_URL = "http://127.0.0.1:18080"
DAYS = 61
NOTE = "# Recorded from the simulated services and checked by hand against the published formats. Not market data.\n"


def feed(edge: Edge) -> MoodFeed:
    """The feed that is recorded and replayed."""
    posts = XSearch(edge, bearer_token="simulated", base_url=f"{BASE_URL}/x")
    return MoodFeed(edge, FearGreedIndex(edge, base_url=f"{BASE_URL}/fng"), posts, origin=Origin.SIMULATED)


def cassette(asset: Asset, record_mode: str) -> AbstractContextManager[object]:
    """Open an asset's cassette, without secrets."""
    recorder = vcr.VCR(filter_headers=["authorization"], record_mode=record_mode, decode_compressed_response=True)
    return recorder.use_cassette(str(FOLDER / f"{asset.value.lower()}.yaml"))


async def record(asset: Asset) -> None:
    clock = FixedClock(RECORDED_AT)
    app = create_app(SimWorld(7, clock.now), require_key=True)
    async with Edge(clock, transport=httpx.ASGITransport(app)) as edge:
        print(await feed(edge).sentiment(asset, DAYS))


def main() -> None:
    for asset in Asset:
        file = FOLDER / f"{asset.value.lower()}.yaml"
        file.unlink(missing_ok=True)
        with cassette(asset, "once"):
            asyncio.run(record(asset))
        file.write_text(NOTE + file.read_text(encoding="utf-8"), encoding="utf-8")


if __name__ == "__main__":
    main()
