"""Blocks that leak nothing, probabilities that mean what they say, and a weight that may be nothing."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bethna_cli.analysis.calibration import (
    Calibrated,
    base_rates,
    calibrate,
    fit_calibration,
    log_loss,
    probabilities,
    purged_blocks,
    purged_split,
    yearly_folds,
)
from bethna_cli.analysis.features import HORIZON_HOURS
from bethna_cli.analysis.model import calibrated
from bethna_cli.domain.errors import NotEnoughData
from bethna_cli.domain.model import Shares, Split

HOURS = [hour for _asset in range(2) for hour in range(420_000, 440_000, 5) if not 425_000 < hour < 425_300]


def label_hours(hour: int) -> range:
    """The hours whose price moves make the label."""
    return range(hour + 1, hour + HORIZON_HOURS + 1)


def least_gap_h(split: Split) -> int:
    """Hours between the nearest label windows of the two sides; below 0 they overlap."""
    held = sorted({HOURS[i] for i in split.held_out})
    first, last = label_hours(held[0]), label_hours(held[-1])
    before = [first.start - 1 - label_hours(HOURS[i])[-1] for i in split.train if HOURS[i] < held[0]]
    after = [label_hours(HOURS[i]).start - 1 - last[-1] for i in split.train if HOURS[i] > held[-1]]
    return min([*before, *after])


@pytest.mark.parametrize("number", range(6))
def test_no_label_learned_from_touches_a_held_out_block(number: int) -> None:
    assert 0 <= least_gap_h(purged_blocks(HOURS)[number]) < 10


def test_no_label_of_the_past_touches_the_year_that_is_tested() -> None:
    assert all(0 <= least_gap_h(split) < 10 for _, split in yearly_folds(HOURS, learn_years=1))
    assert [year for year, _ in yearly_folds(HOURS, learn_years=1)] == [2018, 2019, 2020]


def test_a_year_is_predicted_from_its_past_alone() -> None:
    for _, split in yearly_folds(HOURS, learn_years=1):
        assert max(HOURS[i] for i in split.train) < min(HOURS[i] for i in split.held_out)


def test_blocks_are_contiguous_share_their_hours_between_assets_and_cover_every_row_once() -> None:
    splits = purged_blocks(HOURS)
    held = [{HOURS[i] for i in split.held_out} for split in splits]

    assert sorted(i for split in splits for i in split.held_out) == list(range(len(HOURS)))
    assert all(max(early) < min(late) for early, late in pairwise(held))
    assert all(not set(split.train) & set(split.held_out) for split in splits)


@given(st.integers(420_000, 439_000), st.integers(1, 900))
def test_purging_drops_exactly_the_overlapping_rows(first: int, length: int) -> None:
    split = purged_split(HOURS, first, first + length)
    touched = range(label_hours(first).start, label_hours(first + length).stop)
    overlapping = [i for i, hour in enumerate(HOURS) if any(end in touched for end in (hour + 1, hour + HORIZON_HOURS))]

    assert sorted({*range(len(HOURS))} - set(split.train)) == overlapping


def test_too_little_for_six_blocks_is_not_enough() -> None:
    six_months = 6 * 4 * HORIZON_HOURS

    assert purged_blocks(range(0, six_months + 60, 5))
    with pytest.raises(NotEnoughData):
        purged_blocks(range(0, six_months - 30, 5))


def drawn(
    truth: "np.ndarray[tuple[int, int], np.dtype[np.float64]]", seed: int
) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    chance = np.random.default_rng(seed).random((len(truth), 1))
    return (chance > truth.cumsum(axis=1)[:, :2]).sum(axis=1)


def some_truth(seed: int, spread: float = 0.8) -> "np.ndarray[tuple[int, int], np.dtype[np.float64]]":
    odds = np.exp(np.random.default_rng(seed).normal(size=(len(HOURS), 3)) * spread)
    return odds / odds.sum(axis=1, keepdims=True)


def listed(shares: "np.ndarray[tuple[int, int], np.dtype[np.float64]]") -> list[Shares]:
    return [(row[0], row[1], row[2]) for row in shares.tolist()]


def test_overconfident_shares_are_brought_back_to_what_happens() -> None:
    truth = some_truth(1)
    labels = drawn(truth, 2)
    boasted = truth**3 / (truth**3).sum(axis=1, keepdims=True)

    calibration = fit_calibration(boasted, labels)
    corrected = probabilities(calibration, boasted)

    assert calibration.slope == pytest.approx(1 / 3, abs=0.02)
    assert log_loss(corrected, labels) < log_loss(boasted, labels)
    assert abs(gap_of_the_confident(corrected, labels)) < 0.02 < abs(gap_of_the_confident(boasted, labels))


def gap_of_the_confident(
    said: "np.ndarray[tuple[int, int], np.dtype[np.float64]]", labels: "np.ndarray[tuple[int], np.dtype[np.int64]]"
) -> float:
    """How much likelier the likeliest class was said to be than it was."""
    return float((said.max(axis=1) - (said.argmax(axis=1) == labels)).mean())


def test_the_calibration_is_the_optimum() -> None:
    truth = some_truth(1)
    labels = drawn(truth, 2)
    best = fit_calibration(truth**2, labels)
    least = log_loss(probabilities(best, truth**2), labels)

    for step in ((0.01, 0, 0), (-0.01, 0, 0), (0, 0.01, 0), (0, -0.01, 0), (0, 0, 0.01), (0, 0, -0.01)):
        bias = (best.bias[0] + step[1], 0.0, best.bias[2] + step[2])
        assert log_loss(probabilities(type(best)(best.slope + step[0], bias), truth**2), labels) > least


def test_a_forest_that_points_the_wrong_way_is_ignored_not_reversed() -> None:
    truth = some_truth(1)
    labels = drawn(truth, 2)

    calibration = fit_calibration(truth[:, ::-1] ** 0.5, labels)
    opposite = fit_calibration(1 / truth / (1 / truth).sum(axis=1, keepdims=True), labels)

    assert calibration.slope >= 0
    assert opposite.slope == 0
    assert probabilities(opposite, truth)[0] == pytest.approx(np.bincount(labels) / len(labels), abs=1e-4)


def test_one_row_and_many_rows_are_calibrated_alike() -> None:
    truth = some_truth(3)[:50]
    calibration = fit_calibration(truth, drawn(truth, 4))

    single = [calibrated(calibration, row) for row in listed(truth)]

    assert np.abs(np.asarray(single) - probabilities(calibration, truth)).max() < 1e-14


PLAIN: Shares = (0.28, 0.38, 0.34)


def calibrated_against(shares: list[Shares], labels: list[int], independent: float = len(HOURS)) -> Calibrated:
    """Calibrate shares whose rival always says PLAIN."""
    return calibrate(shares, labels, purged_blocks(HOURS), [PLAIN] * len(labels), independent)


def test_the_weight_is_the_mean_of_all_weights_by_the_likelihood_they_gave() -> None:
    labels = [int(k) for k in drawn(np.tile(PLAIN, (len(HOURS), 1)), 7)]

    found = calibrated_against(listed(some_truth(8)), labels, independent=120)

    losses = np.asarray(found.log_loss_by_weight)
    likelihood = np.exp(-120 * (losses - losses.min()))
    assert found.shrink == pytest.approx(float(np.linspace(0, 1, 21) @ likelihood / likelihood.sum()), abs=0.025)


def test_one_lucky_week_decides_nothing() -> None:
    labels = [int(k) for k in drawn(some_truth(1), 2)]

    assert calibrated_against(listed(some_truth(1)), labels, independent=0).shrink == 0.5


def test_shares_that_mislead_in_every_block_get_hardly_any_weight() -> None:
    blocks = purged_blocks(HOURS)
    labels = [int(k) for k in drawn(some_truth(1), 2)]
    right, wrong = (0.1, 0.1, 0.8), (0.8, 0.1, 0.1)
    lucky = {i for number, split in enumerate(blocks) for i in split.held_out if number % 2}
    # what a share says means the opposite in every other block: learned elsewhere, it always misleads
    shares = [right if (labels[i] == 2) == (i in lucky) else wrong for i in range(len(HOURS))]

    assert calibrated_against(shares, labels).shrink < 0.1


def test_shares_that_tell_the_truth_get_the_whole_weight() -> None:
    truth = some_truth(1)

    found = calibrated_against(listed(truth), [int(k) for k in drawn(truth, 2)])

    assert found.shrink >= 0.95
    assert found.calibration.slope == pytest.approx(1.0, abs=0.05)


def test_a_class_that_never_happened_stays_possible() -> None:
    assert min(base_rates([1, 1, 1])) > 0
    assert math.fsum(base_rates([0, 1, 1])) == pytest.approx(1.0)
