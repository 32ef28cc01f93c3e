"""Alerts over WebSocket: for programs of this person alone, from any place on, and slow readers slow nobody."""

import asyncio
import json
import resource
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from bethna_cli.adapters import push
from bethna_cli.adapters.alerts import SqliteAlerts
from bethna_cli.adapters.push import PushServer
from bethna_cli.domain.alert import Alert, Level

AT = datetime(2026, 3, 4, 12, tzinfo=UTC)
TOKEN = "5ecret"
TEXT = "x" * 900


class Stand:
    """A served stream over a store."""

    def __init__(self, alerts: SqliteAlerts, server: PushServer, url: str) -> None:
        self.alerts, self.server, self.url = alerts, server, url
        self._count = 0

    def alert(self, count: int = 1) -> None:
        for _ in range(count):
            self._count += 1
            self.alerts.add(Alert(f"alert {self._count}", Level.INFO, "test", f"number {self._count}", TEXT), AT)
        self.server.look()

    def client(self, query: str = "", token: str = TOKEN, **headers: str) -> connect:
        sent = {"Authorization": f"Bearer {token}", **headers}
        return connect(self.url + query, additional_headers=sent, proxy=None, open_timeout=None, ping_interval=None)


@asynccontextmanager
async def stand(folder: Path, patience_s: float = 30.0) -> AsyncIterator[Stand]:
    alerts = SqliteAlerts.open(folder / "sim.db")
    server = PushServer(alerts, "sim", TOKEN, patience_s)
    try:
        async with server.listening() as url:
            yield Stand(alerts, server, url)
    finally:
        alerts.close()


async def hear(client: ClientConnection) -> dict[str, Any]:
    async with asyncio.timeout(30):
        return dict(json.loads(await client.recv()))


async def hear_up_to(client: ClientConnection, sequence: int) -> list[dict[str, Any]]:
    heard: list[dict[str, Any]] = []
    while not heard or heard[-1].get("sequence") != sequence or heard[-1]["type"] == "hello":
        heard.append(await hear(client))
    return heard


def test_an_alert_is_pushed_to_whoever_listens(tmp_path: Path):
    async def script() -> None:
        async with stand(tmp_path) as here, here.client() as client:
            assert await hear(client) == {"type": "hello", "network": "sim", "sequence": 0}
            here.alert()
            heard = await hear(client)
            assert (heard["type"], heard["sequence"], heard["title"]) == ("alert", 1, "number 1")

    asyncio.run(script())


def test_a_client_that_was_away_hears_what_it_missed_from_where_it_left(tmp_path: Path):
    async def script() -> None:
        async with stand(tmp_path) as here:
            here.alert(5)
            async with here.client("?after=2") as client:
                heard = await hear_up_to(client, 5)
                assert [one["sequence"] for one in heard] == [5, 3, 4, 5]  # the first is the greeting
            async with here.client() as client:
                await hear(client)
                here.alert()
                assert (await hear(client))["sequence"] == 6

    asyncio.run(script())


def test_what_is_no_longer_remembered_is_a_gap_with_its_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(push, "REMEMBERED", 10)

    async def script() -> None:
        async with stand(tmp_path) as here:
            for _ in range(3):
                here.alert(10)
            async with here.client("?after=4") as client:
                _, gap, *rest = await hear_up_to(client, 30)
                assert gap == {"type": "gap", "first": 5, "last": 20}
                assert [one["sequence"] for one in rest] == list(range(21, 31))

    asyncio.run(script())


def test_a_stream_that_starts_again_remembers_what_the_store_has(tmp_path: Path):
    async def script() -> None:
        async with stand(tmp_path) as here:
            here.alert(3)
        async with stand(tmp_path) as here, here.client("?after=0") as client:
            assert [one["sequence"] for one in await hear_up_to(client, 3)] == [3, 1, 2, 3]

    asyncio.run(script())


@pytest.mark.parametrize(
    ("headers", "query", "status"),
    [
        ({"Authorization": "Bearer wrong"}, "", 401),
        ({"Authorization": ""}, "", 401),
        ({"Authorization": ""}, "?token=5ecre", 401),
        ({"Origin": "https://evil.example"}, "", 403),
        ({"Origin": "http://127.0.0.1:1"}, "", 403),
        ({"Origin": "null"}, "", 403),
        ({}, "?after=-5", 404),
        ({}, "?after=1e3", 404),
        ({}, "?after=" + "9" * 5_000, 404),
    ],
)
def test_nobody_gets_in_without_the_token_or_from_a_web_page(
    tmp_path: Path, headers: dict[str, str], query: str, status: int
):
    async def script() -> None:
        async with stand(tmp_path) as here:
            with pytest.raises(InvalidStatus) as refused:
                async with connect(
                    here.url + query, additional_headers={"Authorization": f"Bearer {TOKEN}", **headers}, proxy=None
                ):
                    pass
            assert refused.value.response.status_code == status

    asyncio.run(script())


def test_a_name_that_resolves_to_this_machine_is_not_this_machine(tmp_path: Path):
    async def script() -> None:
        async with stand(tmp_path) as here:
            reader, writer = await asyncio.open_connection("127.0.0.1", int(here.url.rsplit(":")[-1].split("/")[0]))
            writer.write(
                b"GET /alerts?token=5ecret HTTP/1.1\r\nHost: rebound.example\r\nUpgrade: websocket\r\n"
                b"Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                b"Sec-WebSocket-Version: 13\r\n\r\n"
            )
            assert (await reader.readline()).startswith(b"HTTP/1.1 403")
            writer.close()

    asyncio.run(script())


def test_it_listens_on_this_machine_alone(tmp_path: Path):
    async def script() -> None:
        async with stand(tmp_path) as here:
            port = int(here.url.rsplit(":")[-1].split("/")[0])
            listening = [one.laddr for one in psutil.Process().net_connections("tcp") if one.status == "LISTEN"]
            assert [address.ip for address in listening if address.port == port] == ["127.0.0.1"]

    asyncio.run(script())


def test_a_client_that_talks_is_shown_the_door(tmp_path: Path):
    async def script() -> None:
        async with stand(tmp_path) as here, here.client() as client:
            await client.send("buy everything")
            async with asyncio.timeout(30):
                await client.wait_closed()
            assert client.close_code == 1008

    asyncio.run(script())


async def _deaf(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect and never read a byte beyond the handshake; the kernel's own buffers are as small as they get."""
    host, port = url.removeprefix("ws://").split("/")[0].split(":")
    own = socket.socket()
    own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    own.setblocking(False)
    await asyncio.get_running_loop().sock_connect(own, (host, int(port)))
    reader, writer = await asyncio.open_connection(sock=own, limit=64)
    writer.write(
        f"GET /alerts?token={TOKEN} HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    await reader.readline()
    return reader, writer


def test_a_client_that_never_reads_is_let_go_while_the_others_hear_everything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    written = push._message
    monkeypatch.setattr(push, "_message", lambda *words, **fields: written(*words, **fields, padding="x" * 20_000))

    async def script() -> None:
        async with stand(tmp_path, patience_s=0.3) as here, here.client() as well:
            _, writer = await _deaf(here.url)
            heard = [await hear(well)]
            for _ in range(20):  # in all more than the kernel holds for a reader that does not read
                here.alert(20)
                heard += await hear_up_to(well, here.server.newest)
            assert [one["sequence"] for one in heard[1:]] == list(range(1, 401))
            async with asyncio.timeout(30):
                while here.server.clients > 1:
                    await asyncio.sleep(0.01)
            writer.close()

    asyncio.run(script())


@pytest.mark.parametrize(
    ("count", "remembered"), [(50, 50), pytest.param(1_000, 200, marks=[pytest.mark.slow, pytest.mark.timeout(3600)])]
)
def test_a_thousand_slow_clients_cost_no_more_than_the_newest_alerts_and_find_them_or_a_gap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int, remembered: int
):
    monkeypatch.setattr(push, "REMEMBERED", remembered)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))

    async def listen(here: Stand, everybody_is_there: asyncio.Barrier) -> tuple[int, int]:
        """Hear everything, coming back from the same place when let go; returns how many alerts and how many missed."""
        place, heard, missed, is_first = 0, 0, 0, True
        while place < 3 * remembered:
            with suppress(ConnectionClosed):
                async with here.client(f"?after={place}") as client:
                    if is_first:
                        await everybody_is_there.wait()
                        is_first = False
                    async for message in client:
                        one = json.loads(message)
                        if one["type"] == "gap":
                            place, missed = one["last"], missed + one["last"] - one["first"] + 1
                        elif one["type"] == "alert":
                            assert one["sequence"] == place + 1
                            place, heard = one["sequence"], heard + 1
                        if place == 3 * remembered:
                            break
        return heard, missed

    async def script() -> None:
        async with stand(tmp_path) as here:
            barrier = asyncio.Barrier(count + 1)
            listening = [asyncio.create_task(listen(here, barrier)) for _ in range(count)]
            await barrier.wait()
            for _ in range(3):
                here.alert(remembered)  # nobody reads meanwhile: the loop has not had its turn
            assert here.server.remembered == remembered
            for heard, missed in await asyncio.gather(*listening):
                assert heard >= remembered
                assert heard + missed == 3 * remembered

    asyncio.run(script())


def test_no_more_clients_are_let_in_than_leave_room_for_the_watchers_own_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(push, "MOST_CLIENTS", 2)

    async def script() -> None:
        async with stand(tmp_path) as here, here.client() as one, here.client() as two:
            await hear(one)
            await hear(two)
            with pytest.raises(InvalidStatus) as refused:
                async with here.client():
                    pass
            assert refused.value.response.status_code == 503

    asyncio.run(script())
