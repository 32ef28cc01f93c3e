"""What the turns of a conversation came to: one as scripts see it, all of them as a person looks back on them."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field

from bethna_cli.cli import output
from bethna_cli.domain.conversation import Command, Speaker, Turn
from bethna_cli.domain.redaction import redacted
from bethna_cli.domain.utterance import Understood, utterance_document


@dataclass
class Answer:
    """What a turn came to, as scripts see it."""

    text: str
    understood: Understood | None = None
    commands: list[Command] = field(default_factory=list)
    results: list[object] = field(default_factory=list)
    said: list[tuple[Speaker, str]] = field(default_factory=list)
    exit_code: int = 0

    def document(self) -> dict[str, object]:
        """Return the turn as one JSON object."""
        return {
            "text": self.text,
            **self._heard(),
            "said": [{"speaker": speaker.value, "text": text} for speaker, text in self.said],
            "commands": [shlex.join(("bethna", *command)) for command in self.commands],
            "results": self.results,
            "exit": self.exit_code,
        }

    def _heard(self) -> dict[str, object]:
        """Return what the words were taken for; a key that was taken for an id is no more shown than in the words."""
        if self.understood is None:
            return {}
        document = utterance_document(self.understood)
        position = self.understood.slots.position
        if position is not None and position not in self.text.lower():
            document["slots"] = {**dict(document["slots"]), "position": redacted(position)}  # type: ignore[call-overload]
        return document


def print_turns(turns: Sequence[Turn]) -> None:
    """Print what was said in a conversation, and what was run for it; nothing before the first turn."""
    from bethna_cli.cli.tables import table, words

    if not turns:
        return
    grid = table("at (UTC)", "you", "what came of it")
    for turn in turns:
        ran = "; ".join(shlex.join(command) for command in turn.commands) or (turn.intent or "")
        code = f" (exit {turn.exit_code})" if turn.exit_code else ""
        grid.add_row(f"{turn.at:%H:%M:%S}", words(turn.text), words(ran + code))
    screen = output.console()
    screen.print("\nThis conversation")
    screen.print(grid)
