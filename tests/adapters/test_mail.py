"""Alerts as e-mail, handed to a real SMTP server: private on the way, one line a header, and honest about a refusal."""

import asyncio
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bethna_cli.adapters import mail as mail_adapter
from bethna_cli.adapters.mail import MailAccount, Mailer, mail_of
from bethna_cli.domain.alert import Alert, KeptAlert, Level
from bethna_cli.domain.errors import ChannelDown, MessageRefused
from mail_servers import PASSWORD, USER, Postbox, certified, free_port, logins, mail_server, silent_server

AT = datetime(2026, 3, 4, 12, tzinfo=UTC)
HOSTILE = st.text(max_size=200) | st.sampled_from(
    ["a\r\nBcc: eve@example.org", "<script>alert(1)</script>", "=?utf-8?q?x?=\n\n.", "\u202eevil", "‮\x1b[31m", "\ud800"]
)


def kept(title: str = "Stopped out", text: str = "Sold at 41.20 USDC.", cause: str = "stop-loss:1") -> KeptAlert:
    return KeptAlert(1, Alert(cause, Level.CRITICAL, "stop-loss", title, text, "0xabc"), AT)


def account(port: int, security: str = "none", **fields: Any) -> MailAccount:
    return MailAccount("127.0.0.1", port, security, "bethna@example.org", ("me@example.org",), **fields)


@pytest.fixture
def postbox() -> Postbox:
    return Postbox()


@pytest.fixture
def plain(postbox: Postbox) -> Iterator[int]:
    with mail_server(postbox) as port:
        yield port


def test_an_alert_arrives_in_plain_text_and_html_with_its_own_message_id(postbox: Postbox, plain: int):
    asyncio.run(Mailer(account(plain), "sim").tell(kept()))

    (mail,) = postbox.taken
    assert mail["Subject"] == "[bethna sim] CRITICAL: Stopped out"
    assert mail["Message-ID"] == f"<{kept().alert.id}.sim@example.org>"
    assert mail["Date"].datetime == AT
    for kind in ("plain", "html"):
        body = mail.get_body((kind,))
        assert body is not None
        assert "Sold at 41.20 USDC." in body.get_content()


def test_a_message_sent_again_is_the_same_message(postbox: Postbox, plain: int):
    for _ in range(2):
        asyncio.run(Mailer(account(plain), "sim").tell(kept()))

    assert len({str(mail["Message-ID"]) for mail in postbox.taken}) == 1


@given(title=HOSTILE, text=HOSTILE)
def test_no_words_of_an_alert_become_a_header_or_markup(title: str, text: str):
    mail = mail_of(kept(title, text), "bethna@example.org", ("me@example.org",), "sim")

    head, _, _ = mail.as_bytes().decode("ascii", "surrogateescape").partition("\n\n")
    names = [line.partition(":")[0] for line in head.splitlines() if not line.startswith((" ", "\t"))]
    assert sorted(names) == sorted(
        ["From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type"]
    )
    page = mail.get_body(("html",))
    assert page is not None
    assert page.get_content().count("<") == EMPTY_PAGE_TAGS


def _tags_of_an_empty_page() -> int:
    page = mail_of(kept("", ""), "bethna@example.org", ("me@example.org",), "sim").get_body(("html",))
    assert page is not None
    return page.get_content().count("<")


EMPTY_PAGE_TAGS = _tags_of_an_empty_page()


@pytest.mark.filterwarnings("ignore:Requiring AUTH")
@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_login_and_its_message_travel_under_tls(postbox: Postbox, security: str):
    server, client = certified()
    if security == "tls":
        options: dict[str, Any] = {"ssl_context": server, "auth_require_tls": False}
    else:
        options = {"tls_context": server, "require_starttls": True}
    with mail_server(postbox, authenticator=logins, auth_required=True, **options) as port:
        mailer = Mailer(account(port, security, user=USER, password=PASSWORD), "sim", client)
        asyncio.run(mailer.tell(kept()))

    assert len(postbox.taken) == 1


def test_a_certificate_that_nobody_vouches_for_gets_neither_login_nor_message(postbox: Postbox):
    server, _ = certified()
    with mail_server(postbox, tls_context=server, authenticator=logins) as port:
        mailer = Mailer(account(port, "starttls", user=USER, password=PASSWORD), "sim")
        with pytest.raises(ChannelDown, match="certificate"):
            asyncio.run(mailer.tell(kept()))

    assert postbox.taken == []


def test_a_server_without_tls_gets_nothing_where_tls_is_wanted(postbox: Postbox, plain: int):
    with pytest.raises(ChannelDown):
        asyncio.run(Mailer(account(plain, "starttls"), "sim").tell(kept()))

    assert postbox.taken == []


@pytest.mark.filterwarnings("ignore:Requiring AUTH")
def test_a_refused_login_is_told_without_a_word_of_the_server_which_may_quote_the_password(postbox: Postbox):
    wrong = "hunter2-canary"
    with mail_server(postbox, authenticator=logins, auth_required=True, auth_require_tls=False) as port:
        mailer = Mailer(account(port, user=USER, password=wrong), "sim")
        with pytest.raises(ChannelDown, match=r"refused the login \(535\)") as caught:
            asyncio.run(mailer.tell(kept()))

    assert wrong not in repr(caught.value) + "".join(traceback.format_exception(caught.value))
    assert wrong not in repr(account(1, user=USER, password=wrong))


@pytest.mark.parametrize(
    ("answer", "error"), [("451 4.7.1 try later", ChannelDown), ("554 5.7.1 looks like spam", MessageRefused)]
)
def test_a_refusal_for_now_and_one_for_good_are_told_apart(postbox: Postbox, plain: int, answer: str, error: type):
    postbox.answer = answer
    with pytest.raises(error, match=answer[:3]):
        asyncio.run(Mailer(account(plain), "sim").tell(kept()))


def test_a_server_that_is_down_or_greylists_is_a_channel_that_is_down(postbox: Postbox, plain: int):
    grey = MailAccount("127.0.0.1", plain, "none", "bethna@example.org", ("grey@example.org",))
    for where, reason in ((account(free_port()), "cannot be reached"), (grey, r"recipients \(450\)")):
        with pytest.raises(ChannelDown, match=reason):
            asyncio.run(Mailer(where, "sim").tell(kept()))


def test_a_server_that_accepts_and_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(mail_adapter, "STEP_TIMEOUT_S", 0.2)
    with silent_server() as port, pytest.raises(ChannelDown, match="no answer in time"):
        asyncio.run(Mailer(account(port), "sim").tell(kept()))
