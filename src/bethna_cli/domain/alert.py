"""An alert: something the person should hear about, told once however often its cause is met.

Words are made safe here, whoever wrote them: an alert travels to terminals, e-mail headers, HTML and chat rooms.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256

from bethna_cli.domain.text import clean
from bethna_cli.domain.units import iso

TITLE_LIMIT = 120
TEXT_LIMIT = 1_000
_ID_DIGITS = 16


class Level(StrEnum):
    """How loud an alert is. INFO may wait for the morning; CRITICAL is about money that is at risk now."""

    INFO = "INFO"
    WARNING = "WARNING"
    CRITICAL = "CRITICAL"


@dataclass(frozen=True, slots=True)
class Alert:
    """What there is to say, and why.

    cause: names the one event that is told, for example `exit-failed:<position>:<attempt>`; the same cause alerts once.
    kind: a slug for scripts and for de-duplication, like `stop-loss`. position: the position's id, None without one.
    """

    cause: str
    level: Level
    kind: str
    title: str
    text: str
    position: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", clean(self.kind, TITLE_LIMIT))
        object.__setattr__(self, "title", clean(self.title, TITLE_LIMIT))
        object.__setattr__(self, "text", clean(self.text, TEXT_LIMIT))

    @property
    def id(self) -> str:
        """Return the stable name: the same cause has the same one on every machine."""
        return sha256(self.cause.encode("utf-8", "backslashreplace")).hexdigest()[:_ID_DIGITS]


@dataclass(frozen=True, slots=True)
class KeptAlert:
    """An alert in the store. sequence: its place in the order in which all were kept, from 1; nothing is renumbered."""

    sequence: int
    alert: Alert
    at: datetime
    acked_at: datetime | None = None


def alert_document(kept: KeptAlert) -> dict[str, object]:
    """Return an alert as scripts see it."""
    alert = kept.alert
    return {
        "sequence": kept.sequence,
        "id": alert.id,
        "at": iso(kept.at),
        "level": alert.level.value,
        "kind": alert.kind,
        "title": alert.title,
        "text": alert.text,
        "position": alert.position,
        "acked_at": None if kept.acked_at is None else iso(kept.acked_at),
    }


class Delivery(StrEnum):
    """What became of an alert on one channel."""

    PENDING = "PENDING"
    SENT = "SENT"
    MERGED = "MERGED"
    """Said already: an INFO of the same kind about the same position went out shortly before."""
    REFUSED = "REFUSED"
    """The channel will not take this one, however often it is asked."""


@dataclass(frozen=True, slots=True)
class ChannelState:
    """How a channel fares. failures: in a row, 0 while it works; error: its last words; pending: what waits for it."""

    name: str
    failures: int
    next_try_at: datetime | None
    error: str | None
    pending: int
