"""Who understands what people type: the classifier that ships."""

from pathlib import Path
from typing import TYPE_CHECKING

from bethna_cli.adapters.clocks import FixedClock, SystemClock
from bethna_cli.artifacts.intents import SHA256, SHIPPED
from bethna_cli.language.model import parse
from bethna_cli.language.understand import LocalUnderstander
from bethna_cli.settings import load_settings

if TYPE_CHECKING:
    from bethna_cli.ports import Clock, Understander


def local_understander() -> "Understander":
    """Load the shipped classifier. Raises ModelCorrupt when the file is not what was shipped."""
    content = (Path(__file__).parents[1] / "artifacts" / "intents" / SHIPPED).read_bytes()
    return LocalUnderstander(parse(content, pinned_sha256=SHA256))


def parsing_clock(at: str | None) -> "Clock":
    """Return the clock that "friday" counts from: this machine's, or one that stands at `at`. Raises UsageError."""
    settings = load_settings({"at": at})
    return SystemClock() if settings.at is None else FixedClock(settings.at)
