"""What was gained and lost: by period, by strategy, at worst, and against the same money in a coin.

Only what was sold or paid out counts; open positions and what was sent away do not. Amounts are USDC base units, gas is
not in them. A position counts once, when its last contract has gone; its parts count when each was sold.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from bethna_cli.domain.market import Asset
from bethna_cli.domain.position import EventKind, Position, PositionState
from bethna_cli.domain.report import Gain, Period, Report, Tally

PriceAt = Callable[[Asset, datetime], float | None]
"""A coin's price in USD at a moment, None where it is not known."""


def gains_of(positions: Iterable[Position]) -> list[Gain]:
    """List what was sold or paid out, in the order in which it was."""
    gains = [
        Gain(position, part, cost)
        for position in positions
        for part, cost in zip(position.exits, position.exit_costs, strict=True)
        if part.kind is not EventKind.SENT
    ]
    return sorted(gains, key=lambda gain: (gain.exit.at, gain.position.id))


def report(positions: Sequence[Position], period: Period, price_at: PriceAt) -> Report:
    """Add up what was gained and lost."""
    gains = gains_of(positions)
    starts = sorted({period.start_of(gain.exit.at) for gain in gains})
    names = sorted({strategy_name(gain.position) for gain in gains})
    return Report(
        period=period,
        periods=tuple(
            _tally(start.isoformat(), [gain for gain in gains if period.start_of(gain.exit.at) == start])
            for start in starts
        ),
        strategies=tuple(
            _tally(name, [gain for gain in gains if strategy_name(gain.position) == name]) for name in names
        ),
        total=_tally("all", gains),
        drawdown=_drawdown(gains),
        held={asset: _held(gains, asset, price_at) for asset in Asset},
    )


def strategy_name(position: Position) -> str:
    """Name what was bought as people say it: "ETH call", "BTC put spread"."""
    return f"{position.terms.asset} {position.terms.kind.value.lower().replace('_', ' ')}"


def _tally(name: str, gains: Sequence[Gain]) -> Tally:
    ended = [gain.position for gain in gains if gain.exit == gain.position.exits[-1] and _is_over(gain.position)]
    return Tally(
        name=name,
        closed=len(ended),
        wins=sum(position.realised > 0 for position in ended),
        cost=sum(gain.cost for gain in gains),
        proceeds=sum(gain.exit.usdc for gain in gains),
    )


def _is_over(position: Position) -> bool:
    return position.state in (PositionState.CLOSED, PositionState.SETTLED)


def _drawdown(gains: Sequence[Gain]) -> int:
    highest = total = deepest = 0
    for gain in gains:
        total += gain.usdc
        highest = max(highest, total)
        deepest = min(deepest, total - highest)
    return deepest


def _held(gains: Sequence[Gain], asset: Asset, price_at: PriceAt) -> int | None:
    """Buy the coin whenever an option was bought, for the same money, and sell it when the option went."""
    total = 0.0
    for gain in gains:
        bought, sold = price_at(asset, gain.position.opened_at), price_at(asset, gain.exit.at)
        if bought is None or sold is None:
            return None
        total += gain.cost * (sold / bought - 1.0)
    return round(total)
