"""The RSI/Bollinger rule over candles alone: a quick look at years of the underlying, no option and no model in it."""

import random
from collections.abc import Sequence
from typing import Any

from bethna_cli.analysis import band_trades, bands, performance
from bethna_cli.analysis.band_trades import BandRule, CandleTrade
from bethna_cli.domain.errors import NotEnoughData
from bethna_cli.domain.market import Asset, Candle
from bethna_cli.domain.model import DataFile
from bethna_cli.domain.units import iso
from bethna_cli.flow.backtest_report import file_document

PLACES = 6
BLOCK_TRADES = 5
"""Trades follow each other without overlap, but quiet and wild weeks come in rows."""


def candle_document(
    asset: Asset, candles: Sequence[Candle], file: DataFile, rule: BandRule, seed: int
) -> dict[str, Any]:
    """Trade the rule on the underlying and lay out what came of it as JSON values.

    No cost is charged: the figures say what the rule's signals were worth at best. Raises NotEnoughData.
    """
    if len(candles) < bands.LEAST_CANDLES:
        raise NotEnoughData(f"{len(candles)} candles are too few; the rule needs {bands.LEAST_CANDLES}.")
    trades = band_trades.trades_on(candles, rule)
    profits = [trade.profit for trade in trades]
    figures = performance.trade_figures(profits, BLOCK_TRADES, random.Random(seed))
    interval = figures.average_interval if figures else None
    held = candles[-1].close / candles[0].open - 1
    return {
        "asset": asset.value,
        "from": iso(candles[0].starts_at),
        "to": iso(candles[-1].starts_at),
        "candles": len(candles),
        "rule": {
            "buy": f"close below the lower band and RSI under {bands.OVERSOLD:g}",
            "sell_short": f"close above the upper band and RSI over {bands.OVERBOUGHT:g}",
            "leave": f"RSI past {bands.MIDDLE:g}, or at -{rule.stop_loss:.0%} or +{rule.take_profit:.0%}",
            "rsi_hours": bands.RSI_SPAN,
            "band_hours": bands.BAND_SPAN,
            "band_width": bands.BAND_WIDTH,
        },
        "costs": "none: what the signals are worth at best",
        "trades": len(trades),
        "win_rate": round(figures.won / figures.trades, PLACES) if figures else None,
        "average_return": round(figures.average_return, PLACES) if figures else None,
        "average_return_interval": [round(edge, PLACES) for edge in interval] if interval else None,
        "median_return": round(figures.median_return, PLACES) if figures else None,
        "total_return": round(_compounded(profits), PLACES),
        "max_drawdown": round(band_trades.worst_fall(profits), PLACES),
        "holding_the_asset": round(held, PLACES),
        "seed": seed,
        "data": [file_document(file)],
        "trade_log": [_trade_document(trade, candles) for trade in trades],
    }


def _compounded(profits: Sequence[float]) -> float:
    value = 1.0
    for profit in profits:
        value *= 1 + profit
    return value - 1


def _trade_document(trade: CandleTrade, candles: Sequence[Candle]) -> dict[str, Any]:
    return {
        "side": "long" if trade.side > 0 else "short",
        "opened_at": iso(candles[trade.entry].starts_at),
        "closed_at": iso(candles[trade.exit].starts_at),
        "entry_price": trade.entry_price,
        "exit_price": trade.exit_price,
        "return": round(trade.profit, PLACES),
    }
