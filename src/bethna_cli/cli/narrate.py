"""Let a language model answer a question, in its own words, from our facts and through read-only tools.

Its words are printed as they come, behind a bar; figures that stand in nothing it was given are named. Where it fails,
what it said stays, and the caller answers without it.
"""

import asyncio
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bethna_cli.cli.chat_tools import Tools
from bethna_cli.cli.output import waiting
from bethna_cli.domain.conversation import Request
from bethna_cli.domain.errors import ConfigurationError, OutsideError
from bethna_cli.domain.text import clean
from bethna_cli.flow.ask import LONGEST_UTTERANCE
from bethna_cli.flow.second_opinion import unsupported_figures

if TYPE_CHECKING:
    from bethna_cli.cli.voice import Quotation
    from bethna_cli.ports import LanguageModel

LONGEST_ANSWER = 4_000
MOST_NAMED = 8


@dataclass(frozen=True, slots=True)
class Told:
    """What came of it. remarks: ours on its answer; proposed: a purchase that it would have the person look at."""

    text: str
    remarks: tuple[str, ...]
    failed: bool
    proposed: Request | None


def narrate(
    model: "LanguageModel", question: str, facts: Sequence[str], tools: Tools, quotation: "Quotation | None"
) -> Told:
    """Ask, and print the answer where there is a quotation to print into."""
    pieces: list[str] = []
    remarks: list[str] = []
    failed = False
    with ExitStack() as spinner:
        spinner.enter_context(waiting("Asking the language model"))

        async def listen() -> None:
            async for piece in model.answer(clean(question, LONGEST_UTTERANCE), facts, tools.all()):
                spinner.close()
                pieces.append(piece)
                if quotation is not None:
                    quotation.feed(piece)

        try:
            asyncio.run(listen())
        except (OutsideError, ConfigurationError) as error:
            failed = True
            remarks.append(f"{error.message.rstrip('.')}. Here is what I know without it.")
        finally:
            spinner.close()
            if quotation is not None:
                quotation.end()
    text = "".join(pieces)
    unsupported = unsupported_figures(text, [*facts, *tools.returned, question])
    if unsupported:
        named = ", ".join(unsupported[:MOST_NAMED])
        remarks.append(f"Not in the data that the model was given: {named}. Look for yourself: bethna market ETH")
    return Told(clean(text, LONGEST_ANSWER) if text else "", tuple(remarks), failed, tools.proposed)
