"""A backtest on recorded files, with the shipped model: which recording, and what comes of it."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bethna_cli.adapters.recorded import RecordedChains
from bethna_cli.bootstrap.model import load_model
from bethna_cli.domain.backtest import BacktestTerms, Closed
from bethna_cli.domain.model import Progress
from bethna_cli.flow.backtest import backtest
from bethna_cli.flow.backtest_report import backtest_document

PERIOD_FOLDER = "replay_2026"


def run_backtest(
    folder: Path, candles: Path | None, terms: BacktestTerms, progress: Progress, log: Callable[[Closed], None]
) -> dict[str, Any]:
    """Walk through the recorded chains of `folder` and return the report.

    candles: where candles, funding and mood are. Raises ConfigurationError, DataRefused, NotEnoughData, ModelCorrupt.
    """
    market = RecordedChains(folder, candles or folder / PERIOD_FOLDER, terms.asset, terms.starts, terms.ends)
    return backtest_document(asyncio.run(backtest(terms, market, load_model(), progress, log)))


def whole_range() -> tuple[datetime, datetime]:
    """Return the widest range: whatever was recorded."""
    return datetime(2009, 1, 3, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
