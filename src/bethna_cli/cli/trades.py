"""`bethna trades` and `bethna recover`: the execution journal, and bringing what is open to what the chain shows."""

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bethna_cli.cli.commands import ExampleCommand, Json, Network, NoColor, new_app
from bethna_cli.cli.consent import Yes

if TYPE_CHECKING:
    from bethna_cli.bootstrap.chain import OnChain
    from bethna_cli.domain.journal import JournalEntry
    from bethna_cli.flow.execute import ExecutionDesk, Progress
    from bethna_cli.ports import Clock, Positions
    from bethna_cli.settings import Settings

app = new_app("What was signed and sent.")

TradeId = Annotated[str | None, typer.Argument(metavar="[ID]", help="The first digits of a trade's digest.")]


Sign = Annotated[bool, typer.Option("--sign", help="Go on with what waits for your wallet, each with a yes.")]


@app.command("trades", cls=ExampleCommand, epilog="bethna trades")
def trades(trade: TradeId = None, network: Network = None, as_json: Json = False, no_color: NoColor = False) -> None:
    """Show the journal: what was signed, how far it has come, and what it really bought."""
    from bethna_cli.bootstrap.chain import open_journal
    from bethna_cli.cli import output
    from bethna_cli.settings import load_settings

    settings = load_settings({"network": network})
    journal = open_journal(settings)
    try:
        entries = [journal.entry(trade)] if trade is not None else journal.entries()
        halted = journal.halted()
    finally:
        journal.close()
    documents = [entry_document(entry) for entry in entries]
    if as_json:
        output.emit(documents[0] if trade is not None else documents)
        return
    if halted:
        typer.echo(f"Trading is halted: {halted}", err=True)
    if not documents:
        typer.echo("No trade yet. Try: bethna recommend ETH", err=True)
        return
    from bethna_cli.cli.tables import pairs, words

    screen = output.console(no_color)
    if trade is None:
        screen.print(_overview(documents))
        return
    grid = pairs()
    for name, value in _rows(documents[0]):
        grid.add_row(name.replace("_", " "), words(value))
    screen.print(grid)


@app.command("recover", cls=ExampleCommand, epilog="bethna recover")
def recover(
    sign: Sign = False, yes: Yes = False, network: Network = None, as_json: Json = False, no_color: NoColor = False
) -> None:
    """Look up every open trade on the chain, go on with it, and wait where finality is seconds away.

    With --sign also what only your wallet can go on with: trades that were agreed to and not sent, and account nonces
    that are missing, or held by what can only fail.
    """
    from bethna_cli.cli import output
    from bethna_cli.cli.output import waiting
    from bethna_cli.settings import load_settings

    settings = load_settings({"network": network})
    if sign:
        _go_on(settings, yes=yes, as_json=as_json, no_color=no_color)
        return
    with waiting("Asking the chain", no_color):
        progresses = asyncio.run(_recovered(settings))
    documents = [{**entry_document(one.entry), "waits_for": one.waits_for.value} for one in progresses]
    if as_json:
        output.emit(documents)
    elif not documents:
        typer.echo("No trade is open.", err=True)
    else:
        output.console(no_color).print(_overview(documents))
        for line in _what_waits(progresses):
            typer.echo(line, err=True)


def _what_waits(progresses: "list[Progress]") -> list[str]:
    """Say what only the person's wallet can go on with."""
    waits = [one.waits_for.value for one in progresses]
    found = []
    if "sign" in waits:
        found.append(f"Agreed to and not sent: {waits.count('sign')}. To go on with them: bethna recover --sign")
    if "make way" in waits:
        found.append("One can only fail by now and still holds its account nonce. To make way: bethna recover --sign")
    if "fill gap" in waits:
        found.append("A transaction below is missing, so it cannot be mined. To fill the gap: bethna recover --sign")
    return found


def _go_on(settings: "Settings", *, yes: bool, as_json: bool, no_color: bool) -> None:
    from bethna_cli.cli import output
    from bethna_cli.cli.resume import go_on, resumed_document

    done = go_on(settings, yes=yes, no_color=no_color)
    if as_json:
        output.emit(resumed_document(done))
    else:
        from bethna_cli.cli.render_card import print_receipt

        for nonce in done.made_way:
            typer.echo(f"Account nonce {nonce} is used up; what waits above it can be mined.")
        for one in done.carried:
            print_receipt(output.console(no_color), one)
        for entry, error in done.left:
            typer.echo(f"{entry.digest[2:10]} was not sent: {error.message}", err=True)
        if not (done.made_way or done.carried or done.left):
            typer.echo("Nothing waits for your wallet.", err=True)
    if done.left:
        raise typer.Exit(done.left[0][1].exit_code)


async def _recovered(settings: "Settings") -> "list[Progress]":
    from bethna_cli.bootstrap.chain import execution_desk, open_chain, open_journal, open_mandates
    from bethna_cli.bootstrap.record import network_clock, open_positions
    from bethna_cli.flow.recover import recover as bring

    journal, positions, clock = open_journal(settings), open_positions(settings), network_clock(settings)
    mandates = open_mandates(settings)
    try:
        if not (journal.entries(only_open=True) or journal.errands() or positions.all()):
            return []
        async with open_chain(settings) as place:
            await place.chain.check()
            execution = execution_desk(place, journal, clock)
            progresses = await bring(execution, mandates)
            await _read_on(settings, place, execution, positions, clock)
            return progresses
    finally:
        for store in (journal, positions, mandates):
            store.close()


async def _read_on(
    settings: "Settings", place: "OnChain", execution: "ExecutionDesk", positions: "Positions", clock: "Clock"
) -> None:
    """Bring the positions of the wallet in use to what the chain shows, and call in what is due."""
    from bethna_cli.bootstrap.record import listener, record_desk
    from bethna_cli.bootstrap.wallet import wallet_folder
    from bethna_cli.bootstrap.watcher import open_watcher

    wallet = wallet_folder(settings).in_use(settings.network)
    if wallet is None or not place.traders:
        return
    key = open_watcher(settings) if settings.watcher_address else None
    await listener(place, record_desk(place, positions, clock, wallet.address), execution, key).read_on()


def entry_document(entry: "JournalEntry") -> dict[str, object]:
    """Return a journal entry as scripts see it: amounts in USDC and contracts, nonces as text.

    amount_in and amount_out are what the contract's event says, null before there is one; `signed` is what was agreed.
    """
    from bethna_cli.domain.units import from_unix, iso, usdc_to_decimal

    intent, fill = entry.trade.intent, entry.fill
    return {
        "id": entry.digest,
        "state": entry.state.value,
        "side": intent.side.name,
        "purpose": entry.trade.purpose,
        "option_token": intent.option_token,
        "amount_in": None if fill is None else float(usdc_to_decimal(fill.amount_in)),
        "amount_out": None if fill is None else float(usdc_to_decimal(fill.amount_out)),
        "transaction": None if fill is None else fill.transaction,
        "block": None if fill is None else fill.block_number,
        "gas_used": None if fill is None else fill.gas_used,
        "gas_price_wei": None if fill is None else fill.gas_price_wei,
        "chain_id": entry.trade.domain.chain_id,
        "contract": entry.trade.domain.verifying_contract,
        "user": intent.user,
        "router": intent.router,
        "signed": {
            "amount_in": float(usdc_to_decimal(intent.amount_in)),
            "quoted_amount_out": float(usdc_to_decimal(intent.quoted_amount_out)),
            "min_amount_out": float(usdc_to_decimal(intent.min_amount_out)),
            "deadline": iso(from_unix(intent.deadline_s)),
            "nonce": str(intent.nonce),
            "ref": intent.ref,
        },
        "account_nonce": entry.account_nonce,
        "transactions": [variant.hash for variant in entry.variants],
        "handed_out": entry.handed_out,
    }


def _overview(documents: list[dict[str, Any]]) -> Any:
    from bethna_cli.cli.figures import usd
    from bethna_cli.cli.tables import table

    grid = table("trade", "state", "side", "paid", "received", "option", right=("paid", "received"))
    for one in documents:
        is_filled, agreed = one["amount_in"] is not None, one["signed"]
        paid = usd(one["amount_in"]) if is_filled else f"({usd(agreed['amount_in'])})"
        received = f"{one['amount_out']:,.4f}" if is_filled else f"({agreed['quoted_amount_out']:,.4f})"
        grid.add_row(one["id"][2:10], one["state"], one["side"], paid, received, one["option_token"])
    return grid


def _rows(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    rows = []
    for name, value in document.items():
        if isinstance(value, Mapping):
            rows += [(f"{name} {inner}", str(one)) for inner, one in value.items()]
        else:
            shown = ", ".join(value) if isinstance(value, list) else value
            rows.append((name, "–" if shown in (None, "") else str(shown)))
    return rows
