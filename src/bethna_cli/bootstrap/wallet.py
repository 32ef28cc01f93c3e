"""The person's wallets, and the process that signs for one of them."""

import os
import sys
from typing import TYPE_CHECKING

from bethna_cli.adapters.clocks import SystemClock
from bethna_cli.bootstrap.sim import sim_control
from bethna_cli.domain.embedded import EMBEDDED_VENUE
from bethna_cli.domain.errors import ConfigurationError
from bethna_cli.settings import Settings, folders, load_settings
from bethna_cli.settings_files import make_private

if TYPE_CHECKING:
    from bethna_cli.adapters.keystore import WalletFolder
    from bethna_cli.adapters.signer import AheadOfTime, ProcessSigner
    from bethna_cli.domain.signing import Pins
    from bethna_cli.domain.wallet import PrivateKey, Wallet


SIGNER_ENVIRONMENT = frozenset(
    {"PATH", "HOME", "LANG", "LC_ALL", "TERM", "BETHNA_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"}
)
"""What the signer gets to see of the person's variables: where the files are, and how the terminal writes."""


SIGNER_SKEW_S = 120
"""How far a real network's newest block may be from this machine's clock when a plan is signed."""


def wallet_folder(settings: Settings) -> "WalletFolder":
    """Return the person's wallets on this machine."""
    from bethna_cli.adapters.keystore import WalletFolder

    return WalletFolder(make_private(settings.folders.data) / "wallets", SystemClock())


def fresh_key() -> "PrivateKey":
    """Draw a new private key from the system's source of chance."""
    import secrets

    from bethna_cli.adapters.keys import new_key

    return new_key(secrets.token_bytes)


def typed_key(text: str) -> "PrivateKey":
    """Read a private key or a phrase. Raises UsageError without quoting it."""
    from bethna_cli.adapters.keys import parse_key

    return parse_key(text)


def plan_signer(settings: Settings, ahead: "AheadOfTime | None" = None) -> "ProcessSigner":
    """Return the signer: a process of its own for each plan, which asks for the password at the terminal.

    ahead: a signed policy and a password that stand for the person; the signer checks that the policy covers the plan.
    """
    from bethna_cli.adapters.signer import ProcessSigner

    command = (
        sys.executable,
        "-P",
        "-E",
        "-c",
        "from bethna_cli.bootstrap.wallet import sign_one_plan; sign_one_plan()",
    )
    kept = {name: value for name, value in os.environ.items() if name in SIGNER_ENVIRONMENT}
    if settings.folders.config != folders(kept).config:
        raise ConfigurationError("The signer would read other settings than these.", hint="bethna config path")
    return ProcessSigner(command, kept, ahead)


def sign_one_plan() -> None:
    """Be the signer: answer one plan on stdin, on stdout. The pins come from the files alone, not from variables.

    A password that comes through a pipe is no person: then the plan has to be covered by a policy that one signed.
    """
    from bethna_cli.adapters.signer import is_policy_signed
    from bethna_cli.adapters.signer_child import (
        Door,
        ask_at_terminal,
        ask_pipe,
        end_in_time,
        leave_no_core,
        serve_one_plan,
    )
    from bethna_cli.adapters.sim.public_keys import private_key
    from bethna_cli.domain.wallet import PrivateKey

    leave_no_core()
    kept = {name: value for name, value in os.environ.items() if name in SIGNER_ENVIRONMENT}
    settings = load_settings({"keyring": False}, kept)
    door = Door(
        pins=_pins(settings),
        keys=wallet_folder(settings),
        ask=ask_pipe(int(sys.argv[1])) if len(sys.argv) > 1 else ask_at_terminal,
        throwaway=lambda: PrivateKey(private_key("throwaway_wallet")),
        clock=SystemClock(),
        on_open=end_in_time,
        is_policy=is_policy_signed if len(sys.argv) > 1 else None,
    )
    serve_one_plan(sys.stdin.buffer, sys.stdout.buffer, door)


def wallet_in_use(settings: Settings) -> "Wallet":
    """Return the wallet that trades on this network are signed with. Raises ConfigurationError when there is none."""
    wallet = wallet_folder(settings).in_use(settings.network)
    if wallet is None:
        raise ConfigurationError(f"No wallet is in use on {settings.network}.", hint="bethna wallet new main")
    return wallet


def needs_no_consent(settings: Settings, wallet: "Wallet") -> bool:
    """Say whether nothing is at stake: the embedded world as this machine serves it, and the wallet everybody has.

    Raises NotFound when the world is not served, SourceUnavailable when another program answers in its place.
    """
    from bethna_cli.domain.wallet import WalletKind

    if settings.network != "sim" or settings.rpc_urls or wallet.kind is not WalletKind.THROWAWAY:
        return False
    return sim_control(settings).status().get("chain_id") == EMBEDDED_VENUE.chain_id


def _pins(settings: Settings) -> "dict[int, Pins]":
    """Say for each chain with a confirmed contract what plans there may touch."""
    from bethna_cli.domain.chain import CHAIN_IDS, USDC_ADDRESSES, Address
    from bethna_cli.domain.embedded import PUBLIC_BOOK, PUBLIC_CONTRACTS
    from bethna_cli.domain.signing import USDC_DOMAINS, Pins

    found = {}
    for network, chain_id in CHAIN_IDS.items():
        there = settings.model_copy(update={"network": network})
        is_embedded = network == "sim"
        trader = there.trader_pin[0] if there.trader_pin else PUBLIC_CONTRACTS["trader"] if is_embedded else None
        book = PUBLIC_BOOK if is_embedded else there.book_pin[0] if there.book_pin else None
        if trader is None and book is None:
            continue
        found[chain_id] = Pins(
            chain_id,
            Address(trader) if trader else None,
            Address(PUBLIC_CONTRACTS["usdc"]) if is_embedded else USDC_ADDRESSES[network],
            *USDC_DOMAINS[chain_id],
            watcher=Address(settings.watcher_address) if settings.watcher_address else None,
            clock_skew_s=None if is_embedded else SIGNER_SKEW_S,
            book=Address(book) if book else None,
        )
    return found
