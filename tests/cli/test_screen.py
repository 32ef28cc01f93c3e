"""What the screen says: everything that matters, within the width, as plain characters."""

import io
from dataclasses import replace
from datetime import timedelta

import pytest
from rich.console import Console

from bethna_cli.cli.output import console
from bethna_cli.cli.render_advice import print_card
from bethna_cli.cli.render_market import board_view, market_view, overview
from bethna_cli.domain.market import Asset, Origin, Part, Status
from bethna_cli.domain.options import OptionKind
from bethna_cli.domain.recommendation import Reason, Recommendation, Record, Signal
from bethna_cli.domain.units import Usdc
from cards import EVIL, hold, quote, recommendation, snapshot, trade


def screen_of(width: int = 80) -> tuple[Console, io.StringIO]:
    stream = io.StringIO()
    screen = console(stream=stream)
    screen.width = width
    return screen, stream


def printed(rec: Recommendation, width: int = 80) -> str:
    screen, stream = screen_of(width)
    print_card(screen, rec)
    return stream.getvalue()


def without_the_line_to_paste(text: str) -> list[str]:
    return [line for line in text.splitlines() if not line.strip().startswith("bethna ")]


STRADDLE = replace(trade(Signal.LONG_STRADDLE, quote(), quote(kind=OptionKind.PUT)), break_even_usd=(2900, 3500))
SPREAD = trade(Signal.CALL_SPREAD, quote("3000/3200", OptionKind.CALL_SPREAD))
CARDS = {
    "call": recommendation(),
    "hold": hold(),
    "replay": recommendation(Origin.REPLAY),
    "straddle": replace(recommendation(), signal=Signal.LONG_STRADDLE, trade=STRADDLE),
    "spread": replace(recommendation(), signal=Signal.CALL_SPREAD, trade=SPREAD),
}


@pytest.mark.parametrize("width", [60, 80])
@pytest.mark.parametrize("card", CARDS.values(), ids=CARDS.keys())
def test_a_card_fits_its_screen_except_for_the_line_to_paste(card, width):
    assert max(map(len, without_the_line_to_paste(printed(card, width)))) <= width


def test_the_line_to_paste_is_never_broken():
    assert recommendation().buy_line in [line.strip() for line in printed(recommendation(), 60).splitlines()]


def test_a_trade_that_a_person_named_is_not_alphas_advice():
    screen, stream = screen_of()

    print_card(screen, recommendation(), own_choice=True)

    assert stream.getvalue().startswith("Your choice on ETH: buy a call\n")


def test_a_card_says_who_speaks_what_to_do_and_what_it_can_cost():
    text = printed(recommendation())

    for said in (
        "Alpha on ETH: buy a call", "2.3500 × 3,200 call at 42.50 USD", "in 6.7 days",
        "99.88 USDC", "max loss", "7,420.12 USDC", "3,242.50 USD",
        "23.0 %", "+4.20 USDC", "up 40.0 %", "Perpetual funding is +11.0 % a year", "no measured record",
    ):  # fmt: skip
        assert said in text


@pytest.mark.parametrize(
    ("origin", "mark"),
    [(Origin.SIMULATED, "SIMULATED"), (Origin.REPLAY, "REPLAY 2026-05-05 15:30 UTC"), (Origin.LIVE, "LIVE")],
)
def test_whether_it_is_real_stands_in_the_second_line(origin, mark):
    assert printed(recommendation(origin)).splitlines()[1].startswith(mark)


def test_one_simulated_part_marks_the_whole_card():
    live = snapshot(Origin.LIVE)
    mixed = replace(live, spot=snapshot(Origin.SIMULATED).spot)

    assert printed(replace(recommendation(), market=mixed)).splitlines()[1].startswith("SIMULATED")


def test_a_hold_shows_the_refused_candidate_why_and_what_would_change_the_verdict():
    text = printed(hold())

    for said in (
        "Alpha on ETH: HOLD", "Best candidate: buy a call", "-12.30 USDC",
        "Refused: its expected value is not positive.",
        "What would change the verdict", "An ask below 37.20 USD", "odds × 3",
        "Alpha says: HOLD, buy nothing now (expected -20.00 USDC)",
        hold().buy_line,
    ):  # fmt: skip
        assert said in text


def test_nobody_is_told_to_buy_what_was_only_replayed():
    replayed = replace(hold(), origin=Origin.REPLAY)

    assert "Buy it anyway" in printed(hold())
    assert "Buy it anyway" not in printed(replayed)


def test_a_measured_record_is_shown_with_its_data_and_range():
    record = Record("deribit 2023", snapshot().taken_at, snapshot().taken_at, 41, 0.39, 0.021, 0.44)

    text = " ".join(printed(replace(recommendation(), record=record)).split())

    assert (
        "41 trades, 39.0 % won, +2.1 % a trade, worst drawdown 44.0 % (deribit 2023, 2026-05-05 to 2026-05-05)" in text
    )


def test_text_from_outside_is_printed_as_plain_characters():
    hostile = Part("funding", Status.FAILED, reason=EVIL)
    rec = replace(
        recommendation(),
        reasons=(Reason(EVIL, "x", None, EVIL),),
        warnings=(EVIL,),
        market=replace(snapshot(), funding=hostile),
    )

    text = printed(rec)

    assert "\x1b" not in text
    assert "\x9b" not in text
    assert text.count("[bold red]loud[/]") == 3
    assert ":smile:" in text


def test_a_failed_source_is_named_with_its_reason_and_shows_no_number():
    market = replace(snapshot(), funding=Part("funding", Status.FAILED, reason="dydx: no answer within 4 s"))

    text = printed(replace(recommendation(), market=market))

    (row,) = [line for line in text.splitlines() if line.startswith("funding")]
    assert "failed" in row
    assert "%" not in row
    assert "! funding: dydx: no answer within 4 s" in text


def test_the_market_shows_each_source_with_age_and_state():
    screen, stream = screen_of()
    screen.print(market_view(snapshot(), "sim"))

    text = stream.getvalue()
    for said in ("3,000.25 ± 1.20 USD", "IV 62.0 %", "+8.8 % a year", "Fear & Greed 45/100", "80 posts", "3 s", "ok"):
        assert said in text
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize("width", [60, 80])
def test_the_board_fits_and_shows_strike_premium_and_greeks(width):
    seen = snapshot(quotes=(quote(), quote("3000/3200", OptionKind.CALL_SPREAD)))
    screen, stream = screen_of(width)

    screen.print(board_view(seen, seen.options.value, None, "sim", width))

    text = stream.getvalue()
    assert max(map(len, text.splitlines())) <= width
    for said in ("3,200", "3,000/3,200", "42.50", "62.0 %", "+0.310", "-6.40", "Left out: 2 expired."):
        assert said in text


def test_the_overview_names_the_command_for_each_product():
    screen, stream = screen_of()

    screen.print(overview([snapshot()], [snapshot().options.value], "sim"))

    assert "bethna strategies eth-call" in stream.getvalue()


def test_the_overview_names_the_moment_of_each_asset_where_they_differ():
    screen, stream = screen_of()
    eth = snapshot(Origin.REPLAY)
    btc = replace(eth, asset=Asset.BTC, taken_at=eth.taken_at - timedelta(days=1))

    screen.print(overview([eth, btc], [eth.options.value, btc.options.value], "sim"))

    assert [line[:15] for line in stream.getvalue().splitlines()[1:3]] == ["ETH: REPLAY 202", "BTC: REPLAY 202"]


def test_a_loss_beyond_a_million_still_fits():
    huge = replace(trade(), amount=Usdc(999_999_999_000_000), max_loss=Usdc(999_999_999_000_000))

    assert max(map(len, without_the_line_to_paste(printed(replace(recommendation(), trade=huge))))) <= 80
