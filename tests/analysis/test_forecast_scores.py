"""What quotes imply of a horizon, and which differences between forecasters count as more than chance."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bethna_cli.analysis.evaluation import Resampling
from bethna_cli.analysis.forecast_scores import Said, scored
from bethna_cli.analysis.implied import implied_variance

TERM = ((2 / 365, 0.8), (9 / 365, 0.6), (30 / 365, 0.5))
RESAMPLING = Resampling(count=200, seed=1)


@pytest.mark.parametrize(("years", "iv"), TERM)
def test_at_an_expiry_the_quotes_imply_their_own_volatility(years: float, iv: float) -> None:
    assert implied_variance(TERM, years) == pytest.approx(iv * iv)


def test_before_the_first_expiry_its_volatility_counts_and_beyond_the_last_one_nothing_is_known() -> None:
    assert implied_variance(TERM, 1 / 365) == pytest.approx(0.64)
    assert implied_variance(TERM, 31 / 365) is None
    assert implied_variance((), 1 / 365) is None


@given(st.floats(2 / 365, 30 / 365))
def test_between_two_expiries_total_variance_is_straight_in_time(years: float) -> None:
    near, far = (TERM[0], TERM[1]) if years <= TERM[1][0] else (TERM[1], TERM[2])
    low, high = (iv * iv * until for until, iv in (near, far))
    share = (years - near[0]) / (far[0] - near[0])

    found = implied_variance(TERM, years)

    assert found is not None
    assert found * years == pytest.approx(low + share * (high - low))


def weeks(days: int, off_by: float, seed: int = 1) -> list[Said]:
    """A forecaster who misses the log of each day's variance by chance, and by `off_by` on top."""
    chance = random.Random(seed)
    return [
        Said(24 * day, came := chance.gauss(-1, 0.4), middle := came + chance.gauss(0, 0.3) + off_by, middle)
        for day in range(days)
    ]


def test_scores_are_those_of_their_definitions() -> None:
    rows = weeks(100, 0.2)
    figures = scored({"model": rows, "other": weeks(100, 0.5)}, "model", 24, RESAMPLING)["model"]

    ratios = [math.exp(one.came - one.mean) for one in rows]
    mean = sum(one.came for one in rows) / 100
    assert figures["qlike"] == pytest.approx(sum(r - math.log(r) - 1 for r in ratios) / 100, abs=1e-6)
    spread = sum((one.came - mean) ** 2 for one in rows)
    assert figures["r2"] == pytest.approx(1 - sum((one.came - one.middle) ** 2 for one in rows) / spread, abs=1e-6)


def test_a_difference_has_an_interval_and_the_same_forecaster_differs_by_nothing() -> None:
    report = scored(
        {"model": weeks(400, 0.0), "same": weeks(400, 0.0), "biased": weeks(400, 1.0)}, "model", 24, RESAMPLING
    )

    assert report["same"]["interval"] == [0, 0]
    low, high = report["biased"]["interval"]
    assert 0 < low < report["biased"]["qlike_over_own"] < high
    assert report["model"]["interval"] is None


def test_a_few_weeks_are_too_few_for_an_interval() -> None:
    report = scored({"model": weeks(50, 0.0), "biased": weeks(50, 1.0)}, "model", 168, RESAMPLING)

    assert report["biased"]["interval"] is None
