"""Balances and permissions of one account, all read at one block."""

from collections.abc import Mapping

from bethna_cli.adapters.abi import Function, artifact
from bethna_cli.adapters.signer_sign import APPROVE
from bethna_cli.domain.chain import Address, Call
from bethna_cli.domain.errors import ContractMismatch, ContractRefused
from bethna_cli.domain.holdings import Holding, Holdings
from bethna_cli.domain.position import OptionTerms
from bethna_cli.ports import Chain

MOST_CALLS = 90
"""In one batch: endpoints take a hundred."""


class ChainAccounts:
    """`TokenAccounts` on one chain, where USDC is at `usdc`."""

    def __init__(self, chain: Chain, usdc: Address) -> None:
        self._chain = chain
        self._usdc = usdc
        token = artifact("DevelopmentUSDC")
        self._balance, self._allowance = token.function("balanceOf"), token.function("allowance")

    async def holdings(
        self, account: Address, contract: Address | None, options: Mapping[Address, OptionTerms]
    ) -> Holdings:
        head = await self._chain.block()
        terms: dict[Address, OptionTerms | None] = {self._usdc: None, **options}
        spender = contract or account
        calls = [
            Call(token, data)
            for token in terms
            for data in (self._balance.encode(account), self._allowance.encode(account, spender))
        ]
        answers: list[bytes | ContractRefused] = []
        for start in range(0, len(calls), MOST_CALLS):
            answers += await self._chain.call_many(calls[start : start + MOST_CALLS], head.hash)
        (state,) = await self._chain.accounts([account], head.hash)
        numbers = iter(answers)
        tokens = [
            Holding(
                token,
                _number(self._balance, next(numbers)),
                _number(self._allowance, next(numbers)) if contract else 0,
                known,
            )
            for token, known in terms.items()
        ]
        return Holdings(account, head.number, state.balance_wei, contract, tokens)

    def revocation(self, token: Address, account: Address, contract: Address) -> Call:
        return Call(token, APPROVE.encode(contract, 0), account)


def _number(function: Function, answer: bytes | ContractRefused) -> int:
    """Read a number; at an address that has no code there is none of anything."""
    if isinstance(answer, ContractRefused):
        raise ContractMismatch(f"A token has no {function.name}().") from answer
    if not answer:
        return 0
    (value,) = function.decode(answer)
    return int(value)
