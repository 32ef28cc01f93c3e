"""`bethna policy`: let scripts spend within limits that you set at a terminal and sign with your wallet.

Within them `--yes` works, with a password from stdin or the keyring; without one it never does where money is real.
"""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from bethna_cli.cli.commands import ExampleCommand, Json, Network, NoColor, new_app

if TYPE_CHECKING:
    from bethna_cli.domain.policy import SignedPolicy
    from bethna_cli.domain.signing import Plan
    from bethna_cli.domain.wallet import Wallet
    from bethna_cli.flow.policy import Limits, Standing
    from bethna_cli.settings import Settings

app = new_app("Consent ahead of time: what scripts may spend with --yes, and until when.")

MaxPerTrade = Annotated[str, typer.Option("--max-per-trade", metavar="USDC", help="Most that one purchase may cost.")]
MaxPerDay = Annotated[str, typer.Option("--max-per-day", metavar="USDC", help="Most that a UTC day's may cost in all.")]
For = Annotated[str, typer.Option("--for", metavar="SPAN", help="How long it holds, like 12h or 7d; at most 30d.")]


@app.command("set", cls=ExampleCommand, epilog="bethna policy set --max-per-trade 50 --max-per-day 200 --for 7d")
def set_(
    max_per_trade: MaxPerTrade,
    max_per_day: MaxPerDay,
    life: For,
    network: Network = None,
    as_json: Json = False,
    no_color: NoColor = False,
) -> None:
    """Allow purchases within limits; you confirm at a terminal, and your wallet signs it."""
    from bethna_cli.bootstrap.wallet import wallet_in_use
    from bethna_cli.cli.consent import require_person
    from bethna_cli.settings import load_settings

    settings = load_settings({"network": network})
    limits = _limits(max_per_trade, max_per_day, life)
    require_person("bethna policy set", "bethna policy set -h")
    wallet = wallet_in_use(settings)
    asyncio.run(_made(settings, wallet, limits))
    _show(settings, as_json, no_color)


@app.command("show", cls=ExampleCommand, epilog="bethna policy show")
def show(network: Network = None, as_json: Json = False, no_color: NoColor = False) -> None:
    """Show the policy of the wallet in use, and what is left of it today."""
    from bethna_cli.settings import load_settings

    _show(load_settings({"network": network}), as_json, no_color)


@app.command("clear", cls=ExampleCommand, epilog="bethna policy clear")
def clear(network: Network = None, as_json: Json = False) -> None:
    """End the policy at once; nothing has to be signed for that."""
    from bethna_cli.bootstrap.market import system_clock
    from bethna_cli.bootstrap.policy import opened_policies
    from bethna_cli.bootstrap.wallet import wallet_in_use
    from bethna_cli.cli import output
    from bethna_cli.domain.chain import CHAIN_IDS
    from bethna_cli.settings import load_settings

    settings = load_settings({"network": network})
    wallet = wallet_in_use(settings)
    with opened_policies(settings) as policies:
        was_there = policies.end(wallet.address, CHAIN_IDS[settings.network], system_clock().now())
    if as_json:
        output.emit({"cleared": was_there})
    else:
        typer.echo("The policy is ended." if was_there else "There was no policy.")


def _limits(max_per_trade: str, max_per_day: str, life: str) -> "Limits":
    from bethna_cli.cli.values import parse_span, parse_usdc
    from bethna_cli.domain.errors import UsageError
    from bethna_cli.domain.policy import LONGEST_POLICY_S
    from bethna_cli.flow.policy import Limits

    trade, day = parse_usdc(max_per_trade, "--max-per-trade"), parse_usdc(max_per_day, "--max-per-day")
    life_s = int(parse_span(life, "--for ").total_seconds())
    if trade > day:
        raise UsageError("--max-per-trade is above --max-per-day.", hint="bethna policy set -h")
    if not 0 < life_s <= LONGEST_POLICY_S:
        raise UsageError(f"--for {life}: at most {LONGEST_POLICY_S // 86_400}d.", hint="bethna policy set -h")
    return Limits(trade, day, life_s)


async def _made(settings: "Settings", wallet: "Wallet", limits: "Limits") -> "SignedPolicy":
    from bethna_cli.bootstrap.chain import open_chain
    from bethna_cli.bootstrap.policy import contract_of, opened_policies, policy_desk
    from bethna_cli.flow.policy import draft, make

    async with open_chain(settings) as place:
        with opened_policies(settings) as policies:
            desk = policy_desk(settings, place, policies)
            plan = await draft(desk, wallet.address, contract_of(settings), limits)
            _ask(plan, wallet)
            return make(desk, plan)


def _ask(plan: "Plan", wallet: "Wallet") -> None:
    """Show what will be signed, as it will be signed, and wait for the characters that belong to it."""
    from bethna_cli.bootstrap.holdings import plan_code
    from bethna_cli.cli.consent import require_typed
    from bethna_cli.domain.units import from_unix, usdc_to_decimal

    policy = plan.policy
    if policy is None:
        raise ValueError("a plan without a policy")
    lines = (
        f"Without asking you, bethna --yes may buy options from {wallet.name} ({policy.user})",
        f"through {policy.contract} on chain {policy.chain_id}:",
        f"  at most {usdc_to_decimal(policy.max_per_trade):,f} USDC a trade,",
        f"  at most {usdc_to_decimal(policy.max_per_day):,f} USDC a UTC day,",
        f"  until {from_unix(policy.valid_until_s):%Y-%m-%d %H:%M} UTC. It may also sell what you hold.",
    )
    typer.echo("\n".join(lines), err=True)
    require_typed("allow that", plan_code(plan), "bethna policy show")


def _show(settings: "Settings", as_json: bool, no_color: bool) -> None:
    from bethna_cli.bootstrap.wallet import wallet_in_use
    from bethna_cli.cli import output

    wallet = wallet_in_use(settings)
    found = asyncio.run(_standing(settings, wallet))
    if as_json:
        output.emit({"wallet": wallet.name, "policy": None if found is None else policy_document(found)})
        return
    if found is None:
        typer.echo(f"{wallet.name} has no policy on {settings.network}: nothing is bought without you.")
        return
    from bethna_cli.cli.tables import pairs

    grid = pairs()
    for name, value in policy_document(found).items():
        shown = ("yes" if value else "no") if isinstance(value, bool) else value
        grid.add_row(name.replace("_", " "), str(shown))
    output.console(no_color).print(grid)


async def _standing(settings: "Settings", wallet: "Wallet") -> "Standing | None":
    from bethna_cli.bootstrap.chain import open_chain
    from bethna_cli.bootstrap.policy import opened_policies, policy_check
    from bethna_cli.domain.chain import CHAIN_IDS
    from bethna_cli.flow.policy import standing

    chain_id = CHAIN_IDS[settings.network]
    with opened_policies(settings) as policies:
        if policies.current(wallet.address, chain_id) is None:
            return None
        async with open_chain(settings) as place:
            block = await place.chain.block()
        return standing(policies, policy_check(), wallet.address, chain_id, block.timestamp_s)


def policy_document(found: "Standing") -> dict[str, object]:
    """Return a policy as scripts see it; amounts in USDC."""
    from bethna_cli.domain.units import from_unix, iso, usdc_to_decimal

    policy = found.signed.policy
    return {
        "in_force": found.is_in_force,
        "max_per_trade_usdc": float(usdc_to_decimal(policy.max_per_trade)),
        "max_per_day_usdc": float(usdc_to_decimal(policy.max_per_day)),
        "spent_today_usdc": float(usdc_to_decimal(found.spent_today)),
        "left_today_usdc": float(usdc_to_decimal(found.left_today)),
        "from": iso(from_unix(policy.valid_from_s)),
        "until": iso(from_unix(policy.valid_until_s)),
        "address": policy.user,
        "chain_id": policy.chain_id,
        "contract": policy.contract,
        "digest": found.signed.digest,
    }
