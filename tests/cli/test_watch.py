"""The recorded script of an exit: a person buys, sets a stop and leaves; the watcher sells, and they hear of it."""

import asyncio
import json
import os
import plistlib
import shlex
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cli_process import START
from websockets.asyncio.client import connect

from bethna_cli.adapters.watch_lock import WatchLock
from bethna_cli.adapters.watchbook import SqliteWatchbook
from bethna_cli.cli.watch_unit import service
from bethna_cli.domain.chain import Address
from bethna_cli.domain.embedded import PUBLIC_ACCOUNTS
from bethna_cli.domain.errors import ConfigurationError
from mail_servers import Postbox, mail_server

Bethna = Callable[..., "subprocess.CompletedProcess[str]"]
PATIENCE_S = 180.0
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
def spoken(bethna_here: Bethna) -> Callable[..., Any]:
    """Run a command that must succeed in this process, and return its JSON."""

    def run(*words: str) -> Any:
        done = bethna_here(*words, "--json")
        assert done.returncode == 0, (words, done.stdout[-500:], done.stderr[-500:])
        return json.loads(done.stdout)

    return run


@pytest.fixture
def world(bethna_here: Bethna) -> Iterator[None]:
    """Serve the embedded world for as long as the test runs."""
    assert bethna_here("sim", "up", "--detach").returncode == 0
    yield
    bethna_here("sim", "down")


@contextmanager
def late_watcher(home: Path) -> Iterator[None]:
    """Have a watcher that is there, and whose last look was ten minutes ago."""
    account, store = Address(PUBLIC_ACCOUNTS["throwaway_wallet"]), home / "data/sim.db"
    with WatchLock(home / "data", "sim", account).held(), closing(SqliteWatchbook.open(store)) as book:
        token = book.start(account, os.getpid(), 60.0)
        with closing(sqlite3.connect(store)) as db, db:
            at = (datetime.now(UTC) - timedelta(minutes=10)).isoformat()
            db.execute("update watchers set beat_at = ? where token = ?", (at, token))
        yield
        book.stop(token)


def test_the_watcher_sells_by_itself_and_tells_the_person_everywhere(
    bethna_here: Bethna,
    spoken: Callable[..., Any],
    world: None,
    home: Path,
    environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
):
    postbox = Postbox()
    with mail_server(postbox) as port:
        mail = {
            "BETHNA_SMTP_HOST": "127.0.0.1", "BETHNA_SMTP_PORT": str(port), "BETHNA_SMTP_SECURITY": "none",
            "BETHNA_MAIL_TO": "trader@example.org",
        }  # fmt: skip
        for name, value in mail.items():
            monkeypatch.setenv(name, value)
        recommendation = spoken("recommend", "ETH", "--bullish", "--budget", "50")
        bought = spoken("approve", recommendation["id"], "--yes", "--stop-loss", "50%")
        spoken("watch", "fund", "0.002", "--yes")
        (held,) = spoken("positions")
        # Wherever the market has gone meanwhile, one of the two is broken soon.
        limits = ("--stop-loss", "1%", "--take-profit", "1%", "--sign", "--yes")
        signed = spoken("exits", held["id"][:10], *limits)
        assert (signed["rules"]["stop_loss"], signed["rules"]["take_profit"]) == (0.01, 0.01)
        assert [one["purpose"] for one in signed["signed"]["exits"]] == ["stop-loss", "take-profit"]
        assert (signed["signed"]["called_off"], signed["protection"]) == (2, None)  # no look has found them yet
        # From here on an hour takes twelve minutes.
        assert bethna_here("sim", "down").returncode == 0
        assert bethna_here("sim", "up", "--detach", "--speed", "5").returncode == 0
        before_usdc = spoken("wallet", "balance")["tokens"][0]["amount"]
        assert "Nobody watches an open position" in bethna_here("positions").stderr
        for _ in range(2):  # a timer asks again and again; the person hears once
            absent = bethna_here("watch", "status", "--tell", "--json")
            assert (absent.returncode, json.loads(absent.stdout)["told"]) == (6, True)
        assert [subject for subject in postbox.subjects if "watched by nobody" in subject] == [
            "[bethna sim] CRITICAL: An open position is watched by nobody"
        ]
        with late_watcher(home):
            for _ in range(2):
                late = bethna_here("watch", "status", "--tell", "--json")
                assert (late.returncode, json.loads(late.stdout)["state"], json.loads(late.stdout)["told"]) == (
                    5,
                    "late",
                    True,
                )
        assert sum("watched by nobody" in subject for subject in postbox.subjects) == 2  # one for each cause
        (said,) = [one["text"] for one in spoken("alerts") if "has not looked since" in one["text"]]
        assert "no stop, no goal and no alert works. Try: bethna watch stop, then bethna watch --detach" in said

        watcher = subprocess.Popen(
            [*START, "watch", "--json"], env={**environment, **mail}, stdout=subprocess.PIPE, text=True
        )
        try:
            assert watcher.stdout is not None
            json.loads(watcher.stdout.readline())
            listener = Listener(home / "data/push/sim.json")
            listener.start()
            assert listener.has_heard_sale.wait(PATIENCE_S)
            assert "Nobody watches" not in bethna_here("trades").stderr
        finally:
            watcher.send_signal(signal.SIGTERM)
            assert watcher.wait(60) == 0

    (sale,) = [one for one in spoken("trades") if one["side"] == "SELL"]
    assert sale["state"] in ("MINED", "SAFE", "FINAL")
    assert sale["amount_in"] == pytest.approx(bought["contracts_held"][0])
    (closed,) = spoken("history")
    assert closed["proceeds_usdc"] == sale["amount_out"] > 0
    assert spoken("wallet", "balance")["tokens"][0]["amount"] - before_usdc == pytest.approx(sale["amount_out"])
    assert spoken("positions") == []
    kinds = [one["kind"] for one in spoken("alerts")]
    (sold,) = (kind for kind in kinds if kind in ("sold-stop-loss", "sold-take-profit"))
    assert [one["kind"] for one in listener.heard if one.get("kind") == sold] == [sold]
    assert sum(f"sold by {sold.removeprefix('sold-')}" in subject for subject in postbox.subjects) == 1
    assert 0 <= spoken("risk")["trail"][-1]["health"] <= 100
    told = spoken("why", held["id"][:10])
    verdicts = [one["verdict"] for one in told["decisions"]]
    assert (verdicts.count("SELL"), verdicts[-1]) == (1, "SOLD")
    with closing(sqlite3.connect(home / "data/sim.db")) as db:
        assert db.execute("select count(*) from exit_decisions where verdict = 'SOLD'").fetchone() == (1,)
        assert db.execute("pragma integrity_check").fetchone() == ("ok",)


def test_status_says_whether_anybody_watches(bethna_here: Bethna):
    nobody = bethna_here("watch", "status", "--tell", "--json")
    said = json.loads(nobody.stdout)
    assert (nobody.returncode, said["state"], said["told"]) == (6, "none", False)  # nothing is open: no reason to tell

    assert bethna_here("watch", "stop").returncode == 6
    assert "watch [OPTIONS]" in bethna_here("watch", "-h").stdout


def test_the_service_watches_the_store_that_this_shell_uses_and_carries_no_secret():
    given = {
        "PATH": "/bin",
        "BETHNA_NETWORK": "base",
        "BETHNA_HOME": "here",
        "BETHNA_SMTP_PASSWORD": "correct horse",
        "BETHNA_MAIL_FROM": 'a"b%c\\d<e>&f',
    }
    unit, plist = (
        service("sim", given, frozenset({"BETHNA_SMTP_PASSWORD"}), launchd=launchd) for launchd in (False, True)
    )

    carried = {"BETHNA_HOME": str(Path("here").absolute()), "BETHNA_MAIL_FROM": given["BETHNA_MAIL_FROM"]}
    read = plistlib.loads(plist.encode())
    assert read["EnvironmentVariables"] == carried
    assert read["ProgramArguments"][0] == sys.executable
    values = [line.partition("=")[2] for line in unit.splitlines() if line.startswith("Environment=")]
    assert [shlex.split(value)[0].replace("%%", "%") for value in values] == [f"{k}={v}" for k, v in carried.items()]
    assert "correct horse" not in unit + plist


def test_a_folder_in_which_locks_mean_nothing_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("bethna_cli.adapters.watch_lock.fcntl.flock", lambda *_: None)  # as some network file systems
    with (
        pytest.raises(ConfigurationError, match="File locks do not work"),
        WatchLock(tmp_path, "sim", PUBLIC_ACCOUNTS["throwaway_wallet"]).held(),
    ):
        pytest.fail("two watchers could run at once")


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
