"""Drift: has the market left what the model learned from, and does what it says still come true?

Features are compared with the deciles of training by the population stability index; probabilities and bands with what
came of them over the last 90 days. Only what was measured to be wrong, beyond chance, becomes a warning: neither a
model's age nor a market that looks unfamiliar is one.
"""

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from bethna_cli.analysis import features as featuring
from bethna_cli.analysis.evaluation import Resampling, measure
from bethna_cli.domain.errors import NotEnoughData
from bethna_cli.domain.model import Model, Row
from bethna_cli.domain.units import from_unix, iso
from bethna_cli.flow.evaluate import COVERAGE, tried_on
from bethna_cli.flow.fit import STEP_HOURS, labelled_rows, weeks_of
from bethna_cli.ports import HistoryArchive

DAYS = 90
SHIFTED = 0.25
"""A population stability index from which a feature counts as shifted. Source: Siddiqi, "Credit Risk Scorecards"."""
_LEAST_SHARE = 0.001


def drift(alpha: Model, archive: HistoryArchive, until: datetime) -> dict[str, object]:
    """Measure the last DAYS days of a data folder and return the report as JSON values.

    Raises DataRefused, and NotEnoughData when no decision of those days has come to its end.
    """
    history = archive.read(until)
    rows: list[Row] = []
    trials = []
    for asset in history.assets:
        series = featuring.series_of(asset.candles, asset.funding, history.fear_greed)
        newest = from_unix(series.hours.stop * 3600)
        first = int((newest - timedelta(days=DAYS)).timestamp()) // 3600
        data = labelled_rows(series, [h for h in series.hours if h % STEP_HOURS == 0 and h >= first])
        rows += data.rows
        trials += tried_on(alpha, data)
    if not trials:
        raise NotEnoughData(f"No decision of the last {DAYS} days has come to its end.", hint="bethna train --fetch")
    measured = measure(trials, Resampling(count=500))
    moved = stability(alpha.card, rows)
    return {
        "model": alpha.version,
        "from": iso(from_unix(min(trial.hour for trial in trials) * 3600)),
        "to": iso(from_unix(max(trial.hour for trial in trials) * 3600)),
        "independent_weeks": weeks_of(trial.hour for trial in trials),
        "calibration": measured,
        "stability": moved,
        "shifted": [name for name, index in moved.items() if index is not None and index >= SHIFTED],
        "warnings": warnings(measured),
    }


def warnings(measured: Mapping[str, Any]) -> list[str]:
    """Name what was measured to be wrong beyond chance: the whole 95 % interval says so."""
    found = []
    low, high = measured["intervals"]["coverage_80"]
    if high < COVERAGE[0] or low > COVERAGE[1]:
        said = f"{measured['coverage_80']:.0%} (95 %: {low:.0%} to {high:.0%})".replace("%", " %").replace("  ", " ")
        found.append(f"Over the last {DAYS} days the model's 80 % band held {said} of the prices.")
    skill = measured["intervals"]["brier_skill"][1]
    if skill is not None and skill < 0:
        found.append(f"Over the last {DAYS} days the model's probabilities were worse than plain frequencies.")
    return found


def stability(card: Mapping[str, Any], rows: Sequence[Row]) -> dict[str, float | None]:
    """Return each feature's population stability index against the deciles of training, missing values a bin too.

    None where the feature is missing in all rows, or training knew no deciles of it.
    """
    found: dict[str, float | None] = {}
    for number, feature in enumerate(card["features"]):
        values = [row[number] for row in rows]
        edges = feature.get("deciles", [])
        known = not edges or all(map(math.isnan, values))
        found[feature["name"]] = None if known else _index(values, edges, float(feature["missing"]))
    return found


def _index(values: Sequence[float], edges: Sequence[float], missing: float) -> float:
    counts = [0] * (len(edges) + 2)
    for value in values:
        counts[-1 if math.isnan(value) else bisect_right(edges, value)] += 1
    expected = [*[(1 - missing) / (len(edges) + 1)] * (len(edges) + 1), missing]
    pairs = zip(counts, expected, strict=True)
    shares = [(max(count / len(values), _LEAST_SHARE), max(share, _LEAST_SHARE)) for count, share in pairs]
    return round(math.fsum((now - then) * math.log(now / then) for now, then in shares), 4)
