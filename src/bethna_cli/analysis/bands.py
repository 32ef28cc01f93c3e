"""The RSI/Bollinger rule: a call below the lower band with RSI under 30, a put above the upper with RSI over 70.

Alpha is measured against it; `band_trades` runs it over candles alone. Needs NumPy: arrays in, arrays out, gaps in time
are not looked at. RSI by plain averages (Cutler), as in `features`.
Sources: Wilder (1978), "New Concepts in Technical Trading Systems"; Bollinger (2001), "Bollinger on Bollinger Bands".
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

RSI_SPAN = 14
BAND_SPAN = 20
BAND_WIDTH = 2.0
OVERSOLD, OVERBOUGHT, MIDDLE = 30.0, 70.0, 50.0
LEAST_CANDLES = BAND_SPAN + 1


def relative_strength(closes: "Floats") -> "Floats":
    """Return the RSI of every close, 0..100; NaN before RSI_SPAN changes and where the price did not move."""
    moves = np.diff(closes)
    total = _sums(np.abs(moves), RSI_SPAN)
    gains = _sums(np.maximum(moves, 0.0, out=moves), RSI_SPAN)
    strength = np.full(len(closes), np.nan)
    np.divide(gains, total, out=strength[RSI_SPAN:], where=total > 0)
    strength *= 100.0
    return strength


def bands(closes: "Floats") -> "tuple[Floats, Floats]":
    """Return the lower and the upper band of every close; NaN before BAND_SPAN closes."""
    centred = closes - closes[0]  # keeps the digits that a difference of large squares would lose
    mean = _sums(centred, BAND_SPAN)
    mean /= BAND_SPAN
    reach = _sums(np.square(centred, out=centred), BAND_SPAN)
    reach /= BAND_SPAN
    reach -= mean * mean
    np.sqrt(np.maximum(reach, 0.0, out=reach), out=reach)
    reach *= BAND_WIDTH
    mean += closes[0]
    lower, upper = np.full(len(closes), np.nan), np.full(len(closes), np.nan)
    np.subtract(mean, reach, out=lower[BAND_SPAN - 1 :])
    np.add(mean, reach, out=upper[BAND_SPAN - 1 :])
    return lower, upper


def _sums(values: "Floats", span: int) -> "Floats":
    """Return the sums of every `span` neighbours."""
    running = np.empty(len(values) + 1)
    running[0] = 0.0
    np.cumsum(values, out=running[1:])
    sums: Floats = running[span:] - running[:-span]
    return sums


def signal(closes: Sequence[float]) -> int:
    """Say what the rule makes of the last close: 1 a call, -1 a put, 0 nothing, also where closes are too few."""
    if len(closes) < LEAST_CANDLES:
        return 0
    recent = np.asarray(closes[-LEAST_CANDLES:], dtype=np.float64)
    strength = float(relative_strength(recent)[-1])
    lower, upper = (float(band[-1]) for band in bands(recent))
    if recent[-1] < lower and strength < OVERSOLD:
        return 1
    return -1 if recent[-1] > upper and strength > OVERBOUGHT else 0
