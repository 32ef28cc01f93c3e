"""All open positions side by side, as columns: one pass values them, one finds those that a rule may concern.

The columns are made when positions or rules change and live as long as they do not; between ticks only what a tick has
learned about a position changes.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from bethna_cli.domain.chain import Address
from bethna_cli.domain.guarding import (
    ExitDecision,
    ExitRules,
    GuardState,
    PackedMarks,
    Protection,
    Reaction,
    Seen,
    SpotView,
    Unknown,
)
from bethna_cli.domain.market import Asset
from bethna_cli.domain.position import Position
from bethna_cli.domain.units import iso
from bethna_cli.risk.exits import (
    FULL,
    NO_LIMIT,
    STANDARD,
    RuleColumns,
    Strictness,
    decide_exit,
    need_a_look,
    stop_value,
    target_value,
    time_limit_s,
)
from bethna_cli.risk.marks import AssetView, Legs, Marks, legs_of, mark, position_values

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bools = NDArray[np.bool_]
    Ints = NDArray[np.int64]

COLUMNS = ("usd", "adverse_usd", "delta", "gamma", "vega", "theta", "iv")


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided about one row of the book, and by which look."""

    row: int
    seen: Seen
    decision: ExitDecision


@dataclass(frozen=True, slots=True)
class Assessment:
    """What one look at the book found. values: base units at the mark, adverse: at the worse edge of its band."""

    at: datetime
    views: Mapping[Asset, AssetView]
    marks: Marks
    values: "Ints"
    adverse: "Ints"
    decisions: tuple[Decision, ...]


class Book:
    """Open positions with their rules and what is remembered of them, a row each.

    unmet: the rows that nobody has looked at since the book was made; signed: those with exits when last looked at.
    """

    def __init__(self, positions: Sequence[Position], rules: Sequence[ExitRules], states: Sequence[GuardState]) -> None:
        self.positions = tuple(positions)
        self.rules = tuple(rules)
        self.states = list(states)
        terms = tuple(dict.fromkeys(one.terms for one in positions))
        places = {one: place for place, one in enumerate(terms)}
        self.legs: Legs = legs_of(terms)
        self.option: Ints = np.array([places[one.terms] for one in positions], dtype=np.int64)
        self.contracts: Ints = np.array([one.contracts_left for one in positions], dtype=np.int64)
        self.costs = tuple(one.cost_left for one in positions)
        self._columns = _columns(self.rules, self.costs, self.states)
        self._lacks_entry = np.array([state.entry_iv is None for state in self.states], dtype=np.bool_)
        self.is_protected: Bools = np.array([_is_protected(state) for state in self.states], dtype=np.bool_)
        self.unmet = set(range(len(self.positions)))
        self.signed: set[int] = set()
        self._rows: dict[Address, list[int]] = {}
        for row, one in enumerate(self.positions):
            self._rows.setdefault(one.token, []).append(row)
        names = "\n".join(f"{one.id} {one.terms.ticker}" for one in positions)
        self._key = hashlib.sha256(names.encode()).hexdigest()

    def with_rules(self, rules: Sequence[ExitRules]) -> "Book":
        """Return the same rows by other rules."""
        made = Book(self.positions, rules, self.states)
        made.unmet, made.signed = self.unmet, self.signed
        return made

    def __len__(self) -> int:
        return len(self.positions)

    @property
    def assets(self) -> tuple[Asset, ...]:
        return self.legs.assets

    def rows_of(self, token: Address) -> Sequence[int]:
        """Return the rows that hold an option token."""
        return self._rows.get(token, ())

    @property
    def held(self) -> "Ints":
        """Contracts of each distinct option, base units."""
        sums: Ints = np.bincount(self.option, weights=self.contracts, minlength=len(self.legs.terms)).astype(np.int64)
        return sums

    def remember(self, row: int, state: GuardState) -> bool:
        """Keep what a tick has learned about a row, and say whether it is new."""
        if state == self.states[row]:
            return False
        before, self.states[row] = self.states[row], state
        self._lacks_entry[row] = state.entry_iv is None
        self.is_protected[row] = _is_protected(state)
        self._columns.is_pending[row] = _is_pending(state)
        if state.entry_iv != before.entry_iv:
            self._columns.iv_low[row], self._columns.iv_high[row] = _iv_limits(self.rules[row], state.entry_iv)
        return True

    def assess(self, views: Mapping[Asset, AssetView], now: datetime, strictness: Strictness = STANDARD) -> Assessment:
        """Value everything, and decide about every row that a rule may concern."""
        marks = mark(self.legs, views, now)
        values = position_values(self.option, self.contracts, marks.usd)
        adverse = position_values(self.option, self.contracts, marks.adverse_usd)
        seconds = (self.legs.expires_s - now.timestamp())[self.option]
        rows = need_a_look(adverse, seconds, marks.iv[self.option], self._columns)
        decisions = tuple(
            Decision(row, seen, decide_exit(self.rules[row], seen, self.states[row].breach, strictness))
            for row, seen in ((row, self._seen(row, views, marks, (adverse, values), now)) for row in rows.tolist())
        )
        return Assessment(now, views, marks, values, adverse, decisions)

    def without_entry_iv(self, assessment: Assessment) -> list[tuple[int, float]]:
        """Return the rows that are valued for the first time, each with its volatility now."""
        rows = np.flatnonzero(self._lacks_entry & (assessment.values >= 0))
        return [(row, float(assessment.marks.iv[self.option[row]])) for row in rows.tolist()]

    def _seen(
        self, row: int, views: Mapping[Asset, AssetView], marks: Marks, worths: "tuple[Ints, Ints]", now: datetime
    ) -> Seen:
        """Return one row's look. worths: of all rows, the adverse ones and those at the mark."""
        adverse, values = worths
        terms = self.positions[row].terms
        spot = views[terms.asset].spot
        if isinstance(spot, Unknown):
            raise ValueError("a position without a price has no value")
        return Seen(
            cost=self.costs[row],
            value=int(adverse[row]),
            observed_at=spot.observed_at,
            sources=spot.sources,
            seconds_left=(terms.expires_at - now).total_seconds(),
            iv=float(marks.iv[self.option[row]]),
            entry_iv=self.states[row].entry_iv,
            mark=int(values[row]),
        )

    def packed(self, assessment: Assessment) -> PackedMarks:
        """Return a tick's marks as they are kept."""
        table = np.stack([getattr(assessment.marks, name) for name in COLUMNS])
        spots = {asset.value: spot_facts(view) for asset, view in assessment.views.items()}
        return PackedMarks(self._key, self._layout, spots, table.tobytes())

    def _layout(self) -> Mapping[str, object]:
        return {
            "positions": [one.id for one in self.positions],
            "options": [one.ticker for one in self.legs.terms],
            "columns": list(COLUMNS),
        }


def spot_facts(view: AssetView) -> Mapping[str, object]:
    """Return what an asset was valued by, as JSON values."""
    if view.fault is not None:
        return {"unknown": view.fault}
    spot = view.spot
    assert isinstance(spot, SpotView)
    return {
        "spot_usd": spot.usd,
        "band_usd": spot.band_usd,
        "observed_at": iso(spot.observed_at),
        "source": spot.source,
        "sources": spot.sources,
        "remarks": list(spot.remarks),
    }


def first_state(position: Position) -> GuardState:
    """Return what is known of a position that no tick has met yet."""
    return GuardState(position.id)


def _columns(rules: Sequence[ExitRules], costs: Sequence[int], states: Sequence[GuardState]) -> RuleColumns:
    limits = [_iv_limits(one, state.entry_iv) for one, state in zip(rules, states, strict=True)]
    return RuleColumns(
        stop=np.array(
            [
                NO_LIMIT if one.stop_loss is None or cost <= 0 else stop_value(cost, one.stop_loss)
                for one, cost in zip(rules, costs, strict=True)
            ],
            dtype=np.int64,
        ),
        target=np.array(
            [
                NO_LIMIT if one.take_profit is None or cost <= 0 else target_value(cost, one.take_profit)
                for one, cost in zip(rules, costs, strict=True)
            ],
            dtype=np.int64,
        ),
        near_s=np.array([time_limit_s(one) for one in rules], dtype=np.float64),
        iv_low=np.array([low for low, _ in limits], dtype=np.float64),
        iv_high=np.array([high for _, high in limits], dtype=np.float64),
        is_pending=np.array([_is_pending(state) for state in states], dtype=np.bool_),
    )


def _is_protected(state: GuardState) -> bool:
    return state.protection is Protection.PROTECTED


def _is_pending(state: GuardState) -> bool:
    return state.breach is not None or state.selling_since is not None


def _iv_limits(rules: ExitRules, entry_iv: float | None) -> tuple[float, float]:
    """Return the volatilities at which the rule may fire, a little inside of where it does."""
    if rules.iv is Reaction.OFF or entry_iv is None:
        return -np.inf, np.inf
    change = rules.iv_change / FULL
    return entry_iv * (1.0 - change) + 1e-9, entry_iv * (1.0 + change) - 1e-9
