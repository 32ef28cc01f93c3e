"""Alpha's card: verdict, trade, payoff, reasons, record and the market it was read from, in at most 80 columns.

It repeats what the recommendation says and computes nothing that a decision could rest on.
"""

from collections.abc import Iterator

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from bethna_cli.cli.figures import moment, share, signed, signed_share, usd
from bethna_cli.cli.plot import payoff_plot
from bethna_cli.cli.render_market import market_notes, market_table, reality
from bethna_cli.cli.tables import pairs, words
from bethna_cli.domain.market import Origin
from bethna_cli.domain.options import OptionKind
from bethna_cli.domain.recommendation import Candidate, Leg, Recommendation, Record, Signal
from bethna_cli.domain.units import CONTRACT_UNIT, usdc_to_decimal

VERDICTS = {
    Signal.LONG_CALL: "buy a call",
    Signal.LONG_PUT: "buy a put",
    Signal.LONG_STRADDLE: "buy a straddle",
    Signal.CALL_SPREAD: "buy a call spread",
    Signal.PUT_SPREAD: "buy a put spread",
    Signal.HOLD: "HOLD, buy nothing now",
}
KINDS = {
    OptionKind.CALL: "call",
    OptionKind.PUT: "put",
    OptionKind.CALL_SPREAD: "call spread",
    OptionKind.PUT_SPREAD: "put spread",
}


def print_card(screen: Console, rec: Recommendation, *, own_choice: bool = False) -> None:
    """Print the whole card as wide as the screen; only the line to paste is never broken.

    own_choice: the person named this trade, so it is not Alpha who says to buy it.
    """
    speaker = "Your choice" if own_choice else "Alpha"
    screen.print(Text(f"{speaker} on {rec.asset}: {VERDICTS[rec.signal]}", style="bold"))
    screen.print(Group(*_blocks(rec, screen.width, draws=not screen.options.ascii_only)))
    if rec.buy_line:
        anyway = rec.signal is Signal.HOLD and rec.origin is not Origin.REPLAY
        screen.print(Text("Buy it anyway:" if anyway else "Price exactly this trade again:"))
        screen.print(Text(f"  {rec.buy_line}", style="bold"), soft_wrap=True)


def _blocks(rec: Recommendation, width: int, *, draws: bool) -> Iterator[RenderableType]:
    """Give the card from below its heading; `draws`: the screen has the characters of the payoff plot."""
    yield reality(rec.market, rec.network)
    yield Text()
    yield _outlook(rec)
    shown = rec.trade or rec.candidate
    if shown:
        yield Text()
        yield from _trade(rec, shown)
        if draws:
            yield from _plot(rec, shown, width)
    yield from _bullets("Why", [words(reason.text) for reason in rec.reasons])
    yield from _bullets("What would change the verdict", [words(line) for line in rec.would_change])
    yield Text()
    yield market_table(rec.market)
    yield from market_notes(rec.market)
    yield from (words(f"! {warning}", "yellow") for warning in rec.warnings)
    yield Text()
    yield Text(f"Recommendation {rec.id}", style="dim")


def _outlook(rec: Recommendation) -> Table:
    prediction = rec.prediction
    odds = f"up {share(prediction.bullish)}, flat {share(prediction.neutral)}, down {share(prediction.bearish)}"
    grid = pairs()
    grid.add_row("prediction", f"{odds} in {prediction.horizon_days:g} days")
    if rec.view:
        without = rec.view.expected_value_without
        value = "" if without is None else f" (expected {signed(usdc_to_decimal(without))} USDC)"
        grid.add_row("your view", f"{rec.view.view.lower()}, odds × {rec.view.odds:g}")
        grid.add_row("without it", f"Alpha says: {VERDICTS[rec.view.signal_without]}{value}")
    grid.add_row("record", _record(rec.record))
    return grid


def _record(record: Record | None) -> str:
    if record is None:
        return "no measured record of such trades yet"
    span = f"{record.starts:%Y-%m-%d} to {record.ends:%Y-%m-%d}"
    won = f"{record.trades} trades, {share(record.win_rate)} won, {signed_share(record.average_return)} a trade"
    if record.interval:
        won += f" (95 %: {signed_share(record.interval[0])} to {signed_share(record.interval[1])})"
    return f"{won}, worst drawdown {share(record.max_drawdown)} ({record.data}, {span})"


def _trade(rec: Recommendation, trade: Candidate) -> Iterator[RenderableType]:
    if trade.refused_because:
        yield Text(f"Best candidate: {VERDICTS[trade.signal]}", style="bold")
        yield words(f"Refused: {trade.refused_because}.", "yellow")
    grid = pairs()
    for leg in trade.legs:
        grid.add_row("buy", _leg(leg))
    grid.add_row("expires", _expiry(trade, rec))
    grid.add_row("cost", f"{usd(usdc_to_decimal(trade.amount))} USDC")
    grid.add_row("max loss", f"{usd(usdc_to_decimal(trade.max_loss))} USDC (the premium, nothing more)")
    grid.add_row("max profit", _max_profit(trade))
    grid.add_row("break-even", " and ".join(f"{usd(price)} USD" for price in trade.break_even_usd) + " at expiry")
    grid.add_row("chance of profit", share(trade.probability_of_profit))
    style = "green" if trade.expected_value > 0 else "red"
    grid.add_row("expected value", Text(f"{signed(usdc_to_decimal(trade.expected_value))} USDC", style=style))
    if trade.quantiles:
        grid.add_row("outcomes", _outcomes(trade))
    yield grid


def _outcomes(trade: Candidate) -> str:
    """Say how often the profit or loss at expiry ends at or below what; the same amount is named once."""
    shares = {pnl: share for share, pnl in trade.quantiles}
    ends = (f"{100 * share:.0f} % at or below {signed(usdc_to_decimal(pnl))}" for pnl, share in shares.items())
    return f"{', '.join(ends)} USDC"


def _plot(rec: Recommendation, trade: Candidate, width: int) -> Iterator[RenderableType]:
    spot = rec.market.spot.value
    if trade.payoff and spot:
        evens = [float(price) for price in trade.break_even_usd]
        yield Text()
        title = f"Profit or loss at expiry in USDC; │ is the spot now, {usd(spot.value_usd)} USD"
        yield Text(title, style="dim")
        yield Text(payoff_plot(trade.payoff, evens, float(spot.value_usd), width), no_wrap=True)


def _leg(leg: Leg) -> Text:
    quote = leg.quote
    strikes = "/".join(f"{strike.normalize():,f}" for strike in quote.strikes)
    size = f"{leg.contracts / CONTRACT_UNIT:,.4f}"
    greeks = f" (IV {share(quote.greeks.iv)}, delta {quote.greeks.delta:+.2f})" if quote.greeks else ""
    return words(f"{size} × {strikes} {KINDS[quote.kind]} at {usd(quote.price_usd)} USD{greeks}")


def _expiry(trade: Candidate, rec: Recommendation) -> str:
    expires_at = trade.legs[0].quote.expires_at
    days = (expires_at - rec.market.taken_at).total_seconds() / 86_400
    return f"{moment(expires_at)}, in {days:.1f} days"


def _max_profit(trade: Candidate) -> str:
    if trade.max_profit is None:
        return "unlimited"
    return f"{usd(usdc_to_decimal(trade.max_profit))} USDC"


def _bullets(title: str, lines: list[Text]) -> Iterator[RenderableType]:
    if not lines:
        return
    yield Text()
    yield Text(title, style="bold")
    grid = Table.grid(padding=(0, 1, 0, 0))
    for line in lines:
        grid.add_row("-", line)
    yield grid
