"""A whole journey at a terminal: asked, explained, bought, set to be sold, warned about, and looked back on.

What each stop leaves on the screen is compared with a text of it, figures and ids left out: they differ every time.
"""

import json
import re
from pathlib import Path

import pytest
from cli_process import environment_at
from terminal_screen import Terminal

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
    strike = _strike_on_offer(place, bethna_at)
    say("I'm bullish on ETH, what should I do with 50 bucks?", "Recommendation")
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
    held = bethna_at(place, ("positions", "--all", "--json"), None)

    assert terminal.closes() == 0
    assert [one["state"] for one in json.loads(held.stdout)] == ["CLOSED"]
    shown = {"welcome": welcome, "rule": screens[RULE], "receipt": screens[purchase], "why": screens["why?"]}
    assert {
        name: text for name, text in shown.items() if (SCREENS / f"{name}.txt").read_text().strip() not in text
    } == {}
    assert "\x1b]" not in terminal.raw


def _strike_on_offer(home: Path, bethna_at) -> str:
    """Return a strike that a call is offered at, near the price."""
    offers = json.loads(bethna_at(home, ("strategies", "eth-call", "--json"), None).stdout)
    nearest = min(offers, key=lambda offer: abs(offer["delta"] - 0.5))
    return f"{nearest['strike']:g}"
