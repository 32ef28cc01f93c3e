"""`bethna recover --sign`: going on with what waits for the person's wallet."""

import asyncio
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from bethna_cli.flow.resume import Resumed
    from bethna_cli.settings import Settings

COMMAND = "bethna recover --sign"


def go_on(settings: "Settings", *, yes: bool, no_color: bool) -> "Resumed":
    """Make way and send again what was agreed to and not sent, each with a yes of its own."""
    from bethna_cli.bootstrap.chain import open_trading
    from bethna_cli.bootstrap.wallet import wallet_in_use
    from bethna_cli.cli.consent import TypedAtTerminal, granted, left_behind, require_person, serve_if_embedded
    from bethna_cli.flow.resume import Resumed, resume

    if not yes:
        require_person(COMMAND)
    wallet = wallet_in_use(settings)
    serve_if_embedded(settings)
    consent = granted(settings, wallet, COMMAND) if yes else TypedAtTerminal(COMMAND, no_color)

    async def work() -> Resumed:
        async with open_trading(settings, wallet) as desk:
            return await resume(desk, consent)

    try:
        return asyncio.run(work())
    except (KeyboardInterrupt, typer.Abort):
        typer.echo(left_behind(settings), err=True)
        raise


def resumed_document(done: "Resumed") -> dict[str, object]:
    """Return what came of going on, as scripts see it."""
    from bethna_cli.cli.trade_documents import carried_document

    return {
        "made_way": list(done.made_way),
        "carried": [carried_document(one) for one in done.carried],
        "left": [{"id": entry.digest, "why": error.message, "hint": error.hint} for entry, error in done.left],
    }
