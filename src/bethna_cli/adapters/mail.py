"""Alerts as e-mail: over TLS, in plain text and HTML, the same Message-ID however often one is sent.

The server's own words are never repeated: they may quote a login. Its three-digit code says enough.
"""

import html
import ssl
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import format_datetime

import aiosmtplib

from bethna_cli.domain.alert import KeptAlert, Level
from bethna_cli.domain.errors import ChannelDown, MessageRefused

STEP_TIMEOUT_S = 20.0
_COLOURS = {Level.INFO: "#57606a", Level.WARNING: "#9a6700", Level.CRITICAL: "#cf222e"}


@dataclass(frozen=True, slots=True)
class MailAccount:
    """Where mail is handed in, and between whom. security: `tls` from the first byte, `starttls`, or `none`."""

    host: str
    port: int
    security: str
    sender: str
    recipients: tuple[str, ...]
    user: str | None = None
    password: str | None = field(default=None, repr=False)


class Mailer:
    """`Notifier` by SMTP, one connection a message. tls: given where a test has a certificate authority of its own."""

    name = "e-mail"

    def __init__(self, account: MailAccount, network: str, tls: ssl.SSLContext | None = None) -> None:
        self._account = account
        self._network = network
        self._tls = tls

    async def tell(self, kept: KeptAlert) -> None:
        account = self._account
        try:
            await aiosmtplib.send(
                mail_of(kept, account.sender, account.recipients, self._network),
                sender=account.sender,
                recipients=list(account.recipients),
                hostname=account.host,
                port=account.port,
                username=account.user,
                password=account.password,
                timeout=STEP_TIMEOUT_S,
                use_tls=account.security == "tls",
                start_tls=account.security == "starttls",
                tls_context=self._tls or ssl.create_default_context(),
            )
        except aiosmtplib.SMTPDataError as error:
            if error.code >= 500:
                raise MessageRefused(self.name, f"the mail server refused the message ({error.code})") from None
            raise ChannelDown(self.name, f"the mail server asks to try later ({error.code})") from None
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            raise ChannelDown(self.name, _reason(error)) from None


def mail_of(kept: KeptAlert, sender: str, recipients: tuple[str, ...], network: str) -> EmailMessage:
    """Write an alert as a message. Every header is one line; nothing of the alert is markup in the HTML part."""
    alert = kept.alert
    mail = EmailMessage()
    mail["From"] = sender
    mail["To"] = ", ".join(recipients)
    mail["Subject"] = f"[bethna {network}] {alert.level.value}: {alert.title}"
    mail["Date"] = format_datetime(kept.at)
    mail["Message-ID"] = f"<{alert.id}.{network}@{sender.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    lines = [f"{alert.level.value} on {network}, {kept.at:%Y-%m-%d %H:%M:%S} UTC"]
    lines += [f"Position {alert.position}"] if alert.position else []
    mail.set_content("\n".join([alert.title, "", alert.text, "", *lines, f"bethna alerts --ack {alert.id[:8]}", ""]))
    small = "".join(f"<br>{html.escape(line)}" for line in lines)
    mail.add_alternative(
        f'<html><body style="font-family: sans-serif"><h2 style="color: {_COLOURS[alert.level]}">'
        f"{html.escape(alert.title)}</h2><p>{html.escape(alert.text)}</p>"
        f'<p style="color: #57606a; font-size: small">bethna{small}<br>'
        f"<code>bethna alerts --ack {alert.id[:8]}</code></p></body></html>",
        subtype="html",
    )
    return mail


def _reason(error: Exception) -> str:
    if isinstance(error, aiosmtplib.SMTPAuthenticationError):
        return f"the mail server refused the login ({error.code})"
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return f"the mail server refused the recipients ({error.recipients[0].code})"
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return f"the mail server said no ({error.code})"
    if isinstance(error, aiosmtplib.SMTPTimeoutError | TimeoutError):
        return "no answer in time"
    if isinstance(error, ssl.SSLError) or isinstance(error.__cause__, ssl.SSLError):
        return "its TLS certificate is not to be trusted"
    if isinstance(error, aiosmtplib.SMTPConnectError | OSError):
        return "the mail server cannot be reached"
    return f"it broke off ({type(error).__name__})"
