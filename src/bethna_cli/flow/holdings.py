"""What is held and what it is worth, put together from the store alone: positions, marks, rules, protection.

Nothing is computed from a market here: a value is the watcher's newest mark with its age, or it is not known.
"""

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from math import floor, isfinite

from bethna_cli.domain.chain import Address
from bethna_cli.domain.guarding import ExitRules, GuardState, PackedMarks
from bethna_cli.domain.position import Position, PositionState
from bethna_cli.domain.units import usdc_to_decimal
from bethna_cli.ports import Positions, Watchbook

TRAIL = 24
"""How many marks a sparkline shows."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What a position was worth at a moment. option: per contract, in USD, with its Greeks, None where not known."""

    at: datetime
    value: int
    option: Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class Held:
    """A position with what this machine knows of it. mark: None before it was first valued, or when that failed.

    trail: the option's price by the newest marks, oldest first. rules: its own, else the defaults.
    """

    position: Position
    mark: Mark | None
    trail: tuple[float, ...]
    rules: ExitRules
    state: GuardState | None

    @property
    def gain(self) -> int | None:
        """What was gained so far, the contracts that are left at their mark; None when that is not known."""
        if not self.position.is_open:
            return self.position.realised
        return None if self.mark is None else self.position.realised + self.mark.value - self.position.cost_left


@dataclass(frozen=True, slots=True)
class Holdings:
    """Everything held at a moment. unbought: contracts that came by other ways, by ticker."""

    now: datetime
    items: tuple[Held, ...]
    unbought: tuple[tuple[str, Decimal], ...]


def holdings(
    positions: Positions,
    watchbook: Watchbook,
    accounts: Sequence[Address],
    defaults: ExitRules,
    now: datetime,
    *,
    closed: bool = False,
) -> Holdings:
    """Put together what is held; closed: what was held, too. now: by the network's own clock."""
    found = [one for one in positions.all() if closed or one.is_open or one.state is PositionState.UNCONFIRMED]
    sheets = [_sheet(*kept) for kept in watchbook.marks(TRAIL)] if found else []
    rules, states = watchbook.rules(), watchbook.states()
    items = tuple(
        Held(
            position=one,
            mark=_mark(one, sheets) if one.is_open else None,
            trail=tuple(price for sheet in sheets if (price := sheet.price(one)) is not None),
            rules=rules.get(one.id, defaults),
            state=states.get(one.id),
        )
        for one in found
    )
    return Holdings(now, items, _unbought(positions, accounts))


def _unbought(positions: Positions, accounts: Sequence[Address]) -> tuple[tuple[str, Decimal], ...]:
    terms = positions.terms()
    return tuple(
        (terms[token].ticker, usdc_to_decimal(contracts))
        for account in accounts
        for token, contracts in positions.unbought(account).items()
    )


@dataclass(frozen=True, slots=True)
class _Sheet:
    """One tick's marks by the option's ticker, and the ids of the positions that it looked at."""

    at: datetime
    positions: frozenset[str]
    options: Mapping[str, Mapping[str, float | None]]

    def price(self, position: Position) -> float | None:
        """Return what one contract was worth, None where the position was not looked at or could not be valued."""
        is_looked_at = position.id in self.positions
        return self.options.get(position.terms.ticker, {}).get("usd") if is_looked_at else None


def _sheet(at: datetime, layout: Mapping[str, object], packed: PackedMarks) -> _Sheet:
    """Read marks that were kept; the standard library does, so that a look at positions stays quick."""
    names = {key: [str(name) for name in _list(layout[key])] for key in ("positions", "options", "columns")}
    table = array("d", packed.options)
    width = len(names["options"])
    options = {
        ticker: {column: _known(table[row * width + place]) for row, column in enumerate(names["columns"])}
        for place, ticker in enumerate(names["options"])
    }
    return _Sheet(at, frozenset(names["positions"]), options)


def _known(number: float) -> float | None:
    return number if isfinite(number) else None


def _list(value: object) -> Sequence[object]:
    if not isinstance(value, list):
        raise TypeError("not a list of names")
    return value


def _mark(position: Position, sheets: Sequence[_Sheet]) -> Mark | None:
    """Value the contracts that are left now: some may have been sold since the mark was made.

    By the newest sheet that names the position: other accounts' watchers leave theirs in between.
    """
    sheet = next((one for one in reversed(sheets) if position.id in one.positions), None)
    price = None if sheet is None else sheet.price(position)
    if sheet is None or price is None:
        return None
    return Mark(sheet.at, floor(price * position.contracts_left), sheet.options[position.terms.ticker])
