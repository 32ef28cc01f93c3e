"""A whole journey at a terminal: asked, explained, bought, set to be sold, warned about, and looked back on.

What each stop leaves on the screen is compared with a text of it, figures and ids left out: they differ every time.
"""

import re
from pathlib import Path

import pytest
from cli_process import environment_at
from terminal_screen import Terminal

from bethna_cli.adapters.positions import SqlitePositions
from bethna_cli.domain.chain import CHAIN_IDS
from bethna_cli.domain.position import Position, PositionState

RULE = "sell it if it is up 20% or down 50%"
SCREENS = Path(__file__).parent / "screens"
_HEX = re.compile(r"0x[0-9a-f]{8,}|\b(?=[a-f]*\d)[0-9a-f]{8,16}\b")
_MONTH = re.compile(r"\b(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\b")
_NUMBER = re.compile(r"[-+]?\d+(?:,\d{3})*(?:\.\d+)?")


def skeleton(text: str) -> str:
    """Return what stays the same from run to run: words in their order; ids are #, numbers are 0, lines are joined."""
    kept = [line for line in text.splitlines() if not re.search("[─│┌└┬┴├┤▁-█]", line)]
    words = _MONTH.sub("Month", _NUMBER.sub("0", _HEX.sub("#", " ".join(kept))))
    return " ".join(words.split())


@pytest.fixture
def place(tmp_path, bethna_at):
    """A home whose world is stopped at the end, whatever happens."""
    tmp_path.chmod(0o700)
    yield tmp_path
    bethna_at(tmp_path, ("sim", "down"), None)


@pytest.mark.timeout(300)
def test_a_person_goes_the_whole_way_at_a_terminal(place, bethna_at):
    terminal = Terminal(["chat"], environment_at(place), rows=50)
    screens = {}

    def say(line, after, *, yes=False):
        terminal.enter(line)
        if yes:
            terminal.say_yes()
        terminal.prompt(after)
        screens[line] = skeleton(terminal.answer)

    terminal.prompt()
    welcome = " ".join(terminal.text.split())
    say("I'm bullish on ETH, what should I do with 50 bucks?", "Recommendation")
    strike = _strike_of_a_call_in(terminal.answer)
    say("why?", "ago)")
    purchase = f"buy the {strike} eth call, 7 days, 50 usdc"
    say(purchase, "It is yours", yes=True)
    say("what do I hold?", "not marked yet")
    say(RULE, "(yes or no)")
    say("yes", "take-profit")
    say("/watch --once", "UNPROTECTED")
    say("anything happen overnight?", "UNPROTECTED")
    say("close my eth call", "USDC received", yes=True)
    say("win rate?", "worst fall")
    terminal.type("\x04")
    terminal.until("Goodbye.")
    assert terminal.closes() == 0
    assert [one.state for one in _positions(place)] == [PositionState.CLOSED]
    shown = {"welcome": welcome, "rule": screens[RULE], "receipt": screens[purchase], "why": screens["why?"]}
    assert {
        name: text for name, text in shown.items() if (SCREENS / f"{name}.txt").read_text().strip() not in text
    } == {}
    assert "\x1b]" not in terminal.raw


def _strike_of_a_call_in(answer: str) -> str:
    """Return the strike of the call that a recommendation proposes, or refuses."""
    return re.findall(r"× ([0-9,]+)(?:/[0-9,]+)? call", answer)[0].replace(",", "")


def _positions(home: Path) -> list[Position]:
    """Read what the store holds when everybody has left."""
    positions = SqlitePositions.open(home / "data" / "sim.db", CHAIN_IDS["sim"])
    try:
        return list(positions.all(only_open=False))
    finally:
        positions.close()
