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


def record_document(reports: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Lay out what is stored of backtests of one model."""
    model = reports[0]["model"]
    return {
        "model": {"version": model["version"], "sha256": model["sha256"]},
        "command": COMMAND,
        "few_trades": FEW_TRADES,
        "assets": {report["asset"]: {name: report[name] for name in KEPT} for report in reports},
    }


def is_of(document: Mapping[str, Any], sha256: str) -> bool:
    """Say whether a stored document speaks of the model whose file has this checksum. Raises ModelCorrupt."""
    try:
        return bool(document["model"]["sha256"] == sha256)
    except (KeyError, TypeError) as error:
        raise _unreadable() from error


def records_of(document: Mapping[str, Any], sha256: str) -> Records:
    """Read the records of a stored document; none where it speaks of another model. Raises ModelCorrupt."""
    if not is_of(document, sha256):
        return {}
    try:
        return {
            (Asset(name), Signal(signal)): _record(name, stored, figures)
            for name, stored in document["assets"].items()
            for signal, figures in stored["strategies"]["alpha"]["by_signal"].items()
            if figures["trades"] >= FEW_TRADES
        }
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _unreadable() from error


def _unreadable() -> ModelCorrupt:
    return ModelCorrupt("The stored record of the model cannot be read.", hint=COMMAND)


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
