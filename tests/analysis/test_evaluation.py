"""Figures of trials: by definition, against scikit-learn's, and with intervals that know that weeks overlap."""

import math
import random
from typing import Any

import pytest
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

from bethna_cli.analysis.evaluation import BLOCK_DAYS, Resampling, measure
from bethna_cli.analysis.trials import Trial
from bethna_cli.domain.model import CLASSES

BASE = (0.3, 0.4, 0.3)


def trials(days: int = 200, seed: int = 3, hours_step: int = 8) -> list[Trial]:
    """Predictions that know something: outcomes are drawn from them."""
    chance = random.Random(seed)
    found = []
    for hour in range(480_000, 480_000 + 24 * days, hours_step):
        weights = [chance.uniform(0.1, 1) for _ in CLASSES]
        said = tuple(w / sum(weights) for w in weights)
        realised = chance.gauss(-1, 0.5)
        found.append(
            Trial(
                hour=hour,
                predicted=said,  # type: ignore[arg-type]
                base=BASE,
                label=chance.choices(range(3), said)[0],
                place=chance.random(),
                log_realised=realised,
                log_expected=(realised + chance.gauss(0, 0.2), -1.0, -1.0, math.nan if hour % 48 == 0 else -1.0),
                variances=(math.exp(realised + chance.gauss(0, 0.2)), 0.4, 0.4, 0.4),
            )
        )
    return found


TRIALS = trials()
LABELS = [trial.label for trial in TRIALS]


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    return measure(TRIALS, Resampling(count=300, seed=1))


def test_probabilities_are_scored_as_scikit_learn_scores_them(report: dict[str, Any]) -> None:
    said = [trial.predicted for trial in TRIALS]

    assert report["log_loss"] == pytest.approx(log_loss(LABELS, said), abs=1e-6)
    for k, name in enumerate(CLASSES):
        happened, ours = [label == k for label in LABELS], [row[k] for row in said]
        figures = report["classes"][name]
        assert figures["brier"] == pytest.approx(brier_score_loss(happened, ours), abs=1e-6)
        assert figures["log_loss"] == pytest.approx(log_loss(happened, ours), abs=1e-6)
        assert figures["auc"] == pytest.approx(roc_auc_score(happened, ours), abs=2e-3)
        assert figures["share"] == pytest.approx(sum(happened) / len(happened), abs=1e-6)
        assert figures["base_rate"] == BASE[k]


def test_skill_is_against_the_base_rates_known_beforehand(report: dict[str, Any]) -> None:
    bullish = report["classes"]["bullish"]
    base = sum((BASE[2] - (label == 2)) ** 2 for label in LABELS) / len(LABELS)

    assert bullish["brier_base"] == pytest.approx(base, abs=1e-6)
    assert bullish["brier_skill"] == pytest.approx(1 - bullish["brier"] / base, abs=1e-5)
    assert report["brier_skill"] > 0


def test_volatility_is_scored_by_definition_and_a_baseline_that_was_missing_counts_where_it_was_not(
    report: dict[str, Any],
) -> None:
    realised = [trial.log_realised for trial in TRIALS]
    mean = sum(realised) / len(realised)
    errors = sum((t.log_realised - t.log_expected[0]) ** 2 for t in TRIALS)
    ratios = [math.exp(t.log_realised) / t.variances[0] for t in TRIALS]

    assert report["vol_r2"] == pytest.approx(1 - errors / sum((x - mean) ** 2 for x in realised), abs=1e-5)
    assert report["vol_qlike"] == pytest.approx(sum(r - math.log(r) - 1 for r in ratios) / len(ratios), abs=1e-5)
    assert report["baselines"]["ewma"]["vol_qlike"] > report["vol_qlike"]
    assert report["baselines"]["realised_7d"].keys() == {"vol_r2", "vol_qlike"}


def test_every_figure_lies_in_its_interval_and_the_same_seed_gives_the_same_bytes(report: dict[str, Any]) -> None:
    for key in ("log_loss", "brier", "coverage_80", "vol_r2", "vol_qlike"):
        low, high = report["intervals"][key]
        assert low < report[key] < high
    assert measure(TRIALS, Resampling(count=300, seed=1)) == report
    assert measure(TRIALS, Resampling(count=300, seed=2)) != report


def test_repeating_every_trial_of_a_day_does_not_narrow_an_interval() -> None:
    """Hours of one day see the same week: a hundred of them are no hundred observations."""
    once = [trial for trial in TRIALS if trial.hour % 24 == 0]
    copies = [trial for trial in once for _ in range(5)]

    single, repeated = (measure(t, Resampling(count=300, seed=1)) for t in (once, copies))

    assert single["intervals"]["log_loss"] == repeated["intervals"]["log_loss"]  # type: ignore[index]


def test_a_lucky_month_widens_the_interval_as_one_observation() -> None:
    """The same luck spread over single days would average out; in one block it does not."""
    lucky = [
        Trial(t.hour, (0.98, 0.01, 0.01), t.base, 0, 0.5, t.log_realised, t.log_expected, t.variances)
        if t.hour // 24 < TRIALS[0].hour // 24 + BLOCK_DAYS
        else t
        for t in TRIALS
    ]
    scattered = [
        Trial(t.hour, (0.98, 0.01, 0.01), t.base, 0, 0.5, t.log_realised, t.log_expected, t.variances)
        if t.hour // 24 % 7 == 0
        else t
        for t in TRIALS
    ]

    widths = []
    for chosen in (lucky, scattered):
        low, high = measure(chosen, Resampling(count=300, seed=1))["intervals"]["log_loss"]  # type: ignore[index]
        widths.append(high - low)

    assert widths[0] > 1.5 * widths[1]


def test_nothing_to_score_is_not_a_perfect_score() -> None:
    with pytest.raises(ValueError, match="no trials"):
        measure([])
