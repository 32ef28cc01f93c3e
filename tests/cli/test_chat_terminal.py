"""The chat at a real terminal: typed into a pseudo-terminal, read off the screen."""

import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cli_process import environment_at
from terminal_screen import Terminal

from bethna_cli.adapters.alerts import SqliteAlerts
from bethna_cli.cli.app import run
from bethna_cli.domain.alert import Alert, Level


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("chat")
    folder.chmod(0o700)
    return folder


@pytest.fixture(scope="module")
def conversation(place: Path) -> Iterator[Terminal]:
    """Hold one conversation for the tests that leave it as they found it, at an empty prompt."""
    terminal = Terminal(["chat"], environment_at(place))
    terminal.prompt()
    yield terminal
    terminal.child.close(force=True)


@pytest.fixture
def chat(conversation: Terminal) -> Terminal:
    conversation.clear()
    return conversation


def test_a_command_is_completed_from_the_registry_and_runs_as_in_the_shell(chat):
    chat.type("/mar\t")
    chat.until("bethna> /market")
    chat.type(" E\t")
    chat.until("bethna> /market ETH")
    chat.type("\r")

    assert "SIMULATED: a made-up market" in chat.prompt("Fear & Greed")


def test_the_toolbar_names_network_wallet_and_the_age_of_the_market(chat):
    chat.enter("any idea for eth?")
    chat.prompt("Recommendation")

    chat.until(" sim  throwaway  market")


def test_several_pasted_lines_are_one_utterance(chat):
    chat.type("\x1b[200~what is\ndelta?\x1b[201~\r")

    chat.prompt("Delta: How much the option's price moves")


def test_several_pasted_commands_run_one_after_the_other(chat):
    chat.type("\x1b[200~/wallet list\n/trades\x1b[201~\r")

    assert "throwaway" in chat.prompt("No trade yet")


def test_ctrl_c_drops_the_line(chat):
    chat.type("send everything")
    chat.until("send everything")
    chat.type("\x03")

    chat.until(lambda text: text.count("bethna>") == 2)


def test_ctrl_c_stops_a_running_command_and_the_conversation_goes_on(chat):
    chat.enter("/sim up")
    chat.until("Ctrl-C stops it")
    chat.type("\x03")
    chat.prompt("goes on from here")
    chat.enter("thanks")

    chat.prompt("You're welcome.")


def test_an_alert_appears_above_the_prompt_while_a_line_is_typed(chat, place):
    chat.type("what do I ho")
    chat.until("what do I ho")
    alerts = SqliteAlerts.open(place / "data" / "sim.db")
    alerts.add(Alert("test:1", Level.CRITICAL, "stop-loss", "ETH call", "Down \x1b[31m50 %"), datetime.now(UTC))
    alerts.close()

    chat.until(lambda text: "CRITICAL ETH call: Down [31m50 %" in text.partition("bethna> what do I ho")[0])
    chat.type("\x03")


def test_the_screen_may_change_its_size(chat):
    chat.resize(50, 30)
    chat.enter("what is theta?")

    text = chat.prompt("Theta:")
    assert max(map(len, text.splitlines())) <= 50


def test_what_was_typed_is_remembered_without_secrets_for_its_owner_alone(chat, place):
    chat.enter("what is gamma?")
    chat.prompt("Gamma:")
    chat.enter("my password is hunter2222")
    chat.prompt("That looked like a key")
    history = place / "data" / "chat" / "history"
    second = Terminal(["chat"], environment_at(place))
    second.prompt()
    second.type("\x1b[A")
    second.until("bethna> what is gamma?")
    second.type("\x03\x04")
    second.until("Goodbye.")

    assert second.closes() == 0
    assert stat.S_IMODE(history.stat().st_mode) == 0o600
    assert "hunter2222" not in history.read_text()


def test_plain_means_no_control_of_the_screen_at_all(place):
    terminal = Terminal(["chat"], environment_at(place), kind="dumb")
    terminal.until("bethna>")
    terminal.enter("what is theta?")
    terminal.until("Theta:")
    terminal.type("\x04")
    terminal.until("Goodbye.")

    assert terminal.closes() == 0
    assert "\x1b" not in terminal.raw


@pytest.mark.parametrize(
    ("flag", "kind", "is_plain"), [(True, "xterm", True), (False, "dumb", True), (False, "xterm", False)]
)
def test_plain_is_what_the_person_asks_for_or_the_terminal_needs(monkeypatch, home, flag, kind, is_plain):
    """Which prompt opens; that the plain one controls nothing is seen at a terminal, above."""
    opened = []
    monkeypatch.setenv("BETHNA_HOME", str(home))
    monkeypatch.setenv("TERM", kind)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("bethna_cli.cli.repl.hold", lambda *_, plain: opened.append(plain) or 0)

    run(("chat", *(["--plain"] if flag else [])))

    assert opened == [is_plain]
