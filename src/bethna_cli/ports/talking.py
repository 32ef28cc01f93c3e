"""The conversation: who understands, who explains, and what is kept of it."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from bethna_cli.domain.conversation import Session
    from bethna_cli.domain.utterance import Understood


class Understander(Protocol):
    """Finds out what an utterance asks for. Total: any text has an answer, at worst OUT_OF_SCOPE; changes nothing."""

    def understand(self, text: str, now: datetime) -> "Understood":
        """Understand one printable line. now: aware UTC, what "friday" or "in two weeks" counts from."""
        ...


@dataclass(frozen=True, slots=True)
class ReadTool:
    """Something a language model may look up: a name, what it is for, a JSON schema of its arguments, and the look.

    look: returns text, and never raises over its arguments. It changes nothing that is the person's.
    """

    name: str
    purpose: str
    parameters: Mapping[str, object]
    look: Callable[[Mapping[str, object]], str]


class LanguageModel(Protocol):
    """A language model that explains and understands, and can do nothing else: it is given words and read-only tools.

    What it returns is hostile until checked. Raises SourceUnavailable (SourceRateLimited, SourceMalformed) when it is
    down, slow, too long or talks nonsense; what was said until then stays said.
    """

    async def understand(self, text: str, situation: str) -> "Understood":
        """Find out what an utterance asks for. Values are within their bounds, and not otherwise to be trusted."""
        ...

    def answer(self, question: str, facts: Sequence[str], tools: Sequence[ReadTool]) -> AsyncIterator[str]:
        """Answer in prose, piece by piece, from the facts and what the tools return."""
        ...


class Sessions(Protocol):
    """Conversations, for their owner's eyes only. What is handed in must hold no secret."""

    def keep(self, session: "Session") -> None:
        """Write a session whole, in place of what was kept under its name."""
        ...

    def latest(self, network: str) -> "Session | None":
        """Return the newest session of a network, without an open question; None where there is none."""
        ...

    def prune(self, before: datetime) -> int:
        """Forget the sessions that began before a time, and say how many."""
        ...
