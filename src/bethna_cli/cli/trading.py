"""What every command that trades does around its own work: settings, wallet, world, consent, receipt, exit code."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

import typer

from bethna_cli.cli.consent import TypedAtTerminal, agreed, left_behind, require_person, serve_if_embedded

if TYPE_CHECKING:
    from bethna_cli.domain.approval import Schedule
    from bethna_cli.domain.wallet import Wallet
    from bethna_cli.flow.carry import Carried
    from bethna_cli.flow.consent import Consent
    from bethna_cli.flow.review import Review
    from bethna_cli.flow.sight import TradingDesk
    from bethna_cli.ports import Signer
    from bethna_cli.settings import Settings

Chunks = Annotated[int, typer.Option("--chunks", metavar="N", help="Trade in N parts, each bounded by itself.")]
Every = Annotated[str, typer.Option("--every", metavar="SPAN", help="How long between two parts, like 30s.")]


@dataclass(frozen=True, slots=True)
class Trade:
    """One command's work. command: how it is typed. before: what must hold before a world is started for it.

    after: what is to be kept of what came of it. needs_watcher: whether exits are to be authorised, which the watcher's
    account sends.
    """

    command: str
    prepare: "Callable[[TradingDesk], Awaitable[Review]]"
    carry_out: "Callable[[TradingDesk, Consent], Awaitable[Carried]]"
    before: Callable[[], None] = lambda: None
    needs_watcher: bool = False
    after: "Callable[[Carried], None]" = lambda _: None


def schedule_of(chunks: int, every: str) -> "Schedule | None":
    """Return how an order is cut up, None when it is not. Raises UsageError."""
    from bethna_cli.cli.values import parse_span
    from bethna_cli.domain.approval import Schedule

    interval = parse_span(every, "--every ")
    return Schedule(chunks, int(interval.total_seconds())) if chunks != 1 else None


def run(
    settings: "Settings",
    trade: Trade,
    *,
    yes: bool,
    dry_run: bool,
    as_json: bool,
    no_color: bool,
    password_stdin: bool,
) -> None:
    """Carry out a trade, or show it; print the receipt, and exit with what became of it."""
    from bethna_cli.bootstrap.wallet import wallet_in_use
    from bethna_cli.cli import output
    from bethna_cli.cli.trade_documents import carried_document, exit_code

    if not (yes or dry_run):
        require_person(trade.command)
    wallet = wallet_in_use(settings)
    trade.before()
    serve_if_embedded(settings)
    if dry_run:
        asyncio.run(_shown(settings, wallet, trade, as_json, no_color))
        return
    with ExitStack() as opened:
        consent: Consent = TypedAtTerminal(trade.command, no_color)
        signer: Signer | None = None
        if yes:
            given = agreed(settings, wallet, trade.command, password_stdin=password_stdin)
            consent, signer = opened.enter_context(given)
        settings = with_watcher(settings) if trade.needs_watcher else settings
        try:
            carried = asyncio.run(_carried(settings, wallet, trade, consent, signer))
        except (KeyboardInterrupt, typer.Abort):
            typer.echo(left_behind(settings), err=True)
            raise
    trade.after(carried)
    if as_json:
        output.emit(carried_document(carried))
    else:
        from bethna_cli.cli.render_card import print_receipt

        print_receipt(output.console(no_color), carried)
    if not carried.is_complete:
        raise typer.Exit(exit_code(carried))


def with_watcher(settings: "Settings") -> "Settings":
    """In the embedded world, where it costs nothing, make the watcher an account when it has none."""
    from bethna_cli.bootstrap.watcher import ensure_watcher

    if settings.network != "sim" or settings.watcher_address:
        return settings
    address = ensure_watcher(settings)
    return settings.model_copy(update={"watcher_address": address})


async def _carried(
    settings: "Settings", wallet: "Wallet", trade: Trade, consent: "Consent", signer: "Signer | None"
) -> "Carried":
    from bethna_cli.bootstrap.chain import open_trading

    async with open_trading(settings, wallet) as desk:
        return await trade.carry_out(replace(desk, signer=signer) if signer else desk, consent)


async def _shown(settings: "Settings", wallet: "Wallet", trade: Trade, as_json: bool, no_color: bool) -> None:
    from bethna_cli.bootstrap.chain import open_trading
    from bethna_cli.cli import output
    from bethna_cli.cli.trade_documents import calls_document, review_document

    async with open_trading(settings, wallet) as desk:
        shown = await trade.prepare(desk)
        calls = calls_document(desk, shown)
    if as_json:
        output.emit({**review_document(shown), "calls": calls})
    else:
        from bethna_cli.cli.render_card import print_review

        print_review(output.console(no_color), shown)
        for call in calls:
            typer.echo(f"To {call['to']}, with zeros where the signatures go:\n{call['data']}")
        typer.echo("Nothing was signed and nothing was sent.", err=True)
    if shown.refusal is not None:
        raise typer.Exit(shown.refusal.exit_code)
