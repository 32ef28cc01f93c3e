"""The served market: one clock for several processes, streams, and nobody but this machine."""

import asyncio
import json
import socket
import stat
import subprocess
import sys
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest
from shapes import DYDX_CANDLE, DYDX_MARKET, PYTH_UPDATE, departures
from websockets.asyncio.client import connect
from worlds import ETH_FEED, NOW, wait_until_listening, world_at

from bethna_cli.adapters.sim import server
from bethna_cli.adapters.sim.clock import SimClock
from bethna_cli.adapters.sim.server import keep_clock, kept_clock, listen_again, running, serve
from bethna_cli.domain.errors import ConfigurationError

STREAM = f"/hermes/v2/updates/price/stream?ids[]={ETH_FEED}"


def events(url: str, count: int) -> list[dict]:
    """The first events of the price stream."""
    found: list[dict] = []
    with httpx.stream("GET", url + STREAM, timeout=10) as reply:
        assert reply.headers["content-type"] == "text/event-stream"
        assert reply.headers["x-bethna-origin"] == "simulated"
        for line in reply.iter_lines():
            if line.startswith("data:"):
                found.append(json.loads(line.removeprefix("data:")))
            if len(found) == count:
                return found
    return found


async def conversation(url: str, *asked: object, answers: int) -> list[dict]:
    """What the dYdX socket says: the greeting, then `answers` messages after all questions were put."""
    async with connect(url.replace("http", "ws") + "/dydx/v4/ws") as socket:
        said = [json.loads(await socket.recv())]
        for question in asked:
            await socket.send(question if isinstance(question, str) else json.dumps(question))
        while len(said) <= answers:
            said.append(json.loads(await asyncio.wait_for(socket.recv(), 10)))
        return said


def test_prices_stream_as_events_with_a_new_time_each(served):
    first, second = events(served.url, 2)

    assert departures(PYTH_UPDATE, first) == []
    assert second["parsed"][0]["price"]["publish_time"] > first["parsed"][0]["price"]["publish_time"]


def test_the_stream_refuses_an_unknown_feed(served):
    reply = httpx.get(served.url + STREAM.replace(ETH_FEED, "0" * 64))

    assert (reply.status_code, reply.text) == (404, "Price ids not found: 0x" + "0" * 64)


def test_the_socket_greets_then_gives_a_whole_picture_then_what_changes(served):
    asked = {"type": "subscribe", "channel": "v4_markets"}

    greeting, whole, *changes = asyncio.run(conversation(served.url, asked, answers=4))

    assert (greeting["type"], greeting["message_id"]) == ("connected", 0)
    assert whole["type"] == "subscribed"
    assert "id" not in whole
    assert departures(DYDX_MARKET, whole["contents"]["markets"]["ETH-USD"]) == []
    parts = {key for change in changes for key in change["contents"]}
    assert parts == {"trading", "oraclePrices"}
    assert [message["message_id"] for message in (whole, *changes)] == [1, 2, 3, 4]


def test_a_batched_candle_subscription_gets_lists_of_the_running_candle(served):
    asked = {"type": "subscribe", "channel": "v4_candles", "id": "ETH-USD/1HOUR", "batched": True}

    _, whole, update = asyncio.run(conversation(served.url, asked, answers=2))

    assert departures({"candles": [DYDX_CANDLE]}, whole["contents"]) == []
    assert update["type"] == "channel_batch_data"
    assert update["version"] == "1.0.0"
    assert departures([DYDX_CANDLE], update["contents"]) == []
    assert update["contents"][0]["startedAt"] == whole["contents"]["candles"][0]["startedAt"]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"type": "subscribe", "channel": "v4_candles", "id": "ETH-USD"}, "Invalid subscription id for channel"),
        ({"type": "subscribe", "channel": "v4_candles", "id": "ABC-USD/1MIN"}, "Invalid subscription id for channel"),
        ({"type": "subscribe", "channel": "v4_secrets"}, "Invalid channel: v4_secrets"),
        ({"type": "dance"}, "Invalid message: could not parse"),
        ("no JSON", "Invalid message: could not parse"),
    ],
)
def test_the_socket_answers_nonsense_with_an_error_and_stays_open(served, asked, message):
    height = {"type": "subscribe", "channel": "v4_block_height"}

    _, error, subscribed = asyncio.run(conversation(served.url, asked, height, answers=2))

    assert error["type"] == "error"
    assert error["message"].startswith(message)
    assert subscribed["type"] == "subscribed"


def test_subscribing_twice_is_an_error_and_unsubscribing_is_confirmed(served):
    once = {"type": "subscribe", "channel": "v4_candles", "id": "BTC-USD/1DAY"}

    said = asyncio.run(conversation(served.url, once, once, {**once, "type": "unsubscribe"}, answers=3))

    assert [message["type"] for message in said] == ["connected", "subscribed", "error", "unsubscribed"]
    assert said[2]["message"] == "Invalid subscribe message: already subscribed (v4_candles-BTC-USD/1DAY)"


def test_the_chain_answers_below_rpc(served):
    assert httpx.post(f"{served.url}/rpc", json={}).text == "/rpc"


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "localhost.evil.example", "[::2]", ""])
def test_a_request_under_another_name_is_refused(served, host):
    for path in ("/sim/status", "/rpc", "/dydx/v4/time"):
        assert httpx.get(served.url + path, headers={"Host": host}).status_code in (400, 403)


def test_the_clock_moves_ahead_for_everybody_with_the_token_only(served):
    before = datetime.fromisoformat(httpx.get(f"{served.url}/sim/status").json()["now"])
    six_hours = {"seconds": 6 * 3600}

    refused = httpx.post(f"{served.url}/sim/advance", json=six_hours, headers={"x-bethna-token": "guess"})
    moved = httpx.post(f"{served.url}/sim/advance", json=six_hours, headers={"x-bethna-token": served.token})
    shown = datetime.fromisoformat(httpx.get(f"{served.url}/dydx/v4/time").json()["iso"])

    assert refused.status_code == 403
    assert moved.status_code == 200
    assert timedelta(hours=6) <= shown - before < timedelta(hours=6, minutes=1)


@pytest.mark.parametrize("seconds", [0, -60, 1e12, "soon", None])
def test_the_clock_is_not_moved_by_nonsense(served, seconds):
    headers = {"x-bethna-token": served.token}

    reply = httpx.post(f"{served.url}/sim/advance", json={"seconds": seconds}, headers=headers)

    assert reply.status_code == 400


def test_only_its_owner_can_read_where_it_listens_and_its_token(served, state_folder):
    modes = {stat.S_IMODE(path.stat().st_mode) for path in state_folder.iterdir()}

    assert modes == {0o600}
    assert stat.S_IMODE(state_folder.stat().st_mode) == 0o700
    assert running(state_folder) == served
    assert served.token not in repr(httpx.get(f"{served.url}/sim/status").text)


def test_a_folder_of_a_market_that_died_is_not_running(tmp_path):
    (tmp_path / "server.json").write_text(json.dumps({"url": "http://127.0.0.1:1", "pid": 2**22 + 1, "token": "t"}))

    assert running(tmp_path) is None
    assert running(tmp_path / "nowhere") is None


def test_a_market_that_is_told_to_stop_leaves_its_clock_and_its_port_and_no_other_trace(tmp_path):
    script = Path(__file__).with_name("served.py")
    with subprocess.Popen([sys.executable, str(script), str(tmp_path), NOW.isoformat()]) as process:
        wait_until_listening(tmp_path, process)
        process.terminate()
        status = process.wait(timeout=20)

    assert status == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clock.json", "port.json"]


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.2", "example.com"])
def test_it_does_not_listen_beyond_this_machine(tmp_path, host):
    with pytest.raises(ConfigurationError, match="this machine only"):
        serve(world_at(), state_folder=tmp_path, host=host)


def test_it_is_served_where_it_was_before_so_that_a_watcher_finds_it_and_elsewhere_when_that_is_taken(
    tmp_path, monkeypatch
):
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        taken = other.getsockname()[1]
        (tmp_path / "port.json").write_text(json.dumps({"port": taken}))
        with closing(listen_again("127.0.0.1", tmp_path / "port.json")) as elsewhere:
            assert elsewhere.getsockname()[1] != taken
    listen, asked = server._listen, []
    monkeypatch.setattr(server, "_listen", lambda host, port: asked.append(port) or listen(host, 0))
    listen_again("127.0.0.1", tmp_path / "port.json").close()
    assert asked == [taken]
    for damaged in ("", "[]", '{"port": 99999999}'):
        (tmp_path / "port.json").write_text(damaged)
        listen_again("127.0.0.1", tmp_path / "port.json").close()


def test_a_taken_port_is_said(served, tmp_path):
    with pytest.raises(ConfigurationError, match="is taken"):
        serve(world_at(), state_folder=tmp_path, port=int(served.url.rpartition(":")[2]))


# The clock


class Wall:
    """Real time, as told."""

    def __init__(self) -> None:
        self.at_s = 1_000_000.0

    def __call__(self) -> float:
        return self.at_s


def test_the_clock_runs_at_its_pace_and_never_back():
    wall = Wall()
    clock = SimClock(NOW, 60.0, wall_clock=wall)

    wall.at_s += 10
    after_ten_seconds = clock.now()
    wall.at_s -= 100

    assert after_ten_seconds == NOW + timedelta(minutes=10)
    assert clock.now() >= NOW


def test_a_stopped_clock_goes_on_as_if_it_had_run_all_the_while(tmp_path):
    wall = Wall()
    clock = SimClock(NOW, 2.0, wall_clock=wall)
    clock.advance(timedelta(hours=6))
    keep_clock(tmp_path, clock)

    wall.at_s += 1800
    resumed = SimClock.resumed(kept_clock(tmp_path).state, wall_clock=wall)

    assert resumed.now() == clock.now() == NOW + timedelta(hours=7)


def test_a_folder_without_a_clock_has_none_and_a_broken_one_is_said(tmp_path):
    assert kept_clock(tmp_path) is None

    (tmp_path / "clock.json").write_text("{")

    with pytest.raises(ConfigurationError, match="not a clock"):
        kept_clock(tmp_path)


@pytest.mark.parametrize("speed", [0, -1, float("nan"), 20_000])
def test_a_pace_is_positive_and_bounded(speed):
    with pytest.raises(ValueError, match="not a pace"):
        SimClock(NOW, speed)
