"""How well bethna understands people it has not learned from, and that no trap makes it believe in an order."""

from collections.abc import Sequence

import pytest
from utterance_sets import NOW, Labelled, macro_f1, read

from bethna_cli.bootstrap.language import local_understander
from bethna_cli.domain.utterance import IntentKind, utterance_document
from bethna_cli.language.understand import LocalUnderstander


@pytest.fixture(scope="module")
def understander() -> LocalUnderstander:
    return local_understander()


@pytest.fixture(scope="module")
def held_out(understander) -> Sequence[tuple[Labelled, dict[str, object]]]:
    """The held-out utterances, each with what was understood of it."""
    return [(row, utterance_document(understander.understand(row.text, NOW))) for row in read("held_out.txt")]


def test_the_held_out_set_is_large_and_knows_every_kind(held_out):
    kinds = [row.kind for row, _ in held_out]

    assert len(kinds) >= 400
    assert min(kinds.count(kind.value) for kind in IntentKind) >= 25


def test_what_is_meant_is_found_in_at_least_92_of_100_unseen_utterances(held_out):
    pairs = [(row.kind, found["intent"]) for row, found in held_out]

    assert sum(true == found for true, found in pairs) / len(pairs) >= 0.92
    assert macro_f1(pairs) >= 0.90


def test_every_slot_is_exact_in_at_least_90_of_100_unseen_utterances(held_out):
    exact = [row.slots == found["slots"] for row, found in held_out]

    assert sum(exact) / len(exact) >= 0.90


def test_at_most_one_unseen_utterance_in_200_is_wrongly_taken_for_an_order(held_out):
    wrong = [
        row.text for row, found in held_out if found["intent"] != row.kind and IntentKind(found["intent"]).is_money
    ]

    assert len(wrong) / len(held_out) <= 0.005, wrong


@pytest.mark.parametrize("trap", sorted({row.kind for row in read("traps.txt")}))
def test_no_trap_is_taken_for_an_order(understander, trap):
    traps = [row.text for row in read("traps.txt") if row.kind == trap]

    assert [text for text in traps if understander.understand(text, NOW).kind.is_money] == []


def test_the_same_words_without_the_trap_are_an_order(understander):
    """Without this, a classifier that never finds an order would pass."""
    orders = ("sell my eth call", "approve this", "buy the 3200 eth call for 100 usdc", "go ahead", "close everything")

    assert [text for text in orders if not understander.understand(text, NOW).kind.is_money] == []
