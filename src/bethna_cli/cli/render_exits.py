"""Exits on the card: what the watcher may sell for, how likely that is, and what is permitted with it."""

from collections.abc import Iterator, Mapping, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bethna_cli.cli.figures import share, usd
from bethna_cli.cli.tables import pairs, table, words
from bethna_cli.domain.signing import Approve, CancelNonce, Plan, ether
from bethna_cli.domain.trade import PlannedTrade, Side, TradeIntent
from bethna_cli.domain.units import from_unix, iso, usdc_to_decimal
from bethna_cli.flow.mandate import ExitReview
from bethna_cli.flow.odds import chances_of_purchase
from bethna_cli.flow.review import Review


def print_exits(screen: Console, shown: ExitReview) -> None:
    """Print what would be signed for a position's exits, and what is called off with it."""
    position = shown.position
    screen.print(words(f"Exits of {position.terms.ticker}  {position.short_id}", "bold"))
    if shown.exits:
        held = {position.token: shown.exits[0].intent.amount_in}
        screen.print(exits_table(shown.exits, held))
    gas = pairs()
    gas.add_row("gas", f"at most {ether(shown.gas_cost_wei):f} ETH")
    screen.print(gas)
    screen.print(Text("You sign exactly this", style="bold"))
    for line in shown.card_lines:
        screen.print(Text(str(line)), soft_wrap=True)
    for digest in shown.digests:
        screen.print(Text(f"{'Digest':<14}{digest}"), soft_wrap=True)
    for line_text in permission_lines(shown.plan):
        screen.print(Text(line_text), soft_wrap=True)
    for other in shown.bared:
        line_text = f"{'Unprotected':<14}{other.short_id} afterwards: what is called off guards it, too"
        screen.print(Text(line_text, style="bold red"), soft_wrap=True)


def permission_lines(plan: Plan) -> Iterator[str]:
    """Say what is allowed and called off with the trades, each for exactly so much."""
    for permit in plan.permits:
        intent = plan.intents[permit.intent]
        unit = "USDC" if intent.side is Side.BUY else f"contracts of {intent.option_token}"
        yield f"{'Permit':<14}the contract may take {usdc_to_decimal(intent.amount_in):f} {unit}, once"
    for step in plan.steps:
        if isinstance(step.action, Approve):
            amount = usdc_to_decimal(step.action.amount)
            unit = "USDC, once: the order book" if plan.fills_book else f"contracts of {step.action.token}"
            yield f"{'Permission':<14}the contract may take {amount:f} {unit}"
        elif isinstance(step.action, CancelNonce):
            yield f"{'Called off':<14}exits with nonce {step.action.nonce}"


def exits_table(exits: Sequence[PlannedTrade], held: Mapping[str, int]) -> Table:
    """Show each exit from what is signed, for the contracts that are held; a little more may be covered."""
    grid = table("exit", "sold when worth", "for at least", "until")
    floors = []
    for trade in exits:
        intent = trade.intent
        when, least = (one * held[intent.option_token] // intent.amount_in for one in _bounds(intent))
        floors.append(least)
        sign = "≤" if trade.purpose.startswith("stop") else "≥"
        until = iso(from_unix(intent.deadline_s))
        grid.add_row(
            trade.purpose, f"{sign} {usd(usdc_to_decimal(when))} USDC", f"{usd(usdc_to_decimal(least))} USDC", until
        )
    grid.caption = (
        "Whichever comes first ends the other. Should somebody steal the watcher's key, they can have it sold at any"
        f" time, to a maker that the venue admits, for {usd(usdc_to_decimal(min(floors)))} USDC or more, which go to"
        " you."
    )
    grid.caption_justify = "left"
    return grid


def _bounds(intent: TradeIntent) -> tuple[int, int]:
    return intent.quoted_amount_out, intent.min_amount_out


def chance_lines(shown: Review) -> Iterator[Text]:
    """Say how likely an ordinary market sets off the exits that are signed with a purchase."""
    for ticker, odds in chances_of_purchase(shown):
        shares = f"stopped {share(odds.stopped)}, goal {share(odds.reached)}, neither {share(odds.neither)}"
        yield words(f"If the market just wanders until {ticker} expires: {shares}.")
