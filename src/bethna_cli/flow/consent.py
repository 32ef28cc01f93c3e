"""Whoever says yes: what they are shown, and how they are asked."""

from dataclasses import dataclass
from typing import Protocol

from bethna_cli.domain.chain import Hash
from bethna_cli.domain.signing import Plan
from bethna_cli.flow.review import Review


@dataclass(frozen=True, slots=True)
class Way:
    """A transaction that would use up an account nonce and change nothing.

    held_by: the trade whose transaction holds the nonce past its deadline, None where none is there at all. code: four
    characters that tell the plan from another.
    """

    nonce: int
    held_by: Hash | None
    plan: Plan
    code: str

    @property
    def gas_cost_wei(self) -> int:
        """What it costs at most."""
        return sum(step.most_wei for step in self.plan.steps)


class Consent(Protocol):
    """Whoever says yes. `ask` returns only when exactly this was agreed to; otherwise it raises TradeRefused.

    `confirm` says so once more, while nobody else can journal a trade of the account. `ask_way` is asked for a
    transaction that changes nothing. `tell` says what happens between the yes and the receipt.
    """

    def ask(self, shown: Review) -> None: ...

    def confirm(self, shown: Review) -> None: ...

    def ask_way(self, way: Way) -> None: ...

    def tell(self, words: str) -> None: ...
