"""Positions on the screen and for scripts: what was bought, what it is worth, what became of it."""

from collections.abc import Sequence
from datetime import datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bethna_cli.cli.figures import age, moment, share, signed, usd
from bethna_cli.cli.tables import pairs, table, words
from bethna_cli.domain.guarding import ExitRules
from bethna_cli.domain.position import Position, PositionState
from bethna_cli.domain.units import iso, usdc_to_decimal
from bethna_cli.flow.holdings import Held, Holdings

LATE_S = 300.0
"""A mark older than this is shown in yellow."""

DAY_S = 86_400.0
TRAIL_WIDTH = 9
WIDE = 106
"""From this many columns on, prices and all Greeks stand beside the rest."""

COLUMNS = {
    0: ("position", "option", "value", "P&L", "guard"),
    72: ("position", "option", "left", "value", "P&L", "trail", "guard"),
    WIDE: ("position", "option", "left", "price", "value", "P&L", "trail", "Greeks", "guard"),
}
"""What is shown from how many columns on: a table that is squeezed would break its numbers."""

TABLE_HEAD = 2
BARS = "▁▂▃▄▅▆▇█"
GREEKS = ("delta", "gamma", "vega", "theta")
STATE_STYLES = {PositionState.UNCONFIRMED: "bold yellow", PositionState.EXTERNAL: "yellow"}

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
    grid.padding = 0
    for one in sorted(ended, key=lambda position: position.closed_at or position.opened_at):
        strikes = "/".join(f"{strike:,.8g}" for strike in one.terms.strikes)
        grid.add_row(
            one.short_id,
            words(f"{one.terms.asset} {one.terms.kind.value.lower().replace('_', ' ')} {strikes}"),
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


# ── what is held, and its worth ───────────────────────────────────────────────────────────────────────────────────


def held_document(one: Held, now: datetime) -> dict[str, object]:
    """Return a position and what this machine knows of it; null is what is not known. Greeks are per contract."""
    mark, rules, left_s = one.mark, one.rules, (one.position.terms.expires_at - now).total_seconds()
    cost = one.position.cost
    return {
        **position_document(one.position),
        "days_left": max(0.0, round(left_s / DAY_S, 4)),
        "mark_usdc": None if mark is None else _number(mark.value),
        "marked_at": None if mark is None else iso(mark.at),
        "mark_age_s": None if mark is None else round((now - mark.at).total_seconds(), 1),
        "pnl_usdc": None if one.gain is None else _number(one.gain),
        "pnl_share": None if one.gain is None or not cost else one.gain / cost,
        "iv": None if mark is None else mark.option.get("iv"),
        "greeks": {name: None if mark is None else mark.option.get(name) for name in GREEKS},
        "rules": {
            "stop_loss": None if rules.stop_loss is None else rules.stop_loss / 10_000,
            "take_profit": None if rules.take_profit is None else rules.take_profit / 10_000,
        },
        "protection": None if one.state is None else one.state.protection.value,
        "protection_reason": None if one.state is None else one.state.reason,
    }


def screen(held: Holdings, width: int) -> RenderableType:
    """Two lines per position, and below how old the marks are."""
    return Group(_grid(held.items, held.now, width), *_notes(held))


def live_screen(held: Holdings, network: str, alarm: str, size: tuple[int, int]) -> RenderableType:
    """As much of the table as fits, with the time above it and, in red, what is alarming. size: columns and lines."""
    width, height = size
    lines = [(f"{network} · {moment(held.now)} · Ctrl-C ends", "dim")]
    lines += [(line, "bold red") for line in alarm.splitlines()]
    head = [Text(line, style, no_wrap=True, overflow="ellipsis") for line, style in lines]
    if not held.items:
        return Group(*head, Text("Nothing is held."))
    notes = _notes(held)
    room = max(1, (height - len(head) - len(notes) - TABLE_HEAD - 1) // 2)
    more = len(held.items) - room
    if more > 0:
        notes.insert(0, Text(f"{more} more: bethna positions", style="yellow"))
    return Group(*head, _grid(held.items[:room], held.now, width), *notes)


def _grid(items: Sequence[Held], now: datetime, width: int) -> Table:
    columns = COLUMNS[max(least for least in COLUMNS if least <= width)]
    grid = table(*columns, right=("left", "price", "value", "P&L"))
    grid.padding = (0, 1, 0, 0) if width >= WIDE else 0  # seven columns of two lines just fit 80 characters
    for one in items:
        cells = _cells(one, now)
        grid.add_row(*(cells[name] for name in columns))
    return grid


def _cells(one: Held, now: datetime) -> dict[str, Text]:
    position, terms, mark = one.position, one.position.terms, one.mark
    left_s = (terms.expires_at - now).total_seconds()
    strikes = "/".join(f"{strike:,.8g}" for strike in terms.strikes)
    life = f"{left_s / DAY_S:.1f} d" if left_s > 0 else "over"
    value = "–" if mark is None else usd(usdc_to_decimal(mark.value))
    iv = None if mark is None else mark.option.get("iv")
    entry = usdc_to_decimal(position.cost) / usdc_to_decimal(position.contracts)
    return {
        "position": _two(position.short_id, position.depth.value, STATE_STYLES.get(position.state, "")),
        "option": _two(f"{terms.asset} {terms.kind.value.lower().replace('_', ' ')}", f"{strikes}, {life}"),
        "left": _two(f"{usdc_to_decimal(position.contracts_left):,.4f}", _greek(one, "delta", "Δ", 3)),
        "price": _two(_greek(one, "usd", "", 2, sign="") or "–", f"paid {usd(entry)}"),
        "value": _two(value, f"cost {usd(usdc_to_decimal(position.cost))}", _mark_style(one, now)),
        "P&L": _gain(one),
        "trail": Text(f"{_trail(one)}\n", "cyan") + Text("" if iv is None else f"IV {share(iv)}", "dim"),
        "Greeks": _two(
            f"{_greek(one, 'gamma', 'Γ', 4)} {_greek(one, 'theta', 'θ', 2)}", _greek(one, "vega", "vega", 2)
        ),
        "guard": _guard_text(one) + Text(f"\n{_limits(one.rules) if position.is_open else ''}", "dim"),
    }


def _greek(one: Held, name: str, symbol: str, digits: int, sign: str = "+") -> str:
    """Write what the mark says of one contract; nothing where it is not known."""
    value = None if one.mark is None else one.mark.option.get(name)
    return "" if value is None else f"{symbol} {value:{sign},.{digits}f}".strip()


def _gain(one: Held) -> Text:
    if one.gain is None:
        return Text("–")
    style = "green" if one.gain > 0 else "red" if one.gain < 0 else ""
    of_cost = f"{one.gain / one.position.cost:+.1%}".replace("%", " %") if one.position.cost else ""
    return Text(f"{signed(usdc_to_decimal(one.gain))}\n{of_cost}", style=style)


def _two(first: str, second: str, style: str = "") -> Text:
    return words(first, style) + Text("\n") + words(second, "dim")


def _trail(one: Held) -> str:
    return sparkline(one.trail[-TRAIL_WIDTH:]) if one.position.is_open else ""


def _limits(rules: ExitRules) -> str:
    """Write stop and goal as briefly as they can be."""
    shown = [f"{sign}{limit / 100:g}" for sign, limit in (("-", rules.stop_loss), ("+", rules.take_profit)) if limit]
    return "/".join(shown) + " %" if shown else "no limits"


def _mark_style(one: Held, now: datetime) -> str:
    return "yellow" if one.mark is not None and (now - one.mark.at).total_seconds() > LATE_S else ""


def _guard_text(one: Held) -> Text:
    """Say in a word how it is guarded."""
    if not one.position.is_open:
        return Text(one.position.state.value.lower(), style=STATE_STYLES.get(one.position.state, "dim"))
    if one.state is None:
        return Text("not watched", style="dim")
    is_safe = one.state.protection.value == "PROTECTED"
    return Text("protected", style="green") if is_safe else Text("UNPROTECTED", style="bold red")


def _notes(held: Holdings) -> list[Text]:
    marks = [one.mark.at for one in held.items if one.mark is not None]
    lines = []
    if marks:
        lines.append(f"Marked {age((held.now - max(marks)).total_seconds())} ago.")
    if any(one.mark is None and one.position.is_open for one in held.items):
        lines.append("– is not marked yet: bethna watch values positions.")
    if any(one.position.state is PositionState.UNCONFIRMED for one in held.items):
        lines.append("! A reorganisation has taken a purchase back; it may return in another block.")
    return [words(line, "yellow" if line.startswith("!") else "dim") for line in lines]


def sparkline(values: Sequence[float]) -> str:
    """Draw values as bars between their lowest and their highest."""
    if not values:
        return ""
    low, width = min(values), max(values) - min(values)
    return "".join(BARS[int((value - low) / width * (len(BARS) - 1)) if width > 0 else 3] for value in values)


def details(one: Held, now: datetime) -> Table:
    """Everything about one position, a line each."""
    position, mark = one.position, one.mark
    grid = pairs()
    grid.add_row("position", words(position.id))
    grid.add_row("option", words(position.terms.ticker))
    grid.add_row("state", f"{position.state.value}, {position.depth.value}")
    grid.add_row("bought", f"{moment(position.opened_at)}, block {position.block_number:,}")
    size = f"{usdc_to_decimal(position.contracts):,.6f}, {usdc_to_decimal(position.contracts_left):,.6f} left"
    grid.add_row("contracts", size)
    price = usdc_to_decimal(position.cost) / usdc_to_decimal(position.contracts)
    grid.add_row("cost", f"{usd(usdc_to_decimal(position.cost))} USDC, {usd(price)} a contract")
    grid.add_row("expires", moment(position.terms.expires_at))
    for part in position.exits:
        what = f"{usdc_to_decimal(part.contracts):,.6f} for {usd(usdc_to_decimal(part.usdc))} USDC"
        grid.add_row(part.kind.value.lower(), f"{what}, {moment(part.at)}")
    if mark is not None:
        old = age((now - mark.at).total_seconds())
        grid.add_row("value", f"{usd(usdc_to_decimal(mark.value))} USDC, marked {old} ago")
        grid.add_row("iv", share(mark.option.get("iv")))
        shown = [f"{name} {value:+.4f}" for name in GREEKS if (value := mark.option.get(name)) is not None]
        grid.add_row("per contract", "  ".join(shown))
    elif position.is_open:
        grid.add_row("value", "not marked yet: bethna watch values positions")
    if one.gain is not None:
        grid.add_row("P&L", gain_text(one.gain, position.cost))
    if position.is_open:
        grid.add_row("exits", _rules_text(one.rules))
        guard = "not watched yet" if one.state is None else f"{one.state.protection.value}: {one.state.reason}"
        grid.add_row("guard", words(guard))
    return grid


def _rules_text(rules: ExitRules) -> str:
    stop = "no stop-loss" if rules.stop_loss is None else f"stop-loss -{rules.stop_loss / 100:g} %"
    goal = "no take-profit" if rules.take_profit is None else f"take-profit +{rules.take_profit / 100:g} %"
    return f"{stop}, {goal}"
