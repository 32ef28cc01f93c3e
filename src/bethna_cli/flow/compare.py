"""Compare: ways to forecast volatility, each year by what the years before taught, over every horizon.

Where option chains were recorded, what their quotes imply is one of them: then all forecast the same moments, by what
the whole history before the first chain taught.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bethna_cli.analysis import calibration
from bethna_cli.analysis import features as featuring
from bethna_cli.analysis.aftermath import Aftermaths
from bethna_cli.analysis.evaluation import Resampling
from bethna_cli.analysis.forecast_scores import Said, scored
from bethna_cli.analysis.implied import implied_variance
from bethna_cli.analysis.trials import ewma_variances
from bethna_cli.analysis.volatility import HORIZONS_H
from bethna_cli.domain.errors import NotEnoughData
from bethna_cli.domain.model import Aftermath, Progress, Row, TrainingSet
from bethna_cli.domain.options import Term
from bethna_cli.domain.units import from_unix, iso
from bethna_cli.flow.evaluate import described
from bethna_cli.flow.fit import training_set
from bethna_cli.flow.forecasters import OWN, Forecasts, forecasts, log_variance, said
from bethna_cli.flow.train import known_by
from bethna_cli.ports import HistoryArchive, QuotedVolatility, Regressor

Table = dict[str, dict[str, dict[str, object]]]


@dataclass(frozen=True, slots=True)
class Quoted:
    """Recorded chains of one asset, with the candles, funding and mood of their days."""

    asset: str
    volatility: QuotedVolatility
    history: HistoryArchive


@dataclass(frozen=True, slots=True)
class _Chains:
    """The moments of the chains as rows, and the term structure quoted at each."""

    rows: TrainingSet
    terms: Sequence[Term]
    report: Mapping[str, object]


def compare(
    archive: HistoryArchive,
    regressor: Regressor,
    until: datetime,
    progress: Progress,
    quoted: Sequence[Quoted] = (),
    resampling: Resampling | None = None,
) -> dict[str, object]:
    """Score every forecaster on every horizon and return the report as JSON values; see `forecast_scores.scored`.

    Raises DataRefused, NotEnoughData.
    """
    resampling = resampling or Resampling()
    progress("reading history", 0.0)
    data = training_set(archive.read(until), progress)
    seen: Forecasts = {}
    years = list(calibration.yearly_folds(data.hours))
    for number, (year, split) in enumerate(years):
        progress(f"walk-forward {year}", 0.25 + 0.5 * number / len(years))
        past = known_by(data.only(split.train), min(data.hours[i] for i in split.held_out))
        for name, horizons in forecasts(past, data.only(split.held_out), regressor).items():
            for pooled, found in zip(seen.setdefault(name, [[] for _ in HORIZONS_H]), horizons, strict=True):
                pooled += found
    if not seen:
        raise NotEnoughData("A walk-forward test takes more than two years of history.")
    chains: dict[str, object] = {}
    for number, one in enumerate(quoted):
        progress(f"{one.asset} chains", 0.75 + 0.25 * number / len(quoted))
        chains[one.asset] = _beside_quotes(data, one, regressor, until, resampling)
    progress("done", 1.0)
    table = _table(seen, resampling)
    return {"years": [year for year, _ in years], "rows": len(data.rows), "horizons": table, "chains": chains}


def _table(seen: Forecasts, resampling: Resampling) -> Table:
    """Score each horizon on the rows that every forecaster spoke of."""
    table: Table = {}
    for i, hours in enumerate(HORIZONS_H):
        rows = zip(*(horizons[i] for horizons in seen.values()), strict=True)
        common = [whole for row in rows if (whole := [one for one in row if one]) and len(whole) == len(seen)]
        if common:
            columns: list[Sequence[Said]] = list(zip(*common, strict=True))
            table[f"{hours // 24}d"] = scored(dict(zip(seen, columns, strict=True)), OWN, hours, resampling)
    return table


def _beside_quotes(
    data: TrainingSet, quoted: Quoted, regressor: Regressor, until: datetime, resampling: Resampling
) -> dict[str, object]:
    """Forecast the moments of the chains, by what was known when the first was recorded, and score all with IV."""
    chains = _moments(quoted, until)
    first = min(chains.rows.hours)
    before = [i for i, hour in enumerate(data.hours) if hour < first]
    seen = forecasts(known_by(data.only(before), first - 1), chains.rows, regressor)
    seen["implied"] = [
        said(chains.rows, i, [_quoted_log(term, hours) for term in chains.terms]) for i, hours in enumerate(HORIZONS_H)
    ]
    return {**chains.report, "horizons": _table(seen, resampling)}


def _quoted_log(term: Term, hours: int) -> float:
    variance = implied_variance(term, hours / featuring.YEAR_H)
    return float("nan") if variance is None else log_variance(variance)


def _moments(quoted: Quoted, until: datetime) -> _Chains:
    """Lay out the chains' moments. What comes is counted from the next full hour: nobody has seen a part of it."""
    history = quoted.history.read(until)
    asset = history.assets[0]
    series = featuring.series_of(asset.candles, asset.funding, history.fear_greed)
    aftermaths, ewma = Aftermaths(series), ewma_variances(series)
    found: list[tuple[int, Row, Aftermath, float, Term]] = []
    left_out = 0
    for at, term in quoted.volatility.terms():
        hour = featuring.hour_of(at)
        try:
            row = featuring.features_at_hour(series, hour)
        except NotEnoughData:
            left_out += 1
            continue
        found.append((hour + 1, row, aftermaths.of(hour + 1), ewma[hour - series.start_hour], term))
    if not found:
        raise NotEnoughData(f"No {quoted.asset} chain has 60 days of prices before it.")
    hours, rows, after, yardsticks, terms = zip(*found, strict=True)
    tested = TrainingSet(rows, (0,) * len(rows), hours, after, yardsticks)
    report = {
        "from": iso(from_unix(hours[0] * 3600)),
        "to": iso(from_unix(hours[-1] * 3600)),
        "moments": len(hours),
        "moments_left_out": left_out,
        "data": [described(file) for file in (quoted.volatility.described(), *history.files)],
    }
    return _Chains(tested, terms, report)
