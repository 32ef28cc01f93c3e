"""`bethna approve` and `bethna reject`: a person's answer to a recommendation.

A yes is typed by a person at a terminal. `--yes` stands for it only where nothing is at stake: the embedded world as
this machine serves it, with the wallet whose key everybody has. No variable, no pipe and no file does.
"""

import asyncio
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from bethna_cli.cli.commands import ExampleCommand, Json, Network, NoColor, new_app

if TYPE_CHECKING:
    from bethna_cli.domain.market import Origin
    from bethna_cli.domain.wallet import Wallet
    from bethna_cli.flow.approve import Carried, Consent
    from bethna_cli.flow.review import Review
    from bethna_cli.flow.sight import TradingDesk
    from bethna_cli.settings import Settings

app = new_app("Your answer to a recommendation.")

OUTCOME_UNKNOWN = 5
REFUSED = 3

RecommendationId = Annotated[str, typer.Argument(metavar="REC", help="The recommendation's id, or its first digits.")]
Yes = Annotated[bool, typer.Option("--yes", help="Ask nothing; only in the embedded world with its own wallet.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show checks, card and calldata; sign and send nothing.")]
Reason = Annotated[str | None, typer.Option("--reason", metavar="TEXT", help="Why not, in your words.")]

LONGEST_REASON = 300


@app.command("approve", cls=ExampleCommand, epilog="bethna approve 3f2a")
def approve(
    recommendation: RecommendationId,
    yes: Yes = False,
    dry_run: DryRun = False,
    network: Network = None,
    as_json: Json = False,
    no_color: NoColor = False,
) -> None:
    """Check a recommendation, show what will be signed, and buy it once you have said yes."""
    from bethna_cli.bootstrap.wallet import wallet_in_use
    from bethna_cli.cli import output
    from bethna_cli.settings import load_settings

    settings = load_settings({"network": network})
    if not (yes or dry_run):
        _require_person()
    wallet = wallet_in_use(settings)
    _require_stored(settings, recommendation)
    _serve_if_embedded(settings)
    if dry_run:
        asyncio.run(_shown(settings, wallet, recommendation, as_json, no_color))
        return
    consent = _granted(settings, wallet) if yes else TypedAtTerminal(no_color)
    try:
        carried = asyncio.run(_carried(settings, wallet, recommendation, consent))
    except (KeyboardInterrupt, typer.Abort):
        typer.echo(_left_behind(settings), err=True)
        raise
    if as_json:
        output.emit(carried_document(carried))
    else:
        from bethna_cli.cli.render_card import print_receipt

        print_receipt(output.console(no_color), carried)
    if not carried.is_complete:
        raise typer.Exit(_exit_code(carried))


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


# ── consent ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _require_person() -> None:
    """Raise TradeRefused unless a person can read the card and type an answer."""
    from bethna_cli.domain.errors import TradeRefused

    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise TradeRefused("A yes is typed by a person at a terminal.", hint="bethna approve REC --dry-run")


def _granted(settings: "Settings", wallet: "Wallet") -> "Consent":
    """Return the consent that `--yes` stands for. Raises TradeRefused wherever anything is at stake."""
    from bethna_cli.bootstrap.wallet import needs_no_consent
    from bethna_cli.domain.errors import TradeRefused

    if not needs_no_consent(settings, wallet):
        raise TradeRefused(
            "--yes is for the embedded world, served by this machine, and its throwaway wallet; this is another.",
            hint="bethna approve REC",
        )
    return NothingAtStake()


class NothingAtStake:
    """Says yes where money is pretend, but answers no question that a person should."""

    def ask(self, shown: "Review") -> None:
        from bethna_cli.domain.errors import SlippageTooHigh

        if shown.questions:
            raise SlippageTooHigh(shown.questions[0], hint=f"bethna recommend {shown.wanted.asset}")


class TypedAtTerminal:
    """Shows the card on stderr and waits for the four characters that belong to this plan and no other."""

    def __init__(self, no_color: bool) -> None:
        self._no_color = no_color

    def ask(self, shown: "Review") -> None:
        from bethna_cli.cli import output
        from bethna_cli.cli.render_card import print_review
        from bethna_cli.domain.errors import TradeRefused

        _require_person()
        print_review(output.console(self._no_color, sys.stderr), shown)
        question = f"To buy, type {shown.code}; anything else is a no"
        with _interruptible():
            typed = typer.prompt(question, default="", show_default=False, err=True)
        if str(typed).strip().lower() != shown.code:
            raise TradeRefused("You did not say yes; nothing was signed.", hint=f"bethna reject {shown.wanted.id[:8]}")


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let Ctrl-C end a prompt at once: a running event loop would only make a note of it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


# ── the work ──────────────────────────────────────────────────────────────────────────────────────────────────────


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


def _serve_if_embedded(settings: "Settings") -> None:
    """Serve the embedded world in the background when this network needs one and none is."""
    from bethna_cli.cli.sim import serve_in_background

    if settings.network == "sim" and not settings.rpc_urls:
        serve_in_background(settings)


async def _carried(settings: "Settings", wallet: "Wallet", recommendation: str, consent: "Consent") -> "Carried":
    from bethna_cli.bootstrap.chain import open_trading
    from bethna_cli.flow.approve import approve as carry_out

    async with open_trading(settings, wallet) as desk:
        return await carry_out(desk, recommendation, consent)


async def _shown(settings: "Settings", wallet: "Wallet", recommendation: str, as_json: bool, no_color: bool) -> None:
    from bethna_cli.bootstrap.chain import open_trading
    from bethna_cli.cli import output
    from bethna_cli.flow.approve import prepare

    async with open_trading(settings, wallet) as desk:
        shown = await prepare(desk, recommendation)
        calls = _calls(desk, shown)
    if as_json:
        output.emit({**review_document(shown), "calls": calls})
    else:
        from bethna_cli.cli.render_card import print_review

        screen = output.console(no_color)
        print_review(screen, shown)
        for call in calls:
            typer.echo(f"To {call['to']}, with zeros where the signatures go:\n{call['data']}")
        typer.echo("Nothing was signed and nothing was sent.", err=True)
    if shown.refusal is not None:
        raise typer.Exit(shown.refusal.exit_code)


def _calls(desk: "TradingDesk", shown: "Review") -> list[dict[str, str]]:
    pairs = zip(shown.plans, shown.sight.offers, strict=True)
    return [{"to": plan.contract, "data": "0x" + desk.venue.calldata(plan, offer.order).hex()} for plan, offer in pairs]


def _left_behind(settings: "Settings") -> str:
    """Say after an interruption what is on its way, by the journal."""
    from bethna_cli.bootstrap.chain import open_journal

    journal = open_journal(settings)
    try:
        sent = [entry.variants[0].hash for entry in journal.entries(only_open=True) if entry.handed_out]
    finally:
        journal.close()
    if not sent:
        return "\nInterrupted; nothing is on its way."
    return f"\nInterrupted. On its way, and journaled: {', '.join(sent)}\nTry: bethna recover"


def _exit_code(carried: "Carried") -> int:
    """Tell what was refused on chain from what is not known yet."""
    from bethna_cli.domain.journal import TradeState

    last = carried.progresses[-1].entry
    is_refused = last.fill is None and last.state in (TradeState.MINED, TradeState.REVERTED)
    return REFUSED if is_refused else OUTCOME_UNKNOWN


def review_document(shown: "Review") -> dict[str, object]:
    """Return a review as scripts see it: the plan's numbers, and each check by trade."""
    from bethna_cli.domain.signing import ether
    from bethna_cli.flow.approve import card_lines

    refusal = shown.refusal
    return {
        "recommendation": shown.wanted.id,
        "simulated": shown.wanted.document["simulated"],
        "chain_id": shown.plans[0].chain_id,
        "contract": shown.plans[0].contract,
        "user": shown.plans[0].user,
        "code": shown.code,
        "digests": list(shown.digests),
        "card": [{"label": line.label, "value": line.value} for line in card_lines(shown)],
        "gas_at_most_eth": float(ether(shown.gas_cost_wei)),
        "checks": [
            {"trade": number, "check": one.check, "verdict": one.verdict.value, "words": one.words}
            for number, results in enumerate(shown.results)
            for one in results
        ],
        "questions": list(shown.questions),
        "refused": None if refusal is None else {"code": refusal.code, "message": refusal.message},
    }


def carried_document(carried: "Carried") -> dict[str, object]:
    """Return a receipt as scripts see it; amounts in USDC and contracts."""
    from bethna_cli.cli.render_card import realised_slippage
    from bethna_cli.cli.trades import entry_document
    from bethna_cli.domain.units import usdc_to_decimal

    return {
        **review_document(carried.review),
        "complete": carried.is_complete,
        "trades": [
            {
                **entry_document(one.entry),
                "realised_slippage": None if one.entry.fill is None else realised_slippage(one.entry),
                "remark": one.remark,
            }
            for one in carried.progresses
        ],
        "stopped": None if carried.stopped is None else carried.stopped.message,
        "usdc_spent": float(usdc_to_decimal(carried.usdc_spent)),
        "usdc_left": float(usdc_to_decimal(carried.purse.usdc)),
        "allowance_left": float(usdc_to_decimal(carried.purse.allowance)),
        "contracts_held": [float(usdc_to_decimal(held)) for held in carried.held],
    }
