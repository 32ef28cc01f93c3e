"""The markets that every port's contract is held against, and the recorder of the cassettes.

`python tests/ports/market_worlds.py` records: it serves the simulated services on this machine and asks what the
contracts ask. What is recorded is simulated and says so; the key is left out; tests replay with `record_mode="none"`.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import httpx
import uvicorn
import vcr

from bethna_cli.adapters.clocks import FixedClock
from bethna_cli.adapters.dydx import DydxClient
from bethna_cli.adapters.http import Edge, Limits
from bethna_cli.adapters.pyth import PythClient
from bethna_cli.adapters.reconnect import Patience
from bethna_cli.adapters.sim.market import SimWorld
from bethna_cli.adapters.sim.replay import ReplayWorld
from bethna_cli.adapters.sim.wire import create_app
from bethna_cli.adapters.thetanuts import ThetanutsClient, ThetanutsUrls
from bethna_cli.domain.market import Asset, Origin
from bethna_cli.ports import Clock, FundingFeed, HistoryFeed, OptionsVenue, SpotFeed

T = TypeVar("T")

FOLDER = Path(__file__).parent.parent / "cassettes" / "market"
AT = datetime(2026, 5, 5, 15, 30, 5, tzinfo=UTC)
SEED = 7
PAST = datetime(2026, 5, 1, tzinfo=UTC)
HOLDER = "0x3333333333333333333333333333333333333333"
KEY = "sk-canary-5f2d"
BASE_URL = "http://127.0.0.1:18081"
HOURS, DAYS = 48, 3
NOTE = "# Recorded from the simulated services and checked by hand against the published formats. Not market data.\n"


@dataclass(frozen=True)
class Clients:
    """The three market clients on one edge."""

    pyth: PythClient
    dydx: DydxClient
    thetanuts: ThetanutsClient


SPOTS: dict[str, Callable[[Clients], SpotFeed]] = {
    "pyth": lambda clients: clients.pyth,
    "dydx oracle": lambda clients: clients.dydx.oracle,
    "thetanuts": lambda clients: clients.thetanuts,
}
HISTORIES: dict[str, Callable[[Clients], HistoryFeed]] = {
    "pyth": lambda clients: clients.pyth,
    "dydx": lambda clients: clients.dydx,
}
FUNDINGS: dict[str, Callable[[Clients], FundingFeed]] = {"dydx": lambda clients: clients.dydx}
VENUES: dict[str, Callable[[Clients], OptionsVenue]] = {"thetanuts": lambda clients: clients.thetanuts}


def clients(edge: Edge, origin: Origin, base_url: str = BASE_URL) -> Clients:
    """The clients of services that live below one base URL."""
    patience = Patience(first_s=0.0, failures=3)
    hermes = f"{base_url}/hermes"
    return Clients(
        PythClient(edge, api_key=KEY, base_url=hermes, history_url=hermes, origin=origin, patience=patience),
        DydxClient(edge, base_url=f"{base_url}/dydx", origin=origin, patience=patience),
        ThetanutsClient(edge, urls=ThetanutsUrls.below(f"{base_url}/thetanuts"), origin=origin),
    )


@dataclass(frozen=True, eq=False)
class Market:
    """A market to ask: `transport` is how it is reached (None: sockets), `recording` what stands in for the sockets."""

    clock: Clock
    origin: Origin
    asset: Asset
    transport: httpx.AsyncBaseTransport | None = None
    recording: Callable[[], AbstractContextManager[object]] = nullcontext

    @property
    def now(self) -> datetime:
        return self.clock.now()

    def ask(self, question: Callable[[Clients], Awaitable[T]]) -> T:
        async def asked() -> T:
            async with Edge(self.clock, transport=self.transport) as edge:
                return await question(clients(edge, self.origin))

        with self.recording():
            return asyncio.run(asyncio.wait_for(asked(), 20))


def simulated(asset: Asset) -> Market:
    clock = FixedClock(AT)
    app = create_app(SimWorld(SEED, clock.now), require_key=True)
    return Market(clock, Origin.SIMULATED, asset, httpx.ASGITransport(app))


def recorded(asset: Asset) -> Market:
    return Market(FixedClock(AT), Origin.SIMULATED, asset, recording=lambda: cassette(asset, "none"))


def replayed(asset: Asset, folder: Path) -> Market:
    world = ReplayWorld.open(folder, asset, datetime(2026, 5, 5, 15, 30, tzinfo=UTC))
    return Market(world.clock, Origin.REPLAY, asset, httpx.ASGITransport(create_app(world)))


def broken(answer: httpx.Response) -> Market:
    return Market(FixedClock(AT), Origin.LIVE, Asset.ETH, httpx.MockTransport(lambda _: answer))


def cassette(asset: Asset, record_mode: str) -> AbstractContextManager[object]:
    """An asset's cassette, without secrets."""
    recorder = vcr.VCR(filter_headers=["authorization"], record_mode=record_mode, decode_compressed_response=True)
    return recorder.use_cassette(str(FOLDER / f"{asset.value.lower()}.yaml"), allow_playback_repeats=True)


@asynccontextmanager
async def served(clock: Clock, port: int = 0) -> AsyncIterator[str]:
    """The simulated services over HTTP and WebSocket; their base URL."""
    app: Any = create_app(SimWorld(SEED, clock.now), require_key=True)
    with socket.create_server(("127.0.0.1", port)) as listening:
        server = uvicorn.Server(uvicorn.Config(app, interface="asgi3", lifespan="off", log_config=None))
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        await serving


async def ask_all(asset: Asset, edge: Edge) -> None:
    """Ask what the contracts ask."""
    every = clients(edge, Origin.SIMULATED)
    for spot in SPOTS.values():
        print(await spot(every).spot(asset))
    for history in HISTORIES.values():
        print(len((await history(every).history(asset, HOURS)).candles), "candles")
    for funding in FUNDINGS.values():
        print(len((await funding(every).funding(asset, DAYS)).history), "settled rates")
    for venue in VENUES.values():
        print(len((await venue(every).board(asset)).quotes), "quotes")
    print(await every.pyth.spot_at(asset, PAST))
    print(len(await every.thetanuts.reference_prices(asset)), "reference prices")
    print(await every.thetanuts.positions(HOLDER), await every.thetanuts.health())


async def record(asset: Asset) -> None:
    clock = FixedClock(AT)
    async with served(clock, port=18081), Edge(clock, limits=Limits(budget_s=30)) as edge:
        with cassette(asset, "once"):
            await ask_all(asset, edge)


def main() -> None:
    for asset in Asset:
        file = FOLDER / f"{asset.value.lower()}.yaml"
        file.unlink(missing_ok=True)
        asyncio.run(record(asset))
        file.write_text(NOTE + file.read_text(encoding="utf-8"), encoding="utf-8")


if __name__ == "__main__":
    main()
