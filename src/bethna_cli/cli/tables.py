"""Small pieces of the screen: plain tables, lines of words, a word for a state.

Everything that may come from outside enters as `Text`, so that markup in it is only characters.
"""

from collections.abc import Sequence

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


def state(part: Part[object]) -> Text:
    """Write how far a part can be trusted."""
    return Text(part.status.value, style=STATUS_STYLES[part.status])
