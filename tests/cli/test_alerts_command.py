"""`bethna alerts` as people and scripts use it, over real channels: a mail server, a web hook, the watcher's stream."""

import asyncio
import json
import signal
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, ClassVar

import pytest
from cli_process import START

from bethna_cli.bootstrap.notify import stream_place, telling
from bethna_cli.domain.errors import BethnaError
from bethna_cli.settings import load_settings
from mail_servers import Postbox, free_port, mail_server

SECRET = "canary-in-a-url"


class Hook(BaseHTTPRequestHandler):
    """A web hook that takes what apprise's `json://` posts."""

    got: ClassVar[list[dict[str, Any]]] = []

    def do_POST(self) -> None:
        self.got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def hook() -> Iterator[int]:
    Hook.got = []
    server = HTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


@pytest.fixture
def channels(hook: int) -> Iterator[tuple[Postbox, dict[str, str]]]:
    postbox = Postbox()
    with mail_server(postbox) as port:
        yield (
            postbox,
            {
                "BETHNA_SMTP_HOST": "127.0.0.1",
                "BETHNA_SMTP_PORT": str(port),
                "BETHNA_SMTP_SECURITY": "none",
                "BETHNA_MAIL_TO": "me@example.org",
                "BETHNA_ALERT_URLS": f"json://127.0.0.1:{hook}/{SECRET}",
            },
        )


def states(shown: "subprocess.CompletedProcess[str]") -> dict[str, bool | None]:
    return {row["channel"]: row["ok"] for row in json.loads(shown.stdout)["channels"]}


def _fail(channel: str, error: BethnaError) -> None:
    raise AssertionError(f"{channel}: {error}")


def test_a_test_goes_through_every_channel_and_the_watchers_stream_once_and_stays_in_the_store(
    bethna: Any, environment: dict[str, str], channels: tuple[Postbox, dict[str, str]]
):
    postbox, variables = channels
    settings = load_settings(env={**environment, **variables})

    async def script() -> "subprocess.CompletedProcess[str]":
        async with telling(settings, _fail):
            return await asyncio.to_thread(bethna, "alerts", "test", "--json", **variables)

    shown = asyncio.run(script())

    assert shown.returncode == 0
    assert states(shown) == {"store": True, "e-mail": True, "json": True, "websocket": True}
    assert postbox.subjects == ["[bethna sim] INFO: A test"]
    assert [one["title"] for one in Hook.got] == ["bethna sim · INFO: A test"]
    (kept,) = json.loads(bethna("alerts", "--json").stdout)
    assert kept["title"] == "A test"
    assert SECRET not in shown.stdout + shown.stderr
    assert stream_place(settings) is None


def test_a_channel_that_fails_is_named_with_its_reason_and_the_exit_code_says_so(
    bethna_here: Any, monkeypatch: pytest.MonkeyPatch, hook: int
):
    variables = {
        "BETHNA_SMTP_HOST": "127.0.0.1",
        "BETHNA_SMTP_PORT": str(free_port()),
        "BETHNA_SMTP_SECURITY": "none",
        "BETHNA_MAIL_TO": "me@example.org",
        "BETHNA_ALERT_URLS": f"json://127.0.0.1:{hook}/{SECRET} json://127.0.0.1:{free_port()}/{SECRET}",
    }

    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    shown = bethna_here("alerts", "test")

    assert shown.returncode == 5
    assert "cannot be reached" in shown.stdout
    assert SECRET not in shown.stdout + shown.stderr
    assert states(bethna_here("alerts", "test", "--json")) == {
        "store": True,
        "e-mail": False,
        "json": True,
        "json-2": False,
        "websocket": None,
    }


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"BETHNA_SMTP_HOST": "mail.example.org", "BETHNA_SMTP_SECURITY": "none"}, "readable on its way"),
        ({"BETHNA_SMTP_HOST": "127.0.0.1", "BETHNA_SMTP_USER": "me"}, "smtp_password is not set"),
        ({"BETHNA_ALERT_URLS": f"nonsense-{SECRET}"}, "number 1 is not a URL"),
    ],
)
def test_a_channel_that_is_set_up_badly_is_a_matter_of_configuration(
    bethna_here: Any, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], words: str
):
    for name, value in {"BETHNA_MAIL_TO": "me@example.org", **variables}.items():
        monkeypatch.setenv(name, value)

    shown = bethna_here("alerts", "test")

    assert (shown.returncode, words in shown.stderr) == (4, True)
    assert SECRET not in shown.stdout + shown.stderr


def test_following_prints_each_new_alert_as_a_line_and_ctrl_c_ends_it(bethna: Any, environment: dict[str, str]):
    bethna("alerts", "test")
    follower = subprocess.Popen(
        [*START, "alerts", "--follow", "--json"], env=environment, stdout=subprocess.PIPE, text=True
    )
    assert follower.stdout is not None
    first = json.loads(follower.stdout.readline())
    bethna("alerts", "test")
    second = json.loads(follower.stdout.readline())
    follower.send_signal(signal.SIGINT)

    assert (first["sequence"], second["sequence"]) == (1, 2)
    assert follower.wait(timeout=30) == 130
    follower.stdout.close()


def test_an_alert_that_was_seen_is_open_no_more(bethna_here: Any):
    for _ in range(3):
        bethna_here("alerts", "test")
    first, *_ = json.loads(bethna_here("alerts", "--json").stdout)

    bethna_here("alerts", "--ack", first["id"][:8])
    assert len(json.loads(bethna_here("alerts", "--open", "--json").stdout)) == 2
    bethna_here("alerts", "--ack", "all")
    assert json.loads(bethna_here("alerts", "--open", "--json").stdout) == []
    assert bethna_here("alerts", "--ack", "zzzzzzzz").returncode == 6


def test_the_channels_secrets_are_masked(bethna_here: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("BETHNA_SMTP_PASSWORD", SECRET)
    monkeypatch.setenv("BETHNA_ALERT_URLS", f"json://{SECRET}")

    shown = bethna_here("config", "show")

    assert shown.stdout.count("********") == 2
    assert SECRET not in shown.stdout
    assert bethna_here("config", "set", "smtp_password", SECRET).returncode == 2
