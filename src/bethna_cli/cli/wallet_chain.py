"""`bethna wallet balance` and `revoke`: what an account holds on chain, and what the contract may take of it."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bethna_cli.cli.commands import Json, Network, NoColor

if TYPE_CHECKING:
    from bethna_cli.bootstrap.chain import OnChain
    from bethna_cli.domain.holdings import Holding, Holdings
    from bethna_cli.domain.signing import Plan
    from bethna_cli.domain.wallet import Wallet
    from bethna_cli.flow.allowances import Revoked
    from bethna_cli.settings import Settings

AnyName = Annotated[str | None, typer.Argument(metavar="[NAME]", help="The wallet; without one, the one in use.")]
Yes = Annotated[bool, typer.Option("--yes", help="Ask nothing; only in the embedded world with its own wallet.")]
Token = Annotated[str | None, typer.Argument(metavar="[TOKEN]", help="USDC, a ticker or an address; without one, all.")]


def balance(name: AnyName = None, network: Network = None, as_json: Json = False, no_color: NoColor = False) -> None:
    """Show a wallet's ETH, USDC and options, and what your contract may take of them."""
    from bethna_cli.cli import output
    from bethna_cli.cli.output import waiting
    from bethna_cli.settings import load_settings

    settings = load_settings({"network": network})
    wallet = _wallet(name, settings)
    with waiting("Asking the chain", no_color):
        held = asyncio.run(_held(settings, wallet))
    if as_json:
        output.emit(holdings_document(held, wallet, settings.network))
    else:
        _print_holdings(held, wallet, no_color)


def revoke(token: Token = None, yes: Yes = False, network: Network = None, as_json: Json = False) -> None:
    """Take back what your contract may take of a token, or of all; you confirm it at a terminal."""
    from bethna_cli.bootstrap.wallet import wallet_in_use
    from bethna_cli.cli import output
    from bethna_cli.cli.consent import granted, require_person
    from bethna_cli.flow.allowances import outcome
    from bethna_cli.settings import load_settings

    settings = load_settings({"network": network})
    wallet = wallet_in_use(settings)
    if yes:
        granted(settings, wallet, "bethna wallet revoke")
    else:
        require_person("bethna wallet revoke", "bethna wallet balance")
    done = asyncio.run(_revoked(settings, wallet, token, asks=not yes))
    if as_json:
        output.emit([_revoked_document(one) for one in done])
    else:
        for one in done:
            typer.echo(f"{one.holding.name}: {_ending(one)} in {one.transaction}")
    trouble = outcome(done)
    if trouble is not None and not as_json:
        raise trouble
    if trouble is not None:
        raise typer.Exit(trouble.exit_code)


def _wallet(name: str | None, settings: "Settings") -> "Wallet":
    from bethna_cli.bootstrap.wallet import wallet_folder, wallet_in_use

    return wallet_in_use(settings) if name is None else wallet_folder(settings).wallet(name, settings.network)


async def _held(settings: "Settings", wallet: "Wallet") -> "Holdings":
    from bethna_cli.bootstrap.chain import open_chain

    async with open_chain(settings) as place:
        await place.chain.check()
        return await _look(settings, place, wallet)


async def _look(settings: "Settings", place: "OnChain", wallet: "Wallet") -> "Holdings":
    from bethna_cli.bootstrap.holdings import contract_in_use, token_accounts
    from bethna_cli.bootstrap.record import open_positions

    positions = open_positions(settings)
    try:
        terms = positions.terms()
    finally:
        positions.close()
    return await token_accounts(place).holdings(wallet.address, contract_in_use(settings, place), terms)


async def _revoked(settings: "Settings", wallet: "Wallet", token: str | None, *, asks: bool) -> "list[Revoked]":
    from bethna_cli.bootstrap.chain import open_chain, open_journal
    from bethna_cli.bootstrap.holdings import allowance_desk
    from bethna_cli.flow.allowances import revocable, revocation
    from bethna_cli.flow.allowances import revoke as carry_out

    journal = open_journal(settings)
    try:
        async with open_chain(settings) as place:
            desk = allowance_desk(settings, place, journal)
            held = await _look(settings, place, wallet)
            wanted = revocable(held, token)
            plan = await revocation(desk, held, wanted)
            if asks:
                _ask(plan, wanted)
            return await carry_out(desk, plan, wanted)
    finally:
        journal.close()


def _ask(plan: "Plan", wanted: "Sequence[Holding]") -> None:
    """Show what will be signed, and wait for the characters that belong to this plan and no other."""
    from bethna_cli.bootstrap.holdings import plan_code
    from bethna_cli.cli.consent import require_typed
    from bethna_cli.domain.signing import ether
    from bethna_cli.domain.units import usdc_to_decimal
    from bethna_cli.flow.allowances import most_wei

    for one in wanted:
        amount = f"{usdc_to_decimal(one.allowance):f}" if one.allowance < 2**96 else "any amount"
        typer.echo(f"{one.name} ({one.token}): may take {amount}, then nothing", err=True)
    typer.echo(
        f"Contract {plan.contract} on chain {plan.chain_id}; fees at most {ether(most_wei(plan)):f} ETH", err=True
    )
    require_typed("take it back", plan_code(plan), "bethna wallet balance")


def holdings_document(held: "Holdings", wallet: "Wallet", network: str) -> dict[str, object]:
    """Return holdings as scripts see them; amounts in ETH, USDC and contracts."""
    from bethna_cli.bootstrap.chain import shown_address
    from bethna_cli.domain.signing import ether

    return {
        "wallet": wallet.name,
        "address": shown_address(held.account),
        "network": network,
        "block": held.block_number,
        "eth": float(ether(held.balance_wei)),
        "contract": held.contract,
        "tokens": [_holding_document(one) for one in held.tokens],
    }


def _holding_document(one: "Holding") -> dict[str, object]:
    from bethna_cli.domain.units import iso, usdc_to_decimal

    terms = one.terms
    option = None
    if terms is not None:
        option = {
            "asset": terms.asset.value,
            "option_type": terms.kind.value,
            "strikes": [float(strike) for strike in terms.strikes],
            "expiry": iso(terms.expires_at),
        }
    return {
        "name": one.name,
        "token": one.token,
        "amount": float(usdc_to_decimal(one.amount)),
        "contract_may_take": float(usdc_to_decimal(one.allowance)),
        "option": option,
    }


def _revoked_document(one: "Revoked") -> dict[str, object]:
    return {
        "name": one.holding.name,
        "token": one.holding.token,
        "transaction": one.transaction,
        "succeeded": None if one.receipt is None else one.receipt.succeeded,
    }


def _ending(one: "Revoked") -> str:
    if one.receipt is None:
        return "on its way"
    return "taken back" if one.receipt.succeeded else "refused"


def _print_holdings(held: "Holdings", wallet: "Wallet", no_color: bool) -> None:
    from bethna_cli.bootstrap.chain import shown_address
    from bethna_cli.cli.output import console
    from bethna_cli.cli.tables import table, words
    from bethna_cli.domain.signing import ether
    from bethna_cli.domain.units import usdc_to_decimal

    screen = console(no_color)
    screen.print(words(f"{wallet.name}  {shown_address(held.account)}  block {held.block_number}"))
    grid: Any = table("", "amount", "contract may take", right=("amount", "contract may take"))
    grid.add_row("ETH", f"{ether(held.balance_wei):,.6f}", "")
    for one in held.tokens:
        if not (one.amount or one.allowance) and one.terms is not None:
            continue
        allowed = "–" if not one.allowance else f"{usdc_to_decimal(one.allowance):,.6f}"
        grid.add_row(words(one.name), f"{usdc_to_decimal(one.amount):,.6f}", allowed)
    screen.print(grid)
    if any(one.allowance for one in held.tokens):
        typer.echo("To take a permission back: bethna wallet revoke", err=True)
