"""What is remembered and told: documents, alerts, their delivery, and how long things are kept."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from bethna_cli.domain.market import MarketSnapshot

if TYPE_CHECKING:
    from bethna_cli.domain.alert import Alert, ChannelState, Delivery, KeptAlert, Level
    from bethna_cli.domain.retention import DataSet, StoreSize


class Alerts(Protocol):
    """What the person should hear about, in the order in which it was kept. Raises NotFound for an unknown id.

    An alert that has a cause in the store is written with it, in one transaction; `add` is for one that has none.
    """

    def add(self, alert: "Alert", at: datetime) -> bool:
        """Keep an alert, and say whether it is new: the same cause alerts once."""
        ...

    def after(self, sequence: int, limit: int) -> "list[KeptAlert]":
        """Return the alerts that were kept after a sequence number, in order."""
        ...

    def latest(self, limit: int, *, only_open: bool = False) -> "list[KeptAlert]":
        """Return the newest alerts, oldest first; only_open: those that nobody has acknowledged."""
        ...

    def acknowledge(self, prefix: str, at: datetime) -> "KeptAlert":
        """Note that a person has seen the one alert whose id starts with `prefix`; the first time counts."""
        ...


class Outbox(Protocol):
    """What each channel has yet to tell, and how it fares; times are the machine's.

    A channel is known from the first `gather` on. Raises ConfigurationError when the store cannot be used.
    """

    def gather(self, channel: str, at: datetime) -> "Level | None":
        """Put down what a channel has to tell since the last time, and return the loudest level of it."""
        ...

    def put_by_hand(self, alert: "Alert", channels: Sequence[str], at: datetime) -> "KeptAlert":
        """Keep an alert that the caller tells over these channels itself, so that nobody else does."""
        ...

    def state(self, channel: str) -> "ChannelState": ...

    def states(self) -> "list[ChannelState]":
        """Return how every channel fares that was ever used."""
        ...

    def lease(self, channel: str, at: datetime, until: datetime) -> bool:
        """Take the right to tell over a channel, and say whether it was free; nobody holds it longer than `until`."""
        ...

    def extend(self, channel: str, until: datetime) -> None: ...

    def release(self, channel: str) -> None: ...

    def pending(self, channel: str, limit: int, *, only_loud: bool = False) -> "list[KeptAlert]":
        """Return the first alerts that the channel has yet to tell, in order; only_loud: without those of INFO."""
        ...

    def was_told(self, channel: str, alert: "Alert", since: datetime) -> bool:
        """Say whether one of the same kind about the same position was told over the channel since then."""
        ...

    def note(self, channel: str, kept: "KeptAlert", state: "Delivery", at: datetime) -> None: ...

    def refused(self, channel: str, kept: "KeptAlert") -> int:
        """Count a refusal of one alert, and return how many there were."""
        ...

    def works(self, channel: str) -> None: ...

    def fails(self, channel: str, failures: int, next_try_at: datetime, error: str) -> None: ...


class Notifier(Protocol):
    """One way to reach the person. Its name is safe to show; telling the same alert twice looks like once.

    Raises ChannelDown when the channel does not work now, MessageRefused when it works and will not take this one.
    """

    @property
    def name(self) -> str: ...

    async def tell(self, kept: "KeptAlert") -> None: ...


class Retention(Protocol):
    """What the store, the fetched history and the logs drop one day.

    Raises ConfigurationError when the store cannot be used, DataRefused when the history cannot be read.
    """

    def overdue(self, data_set: "DataSet", before: datetime) -> int:
        """Count what a data set has from before a time."""
        ...

    def drop(self, data_set: "DataSet", before: datetime, limit: int) -> int:
        """Drop up to `limit` rows in one transaction, or what is old of the history's files.

        Returns how many went; 0 when nothing is left to drop.
        """
        ...

    def give_back(self, most_bytes: int) -> int:
        """Give free room in the store's file back to the disk, and return how many bytes."""
        ...

    def size(self) -> "StoreSize": ...

    def history_bytes(self) -> int: ...

    def log_bytes(self) -> int: ...


class Ledger(Protocol):
    """What is remembered. Documents are JSON objects as shown to scripts, keyed by their id."""

    def add_snapshot(self, snapshot: MarketSnapshot) -> None: ...

    def add_recommendation(self, recommendation_id: str, at: datetime, document: Mapping[str, object]) -> None: ...

    def recommendation(self, prefix: str) -> Mapping[str, object]: ...
