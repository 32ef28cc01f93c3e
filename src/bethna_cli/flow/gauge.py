"""What the whole of the open positions risks now: looked at once, from fresh prices, and written down nowhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bethna_cli.domain.errors import OutsideError
from bethna_cli.domain.guarding import ExitRules, GuardState, Protection
from bethna_cli.domain.market import Asset, PriceHistory
from bethna_cli.domain.position import Position
from bethna_cli.flow.lookout import MarketDesk, look
from bethna_cli.ports import HistoryFeed
from bethna_cli.risk.book import Book, first_state
from bethna_cli.risk.marks import AssetView
from bethna_cli.risk.portfolio import (
    Exposure,
    HealthPart,
    Holding,
    ValueAtRisk,
    exposures,
    health,
    score,
    shocked_value,
    value_at_risk,
)

HISTORY_HOURS = 61 * 24
DAY_S = 86_400.0


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
    now = desk.clock.now()
    assessment = book.assess(views, now)
    values = assessment.values.tolist()
    is_known = all(value >= 0 for value in values)
    past = {asset: found for asset in book.assets if (found := await _history(histories, asset)) is not None}
    at_risk = value_at_risk(book.legs, book.held, views, now, past) if is_known else None
    holdings = [
        Holding(value, (one.terms.expires_at - now).total_seconds() / DAY_S, state.protection is Protection.PROTECTED)
        for one, value, state in zip(positions, values, known, strict=True)
        if value >= 0
    ]
    return Gauged(
        at=now,
        positions=len(positions),
        cost=sum(book.costs),
        value=sum(values) if is_known else None,
        exposures=exposures(book.legs, assessment.marks, book.held, views),
        at_risk=at_risk,
        parts=health(holdings, None if at_risk is None else at_risk.loss),
        what_ifs=tuple(_what_if(book, views, now, shock, is_known) for shock in shocks),
        faults={asset.value: view.fault for asset, view in views.items() if view.fault is not None},
    )


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
