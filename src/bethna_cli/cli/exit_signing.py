"""Signing a position's exits, or calling them off, at the terminal: the card, the yes, and what came of it."""

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bethna_cli.domain.guarding import ExitRules
    from bethna_cli.settings import Settings


def sign_exits(
    settings: "Settings", position: str, rules: "ExitRules | None", *, yes: bool, no_color: bool
) -> dict[str, object]:
    """Have a position's limits signed for the watcher, or with no rules called off; return it as scripts see it."""
    from bethna_cli.bootstrap.chain import open_trading
    from bethna_cli.bootstrap.wallet import wallet_in_use
    from bethna_cli.cli.consent import TypedAtTerminal, granted, require_person, serve_if_embedded
    from bethna_cli.cli.trade_documents import exit_document
    from bethna_cli.cli.trading import with_watcher
    from bethna_cli.domain.errors import UsageError
    from bethna_cli.domain.mandate import ExitTerms
    from bethna_cli.flow import mandate as flow

    try:
        terms = None if rules is None else ExitTerms(rules.stop_loss, rules.take_profit)
    except ValueError as error:
        raise UsageError(f"These limits cannot be signed: {error}.", hint="bethna exits -h") from error
    command = f"bethna exits {position[2:10]} {'--sign' if rules else '--call-off'}"
    if not yes:
        require_person(command)
    wallet = wallet_in_use(settings)
    serve_if_embedded(settings)
    consent = granted(settings, wallet, command) if yes else TypedAtTerminal(command, no_color)
    trading = with_watcher(settings) if rules else settings

    async def work() -> flow.ExitReview:
        async with open_trading(trading, wallet) as desk:
            if terms is None:
                return await flow.call_off(desk, position, consent)
            return await flow.authorise(desk, position, terms, consent)

    done = asyncio.run(work())
    pairs = zip(done.exits, done.digests, strict=True)
    return {"exits": [exit_document(trade, digest) for trade, digest in pairs], "called_off": len(done.ended)}
