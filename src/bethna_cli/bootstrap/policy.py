"""What a spending policy is made, kept and checked with."""

from contextlib import contextmanager
from typing import TYPE_CHECKING

from bethna_cli.bootstrap.places import store_path
from bethna_cli.bootstrap.wallet import plan_signer
from bethna_cli.domain.errors import ConfigurationError
from bethna_cli.domain.market import Origin
from bethna_cli.ports import PolicyCheck
from bethna_cli.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bethna_cli.adapters.policies import SqlitePolicies
    from bethna_cli.bootstrap.chain import OnChain
    from bethna_cli.domain.chain import Address
    from bethna_cli.domain.policy import SignedPolicy
    from bethna_cli.domain.wallet import Password, Wallet
    from bethna_cli.flow.policy import PolicyDesk
    from bethna_cli.ports import Signer


@contextmanager
def opened_policies(settings: Settings) -> "Iterator[SqlitePolicies]":
    """Open the policies of the network in use while the body runs."""
    from bethna_cli.adapters.policies import SqlitePolicies

    policies = SqlitePolicies.open(store_path(settings, Origin.LIVE))
    try:
        yield policies
    finally:
        policies.close()


def policy_check() -> PolicyCheck:
    """Return what says whether a policy is exactly what its account signed."""
    from bethna_cli.adapters.signer import is_policy_signed

    return is_policy_signed


def policy_desk(settings: Settings, place: "OnChain", policies: "SqlitePolicies") -> "PolicyDesk":
    """Return what a policy is made with."""
    from bethna_cli.bootstrap.market import system_clock
    from bethna_cli.flow.policy import PolicyDesk

    return PolicyDesk(place.chain, policies, plan_signer(settings), system_clock(), policy_check())


def contract_of(settings: Settings) -> "Address":
    """Return what a policy's trades go through: the person's contract, or the order book where that is the venue.

    Raises ConfigurationError where none is confirmed.
    """
    from bethna_cli.bootstrap.chain import trading_pins

    return trading_pins(settings).contract


def ahead_of_time_signer(settings: Settings, policy: "SignedPolicy", password: "Password") -> "Signer":
    """Return a signer that asks nobody, and signs only what the policy covers."""
    from bethna_cli.adapters.signer import AheadOfTime

    return plan_signer(settings, AheadOfTime(policy, password))


def remembered_password(wallet: "Wallet") -> "Password":
    """Return what the system's keyring keeps for a wallet. Raises ConfigurationError when it keeps nothing."""
    from bethna_cli.domain.wallet import Password
    from bethna_cli.settings_files import keyring_values

    key = _keyring_key(wallet)
    kept = keyring_values(frozenset({key})).get(key)
    if kept is None:
        raise ConfigurationError(
            f"No password of {wallet.name} is at hand: give it with --password-stdin.",
            hint=f"bethna wallet remember {wallet.name}",
        )
    return Password(kept)


def remember_password(wallet: "Wallet", password: "Password | None") -> None:
    """Keep a wallet's password in the system's keyring; None forgets it."""
    from bethna_cli.settings_files import write_keyring

    write_keyring(_keyring_key(wallet), None if password is None else password.text)


def _keyring_key(wallet: "Wallet") -> str:
    return f"password of {wallet.address}"
