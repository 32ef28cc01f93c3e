"""Explanations: from the record and the glossary, in the voice of who knows, and with their age."""

import re
from datetime import timedelta

import pytest

from bethna_cli.domain.conversation import Speaker
from bethna_cli.domain.documents import recommendation_document
from bethna_cli.flow.explain import explain
from cards import hold, recommendation

CALL = recommendation_document(recommendation())
HOLD = recommendation_document(hold())
NOW = recommendation().created_at + timedelta(minutes=3)


def words(question, record=CALL):
    return "\n".join(explain(question, record, NOW).lines)


@pytest.mark.parametrize("question", ["why?", "why a call and not a put?", "what are your reasons", "kenapa?"])
def test_the_reasons_are_those_of_the_record_with_its_age(question):
    text = words(question)

    assert CALL["reasons"][0]["text"] in text
    assert "3 min ago" in text


def test_what_can_be_lost_stands_with_its_age():
    text = words("what can I lose?")

    assert f"{CALL['max_loss_usdc']:,.2f} USDC" in text
    assert "95% of outcomes at or below +210.50" in text
    assert "3 min ago" in text


def test_a_hold_is_explained_with_the_candidate_it_refused():
    assert HOLD["candidate"]["refused_because"] in words("why not?", HOLD)


def test_a_word_is_explained_with_its_figure_on_the_table():
    text = words("what is delta?")

    assert text.startswith("Delta:")
    assert f"{CALL['legs'][0]['delta']:+.4g}" in text


@pytest.mark.parametrize(
    ("question", "speaker"),
    [
        ("what is implied volatility", Speaker.ALPHA),
        ("what does slippage mean", Speaker.BETA),
        ("what happens when I approve?", Speaker.BETA),
        ("should i sell now or later?", Speaker.GAMMA),
        ("what's a stop loss", Speaker.GAMMA),
    ],
)
def test_who_knows_best_answers(question, speaker):
    assert explain(question, CALL, NOW).speaker is speaker


def test_without_a_record_there_are_no_figures():
    for question in ("why?", "what is delta", "what can i lose", "how sure are you"):
        assert not re.search(r"\d+\.\d", words(question, None))


def test_what_is_not_known_is_said_so():
    assert not explain("who won the world cup", None, NOW).known
