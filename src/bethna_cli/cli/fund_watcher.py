"""Gas money for the watcher at the terminal: how much is read strictly, and a person says yes to exactly that."""

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bethna_cli.domain.signing import Plan
    from bethna_cli.domain.wallet import Wallet
    from bethna_cli.settings import Settings

COMMAND = "bethna watch fund 0.002"


def parse_ether(text: str) -> int:
    """Read an amount of ether as wei. Raises UsageError unless it is positive and at most what a plan may give."""
    from bethna_cli.domain.errors import UsageError
    from bethna_cli.domain.signing import MOST_GAS_MONEY_WEI, ether

    try:
        amount = Decimal(text.strip()) if len(text) <= 24 else Decimal(0)
        wei = amount.scaleb(18)
        if wei == wei.to_integral_value() and 0 < wei <= MOST_GAS_MONEY_WEI:
            return int(wei)
    except InvalidOperation:
        pass
    most = ether(MOST_GAS_MONEY_WEI).normalize()
    raise UsageError(
        f"{text[:24]!a} is no amount for the watcher: more than 0 and at most {most} ETH.",
        hint="bethna watch fund 0.002",
    )


async def funded(settings: "Settings", wallet: "Wallet", amount_wei: int, *, yes: bool) -> dict[str, object]:
    """Send it, and return what came of it as scripts see it."""
    from bethna_cli.bootstrap.chain import execution_desk, open_chain, open_journal
    from bethna_cli.bootstrap.market import system_clock
    from bethna_cli.bootstrap.wallet import plan_signer
    from bethna_cli.cli.consent import granted
    from bethna_cli.domain.chain import Address
    from bethna_cli.domain.signing import ether
    from bethna_cli.flow.fund import fund_watcher

    if yes:
        granted(settings, wallet, COMMAND)
    agree = _nothing_to_ask if yes else _ask
    journal, watcher = open_journal(settings), Address(str(settings.watcher_address))
    try:
        async with open_chain(settings) as place:
            desk = execution_desk(place, journal, system_clock())
            contract = Address(_contract(settings, place.known))
            done = await fund_watcher(desk, plan_signer(settings), wallet.address, watcher, contract, amount_wei, agree)
    finally:
        journal.close()
    return {
        "watcher": watcher,
        "sent_eth": float(ether(amount_wei)),
        "balance_eth": float(ether(done.balance_wei)),
        "transaction": done.transaction,
    }


def _contract(settings: "Settings", known: "Mapping[str, str]") -> str:
    """Return the confirmed contract, which a plan has to name. Raises ConfigurationError when there is none."""
    from bethna_cli.domain.errors import ConfigurationError

    if settings.trader_pin is not None:
        return settings.trader_pin[0]
    if "trader" in known:
        return known["trader"]
    raise ConfigurationError("No contract is confirmed on this network.", hint="bethna contract verify ADDRESS")


def _nothing_to_ask(_: "Plan") -> None:
    """Agree: nothing is at stake."""


def _ask(plan: "Plan") -> None:
    """Show the plan on stderr and wait for a yes. Raises TradeRefused."""
    from bethna_cli.cli.consent import require_person, require_typed
    from bethna_cli.domain.signing import FundWatcher, ether

    require_person(COMMAND, COMMAND)
    (step,) = plan.steps
    assert isinstance(step.action, FundWatcher)
    amount, most = (f"{ether(wei).normalize():f}" for wei in (step.action.amount_wei, step.most_wei))
    typer.echo(f"From {plan.user}, on chain {plan.chain_id}: {amount} ETH to your watcher, for gas.", err=True)
    typer.echo(f"The transaction costs at most {most} ETH more.", err=True)
    require_typed("send it", amount, COMMAND)
