"""Drift: a warning only for what was measured to be wrong, never for age, and never where prices are pretended."""

import json
import math
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bethna_cli.adapters.drift_report import DriftReports
from bethna_cli.bootstrap.model import drift_warnings, load_model
from bethna_cli.domain.errors import NotEnoughData
from bethna_cli.domain.market import Asset, Candle, Origin
from bethna_cli.domain.model import AssetHistory, History, Model
from bethna_cli.flow.drift import SHIFTED, drift, stability, warnings

START = datetime(2031, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Recorded:
    """A market that moves evenly, years after the model was made."""

    def __init__(self, days: int = 160) -> None:
        chance, price, candles = random.Random(8), 2000.0, []
        for hour in range(24 * days):
            price *= math.exp(chance.gauss(0, 0.006))
            candles.append(Candle(START + hour * HOUR, price, price, price, price))
        self.history = History((AssetHistory(Asset.ETH, tuple(candles), ()),), (), (), START + timedelta(days=days))

    def read(self, until: datetime) -> History:
        return self.history


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    return drift(load_model(), Recorded(), START)


def overconfident(factor: float) -> Model:
    """The shipped model with every width of its distribution multiplied."""
    model = load_model()
    volatility = model.volatility
    return replace(model, volatility=replace(volatility, widths=tuple(w * factor for w in volatility.widths)))


def test_years_alone_are_no_warning(report: dict[str, Any]) -> None:
    assert report["warnings"] == []
    assert report["from"] > "2031-02"


def test_a_band_that_prices_leave_too_often_is_a_warning_with_its_figures() -> None:
    found = drift(overconfident(0.2), Recorded(), START)["warnings"]

    assert isinstance(found, list)
    assert any("80 % band held" in line and "95 %" in line for line in found)


def test_only_what_the_whole_interval_says_is_a_warning() -> None:
    def measured(coverage: tuple[float, float], skill: tuple[float, float]) -> dict[str, Any]:
        return {"coverage_80": 0.7, "intervals": {"coverage_80": list(coverage), "brier_skill": list(skill)}}

    assert warnings(measured((0.60, 0.751), (-0.05, 0.001))) == []
    assert len(warnings(measured((0.60, 0.749), (-0.05, 0.001)))) == 1
    assert len(warnings(measured((0.86, 0.95), (-0.05, -0.001)))) == 2


def test_a_feature_that_left_the_deciles_of_training_is_named() -> None:
    card = {"features": [{"name": "x", "missing": 0.0, "deciles": [float(i) for i in range(1, 10)]}]}
    usual = [(i + 0.5,) for i in range(10)] * 20

    assert stability(card, usual)["x"] == pytest.approx(0, abs=0.02)
    assert (stability(card, [(9.5,)] * 200)["x"] or 0) > SHIFTED
    assert stability(card, [(math.nan,)] * 200)["x"] is None


def test_the_last_ninety_days_must_have_come_to_an_end() -> None:
    with pytest.raises(NotEnoughData):
        drift(load_model(), Recorded(days=50), START)


def test_a_warning_reaches_live_answers_of_that_model_and_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BETHNA_HOME", str(tmp_path))
    DriftReports(tmp_path / "data" / "drift" / "base").keep({"model": "alpha", "warnings": ["It is off.\x1b[31m"]})

    assert drift_warnings("base", Origin.LIVE, "alpha") == ("It is off.[31m",)  # the escape byte is gone
    assert drift_warnings("base", Origin.LIVE, "another") == ()
    assert drift_warnings("base", Origin.SIMULATED, "alpha") == ()
    assert drift_warnings("base", Origin.REPLAY, "alpha") == ()
    assert drift_warnings("sim", Origin.LIVE, "alpha") == ()


def test_a_report_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    reports = DriftReports(tmp_path / "drift")
    reports.keep({"model": "alpha", "warnings": []})
    (tmp_path / "drift" / "drift.json").write_text(json.dumps([1]))

    assert "cannot be read" in reports.warnings("alpha")[0]
