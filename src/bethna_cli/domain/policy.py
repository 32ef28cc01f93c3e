"""Consent ahead of time: what a person lets scripts spend, within what limits and until when, with their signature.

Amounts are USDC base units, times Unix seconds of the chain. A policy never covers the making of another.
"""

from dataclasses import dataclass, field

from bethna_cli.domain.chain import Address, Hash

LONGEST_POLICY_S = 30 * 86_400
DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class SpendingPolicy:
    """Limits on what is bought without a person at a terminal: through one contract, from one account."""

    chain_id: int
    contract: Address
    user: Address
    max_per_trade: int
    max_per_day: int
    valid_from_s: int
    valid_until_s: int

    def holds_at(self, time_s: int) -> bool:
        """Say whether the policy is in force at a time."""
        return self.valid_from_s <= time_s < self.valid_until_s


@dataclass(frozen=True, slots=True)
class SignedPolicy:
    """A policy as the person's wallet signed it (EIP-712, 65 bytes)."""

    policy: SpendingPolicy
    digest: Hash
    signature: bytes = field(repr=False)


def day_of(time_s: int) -> int:
    """Return when the UTC day of a time began."""
    return time_s - time_s % DAY_S
