"""Which spot price Gamma believes. Whatever is stale, absurd, too uncertain or contradicted is no price at all.

A wrong price sells somebody's position. So a price has to lie where the venue lists strikes, too: no source can be off
by a decimal place and move anything.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from bethna_cli.domain.guarding import SpotView, Unknown
from bethna_cli.domain.market import SpotPrice


@dataclass(frozen=True, slots=True)
class WatchLimits:
    """How old, how far ahead and how uncertain a price may be to be watched by, and how far two sources may differ.

    max_band, max_difference: shares of the price. strike_reach: how far beyond the lowest and the highest strike on
    offer a price may lie, as a factor.
    """

    spot_age_s: float = 120.0
    board_age_s: float = 120.0
    max_ahead_s: float = 5.0
    max_band: float = 0.02
    max_difference: float = 0.02
    strike_reach: float = 1.25


def believed(
    answers: Sequence[SpotPrice | str], strikes: Sequence[float], now: datetime, limits: WatchLimits
) -> SpotView | Unknown:
    """Return the first price, in the sources' order of preference, that may be acted on.

    answers: what each source said, or why it said nothing. strikes: those on offer, USD; without any nothing is
    believed. Where two or more sources answer, one that another confirms is used, and none when all differ.
    """
    remarks: list[str] = []
    valid: list[tuple[SpotPrice, float]] = []
    for answer in answers:
        fault = answer if isinstance(answer, str) else _fault(answer, strikes, now, limits)
        if fault is None and not isinstance(answer, str):
            valid.append((answer, float(answer.value_usd)))
        else:
            remarks.append(str(fault))
    if not valid:
        return Unknown("; ".join(remarks) or "no source is set up")
    return _agreed(valid, remarks, limits)


def _fault(price: SpotPrice, strikes: Sequence[float], now: datetime, limits: WatchLimits) -> str | None:
    """Say why a price is not to be used. Comparisons are written so that a NaN fails them."""
    source, usd = price.provenance.source, _number(price.value_usd)
    age_s = (now - price.provenance.observed_at).total_seconds()
    if not (math.isfinite(usd) and usd > 0.0):
        return f"{source} says {usd}, which is no price"
    if not strikes:
        return f"{source}: no strike on offer confirms the price's size"
    if not min(strikes) / limits.strike_reach <= usd <= max(strikes) * limits.strike_reach:
        return f"{source} says {usd:,.2f}, far from every strike on offer ({min(strikes):,.0f} to {max(strikes):,.0f})"
    if not -limits.max_ahead_s <= age_s <= limits.spot_age_s:
        return f"{source}'s price is {age_s:.0f} s old; the limit is {limits.spot_age_s:.0f} s"
    band = 0.0 if price.confidence_usd is None else _number(price.confidence_usd)
    if not 0.0 <= band <= limits.max_band * usd:
        return f"{source}'s price is uncertain by {band / usd:.1%}; the limit is {limits.max_band:.0%}"
    return None


def _agreed(
    valid: Sequence[tuple[SpotPrice, float]], remarks: Sequence[str], limits: WatchLimits
) -> SpotView | Unknown:
    most = 0
    best = valid[0]
    for candidate in valid:
        agreeing = sum(_differ(candidate[1], usd) <= limits.max_difference for _, usd in valid)
        if agreeing > most:
            most, best = agreeing, candidate
    if len(valid) > 1 and most == 1:
        said = ", ".join(f"{price.provenance.source} {usd:,.2f}" for price, usd in valid)
        return Unknown(f"the sources disagree by more than {limits.max_difference:.0%}: {said}")
    price, usd = best
    others = [
        f"{one.provenance.source} disagrees: {other:,.2f}"
        for one, other in valid
        if _differ(usd, other) > limits.max_difference
    ]
    return SpotView(
        asset=price.asset,
        usd=usd,
        band_usd=0.0 if price.confidence_usd is None else float(price.confidence_usd),
        observed_at=price.provenance.observed_at,
        source=price.provenance.source,
        sources=most,
        remarks=(*remarks, *others),
    )


def _number(value: Decimal) -> float:
    """Convert for comparing; a signalling NaN, which refuses to be converted, is not a number either."""
    return math.nan if value.is_nan() else float(value)


def _differ(one: float, other: float) -> float:
    return abs(one - other) / min(one, other)
