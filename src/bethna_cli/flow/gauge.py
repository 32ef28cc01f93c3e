"""What the whole of the open positions risks: asked for once, or kept by the watcher after each of its looks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import nan
from typing import TYPE_CHECKING, Any

from bethna_cli.domain.errors import OutsideError
from bethna_cli.domain.guarding import ExitRules, GuardState, SpotView
from bethna_cli.domain.market import Asset, PriceHistory
from bethna_cli.domain.position import Position
from bethna_cli.domain.units import iso, usdc_to_decimal
from bethna_cli.flow.lookout import MarketDesk, look
from bethna_cli.ports import HistoryFeed
from bethna_cli.risk.book import Assessment, Book, first_state
from bethna_cli.risk.marks import AssetView
from bethna_cli.risk.portfolio import (
    Exposure,
    HealthPart,
    Holdings,
    ValueAtRisk,
    exposures,
    health,
    score,
    shocked_value,
    value_at_risk,
)

if TYPE_CHECKING:
    from bethna_cli.flow.guard import Ticked
    from bethna_cli.flow.lookout import GuardDesk

HISTORY_HOURS = 61 * 24
DAY_S = 86_400.0
PAST_GOOD_FOR = timedelta(hours=1)
ASK_AGAIN_AFTER = timedelta(minutes=5)
"""How long the watcher goes by the hourly prices that it has read, and how long without those that nobody had."""
RISK_GOOD_FOR = timedelta(minutes=10)
RISK_GOOD_WITHIN = 0.001
"""How long, and within which share of every price and of the whole value, the value at risk is not reckoned again."""


@dataclass(frozen=True, slots=True)
class WhatIf:
    """What all positions would be worth if every spot moved by a share, base units; None where that is not known."""

    shock: float
    value: int | None


@dataclass(frozen=True, slots=True)
class Gauged:
    """The portfolio at a moment. value: None when a position's is not known; faults: why, by asset.

    at_risk: None without enough history.
    """

    at: datetime
    positions: int
    cost: int
    value: int | None
    exposures: tuple[Exposure, ...]
    at_risk: ValueAtRisk | None
    parts: tuple[HealthPart, ...]
    what_ifs: tuple[WhatIf, ...]
    faults: Mapping[str, str]

    @property
    def score(self) -> int | None:
        """The health score, 0 to 100; None when nothing can be scored."""
        return score(self.parts)


async def gauge(
    desk: MarketDesk,
    histories: Sequence[HistoryFeed],
    positions: Sequence[Position],
    states: Mapping[str, GuardState],
    shocks: Sequence[float],
) -> Gauged:
    """Look at the market and say what the positions risk. Raises ValueError for a fall of 100 % or more."""
    known = [states.get(one.id) or first_state(one) for one in positions]
    book = Book(positions, [ExitRules()] * len(positions), known)
    views = await look(desk, book.assets)
    assessment = book.assess(views, desk.clock.now())
    return gauged(book, assessment, at_risk(book, assessment, await pasts(histories, book.assets)), shocks)


def at_risk(book: Book, assessment: Assessment, past: Mapping[Asset, PriceHistory]) -> ValueAtRisk | None:
    """Return the value at risk; None where a position's value is not known or history too short. past: by asset."""
    if bool((assessment.values < 0).any()):
        return None
    return value_at_risk(book.legs, book.held, assessment.views, assessment.at, past)


def gauged(book: Book, assessment: Assessment, at_risk: ValueAtRisk | None, shocks: Sequence[float] = ()) -> Gauged:
    """Say what valued positions risk."""
    views, now, values = assessment.views, assessment.at, assessment.values
    valued = values >= 0
    is_known = bool(valued.all())
    days_left = (book.legs.expires_s[book.option] - now.timestamp()) / DAY_S
    holdings = Holdings(values[valued], days_left[valued], book.is_protected[valued])
    return Gauged(
        at=now,
        positions=len(book.positions),
        cost=sum(book.costs),
        value=sum(values.tolist()) if is_known else None,
        exposures=exposures(book.legs, assessment.marks, book.held, views),
        at_risk=at_risk,
        parts=health(holdings, None if at_risk is None else at_risk.loss),
        what_ifs=tuple(_what_if(book, views, now, shock, is_known) for shock in shocks),
        faults={asset.value: view.fault for asset, view in views.items() if view.fault is not None},
    )


@dataclass(slots=True)
class Gauging:
    """The watcher's: after each look the portfolio is reckoned from that very look, and kept."""

    histories: Sequence[HistoryFeed]
    _past: dict[Asset, PriceHistory] = field(default_factory=dict)
    _asked_for: tuple[Asset, ...] = ()
    _asked_at: datetime | None = None
    _last: "_Reckoned | None" = None

    async def turn(self, desk: "GuardDesk", token: int, ticked: "Ticked") -> Gauged | None:
        """Keep what one look's positions risk; None when nothing is open. Raises WatcherReplaced."""
        if ticked.assessment is None:
            return None
        await self._read_past(tuple(ticked.book.assets), ticked.at)
        found = gauged(ticked.book, ticked.assessment, self._at_risk(ticked.book, ticked.assessment))
        desk.watchbook.keep_gauge(found.at, gauged_document(found), token)
        return found

    def _at_risk(self, book: Book, assessment: Assessment) -> ValueAtRisk | None:
        """Reckon the value at risk, or return the last one while it still holds: it is most of the work."""
        last = self._last
        if last is None or not last.holds(book, assessment, self._asked_at):
            self._last = last = _Reckoned(book, assessment, self._asked_at, at_risk(book, assessment, self._past))
        return last.at_risk

    async def _read_past(self, assets: tuple[Asset, ...], now: datetime) -> None:
        good_for = PAST_GOOD_FOR if len(self._past) == len(self._asked_for) else ASK_AGAIN_AFTER
        if self._asked_at is None or assets != self._asked_for or not timedelta(0) <= now - self._asked_at < good_for:
            self._past, self._asked_for, self._asked_at = await pasts(self.histories, assets), assets, now


@dataclass(frozen=True, slots=True)
class _Reckoned:
    """A value at risk, and what it was reckoned from. asked_at: names the hourly prices."""

    book: Book
    assessment: Assessment
    asked_at: datetime | None
    at_risk: ValueAtRisk | None

    def holds(self, book: Book, assessment: Assessment, asked_at: datetime | None) -> bool:
        """Say whether another look would find about the same: the same positions soon after, at nearly the same prices.

        What a price leaves open, the positions' own value tells: that volatility has moved.
        """
        if self.at_risk is None or book is not self.book or asked_at != self.asked_at:
            return False
        before = self.assessment
        is_young = assessment.at - before.at < RISK_GOOD_FOR  # a clock set back has the prices asked for anew
        is_valued = bool((assessment.values >= 0).all())
        spots = [(_usd(view), _usd(before.views[asset])) for asset, view in assessment.views.items()]
        worths = (float(assessment.values.sum()), float(before.values.sum()))
        return is_young and is_valued and all(abs(new - old) < RISK_GOOD_WITHIN * old for new, old in (*spots, worths))


def _usd(view: AssetView) -> float:
    """Return an asset's price, NaN where it is not known."""
    return view.spot.usd if isinstance(view.spot, SpotView) else nan


async def pasts(feeds: Sequence[HistoryFeed], assets: Sequence[Asset]) -> dict[Asset, PriceHistory]:
    """Read the last weeks' hourly prices of each asset; one that nobody has is left out."""
    return {asset: found for asset in assets if (found := await _history(feeds, asset)) is not None}


def _what_if(book: Book, views: Mapping[Asset, AssetView], now: datetime, shock: float, is_known: bool) -> WhatIf:
    if not is_known:
        return WhatIf(shock, None)
    return WhatIf(shock, shocked_value(book.legs, book.held, views, now, dict.fromkeys(book.assets, shock)))


async def _history(feeds: Sequence[HistoryFeed], asset: Asset) -> PriceHistory | None:
    for feed in feeds:
        try:
            return await feed.history(asset, HISTORY_HOURS)
        except OutsideError:
            continue
    return None


def gauged_document(found: Gauged) -> dict[str, Any]:
    """Return the portfolio as scripts see it; money in USDC, null where not known."""
    at_risk = found.at_risk
    return {
        "at": iso(found.at),
        "positions": found.positions,
        "cost_usdc": _usdc(found.cost),
        "value_usdc": _usdc(found.value),
        "exposures": [
            {
                "asset": one.asset.value,
                "spot_usd": one.spot_usd,
                "delta": one.delta,
                "delta_usd": one.delta_usd,
                "gamma": one.gamma,
                "vega_usd_per_point": one.vega_usd,
                "theta_usd_per_day": one.theta_usd,
            }
            for one in found.exposures
        ],
        "value_at_risk": None
        if at_risk is None
        else {
            "level": 0.95,
            "hours": 24,
            "loss_usdc": _usdc(at_risk.loss),
            "method": "historical simulation, full revaluation",
            "scenarios": at_risk.scenarios,
            "data_from": iso(at_risk.data_from),
            "data_to": iso(at_risk.data_to),
        },
        "health": {
            "score": found.score,
            "parts": [
                {"name": one.name, "points": round(one.points, 1), "most": one.most, "why": one.words}
                for one in found.parts
            ],
        },
        "what_if": [
            {
                "shock": one.shock,
                "value_usdc": _usdc(one.value),
                "change_usdc": None if one.value is None or found.value is None else _usdc(one.value - found.value),
            }
            for one in found.what_ifs
        ],
        "unknown": dict(found.faults),
    }


def _usdc(amount: int | None) -> float | None:
    return None if amount is None else float(usdc_to_decimal(amount))
