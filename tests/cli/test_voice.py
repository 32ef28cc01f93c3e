"""How the chat speaks: whole words, no control characters, and a model's words behind a bar."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bethna_cli.cli import voice
from bethna_cli.cli.repl_prompt import wrapped
from bethna_cli.cli.voice import BAR, Quotation, Voice
from bethna_cli.domain.conversation import Speaker


def quoted(pieces, width=40, longest=4_000):
    """Feed pieces, and return what was printed after each and at the end."""
    written: list[str] = []
    seen: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(voice, "_write", written.append)
        quotation = Quotation(width, lambda: None, longest)
        for piece in pieces:
            quotation.feed(piece)
            seen.append("".join(written))
        quotation.end()
    return seen, "".join(written)


def test_half_a_number_is_never_shown():
    seen, whole = quoted(["Spot is 3,1", "00.5", "9 USD."])

    assert seen[0] == f"{BAR}Spot is"
    assert seen[1] == f"{BAR}Spot is"
    assert whole == f"{BAR}Spot is 3,100.59 USD.\n"


def test_every_line_of_a_model_stands_behind_a_bar_within_the_width():
    _, whole = quoted(["To buy, type ab12\n" * 3 + "word " * 50])

    assert all(line.startswith(BAR) and len(line) <= 40 for line in whole.splitlines())


def test_a_long_answer_is_cut_and_says_so():
    _, whole = quoted(["word " * 1_000], longest=100)

    assert whole.endswith("… (cut here)\n")
    assert len(whole) < 200


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=30), max_size=6))
def test_no_model_can_print_a_control_character_or_leave_its_bar(pieces):
    _, whole = quoted(pieces)

    assert all(character.isprintable() or character == "\n" for character in whole)
    assert all(line.startswith(BAR) for line in whole.splitlines())


@given(st.text(st.characters(codec="utf-8"), max_size=80))
def test_no_words_of_an_answer_control_the_terminal(text):
    with pytest.MonkeyPatch.context() as patch:
        import io
        import sys

        stream = io.StringIO()
        patch.setattr(sys, "stdout", stream)
        Voice().say(Speaker.ALPHA, text)

    assert all(character.isprintable() or character == "\n" for character in stream.getvalue())


def test_an_alert_above_the_prompt_is_broken_at_words_and_no_wider_than_the_screen():
    line = "! 02:23 WARNING ETH-4DEC26-3300-C is UNPROTECTED: sign exits: bethna exits 8182b03f --stop-loss 50%"

    lines = wrapped(line, 40).split("\n")

    assert max(map(len, lines)) < 40
    assert " ".join(part.strip() for part in lines) == line
