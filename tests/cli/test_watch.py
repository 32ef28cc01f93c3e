"""The recorded script of an exit: a person buys, sets a stop and leaves; the watcher sells, and they hear of it."""

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from cli_process import START
from websockets.asyncio.client import connect

from bethna_cli.adapters.watch_lock import WatchLock
from bethna_cli.domain.embedded import PUBLIC_ACCOUNTS
from mail_servers import Postbox, mail_server

Bethna = Callable[..., "subprocess.CompletedProcess[str]"]
PATIENCE_S = 90.0
pytestmark = pytest.mark.timeout(400)


class Listener(threading.Thread):
    """A program that follows the alerts' stream, and keeps what it hears."""

    def __init__(self, place: Path) -> None:
        super().__init__(daemon=True)
        self._place = place
        self.heard: list[dict[str, Any]] = []
        self.is_connected = threading.Event()
        self.has_heard_sale = threading.Event()

    def run(self) -> None:
        asyncio.run(self._listen())

    async def _listen(self) -> None:
        found = json.loads(self._place.read_text())
        async with connect(found["url"], additional_headers={"Authorization": f"Bearer {found['token']}"}) as stream:
            self.is_connected.set()
            async for message in stream:
                self.heard.append(json.loads(message))
                if str(self.heard[-1].get("kind", "")).startswith("sold-"):
                    self.has_heard_sale.set()
                    return


@pytest.fixture
def spoken(bethna: Bethna) -> Callable[..., Any]:
    """Run a command that must succeed, and return its JSON."""

    def run(*words: str, **variables: str) -> Any:
        done = bethna(*words, "--json", **variables)
        assert done.returncode == 0, (words, done.stdout[-500:], done.stderr[-500:])
        return json.loads(done.stdout)

    return run


@pytest.fixture
def world(bethna: Bethna, spoken: Callable[..., Any]) -> Iterator[None]:
    """Serve the embedded world for as long as the test runs."""
    spoken("sim", "up", "--detach")
    yield
    bethna("sim", "down")


def test_the_watcher_sells_by_itself_and_tells_the_person_everywhere(
    bethna: Bethna, spoken: Callable[..., Any], world: None, home: Path, environment: dict[str, str]
):
    postbox = Postbox()
    with mail_server(postbox) as port:
        mail = {
            "BETHNA_SMTP_HOST": "127.0.0.1", "BETHNA_SMTP_PORT": str(port), "BETHNA_SMTP_SECURITY": "none",
            "BETHNA_MAIL_TO": "trader@example.org",
        }  # fmt: skip
        recommendation = spoken("recommend", "ETH", "--bullish", "--budget", "50")
        bought = spoken("approve", recommendation["id"], "--yes", "--stop-loss", "50%")
        spoken("watch", "fund", "0.002", "--yes")
        (held,) = spoken("positions")
        rules = spoken("exits", held["id"][:10], "--stop-loss", "1%")
        assert rules["rules"]["stop_loss"] == 0.01
        # From here on an hour takes six minutes.
        bethna("sim", "down")
        spoken("sim", "up", "--detach", "--speed", "10")
        unwatched = bethna("positions")
        assert "Nobody watches an open position" in unwatched.stderr

        watcher = subprocess.Popen(
            [*START, "watch", "--json"], env={**environment, **mail}, stdout=subprocess.PIPE, text=True
        )
        try:
            assert watcher.stdout is not None
            json.loads(watcher.stdout.readline())
            listener = Listener(home / "data/push/sim.json")
            listener.start()
            assert listener.has_heard_sale.wait(PATIENCE_S)
            assert "Nobody watches" not in bethna("trades").stderr
        finally:
            watcher.send_signal(signal.SIGTERM)
            assert watcher.wait(60) == 0

    (sale,) = [one for one in spoken("trades") if one["side"] == "SELL"]
    assert sale["state"] in ("MINED", "SAFE", "FINAL")
    assert sale["amount_in"] == pytest.approx(bought["contracts_held"][0])
    (closed,) = spoken("history")
    assert closed["proceeds_usdc"] == sale["amount_out"] > 0
    assert spoken("positions") == []
    kinds = [one["kind"] for one in spoken("alerts")]
    assert kinds.count("sold-stop-loss") == 1
    assert [one["kind"] for one in listener.heard if one.get("kind") == "sold-stop-loss"] == ["sold-stop-loss"]
    assert sum("sold by stop-loss" in subject for subject in postbox.subjects) == 1
    told = spoken("why", held["id"][:10])
    assert [one["verdict"] for one in told["decisions"]][-2:] == ["SELL", "SOLD"]
    with closing(sqlite3.connect(home / "data/sim.db")) as db:
        assert db.execute("select count(*) from exit_decisions where verdict = 'SOLD'").fetchone() == (1,)
        assert db.execute("pragma integrity_check").fetchone() == ("ok",)


def test_status_says_whether_anybody_watches(bethna: Bethna, home: Path):
    nobody = bethna("watch", "status", "--json")
    assert (nobody.returncode, json.loads(nobody.stdout)["state"]) == (6, "none")

    assert bethna("watch", "stop").returncode == 6
    assert "watch [OPTIONS]" in bethna("watch", "-h").stdout
    assert "ExecStart=" in bethna("watch", "unit").stdout
    assert "<key>Label</key>" in bethna("watch", "unit", "--launchd").stdout


def test_the_lock_is_the_kernels_and_dies_with_its_process(tmp_path: Path):
    lock = WatchLock(tmp_path, "sim", PUBLIC_ACCOUNTS["throwaway_wallet"])
    assert lock.holder() is None
    ready, done = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        with lock.held():
            os.write(ready[1], b"x")
            os.read(done[0], 1)
            os._exit(0)
    os.read(ready[0], 1)

    assert lock.holder() == child
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert lock.holder() is None
    assert lock.path.read_text() == f"{child}\n"  # what a crash leaves is harmless
    with lock.held():
        assert lock.path.read_text() == f"{os.getpid()}\n"
