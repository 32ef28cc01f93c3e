"""A backtest on the screen, in at most 80 columns: figures, how sure they are, and what they do not show."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from bethna_cli.cli.figures import share, signed, signed_share, usd
from bethna_cli.cli.plot import course_plot
from bethna_cli.cli.tables import pairs, table, words

SHA_DIGITS = 12
LONGEST = 2_000
SHORT = {
    "alpha": "Alpha",
    "call_30_delta": "0.30 call",
    "straddle": "straddle",
    "random": "random",
    "rsi_bollinger": "RSI/bands",
    "hold_cash": "cash",
}


def print_report(screen: Console, report: Mapping[str, Any], *, draws: bool) -> None:
    """Print a whole report; draws: with the accounts' course."""
    screen.print(Group(*_blocks(report)))
    if draws:
        screen.print()
        screen.print(Text("Accounts in USDC: Alpha and holding cash", style="dim"))
        equity = report["equity"]
        drawing = course_plot(equity["at"], equity["alpha"], report["terms"]["capital_usdc"], screen.width)
        screen.print(Text(drawing, no_wrap=True))


def record_view(document: Mapping[str, Any]) -> Group:
    """Lay out the stored record of a model: Alpha's trades by asset and kind, and what they do not show."""
    numbers = ("trades", "won", "average", "95 %", "drawdown")
    grid = table("asset", "signal", *numbers, right=numbers)
    blocks: list[RenderableType] = [Text("Measured record: a stored backtest of this model", style="bold"), grid]
    for asset, stored in document["assets"].items():
        for signal, figures in stored["strategies"]["alpha"]["by_signal"].items():
            within = figures["average_return_interval"]
            grid.add_row(
                asset,
                signal,
                str(figures["trades"]),
                share(figures["win_rate"]),
                signed_share(figures["average_return"]),
                f"{signed_share(within[0])} to {signed_share(within[1])}" if within else "too few",
                share(figures["max_drawdown"]),
            )
        days = f"{stored['from'][:10]} to {stored['to'][:10]}"
        said = ", ".join(f"{count} {signal}" for signal, count in stored["decisions"].items())
        blocks += [Text(), Text(f"{asset}, {days}, {stored['moments']} decisions: {said}"), _bullets(stored["says"])]
    few = document["few_trades"]
    blocks += [Text(), Text(f"Under {few} trades of a kind, no record is shown with a recommendation.", style="dim")]
    return Group(*blocks)


def candle_report(report: Mapping[str, Any]) -> Group:
    """Lay out what the RSI/Bollinger rule did on candles alone."""
    days = f"{report['from'][:10]} to {report['to'][:10]}"
    interval, grid = report["average_return_interval"], pairs()
    grid.add_row("rule", words(f"long: {report['rule']['buy']}"))
    grid.add_row("", words(f"short: {report['rule']['sell_short']}"))
    grid.add_row("leave", words(f"{report['rule']['leave']}; costs: {report['costs']}"))
    grid.add_row("trades", f"{report['trades']:,}, {share(report['win_rate'])} won")
    within = f" (95 %: {signed_share(interval[0])} to {signed_share(interval[1])})" if interval else ""
    grid.add_row("average", f"{signed_share(report['average_return'])} a trade{within}")
    grid.add_row("median", signed_share(report["median_return"]))
    grid.add_row("together", f"{signed_share(report['total_return'])}, drawdown {share(report['max_drawdown'])}")
    grid.add_row("holding", f"{signed_share(report['holding_the_asset'])} for the asset itself")
    grid.add_row(
        "counted", words(", ".join(f"{n} {name}" for name, n in report["data"][0]["notes"].items()) or "nothing")
    )
    title = f"RSI/Bollinger rule on {report['asset']}, {days}: {report['candles']:,} hourly candles"
    return Group(Text(title, style="bold"), Text("No options and no model in it", style="yellow"), Text(), grid)


def _blocks(report: Mapping[str, Any]) -> Iterator[RenderableType]:
    days = f"{report['from'][:10]} to {report['to'][:10]}"
    yield Text(f"Alpha on {report['asset']}, {days}: {report['moments']} decisions", style="bold")
    yield Text("MODELLED prices" if report["modelled"] else "Recorded prices", style="yellow")
    yield Text()
    yield _decisions(report)
    yield Text()
    yield _figures(report["strategies"])
    yield Text()
    yield _certainty(report["strategies"], report["terms"]["confidence"])
    yield Text()
    yield Text("What it shows", style="bold")
    yield _bullets(report["says"])
    yield Text()
    yield _basis(report)


def _decisions(report: Mapping[str, Any]) -> Table:
    grid = pairs()
    said = ", ".join(f"{signal} {count}" for signal, count in report["decisions"].items()) or "nothing"
    grid.add_row("Alpha said", said)
    if report["unanswered"]:
        grid.add_row("no answer", words(", ".join(f"{count} {why}" for why, count in report["unanswered"].items())))
    terms = report["terms"]
    grid.add_row(
        "each trade",
        f"{usd(terms['budget_usdc'])} USDC of {usd(terms['capital_usdc'])}, {terms['expiry_days']:g} days, "
        f"delta {terms['target_delta']:g}",
    )
    grid.add_row(
        "sold at", f"-{share(terms['stop_loss'])} or +{share(terms['take_profit'])} of the premium, by the mark"
    )
    return grid


def _figures(strategies: Mapping[str, Mapping[str, Any]]) -> Table:
    numbers = ("trades", "won", "average", "median", "P&L USDC", "drawdown", "Sharpe")
    grid = table("strategy", *numbers, right=numbers)
    for name, figures in strategies.items():
        grid.add_row(
            SHORT[name],
            str(figures["trades"]),
            share(figures["win_rate"]),
            signed_share(figures["average_return"]),
            signed_share(figures["median_return"]),
            signed(figures["gain_usdc"]),
            share(figures["max_drawdown"]),
            _number(figures["sharpe"]),
        )
    return grid


def _certainty(strategies: Mapping[str, Mapping[str, Any]], confidence: float) -> Table:
    right = ("average return", "Sharpe")
    grid = table(f"{confidence:.0%} intervals".replace("%", " %"), *right, right=right)
    for name, figures in strategies.items():
        if figures["trades"]:
            returns, sharpe = figures["average_return_interval"], figures["sharpe_interval"]
            grid.add_row(
                SHORT[name],
                "too few" if returns is None else f"{signed_share(returns[0])} to {signed_share(returns[1])}",
                "too few" if sharpe is None else f"{_number(sharpe[0])} to {_number(sharpe[1])}",
            )
    return grid


def _basis(report: Mapping[str, Any]) -> Table:
    grid = pairs()
    model = report["model"]
    grid.add_row("model", words(model["version"] + (", in its training range" if model["in_sample"] else "")))
    for name in ("pricing", "costs", "settlement"):
        grid.add_row(name, words(report[name], limit=LONGEST))
    for file in report["data"]:
        grid.add_row("file", words(f"{file['file']}, {file['rows']:,} rows, sha256 {file['sha256'][:SHA_DIGITS]}"))
    counted = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in report["counted"].items())
    grid.add_row("counted", words(counted or "no gap and no repair"))
    grid.add_row("seed", str(report["terms"]["seed"]))
    return grid


def _bullets(lines: list[str]) -> Table:
    grid = Table.grid(padding=(0, 1, 0, 0))
    for line in lines:
        grid.add_row("-", words(line))
    return grid


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:+.2f}"
