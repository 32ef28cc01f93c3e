"""What a stranger writes reaches the screen as plain text on one line, whatever it was meant to do there."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bethna_cli.domain.text import clean

FRAGMENTS = (
    "\x1b[2J\x1b[H \x1b]0;owned\x07 \x1b]52;c;aGk=\x1b\\ \x1b]8;;http://x\x1b\\ \x9b31m \x9d0;t\x9c \x90q \r \n "
    "\x08 \x7f \x85 \x00 \u202e \u2066 \u2069 \u200b \u200d \ufeff \u2028 \ud800 \U000e0041 \ue000 \ufff9 \u3164 "
    "\u0301\u0301\u0301\u0301 [red] [/] <b> $ETH 🚀 é"
)
STRINGS = st.lists(st.sampled_from(FRAGMENTS.split(" ")) | st.text(max_size=8), max_size=24).map("".join)
BIDI = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


def obeys_the_contract(text: str, limit: int) -> bool:
    """Whether a line holds nothing a terminal would act on, and can be written as UTF-8."""
    text.encode("utf-8")
    return (
        len(text) <= limit
        and not any(unicodedata.category(c) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"} for c in text)
        and not any(unicodedata.bidirectional(c) in BIDI for c in text)
        and text == " ".join(text.split())
    )


@settings(max_examples=300, deadline=None)
@given(STRINGS, st.integers(1, 120))
def test_no_control_character_survives(text: str, limit: int) -> None:
    assert obeys_the_contract(clean(text, limit), limit)


@pytest.mark.slow
@settings(max_examples=10_000, deadline=None)
@given(STRINGS, st.integers(1, 120))
def test_no_control_character_survives_in_ten_thousand_strings(text: str, limit: int) -> None:
    assert obeys_the_contract(clean(text, limit), limit)


@settings(max_examples=200, deadline=None)
@given(STRINGS, st.integers(1, 120))
def test_cleaning_twice_changes_nothing_more(text: str, limit: int) -> None:
    once = clean(text, limit)

    assert clean(once, limit) == once


@pytest.mark.parametrize(
    ("hostile", "printed"),
    [
        ("\x1b[31mETH\x1b[0m", "[31mETH[0m"),
        ("\x1b]0;your wallet\x07ETH", "]0;your walletETH"),
        ("\x1b]52;c;cm0gLXJm\x1b\\", "]52;c;cm0gLXJm\\"),
        ("\x9b2JETH", "2JETH"),
        ("100 USDC\r999", "100 USDC 999"),
        ("up\n\n\tdown", "up down"),
        ("\u202eCDSU 001\u202c", "CDSU 001"),
        ("sc\u200bam", "scam"),
        ("a\u0301\u0301\u0301\u0301\u0301", "a\u0301\u0301"),
        ("broken \ud83d half", "broken half"),
        ("[bold red]ETH[/]", "[bold red]ETH[/]"),
        ("to the moon 🚀 ❤️", "to the moon 🚀 ❤"),
        ("Köln 東京 Привет", "Köln 東京 Привет"),
    ],
)
def test_an_escape_is_taken_apart_and_ordinary_words_stay(hostile: str, printed: str) -> None:
    assert clean(hostile, 80) == printed


def test_a_long_text_is_cut_with_a_mark() -> None:
    assert clean("ETH will rise", 8) == "ETH wil…"
    assert clean("ETH will rise", 13) == "ETH will rise"


def test_padding_with_invisible_characters_is_cut_too() -> None:
    assert clean("a" + "\u200b" * 1000 + "b", 8) == "a…"


def test_a_length_below_one_is_a_mistake() -> None:
    with pytest.raises(ValueError):
        clean("ETH", 0)
