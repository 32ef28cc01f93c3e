"""A backtest on recorded files, with the shipped model: which recording, and what comes of it."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from bethna_cli.adapters.modelled import ModelledMarket, SurfaceTerms
from bethna_cli.adapters.recorded import Past, RecordedChains
from bethna_cli.analysis.band_trades import BandRule
from bethna_cli.bootstrap.model import load_model
from bethna_cli.domain.backtest import BacktestTerms, Closed
from bethna_cli.domain.market import Asset
from bethna_cli.domain.model import Progress
from bethna_cli.flow.backtest import backtest
from bethna_cli.flow.backtest_report import backtest_document
from bethna_cli.flow.candle_test import candle_document
from bethna_cli.ports import RecordedMarket

PERIOD_FOLDER = "replay_2026"


def run_backtest(
    folder: Path,
    candles: Path | None,
    terms: BacktestTerms,
    progress: Progress,
    log: Callable[[Closed], None],
    modelled: float | None = None,
) -> dict[str, Any]:
    """Walk through the recorded chains of `folder` and return the report.

    candles: where candles, funding and mood are. modelled: no chains, but options priced from a surface at this
    multiple of the price's own volatility. Raises ConfigurationError, DataRefused, NotEnoughData, ModelCorrupt.
    """
    market: RecordedMarket
    if modelled is None:
        market = RecordedChains(folder, candles or folder / PERIOD_FOLDER, terms.asset, terms.starts, terms.ends)
    else:
        market = ModelledMarket(candles or folder, terms.asset, terms.starts, terms.ends, SurfaceTerms(modelled))
    return backtest_document(asyncio.run(backtest(terms, market, load_model(), progress, log)))


def run_candle_test(
    folder: Path, candles: Path | None, asset: Asset, starts: datetime, ends: datetime, seed: int
) -> dict[str, Any]:
    """Run the RSI/Bollinger rule over the candles of `candles`, or of `folder`, alone; return its report.

    Raises ConfigurationError, DataRefused, NotEnoughData.
    """
    past = Past.read(candles or folder, asset, ends)
    wanted = [candle for candle in past.candles if candle.starts_at >= starts]
    return candle_document(asset, wanted, past.files[0], BandRule(), seed)
