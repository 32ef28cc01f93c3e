"""The report in plain words: better only where chance does not explain it, and few trades called few."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import accumulate

import pytest

from bethna_cli.domain.backtest import Backtest, BacktestTerms, Bought, Course, MarketDescription, Strategy
from bethna_cli.domain.market import Asset
from bethna_cli.domain.recommendation import Signal
from bethna_cli.domain.units import USDC_UNIT
from bethna_cli.flow.backtest_report import backtest_document

START = datetime(2026, 1, 1, 16, tzinfo=UTC)
DAYS = 60
STAKE = 100 * USDC_UNIT


def report_on(changes_usdc: Sequence[float], trades: int = 30) -> dict[str, object]:
    """The report of an Alpha whose account changes like this day by day, beside rivals whose accounts do not."""
    moments = [START + timedelta(days=day) for day in range(DAYS)]
    terms = BacktestTerms(Asset.ETH, moments[0], moments[-1])
    still = [int(terms.capital)] * (DAYS + 1)
    alpha = list(accumulate((round(change * USDC_UNIT) for change in changes_usdc), initial=int(terms.capital)))
    bought = [Bought(Signal.LONG_CALL, STAKE, STAKE, moments[n]) for n in range(trades)]
    courses = {strategy: Course(strategy, (), still, {}, {}) for strategy in Strategy}
    courses[Strategy.ALPHA] = Course(Strategy.ALPHA, bought, alpha, {}, {})
    market = MarketDescription("recorded", "closes", False, (), {})
    return backtest_document(Backtest(terms, market, "test", "", False, moments, {}, {}, courses))


@pytest.mark.parametrize(
    ("changes_usdc", "verdict", "said"),
    [
        ([10.0 + day % 3 for day in range(DAYS)], "better", "Alpha did better than holding cash: +660.00 USDC"),
        (
            [300.0, *[0.0] * (DAYS - 1)],
            "not shown to be better",
            "Alpha is not shown to beat holding cash: +300.00",
        ),
        ([-5.0] * DAYS, "not better", "Alpha did NOT beat holding cash: -300.00 USDC"),
        ([0.0] * DAYS, "not better", "Alpha did NOT beat holding cash: +0.00 USDC"),
    ],
)
def test_alpha_is_better_only_where_chance_does_not_explain_it(
    changes_usdc: list[float], verdict: str, said: str
) -> None:
    report = report_on(changes_usdc)

    assert report["comparison"]["hold_cash"]["verdict"] == verdict  # type: ignore[index]
    assert any(line.startswith(said) for line in report["says"])  # type: ignore[attr-defined]


def test_few_trades_are_called_few() -> None:
    few, enough = (report_on([1.0] * DAYS, trades)["says"][0] for trades in (19, 20))  # type: ignore[index]

    assert few == "Alpha made 19 trades; under 20 no average says much."
    assert not enough.startswith("Alpha made")
