"""`bethna risk`: what the open positions add up to, what a bad day would cost, and what a move would do."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bethna_cli.cli.commands import ExampleCommand, Json, Network, NoColor, new_app

if TYPE_CHECKING:
    from bethna_cli.domain.chain import Address
    from bethna_cli.flow.gauge import Gauged
    from bethna_cli.settings import Settings

TRAIL = 24
"""How many of the watcher's looks are shown."""

USUAL_SHOCKS = (-0.2, -0.1, -0.05, 0.05, 0.1, 0.2)
OUTSIDE_IS_DOWN = 5

app = new_app("The whole of your positions.")

Shock = Annotated[str | None, typer.Option("--shock", metavar="MOVE", help="What if prices move so far, like -10%.")]


@app.command("risk", cls=ExampleCommand, epilog="bethna risk --shock -10%")
def risk(shock: Shock = None, network: Network = None, as_json: Json = False, no_color: NoColor = False) -> None:
    """Show Greeks, value at risk, the health score with its parts, and what a move of all prices would do."""
    from bethna_cli.bootstrap.wallet import wallet_in_use
    from bethna_cli.cli import output
    from bethna_cli.cli.output import waiting
    from bethna_cli.cli.values import parse_move
    from bethna_cli.flow.gauge import gauged_document
    from bethna_cli.settings import load_settings

    shocks = USUAL_SHOCKS if shock is None else (parse_move(shock),)
    settings = load_settings({"network": network})
    account = wallet_in_use(settings).address
    with waiting("Looking at the market", no_color):
        gauged, trail = asyncio.run(_gauged(settings, account, shocks))
    if as_json:
        output.emit({**gauged_document(gauged), "trail": trail})
    elif not gauged.positions:
        typer.echo("No position is open. Try: bethna recommend ETH", err=True)
    else:
        _print(gauged, trail, no_color)
    if gauged.positions and gauged.value is None:
        raise typer.Exit(OUTSIDE_IS_DOWN)


async def _gauged(
    settings: "Settings", account: "Address", shocks: Sequence[float]
) -> "tuple[Gauged, list[dict[str, Any]]]":
    """Look at the market now, and read what the watcher's last looks came to."""
    from bethna_cli.bootstrap.guard import open_market_desk, open_records
    from bethna_cli.flow.gauge import gauge

    with open_records(settings) as (positions, watchbook):
        found = [one for one in positions.all(only_open=True) if one.user == account]
        states, kept = watchbook.states(), watchbook.gauges(account, TRAIL)
    trail = [
        {
            "at": one["at"],
            "value_usdc": one["value_usdc"],
            "value_at_risk_usdc": one["value_at_risk"] and one["value_at_risk"]["loss_usdc"],
            "health": one["health"]["score"],
        }
        for one in kept
    ]
    async with open_market_desk(settings) as (desk, feeds):
        return await gauge(desk, feeds.histories, found, states, shocks), trail


def _print(gauged: "Gauged", trail: Sequence[Mapping[str, Any]], no_color: bool) -> None:
    from rich.text import Text

    from bethna_cli.cli import output
    from bethna_cli.cli.figures import share, signed, usd
    from bethna_cli.cli.render_positions import sparkline
    from bethna_cli.cli.tables import pairs, table, words
    from bethna_cli.flow.gauge import gauged_document

    screen, document = output.console(no_color), gauged_document(gauged)
    value, cost, at_risk = document["value_usdc"], document["cost_usdc"], document["value_at_risk"]
    head = pairs()
    head.add_row("positions", f"{gauged.positions} open, {usd(cost)} USDC paid for what is held")
    shown = (
        "unknown"
        if value is None
        else f"{usd(value)} USDC, {signed(value - cost)} ({share(value / cost - 1) if cost else '–'})"
    )
    head.add_row("value", shown)
    if at_risk is None:
        head.add_row("bad day", "unknown: too little shared price history, or a value is not known")
    else:
        days = f"{at_risk['scenarios'] / 24:.0f} days of hourly prices"
        head.add_row(
            "bad day", f"{usd(at_risk['loss_usdc'])} USDC or more lost on 1 day in 20 (95 % VaR, 24 h, {days})"
        )
    head.add_row("health", "–" if gauged.score is None else f"{gauged.score} of 100")
    for part in document["health"]["parts"]:
        head.add_row("", f"{part['name']} {part['points']:g} of {part['most']:g}: {part['why']}")
    scores = [float(one["health"]) for one in trail if one["health"] is not None]
    if scores:
        head.add_row(
            "", Text(f"{sparkline(scores)}  ", "cyan") + words(f"at the watcher's last looks, to {trail[-1]['at']}")
        )
    screen.print(head)
    for asset, fault in gauged.faults.items():
        screen.print(words(f"{asset}: value unknown: {fault}", "red"))
    names = ("asset", "spot", "delta", "delta USD", "vega/point", "theta/day")
    grid = table(*names, right=names[1:])
    for one in gauged.exposures:
        spot, delta_usd = ("–" if number is None else usd(number) for number in (one.spot_usd, one.delta_usd))
        grid.add_row(one.asset.value, spot, f"{one.delta:+.4f}", delta_usd, signed(one.vega_usd), signed(one.theta_usd))
    screen.print(grid)
    moves = table("if prices move", "value", "change", right=("value", "change"))
    for move in document["what_if"]:
        if move["value_usdc"] is not None:
            moves.add_row(
                f"{move['shock']:+.1%}".replace("%", " %"), usd(move["value_usdc"]), signed(move["change_usdc"])
            )
    screen.print(moves)
