"""Worlds to look at, how to ask them, and how to compare an answer with a documented shape."""

import asyncio
import csv
import gzip
import io
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from bethna_cli.adapters.sim import market
from bethna_cli.adapters.sim.market import SimWorld
from bethna_cli.adapters.sim.server import Running, running
from bethna_cli.adapters.sim.wire import create_app
from bethna_cli.adapters.sim.world import World

NOW = datetime(2026, 11, 23, 10, 31, 27, tzinfo=UTC)
HOUR = 3600
ETH_FEED = "ff61491a931112ddf1bd8147cd1b641375f79f5825126d665480874634fd0ace"
BTC_FEED = "e62df6c8b4a85fe1a67db44dc12de5db330f7ac66b72dc658afedf0f4a415b43"


def world_at(now: datetime = NOW, seed: int = 7) -> SimWorld:
    """Return a world that has worked out nothing yet."""
    market._nature.cache_clear()
    return SimWorld(seed, lambda: now)


def ask(
    world: World,
    path: str,
    params: Sequence[tuple[str, str]] = (),
    headers: Mapping[str, str] | None = None,
    **options: Any,
) -> httpx.Response:
    """Ask one question in this process."""
    return ask_app(create_app(world, **options), path, params, headers)


def ask_app(
    app: Any, path: str, params: Sequence[tuple[str, str]] = (), headers: Mapping[str, str] | None = None
) -> httpx.Response:
    async def go() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://sim") as client:
            return await client.get(path, params=list(params) or None, headers=headers)

    return asyncio.run(go())


CHAIN_COLUMNS = [
    "snapshot_ts",
    "instrument",
    "type",
    "strike",
    "expiry",
    "underlying_index",
    "underlying_price",
    "index_price",
    "bid",
    "ask",
    "mark",
    "mark_iv",
    "delta",
    "vega",
    "open_interest",
    "volume_24h",
]


class Recorded:
    """A small folder of recorded history in the layout of the real one, for one asset, made in a temporary folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.period = folder / "replay_2026"
        self.period.mkdir()
        start = datetime(2026, 3, 1, tzinfo=UTC)
        hours = [start + timedelta(hours=n) for n in range(24 * 20)]
        self.write(
            "replay_2026/eth_usd_1h.csv.gz",
            ["ts", "open", "high", "low", "close", "volume", "source"],
            [[stamp(at), 2000 + n, 2003 + n, 1999 + n, 2001 + n, 5, "binance_spot"] for n, at in enumerate(hours)],
        )
        self.write(
            "replay_2026/eth_funding.csv.gz",
            ["ts", "venue", "interval_h", "rate"],
            [[stamp(at), "binance", 8, n / 1_000_000] for n, at in enumerate(hours[::8])],
        )
        self.write(
            "replay_2026/fear_greed_daily.csv.gz",
            ["date", "value"],
            [[at.strftime("%Y-%m-%d"), 30 + n] for n, at in enumerate(hours[::24])],
        )
        self.write_chains("deribit_options_eth.csv.gz", ["2026-03-10T15:30:00Z", "2026-03-12T15:30:00Z"])

    def write_chains(self, name: str, stamps: Iterable[str]) -> None:
        """Write a chain of two strikes, calls and puts, for each stamp; spot is 2400."""
        rows: list[list[object]] = []
        for at in stamps:
            for kind, strike, bid, ask, delta in (
                ("C", 2400, 0.020, 0.021, 0.52),
                ("C", 2500, 0.008, 0.010, 0.25),
                ("P", 2400, 0.019, 0.022, -0.48),
                ("P", 2300, "", 0.009, -0.22),
            ):
                name_of = f"ETH-20MAR26-{strike}-{kind}"
                prices = [2410, 2400.5, bid, ask, 0.02, 0.6]
                rows.append([at, name_of, kind, strike, "2026-03-20T08:00:00Z", "SYN", *prices, delta, 1.5, 3, 1])
        self.write(name, CHAIN_COLUMNS, rows)

    def write(self, name: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([columns, *rows])
        (self.folder / name).write_bytes(gzip.compress(text.getvalue().encode()))


def stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def wait_until_listening(state_folder: Path, process: "subprocess.Popen[bytes]") -> Running:
    """Wait for a process that runs `served.py` to answer."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        info = running(state_folder)
        if info is not None:
            try:
                httpx.get(f"{info.url}/sim/status").raise_for_status()
            except httpx.HTTPError:
                pass
            else:
                return info
        time.sleep(0.05)
    raise RuntimeError("the served market did not start")
