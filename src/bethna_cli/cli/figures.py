"""Numbers, times and ages as people read them."""

from datetime import datetime
from decimal import Decimal


def usd(value: Decimal | float, places: int = 2) -> str:
    """Write dollars with thousands separators, the sign before the number."""
    return f"{value:,.{places}f}"


def signed(value: Decimal | float) -> str:
    """Write a gain or a loss with its sign."""
    return f"{value:+,.2f}"


def share(value: float | None) -> str:
    """Write a fraction as per cent."""
    return "–" if value is None else f"{value:.1%}".replace("%", " %")


def signed_share(value: float | None) -> str:
    """Write a gain or a loss as per cent with its sign."""
    return "–" if value is None else f"{value:+.1%}".replace("%", " %")


def moment(at: datetime) -> str:
    """Write a time to the minute, UTC."""
    return at.strftime("%Y-%m-%d %H:%M UTC")


def age(seconds: float | None) -> str:
    """Write an age in the largest unit that leaves at least one of it."""
    if seconds is None:
        return "–"
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
