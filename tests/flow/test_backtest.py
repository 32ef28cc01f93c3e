"""A backtest: Alpha decides by what was known, lives with it later, and the report says what it does not show."""

import asyncio
import gc
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bethna_cli.adapters.modelled import ModelledMarket, SurfaceTerms
from bethna_cli.adapters.recorded import RecordedChains
from bethna_cli.adapters.sim.replay_chain import Chain
from bethna_cli.bootstrap.backtest import run_backtest
from bethna_cli.bootstrap.model import load_model
from bethna_cli.domain.backtest import EARLIEST, LATEST, BacktestTerms, Closed, Ending, Strategy
from bethna_cli.domain.errors import ConfigurationError, DataRefused, NotEnoughData
from bethna_cli.domain.market import Asset
from bethna_cli.domain.options import OptionKind
from bethna_cli.domain.recommendation import Recommendation, Signal
from bethna_cli.domain.units import Usdc
from bethna_cli.flow.backtest import backtest
from bethna_cli.flow.backtest_report import backtest_document, closed_document
from recordings import CANDLES, CHAINS, FUNDING, MOOD, Recording, copied, recording


def forget(closed: Closed) -> None:
    """Keep no log."""


def quiet(stage: str, done: float) -> None:
    """Nobody watches."""


def terms(**changes: Any) -> BacktestTerms:
    starts, ends = EARLIEST, LATEST
    return BacktestTerms(**{"asset": Asset.ETH, "starts": starts, "ends": ends, **changes})


def report_on(made: Recording, log: "list[Closed] | None" = None, **changes: Any) -> dict[str, Any]:
    return run_backtest(made.folder, None, terms(**changes), quiet, (log if log is not None else []).append)


def answers_on(made: Recording, **changes: Any) -> list[Recommendation]:
    """What Alpha said at every moment."""
    asked = terms(**changes)
    market = RecordedChains(made.folder, made.period, asked.asset, asked.starts, asked.ends)
    answers: list[Recommendation] = []
    asyncio.run(backtest(asked, market, load_model(), quiet, forget, answers.append))
    return answers


@pytest.fixture(scope="module")
def fair(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    """Options priced at about the volatility at which the price moves: Alpha buys some."""
    return recording(tmp_path_factory.mktemp("fair"), days=12)


@pytest.fixture(scope="module")
def log() -> list[Closed]:
    return []


@pytest.fixture(scope="module")
def report(fair: Recording, log: list[Closed]) -> dict[str, Any]:
    return report_on(fair, log)


def test_every_recorded_day_is_one_decision(report: dict[str, Any], fair: Recording) -> None:
    assert report["moments"] == fair.days == sum(report["decisions"].values())
    assert set(report["decisions"]) > {"HOLD"}
    assert report["unanswered"] == {}


def test_alpha_trades_exactly_when_it_did_not_say_hold(report: dict[str, Any]) -> None:
    said = {signal: count for signal, count in report["decisions"].items() if signal != "HOLD"}

    assert {name: part["trades"] for name, part in report["strategies"]["alpha"]["by_signal"].items()} == said


def test_what_is_bought_costs_the_recorded_ask_and_no_more_than_the_budget(log: list[Closed], fair: Recording) -> None:
    asks = {(row[0], row[1]): float(row[9]) * float(row[6]) for row in fair.rows(CHAINS)[1:] if row[9]}
    singles = [closed for closed in log if closed.signal in (Signal.LONG_CALL, Signal.LONG_PUT)]

    assert singles
    for closed in singles:
        ask_usd = asks[closed.opened_at.strftime("%Y-%m-%dT%H:%M:%SZ"), _recorded_name(closed)]
        assert closed.premium == pytest.approx(ask_usd * closed.contracts, abs=1.0)
        assert closed.premium <= 100 * 10**6


def _recorded_name(closed: Closed) -> str:
    expiry = closed.quote.expires_at.strftime("%d%b%y").upper()
    return f"ETH-{expiry}-{closed.quote.strikes[0]:.0f}-{'C' if closed.quote.kind.is_call else 'P'}"


def test_every_account_ends_at_its_beginning_and_the_profits_of_its_trades(
    report: dict[str, Any], log: list[Closed]
) -> None:
    for strategy in Strategy:
        profits = sum(closed.profit for closed in log if closed.strategy is strategy)
        figures = report["strategies"][strategy.value]

        assert report["equity"][strategy.value][-1] == pytest.approx(10_000 + profits / 1e6, abs=1e-6)
        assert figures["gain_usdc"] == pytest.approx(profits / 1e6, abs=1e-6)


def test_holding_cash_gains_nothing_and_loses_nothing(report: dict[str, Any]) -> None:
    cash = report["strategies"]["hold_cash"]

    assert (cash["trades"], cash["gain_usdc"], cash["max_drawdown"], cash["sharpe"]) == (0, 0.0, 0.0, None)


def test_the_call_and_the_straddle_are_bought_every_day(report: dict[str, Any], fair: Recording) -> None:
    assert report["strategies"]["call_30_delta"]["by_signal"].keys() == {"LONG_CALL"}
    assert report["strategies"]["straddle"]["by_signal"].keys() == {"LONG_STRADDLE"}
    assert report["strategies"]["call_30_delta"]["trades"] == report["strategies"]["straddle"]["trades"] == fair.days


def test_an_expired_option_is_settled_by_the_close_of_the_candle_that_ends_at_its_expiry(
    log: list[Closed], fair: Recording
) -> None:
    closes = {row[0]: float(row[4]) for row in fair.rows(CANDLES)[1:]}
    settled = [closed for closed in log if closed.ending is Ending.SETTLED and closed.signal is Signal.LONG_CALL]

    assert settled
    for closed in settled:
        close = closes[(closed.closed_at - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")]
        intrinsic = max(0.0, close - float(closed.quote.strikes[0])) * closed.contracts
        assert closed.closed_at == closed.quote.expires_at
        assert (closed.spot_at_close, closed.proceeds) == (close, pytest.approx(intrinsic, abs=2.0))


def test_the_same_data_and_seed_give_the_same_json(report: dict[str, Any], fair: Recording) -> None:
    assert json.dumps(report_on(fair)) == json.dumps(report)


def test_another_seed_changes_the_random_rival_and_no_other_account(report: dict[str, Any], fair: Recording) -> None:
    other = report_on(fair, seed=2)["equity"]

    assert {name for name, values in other.items() if values != report["equity"][name]} == {"random"}


def test_alpha_that_never_buys_is_reported_as_cash_and_nothing_is_divided_by_zero(tmp_path: Path) -> None:
    dear = report_on(recording(tmp_path / "dear", days=4, iv=2.0))
    alpha = dear["strategies"]["alpha"]

    assert dear["decisions"] == {"HOLD": 4}
    assert (alpha["trades"], alpha["win_rate"], alpha["average_return"], alpha["sharpe"]) == (0, None, None, None)
    assert dear["says"][0].startswith("Alpha bought nothing in 4 decisions: it did what cash does.")
    assert "Alpha did NOT beat holding cash: +0.00 USDC" in "\n".join(dear["says"])


def test_a_rival_that_ended_higher_is_named_as_not_beaten(fair: Recording, report: dict[str, Any]) -> None:
    """Alpha and cash change accounts: whichever of the two was ahead, it is the other that is not beaten."""
    asked = terms()
    market = RecordedChains(fair.folder, fair.period, asked.asset, asked.starts, asked.ends)
    result = asyncio.run(backtest(asked, market, load_model(), quiet, forget))
    swapped = {Strategy.ALPHA: result.courses[Strategy.CASH], Strategy.CASH: result.courses[Strategy.ALPHA]}
    other: Any = backtest_document(replace(result, courses={**result.courses, **swapped}))

    lower = min(report, other, key=lambda found: found["comparison"]["hold_cash"]["ahead_usdc"])
    assert lower["comparison"]["hold_cash"]["ahead_usdc"] < 0
    assert lower["comparison"]["hold_cash"]["verdict"] == "not better"
    assert any(line.startswith("Alpha did NOT beat holding cash:") for line in lower["says"])


def test_a_range_that_the_model_learned_from_is_called_so(fair: Recording) -> None:
    asked = terms(ends=fair.moments[1])
    market = RecordedChains(fair.folder, fair.period, asked.asset, asked.starts, asked.ends)
    model = load_model()
    later = (
        {**model.card, "trained_on": {"to": "2026-03-01T00:00:00Z"}},
        {
            **model.card,
            "trained_on": {"to": "2026-03-09T00:00:00Z"},
        },
    )
    flags = [asyncio.run(backtest(asked, market, replace(model, card=card), quiet, forget)).in_sample for card in later]

    assert flags == [False, True]


def test_a_small_account_stops_buying_when_its_cash_is_gone(fair: Recording) -> None:
    poor = report_on(fair, capital=Usdc(250 * 10**6))["strategies"]["straddle"]

    assert poor["not_possible"]["unaffordable"] > 0
    assert poor["trades"] < fair.days


def test_a_day_range_keeps_only_its_moments(fair: Recording) -> None:
    answers = answers_on(fair, starts=fair.moments[3], ends=fair.moments[5])

    assert [answer.created_at for answer in answers] == fair.moments[3:6]


# ── where no chain was recorded ──


def test_a_modelled_market_says_so_first_and_in_every_line_of_its_log(fair: Recording) -> None:
    log: list[Closed] = []
    report = run_backtest(fair.period, None, terms(), quiet, log.append, modelled=0.8)

    assert report["modelled"] is True
    assert report["says"][0].startswith("MODELLED: no option was ever quoted at these prices")
    assert "0.8 times the EWMA volatility" in report["pricing"]
    assert {closed_document(closed, report["modelled"])["modelled"] for closed in log} == {True}
    assert [file["file"] for file in report["data"]] == ["eth_usd_1h.csv.gz", "eth_funding.csv.gz", MOOD[12:]]


def test_a_modelled_market_asks_more_than_it_bids_and_never_more_than_an_option_can_pay(fair: Recording) -> None:
    moment = list(modelled(fair).moments())[-1]
    quotes = asyncio.run(moment.board(Asset.ETH)).quotes

    assert {quote.kind for quote in quotes} == set(OptionKind)
    for quote in quotes:
        sale = moment.sale(quote)
        assert sale is not None
        assert (sale.bid or 0) < sale.mark < quote.price
        widest = quote.strikes[-1] - quote.strikes[0] if quote.kind.is_spread else quote.strikes[0]
        assert quote.price_usd < widest


def test_a_modelled_price_knows_only_the_closes_up_to_its_moment(fair: Recording, tmp_path: Path) -> None:
    moments = list(modelled(fair).moments())
    other = copied(fair, tmp_path / "other")
    last = moments[3].at.strftime("%Y-%m-%dT%H:%M:%SZ")
    other.change(CANDLES, lambda rows: [row if row[0] < last else [row[0], *["4000"] * 4, *row[5:]] for row in rows])

    again = list(modelled(other).moments())

    for place, is_same in ((3, True), (4, False)):
        boards = [asyncio.run(each[place].board(Asset.ETH)).quotes for each in (moments, again)]
        assert (boards[0] == boards[1]) is is_same


def modelled(made: Recording) -> ModelledMarket:
    return ModelledMarket(made.period, Asset.ETH, EARLIEST, LATEST, SurfaceTerms(1.0))


# ── data that is not what it should be ──


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    return recording(tmp_path_factory.mktemp("short"), days=3)


@pytest.fixture
def made(short: Recording, tmp_path: Path) -> Recording:
    """Three days, to be spoilt."""
    return copied(short, tmp_path / "made")


def test_repeated_rows_are_dropped_and_counted(made: Recording, short: Recording) -> None:
    made.change(CHAINS, lambda rows: [row for row in rows for _ in range(2)])
    twice = report_on(made)

    assert twice["counted"] == {"repeated_rows_dropped": len(short.rows(CHAINS)) - 1}
    assert twice["equity"] == report_on(short)["equity"]


def test_days_without_a_chain_and_hours_without_a_candle_are_counted(made: Recording) -> None:
    made.change(CHAINS, lambda rows: [row for row in rows if not row[0].startswith("2026-03-02")])
    made.change(CANDLES, lambda rows: rows[:700] + rows[703:])

    assert report_on(made)["counted"] == {"days_without_chain": 1, "missing_hours": 3}


def test_candles_without_volume_are_counted(made: Recording) -> None:
    made.change(CANDLES, lambda rows: [[*row[:5], "0" if n < 5 else row[5], row[6]] for n, row in enumerate(rows)])

    assert report_on(made)["counted"] == {"candles_without_volume": 5}


def cell(row: int, column: int, value: str) -> Any:
    def edit(rows: list[list[str]]) -> list[list[str]]:
        rows[row][column] = value
        return rows

    return edit


@pytest.mark.parametrize(
    ("name", "edit", "reason"),
    [
        (CHAINS, lambda rows: [*rows[80:], *rows[:80]], "out of order"),
        (CHAINS, lambda rows: [rows[0], [*rows[0][:9], "9", *rows[0][10:]], *rows[1:]], "two different rows"),
        (CHAINS, cell(3, 10, "nan"), "mark is out of range"),
        (CHAINS, cell(3, 9, "inf"), "ask is out of range"),
        (CHAINS, cell(3, 6, "0"), "underlying_price is not positive"),
        (CHAINS, cell(3, 4, "2026-03-06T08:00:00"), "no zone"),
        (CHAINS, lambda rows: [["2026-03-01T15:30:00+", *row[1:]] for row in rows[:2]], "not a UTC time"),
        (CANDLES, lambda rows: rows[::-1], "out of order"),
        (CANDLES, cell(9, 4, "nan"), "close is not finite"),
        (CANDLES, cell(9, 0, "2025-12-27T09:00:00"), "no time zone"),
        (CANDLES, lambda rows: [*rows[:9], [*rows[8][:5], "7", rows[8][6]], *rows[9:]], "two different rows"),
        (FUNDING, cell(2, 3, "nan"), "rate is not finite"),
        (MOOD, cell(2, 1, "101"), "whole number from 0 to 100"),
    ],
)
def test_bad_data_is_refused_with_its_file_and_reason(made: Recording, name: str, edit: Any, reason: str) -> None:
    made.change(name, edit)

    with pytest.raises(DataRefused, match=reason) as refusal:
        report_on(made)

    assert Path(name).name in str(refusal.value)


def test_without_funding_and_mood_alpha_answers_with_less_and_the_files_are_not_listed(made: Recording) -> None:
    (made.folder / FUNDING).unlink()
    (made.folder / MOOD).unlink()

    answers = answers_on(made)

    assert [answer.prediction.missing for answer in answers] == [("funding", "sentiment")] * 3
    assert [file["file"] for file in report_on(made)["data"]] == [CHAINS, "eth_usd_1h.csv.gz"]


def test_without_candles_or_chains_the_missing_file_is_named(made: Recording, tmp_path: Path) -> None:
    (made.folder / CANDLES).rename(tmp_path / "elsewhere")

    with pytest.raises(ConfigurationError, match=r"eth_usd_1h\.csv\.gz"):
        report_on(made)
    with pytest.raises(ConfigurationError, match=r"deribit_options_btc\.csv\.gz"):
        report_on(made, asset=Asset.BTC)


def test_a_range_without_a_chain_is_refused(fair: Recording) -> None:
    with pytest.raises(DataRefused, match="no chain from 2027-01-01 to 2027-02-01"):
        report_on(fair, starts=datetime(2027, 1, 1, tzinfo=UTC), ends=datetime(2027, 2, 1, tzinfo=UTC))


def test_an_expiry_without_its_candle_is_settled_by_the_last_close_and_counted(fair: Recording, tmp_path: Path) -> None:
    made = copied(fair, tmp_path / "late")
    made.change(CANDLES, lambda rows: [row for row in rows if not row[0].startswith("2026-03-06T07")])

    assert report_on(made)["strategies"]["straddle"]["not_possible"]["settled_late"] > 0


def test_candles_that_end_before_the_chains_are_counted_and_said(made: Recording) -> None:
    made.change(CANDLES, lambda rows: [row for row in rows if row[0] < "2026-03-02T12"])
    report = report_on(made)

    assert report["counted"]["chains_beyond_candles"] == 2
    assert sum(report["unanswered"].values()) == 2
    assert report["says"][0].startswith("Alpha had no answer at 2 of 3 moments (2 outside)")


def test_an_option_that_nothing_settles_counts_as_worthless_and_is_said(fair: Recording, tmp_path: Path) -> None:
    """The record of candles stops before an expiry that the chains go past."""
    made = copied(fair, tmp_path / "unsettled")
    made.change(CANDLES, lambda rows: [row for row in rows if row[0] < "2026-03-05T12"])
    report = report_on(made)

    lost = report["strategies"]["straddle"]["not_possible"]["never_settled"]
    assert lost > 0
    assert any("count as worthless: " in line and f"always the straddle {lost}" in line for line in report["says"])


def test_without_any_answer_of_alphas_there_is_nothing_to_report(made: Recording) -> None:
    made.change(CANDLES, lambda rows: [row for row in rows if row[0] < "2026-02-25"])

    with pytest.raises(NotEnoughData, match="Alpha had no answer at any of 3 moments"):
        report_on(made)


# ── memory ──


def chains_alive() -> int:
    return sum(type(thing) is Chain for thing in gc.get_objects())


def test_one_chain_at_a_time_is_in_memory_however_many_moments_there_are(fair: Recording) -> None:
    """The one being looked at, and the one before it until its successor is whole."""
    gc.collect()
    before, alive = chains_alive(), list[int]()

    def count(stage: str, done: float) -> None:
        alive.append(chains_alive() - before)

    run_backtest(fair.folder, None, terms(), count, forget)

    assert len(alive) == fair.days
    assert max(alive) <= 2
