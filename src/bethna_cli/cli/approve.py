"""`bethna approve` and `bethna reject`: a person's answer to a recommendation."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from bethna_cli.cli.commands import ExampleCommand, Json, Network, NoColor, new_app
from bethna_cli.cli.consent import DryRun, PasswordStdin, Yes
from bethna_cli.cli.trading import Chunks, Every, Trade, run

if TYPE_CHECKING:
    from bethna_cli.domain.mandate import ExitTerms
    from bethna_cli.domain.market import Origin
    from bethna_cli.flow.carry import Carried
    from bethna_cli.settings import Settings

app = new_app("Your answer to a recommendation.")

RecommendationId = Annotated[str, typer.Argument(metavar="REC", help="The recommendation's id, or its first digits.")]
Reason = Annotated[str | None, typer.Option("--reason", metavar="TEXT", help="Why not, in your words.")]
StopLoss = Annotated[
    str | None, typer.Option("--stop-loss", metavar="50%", help="Let the watcher sell at this loss of the cost.")
]
TakeProfit = Annotated[
    str | None, typer.Option("--take-profit", metavar="100%", help="Let the watcher sell at this gain on the cost.")
]
NoExits = Annotated[bool, typer.Option("--no-exits", help="Authorise no exits; selling is then signed by hand.")]

LONGEST_REASON = 300


@app.command("approve", cls=ExampleCommand, epilog="bethna approve 3f2a")
def approve(
    recommendation: RecommendationId,
    yes: Yes = False,
    password_stdin: PasswordStdin = False,
    dry_run: DryRun = False,
    stop_loss: StopLoss = None,
    take_profit: TakeProfit = None,
    no_exits: NoExits = False,
    chunks: Chunks = 1,
    every: Every = "15s",
    network: Network = None,
    as_json: Json = False,
    no_color: NoColor = False,
) -> None:
    """Check a recommendation, show what will be signed, and buy it once you have said yes."""
    from bethna_cli.cli.trading import schedule_of
    from bethna_cli.flow import approve as flow
    from bethna_cli.settings import load_settings

    settings = load_settings({"network": network})
    terms = None if no_exits else exit_terms(settings, stop_loss, take_profit)
    schedule = schedule_of(chunks, every)
    trade = Trade(
        command=f"bethna approve {recommendation}",
        prepare=lambda desk: flow.prepare(desk, recommendation, terms, schedule),
        carry_out=lambda desk, consent: flow.approve(desk, recommendation, consent, terms, schedule),
        before=lambda: _require_stored(settings, recommendation),
        needs_watcher=terms is not None,
        after=lambda carried: _keep_rules(settings, carried) if stop_loss or take_profit else None,
    )
    run(
        settings,
        trade,
        yes=yes,
        dry_run=dry_run,
        as_json=as_json,
        no_color=no_color,
        password_stdin=password_stdin,
    )


def _keep_rules(settings: "Settings", carried: "Carried") -> None:
    """Have the watcher go by the limits that were chosen for this purchase, and not by the usual ones."""
    from dataclasses import replace

    from bethna_cli.bootstrap.guard import default_rules, open_records
    from bethna_cli.bootstrap.market import system_clock

    terms = carried.review.wanted.exits
    fills = [one.entry.fill for one in carried.progresses if one.entry.fill is not None]
    if terms is None:
        return
    rules = replace(default_rules(settings), stop_loss=terms.stop_loss, take_profit=terms.take_profit)
    with open_records(settings) as (_, watchbook):
        for fill in fills:
            name = fill.transaction + (f".{fill.ordinal}" if fill.ordinal else "")
            watchbook.set_rules(name, rules, system_clock().now())


def exit_terms(settings: "Settings", stop_loss: str | None, take_profit: str | None) -> "ExitTerms":
    """Return when a purchase is to be sold again: as it is said here, else as it is set. Raises UsageError."""
    from bethna_cli.cli.values import parse_percent
    from bethna_cli.domain.mandate import ExitTerms
    from bethna_cli.domain.units import Bps

    stop, goal = (
        round(kept * 100) if given is None else parse_percent(given, flag, most)
        for given, kept, flag, most in (
            (stop_loss, settings.stop_loss_pct, "--stop-loss", 100),
            (take_profit, settings.take_profit_pct, "--take-profit", 10_000),
        )
    )
    # All of the cost is lost at expiry at the earliest: that is no stop.
    return ExitTerms(Bps(stop) if stop < 10_000 else None, Bps(goal))


@app.command("reject", cls=ExampleCommand, epilog='bethna reject 3f2a --reason "too expensive"')
def reject(
    recommendation: RecommendationId, reason: Reason = None, network: Network = None, as_json: Json = False
) -> None:
    """Say no to a recommendation, and why; it is kept and cannot be approved any more."""
    from bethna_cli.bootstrap.chain import open_decisions
    from bethna_cli.bootstrap.market import open_ledger, system_clock
    from bethna_cli.cli import output
    from bethna_cli.domain.text import clean
    from bethna_cli.domain.units import iso
    from bethna_cli.flow.approve import reject as keep
    from bethna_cli.settings import load_settings

    settings = load_settings({"network": network})
    ledger, decisions = open_ledger(settings), open_decisions(settings)
    try:
        words = None if reason is None else clean(reason, LONGEST_REASON)
        decision = keep(ledger, decisions, system_clock(), recommendation, words)
    finally:
        ledger.close()
        decisions.close()
    if as_json:
        said = {"recommendation": decision.recommendation_id, "at": iso(decision.at), "reason": decision.reason}
        output.emit({**said, "answer": decision.answer.value})
    else:
        typer.echo(f"Rejected {decision.recommendation_id}.")


def _require_stored(settings: "Settings", recommendation: str) -> None:
    """Refuse what cannot be bought before a world is started for it; what was replayed is kept apart, and known."""
    from bethna_cli.domain.errors import NotFound
    from bethna_cli.domain.market import Origin
    from bethna_cli.flow.approve import require_buyable

    try:
        document = _stored(settings, recommendation, Origin.LIVE)
    except NotFound as unknown:
        try:
            document = _stored(settings, recommendation, Origin.REPLAY)
        except NotFound:
            raise unknown from None
    require_buyable(document)


def _stored(settings: "Settings", recommendation: str, origin: "Origin") -> "Mapping[str, object]":
    from bethna_cli.bootstrap.market import open_ledger

    ledger = open_ledger(settings, origin)
    try:
        return ledger.recommendation(recommendation)
    finally:
        ledger.close()
