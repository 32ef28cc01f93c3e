"""What commands showed, for whoever runs them in its own process and goes on from there: the chat."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

Shown = list[Mapping[str, object]]

_SHOWN: ContextVar[Shown | None] = ContextVar("shown", default=None)


@contextmanager
def listening() -> Iterator[Shown]:
    """Collect the recommendations that commands show while the body runs, as documents, in order."""
    shown: Shown = []
    token = _SHOWN.set(shown)
    try:
        yield shown
    finally:
        _SHOWN.reset(token)


def note_shown(document: Callable[[], Mapping[str, object]]) -> None:
    """Tell who listens, if anybody, that a recommendation was shown."""
    shown = _SHOWN.get()
    if shown is not None:
        shown.append(document())
