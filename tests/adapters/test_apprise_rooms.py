"""Alerts to Telegram, Discord and Slack: apprise's own plug-ins over TLS, to a server here that answers as theirs do.

Only where a host's name leads to is replaced, and who vouches for its certificate.
"""

import asyncio
import json
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import trustme
from urllib3.util import connection

from bethna_cli.adapters.apprise_rooms import apprise_rooms
from bethna_cli.domain.alert import Alert, KeptAlert, Level
from bethna_cli.domain.errors import ChannelDown, ConfigurationError

SECRET = "AbCdEfGhIjKlMnOpQrStUvWx"
ROOMS = {
    "telegram": (f"tgram://123456789:{SECRET}123456789ab/12315544", "api.telegram.org", b'{"ok":true,"result":{}}'),
    "discord": (f"discord://4174216298/{SECRET}", "discord.com", b""),
    "slack": (f"slack://T1JJ3T3L2/A1BRTD4JD/{SECRET}/#general", "hooks.slack.com", b"ok"),
}
KEPT = KeptAlert(
    7,
    Alert("cause", Level.CRITICAL, "stop-loss", "ETH call sold by stop-loss", "0.5 contracts brought 12.34 USDC."),
    datetime(2026, 3, 4, 12, tzinfo=UTC),
)


class Service:
    """What was asked of the services, and what they answer."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, Any]] = []
        self.status = 200

    def handler(self) -> type[BaseHTTPRequestHandler]:
        service = self

        class Answers(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                host = self.headers["Host"]
                service.asked.append((host, self.path, json.loads(body)))
                answer = next((words for _, name, words in ROOMS.values() if name == host), b"")
                self.send_response(service.status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                """Keep quiet."""

        return Answers


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    service, authority = Service(), trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*(host for _, host, _ in ROOMS.values())).configure_cert(context)
    server = HTTPServer(("127.0.0.1", 0), service.handler())
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    connect = connection.create_connection

    def here(_: tuple[str, int], *rest: Any, **named: Any) -> Any:
        return connect(("127.0.0.1", server.server_port), *rest, **named)

    monkeypatch.setattr(connection, "create_connection", here)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    yield service
    server.shutdown()
    thread.join(10)
    server.server_close()


@pytest.mark.parametrize("name", ROOMS)
def test_an_alert_reaches_the_room_in_the_services_own_words(service: Service, name: str):
    url, host, _ = ROOMS[name]
    (room,) = apprise_rooms([url], "sim")

    asyncio.run(room.tell(KEPT))

    assert room.name == name
    ((asked, path, document),) = service.asked
    assert asked == host
    assert SECRET in path
    said = json.dumps(document, ensure_ascii=False)
    for words in ("bethna sim", "CRITICAL: ETH call sold by stop-loss", "0.5 contracts brought 12.34 USDC."):
        assert words in said


@pytest.mark.parametrize("name", ROOMS)
def test_a_service_that_refuses_is_a_channel_that_is_down_and_its_token_is_nowhere(
    service: Service, name: str, caplog: pytest.LogCaptureFixture
):
    service.status = 403
    (room,) = apprise_rooms([ROOMS[name][0]], "sim")

    with pytest.raises(ChannelDown) as down:
        asyncio.run(room.tell(KEPT))

    assert SECRET not in f"{down.value!r}{down.value.__cause__!r}{caplog.text}"
    assert name in down.value.message


def test_two_rooms_of_one_service_have_names_of_their_own_and_a_bad_url_is_named_by_its_place():
    url = ROOMS["discord"][0]
    assert [one.name for one in apprise_rooms([url, url], "sim")] == ["discord", "discord-2"]
    with pytest.raises(ConfigurationError, match="number 2") as refused:
        apprise_rooms([url, f"nothing://{SECRET}"], "sim")
    assert SECRET not in str(refused.value)
