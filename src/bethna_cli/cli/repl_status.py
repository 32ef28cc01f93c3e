"""The state of things at the prompt: the bottom toolbar, the same in words, and alerts as they come."""

import time
from collections.abc import Callable, Iterator

from prompt_toolkit.formatted_text import StyleAndTextTuples

from bethna_cli.bootstrap.glance import Glance, Glancer
from bethna_cli.cli.figures import age
from bethna_cli.domain.alert import KeptAlert, Level
from bethna_cli.domain.errors import BethnaError

FRESH_FOR_S = 1.0
MARKS = {Level.INFO: "·", Level.WARNING: "!", Level.CRITICAL: "!!"}


class Status:
    """What a glance shows, looked up at most once a second; what cannot be read is not shown."""

    def __init__(self, glancer: Glancer, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._glancer = glancer
        self._monotonic = monotonic
        self._looked_at = float("-inf")
        self._parts: StyleAndTextTuples = []

    def toolbar(self) -> StyleAndTextTuples:
        """Return the parts of the toolbar, each with its style."""
        if self._monotonic() - self._looked_at >= FRESH_FOR_S:
            self._looked_at = self._monotonic()
            try:
                self._parts = parts(self._glancer.look())
            except BethnaError as error:
                self._parts = [("class:bad", f" {error.code} ")]
        return self._parts

    def line(self) -> str:
        """Return the same in one line of plain words."""
        return "".join(part[1] for part in self.toolbar()).strip()

    def news(self) -> Iterator[str]:
        """Give the new alerts, a line each."""
        try:
            fresh = self._glancer.news()
        except BethnaError:
            return
        yield from map(alert_line, fresh)


def parts(glance: Glance) -> StyleAndTextTuples:
    """Lay out a glance: network, wallet, open profit or loss, age of the market, watcher."""
    kind = "sim" if glance.network == "sim" else "real"
    found: StyleAndTextTuples = [(f"class:network.{kind}", f" {glance.network} ")]
    found.append(("", f" {glance.wallet or 'no wallet'} "))
    if glance.gain is not None:
        style = "class:good" if glance.gain >= 0 else "class:bad"
        found.append((style, f" P&L {glance.gain:+,.2f} USDC ({age(glance.gain_age_s)} old) "))
    elif glance.open:
        found.append(("", f" {glance.open} open, P&L not known "))
    if glance.market_age_s is not None:
        found.append(("", f" market {age(glance.market_age_s)} old "))
    if glance.watched:
        found.append(("class:good", " watched "))
    else:
        found.append(("class:bad", " NOT WATCHED ") if glance.open else ("", " no watcher "))
    return found


def alert_line(kept: KeptAlert) -> str:
    """Write an alert as one line; its words were cleaned when it was made."""
    alert = kept.alert
    return f"{MARKS[alert.level]} {kept.at:%H:%M} {alert.level.value} {alert.title}: {alert.text}"
