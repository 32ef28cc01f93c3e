"""The tour: it says what a person would say, stops when it should, and stays out of real money."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from cli_process import environment_at
from terminal_screen import Terminal

from bethna_cli.cli.tour import FAREWELL, NOT_HERE, STOPS, take_tour
from bethna_cli.domain.conversation import Confirm, Context, Run, Session, Speaker

ASKED = Confirm(Speaker.BETA, "Anyway?", Run(Speaker.BETA, ("buy", "eth-call")))


class Listener:
    """Hears lines as a conversation does. pending_after: the line after which it asks; fails_at: the one that fails."""

    def __init__(self, network="sim", pending_after=None, fails_at=None):
        self.heard = []
        self.session = Session("x", network)
        self._pending_after, self._fails_at = pending_after, fails_at

    @property
    def context(self):
        return replace(Context(), pending=ASKED if self.heard[-1] == self._pending_after else None)

    def hear(self, line):
        self.heard.append(line)
        return SimpleNamespace(exit_code=3 if line == self._fails_at else 0)


def toured(listener, answers=(True,) * 20):
    shown, waits = [], iter(answers)
    take_tour(listener, lambda: next(waits), shown.append)
    return shown


def test_the_tour_says_its_lines_one_after_the_other():
    listener = Listener()

    assert toured(listener)[-1] == FAREWELL
    assert listener.heard == [stop.line for stop in STOPS]


def test_against_a_hold_the_tour_says_yes_itself_because_the_money_is_pretend():
    listener = Listener(pending_after="looks good, go ahead")
    toured(listener)

    assert listener.heard[4:5] == ["yes"]


def test_whoever_leaves_the_tour_is_let_go():
    listener = Listener()
    toured(listener, (True, False))

    assert listener.heard == [STOPS[0].line]


def test_the_tour_ends_where_a_stop_does_not_work_out():
    listener = Listener(fails_at="looks good, go ahead")

    assert "ends here" in toured(listener)[-1]
    assert listener.heard[-1] == "looks good, go ahead"


@pytest.mark.parametrize("network", ["base", "base-sepolia"])
def test_there_is_no_tour_where_money_is_real(network):
    listener = Listener(network)

    assert toured(listener) == [NOT_HERE]
    assert listener.heard == []


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_tour_ends_with_a_trade_that_is_bought_and_watched(tmp_path, bethna_at):
    tmp_path.chmod(0o700)
    terminal = Terminal(["chat"], environment_at(tmp_path), rows=50)
    terminal.prompt("First time here?")
    terminal.enter("/tour")
    for number in range(1, len(STOPS) + 1):
        terminal.until(lambda text, number=number: f"{number}/7" in text and text.rstrip().endswith("q leaves:"))
        terminal.type("\r")
        if STOPS[number - 1].line == "looks good, go ahead":
            terminal.say_yes()

    text = terminal.prompt("That was the whole journey")
    terminal.child.close(force=True)
    stopped = [bethna_at(tmp_path, words, None).returncode for words in (("watch", "stop"), ("sim", "down"))]

    assert "Marked" in text
    assert stopped == [0, 0]
