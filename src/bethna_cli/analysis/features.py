"""What Alpha knows about a market at one hour, as numbers: the same code for training and for a live answer.

Everything is a function of hourly closes, funding and Fear & Greed up to the hour `at`; nothing later is read, nothing
older than LOOKBACK_HOURS, so a row computed from six years of history and one from the last 60 days are equal bit for
bit. Sums are `math.fsum`, exactly rounded: `sum` gives other bits from Python 3.12 on. Standard library only: importing
NumPy would cost more than a whole live row. Option prices and posts have no recorded history to learn from, so they
are not here.

Missing. A gap is never filled. A mean over a span needs SPAN_COVERAGE of its hours, the price at the far end of a
momentum may be up to PRICE_SLACK_H younger, the latest close up to CLOSE_AGE_H old, Fear & Greed up to MOOD_AGE_DAYS
old; what falls short is NaN ("missing"). With less than HISTORY_COVERAGE of the 60 days there is no row at all.
"""

import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate, pairwise

from bethna_cli.domain.errors import NotEnoughData
from bethna_cli.domain.market import Candle, FearGreed, FundingPoint
from bethna_cli.domain.model import BEARISH, BULLISH, NEUTRAL, Row

DAY_H = 24
YEAR_H = 8760
LOOKBACK_HOURS = 60 * DAY_H
"""Closes a row may read. A feed asked for LOOKBACK_HOURS + 2 hours has them all, whatever the minute."""
HISTORY_COVERAGE = 0.95
SPAN_COVERAGE = 0.80
PRICE_SLACK_H = 6
CLOSE_AGE_H = 3
MOOD_AGE_DAYS = 2

HORIZON_HOURS = 7 * DAY_H
BAND_WIDTH = 0.4
"""Half the neutral band, in standard deviations of a week at the trailing 30-day volatility."""


@dataclass(frozen=True, slots=True)
class FeatureSpec:
    """One column of a row. group: price, funding or sentiment."""

    name: str
    group: str
    unit: str
    meaning: str


VOLATILITY_SPANS_H = (6, DAY_H, 7 * DAY_H, 30 * DAY_H, 56 * DAY_H)
_MOMENTA_H = {"6h": 6, "1d": 24, "3d": 72, "7d": 168, "14d": 336, "28d": 672, "56d": 1344}

FEATURES: tuple[FeatureSpec, ...] = (
    *(
        FeatureSpec(
            f"momentum_{span}", "price", "standard deviations", f"log return over {span} at the 30-day volatility"
        )
        for span in _MOMENTA_H
    ),
    FeatureSpec("volatility_6h", "price", "fraction a year", "realised volatility of hourly log returns, zero mean"),
    FeatureSpec("volatility_1d", "price", "fraction a year", "the same over 1 day"),
    FeatureSpec("volatility_7d", "price", "fraction a year", "the same over 7 days"),
    FeatureSpec("volatility_30d", "price", "fraction a year", "the same over 30 days"),
    FeatureSpec("volatility_56d", "price", "fraction a year", "the same over 56 days"),
    FeatureSpec("volatility_ratio_1d_7d", "price", "log ratio", "1-day against 7-day volatility"),
    FeatureSpec("volatility_ratio_7d_30d", "price", "log ratio", "7-day against 30-day volatility"),
    FeatureSpec("drawdown_30d", "price", "log return", "price against the highest close of 30 days, never positive"),
    FeatureSpec("drawdown_60d", "price", "log return", "price against the highest close of 60 days, never positive"),
    FeatureSpec("range_position_60d", "price", "0..1", "where the log price lies between 60-day low and high"),
    FeatureSpec("bollinger_7d", "price", "standard deviations", "log price against its 7-day mean"),
    FeatureSpec("bollinger_20d", "price", "standard deviations", "log price against its 20-day mean"),
    FeatureSpec("rsi_14h", "price", "0..100", "relative strength of hourly log returns, plain averages (Cutler)"),
    FeatureSpec("rsi_14d", "price", "0..100", "the same over 14 days"),
    FeatureSpec("funding_1d", "funding", "fraction a year", "funding over 1 day, mean of venues; longs pay if > 0"),
    FeatureSpec("funding_7d", "funding", "fraction a year", "the same over 7 days"),
    FeatureSpec("funding_change", "funding", "fraction a year", "funding_1d less funding_7d"),
    FeatureSpec("funding_trend", "funding", "fraction a year", "funding_7d less that of the 7 days before"),
    FeatureSpec("fear_greed", "sentiment", "0..100", "Fear & Greed index of the day"),
    FeatureSpec("fear_greed_change_7d", "sentiment", "points", "change of the index over 7 days"),
    FeatureSpec("fear_greed_change_30d", "sentiment", "points", "change of the index over 30 days"),
)
FEATURE_NAMES = tuple(spec.name for spec in FEATURES)
VOLATILITY_30D = FEATURE_NAMES.index("volatility_30d")

_NAN = math.nan


@dataclass(frozen=True, slots=True)
class _VenueFunding:
    """One venue's settled funding, oldest first: seconds since the epoch, fractions paid, hours paid for."""

    at_s: list[float]
    rate: list[float]
    interval_h: list[float]


@dataclass(frozen=True, slots=True)
class Series:
    """One asset's past on an hourly grid; entry i was known at `start_hour + i` (hours since the epoch).

    A missing hour holds 0.0 in the lists that are summed (counts tell how many are real), -inf in `highs` and +inf
    in `lows`. counts_*: how many entries before i are real. Built by `series_of`.
    """

    start_hour: int
    has_close: list[bool]
    log_close: list[float]
    log_squares: list[float]
    highs: list[float]
    lows: list[float]
    squares: list[float]
    gains: list[float]
    moves: list[float]
    counts_close: list[int]
    counts_return: list[int]
    funding: tuple[_VenueFunding, ...]
    mood_by_day: dict[int, int]

    @property
    def hours(self) -> range:
        """The hours on the grid, first to last close (hours since the epoch)."""
        return range(self.start_hour, self.start_hour + len(self.log_close) - CLOSE_AGE_H)


def series_of(
    candles: Sequence[Candle], funding: Sequence[FundingPoint] = (), fear_greed: Sequence[FearGreed] = ()
) -> Series:
    """Lay one asset's past on an hourly grid.

    candles: on the hour, strictly increasing; funding and fear_greed: any order. Raises NotEnoughData when there is no
    candle, ValueError when a close is not a positive finite number or two candles share an hour.
    """
    if not candles:
        raise NotEnoughData("There is no price history.", hint="bethna doctor")
    known = [int(candle.starts_at.timestamp()) // 3600 + 1 for candle in candles]
    if any(later <= earlier for earlier, later in pairwise(known)):
        raise ValueError("candles are not strictly increasing by the hour")
    start, size = known[0], known[-1] - known[0] + 1 + CLOSE_AGE_H
    has_close, log_close = [False] * size, [0.0] * size
    for hour, candle in zip(known, candles, strict=True):
        if not 0 < candle.close < math.inf:
            raise ValueError(f"not a price: {candle.close}")
        has_close[hour - start], log_close[hour - start] = True, math.log(candle.close)
    has_return = [False, *(a and b for a, b in pairwise(has_close))]
    returns = [0.0] * size
    for i in range(1, size):
        if has_return[i]:
            returns[i] = log_close[i] - log_close[i - 1]
    return Series(
        start_hour=start,
        has_close=has_close,
        log_close=log_close,
        log_squares=[value * value for value in log_close],
        highs=[value if real else -math.inf for value, real in zip(log_close, has_close, strict=True)],
        lows=[value if real else math.inf for value, real in zip(log_close, has_close, strict=True)],
        squares=[value * value for value in returns],
        gains=[max(value, 0.0) for value in returns],
        moves=[abs(value) for value in returns],
        counts_close=[0, *accumulate(map(int, has_close))],
        counts_return=[0, *accumulate(map(int, has_return))],
        funding=_by_venue(funding),
        mood_by_day={int(point.day.timestamp()) // 86400: point.value for point in fear_greed},
    )


def features(series: Series, at: datetime) -> Row:
    """Compute the row of the last full hour at or before `at` (aware), in the order of FEATURES; NaN is missing.

    Raises NotEnoughData when less than HISTORY_COVERAGE of the last 60 days has closes, the latest close is older than
    CLOSE_AGE_H, or the price has not moved for 30 days.
    """
    return features_at_hour(series, hour_of(at))


def hour_of(at: datetime) -> int:
    """Count the full hours from the epoch to `at`. Raises ValueError when `at` has no time zone."""
    if at.tzinfo is None:
        raise ValueError("a time without a zone")
    return int(at.timestamp() // 3600)


def features_at_hour(series: Series, hour: int) -> Row:
    """Compute the row of one hour (since the epoch); see `features`."""
    end = _checked_end(series, hour)
    newest = next(i for i in range(end, end - CLOSE_AGE_H - 1, -1) if series.has_close[i])
    price = series.log_close[newest]
    vol_6h, vol_1d, vol_7d, vol_30d, vol_56d = (_volatility(series, end, span) for span in VOLATILITY_SPANS_H)
    if not vol_30d > 0:
        raise NotEnoughData("The price has not moved for 30 days; there is nothing to scale by.")
    high_30d = max(series.highs[end + 1 - 30 * DAY_H : end + 1])
    window = slice(max(0, end + 1 - LOOKBACK_HOURS), end + 1)
    high_60d, low_60d = max(series.highs[window]), min(series.lows[window])
    return (
        *(_momentum(series, end, price, span, vol_30d) for span in _MOMENTA_H.values()),
        vol_6h,
        vol_1d,
        vol_7d,
        vol_30d,
        vol_56d,
        _log_ratio(vol_1d, vol_7d),
        _log_ratio(vol_7d, vol_30d),
        price - high_30d,
        price - high_60d,
        (price - low_60d) / (high_60d - low_60d),
        _bollinger(series, end, price, 7 * DAY_H),
        _bollinger(series, end, price, 20 * DAY_H),
        _relative_strength(series, end, 14),
        _relative_strength(series, end, 14 * DAY_H),
        *_funding_features(series, hour),
        *_mood_features(series, hour),
    )


def neutral_band(row: Row) -> float:
    """Return half the neutral band's width for the coming week, as a log return, from a row's 30-day volatility."""
    return BAND_WIDTH * row[VOLATILITY_30D] * math.sqrt(HORIZON_HOURS / YEAR_H)


def label(series: Series, hour: int, band: float) -> int | None:
    """Class of the log return from `hour` to HORIZON_HOURS later: beyond ±band it is bullish or bearish, else neutral.

    None when either close is missing: a label is never made from a neighbouring hour.
    """
    here, there = hour - series.start_hour, hour - series.start_hour + HORIZON_HOURS
    if here < 0 or there >= len(series.has_close) or not (series.has_close[here] and series.has_close[there]):
        return None
    change = series.log_close[there] - series.log_close[here]
    if change > band:
        return BULLISH
    return BEARISH if change < -band else NEUTRAL


def missing_groups(row: Row) -> tuple[str, ...]:
    """Name the groups of which every feature is missing, in the order of FEATURES."""
    present = {spec.group for spec, value in zip(FEATURES, row, strict=True) if not math.isnan(value)}
    return tuple(dict.fromkeys(spec.group for spec in FEATURES if spec.group not in present))


def _checked_end(series: Series, hour: int) -> int:
    """Return the grid index of `hour` after checking that there is enough history before it."""
    end = hour - series.start_hour
    size = len(series.has_close)
    enough = math.ceil(HISTORY_COVERAGE * LOOKBACK_HOURS)
    last = min(max(end, -1), size - 1)
    real = series.counts_close[last + 1] - series.counts_close[max(0, min(end + 1 - LOOKBACK_HOURS, last + 1))]
    if real < enough:
        raise NotEnoughData(f"Only {real} of the last {LOOKBACK_HOURS} hours have a price; {enough} are needed.")
    if end >= size or not any(series.has_close[end - CLOSE_AGE_H : end + 1]):
        raise NotEnoughData(f"The latest hourly close is more than {CLOSE_AGE_H} h old.")
    return end


def _real(counts: list[int], end: int, span: int) -> int:
    """Count the real entries among the `span` up to `end`, or 0 when fewer than SPAN_COVERAGE of them are."""
    real = counts[end + 1] - counts[end + 1 - span]
    return real if real >= SPAN_COVERAGE * span else 0


def _volatility(series: Series, end: int, span: int) -> float:
    """Annualise the root mean square of hourly log returns over `span` hours. Source: Hull, 10th ed., 15.4."""
    real = _real(series.counts_return, end, span)
    return math.sqrt(math.fsum(series.squares[end + 1 - span : end + 1]) / real * YEAR_H) if real else _NAN


def _momentum(series: Series, end: int, price: float, span: int, volatility: float) -> float:
    """Log return over `span` hours in standard deviations; a missing far end is replaced by the next few hours."""
    far = end - span
    slack = min(PRICE_SLACK_H, span - 1)
    base = next((i for i in range(far, far + slack + 1) if series.has_close[i]), None)
    if base is None:
        return _NAN
    return (price - series.log_close[base]) / (volatility * math.sqrt(span / YEAR_H))


def _log_ratio(short: float, long: float) -> float:
    """Logarithm of a ratio of volatilities; missing when either is missing or zero."""
    return math.log(short / long) if short > 0 and long > 0 else _NAN


def _bollinger(series: Series, end: int, price: float, span: int) -> float:
    """Distance of the log price from its mean in standard deviations. Source: Bollinger, on Bollinger Bands, 2001."""
    real = _real(series.counts_close, end, span)
    if not real:
        return _NAN
    window = slice(end + 1 - span, end + 1)
    mean = math.fsum(series.log_close[window]) / real
    variance = math.fsum(series.log_squares[window]) / real - mean * mean
    return (price - mean) / math.sqrt(variance) if variance > 1e-12 else _NAN


def _relative_strength(series: Series, end: int, span: int) -> float:
    """Share of the up-moves in all moves, 0..100. Cutler's plain averages: Wilder's smoothing never forgets."""
    if not _real(series.counts_return, end, span):
        return _NAN
    window = slice(end + 1 - span, end + 1)
    moves = math.fsum(series.moves[window])
    return 100.0 * math.fsum(series.gains[window]) / moves if moves > 0 else _NAN


def _by_venue(points: Sequence[FundingPoint]) -> tuple[_VenueFunding, ...]:
    """Sort funding by venue and time."""
    venues: defaultdict[str, list[tuple[float, float, float]]] = defaultdict(list)
    for point in points:
        venues[point.venue].append((point.at.timestamp(), point.rate, point.interval_h))
    sorted_venues = (zip(*sorted(venues[name]), strict=True) for name in sorted(venues))
    return tuple(_VenueFunding(*map(list, columns)) for columns in sorted_venues)


def _paid(venues: tuple[_VenueFunding, ...], end_h: int, span: int) -> float:
    """Annualised funding over `(end_h - span, end_h]`: each venue's payments by the hours they cover, then the mean.

    A venue counts when its payments cover SPAN_COVERAGE of the span; missing when none does.
    """
    yearly: list[float] = []
    for venue in venues:
        first = bisect_right(venue.at_s, (end_h - span) * 3600)
        last = bisect_right(venue.at_s, end_h * 3600)
        covered = math.fsum(venue.interval_h[first:last])
        if covered >= SPAN_COVERAGE * span:
            yearly.append(math.fsum(venue.rate[first:last]) / covered * YEAR_H)
    return math.fsum(yearly) / len(yearly) if yearly else _NAN


def _funding_features(series: Series, hour: int) -> tuple[float, float, float, float]:
    day, week = _paid(series.funding, hour, DAY_H), _paid(series.funding, hour, 7 * DAY_H)
    before = _paid(series.funding, hour - 7 * DAY_H, 7 * DAY_H)
    return day, week, day - week, week - before


def _mood_on(series: Series, day: int) -> float:
    """The index published on `day` (days since the epoch) or up to MOOD_AGE_DAYS before; NaN when there is none."""
    published = (series.mood_by_day.get(day - age) for age in range(MOOD_AGE_DAYS + 1))
    return next((float(value) for value in published if value is not None), _NAN)


def _mood_features(series: Series, hour: int) -> tuple[float, float, float]:
    today = hour // DAY_H
    now = _mood_on(series, today)
    return now, now - _mood_on(series, today - 7), now - _mood_on(series, today - 30)
