"""When a spot price is believed: its bounds, its age, its band. Each refusal has its own reason; none is repaired."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from bethna_cli.domain.errors import SourceMalformed, SourceStale, SourceUnavailable
from bethna_cli.domain.market import SpotPrice

LOWEST_USD = Decimal("1e-9")
HIGHEST_USD = Decimal("1e9")


@dataclass(frozen=True, slots=True)
class SpotLimits:
    """How old and how uncertain a price may be. `max_band` is the half-width over the price, a fraction."""

    max_age_s: float
    max_band: Decimal
    max_ahead_s: float = 5.0


TRADING = SpotLimits(max_age_s=10.0, max_band=Decimal("0.01"))
WATCHING = SpotLimits(max_age_s=120.0, max_band=Decimal("0.02"))


def checked_price(source: str, value: Decimal) -> Decimal:
    """Return a USD price as it is. Raises SourceMalformed when it is not finite, not positive or absurd."""
    if not value.is_finite() or not LOWEST_USD <= value <= HIGHEST_USD:
        raise SourceMalformed(source, "a price is out of bounds")
    return value


def checked_spot(price: SpotPrice, now: datetime, limits: SpotLimits) -> SpotPrice:
    """Return `price` if it may be used at `now`.

    Raises SourceMalformed (out of bounds, from the future), SourceStale, or SourceUnavailable (too wide a band).
    """
    source = price.provenance.source
    checked_price(source, price.value_usd)
    age_s = (now - price.provenance.observed_at).total_seconds()
    if age_s < -limits.max_ahead_s:
        raise SourceMalformed(source, f"the price is dated {-age_s:.0f} s in the future")
    if age_s > limits.max_age_s:
        raise SourceStale(source, age_s, limits.max_age_s)
    if price.confidence_usd is not None and price.confidence_usd > price.value_usd * limits.max_band:
        band = price.confidence_usd / price.value_usd
        raise SourceUnavailable(source, f"the price is uncertain by {band:.1%}; the limit is {limits.max_band:.1%}")
    return price


def observed_at(price: SpotPrice) -> datetime:
    """Return when the price was true, for ordering a stream."""
    return price.provenance.observed_at
