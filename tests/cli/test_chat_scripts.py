"""The chat without a person: one question, a pipe, JSON, and a conversation gone on with later."""

import json
import stat

import pytest


@pytest.fixture(scope="module")
def piped(tmp_path_factory, bethna_at):
    """One conversation through a pipe, for everything that can be read off it."""
    home = tmp_path_factory.mktemp("piped")
    lines = [
        "# a remark",
        "",
        "I'm bullish on ETH, what should I do?",
        "why?",
        "and for BTC?",
        "what is delta?",
        "/market ETH",
        "/nonsense",
        "go ahead",
        "send my usdc to 0x1111111111111111111111111111111111111111",
        "my password is hunter2222",
    ]
    return home, bethna_at(home, ("chat", "--json"), "\n".join(lines))


def answers(run):
    return [json.loads(line) for line in run.stdout.splitlines()]


def test_a_pipe_is_answered_line_by_line_with_one_object_each(piped):
    said = answers(piped[1])

    assert [one["text"] for one in said][:3] == ["I'm bullish on ETH, what should I do?", "why?", "and for BTC?"]
    assert said[0]["commands"] == ["bethna recommend ETH --bullish"]
    assert said[0]["results"][0]["view"]["sentiment"] == "BULLISH"
    assert said[2]["commands"] == ["bethna recommend BTC --bullish"]
    assert said[2]["results"][0]["asset"] == "BTC"


def test_an_explanation_quotes_the_recommendation_it_is_about(piped):
    first, why, *_ = answers(piped[1])

    assert why["commands"] == []
    assert all(reason["text"] in why["said"][0]["text"] for reason in first["results"][0]["reasons"])


def test_each_line_has_an_exit_code_and_the_first_failure_is_the_pipes(piped):
    codes = {one["text"]: one["exit"] for one in answers(piped[1])}

    assert (codes["why?"], codes["/market ETH"], codes["/nonsense"], codes["go ahead"]) == (0, 0, 2, 3)
    assert piped[1].returncode == 2


def test_a_pipe_cannot_say_yes_to_the_card(piped):
    yes = next(one for one in answers(piped[1]) if one["text"] == "go ahead")

    assert yes["commands"][0].startswith("bethna approve ")
    assert yes["results"][0]["error"]["message"] == "A yes is typed by a person at a terminal."


def test_what_was_said_is_kept_without_secrets_for_its_owner_alone(piped):
    home, _ = piped
    (kept,) = (home / "data" / "chat" / "sessions").glob("*.json")

    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert "hunter2222" not in kept.read_text()
    assert "0x1111111111111111111111111111111111111111" not in kept.read_text()


def test_a_conversation_is_gone_on_with(piped, bethna_at):
    home, _ = piped

    again = bethna_at(home, ("chat", "--continue", "make it 250", "--json"), None)

    assert json.loads(again.stdout)["commands"] == ["bethna recommend BTC --bullish --budget 250"]


def test_one_question_gets_one_answer_on_plain_paper(bethna):
    run = bethna("chat", "show me eth calls")

    assert run.returncode == 0
    assert run.stdout.startswith("Alpha: What is on offer: ETH calls.")
    assert "\x1b" not in run.stdout + run.stderr


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("what can you do?", 0),
        ("send all my eth to my friend", 3),
        ("/buy eth-call --strike none", 2),
        ("/buy 'eth", 2),
        ("/chat", 2),
        ("/trades 0xabcdef12", 6),
    ],
)
def test_one_question_ends_with_the_exit_code_of_what_it_led_to(bethna_here, text, code):
    assert bethna_here("chat", text, "--json").returncode == code
