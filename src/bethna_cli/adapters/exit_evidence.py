"""What the chain says of exit mandates: balance, permission and nonce of each, in one batch at one block."""

from collections.abc import Sequence

from bethna_cli.adapters.abi import Function, artifact
from bethna_cli.domain.chain import BlockAt, Call, Tag
from bethna_cli.domain.errors import ContractMismatch, ContractRefused
from bethna_cli.domain.guarding import ExitFacts
from bethna_cli.domain.mandate import Mandate
from bethna_cli.ports import Chain

MOST_AT_ONCE = 30
"""Mandates in one batch: three calls each stay below the hundred that endpoints take."""


class ChainExits:
    """`ExitEvidence` on one chain."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        token = artifact("OptionSeries")
        self._balance, self._allowance = token.function("balanceOf"), token.function("allowance")
        self._is_used = artifact("SentientTrader").function("isNonceUsed")

    async def facts(self, mandates: Sequence[Mandate], at: BlockAt = Tag.LATEST) -> list[ExitFacts]:
        if not mandates:
            return []
        block = (await self._chain.block(at)).hash
        found: list[ExitFacts] = []
        for start in range(0, len(mandates), MOST_AT_ONCE):
            batch = mandates[start : start + MOST_AT_ONCE]
            answers = iter(await self._chain.call_many([call for one in batch for call in self._calls(one)], block))
            for _ in batch:
                balance, allowance, is_used = next(answers), next(answers), next(answers)
                found.append(
                    ExitFacts(
                        _number(self._balance, balance),
                        _number(self._allowance, allowance),
                        bool(_number(self._is_used, is_used)),
                    )
                )
        return found

    def _calls(self, mandate: Mandate) -> tuple[Call, Call, Call]:
        intent, contract = mandate.trade.intent, mandate.trade.domain.verifying_contract
        return (
            Call(mandate.token, self._balance.encode(intent.user)),
            Call(mandate.token, self._allowance.encode(intent.user, contract)),
            Call(contract, self._is_used.encode(intent.user, intent.nonce)),
        )


def _number(function: Function, answer: bytes | ContractRefused) -> int:
    """Read a number; at an address that has no code yet there is none of anything."""
    if isinstance(answer, ContractRefused):
        raise ContractMismatch(f"The contract has no {function.name}().") from answer
    if not answer:
        return 0
    (value,) = function.decode(answer)
    return int(value)
