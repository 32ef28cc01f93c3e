"""A backtest as JSON values: figures with their intervals, the comparison, and in plain words what they do not show."""

import random
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from bethna_cli.analysis import performance
from bethna_cli.analysis.performance import Interval
from bethna_cli.domain.backtest import EARLIEST, LATEST, Backtest, Bought, Closed, Course, Strategy
from bethna_cli.domain.model import DataFile
from bethna_cli.domain.recommendation import Signal
from bethna_cli.domain.units import CONTRACT_UNIT, iso, usdc_to_decimal
from bethna_cli.flow.track_record import FEW_TRADES

Document = dict[str, Any]

PLACES = 6
COSTS = (
    "buying: the ask, the venue's fee carved out of it; selling: the bid less min(0.06 % of the notional, 12.5 % of "
    "the premium)"
)
CONFIRMATION = "a limit broken at a recorded moment counts as confirmed: the recording has no second look"

NAMES = {
    Strategy.ALPHA: "Alpha",
    Strategy.CALL_30_DELTA: "always the 30-delta call",
    Strategy.STRADDLE: "always the straddle",
    Strategy.RANDOM: "a random choice",
    Strategy.RSI_BOLLINGER: "the RSI/Bollinger rule",
    Strategy.CASH: "holding cash",
}


def backtest_document(result: Backtest) -> Document:
    """Lay out a whole backtest; the same result gives the same document."""
    terms, market = result.terms, result.market
    strategies = {
        strategy.value: {**_figures(result, course), "by_signal": _by_signal(result, course)}
        for strategy, course in result.courses.items()
    }
    comparison = {rival.value: _compared(result, rival) for rival in result.courses if rival is not Strategy.ALPHA}
    return {
        "asset": terms.asset.value,
        "from": iso(result.moments[0]),
        "to": iso(result.moments[-1]),
        "modelled": market.modelled,
        "pricing": market.pricing,
        "settlement": market.settlement,
        "costs": COSTS,
        "terms": _terms(result),
        "model": {"version": result.model_version, "sha256": result.model_sha256, "in_sample": result.in_sample},
        "data": [file_document(file) for file in market.files],
        "counted": dict(market.counted),
        "moments": len(result.moments),
        "decisions": {signal.value: count for signal, count in result.decisions.items()},
        "unanswered": dict(result.unanswered),
        "strategies": strategies,
        "comparison": comparison,
        "says": list(_says(result, comparison)),
        "equity": {
            "at": [iso(moment) for moment in result.moments],
            **{strategy.value: [_usdc(v) for v in course.values[1:]] for strategy, course in result.courses.items()},
        },
    }


TRADE_COLUMNS = (
    "strategy",
    "trade",
    "signal",
    "ticker",
    "opened_at",
    "closed_at",
    "ending",
    "contracts",
    "premium_usdc",
    "proceeds_usdc",
    "profit_usdc",
    "return",
    "spot_at_open",
    "spot_at_close",
    "modelled",
)


def closed_document(closed: Closed, modelled: bool) -> Document:
    """Lay out one closed position: a line of the trade log."""
    return {
        "strategy": closed.strategy.value,
        "trade": closed.trade,
        "signal": closed.signal.value,
        "ticker": closed.quote.ticker,
        "opened_at": iso(closed.opened_at),
        "closed_at": iso(closed.closed_at),
        "ending": closed.ending.value,
        "contracts": closed.contracts / CONTRACT_UNIT,
        "premium_usdc": _usdc(closed.premium),
        "proceeds_usdc": _usdc(closed.proceeds),
        "profit_usdc": _usdc(closed.profit),
        "return": round(closed.profit / closed.premium, PLACES),
        "spot_at_open": closed.spot_at_open,
        "spot_at_close": closed.spot_at_close,
        "modelled": modelled,
    }


def file_document(file: DataFile) -> Document:
    """Lay out one file that was read."""
    return {
        "file": file.name,
        "sha256": file.sha256,
        "rows": file.rows,
        "from": iso(file.first),
        "to": iso(file.last),
        "notes": dict(file.notes),
    }


def _terms(result: Backtest) -> Document:
    terms = result.terms
    return {
        "from": None if terms.starts == EARLIEST else iso(terms.starts),
        "to": None if terms.ends == LATEST else iso(terms.ends),
        "budget_usdc": _usdc(terms.budget),
        "capital_usdc": _usdc(terms.capital),
        "expiry_days": terms.expiry_days,
        "target_delta": terms.target_delta,
        "stop_loss": _share(terms.rules.stop_loss),
        "take_profit": _share(terms.rules.take_profit),
        "time_decay": terms.rules.decay.value,
        "iv_change": terms.rules.iv.value,
        "expiry_near": terms.rules.expiry.value,
        "confirmation": CONFIRMATION,
        "seed": terms.seed,
        "confidence": performance.CONFIDENCE,
        "resamples": performance.RESAMPLES,
        "block_days": terms.expiry_days,
    }


def _figures(result: Backtest, course: Course) -> Document:
    """Lay out what a strategy came to; shares and returns are fractions, null where there is nothing to measure."""
    span_days = _days(result)
    curve = performance.curve_figures(course.values, span_days, _block(result, len(course.values) - 1), _chance(result))
    return {
        **_trade_figures(result, course.trades),
        "gain_usdc": _usdc(curve.gain),
        "max_drawdown": _round(curve.drawdown_share),
        "max_drawdown_usdc": _usdc(curve.drawdown),
        "sharpe": _round(curve.sharpe),
        "sharpe_interval": _interval(curve.sharpe_interval),
        "endings": {ending.value: count for ending, count in course.endings.items()},
        "not_possible": {name: count for name, count in course.counts.items() if count},
    }


def _trade_figures(result: Backtest, trades: Sequence[Bought]) -> Document:
    figures = performance.trade_figures([trade.gain for trade in trades], _block(result, len(trades)), _chance(result))
    return {
        "trades": len(trades),
        "won": figures.won if figures else 0,
        "win_rate": _round(figures.won / figures.trades) if figures else None,
        "average_return": _round(figures.average_return) if figures else None,
        "average_return_interval": _interval(figures.average_interval) if figures else None,
        "median_return": _round(figures.median_return) if figures else None,
    }


def _by_signal(result: Backtest, course: Course) -> Document:
    """Lay out the figures of each kind of trade by itself; the drawdown is of profits as they were realised."""
    found: Document = {}
    for signal in Signal:
        trades = [trade for trade in course.trades if trade.signal is signal]
        if trades:
            found[signal.value] = {**_trade_figures(result, trades), "max_drawdown": _realised_fall(result, trades)}
    return found


def _realised_fall(result: Backtest, trades: Sequence[Bought]) -> float | None:
    value = int(result.terms.capital)
    values = [value]
    for trade in sorted(trades, key=lambda trade: trade.closed_at):
        value += trade.profit
        values.append(value)
    return _round(performance.drawdown(values)[1])


def _compared(result: Backtest, rival: Strategy) -> Document:
    """Measure how far Alpha's account ended above a rival's, and whether chance explains it."""
    ours, theirs = result.courses[Strategy.ALPHA].values, result.courses[rival].values
    ahead = [(a - b) - (c - d) for (b, a), (d, c) in zip(pairwise(ours), pairwise(theirs), strict=True)]
    total = sum(ahead)
    mean = performance.mean_interval(ahead, _block(result, len(ahead)), _chance(result))
    interval = None if mean is None else [_usdc(round(edge * len(ahead))) for edge in mean]
    shown = interval is not None and interval[0] > 0
    return {
        "ahead_usdc": _usdc(total),
        "interval_usdc": interval,
        "verdict": "better" if shown else "not shown to be better" if total > 0 else "not better",
    }


def _says(result: Backtest, comparison: Mapping[str, Document]) -> "list[str]":
    """Say in plain words what the figures show and what they don't."""
    alpha = result.courses[Strategy.ALPHA]
    said = []
    if result.market.modelled:
        said.append("MODELLED: no option was ever quoted at these prices; see pricing.")
    if result.in_sample:
        said.append("The model learned from part of this range: its figures flatter it.")
    if result.unanswered:
        why = ", ".join(f"{count} {code.replace('_', ' ')}" for code, count in result.unanswered.items())
        said.append(
            f"Alpha had no answer at {sum(result.unanswered.values())} of {len(result.moments)} moments ({why}); "
            "its rivals traded there too."
        )
    lost = {name: course.counts.get("never_settled", 0) for name, course in result.courses.items()}
    if any(lost.values()):
        which = ", ".join(f"{NAMES[name]} {count}" for name, count in lost.items() if count)
        said.append(f"Positions that no recorded price settles count as worthless: {which}.")
    if not alpha.trades:
        said.append(
            f"Alpha bought nothing in {len(result.moments)} decisions: it did what cash does. "
            "That shows neither skill nor the lack of it."
        )
    elif len(alpha.trades) < FEW_TRADES:
        said.append(f"Alpha made {len(alpha.trades)} trades; under {FEW_TRADES} no average says much.")
    said += [_sentence(NAMES[Strategy(name)], figures) for name, figures in comparison.items()]
    return [*said, "Whole accounts are compared: who trades less also stakes less."]


def _sentence(rival: str, figures: Mapping[str, Any]) -> str:
    ahead, interval = figures["ahead_usdc"], figures["interval_usdc"]
    likely = f"95 %: {interval[0]:+,.2f} to {interval[1]:+,.2f}" if interval else "too few days for an interval"
    if figures["verdict"] == "better":
        return f"Alpha did better than {rival}: {ahead:+,.2f} USDC ({likely})."
    if ahead > 0:
        return f"Alpha is not shown to beat {rival}: {ahead:+,.2f} USDC may be chance ({likely})."
    return f"Alpha did NOT beat {rival}: {ahead:+,.2f} USDC ({likely})."


def _days(result: Backtest) -> float:
    return (result.moments[-1] - result.moments[0]).total_seconds() / 86_400


def _block(result: Backtest, count: int) -> int:
    """Return how many of `count` things, spread over the range, lie within one option's life."""
    days = _days(result)
    return max(1, round(count * result.terms.expiry_days / days)) if days > 0 else 1


def _chance(result: Backtest) -> random.Random:
    return random.Random(result.terms.seed)


def _usdc(amount: int) -> float:
    return float(usdc_to_decimal(amount))


def _share(limit: int | None) -> float | None:
    return None if limit is None else limit / 10_000


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, PLACES)


def _interval(interval: Interval | None) -> list[float] | None:
    return None if interval is None else [round(edge, PLACES) for edge in interval]
