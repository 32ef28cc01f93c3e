"""Serves the simulated market in a process of its own, for tests that speak to it over sockets. Not a test."""

import sys
from datetime import datetime
from pathlib import Path

from bethna_cli.adapters.sim.clock import SimClock
from bethna_cli.adapters.sim.market import SimWorld
from bethna_cli.adapters.sim.server import ServedChain, serve


async def echo(scope, receive, send):
    """Stand in for the chain: says which path it was asked at."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": scope["path"].encode()})


if __name__ == "__main__":
    clock = SimClock(datetime.fromisoformat(sys.argv[2]))
    chain = ServedChain(echo, {})
    serve(SimWorld(7, clock.now), state_folder=Path(sys.argv[1]), clock=clock, chain=chain)
