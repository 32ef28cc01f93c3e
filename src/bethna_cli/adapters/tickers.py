"""The venue's names of option series: `ETH-25SEP26-2300-P`, `ETH-25SEP26-2300/2500-CALL_SPREAD`.

A name is a label, not a fact: an order's numbers decide, and a name that contradicts them disqualifies the order.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

from bethna_cli.domain.market import Asset
from bethna_cli.domain.options import OptionKind

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_STRIKE = r"[1-9][0-9]{0,8}(?:\.[0-9]{1,8})?"
_TICKER = re.compile(
    rf"([A-Z]{{2,10}})-([1-9][0-9]?)({'|'.join(_MONTHS)})([0-9]{{2}})-({_STRIKE}(?:/{_STRIKE}){{0,3}})-([A-Z_]{{1,30}})"
)
_LETTERS = {"C": OptionKind.CALL, "P": OptionKind.PUT}
SETTLEMENT_HOUR = 8


@dataclass(frozen=True, slots=True)
class Series:
    """What a ticker says. `kind` is None for a payoff that bethna does not trade; strikes ascending, USD."""

    asset: str
    day: date
    strikes: tuple[Decimal, ...]
    kind: OptionKind | None

    @property
    def expires_at(self) -> datetime:
        """08:00 UTC of its day, as the grammar has it; an order's own number may say otherwise."""
        return datetime(self.day.year, self.day.month, self.day.day, SETTLEMENT_HOUR, tzinfo=UTC)


def read_ticker(text: str) -> Series:
    """Parse a ticker strictly. Raises ValueError when it is not in the grammar."""
    found = _TICKER.fullmatch(text)
    if found is None:
        raise ValueError("not a ticker")
    asset, day, month, year, strikes, suffix = found.groups()
    kind = _LETTERS.get(suffix) or next((kind for kind in OptionKind if kind.is_spread and kind == suffix), None)
    return Series(
        asset,
        date(2000 + int(year), _MONTHS.index(month) + 1, int(day)),
        tuple(sorted(Decimal(strike) for strike in strikes.split("/"))),
        kind,
    )


def write_ticker(asset: Asset, kind: OptionKind, strikes: Sequence[Decimal], expires_at: datetime) -> str:
    """Name a series in the venue's grammar, strikes in the order given."""
    levels = "/".join(f"{strike.normalize():f}" for strike in strikes)
    suffix = kind.value if kind.is_spread else kind.value[0]
    return f"{asset}-{expires_at.day}{_MONTHS[expires_at.month - 1]}{expires_at:%y}-{levels}-{suffix}"
