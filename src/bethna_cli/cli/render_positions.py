"""Positions on the screen and for scripts: what was bought, what became of it."""

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from bethna_cli.cli.tables import moment, share, signed, table, usd, words
from bethna_cli.domain.position import Position
from bethna_cli.domain.units import iso, usdc_to_decimal

HOW = {"CLOSED": "sold", "SETTLED": "paid out", "EXTERNAL": "sent away"}


def position_document(one: Position) -> dict[str, object]:
    """Return a position as scripts see it: amounts in USDC and contracts, times in ISO 8601."""
    terms = one.terms
    return {
        "id": one.id,
        "state": one.state.value,
        "depth": one.depth.value,
        "chain_id": one.chain_id,
        "transaction": one.transaction,
        "ordinal": one.ordinal,
        "user": one.user,
        "contract": one.venue,
        "option_token": one.token,
        "ticker": terms.ticker,
        "asset": terms.asset.value,
        "option_type": terms.kind.value,
        "strikes": [float(strike) for strike in terms.strikes],
        "expiry": iso(terms.expires_at),
        "opened_at": iso(one.opened_at),
        "block": one.block_number,
        "contracts": _number(one.contracts),
        "contracts_left": _number(one.contracts_left),
        "entry_price_usdc": float(usdc_to_decimal(one.cost) / usdc_to_decimal(one.contracts)),
        "cost_usdc": _number(one.cost),
        "cost_left_usdc": _number(one.cost_left),
        "proceeds_usdc": _number(one.proceeds),
        "realised_usdc": _number(one.realised),
        "closed_at": None if one.closed_at is None else iso(one.closed_at),
        "exits": [
            {
                "how": part.kind.value,
                "contracts": _number(part.contracts),
                "usdc": _number(part.usdc),
                "at": iso(part.at),
                "transaction": part.transaction,
            }
            for part in one.exits
        ],
    }


def history_table(ended: Sequence[Position]) -> Table:
    """One row per position that is over, the last to end at the bottom."""
    grid = table("position", "option", "ended", "how", "cost", "brought", "P&L", right=("cost", "brought", "P&L"))
    for one in sorted(ended, key=lambda position: position.closed_at or position.opened_at):
        grid.add_row(
            one.short_id,
            words(one.terms.ticker),
            "" if one.closed_at is None else moment(one.closed_at)[:10],
            HOW[one.state.value],
            usd(usdc_to_decimal(one.cost)),
            usd(usdc_to_decimal(one.proceeds)),
            gain_text(one.realised, one.cost),
        )
    return grid


def gain_text(gain: int, cost: int) -> Text:
    """Write a gain or a loss with its share of the cost."""
    style = "green" if gain > 0 else "red" if gain < 0 else ""
    of_cost = f" {share(gain / cost)}" if cost else ""
    return Text(f"{signed(usdc_to_decimal(gain))}{of_cost}", style=style)


def _number(amount: int) -> float:
    return float(usdc_to_decimal(amount))
