"""Evaluate: a finished model on data it may not have learned from, without fitting anything."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from bethna_cli.analysis import features as featuring
from bethna_cli.analysis.evaluation import Resampling, ahead, measure
from bethna_cli.analysis.trials import FORECASTERS, Trial, judge
from bethna_cli.domain.errors import InSample, NotEnoughData
from bethna_cli.domain.model import DataFile, History, Model, TrainingSet
from bethna_cli.domain.units import from_unix, iso
from bethna_cli.flow.fit import STEP_HOURS, labelled_rows, weeks_of
from bethna_cli.ports import HistoryArchive

WEEK = timedelta(hours=featuring.HORIZON_HOURS)
COVERAGE = (0.75, 0.85)
WORST_ECE = 0.05


@dataclass(frozen=True, slots=True)
class Question:
    """Which decisions to judge: those whose whole week lies between the two moments (aware UTC).

    starts: default the end of what the model learned from, or the beginning of the data; ends: default its end.
    """

    starts: datetime | None = None
    ends: datetime | None = None
    in_sample: bool = False
    resampling: Resampling = field(default_factory=Resampling)


def evaluate(alpha: Model, archive: HistoryArchive, until: datetime, question: Question) -> dict[str, object]:
    """Score a model on one asset's recorded history and return the report as JSON values.

    Raises InSample when the range touches what the model learned from and the question does not allow it, DataRefused
    when a file is not what it should be, NotEnoughData when no decision is left.
    """
    history = archive.read(question.ends or until)
    asset = history.assets[0]
    learned = _learned(alpha)
    starts, ends = _range(question, learned, asset.candles[0].starts_at, asset.candles[-1].starts_at)
    if starts >= ends:
        raise NotEnoughData(f"There is nothing to judge: the range ends on {ends:%Y-%m-%d}, from {starts:%Y-%m-%d} on.")
    in_sample = starts < learned[1] and ends > learned[0]
    if in_sample and not question.in_sample:
        raise InSample(
            f"The model learned from {learned[0]:%Y-%m-%d} to {learned[1]:%Y-%m-%d}: figures on days it has seen would "
            "flatter it.",
            hint=f"--from {learned[1] + timedelta(days=1):%Y-%m-%d}, or --in-sample",
        )
    series = featuring.series_of(asset.candles, asset.funding, history.fear_greed)
    hours = [hour for hour in series.hours if hour % STEP_HOURS == 0 and starts <= _at(hour) <= ends - WEEK]
    trials = tried_on(alpha, labelled_rows(series, hours))
    if not trials:
        raise NotEnoughData(
            f"No hour from {starts:%Y-%m-%d} to {ends:%Y-%m-%d} has 60 days of prices before it and a week after it."
        )
    told = {
        **_circumstances(alpha, history, trials),
        "in_sample": in_sample,
        "left_out_hours": len(hours) - len(trials),
    }
    measured = measure(trials, question.resampling)
    better = ahead(trials, question.resampling)
    return {**told, **measured, "ahead": better, "verdict": verdict(measured, better)}


def tried_on(alpha: Model, data: TrainingSet) -> list[Trial]:
    """Let a model predict each row, beside what came of it; rows whose week has too few prices are left out."""
    columns = zip(data.hours, data.rows, data.labels, data.after, data.ewma, strict=True)
    return [trial for row in columns if (trial := judge(alpha, *row))]


def verdict(measured: Mapping[str, Any], better: Mapping[str, Any]) -> list[str]:
    """Say in sentences whether the model was better than each baseline beyond chance, also where it was not."""
    volatility = {name: better[name] for name in FORECASTERS[1:]}
    lines = [
        _compared("Log loss", measured, "log_loss", {"the base rates": better["base_rates"]}),
        _compared("Brier score", measured, "brier", {"the base rates": better["base_rates"]}),
        _compared("Error of the week's variance (QLIKE)", measured, "vol_qlike", volatility),
        _compared("R² of its logarithm", measured, "vol_r2", volatility),
    ]
    inside = COVERAGE[0] <= measured["coverage_80"] <= COVERAGE[1]
    lines.append(f"The 80 % band held {measured['coverage_80'] * 100:.1f} % of the prices: {_kept(inside)}.")
    lines.append(f"Expected calibration error {measured['ece']:.3f}: {_kept(measured['ece'] <= WORST_ECE)}.")
    return lines


def _compared(what: str, measured: Mapping[str, Any], figure: str, others: Mapping[str, Mapping[str, Any]]) -> str:
    words = [f"{_against(by[figure])} {name.replace('_', ' ')}{_likely(by[figure])}" for name, by in others.items()]
    return f"{what} {measured[figure]:.3f}: {', '.join(words)}."


def _against(difference: Mapping[str, Any]) -> str:
    """Claim nothing that chance could have done: the whole interval of the difference must say so."""
    low = difference["interval"][0]
    if low is not None and low > 0:
        return "better than"
    return "not shown to be better than" if difference["by"] > 0 else "NOT better than"


def _likely(difference: Mapping[str, Any]) -> str:
    low, high = difference["interval"]
    return "" if low is None else f" (by {difference['by']:+.3f}; 95 %: {low:+.3f} to {high:+.3f})"


def _kept(holds: bool) -> str:
    return "as it should" if holds else "NOT as it should"


def _learned(alpha: Model) -> tuple[datetime, datetime]:
    """Return from when to when the model learned, as its card says."""
    card: Any = alpha.card["trained_on"]
    return datetime.fromisoformat(card["from"]), datetime.fromisoformat(card["to"])


def _range(
    question: Question, learned: tuple[datetime, datetime], first: datetime, last: datetime
) -> tuple[datetime, datetime]:
    ends = question.ends or last + timedelta(hours=1)
    default = max(first, learned[1]) if ends > learned[1] else first
    return question.starts or default, ends


def _at(hour: int) -> datetime:
    return from_unix(hour * 3600)


def _circumstances(alpha: Model, history: History, trials: Sequence[Trial]) -> dict[str, object]:
    asset = history.assets[0]
    absent = {"funding": asset.funding, "sentiment": history.fear_greed}
    return {
        "model": alpha.version,
        "asset": str(asset.asset),
        "from": iso(_at(trials[0].hour)),
        "to": iso(_at(trials[-1].hour)),
        "horizon_hours": featuring.HORIZON_HOURS,
        "step_hours": STEP_HOURS,
        "independent_weeks": weeks_of(trial.hour for trial in trials),
        "data": [described(file) for file in history.files],
        "missing": [name for name, rows in absent.items() if not rows],
    }


def described(file: DataFile) -> dict[str, object]:
    """Describe a file that was read: what it is, what it covers, and what was repaired or missing, by kind."""
    return {
        "file": file.name,
        "sha256": file.sha256,
        "rows": file.rows,
        "from": iso(file.first),
        "to": iso(file.last),
        "notes": dict(file.notes),
    }
