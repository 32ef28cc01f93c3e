"""One turn of a conversation: what goes wrong in it is told, and the next turn is heard."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from bethna_cli.bootstrap.chat import chat_desk, session_to_hold
from bethna_cli.cli.talk import Talk, typed_command
from bethna_cli.cli.voice import Voice
from bethna_cli.domain.errors import KeystoreRefused
from bethna_cli.settings import load_settings


@pytest.fixture
def talk(home, monkeypatch) -> Callable[..., Talk]:
    """Begin a conversation whose desk has some things changed."""
    monkeypatch.setenv("BETHNA_HOME", str(home))

    def begin(run: Callable[[Sequence[str]], int] = lambda _: 0, **changed) -> Talk:
        desk = replace(chat_desk(load_settings()), **changed)
        return Talk(desk, Voice(), run, session_to_hold(desk, go_on=False))

    return begin


class Once:
    """Raises once, and is then what it stands for."""

    def __init__(self, error: BaseException, then):
        self._error, self._then = error, then

    def __call__(self, *arguments):
        if self._error is not None:
            error, self._error = self._error, None
            raise error
        return self._then(*arguments)


def test_a_bug_of_ours_ends_the_turn_and_not_the_conversation(talk, capsys):
    broken = Once(ZeroDivisionError("hunter2"), chat_desk(load_settings()).understander)
    conversation = talk(understander=broken)

    codes = [conversation.hear(line).exit_code for line in ("thanks", "thanks")]

    said = capsys.readouterr()
    assert codes == [1, 0]
    assert "ZeroDivisionError" in said.err
    assert "hunter2" not in said.err
    assert "You're welcome." in said.out


def test_ctrl_c_in_a_command_ends_the_turn_and_not_the_conversation(talk):
    conversation = talk(Once(KeyboardInterrupt(), lambda _: 0))

    assert [conversation.hear("/market ETH").exit_code for _ in range(2)] == [130, 0]


def test_a_conversation_that_cannot_be_kept_goes_on_and_says_so(talk, capsys):
    class Full:
        def keep(self, session):
            raise KeystoreRefused("the disk is full")

    conversation = talk(sessions=Full())

    assert conversation.hear("thanks").exit_code == 0
    assert "not kept: the disk is full" in " ".join(capsys.readouterr().err.split())


def test_what_is_kept_holds_no_secret_of_a_command(talk):
    conversation = talk()
    conversation.hear("/wallet import mine --watch 0x" + "ab" * 20)

    (turn,) = conversation.session.turns
    assert "ab" * 20 not in repr(turn)


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("/market ETH", ("market", "ETH")),
        ("  /positions  ", ("positions",)),
        ("bethna buy eth-call --strike 3200", ("buy", "eth-call", "--strike", "3200")),
        ('/reject 3f2a --reason "too dear"', ("reject", "3f2a", "--reason", "too dear")),
        ("/", ()),
        ("bethna is a nice name", None),
        ("market ETH", None),
        ("what do I hold?", None),
    ],
)
def test_a_slash_or_a_pasted_command_line_is_a_command(line, command):
    assert typed_command(line) == command
