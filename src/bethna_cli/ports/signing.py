"""Who may sign what: keys, plans, exits, and what was agreed to ahead of time."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    from bethna_cli.domain.chain import Address, Fees
    from bethna_cli.domain.mandate import Mandate
    from bethna_cli.domain.policy import SignedPolicy
    from bethna_cli.domain.signing import Plan, SignedPlan, SignedTransaction
    from bethna_cli.domain.wallet import Password, PrivateKey, Wallet


class KeyStore(Protocol):
    """A person's wallets. Raises NotFound, UsageError (a name or an address is taken), KeystoreRefused."""

    def wallets(self, network: str) -> "tuple[Wallet, ...]":
        """List what may be used on `network`; the throwaway wallet on the embedded one alone."""
        ...

    def wallet(self, name: str, network: str) -> "Wallet": ...

    def in_use(self, network: str) -> "Wallet | None": ...

    def use(self, name: str, network: str) -> "Wallet": ...

    def keep(self, name: str, key: "PrivateKey", password: "Password") -> "Wallet":
        """Encrypt a key and keep it under a name."""
        ...

    def watch(self, name: str, address: "Address") -> "Wallet": ...

    def export(self, name: str, target: "Path") -> None:
        """Write the encrypted keystore to a new file."""
        ...

    def of(self, address: "Address") -> "Wallet": ...

    def require_openable(self, address: "Address") -> None:
        """Raise what `unlock` would before it looks at a password."""
        ...

    def unlock(self, address: "Address", password: "Password") -> "PrivateKey":
        """Decrypt a key. Raises WrongPassword, also when a try comes too soon after wrong ones."""
        ...


class SigningSession(Protocol):
    """One plan whose key is open."""

    def sign(self, routes: Sequence[bytes], steps: int | None = None) -> "SignedPlan":
        """Sign the intents and the next `steps` steps of the plan, None for all that are left; each step once.

        routes: the venue's fresh quote for each submission among them, in order.
        """
        ...


class Signer(Protocol):
    """Signs one plan after another, each with a password of its own, and nothing else."""

    def unlocked(self, plan: "Plan") -> AbstractContextManager[SigningSession]:
        """Check a plan, ask the person for the password, and hold the key until the block ends.

        Raises PlanRefused, WrongPassword, KeystoreRefused, NotFound, ConfigurationError.
        """
        ...


class ExitSigner(Protocol):
    """The watcher's own account, which sends mandates and can do nothing else."""

    @property
    def address(self) -> "Address": ...

    def sign(
        self, mandate: "Mandate", minimum_out: int, route: bytes, nonce: int, gas: int, fees: "Sequence[Fees]"
    ) -> "tuple[SignedTransaction, ...]":
        """Sign the call that executes a mandate at `minimum_out` or better, once for each of the fees.

        route: the venue's fresh bid. Raises PlanRefused for what is not its own mandate, or costs too much.
        """
        ...


PolicyCheck = Callable[["SignedPolicy"], bool]
"""Says whether a policy is exactly what its account signed."""


class Policies(Protocol):
    """What people let scripts spend, one policy in use per account and chain. Raises ConfigurationError.

    Whether a signature is right is the reader's to check.
    """

    def keep(self, signed: "SignedPolicy", at: datetime) -> None:
        """Keep a policy, and end the one before it."""
        ...

    def current(self, user: "Address", chain_id: int) -> "SignedPolicy | None":
        """Return the policy that nobody has ended; its own time may be over."""
        ...

    def end(self, user: "Address", chain_id: int, at: datetime) -> bool:
        """End the policy in use, and say whether there was one."""
        ...

    def spent(self, user: "Address", chain_id: int, since: datetime) -> int:
        """Sum up, in USDC base units, what was agreed to since a time and is not known to have spent nothing."""
        ...
