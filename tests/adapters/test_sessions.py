"""Conversations on disk: whole, private, and gone when their time is over."""

import stat
from datetime import UTC, datetime, timedelta

import pytest

from bethna_cli.adapters.sessions import SessionFiles, session_name
from bethna_cli.domain.conversation import Choice, Choose, Context, Offered, Request, Say, Session, Speaker, Turn
from bethna_cli.domain.errors import KeystoreRefused

AT = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
TURN = Turn(AT, "make it 200", "OPEN_POSITION", (("recommend", "ETH", "--budget", "200"),), 0)
CONTEXT = Context(
    Offered("0123456789abcdef", "ETH", True, ("buy", "eth-call", "--strike", "3200")),
    Request("market", "BTC"),
    Request("recommend", "ETH", view="bullish", budget="200", delta="0.40"),
    "ETH",
    "aaaa1111",
)


@pytest.fixture
def place(tmp_path):
    return tmp_path / "sessions"


def begun(at=AT, network="sim", **more):
    return Session(session_name(at, "abc"), network, **more)


def test_what_was_kept_comes_back_without_its_open_question(place):
    question = Choose(Speaker.COPILOT, "Which?", (Choice("this", Say(Speaker.COPILOT, "that")),))
    asked = Context(CONTEXT.offered, CONTEXT.request, CONTEXT.idea, CONTEXT.asset, CONTEXT.position, question)

    SessionFiles(place).keep(begun(turns=(TURN,), context=asked))

    assert SessionFiles(place).latest("sim") == begun(turns=(TURN,), context=CONTEXT)


def test_the_newest_of_the_same_network_is_gone_on_with(place):
    files = SessionFiles(place)
    for at, network in ((AT, "sim"), (AT + timedelta(hours=1), "sim"), (AT + timedelta(hours=2), "base")):
        files.keep(begun(at, network))

    assert files.latest("sim") == begun(AT + timedelta(hours=1))
    assert files.latest("base-sepolia") is None


def test_nobody_else_may_read_them(place):
    SessionFiles(place).keep(begun())

    modes = {stat.S_IMODE(one.stat().st_mode) for one in place.iterdir()}

    assert (stat.S_IMODE(place.stat().st_mode), modes) == (0o700, {0o600})


def test_a_folder_that_others_can_read_is_refused(place):
    place.mkdir(mode=0o755)

    with pytest.raises(KeystoreRefused):
        SessionFiles(place).keep(begun())


def test_a_damaged_conversation_is_passed_over(place):
    files = SessionFiles(place)
    files.keep(begun(turns=(TURN,)))
    files.keep(begun(AT + timedelta(hours=1)))
    (place / f"{begun(AT + timedelta(hours=1)).name}.json").write_text('{"network": "sim"')

    assert files.latest("sim") == begun(turns=(TURN,))


def test_conversations_are_forgotten_when_their_time_is_over(place):
    files = SessionFiles(place)
    files.keep(begun(AT))
    files.keep(begun(AT + timedelta(days=2)))

    assert files.prune(AT + timedelta(days=1)) == 1
    assert [one.stem for one in place.glob("*.json")] == [begun(AT + timedelta(days=2)).name]
