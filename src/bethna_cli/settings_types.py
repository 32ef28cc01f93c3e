"""The kinds of values that a setting can have: each checks and normalises what was written, and says what it wants."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, SecretStr

_DURATION = re.compile(r"(\d{1,6}(?:\.\d{1,4})?)([hdw])", re.ASCII)
_AMOUNT = re.compile(r"\d{1,9}(?:\.\d{1,6})?", re.ASCII)
_HOURS = {"h": 1, "d": 24, "w": 168}
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)", re.ASCII)
EARLIEST_YEAR, LATEST_YEAR = 2000, 2098
_PIN = re.compile(r"0x[0-9a-f]{40}@0x[0-9a-f]{64}", re.ASCII)
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\[?[0-9A-Fa-f:]{2,45}\]?", re.ASCII)
_MAILBOX = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?", re.ASCII)
_HOURS_OF_DAY = re.compile(r"((?:[01]\d|2[0-3]):[0-5]\d)-((?:[01]\d|2[0-3]):[0-5]\d)", re.ASCII)
MOST_ENDPOINTS = 4
MOST_RECIPIENTS = 10
LONGEST_SECRET = 2_048
LONGEST_EXPIRY_DAYS = 366


def _checked_url(value: str) -> str:
    """Accept https, and plain http to this machine only; no user, no password, no fragment."""
    parts = urlsplit(value)
    loopback = parts.hostname in ("localhost", "::1") or re.fullmatch(r"127(\.\d{1,3}){3}", parts.hostname or "")
    if parts.scheme != "https" and not (parts.scheme == "http" and loopback):
        raise ValueError("must start with https:// (http:// only for this machine)")
    if not parts.hostname or parts.username or parts.password or parts.fragment or not value.isprintable():
        raise ValueError("must be a plain URL with a host")
    return value.rstrip("/")


def _checked_rpc_urls(value: SecretStr) -> SecretStr:
    urls = [_checked_url(url) for url in value.get_secret_value().split()]
    if not 1 <= len(urls) <= MOST_ENDPOINTS or len(set(urls)) != len(urls):
        raise ValueError(f"must be one to {MOST_ENDPOINTS} different URLs, with spaces between them")
    return SecretStr(" ".join(urls))


def _contract_pin(value: object) -> object:
    text = str(value).strip().lower()
    if not _PIN.fullmatch(text):
        raise ValueError("must be an address and a code hash, as bethna contract verify writes them")
    return text


def _account(value: object) -> object:
    text = str(value).strip().lower()
    if not re.fullmatch(r"0x[0-9a-f]{40}", text, re.ASCII):
        raise ValueError("must be an address: 0x and 40 hexadecimal digits")
    return text


def _checked_model(value: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]{1,30}:[\w./:@+-]{1,100}", value, re.ASCII):
        raise ValueError("must be provider:model, like openai:gpt-5-mini or ollama:llama3.2")
    return value


def _checked_secret(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("must be one word of printable ASCII")
    return value


def _amount(value: object) -> object:
    text = str(value).strip()
    if isinstance(value, bool) or not _AMOUNT.fullmatch(text) or Decimal(text) <= 0:
        raise ValueError("must be a positive amount of USDC, like 100 or 99.50")
    return Decimal(text)


def _duration_days(value: object) -> object:
    match = _DURATION.fullmatch(str(value).strip().lower())
    if match is None:
        raise ValueError("must be a time span like 36h, 7d or 2w")
    days = float(match[1]) * _HOURS[match[2]] / 24
    if not 0 < days <= LONGEST_EXPIRY_DAYS:
        raise ValueError(f"must be more than nothing and at most {LONGEST_EXPIRY_DAYS}d")
    return days


def _moment(value: object) -> object:
    if isinstance(value, str) and not _MOMENT.fullmatch(value):
        raise ValueError("must be a UTC time like 2026-05-05T15:30Z")
    return value


def _within_reach(value: datetime) -> datetime:
    if not EARLIEST_YEAR <= value.astimezone(UTC).year <= LATEST_YEAR:
        raise ValueError(f"must be in a year from {EARLIEST_YEAR} to {LATEST_YEAR}")
    return value


def _folder(value: Path) -> Path:
    path = value.expanduser()
    if not path.is_dir():
        raise ValueError("must be a folder that exists")
    return path.resolve()


def _host(value: str) -> str:
    if not _HOST.fullmatch(value):
        raise ValueError("must be a host name or an address, without a port")
    return value.lower()


def _line(value: str) -> str:
    if not value.isprintable() or not 0 < len(value) <= LONGEST_SECRET:
        raise ValueError(f"must be one line of at most {LONGEST_SECRET} printable characters")
    return value


def _secret_line(value: SecretStr) -> SecretStr:
    _line(value.get_secret_value())
    return value


def _mailbox(value: str) -> str:
    if not _MAILBOX.fullmatch(value):
        raise ValueError("must be an e-mail address like me@example.org")
    return value


def _mailboxes(value: str) -> str:
    boxes = value.replace(",", " ").split()
    if not 1 <= len(boxes) <= MOST_RECIPIENTS:
        raise ValueError(f"must be one to {MOST_RECIPIENTS} e-mail addresses")
    return " ".join(_mailbox(box) for box in boxes)


def _hours(value: str) -> str:
    match = _HOURS_OF_DAY.fullmatch(value)
    if match is None or match[1] == match[2]:
        raise ValueError("must be two times of day like 22:00-07:00")
    return value


Host = Annotated[str, AfterValidator(_host)]
Line = Annotated[str, AfterValidator(_line)]
SecretLine = Annotated[SecretStr, AfterValidator(_secret_line)]
Mailbox = Annotated[str, AfterValidator(_mailbox)]
Mailboxes = Annotated[str, AfterValidator(_mailboxes)]
Hours = Annotated[str, AfterValidator(_hours)]
Url = Annotated[str, AfterValidator(_checked_url)]
RpcUrls = Annotated[SecretStr, AfterValidator(_checked_rpc_urls)]
ModelName = Annotated[str, AfterValidator(_checked_model)]
Pin = Annotated[str, BeforeValidator(_contract_pin)]
Account = Annotated[str, BeforeValidator(_account)]
Secret = Annotated[SecretStr, AfterValidator(_checked_secret)]
Amount = Annotated[Decimal, BeforeValidator(_amount)]
Days = Annotated[float, BeforeValidator(_duration_days)]
Moment = Annotated[AwareDatetime, BeforeValidator(_moment), AfterValidator(_within_reach)]
ExistingFolder = Annotated[Path, AfterValidator(_folder)]
Finite = Field(allow_inf_nan=False)
