"""Values in an utterance: what is written in any usual way is read back as what was meant, and nothing else is."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bethna_cli.domain.utterance import Feeling, IntentKind, OptionSide
from bethna_cli.language.marks import mark
from bethna_cli.language.slots import shock_of, slots_of
from bethna_cli.language.words import fold

TODAY = date(2026, 11, 25)
BUY = IntentKind.OPEN_POSITION
ASK = IntentKind.REQUEST_TRADE_RECOMMENDATION
RULE = IntentKind.SET_EXIT_RULE

AMOUNTS = ("${:,}", "{} usdc", "{:,} USDC", "{} bucks", "{} dollars", "$ {}")
SPANS = ("{}d", "{} days", "{}-day", "{} hari")
STRIKES = ("the {} eth call", "eth call strike {}", "eth {}c", "a call on eth at {:,}", "eth call @ {}")


def slots(text: str, kind: IntentKind):
    return slots_of(mark(fold(text), TODAY), kind)


@given(st.integers(1, 999_999), st.sampled_from(AMOUNTS))
def test_an_amount_is_read_back_however_it_is_written(amount, style):
    assert slots(f"an idea for eth with {style.format(amount)} please", ASK).amount == amount


@given(st.integers(1, 999), st.sampled_from(("{}k usdc", "${}k", "{} thousand dollars", "{} grand")))
def test_thousands_are_read_back(thousands, style):
    assert slots(f"i have {style.format(thousands)}", ASK).amount == 1000 * thousands


@given(st.integers(500, 99_999), st.sampled_from(STRIKES))
def test_a_strike_is_read_back_however_it_is_written(strike, style):
    found = slots(f"buy {style.format(strike)} for 100 usdc", BUY)

    assert (found.strike, found.amount, found.option_type) == (strike, 100, OptionSide.CALL)


@given(st.integers(1, 400), st.sampled_from(SPANS))
def test_a_span_is_read_back(days, style):
    assert slots(f"buy the 3200 eth call, {style.format(days)}", BUY).expiry_days == days


@given(st.integers(0, 364), st.sampled_from(("%d %b", "%d %B", "%b %d", "%Y-%m-%d")))
def test_a_date_counts_the_days_until_it_comes(ahead, style):
    text = f"eth call expiring {(TODAY + timedelta(ahead)).strftime(style)}"

    assert slots(text, IntentKind.BROWSE_STRATEGIES).expiry_days == ahead


@given(st.integers(1, 100), st.integers(1, 500))
def test_a_stop_and_a_target_are_told_apart(stop, take):
    for text in (f"stop {stop}% target {take}%", f"tp {take}, sl {stop}", f"-{stop}% stop, +{take}% take profit"):
        found = slots(text, RULE)
        assert (found.stop_loss_pct, found.take_profit_pct) == (stop, take), text


@given(st.text("0123456789abcdef", min_size=4, max_size=64))
@example("bc00")  # "bc" alone is short for because
@example("000d")  # no number of days
def test_an_id_is_read_back(digits):
    assert slots(f"close position {digits}", IntentKind.CLOSE_POSITION).position == digits


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("eth puts for two weeks", 14),
        ("eth puts until friday", 2),
        ("eth puts next friday", 2),
        ("eth puts expiring tomorrow", 1),
        ("eth puts, end of month", 5),
        ("eth puts in a fortnight", 14),
        ("eth puts for 36 hours", 1.5),
        ("put eth minggu depan", 7),
        ("eth puts seminggu", 7),
        ("eth puts like those 2 weeks ago", None),
        ("eth puts, as in the last 7 days", None),
    ],
)
def test_days_count_from_the_clock_and_the_past_is_no_expiry(text, days):
    assert slots(text, IntentKind.BROWSE_STRATEGIES).expiry_days == days


def test_the_same_words_mean_another_day_on_another_day():
    words = fold("eth puts until friday")

    assert slots_of(mark(words, date(2026, 11, 26)), IntentKind.BROWSE_STRATEGIES).expiry_days == 1


@pytest.mark.parametrize(
    ("text", "stop", "take"),
    [
        ("close it if it doubles", None, 100),
        ("sell when it triples", None, 200),
        ("get out if it loses half", 50, None),
        ("close my btc call if it's up 20%", None, 20),
        ("sell when i'm down by 30 percent", 30, None),
        ("lower the stop from 30% to 20%", 20, None),
        ("jual kalau untung 50%", None, 50),
    ],
)
def test_a_condition_gives_the_level(text, stop, take):
    found = slots(text, RULE)

    assert (found.stop_loss_pct, found.take_profit_pct) == (stop, take)


@pytest.mark.parametrize(
    ("text", "feeling"),
    [
        ("i'm bullish on eth", Feeling.BULLISH),
        ("btc will crash", Feeling.BEARISH),
        ("i don't think eth goes up", Feeling.BEARISH),
        ("eth just chops sideways", Feeling.NEUTRAL),
        ("a big move either way", Feeling.VOLATILE),
        ("should i go long or short", None),
        ("limited downside please", None),
    ],
)
def test_an_opinion_is_heard_only_where_there_is_one(text, feeling):
    assert slots(text, ASK).sentiment == feeling


@pytest.mark.parametrize("word", ["ETH", "ether", "Ethereum", "eth-usd", "$eth", "etherium", "ETH's", "weth"])
def test_an_asset_has_many_names(word):
    assert slots(f"price of {word}", IntentKind.SHOW_MARKET).asset == "ETH"


@pytest.mark.parametrize("text", ["put a stop at 20% on it", "call me later", "let's call it a day", "i put 50 in"])
def test_a_verb_is_no_option(text):
    assert slots(text, BUY).option_type is None


@pytest.mark.parametrize(
    ("text", "shock"),
    [
        ("what if eth drops 10%", -10),
        ("eth +15%, then what", 15),
        ("a 20% crash", -20),
        ("if btc rallies 5%", 5),
    ],
)
def test_a_what_if_has_a_direction(text, shock):
    assert shock_of(mark(fold(text), TODAY)) == shock


def test_a_price_that_something_moves_to_is_no_amount():
    found = slots("what if i buy and eth falls below $2,500", ASK)

    assert (found.amount, found.strike) == (None, None)


def test_amounts_are_exact():
    assert slots("with $99.95", ASK).amount == Decimal("99.95")
