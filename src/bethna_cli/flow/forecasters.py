"""Every way to forecast volatility that is compared: what each expects of the same rows, over each horizon."""

import math
from collections.abc import Iterable, Sequence
from operator import mul

from bethna_cli.analysis import volatility_fit
from bethna_cli.analysis.features import FEATURE_NAMES
from bethna_cli.analysis.forecast_scores import Said
from bethna_cli.analysis.volatility import HORIZONS_H, LEAST_VOLATILITY, past_log_variances
from bethna_cli.domain.model import TrainingSet
from bethna_cli.ports import Regressor

OWN = "model"
Forecasts = dict[str, list[list[Said | None]]]
"""By forecaster and horizon, one entry a row; None where it says nothing or nobody knows what came."""


def forecasts(past: TrainingSet, tested: TrainingSet, regressor: Regressor) -> Forecasts:
    """Let each forecaster, fitted on the past where it is fitted, forecast the rows that are tested."""
    found: Forecasts = {}
    for name, fits in volatility_fit.forecasters(past).items():
        logs = [past_log_variances(row) for row in tested.rows]
        found[name] = [
            said(tested, i, [weights[0] + math.fsum(map(mul, weights[1:], row)) for row in logs], correction)
            for i, (weights, correction) in enumerate(fits)
        ]
    found["forest"] = [said(tested, i, *_forest(past, tested, i, regressor)) for i in range(len(HORIZONS_H))]
    for name, variances in _rules(tested).items():
        plain = list(map(log_variance, variances))
        found[name] = [said(tested, i, plain) for i in range(len(HORIZONS_H))]
    return found


def said(tested: TrainingSet, horizon: int, logs: Iterable[float], correction: float = 0.0) -> list[Said | None]:
    """Put expected logs of the annual variance beside what came; correction: from their exponential to the mean."""
    realised = (after.variances[horizon] for after in tested.after)
    return [
        None if math.isnan(came) or math.isnan(log) else Said(hour, log_variance(came), log, log + correction)
        for hour, came, log in zip(tested.hours, realised, logs, strict=True)
    ]


def log_variance(variance: float) -> float:
    """The logarithm of an annual variance that is not less than LEAST_VOLATILITY's; a missing one stays missing."""
    return variance if math.isnan(variance) else math.log(max(variance, LEAST_VOLATILITY**2))


def _forest(
    past: TrainingSet, tested: TrainingSet, horizon: int, regressor: Regressor
) -> tuple[Sequence[float], float]:
    """Let a forest on all features learn the log of the variance; its correction is fitted as the regressions' is."""
    known = [i for i, after in enumerate(past.after) if not math.isnan(after.variances[horizon])]
    rows, wanted = [past.rows[i] for i in known], [log_variance(past.after[i].variances[horizon]) for i in known]
    answers = regressor.expect(rows, wanted, [*rows, *tested.rows])
    ratios = (math.exp(came - log) for came, log in zip(wanted, answers, strict=False))
    return answers[len(rows) :], math.log(math.fsum(ratios) / len(rows))


def _rules(tested: TrainingSet) -> dict[str, list[float]]:
    """What simple rules say of any horizon: the volatility of late."""
    columns = {"realised_7d": "volatility_7d", "realised_30d": "volatility_30d"}
    past = {name: [row[FEATURE_NAMES.index(column)] ** 2 for row in tested.rows] for name, column in columns.items()}
    return {**past, "ewma": list(tested.ewma)}
