"""`bethna backtest`: Alpha on recorded history, beside simple rules, with a trade log and the account's course."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bethna_cli.cli.commands import ExampleCommand, Json, NoColor, new_app

if TYPE_CHECKING:
    from bethna_cli.domain.backtest import BacktestTerms, Closed

app = new_app("Alpha on recorded history.")

Data = Annotated[Path, typer.Option("--data", metavar="DIR", help="Folder with recorded option chains.")]
Candles = Annotated[
    Path | None, typer.Option("--candles", metavar="DIR2", help="Candles, funding, mood (default DIR/replay_2026).")
]
AssetName = Annotated[str, typer.Option("--asset", metavar="ASSET", help="ETH or BTC.")]
From = Annotated[str | None, typer.Option("--from", metavar="DATE", help="First day (UTC; default: all there is).")]
To = Annotated[str | None, typer.Option("--to", metavar="DATE", help="Last day (UTC; default: all there is).")]
Budget = Annotated[
    str | None, typer.Option("--budget", metavar="USDC", help="The most to spend a trade (default 100).")
]
Capital = Annotated[str | None, typer.Option("--capital", metavar="USDC", help="The account (default 100 budgets).")]
Expiry = Annotated[str | None, typer.Option("--expiry", metavar="SPAN", help="Wished life of an option (default 7d).")]
Delta = Annotated[str | None, typer.Option("--delta", metavar="X", help="Wished delta, absolute (default 0.30).")]
Seed = Annotated[int, typer.Option("--seed", metavar="N", min=0, help="Of the random rival and the intervals.")]
Trades = Annotated[
    Path | None, typer.Option("--trades", metavar="FILE", help="Write every position: .csv, or JSON lines.")
]
CandlesOnly = Annotated[
    bool, typer.Option("--candles-only", help="The RSI/Bollinger rule on the asset itself; no options, no model.")
]
Modelled = Annotated[
    float | None,
    typer.Option("--modelled", metavar="X", min=0.5, max=3.0, help="No chains: options at X times EWMA volatility."),
]
Stored = Annotated[
    Path | None,
    typer.Option("--record", metavar="FILE", help="Write the record that ships with the model."),
]
Plot = Annotated[bool, typer.Option("--plot", help="Draw the accounts' course in the terminal.")]
Png = Annotated[Path | None, typer.Option("--png", metavar="FILE", help="Draw it into a PNG file.")]


@app.command("backtest", cls=ExampleCommand, epilog="bethna backtest --data DIR --asset ETH --plot")
def backtest(
    data: Data,
    candles: Candles = None,
    asset: AssetName = "ETH",
    starts: From = None,
    ends: To = None,
    budget: Budget = None,
    capital: Capital = None,
    expiry: Expiry = None,
    delta: Delta = None,
    seed: Seed = 1,
    candles_only: CandlesOnly = False,
    modelled: Modelled = None,
    record: Stored = None,
    trades: Trades = None,
    plot: Plot = False,
    png: Png = None,
    as_json: Json = False,
    no_color: NoColor = False,
) -> None:
    """Let Alpha decide at every recorded moment by what was known then; show what came of it, beside simple rules."""
    terms = _terms(asset, starts, ends, {"budget_usdc": budget, "expiry": expiry, "target_delta": delta}, capital, seed)
    _refuse_mixed({"--candles-only": candles_only, "--record": record is not None, "--modelled": modelled is not None})
    if candles_only:
        _test_candles(data, candles, terms, as_json, no_color)
        return
    if record is not None:
        _write_record(record, data, candles, terms, as_json, no_color)
        return
    if png is not None:
        from bethna_cli.cli.plot_png import checked

        checked(png)
    from bethna_cli.bootstrap.backtest import run_backtest
    from bethna_cli.cli import output
    from bethna_cli.cli.progress import progress_bar

    closed: list[Closed] = []
    with progress_bar(no_color) as progress:
        report = run_backtest(data, candles, terms, progress, closed.append if trades else _forget, modelled)
    if trades is not None:
        _write_trades(trades, closed, bool(report["modelled"]))
    if png is not None:
        from bethna_cli.cli.plot_png import draw

        draw(png, report)
    if as_json:
        output.emit(report)
        return
    from bethna_cli.cli.render_backtest import print_report

    print_report(output.console(no_color), report, draws=plot)


def _refuse_mixed(modes: dict[str, bool]) -> None:
    from bethna_cli.domain.errors import UsageError

    given = [flag for flag, is_given in modes.items() if is_given]
    if len(given) > 1:
        raise UsageError(f"{' and '.join(given)} are different tests; one at a time.", hint="bethna backtest -h")


def _write_record(
    path: Path, data: Path, candles: Path | None, terms: "BacktestTerms", as_json: bool, no_color: bool
) -> None:
    """Run every asset on the same terms and write what ships beside the model."""
    from dataclasses import replace

    from bethna_cli.bootstrap.backtest import run_backtest
    from bethna_cli.cli import output
    from bethna_cli.cli.progress import progress_bar
    from bethna_cli.domain.market import Asset
    from bethna_cli.flow.track_record import record_document
    from bethna_cli.settings_files import replace_file

    with progress_bar(no_color) as progress:
        document = record_document(
            [run_backtest(data, candles, replace(terms, asset=asset), progress, _forget) for asset in Asset]
        )
    replace_file(path, (json.dumps(document, indent=1, allow_nan=False) + "\n").encode())
    if as_json:
        output.emit(document)
        return
    from bethna_cli.cli.render_backtest import record_view

    screen = output.console(no_color)
    screen.print(record_view(document))
    screen.print(f"Written to {path}", soft_wrap=True)


def _test_candles(data: Path, candles: Path | None, terms: "BacktestTerms", as_json: bool, no_color: bool) -> None:
    from bethna_cli.bootstrap.backtest import run_candle_test
    from bethna_cli.cli import output

    report = run_candle_test(data, candles, terms.asset, terms.starts, terms.ends, terms.seed)
    if as_json:
        output.emit(report)
        return
    from bethna_cli.cli.render_backtest import candle_report

    output.console(no_color).print(candle_report(report))


def _terms(
    asset: str, starts: str | None, ends: str | None, wishes: dict[str, str | None], capital: str | None, seed: int
) -> "BacktestTerms":
    """Read what was typed. Raises UsageError, UnknownAsset, ConfigurationError."""
    from bethna_cli.cli.values import parse_asset
    from bethna_cli.domain.backtest import EARLIEST, LATEST, BacktestTerms
    from bethna_cli.domain.errors import UsageError
    from bethna_cli.domain.units import Usdc
    from bethna_cli.settings import load_settings

    settings = load_settings(wishes)
    first = _day("--from", starts) if starts else EARLIEST
    last = _day("--to", ends) + timedelta(days=1, seconds=-1) if ends else LATEST
    if last < first:
        raise UsageError("--to is before --from.", hint="bethna backtest -h")
    account = Usdc(100 * settings.budget) if capital is None else _amount("--capital", capital)
    if account < settings.budget:
        raise UsageError("--capital must be at least one --budget.", hint="bethna backtest -h")
    return BacktestTerms(
        asset=parse_asset(asset),
        starts=first,
        ends=last,
        budget=settings.budget,
        capital=account,
        expiry_days=settings.expiry_days,
        target_delta=settings.target_delta,
        seed=seed,
    )


def _day(flag: str, word: str) -> datetime:
    from bethna_cli.domain.errors import UsageError

    try:
        return datetime.strptime(word.strip(), "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError as error:
        raise UsageError(f"{flag} {word[:24]!a} must be a day like 2026-01-31.", hint="bethna backtest -h") from error


def _amount(flag: str, word: str) -> Any:
    from bethna_cli.domain.errors import UsageError
    from bethna_cli.domain.units import usdc_from_decimal

    try:
        return usdc_from_decimal(Decimal(word.strip()))
    except (InvalidOperation, ValueError) as error:
        raise UsageError(f"{flag} {word[:24]!a} must be an amount of USDC.", hint="bethna backtest -h") from error


def _forget(closed: "Closed") -> None:
    """Keep no log."""


def _write_trades(path: Path, closed: "list[Closed]", modelled: bool) -> None:
    """Write the trade log at once, as CSV where the name says so, else one JSON object a line."""
    from bethna_cli.flow.backtest_report import TRADE_COLUMNS, closed_document
    from bethna_cli.settings_files import replace_file

    rows = [closed_document(position, modelled) for position in closed]
    text = io.StringIO(newline="")
    if path.suffix == ".csv":
        writer = csv.DictWriter(text, TRADE_COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    else:
        text.writelines(json.dumps(row, allow_nan=False) + "\n" for row in rows)
    replace_file(path, text.getvalue().encode())
