"""The other end of a served world: is it up, what time is it there, move its clock, stop it, forget it.

It speaks only to the process that the state folder names, and signals it only after that process has answered for
itself: a process id alone may belong to somebody else by now.
"""

import json
import os
import shutil
import signal
import socket
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from bethna_cli.adapters.sim.clock import FollowedClock, SimClock
from bethna_cli.adapters.sim.server import (
    CLOCK_FILE,
    SERVER_FILE,
    TOKEN_HEADER,
    Running,
    keep_clock,
    kept_clock,
    running,
    write_private,
)
from bethna_cli.domain.errors import ConfigurationError, NotFound, SourceUnavailable, UsageError

WORLD_FILE = "world.json"
PATIENCE_S = 4.0
CONNECT_WITHIN_S = 0.5
STOP_WITHIN_S = 10.0
POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class WorldChoice:
    """Which world a state folder holds. replay: the folder it replays, with the moment (ISO 8601) it stands at.

    venue: whose orders its maker signs, "token" (the token router's) or "book" (the order book's).
    """

    seed: int
    replay: str | None = None
    at: str | None = None
    venue: str = "token"


class SimControl:
    """Everything a person can do to the served world of one state folder."""

    def __init__(self, state_folder: Path) -> None:
        self.state_folder = state_folder

    def running(self) -> Running | None:
        """Return where the world is served, None when it is not."""
        return running(self.state_folder)

    def answering(self) -> Running | None:
        """Return where the world is served if something listens there: a process id may be somebody else's by now."""
        info = self.running()
        if info is None:
            return None
        place = urlsplit(info.url)
        try:
            socket.create_connection((place.hostname, place.port), CONNECT_WITHIN_S).close()
        except OSError:
            return None
        return info

    def choice(self) -> WorldChoice | None:
        """Return which world the folder keeps, None before the first start. Raises ConfigurationError on a bad file."""
        path = self.state_folder / WORLD_FILE
        try:
            return WorldChoice(**json.loads(path.read_text()))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError) as error:
            raise ConfigurationError(f"{path} does not name a world.", hint="bethna sim reset") from error

    def keep(self, choice: WorldChoice, clock: SimClock | None = None) -> None:
        """Remember which world the folder keeps, and its clock where it has one that runs."""
        if clock is not None:
            keep_clock(self.state_folder, clock)
        write_private(self.state_folder / WORLD_FILE, asdict(choice))

    def clock(self) -> SimClock | None:
        """Return the clock that the folder keeps, running on."""
        return kept_clock(self.state_folder)

    def followed_clock(self) -> SimClock | None:
        """Return the clock that the folder keeps, for whoever does not serve it and lives for long."""
        found = self.clock()
        return found and FollowedClock(self.state_folder / CLOCK_FILE, self.clock, found)

    def status(self) -> Mapping[str, object]:
        """Return what the served world says of itself, with its address. Raises NotFound when none is served."""
        info = self._served()
        answer = self._ask(info, "GET", "/sim/status")
        choice = self.choice()
        return {
            "market_url": info.url,
            "time": answer["now"],
            "seed": choice.seed if choice and not choice.replay else None,
            "replay": choice.replay if choice else None,
            "speed": answer["speed"],
            "origin": answer["origin"],
            "assets": answer["assets"],
            "pid": answer["pid"],
            **_chain(info.url, answer.get("chain")),
        }

    def advance(self, by: timedelta) -> Mapping[str, object]:
        """Move the world's clock ahead. Raises NotFound when none is served, UsageError when it cannot be moved."""
        info = self._served()
        self._ask(info, "POST", "/sim/advance", {"seconds": by.total_seconds()})
        return self.status()

    def stop(self) -> Running:
        """Stop the served world and wait until it is gone. Raises NotFound, or SourceUnavailable when it stays."""
        info = self._served()
        self._ask(info, "GET", "/sim/status")
        os.kill(info.pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_WITHIN_S
        while self.running() is not None:
            if time.monotonic() > deadline:
                raise SourceUnavailable("sim", f"process {info.pid} does not stop", hint=f"kill {info.pid}")
            time.sleep(POLL_S)
        (self.state_folder / SERVER_FILE).unlink(missing_ok=True)
        return info

    def forget(self) -> None:
        """Remove the kept world, its clock and its chain. Raises ConfigurationError while it is served."""
        if self.running() is not None:
            raise ConfigurationError("The embedded world is being served.", hint="bethna sim down")
        shutil.rmtree(self.state_folder, ignore_errors=True)

    def _served(self) -> Running:
        info = self.running()
        if info is None:
            raise NotFound("The embedded world is not being served.", hint="bethna sim up --detach")
        return info

    def _ask(
        self, info: Running, method: str, path: str, body: Mapping[str, object] | None = None
    ) -> Mapping[str, object]:
        import httpx

        from bethna_cli.adapters.tls import LateTrust

        try:
            with httpx.Client(timeout=PATIENCE_S, trust_env=False, verify=LateTrust()) as client:
                reply = client.request(method, info.url + path, json=body, headers={TOKEN_HEADER.decode(): info.token})
            if reply.status_code in (400, 409):
                raise UsageError(f"The clock was not moved: {reply.text[:80]}.", hint="bethna sim status")
            answer: Mapping[str, object] = reply.raise_for_status().json()
        except (httpx.HTTPError, ValueError) as error:
            raise SourceUnavailable("sim", f"no answer at {info.url}", hint="bethna sim down") from error
        if path == "/sim/status" and answer.get("pid") != info.pid:
            raise SourceUnavailable("sim", f"another program answers at {info.url}", hint="bethna sim up")
        return answer


def _chain(url: str, description: object) -> Mapping[str, object]:
    """Say how to reach the served world's chain, and what is on it; nothing where there is none."""
    if not isinstance(description, Mapping):
        return {}
    return {"rpc_url": f"{url}/rpc", "ws_url": f"{url.replace('http', 'ws', 1)}/rpc", **description}
