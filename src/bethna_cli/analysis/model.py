"""The trained model's answer to one row: the forest's shares, calibrated and weighed, as probabilities.

Standard library only: this is on the path of every recommendation.

Missing data. The forest learned where a missing value goes. On top, with `c` the share of the row's features that are
present, the answer is c parts model and 1 - c parts even odds: less seen, less claimed, also when the forest has no
weight, because the rest was measured on markets that were seen whole.
"""

import math
from array import array

from bethna_cli.analysis.features import HORIZON_HOURS, missing_groups, neutral_band
from bethna_cli.analysis.volatility import undirected
from bethna_cli.domain.model import CLASSES, Calibration, Forest, Model, Row, Shares
from bethna_cli.domain.recommendation import Prediction

SHARE_FLOOR = 1e-4
"""Shares below this count as this before the logarithm: no leaf of a few weeks' data knows more."""
_EVEN: Shares = (1 / 3, 1 / 3, 1 / 3)


def shares(forest: Forest, row: Row) -> Shares:
    """Average the class shares of the leaves that `row` falls into. Raises ValueError on another width or infinity."""
    if len(row) != forest.features or any(map(math.isinf, row)):
        raise ValueError(f"a row is {forest.features} finite or missing numbers")
    rounded = array("f", row).tolist()
    is_missing = [value != value for value in rounded]
    feature, threshold, right, leaf = forest.feature, forest.threshold, forest.right, forest.leaf
    bearish = neutral = bullish = 0.0
    for node in forest.roots:
        while (beyond := right[node]) >= 0:
            column = feature[node]
            if is_missing[column]:
                node = node + 1 if forest.missing_left[node] else beyond
            else:
                node = node + 1 if rounded[column] <= threshold[node] else beyond
        at = len(CLASSES) * (-1 - beyond)
        bearish += leaf[at]
        neutral += leaf[at + 1]
        bullish += leaf[at + 2]
    trees = len(forest.roots)
    return bearish / trees, neutral / trees, bullish / trees


def calibrated(calibration: Calibration, raw: Shares) -> Shares:
    """Turn a forest's shares into probabilities. Source: Guo et al., 2017 (temperature), with a bias per class."""
    logs = [
        calibration.slope * math.log(max(share, SHARE_FLOOR)) + bias
        for share, bias in zip(raw, calibration.bias, strict=True)
    ]
    top = max(logs)
    odds = [math.exp(value - top) for value in logs]
    total = math.fsum(odds)
    return odds[0] / total, odds[1] / total, odds[2] / total


def completeness(row: Row) -> float:
    """Share of the row's features that are present, 0..1."""
    return sum(not math.isnan(value) for value in row) / len(row)


def probabilities(model: Model, row: Row) -> Shares:
    """Probabilities in the order of CLASSES: the calibrated forest's and, for the rest of its weight, those that follow
    from the volatility; then drawn towards even odds for what is missing."""
    return _pooled(model, row, calibrated(model.calibration, shares(model.forest, row)))


def silent(model: Model, row: Row) -> Shares:
    """What the probabilities would be if the forest said of this row what it says of all: the base rates."""
    return _pooled(model, row, model.base)


def _pooled(model: Model, row: Row, learned: Shares) -> Shares:
    seen = completeness(row)
    if seen == 0:
        return _EVEN
    bearish, neutral, bullish = (
        (1 - seen) * even + seen * (plain + model.shrink * (said - plain))
        for said, plain, even in zip(learned, undirected(model.volatility, row), _EVEN, strict=True)
    )
    return bearish, neutral, bullish


def predict(model: Model, row: Row) -> Prediction:
    """Predict the coming week from one row of `features`.

    `shrink` of the answer is the weight that the forest had in this row; with 0 there is no directional view. Raises
    ValueError when the row is not as wide as the model's features.
    """
    bearish, neutral, bullish = probabilities(model, row)
    without = silent(model, row)
    return Prediction(
        bullish=bullish,
        neutral=neutral,
        bearish=bearish,
        horizon_days=HORIZON_HOURS / 24,
        neutral_band=neutral_band(row),
        base=(model.base[2], model.base[1], model.base[0]),
        silent=(without[2], without[1], without[0]),
        shrink=model.shrink * completeness(row),
        model_version=model.version,
        missing=missing_groups(row),
    )
