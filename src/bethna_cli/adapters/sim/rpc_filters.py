"""Who wants to hear what: filters that clients poll, and subscriptions that are pushed.

Both see a reorganisation as geth shows it: the logs of the blocks that left come with `removed: true`, then those of
the new blocks. A client that stops reading is cut off rather than allowed to fill the memory.
"""

import itertools
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from bethna_cli.adapters.sim.chain_types import BlockAdded, BlockRemoved, ChainEvent, Log, TransactionAccepted
from bethna_cli.adapters.sim.rpc_format import header_json, hexed, log_json
from bethna_cli.adapters.sim.rpc_params import LogFilter

MAX_FILTERS = 1_000
MAX_BUFFERED = 10_000

Push = Callable[[dict[str, Any]], None]


def matches(log: Log, wanted: LogFilter) -> bool:
    """Return whether a log is from a wanted sender and has the wanted topics; the range of blocks is not looked at."""
    if wanted.addresses and log.address not in wanted.addresses:
        return False
    if len(wanted.alternatives) > len(log.topics):
        return False
    return all(
        options is None or topic in options for options, topic in zip(wanted.alternatives, log.topics, strict=False)
    )


def matching_logs(event: ChainEvent, wanted: LogFilter) -> Iterator[dict[str, Any]]:
    """Yield the wanted logs of an event as JSON; those of a removed block newest first."""
    if isinstance(event, BlockAdded):
        yield from (log_json(log) for log in event.logs if matches(log, wanted))
    elif isinstance(event, BlockRemoved):
        yield from (log_json(log, removed=True) for log in reversed(event.logs) if matches(log, wanted))


@dataclass(slots=True)
class _Filter:
    kind: str
    wanted: LogFilter | None
    found: deque[Any] = field(default_factory=deque)

    def take_in(self, event: ChainEvent) -> None:
        self.found.extend(_results(self.kind, self.wanted, event))


class PolledFilters:
    """The filters behind eth_getFilterChanges. One that is not polled until it is full is forgotten."""

    def __init__(self) -> None:
        self._filters: dict[str, _Filter] = {}
        self._count = itertools.count(1)

    def add(self, kind: str, wanted: LogFilter | None = None) -> str | None:
        """Begin to collect blocks, logs or pending transactions; None when there are too many filters."""
        if len(self._filters) >= MAX_FILTERS:
            return None
        name = hex(next(self._count))
        self._filters[name] = _Filter(kind, wanted)
        return name

    def take(self, name: str) -> list[Any] | None:
        """Return what came since the last call; None when there is no such filter."""
        wanted = self._filters.get(name)
        if wanted is None:
            return None
        found = list(wanted.found)
        wanted.found.clear()
        return found

    def wanted(self, name: str) -> LogFilter | None:
        """Return what a log filter looks for; None when there is no such log filter."""
        known = self._filters.get(name)
        return None if known is None else known.wanted

    def remove(self, name: str) -> bool:
        """Forget a filter. Returns whether it was there."""
        return self._filters.pop(name, None) is not None

    def on_event(self, event: ChainEvent) -> None:
        """Collect from a change of the chain."""
        for name, wanted in list(self._filters.items()):
            wanted.take_in(event)
            if len(wanted.found) > MAX_BUFFERED:
                del self._filters[name]


class Session:
    """One connection's subscriptions. `push` gets each notification and must not block."""

    def __init__(self, push: Push) -> None:
        self._push = push
        self._subscriptions: dict[str, tuple[str, LogFilter | None]] = {}
        self._count = itertools.count(1)

    def subscribe(self, kind: str, wanted: LogFilter | None = None) -> str | None:
        """Begin to push newHeads, logs or newPendingTransactions; None when there are too many subscriptions."""
        if len(self._subscriptions) >= MAX_FILTERS:
            return None
        name = hex(next(self._count))
        self._subscriptions[name] = (kind, wanted)
        return name

    def unsubscribe(self, name: str) -> bool:
        """End a subscription. Returns whether it was there."""
        return self._subscriptions.pop(name, None) is not None

    @property
    def is_subscribed(self) -> bool:
        """Whether anything is to be pushed."""
        return bool(self._subscriptions)

    def on_event(self, event: ChainEvent) -> None:
        """Push what the subscriptions ask for."""
        for name, (kind, wanted) in self._subscriptions.items():
            for result in _results(kind, wanted, event):
                self._push(
                    {
                        "jsonrpc": "2.0",
                        "method": "eth_subscription",
                        "params": {"subscription": name, "result": result},
                    }
                )


def _results(kind: str, wanted: LogFilter | None, event: ChainEvent) -> Sequence[Any]:
    match kind, event:
        case "logs", _ if wanted is not None:
            return list(matching_logs(event, wanted))
        case "newHeads", BlockAdded(block=block):
            return [header_json(block)]
        case "blocks", BlockAdded(block=block):
            return [hexed(block.hash)]
        case "newPendingTransactions", TransactionAccepted(hash=transaction_hash):
            return [hexed(transaction_hash)]
    return []
