"""Alpha's verdict: which trade, why, and when to stand aside."""

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from trades import NOW, chain, failed, model_that_says, quote, snapshot, usdc

from bethna_cli.analysis.advice import propose, recommend
from bethna_cli.domain.documents import recommendation_document
from bethna_cli.domain.errors import NotEnoughData, NothingSuitable, OutsideError
from bethna_cli.domain.intent import DirectRequest, TradeRequest, View
from bethna_cli.domain.market import Asset
from bethna_cli.domain.options import OptionKind
from bethna_cli.domain.recommendation import Recommendation, Signal

UNDECIDED = model_that_says(0.33, 0.34, 0.33)
CONFIDENT = model_that_says(0.05, 0.15, 0.80)
GLOOMY = model_that_says(0.80, 0.15, 0.05)
DEAR = [replace(q, price=type(q.price)(q.price * 3)) for q in chain()]


def ask(market: Any = None, model: Any = UNDECIDED, **wishes: Any) -> Recommendation:
    return recommend(TradeRequest(Asset.ETH, **wishes), market or snapshot(chain()), model, "sim")


def test_a_confident_model_buys_in_its_direction() -> None:
    assert ask(model=CONFIDENT).signal in {Signal.LONG_CALL, Signal.CALL_SPREAD}
    assert ask(model=GLOOMY).signal in {Signal.LONG_PUT, Signal.PUT_SPREAD}


def test_the_trade_with_the_highest_expected_value_is_the_one_proposed() -> None:
    cheap = [replace(q, price=type(q.price)(1_000_000_00)) if q.kind is OptionKind.PUT else q for q in chain()]
    answer = ask(snapshot(cheap))

    assert answer.signal in {Signal.LONG_PUT, Signal.LONG_STRADDLE}
    assert answer.trade is not None
    assert answer.trade.expected_value > 0


def test_when_everything_is_too_dear_alpha_holds_and_still_shows_the_best_candidate_in_full() -> None:
    answer = ask(snapshot(DEAR))

    assert (answer.signal, answer.trade) == (Signal.HOLD, None)
    assert answer.candidate is not None
    assert answer.candidate.expected_value <= 0
    assert "expected value is not positive" in str(answer.candidate.refused_because)
    assert answer.candidate.legs
    assert answer.candidate.payoff
    assert answer.candidate.quantiles
    assert answer.would_change
    assert str(answer.buy_line).startswith("bethna buy eth-")


def test_the_ask_named_as_acceptable_would_indeed_turn_the_verdict() -> None:
    answer = ask(snapshot(DEAR), view=View.BULLISH)
    assert answer.candidate is not None
    line = next(text for text in answer.would_change if text.startswith("An ask below"))
    worth = Decimal(line.split()[3].replace(",", ""))
    named = answer.candidate.legs[0].quote

    cheaper = replace(named, price=type(named.price)(int(worth * Decimal("0.99") * 10**8)))
    dearer = replace(named, price=type(named.price)(int(worth * Decimal("1.01") * 10**8)))
    assert ask(snapshot([cheaper]), view=View.BULLISH).signal is answer.candidate.signal
    assert ask(snapshot([dearer]), view=View.BULLISH).signal is Signal.HOLD


@pytest.mark.parametrize(("edge", "wanted"), [("1.10", Signal.HOLD), ("1.30", Signal.LONG_PUT)])
def test_an_edge_that_the_forecast_may_err_by_is_no_reason_to_trade(edge: str, wanted: Signal) -> None:
    put = next(q for q in chain() if q.kind is OptionKind.PUT and q.strikes == (Decimal(2800),))
    candidate = ask(snapshot([put])).candidate or ask(snapshot([put])).trade
    assert candidate is not None
    contracts = Decimal(candidate.contracts) / 1_000_000
    worth = put.price_usd + Decimal(candidate.expected_value) / 1_000_000 / contracts

    answer = ask(snapshot([replace(put, price=type(put.price)(int(worth / Decimal(edge) * 10**8)))]))

    assert answer.signal is wanted
    if wanted is Signal.HOLD:
        assert answer.candidate is not None
        assert answer.candidate.expected_value > 0
        assert "below 20 % of its price" in str(answer.candidate.refused_because)


def test_a_view_moves_the_odds_and_the_verdict_without_it_stands_beside() -> None:
    answer = ask(view=View.BULLISH)

    assert answer.view is not None
    assert answer.view.signal_without is ask().signal
    assert answer.prediction.bullish > ask().prediction.bullish


@pytest.mark.parametrize(
    ("view", "fitting"),
    [
        (View.BULLISH, {Signal.LONG_CALL, Signal.CALL_SPREAD, Signal.HOLD}),
        (View.BEARISH, {Signal.LONG_PUT, Signal.PUT_SPREAD, Signal.HOLD}),
    ],
)
def test_a_person_with_a_view_is_never_offered_the_opposite_trade(view: View, fitting: set[Signal]) -> None:
    for model in (UNDECIDED, CONFIDENT, GLOOMY):
        assert ask(model=model, view=view).signal in fitting


def test_the_budget_is_never_exceeded() -> None:
    for budget in ("0.01", "1", "99.999999", "12345"):
        answer = ask(model=CONFIDENT, budget=usdc(budget))
        best = answer.trade or answer.candidate
        assert best is not None
        assert best.amount <= usdc(budget)


@pytest.mark.parametrize("missing", ["spot", "options", "history"])
def test_without_spot_options_or_history_there_is_no_recommendation(missing: str) -> None:
    with pytest.raises(OutsideError, match=f"No recommendation without {missing}: failed, refused"):
        ask(snapshot(chain(), **{missing: failed(missing)}))


@pytest.mark.parametrize("missing", ["funding", "sentiment"])
def test_without_funding_or_sentiment_there_is_one_that_says_so(missing: str) -> None:
    answer = ask(snapshot(chain(), **{missing: failed(missing)}))

    assert any(f"Without {missing}" in warning for warning in answer.warnings)
    assert missing in answer.prediction.missing


def test_too_little_history_is_said_and_not_guessed_around() -> None:
    whole = snapshot(chain())
    assert whole.history.value is not None
    short = replace(whole.history, value=replace(whole.history.value, candles=whole.history.value.candles[-1000:]))

    with pytest.raises(NotEnoughData):
        ask(replace(whole, history=short))


def test_an_expiry_far_from_the_wish_is_pointed_out() -> None:
    assert any("nearest expiry" in warning for warning in ask(expiry_days=21.0).warnings)
    assert not ask(expiry_days=7.0).warnings


def test_nothing_for_the_budget_is_refused() -> None:
    with pytest.raises(NothingSuitable):
        ask(budget=usdc("0.000001"))


def test_a_board_on_which_nothing_can_be_bought_is_missing_options_with_the_reasons() -> None:
    whole = snapshot([])
    assert whole.options.value is not None
    board = replace(whole.options.value, left_out={"maker buys": 3, "unsigned": 2})

    with pytest.raises(OutsideError, match=r"without options.*3 maker buys, 2 unsigned"):
        ask(replace(whole, options=replace(whole.options, value=board)))


def test_a_budget_that_the_makers_cannot_fill_is_pointed_out() -> None:
    assert any("No more than 5 contracts" in warning for warning in ask(budget=usdc(1_000_000)).warnings)
    assert not ask(budget=usdc(100)).warnings


def test_the_same_market_gives_the_same_answer_and_id_and_another_gives_another() -> None:
    assert recommendation_document(ask()) == recommendation_document(ask())
    assert ask().id != ask(budget=usdc(50)).id


def test_the_document_is_strict_json_and_carries_the_marks_of_its_sources() -> None:
    document = json.loads(json.dumps(recommendation_document(ask(model=CONFIDENT)), allow_nan=False))

    assert document["simulated"] is True
    assert document["market"]["spot"]["source"] == "test market"
    assert document["record"] is None
    assert 0 <= document["confidence"] <= 1


def test_a_named_trade_is_valued_as_named_with_alphas_doubts_as_a_warning() -> None:
    request = DirectRequest(Asset.ETH, frozenset({OptionKind.CALL}), (Decimal(3200),), 7.0, usdc(100))
    answer = propose(request, snapshot(DEAR), UNDECIDED, "sim")

    assert answer.signal is Signal.LONG_CALL
    assert answer.trade is not None
    assert answer.trade.legs[0].quote.strikes == (Decimal(3200),)
    assert any("Alpha would stand aside" in warning for warning in answer.warnings)
    assert not any("nearest expiry" in warning for warning in answer.warnings)


def test_a_named_trade_of_another_expiry_than_wished_is_pointed_out() -> None:
    request = DirectRequest(
        Asset.ETH, frozenset({OptionKind.CALL}), (Decimal(3200),), NOW + timedelta(days=90), usdc(9)
    )
    answer = propose(request, snapshot(chain()), CONFIDENT, "sim")

    assert "Asked for 90 days; the nearest expiry on offer is 7.0 days away." in answer.warnings


def test_the_buy_line_of_a_hold_names_the_very_candidate() -> None:
    held = ask(snapshot(DEAR))
    assert held.candidate is not None
    words = str(held.buy_line).split()

    assert words[words.index("--strike") + 1] == "/".join(str(s) for s in held.candidate.legs[0].quote.strikes)
    assert words[words.index("--expiry") + 1] == held.candidate.legs[0].quote.expires_at.strftime("%Y-%m-%dT%H:%MZ")
    assert held.candidate.legs[0].quote.expires_at > NOW


def test_only_quotes_at_the_chosen_expiry_are_traded() -> None:
    answer = ask(snapshot([*chain(7), quote(OptionKind.CALL, [3000], "0.01", 0.5, days=30)]), model=CONFIDENT)

    assert answer.trade is not None
    assert {leg.quote.expires_at for leg in answer.trade.legs} == {chain(7)[0].expires_at}
