"""What an account holds on chain, and what it has let the contract take of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from bethna_cli.domain.chain import Address
from bethna_cli.domain.position import OptionTerms


@dataclass(frozen=True, slots=True)
class Holding:
    """One token of an account, base units of 6 decimals. terms: of an option, None for USDC."""

    token: Address
    amount: int
    allowance: int
    terms: OptionTerms | None = None

    @property
    def name(self) -> str:
        return "USDC" if self.terms is None else self.terms.ticker


@dataclass(frozen=True, slots=True)
class Holdings:
    """An account at one block. contract: whom the allowances are for, None where no contract is confirmed."""

    account: Address
    block_number: int
    balance_wei: int
    contract: Address | None
    tokens: Sequence[Holding]
