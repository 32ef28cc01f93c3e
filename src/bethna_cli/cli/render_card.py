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

from bethna_cli.cli.figures import share, signed, usd
from bethna_cli.cli.plot import payoff_plot
from bethna_cli.cli.render_advice import VERDICTS
from bethna_cli.cli.render_exits import chance_lines, exits_table, permission_lines
from bethna_cli.cli.tables import pairs, table, words
from bethna_cli.domain.approval import Offer, Wanted, WantedLeg
from bethna_cli.domain.journal import JournalEntry
from bethna_cli.domain.recommendation import Signal
from bethna_cli.domain.signing import ether
from bethna_cli.domain.trade import PlannedTrade, Side
from bethna_cli.domain.units import iso, usdc_to_decimal
from bethna_cli.flow.carry import Carried, card_lines
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
    for digest in (*shown.digests, *shown.exit_digests):
        screen.print(Text(f"{'Digest':<14}{digest}"), soft_wrap=True)
    for line_text in permission_lines(shown.plan):
        screen.print(Text(line_text), soft_wrap=True)


def _title(shown: Review) -> str:
    if shown.wanted.sold is not None:
        return f"the sale of {shown.wanted.sold.terms.ticker}"
    return f"{VERDICTS[Signal(str(shown.wanted.document['signal']))]} on {shown.wanted.asset}"


def _around(shown: Review, width: int, *, draws: bool) -> Iterator[RenderableType]:
    document: Mapping[str, Any] = shown.wanted.document
    grid = pairs()
    for row in _sale_rows(shown) if shown.wanted.sold is not None else _purchase_rows(shown):
        grid.add_row(*row)
    grid.add_row("slippage", f"at most {_slippage(shown)}")
    grid.add_row("gas", f"at most {_gas(shown)}")
    if shown.wanted.is_schedule:
        grid.add_row("parts", _parts(shown))
    if shown.wanted.side is Side.BUY:
        grid.add_row("record", _record(document["record"]))
        grid.add_row("exits", words(_exits(shown)))
    is_real = not document["simulated"]
    grid.add_row("simulated", "no, this is real money" if is_real else "yes, nothing here is worth anything")
    yield grid
    if shown.exits:
        yield exits_table(shown.exits, _bought(shown))
        yield from chance_lines(shown)
    yield from _payoff(shown, width) if draws and shown.wanted.side is Side.BUY else ()
    yield from (words(f"! {question}", "yellow") for question in shown.questions)
    yield Text()


def _purchase_rows(shown: Review) -> Iterator[tuple[str, RenderableType]]:
    document: Mapping[str, Any] = shown.wanted.document
    yield "strategy", Text(_title(shown))
    for leg, trade, offer in _legs(shown):
        size = trade.intent.quoted_amount_out / 1_000_000
        price = f"{usd(offer.quote.price_usd)} USD each"
        yield "buy", words(f"{size:,.6f} × {leg.ticker} at {price}, {usd(usdc_to_decimal(leg.amount_in))} USDC")
    cost = usdc_to_decimal(shown.wanted.amount_in)
    evens = document["break_even"]
    yield "cost", Text(f"{usd(cost)} USDC")
    yield "max loss", Text(f"{usd(cost)} USDC (the premium, nothing more), and gas")
    yield "break-even", Text(" and ".join(f"{usd(price)} USD" for price in evens) + " at expiry")
    yield "chance of profit", Text(share(document["probability_of_profit"]))


def _sale_rows(shown: Review) -> Iterator[tuple[str, RenderableType]]:
    """Say what goes, what it brings, and what that makes of the position."""
    position = shown.wanted.sold
    if position is None:
        return
    yield "position", words(f"{position.short_id}, bought {iso(position.opened_at)}")
    for leg, trade, offer in _legs(shown):
        brings = usdc_to_decimal(trade.intent.quoted_amount_out)
        size = usdc_to_decimal(leg.amount_in)
        yield "sell", words(f"{size:,.6f} × {leg.ticker} at {usd(offer.quote.price_usd)} USD each, {usd(brings)} USDC")
    total, sold = sum(trade.intent.quoted_amount_out for trade in shown.trades), shown.wanted.amount_in
    cost = position.cost_left * sold // max(1, position.contracts_left)
    gain = usdc_to_decimal(total - cost)
    yield "cost", Text(f"{usd(usdc_to_decimal(cost))} USDC when it was bought")
    yield "result", Text(f"{signed(float(gain))} USDC ({signed(100 * float(total / cost - 1)) if cost else '–'} %)")
    left = position.contracts_left - sold
    yield "left", Text(f"{usdc_to_decimal(left):f} contracts" if left else "nothing")
    fair = shown.sight.offers[0].fair_value_usdc
    yield "model's value", Text("not known" if fair is None else f"{usd(fair)} USD each")


def _legs(shown: Review) -> Iterator[tuple[WantedLeg, PlannedTrade, Offer]]:
    return zip(shown.wanted.legs, shown.trades, shown.sight.offers, strict=True)


def _payoff(shown: Review, width: int) -> Iterator[RenderableType]:
    document: Mapping[str, Any] = shown.wanted.document
    spot = document["market"]["spot"]["value"]
    if document["payoff"] and spot:
        yield Text("\nProfit or loss at expiry in USDC, as recommended", style="dim")
        curve = [(x, y) for x, y in document["payoff"]]
        yield Text(payoff_plot(curve, document["break_even"], spot, width), no_wrap=True)


def _parts(shown: Review) -> str:
    legs = shown.wanted.legs
    every = legs[1].after_s
    return f"{len(legs)}, one every {every} s; the rest is left undone when the price moves by more than 2 %"


def _exits(shown: Review) -> str:
    """Say whether the watcher may sell without asking again, and what to do where it may not."""
    if shown.exits:
        return f"the watcher {shown.exits[0].intent.executor} may sell for you, as below"
    if shown.plan.fills_book:
        return "none can be authorised for a direct fill"
    if shown.wanted.exits is None:
        return "none are authorised with this; selling is signed by hand"
    if not shown.has_watcher:
        return "none are authorised: the watcher has no account. Make one: bethna watch key"
    return "none are authorised: the option expires too soon"


def _bought(shown: Review) -> dict[str, int]:
    """Count the contracts that the quotes promise, by option token."""
    bought: dict[str, int] = {}
    for trade in shown.trades:
        token = trade.intent.option_token
        bought[token] = bought.get(token, 0) + trade.intent.quoted_amount_out
    return bought


def _slippage(shown: Review) -> str:
    """Say in money what the bounds let the venue keep back."""
    lost = Decimal(0)
    for trade in shown.trades:
        intent = trade.intent
        missing = intent.quoted_amount_out - intent.min_amount_out
        worth = intent.amount_in if intent.side is Side.BUY else intent.quoted_amount_out
        lost += usdc_to_decimal(worth) * missing / max(1, intent.quoted_amount_out)
    total = sum(
        one.intent.amount_in if one.intent.side is Side.BUY else one.intent.quoted_amount_out for one in shown.trades
    )
    return f"{usd(lost)} USDC worse than quoted ({share(float(lost / usdc_to_decimal(total)))})"


def _gas(shown: Review) -> str:
    cost = ether(shown.gas_cost_wei)
    worth = "" if shown.sight.eth_usd is None else f" ({cost * shown.sight.eth_usd:,.4f} USD)"
    return f"{cost:f} ETH{worth}"


def _record(record: Mapping[str, Any] | None) -> str:
    if record is None:
        return "no measured record of such trades yet"
    return f"{record['trades']} trades, {share(record['win_rate'])} won ({record['data']})"


def print_receipt(screen: Console, carried: Carried) -> None:
    """Print what was really traded, paid and received, on one screen, with what to type next."""
    review = carried.review
    for leg, progress in zip(review.wanted.legs, carried.progresses, strict=False):
        screen.print(words(f"{leg.ticker}: {progress.entry.state.value}", "bold"))
        screen.print(_filled(progress.entry, review))
        if progress.remark and progress.entry.fill is None:
            screen.print(words(f"! {progress.remark}", "yellow"))
    grid = pairs()
    spent = carried.usdc_spent
    name, amount = ("USDC spent", spent) if spent >= 0 else ("USDC received", -spent)
    grid.add_row(name, f"{usdc_to_decimal(amount):f} (by the balance before and after)")
    grid.add_row("USDC left", f"{usdc_to_decimal(carried.purse.usdc):f}")
    grid.add_row("may still be taken", f"{usdc_to_decimal(carried.purse.allowance):f} USDC")
    if review.exits:
        grid.add_row("exits", "authorised; they need a watcher that runs")
    screen.print(grid)
    for line in next_lines(carried):
        screen.print(words(line))


def _filled(entry: JournalEntry, review: Review) -> Table:
    grid = pairs()
    grid.add_row("trade", entry.digest)
    fill = entry.fill
    if fill is None:
        return grid
    cost = ether(fill.gas_used * fill.gas_price_wei)
    worth = "" if review.sight.eth_usd is None else f" ({cost * review.sight.eth_usd:,.4f} USD)"
    given, got = ("USDC", "contracts") if entry.trade.intent.side is Side.BUY else ("contracts", "USDC")
    grid.add_row("transaction", fill.transaction)
    grid.add_row("paid" if given == "USDC" else "sold", f"{usdc_to_decimal(fill.amount_in):f} {given}")
    grid.add_row("received", f"{usdc_to_decimal(fill.amount_out):f} {got}")
    grid.add_row("slippage", f"{signed(100 * realised_slippage(entry))} % against the quote you signed")
    grid.add_row("gas", f"{fill.gas_used:,} for {cost:f} ETH{worth}, in block {fill.block_number}")
    return grid


def realised_slippage(entry: JournalEntry) -> float:
    """Return how much worse the price was than quoted, a fraction; below 0 it was better."""
    intent, fill = entry.trade.intent, entry.fill
    if fill is None or not fill.amount_out:
        return 0.0
    return fill.amount_in * intent.quoted_amount_out / (fill.amount_out * intent.amount_in) - 1


def next_lines(carried: Carried) -> Sequence[str]:
    """Say what to type next; after half a straddle, what that means."""
    filled = [one.entry for one in carried.progresses if one.entry.fill is not None]
    is_buy = carried.review.wanted.side is Side.BUY
    lines = [] if carried.stopped is None else [f"The next trade was not sent: {carried.stopped.message}"]
    lines += [f"Not known to have happened: {errand.purpose}." for errand in carried.loose]
    if filled and not carried.is_complete:
        lines.append(
            "Only a part was bought. It stands by itself; you can keep it, or sell it again."
            if is_buy
            else "Only a part was sold; the rest is still yours."
        )
    if not filled:
        lines.append("Nothing is known to have been traded yet.")
    return [*lines, *(f"Next: {command}" for command in next_commands(carried))]


def next_commands(carried: Carried) -> list[str]:
    """Return what may be typed next; where a trade was not completed, how to sell what is held of it."""
    fills = [one.entry.fill for one in carried.progresses if one.entry.fill is not None]
    if not fills:
        return ["bethna recover"]
    sold = carried.review.wanted.sold
    if sold is not None and not carried.is_complete:
        return [f"bethna close {sold.short_id}", "bethna recover"]
    if carried.is_complete:
        return [f"bethna trades {carried.progresses[0].entry.digest[2:10]}", "bethna recover"]
    closing = [f"bethna close {fill.transaction[2:10]}{f'.{fill.ordinal}' if fill.ordinal else ''}" for fill in fills]
    return [*closing, "bethna recover"]


def refusal_line(wanted: Wanted) -> str:
    """Return what to type after a no."""
    return f"bethna reject {wanted.id[:8]}" if wanted.sold is None else "bethna positions"
