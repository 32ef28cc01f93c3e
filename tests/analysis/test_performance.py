"""What trades came to: figures by their definitions, and intervals that hold what they promise."""

import math
import random
from itertools import pairwise
from statistics import mean, stdev

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bethna_cli.analysis.performance import curve_figures, mean_interval, trade_figures

RETURNS = st.lists(st.floats(-1, 5), min_size=1, max_size=40)
NO_INTERVAL = 100
"""A block longer than the values: there is no interval, and nothing is drawn."""
VALUES = st.lists(st.integers(0, 10**12), min_size=2, max_size=60)


def chance() -> random.Random:
    return random.Random(1)


def test_no_trades_have_no_figures() -> None:
    assert trade_figures([], 1, chance()) is None


def test_a_trade_that_returns_its_premium_has_not_won() -> None:
    figures = trade_figures([0.0, 0.5, -1.0], 1, chance())

    assert figures is not None
    assert (figures.trades, figures.won, figures.median_return) == (3, 1, 0.0)
    assert figures.average_return == pytest.approx(-1 / 6)


@settings(max_examples=20)
@given(RETURNS)
def test_the_interval_of_the_average_lies_within_the_returns(returns: list[float]) -> None:
    figures = trade_figures(returns, 1, chance())

    assert figures is not None
    if figures.average_interval:
        low, high = figures.average_interval
        assert min(returns) - 1e-9 <= low <= high <= max(returns) + 1e-9


def test_less_than_two_blocks_have_no_interval() -> None:
    assert mean_interval([0.1] * 13, 7, chance()) is None
    assert mean_interval([0.1] * 14, 7, chance()) is not None


def test_longer_blocks_widen_the_interval_of_values_that_hang_together() -> None:
    source = random.Random(4)
    weeks = [source.gauss(0, 1) for _ in range(40)]
    daily = [week for week in weeks for _ in range(7)]

    (short_low, short_high), (low, high) = (mean_interval(daily, block, chance()) or (0, 0) for block in (1, 7))

    assert high - low > 1.8 * (short_high - short_low)


def test_about_nineteen_of_twenty_intervals_hold_the_true_mean() -> None:
    source = random.Random(9)
    held = 0
    for _ in range(40):
        interval = mean_interval([source.gauss(0.3, 1) for _ in range(96)], 8, source)
        assert interval is not None
        held += interval[0] <= 0.3 <= interval[1]

    assert held >= 34


@given(VALUES)
def test_the_drawdown_is_the_deepest_fall_below_an_earlier_high(values: list[int]) -> None:
    figures = curve_figures(values, 30, NO_INTERVAL, chance())

    assert figures.drawdown == max(values[i] - values[j] for i in range(len(values)) for j in range(i, len(values)))
    assert 0 <= figures.drawdown_share <= 1


def test_sharpe_is_the_mean_change_over_its_deviation_scaled_to_a_year() -> None:
    values = [100, 130, 120, 150, 155, 140, 170]
    changes = [b - a for a, b in pairwise(values)]

    figures = curve_figures(values, 6, 1, chance())

    assert figures.sharpe == pytest.approx(mean(changes) / stdev(changes) * math.sqrt(365))


@pytest.mark.parametrize("values", [[100], [100, 100, 100, 100], [100, 105, 110, 115]])
def test_an_account_whose_changes_do_not_vary_has_no_sharpe(values: list[int]) -> None:
    assert curve_figures(values, 3, 1, chance()).sharpe is None


@given(VALUES, st.integers(1, 10**9))
def test_sharpe_does_not_depend_on_the_size_of_the_account(values: list[int], more: int) -> None:
    small, large = (
        curve_figures(each, 30, NO_INTERVAL, chance()).sharpe for each in (values, [v + more for v in values])
    )

    assert small == large


def test_the_same_seed_gives_the_same_interval() -> None:
    returns = [random.Random(2).gauss(0, 1) for _ in range(30)]

    assert mean_interval(returns, 3, chance()) == mean_interval(returns, 3, chance())
