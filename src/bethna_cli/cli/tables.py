"""Small pieces of the screen: plain tables, numbers as people read them, words for age and state.

Everything that may come from outside enters as `Text`, so that markup in it is only characters.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from rich import box
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from bethna_cli.domain.market import Origin, Part, Status
from bethna_cli.domain.text import clean

STATUS_STYLES = {Status.OK: "green", Status.STALE: "yellow", Status.FAILED: "red", Status.DISABLED: "dim"}
ORIGIN_WORDS = {Origin.LIVE: "live", Origin.SIMULATED: "simulated", Origin.REPLAY: "replay"}
LONGEST_LINE = 400


def table(*columns: str, right: Sequence[str] = ()) -> Table:
    """Return an empty table with a rule under its head; columns named in `right` hold numbers."""
    grid = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, expand=False)
    for column in columns:
        grid.add_column(Text(column), justify="right" if column in right else "left", overflow="fold")
    return grid


def pairs() -> Table:
    """Return an empty two-column table without a head: a name and what belongs to it."""
    grid = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0), expand=False)
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    return grid


def words(text: str, style: str = "", limit: int = LONGEST_LINE) -> Text:
    """Return text that may be a stranger's as literal, printable characters on one line."""
    return Text(clean(text, limit), style=style)


def indented(text: Text) -> Padding:
    """Return text a little to the right, its further lines too."""
    return Padding(text, (0, 0, 0, 2))


def usd(value: Decimal | float, places: int = 2) -> str:
    """Write dollars with thousands separators, the sign before the number."""
    return f"{value:,.{places}f}"


def signed(value: Decimal | float) -> str:
    """Write a gain or a loss with its sign."""
    return f"{value:+,.2f}"


def share(value: float | None) -> str:
    """Write a fraction as per cent."""
    return "–" if value is None else f"{value:.1%}".replace("%", " %")


def signed_share(value: float | None) -> str:
    """Write a gain or a loss as per cent with its sign."""
    return "–" if value is None else f"{value:+.1%}".replace("%", " %")


def moment(at: datetime) -> str:
    """Write a time to the minute, UTC."""
    return at.strftime("%Y-%m-%d %H:%M UTC")


def age(seconds: float | None) -> str:
    """Write an age in the largest unit that leaves at least one of it."""
    if seconds is None:
        return "–"
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def state(part: Part[object]) -> Text:
    """Write how far a part can be trusted."""
    return Text(part.status.value, style=STATUS_STYLES[part.status])
