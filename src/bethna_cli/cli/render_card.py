"""Beta's screens: the table of checks, the review card, the receipt.

What will be signed is printed from the typed data and nothing else; around it stands what the recommendation said. Text
that may come from outside enters as characters.
"""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from bethna_cli.cli.plot import payoff_plot
from bethna_cli.cli.render_advice import VERDICTS
from bethna_cli.cli.tables import pairs, share, signed, table, usd, words
from bethna_cli.domain.journal import JournalEntry
from bethna_cli.domain.recommendation import Signal
from bethna_cli.domain.signing import ether
from bethna_cli.domain.units import usdc_to_decimal
from bethna_cli.flow.approve import Carried, card_lines
from bethna_cli.flow.review import Review

VERDICT_STYLES = {"pass": "green", "warn": "yellow", "ask": "yellow", "fail": "bold red"}


def checks_table(shown: Review) -> Table:
    """Return every check with its verdict and its numbers; with several legs the leg's ticker stands in front."""
    grid = table("check", "verdict", "what is so")
    for leg, results in zip(shown.wanted.legs, shown.results, strict=True):
        if len(shown.wanted.legs) > 1:
            grid.add_row(words(leg.ticker, "bold"), "", "")
        for result in results:
            verdict = Text(result.verdict.value, style=VERDICT_STYLES[result.verdict.value])
            grid.add_row(result.check, verdict, words(result.words))
    return grid


def print_review(screen: Console, shown: Review) -> None:
    """Print checks and card. The lines of the signed part are never broken, so that they can be compared."""
    screen.print(Text(f"Beta's checks for {_title(shown)}", style="bold"))
    screen.print(checks_table(shown))
    screen.print(Group(*_around(shown, screen.width, draws=not screen.options.ascii_only)))
    screen.print(Text("You sign exactly this", style="bold"))
    for line in card_lines(shown):
        screen.print(Text(str(line)), soft_wrap=True)
    for digest in shown.digests:
        screen.print(Text(f"{'Digest':<14}{digest}"), soft_wrap=True)
    for plan in shown.plans:
        for permit in plan.permits:
            amount = usdc_to_decimal(plan.intents[permit.intent].amount_in)
            line_text = f"{'Permit':<14}the contract may take {amount:f} USDC, once"
            screen.print(Text(line_text), soft_wrap=True)


def _title(shown: Review) -> str:
    return f"{VERDICTS[Signal(str(shown.wanted.document['signal']))]} on {shown.wanted.asset}"


def _around(shown: Review, width: int, *, draws: bool) -> Iterator[RenderableType]:
    document: Mapping[str, Any] = shown.wanted.document
    grid = pairs()
    grid.add_row("strategy", _title(shown))
    for leg, trade, offer in zip(shown.wanted.legs, shown.trades, shown.sight.offers, strict=True):
        size = trade.intent.quoted_amount_out / 1_000_000
        price = f"{usd(offer.quote.price_usd)} USD each"
        grid.add_row("buy", words(f"{size:,.6f} × {leg.ticker} at {price}, {usd(usdc_to_decimal(leg.amount_in))} USDC"))
    cost = usdc_to_decimal(shown.wanted.amount_in)
    grid.add_row("cost", f"{usd(cost)} USDC")
    grid.add_row("max loss", f"{usd(cost)} USDC (the premium, nothing more), and gas")
    evens = document["break_even"]
    grid.add_row("break-even", " and ".join(f"{usd(price)} USD" for price in evens) + " at expiry")
    grid.add_row("chance of profit", share(document["probability_of_profit"]))
    grid.add_row("slippage", f"at most {_slippage(shown)}")
    grid.add_row("gas", f"at most {_gas(shown)}")
    grid.add_row("record", _record(document["record"]))
    grid.add_row("exits", "none are authorised with this; selling is signed by hand")
    grid.add_row(
        "simulated", "yes, nothing here is worth anything" if document["simulated"] else "no, this is real money"
    )
    yield grid
    spot = document["market"]["spot"]["value"]
    if draws and document["payoff"] and spot:
        yield Text("\nProfit or loss at expiry in USDC, as recommended", style="dim")
        yield Text(payoff_plot([(x, y) for x, y in document["payoff"]], evens, spot, width), no_wrap=True)
    yield from (words(f"! {question}", "yellow") for question in shown.questions)
    yield Text()


def _slippage(shown: Review) -> str:
    """Say in money what the bounds let the venue keep back."""
    lost = Decimal(0)
    for trade in shown.trades:
        intent = trade.intent
        missing = intent.quoted_amount_out - intent.min_amount_out
        lost += usdc_to_decimal(intent.amount_in) * missing / max(1, intent.quoted_amount_out)
    return f"{usd(lost)} USDC worse than quoted ({share(float(lost / usdc_to_decimal(shown.wanted.amount_in)))})"


def _gas(shown: Review) -> str:
    cost = ether(shown.gas_cost_wei)
    worth = "" if shown.sight.eth_usd is None else f" ({cost * shown.sight.eth_usd:,.4f} USD)"
    return f"{cost:f} ETH{worth}"


def _record(record: Mapping[str, Any] | None) -> str:
    if record is None:
        return "no measured record of such trades yet"
    return f"{record['trades']} trades, {share(record['win_rate'])} won ({record['data']})"


def print_receipt(screen: Console, carried: Carried) -> None:
    """Print what was really bought and paid, on one screen, with what to type next."""
    review = carried.review
    for leg, progress in zip(review.wanted.legs, carried.progresses, strict=False):
        screen.print(words(f"{leg.ticker}: {progress.entry.state.value}", "bold"))
        screen.print(_filled(progress.entry, review))
        if progress.remark and progress.entry.fill is None:
            screen.print(words(f"! {progress.remark}", "yellow"))
    grid = pairs()
    grid.add_row("USDC spent", f"{usdc_to_decimal(carried.usdc_spent):f} (by the balance before and after)")
    grid.add_row("USDC left", f"{usdc_to_decimal(carried.purse.usdc):f}")
    grid.add_row("may still be taken", f"{usdc_to_decimal(carried.purse.allowance):f} USDC")
    screen.print(grid)
    for line in next_lines(carried):
        screen.print(Text(line))


def _filled(entry: JournalEntry, review: Review) -> Table:
    grid = pairs()
    grid.add_row("trade", entry.digest)
    fill = entry.fill
    if fill is None:
        return grid
    cost = ether(fill.gas_used * fill.gas_price_wei)
    worth = "" if review.sight.eth_usd is None else f" ({cost * review.sight.eth_usd:,.4f} USD)"
    grid.add_row("transaction", fill.transaction)
    grid.add_row("paid", f"{usdc_to_decimal(fill.amount_in):f} USDC")
    grid.add_row("received", f"{usdc_to_decimal(fill.amount_out):f} contracts")
    grid.add_row("slippage", f"{signed(100 * realised_slippage(entry))} % against the quote you signed")
    grid.add_row("gas", f"{fill.gas_used:,} for {cost:f} ETH{worth}, in block {fill.block_number}")
    return grid


def realised_slippage(entry: JournalEntry) -> float:
    """Return how much dearer a contract was than quoted, a fraction; below 0 it was cheaper."""
    intent, fill = entry.trade.intent, entry.fill
    if fill is None or not fill.amount_out:
        return 0.0
    return fill.amount_in * intent.quoted_amount_out / (fill.amount_out * intent.amount_in) - 1


def next_lines(carried: Carried) -> Sequence[str]:
    """Say what to type next; after half a straddle, what that means."""
    filled = [one.entry for one in carried.progresses if one.entry.fill is not None]
    lines = [] if carried.stopped is None else [f"The next leg was not sent: {carried.stopped.message}"]
    if filled and not carried.is_complete:
        lines.append("Only a part was bought. It stands by itself; you can keep it, or sell it again.")
    if not filled:
        lines.append("Nothing is known to be bought yet. Find out: bethna recover")
    return [*lines, *(f"Next: bethna trades {entry.digest[2:10]}" for entry in filled[:1]), "Later: bethna recover"]
