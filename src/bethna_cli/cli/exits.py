"""`bethna exits` and `bethna why`: when a position is to be sold, how likely that is, and why Gamma did what it did."""

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bethna_cli.cli.commands import ExampleCommand, Json, Network, NoColor, new_app
from bethna_cli.cli.consent import Yes

if TYPE_CHECKING:
    from bethna_cli.domain.guarding import Chances, Decided, ExitRules, GuardState
    from bethna_cli.domain.position import Position
    from bethna_cli.settings import Settings

MOST_SHOWN = 40

app = new_app("When to sell, and why it was.")

PositionId = Annotated[str, typer.Argument(metavar="ID", help="The first digits of a position's id.")]
Stop = Annotated[str | None, typer.Option("--stop-loss", metavar="SHARE", help="The loss at which to sell, or `off`.")]
Goal = Annotated[
    str | None, typer.Option("--take-profit", metavar="SHARE", help="The gain at which to sell, or `off`.")
]
OnDecay = Annotated[
    str | None, typer.Option("--time-decay", metavar="HOW", help="Losing, < 2 days left: off, warn, sell.")
]
OnIv = Annotated[str | None, typer.Option("--iv-change", metavar="HOW", help="IV moved by half: off, warn, sell.")]
OnExpiry = Annotated[str | None, typer.Option("--before-expiry", metavar="HOW", help="6 h before: off, warn, sell.")]
Sign = Annotated[bool, typer.Option("--sign", help="Let the watcher sell at these limits: sign them now.")]
CallOff = Annotated[bool, typer.Option("--call-off", help="End what was signed for it, on chain and for good.")]
Remove = Annotated[bool, typer.Option("--remove", help="Go back to the default rules.")]


@app.command("exits", cls=ExampleCommand, epilog="bethna exits 1a2b3c4d --stop-loss 20% --take-profit 50%")
def exits(
    position: PositionId,
    stop_loss: Stop = None,
    take_profit: Goal = None,
    time_decay: OnDecay = None,
    iv_change: OnIv = None,
    before_expiry: OnExpiry = None,
    remove: Remove = False,
    sign: Sign = False,
    call_off: CallOff = False,
    yes: Yes = False,
    network: Network = None,
    as_json: Json = False,
    no_color: NoColor = False,
) -> None:
    """Show or set a position's exit rules, with the chance that an ordinary market sets them off.

    With --sign the watcher may sell by itself at these limits; without, it warns and asks.
    """
    from bethna_cli.bootstrap.guard import default_rules, open_records
    from bethna_cli.bootstrap.market import system_clock
    from bethna_cli.cli import output
    from bethna_cli.domain.errors import UsageError
    from bethna_cli.settings import load_settings

    given = _given(stop_loss, take_profit, time_decay, iv_change, before_expiry)
    if remove and given:
        raise UsageError("--remove goes back to the default rules; it takes no other one.", hint="bethna exits -h")
    if sign and call_off:
        raise UsageError("--sign and --call-off exclude one another.", hint="bethna exits -h")
    settings = load_settings({"network": network})
    with open_records(settings) as (positions, watchbook):
        found = positions.position(position)
        rules = watchbook.rules().get(found.id) or default_rules(settings)
        if remove or given:
            rules = default_rules(settings) if remove else _changed(rules, given)
            watchbook.set_rules(found.id, None if remove else rules, system_clock().now())
        state = watchbook.states().get(found.id)
        is_own = found.id in watchbook.rules()
        if sign:
            from bethna_cli.cli.close import say_what_goes_first

            say_what_goes_first(found, positions.all(only_open=True))
    odds = asyncio.run(_chances(settings, found, rules)) if found.is_open else None
    document = _document(found, rules, state, odds, settings.confirm_exits, is_own=is_own)
    if sign or call_off:
        from bethna_cli.cli.exit_signing import sign_exits

        if sign and odds is not None and not as_json:
            typer.echo(f"If the market just wanders until it expires: {_odds_words(document['chances'])}.", err=True)
        document["signed"] = sign_exits(settings, found.id, rules if sign else None, yes=yes, no_color=no_color)
        # What the last look found is no longer so, and the next one has not been.
        document |= {"protection": None, "protection_reason": None}
    if as_json:
        output.emit(document)
    else:
        _print(document, no_color)


def _given(
    stop_loss: str | None, take_profit: str | None, time_decay: str | None, iv_change: str | None, expiry: str | None
) -> dict[str, object]:
    """Read the rules that were given, by their names in `ExitRules`. Raises UsageError."""
    changes = {
        "stop_loss": None if stop_loss is None else _limit(stop_loss, "--stop-loss", 100),
        "take_profit": None if take_profit is None else _limit(take_profit, "--take-profit", 10_000),
        "decay": None if time_decay is None else _reaction(time_decay, "--time-decay"),
        "iv": None if iv_change is None else _reaction(iv_change, "--iv-change"),
        "expiry": None if expiry is None else _reaction(expiry, "--before-expiry"),
    }
    return {name: change for name, change in changes.items() if change is not None}


def _limit(text: str, flag: str, most: int) -> int:
    """Read a share in per cent as basis points, -1 for `off`. Raises UsageError."""
    from bethna_cli.cli.values import parse_percent

    return -1 if text.strip().lower() == "off" else parse_percent(text, flag, most)


def _reaction(text: str, flag: str) -> "object":
    from bethna_cli.domain.errors import UsageError
    from bethna_cli.domain.guarding import Reaction

    try:
        return Reaction(text.strip().lower())
    except ValueError:
        raise UsageError(f"{flag} {text[:20]!a} is none of off, warn and sell.", hint="bethna exits -h") from None


def _changed(rules: "ExitRules", given: Mapping[str, Any]) -> "ExitRules":
    from dataclasses import replace

    changes: dict[str, Any] = {name: None if value == -1 else value for name, value in given.items()}
    return replace(rules, **changes)


async def _chances(settings: "Settings", position: "Position", rules: "ExitRules") -> "Chances | None":
    """Work out the chances from a fresh look at the market; None where there is no price or volatility."""
    from bethna_cli.bootstrap.guard import open_market_desk
    from bethna_cli.flow.odds import chances_of

    async with open_market_desk(settings) as (desk, _):
        return await chances_of(desk, position, rules)


def _document(
    position: "Position",
    rules: "ExitRules",
    state: "GuardState | None",
    odds: "Chances | None",
    confirm: str,
    *,
    is_own: bool,
) -> dict[str, Any]:
    from bethna_cli.cli.trade_documents import chances_document

    return {
        "id": position.id,
        "ticker": position.terms.ticker,
        "state": position.state.value,
        "rules": {
            "own": is_own,
            "stop_loss": None if rules.stop_loss is None else rules.stop_loss / 10_000,
            "take_profit": None if rules.take_profit is None else rules.take_profit / 10_000,
            "time_decay": rules.decay.value,
            "decay_days": rules.decay_days,
            "iv_change": rules.iv.value,
            "iv_share": rules.iv_change / 10_000,
            "before_expiry": rules.expiry.value,
            "expiry_hours": rules.expiry_near_h,
            "confirmed_by": confirm,
        },
        "protection": None if state is None else state.protection.value,
        "protection_reason": None if state is None else state.reason,
        "chances": None if odds is None else chances_document(odds),
    }


CONFIRMED = {
    "either": "two looks 10 s apart, or two sources, must agree",
    "looks": "two looks 10 s apart must agree",
    "sources": "two sources must agree",
}


def _print(document: Mapping[str, Any], no_color: bool) -> None:
    from bethna_cli.cli import output
    from bethna_cli.cli.figures import share
    from bethna_cli.cli.tables import pairs, words

    rules, odds = document["rules"], document["chances"]
    grid = pairs()
    grid.add_row("position", words(f"{document['ticker']}  {document['id'][2:10]}  {document['state']}"))
    grid.add_row("rules", "its own" if rules["own"] else "the defaults")
    grid.add_row("stop-loss", "off" if rules["stop_loss"] is None else f"at a loss of {share(rules['stop_loss'])}")
    grid.add_row(
        "take-profit", "off" if rules["take_profit"] is None else f"at a gain of {share(rules['take_profit'])}"
    )
    grid.add_row("time decay", f"{rules['time_decay']} (losing, less than {rules['decay_days']:g} days left)")
    grid.add_row("IV change", f"{rules['iv_change']} (moved by {share(rules['iv_share'])} since the purchase)")
    grid.add_row("before expiry", f"{rules['before_expiry']} ({rules['expiry_hours']:g} h)")
    grid.add_row("before it sells", CONFIRMED[rules["confirmed_by"]])
    if odds is not None:
        grid.add_row("chances", _odds_words(odds))
        grid.add_row("", "until expiry, if the price just wanders at today's volatility")
    for one in document.get("signed", {}).get("exits", []):
        grid.add_row(
            "signed", words(f"{one['purpose']}: {one['trigger_usdc']:.2f} USDC, at least {one['floor_usdc']:.2f}")
        )
    if document.get("signed", {}).get("called_off"):
        grid.add_row("called off", f"{document['signed']['called_off']} exits that stood before")
    protection = document["protection"]
    style = "bold red" if protection == "UNPROTECTED" else ""
    if document["state"] == "OPEN":
        known = (
            "for the watcher's next look to say"
            if protection is None
            else f"{protection}: {document['protection_reason']}"
        )
        grid.add_row("protection", words(known, style))
    output.console(no_color).print(grid)


def _odds_words(odds: Mapping[str, Any]) -> str:
    from bethna_cli.cli.figures import share

    return f"stopped {share(odds['stopped'])}, goal {share(odds['goal'])}, neither {share(odds['neither'])}"


# ── why ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@app.command("why", cls=ExampleCommand, epilog="bethna why 1a2b3c4d")
def why(position: PositionId, network: Network = None, as_json: Json = False, no_color: NoColor = False) -> None:
    """Show what Gamma decided about a position, and everything each decision went by, from the record alone."""
    from bethna_cli.bootstrap.guard import open_records
    from bethna_cli.cli import output
    from bethna_cli.settings import load_settings

    settings = load_settings({"network": network})
    with open_records(settings) as (positions, watchbook):
        found = positions.position(position)
        decisions = watchbook.decisions(found.id, MOST_SHOWN)
    if as_json:
        output.emit(
            {
                "id": found.id,
                "ticker": found.terms.ticker,
                "state": found.state.value,
                "decisions": [_decision_document(one) for one in decisions],
            }
        )
        return
    from bethna_cli.cli.tables import indented, words

    screen = output.console(no_color)
    screen.print(words(f"{found.terms.ticker}  {found.short_id}  {found.state.value}", "bold"))
    if not decisions:
        typer.echo("Gamma has decided nothing about it: no rule has fired.", err=True)
    for one in decisions:
        document = _decision_document(one)
        screen.print(words(f"{document['at']}  {document['verdict']}  {document['rule'] or ''}"))
        screen.print(indented(words(one.words)))
        screen.print(indented(words(_facts(one.facts), "dim")))


def _decision_document(decided: "Decided") -> dict[str, Any]:
    from bethna_cli.domain.units import iso

    return {
        "at": iso(decided.at),
        "verdict": decided.verdict,
        "rule": None if decided.rule is None else decided.rule.value,
        "words": decided.words,
        "facts": dict(decided.facts),
    }


def _facts(facts: Mapping[str, Any]) -> str:
    """Write what a decision went by on one line."""
    flat = {**facts, **(facts["market"] if isinstance(facts.get("market"), Mapping) else {})}
    kept = {name: value for name, value in flat.items() if name != "market" and value not in (None, [], "")}
    return ", ".join(
        f"{name.replace('_', ' ')} {value:,.4g}" if isinstance(value, float) else f"{name.replace('_', ' ')} {value}"
        for name, value in kept.items()
    )
