"""The model card: what a model was made of and how it did, as JSON values, written when it is trained."""

import math
from collections.abc import Mapping
from statistics import quantiles

from bethna_cli.analysis import calibration
from bethna_cli.analysis import features as featuring
from bethna_cli.analysis.volatility import SPANS
from bethna_cli.domain.model import CLASSES, History, TrainingSet, VolatilityModel
from bethna_cli.domain.units import from_unix, iso
from bethna_cli.flow.evaluate import described
from bethna_cli.flow.fit import RECIPE, STEP_HOURS, Fitted, independent_weeks


def card_of(
    version: str,
    history: History,
    data: TrainingSet,
    forest: Mapping[str, object],
    fitted: Fitted,
    walk: Mapping[str, object],
) -> dict[str, object]:
    """Write the model card as JSON values."""
    return {
        "version": version,
        "recipe": RECIPE,
        "predicts": {
            "classes": list(CLASSES),
            "horizon_hours": featuring.HORIZON_HOURS,
            "neutral": f"log return within ±{featuring.BAND_WIDTH} × 30-day volatility × √(7/365)",
        },
        "trained_on": {
            "from": iso(from_unix(min(data.hours) * 3600)),
            "to": iso(from_unix((max(data.hours) + featuring.HORIZON_HOURS) * 3600)),
            "assets": [str(asset.asset) for asset in history.assets],
            "rows": len(data.rows),
            "step_hours": STEP_HOURS,
            "independent_weeks": independent_weeks(data),
        },
        "data": [described(file) for file in history.files],
        "features": [_feature_card(number, data) for number in range(len(featuring.FEATURES))],
        "forest": dict(forest),
        "calibration": _calibration_card(fitted),
        "volatility": _volatility_card(fitted.volatility),
        "base_rates": dict(zip(CLASSES, (round(rate, 6) for rate in fitted.base), strict=True)),
        "shrink": fitted.calibrated.shrink,
        "missing": "as many parts even odds as features are missing",
        "walk_forward": {
            **walk,
            "method": "each year by a model of the years before, purged by the horizon; base: their base rates",
            "overlap": "rows overlap and both assets move together: independent_weeks is the number that counts",
        },
    }


def _feature_card(number: int, data: TrainingSet) -> dict[str, object]:
    """Describe one column, with the deciles that later data is compared with."""
    spec = featuring.FEATURES[number]
    known = [row[number] for row in data.rows if not math.isnan(row[number])]
    return {
        "name": spec.name,
        "group": spec.group,
        "unit": spec.unit,
        "meaning": spec.meaning,
        "missing": round(1 - len(known) / len(data.rows), 6),
        "deciles": [float(f"{edge:.6g}") for edge in quantiles(known, n=10)] if len(known) > 1 else [],
    }


def _calibration_card(fitted: Fitted) -> dict[str, object]:
    calibrated = fitted.calibrated
    losses = calibrated.log_loss_by_weight
    return {
        "method": "softmax(slope × log share + bias)",
        "slope": calibrated.calibration.slope,
        "bias": dict(zip(CLASSES, calibrated.calibration.bias, strict=True)),
        "blocks": calibration.BLOCKS,
        "purged_hours": featuring.HORIZON_HOURS,
        "held_out_log_loss": {
            "volatility_alone": round(losses[0], 6),
            "forest_alone": round(losses[-1], 6),
            "pooled": round(losses[round(calibrated.shrink * calibration.SHRINK_STEPS)], 6),
        },
    }


def _volatility_card(fitted: VolatilityModel) -> dict[str, object]:
    """Write down the volatility forecast in full: it is a formula with few numbers."""
    columns = zip(fitted.horizons_h, fitted.weights, fitted.corrections, fitted.widths, fitted.mixing, strict=True)
    return {
        "method": "log variance over each horizon, linear in the log variances of the past spans (HAR; Corsi, 2009)",
        "fit": "mean of two least-squares fits, one free and one held to the level of the last 56 days",
        "distribution": "lognormals of several widths with today's price as their mean, in units of the forecast, "
        "mixed as held-out returns were (filtered historical simulation, smoothed)",
        "past_spans": [featuring.FEATURE_NAMES[column] for column in SPANS],
        "scales": list(fitted.scales),
        "horizons": [
            {
                "hours": hours,
                "weights": list(weights),
                "log_of_mean_correction": correction,
                "width": width,
                "mixing": list(mixing),
            }
            for hours, weights, correction, width, mixing in columns
        ],
    }
