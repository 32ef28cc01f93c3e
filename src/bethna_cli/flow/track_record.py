"""The measured record of Alpha's trades: what a stored backtest of one model said, kept apart by asset and signal.

It is written by `bethna backtest --data DIR --record FILE` and shipped beside the model. It speaks of that very model
alone, and of a kind of trade only where there were enough of them.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bethna_cli.domain.errors import ModelCorrupt
from bethna_cli.domain.market import Asset
from bethna_cli.domain.recommendation import Record, Signal

FEW_TRADES = 20
"""Below so many trades no record is shown with a recommendation."""

COMMAND = "bethna backtest --data DIR --record FILE"
KEPT = (
    "from",
    "to",
    "modelled",
    "pricing",
    "settlement",
    "costs",
    "terms",
    "data",
    "counted",
    "moments",
    "decisions",
    "unanswered",
    "strategies",
    "comparison",
    "says",
)

Records = Mapping[tuple[Asset, Signal], Record]


def record_document(reports: Sequence[Mapping[str, Any]], sha256: str) -> dict[str, Any]:
    """Lay out what is stored of backtests of one model, whose file has this checksum."""
    return {
        "model": {"version": reports[0]["model"]["version"], "sha256": sha256},
        "command": COMMAND,
        "few_trades": FEW_TRADES,
        "assets": {report["asset"]: {name: report[name] for name in KEPT} for report in reports},
    }


def records_of(document: Mapping[str, Any], version: str) -> Records:
    """Read the records of a stored document; none where it speaks of another model. Raises ModelCorrupt."""
    try:
        if document["model"]["version"] != version:
            return {}
        return {
            (Asset(name), Signal(signal)): _record(name, stored, figures)
            for name, stored in document["assets"].items()
            for signal, figures in stored["strategies"]["alpha"]["by_signal"].items()
            if figures["trades"] >= FEW_TRADES
        }
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ModelCorrupt("The stored record of the model cannot be read.", hint=COMMAND) from error


def _record(asset: str, stored: Mapping[str, Any], figures: Mapping[str, Any]) -> Record:
    interval = figures["average_return_interval"]
    return Record(
        data=f"backtest on {'modelled' if stored['modelled'] else 'recorded'} {asset} option chains",
        starts=datetime.fromisoformat(stored["from"]),
        ends=datetime.fromisoformat(stored["to"]),
        trades=int(figures["trades"]),
        win_rate=float(figures["win_rate"]),
        average_return=float(figures["average_return"]),
        max_drawdown=float(figures["max_drawdown"]),
        interval=None if interval is None else (float(interval[0]), float(interval[1])),
    )
