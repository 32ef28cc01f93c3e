"""What the price did after an hour: for learning and for scoring, never for a decision."""

import math
from itertools import accumulate

from bethna_cli.analysis.features import SPAN_COVERAGE, YEAR_H, Series
from bethna_cli.analysis.volatility import HORIZONS_H
from bethna_cli.domain.model import Aftermath


class Aftermaths:
    """One asset's hours and what followed each of them over HORIZONS_H."""

    def __init__(self, series: Series) -> None:
        self._series = series
        self._squares = list(accumulate(series.squares, initial=0.0))

    def of(self, hour: int) -> Aftermath:
        """Return what came after an hour (since the epoch)."""
        here = hour - self._series.start_hour
        return Aftermath(
            tuple(self._return(here, horizon_h) for horizon_h in HORIZONS_H),
            tuple(self._variance(here, horizon_h) for horizon_h in HORIZONS_H),
        )

    def _return(self, here: int, horizon_h: int) -> float:
        """Log return to the close `horizon_h` later; NaN when either close is missing."""
        there, closes = here + horizon_h, self._series.has_close
        if here < 0 or there >= len(closes) or not (closes[here] and closes[there]):
            return math.nan
        return self._series.log_close[there] - self._series.log_close[here]

    def _variance(self, here: int, horizon_h: int) -> float:
        """Annualised mean square of the hourly log returns; NaN when fewer than SPAN_COVERAGE of them are there."""
        there = here + horizon_h
        if here < 0 or there > self._series.hours.stop - self._series.start_hour:
            return math.nan
        real = self._series.counts_return[there + 1] - self._series.counts_return[here + 1]
        if real < SPAN_COVERAGE * horizon_h:
            return math.nan
        return (self._squares[there + 1] - self._squares[here + 1]) / real * YEAR_H
