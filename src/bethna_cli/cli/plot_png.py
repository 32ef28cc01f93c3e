"""The accounts' course as a PNG file, drawn with matplotlib where it is installed."""

from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import Any

from bethna_cli.domain.errors import ConfigurationError, UsageError
from bethna_cli.flow.backtest_report import NAMES
from bethna_cli.settings_files import replace_file

INCHES = (10.0, 5.5)
DOTS_PER_INCH = 120


def checked(path: Path) -> None:
    """Refuse before the work begins. Raises UsageError for another kind of file, ConfigurationError."""
    if path.suffix.lower() != ".png":
        raise UsageError(f"--png {path.name[:40]!a} must end in .png.", hint="bethna backtest -h")
    if find_spec("matplotlib") is None:
        raise ConfigurationError(
            "A PNG is drawn with matplotlib, which is not installed.", hint="pip install 'bethna[plot]'"
        )


def draw(path: Path, report: Mapping[str, Any]) -> None:
    """Draw every account's value in USDC over time."""
    from matplotlib.dates import date2num
    from matplotlib.figure import Figure

    figure = Figure(figsize=INCHES, layout="constrained")
    axes = figure.subplots()
    equity = report["equity"]
    days: list[float] = [float(date2num(datetime.fromisoformat(at))) for at in equity["at"]]  # type: ignore[no-untyped-call]
    for strategy, name in NAMES.items():
        is_alpha = strategy.value == "alpha"
        axes.plot(days, equity[strategy.value], label=name, linewidth=2.4 if is_alpha else 1.0)
    mark = "MODELLED prices" if report["modelled"] else "recorded prices"
    axes.set_title(f"Alpha on {report['asset']}, {report['from'][:10]} to {report['to'][:10]}, {mark}")
    axes.set_ylabel("account, USDC")
    axes.xaxis_date(UTC)
    axes.grid(alpha=0.3)
    axes.legend(loc="best", frameon=False)
    picture = BytesIO()
    figure.savefig(picture, format="png", dpi=DOTS_PER_INCH, metadata={"Software": "bethna"})
    replace_file(path, picture.getvalue())
