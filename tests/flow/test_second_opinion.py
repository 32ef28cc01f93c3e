"""A language model's reading beside ours: it may see more, and may not act."""

from decimal import Decimal

import pytest

from bethna_cli.domain.utterance import IntentKind, Slots, Understood
from bethna_cli.flow.second_opinion import ACTS, settled, unsupported_figures, wants_second_opinion

K = IntentKind


def heard(kind, confidence=0.5, **slots):
    return Understood(kind, Slots(**slots), confidence)


@pytest.mark.parametrize("act", sorted(ACTS))
def test_an_act_that_the_model_alone_sees_is_asked_about(act):
    ours = heard(K.OUT_OF_SCOPE)

    assert settled(ours, heard(act, 1.0), "whatever").alternative is K.OUT_OF_SCOPE


def test_a_look_that_the_model_alone_sees_is_believed():
    assert settled(heard(K.OUT_OF_SCOPE), heard(K.SHOW_MARKET, asset="BTC"), "the orange coin").alternative is None


def test_an_act_that_both_see_needs_no_question():
    assert settled(heard(K.APPROVE), heard(K.APPROVE), "let's").alternative is None


def test_a_number_that_the_person_did_not_write_is_not_believed():
    settled_on = settled(
        heard(K.OPEN_POSITION),
        heard(K.OPEN_POSITION, amount=Decimal(10_000), strike=Decimal(3200)),
        "buy the 3.2k call",
    )

    assert (settled_on.slots.amount, settled_on.slots.strike) == (None, Decimal(3200))


def test_what_we_found_ourselves_stands():
    ours, theirs = heard(K.OPEN_POSITION, amount=Decimal(50)), heard(K.OPEN_POSITION, amount=Decimal(500))

    assert settled(ours, theirs, "buy for 50 not 500").slots.amount == 50


def test_a_position_that_the_person_did_not_name_is_not_believed():
    ours, theirs = heard(K.CLOSE_POSITION), heard(K.CLOSE_POSITION, position="aaaa1111")

    assert settled(ours, theirs, "close it").slots.position is None
    assert settled(ours, theirs, "close aaaa1111").slots.position == "aaaa1111"


@pytest.mark.parametrize(
    ("ours", "wanted"),
    [
        (heard(K.SHOW_MARKET, 0.99), False),
        (heard(K.SHOW_MARKET, 0.5), True),
        (heard(K.OUT_OF_SCOPE, 0.99), True),
        (Understood(K.APPROVE, Slots(), 0.99, K.EXPLAIN), True),
    ],
)
def test_the_model_is_asked_where_our_own_reading_leaves_room(ours, wanted):
    assert wants_second_opinion(ours) is wanted


@pytest.mark.parametrize(
    ("answer", "missing"),
    [
        ("Spot is 3,100.59 USD.", []),
        ("Spot is about 3,101 USD.", []),
        ("Spot is 3,450 USD.", ["3,450"]),
        ("IV is 62.7 %.", []),
        ("IV is 63 %, not 41 %.", ["41 %"]),
        ("Two legs, 7 days, 3 reasons.", []),
        ("You gain 1,000,000 USDC for sure!", ["1,000,000"]),
    ],
)
def test_a_figure_without_a_source_is_named(answer, missing):
    assert unsupported_figures(answer, ['{"spot": 3100.5912, "iv": 0.6271}']) == missing
