"""What a turn leads to: by what was understood, and by what is on the table."""

import re
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bethna_cli.domain.conversation import (
    Choose,
    Confirm,
    Context,
    Explain,
    Held,
    Offered,
    Request,
    Run,
    Say,
    Speaker,
    TakeToCard,
)
from bethna_cli.domain.utterance import Feeling, IntentKind, OptionSide, Slots, Understood
from bethna_cli.flow.converse import reply

K = IntentKind
ETH_CALL = Held("aaaa1111", "0x" + "aaaa1111" * 8, "ETH", "CALL", "ETH 3200 call, 04 Dec")
BTC_CALL = Held("bbbb2222", "0x" + "bbbb2222" * 8, "BTC", "CALL", "BTC 100000 call, 04 Dec")
BTC_PUT = Held("cccc3333", "0x" + "cccc3333" * 8, "BTC", "PUT", "BTC 90000 put, 04 Dec")
HELD = (ETH_CALL, BTC_CALL, BTC_PUT)
OFFERED = Offered("0123456789abcdef", "ETH", is_hold=False)
HOLD = Offered("0123456789abcdef", "ETH", is_hold=True, buy_line=("buy", "eth-call", "--strike", "3200"))
IDEA = Request("recommend", "ETH", view="bullish", budget="100")
ASKED = Context(OFFERED, IDEA, IDEA, "ETH")
NOTHING = Context()


def said(kind, context=NOTHING, text="whatever this says", held=HELD, alternative=None, shock=None, **slots):
    """Answer a turn that was understood as `kind` with these slots."""
    understood = Understood(kind, Slots(**slots), 0.99, alternative, shock)
    return reply(text, understood, context, held)[0]


def command(step):
    assert isinstance(step, Run)
    return " ".join(step.command)


@pytest.mark.parametrize(
    ("kind", "slots", "line"),
    [
        (K.REQUEST_TRADE_RECOMMENDATION, {"asset": "BTC"}, "recommend BTC"),
        (K.REQUEST_TRADE_RECOMMENDATION, {"asset": "ETH", "sentiment": Feeling.BULLISH}, "recommend ETH --bullish"),
        (
            K.REQUEST_TRADE_RECOMMENDATION,
            {"asset": "ETH", "sentiment": Feeling.BEARISH, "amount": Decimal(50), "expiry_days": 14.0},
            "recommend ETH --bearish --expiry 14d --budget 50",
        ),
        (K.BROWSE_STRATEGIES, {"asset": "BTC", "option_type": OptionSide.PUT}, "strategies btc-put"),
        (K.BROWSE_STRATEGIES, {}, "strategies eth"),
        (
            K.OPEN_POSITION,
            {"asset": "ETH", "option_type": OptionSide.CALL, "strike": Decimal(3200), "amount": Decimal(100)},
            "buy eth-call --strike 3200 --amount 100",
        ),
        (K.SHOW_POSITIONS, {}, "positions"),
        (K.SHOW_MARKET, {"asset": "BTC"}, "market BTC"),
        (K.SHOW_RISK, {}, "risk"),
        (K.SHOW_HISTORY, {}, "history"),
        (K.SHOW_ALERTS, {}, "alerts"),
        (K.CLOSE_POSITION, {"asset": "ETH"}, "close aaaa1111"),
        (K.CLOSE_POSITION, {"asset": "BTC", "option_type": OptionSide.PUT}, "close cccc3333"),
        (K.CLOSE_POSITION, {"position": "bbbb"}, "close bbbb2222"),
    ],
)
def test_a_wish_becomes_the_command_line_that_a_person_would_type(kind, slots, line):
    assert command(said(kind, **slots)) == line


def test_a_fall_that_is_asked_about_becomes_a_shock():
    assert command(said(K.SHOW_RISK, shock=-10.0)) == "risk --shock=-10%"


def test_a_purchase_of_ones_own_goes_on_to_the_card():
    step = said(K.OPEN_POSITION, asset="ETH", option_type=OptionSide.CALL, strike=Decimal(3200))

    assert step.to_card


def test_a_purchase_without_a_strike_shows_what_is_on_offer_and_buys_nothing():
    step = said(K.OPEN_POSITION, asset="ETH", option_type=OptionSide.PUT)

    assert (command(step), step.to_card) == ("strategies eth-put", False)


def test_a_purchase_without_a_side_asks_for_it():
    assert isinstance(said(K.OPEN_POSITION, asset="ETH", strike=Decimal(3200)), Choose)


def test_a_yes_takes_what_is_on_the_table_to_the_card():
    assert said(K.APPROVE, ASKED) == TakeToCard()


def test_a_yes_to_nothing_is_refused():
    step = said(K.APPROVE)

    assert isinstance(step, Say)
    assert (step.speaker, step.exit_code) == (Speaker.BETA, 3)


def test_a_yes_to_a_hold_is_asked_about_and_never_bought_at_once():
    context = replace(ASKED, offered=HOLD)
    question, pending = reply("go ahead", Understood(K.APPROVE, Slots(), 0.99), context, HELD)
    assert isinstance(question, Confirm)

    step, _ = reply("yes", Understood(K.APPROVE, Slots(), 0.99), pending, HELD)

    assert (command(step), step.to_card) == ("buy eth-call --strike 3200", True)


def test_a_no_rejects_what_is_on_the_table():
    assert command(said(K.REJECT, ASKED)) == f"reject {OFFERED.id}"


def test_a_no_to_nothing_does_nothing():
    assert isinstance(said(K.REJECT), Say)


# ── follow-ups ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "slots", "line"),
    [
        ("and for BTC?", {"asset": "BTC"}, "recommend BTC --bullish --budget 100"),
        ("what about bitcoin", {"asset": "BTC"}, "recommend BTC --bullish --budget 100"),
        ("make it 200", {"amount": Decimal(200)}, "recommend ETH --bullish --budget 200"),
        ("make it $1.5k instead", {"amount": Decimal(1500)}, "recommend ETH --bullish --budget 1500"),
        ("closer strike", {}, "recommend ETH --bullish --budget 100 --delta 0.40"),
        ("a cheaper one", {}, "recommend ETH --bullish --budget 100 --delta 0.20"),
        ("at the money please", {}, "recommend ETH --bullish --budget 100 --delta 0.50"),
        ("two weeks instead", {"expiry_days": 14.0}, "recommend ETH --bullish --expiry 14d --budget 100"),
        ("longer", {}, "recommend ETH --bullish --expiry 14d --budget 100"),
        ("double it", {}, "recommend ETH --bullish --budget 200"),
        ("no, i meant bearish", {"sentiment": Feeling.BEARISH}, "recommend ETH --bearish --budget 100"),
        ("puts, not calls", {"option_type": OptionSide.CALL}, "strategies eth-put"),
        ("again", {}, "recommend ETH --bullish --budget 100"),
        ("yes 200", {"amount": Decimal(200)}, "recommend ETH --bullish --budget 200"),
    ],
)
@pytest.mark.parametrize("heard_as", [K.OUT_OF_SCOPE, K.APPROVE, K.OPEN_POSITION])
def test_a_follow_up_changes_one_thing_about_the_last_question(text, slots, line, heard_as):
    assert command(said(heard_as, ASKED, text, **slots)) == line


def test_a_number_near_the_strike_of_ones_own_choice_is_a_strike():
    bought = replace(ASKED, request=Request("buy", "ETH", "call", strike="3200", budget="100"))

    nearer = command(said(K.OUT_OF_SCOPE, bought, "make it 3,300"))
    dearer = command(said(K.OUT_OF_SCOPE, bought, "make it 200"))

    assert nearer == "buy eth-call --strike 3300 --amount 100"
    assert dearer == "buy eth-call --strike 3200 --amount 200"


@pytest.mark.parametrize("text", ["looks good, go ahead", "yes", "buy it", "sell my btc call", "why?", "no", "not now"])
def test_a_sentence_that_says_more_than_values_is_no_follow_up(text):
    assert said(K.APPROVE, ASKED, text) == TakeToCard()


def test_after_a_look_at_the_market_the_trade_on_the_table_can_still_be_changed():
    context = replace(ASKED, request=Request("market", "ETH"))

    assert command(said(K.OUT_OF_SCOPE, context, "and for BTC?", asset="BTC")) == "market BTC"
    assert command(said(K.OUT_OF_SCOPE, context, "make it 200")) == "recommend ETH --bullish --budget 200"


def test_what_can_be_lost_is_about_the_trade_on_the_table_and_needs_no_question():
    step = said(K.SHOW_RISK, replace(ASKED, request=None, idea=None), "what can i lose", alternative=K.EXPLAIN)

    assert step == Explain("what can i lose")


def test_later_is_a_no_and_not_another_expiry():
    assert command(said(K.REJECT, ASKED, "no, maybe next week", expiry_days=7.0)) == f"reject {OFFERED.id}"


def test_without_a_question_before_there_is_no_follow_up():
    assert isinstance(said(K.OUT_OF_SCOPE, NOTHING, "make it 200", amount=Decimal(200)), Say)


# ── which one, and corrections ────────────────────────────────────────────────────────────────────────────────────


def unsure(context=ASKED):
    return reply("hmm btc", Understood(K.SHOW_MARKET, Slots("BTC"), 0.4, K.CLOSE_POSITION), context, HELD)


def test_when_in_doubt_it_asks_which_of_two_and_does_neither():
    step, context = reply(
        "hmm", Understood(K.APPROVE, Slots(), 0.4, K.EXPLAIN), replace(ASKED, request=None, idea=None), HELD
    )

    assert isinstance(step, Choose)
    assert context.pending == step


@pytest.mark.parametrize(
    ("answer", "line"), [("1", "market BTC"), ("the first one", "market BTC"), ("see the market", "market BTC")]
)
def test_the_answer_to_which_one_is_what_is_done(answer, line):
    _, context = unsure(replace(ASKED, request=None, idea=None))

    step, after = reply(answer, Understood(K.OUT_OF_SCOPE, Slots(), 0.9), context, HELD)

    assert (command(step), after.pending) == (line, None)


@pytest.mark.parametrize("answer", ["no", "neither", "never mind", "batal"])
def test_a_no_to_a_question_leaves_everything_as_it_is(answer):
    _, context = unsure(replace(ASKED, request=None, idea=None))

    step, after = reply(answer, Understood(K.REJECT, Slots(), 0.9), context, HELD)

    assert isinstance(step, Say)
    assert after.pending is None


def test_another_wish_drops_the_open_question():
    _, context = unsure(replace(ASKED, request=None, idea=None))

    step, after = reply("what do i hold", Understood(K.SHOW_POSITIONS, Slots(), 0.9), context, HELD)

    assert (command(step), after.pending) == ("positions", None)


# ── positions ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_which_of_two_positions_to_sell_is_asked():
    step = said(K.CLOSE_POSITION, asset="BTC")

    assert [command(choice.step) for choice in step.choices] == ["close bbbb2222", "close cccc3333"]


@pytest.mark.parametrize(("text", "share"), [("sell half of my eth call", "50%"), ("close 25% of it", "25%")])
def test_a_part_of_a_position_can_be_sold(text, share):
    assert command(said(K.CLOSE_POSITION, text=text, asset="ETH")) == f"close aaaa1111 --fraction {share}"


def test_what_is_not_held_is_not_sold():
    step = said(K.CLOSE_POSITION, asset="SOL")

    assert (step.exit_code, said(K.CLOSE_POSITION, held=()).exit_code) == (3, 3)


def test_a_conditional_sale_becomes_a_rule_and_only_after_a_yes():
    text = "close my BTC call if it's up 20%"
    slots = Slots("BTC", option_type=OptionSide.CALL, take_profit_pct=20.0)
    question, context = reply(text, Understood(K.SET_EXIT_RULE, slots, 0.99), NOTHING, HELD)
    assert isinstance(question, Confirm)

    step, _ = reply("yes", Understood(K.APPROVE, Slots(), 0.99), context, HELD)

    assert command(step) == "exits bbbb2222 --take-profit 20%"


def test_a_rule_without_a_figure_is_asked_for_one():
    assert said(K.SET_EXIT_RULE, text="sell it when it looks bad", asset="ETH").exit_code == 2


def test_a_rule_can_be_taken_away():
    step = said(K.SET_EXIT_RULE, text="remove the stop loss", asset="ETH")

    assert command(step.run) == "exits aaaa1111 --remove"


# ── what is refused ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "text",
    [
        "send my usdc to 0x1111111111111111111111111111111111111111",
        "withdraw everything to my other wallet",
        "kirim usdc ke teman saya",
        "show me my private key",
        "what is my seed phrase",
    ],
)
def test_transfers_and_secrets_are_refused(text):
    step = said(K.OUT_OF_SCOPE, text=text)

    assert (step.speaker, step.exit_code) == (Speaker.BETA, 3)


@pytest.mark.parametrize(
    "text",
    [
        "approve with key 0x" + "4f" * 32,
        "my password is hunter2, buy it",
        "legal winner thank year wave sausage worth useful legal winner thank yellow",
    ],
)
@pytest.mark.parametrize("kind", [K.APPROVE, K.OPEN_POSITION, K.EXPLAIN])
def test_a_line_that_gives_a_key_away_does_nothing_whatever_it_says_besides(text, kind):
    assert said(kind, ASKED, text).exit_code == 3


def test_the_id_of_a_position_is_no_key():
    assert (
        command(said(K.CLOSE_POSITION, text=f"close {ETH_CALL.transaction}", position="aaaa1111")) == "close aaaa1111"
    )


def test_a_question_is_explained():
    assert said(K.EXPLAIN, ASKED, "why a call and not a put?") == Explain("why a call and not a put?")


# ── laws ──────────────────────────────────────────────────────────────────────────────────────────────────────────

LOOKS = {"recommend", "buy", "strategies", "market", "positions", "risk", "history", "report", "alerts"}
slots = st.builds(
    Slots,
    asset=st.sampled_from([None, "ETH", "BTC", "SOL"]),
    sentiment=st.sampled_from([None, *Feeling]),
    option_type=st.sampled_from([None, *OptionSide]),
    strike=st.sampled_from([None, Decimal(3200)]),
    expiry_days=st.sampled_from([None, 7.0]),
    amount=st.sampled_from([None, Decimal(100)]),
    position=st.sampled_from([None, "aaaa", "last", "all"]),
    stop_loss_pct=st.sampled_from([None, 20.0]),
    take_profit_pct=st.sampled_from([None, 100.0]),
)
understood = st.builds(
    Understood, st.sampled_from(IntentKind), slots, st.just(0.9), st.sampled_from([None, *IntentKind]), st.just(None)
)
contexts = st.sampled_from([NOTHING, ASKED, replace(ASKED, offered=HOLD), Context(offered=OFFERED)])


@given(st.text(max_size=60), understood, contexts, st.sampled_from([(), HELD]))
def test_no_sentence_runs_more_than_a_look_a_no_or_the_way_to_a_card(text, heard, context, held):
    step, _ = reply(text, heard, context, held)

    allowed = LOOKS | {"reject", "close"}
    assert not isinstance(step, Run) or step.command[0] in allowed
    assert not isinstance(step, Run) or all(re.fullmatch(r"[\w./:%=-]+", word) for word in step.command)
    assert "--yes" not in getattr(step, "command", ())


def test_whoever_holds_nothing_asks_about_the_trade_on_the_table():
    about = {"context": ASKED, "text": "what can I lose?"}

    assert said(K.SHOW_RISK, **about, held=()) == Explain("what can I lose?")
    assert command(said(K.SHOW_RISK, **about)) == "risk"
    assert command(said(K.SHOW_RISK, text="what can I lose?", held=())) == "risk"


def test_an_order_in_unexpected_words_is_asked_about_with_something_else_last():
    step = said(K.OUT_OF_SCOPE, text="sell the eth call to my cat", alternative=K.CLOSE_POSITION, asset="ETH")

    assert isinstance(step, Choose)
    assert [choice.label for choice in step.choices] == ["sell a position now", "something else"]
    assert command(step.choices[0].step) == "close aaaa1111"
