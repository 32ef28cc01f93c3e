"""What reads an account on chain, and takes its permissions back."""

from typing import TYPE_CHECKING

from bethna_cli.bootstrap.chain import OnChain, execution_desk
from bethna_cli.bootstrap.wallet import plan_signer
from bethna_cli.domain.chain import Address
from bethna_cli.settings import Settings

if TYPE_CHECKING:
    from bethna_cli.adapters.journal import SqliteJournal
    from bethna_cli.adapters.token_accounts import ChainAccounts
    from bethna_cli.domain.signing import Plan
    from bethna_cli.flow.allowances import AllowanceDesk


def contract_in_use(settings: Settings, place: OnChain) -> Address | None:
    """Return the person's confirmed contract, on the embedded network its own, None where there is none."""
    pin = settings.trader_pin
    found = pin[0] if pin else place.known.get("trader")
    return None if found is None else Address(found)


def token_accounts(place: OnChain) -> "ChainAccounts":
    """Return what reads balances and permissions."""
    from bethna_cli.adapters.token_accounts import ChainAccounts

    return ChainAccounts(place.chain, Address(place.known["usdc"]))


def allowance_desk(settings: Settings, place: OnChain, journal: "SqliteJournal") -> "AllowanceDesk":
    """Return what taking permissions back works with."""
    from bethna_cli.bootstrap.market import system_clock
    from bethna_cli.flow.allowances import AllowanceDesk

    return AllowanceDesk(
        token_accounts(place),
        place.contracts,
        plan_signer(settings),
        execution_desk(place, journal, system_clock()),
    )


def plan_code(plan: "Plan") -> str:
    """Return the four characters that tell a plan from another."""
    from bethna_cli.adapters.signer_child import code_of

    return code_of(plan)
