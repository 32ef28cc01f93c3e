"""The first-run tour: an idea, its reasons, the card, a pretend purchase, and somebody to watch it.

It says the very lines that a person would, through the same conversation, so that nothing in it is staged; the yes to
the card is still typed. It is for the embedded world alone.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bethna_cli.domain.conversation import Confirm

if TYPE_CHECKING:
    from bethna_cli.cli.talk import Talk

OFFER = "First time here? /tour buys and watches a trade with you, in pretend money; it takes two minutes."
NOT_HERE = "The tour buys something, so it is for the embedded world alone: bethna chat --network sim"
FAREWELL = (
    "That was the whole journey: asked, explained, signed, bought, watched. The watcher goes on in the background; "
    "/watch stop ends it. From here: sell it if it is up 20%   anything happen overnight?   /help"
)


@dataclass(frozen=True, slots=True)
class Stop:
    """One stop: what is said about it, and the line that is then said for the person."""

    text: str
    line: str


STOPS = (
    Stop("Say what you think, in your own words. Alpha looks at the market and proposes one trade, or none.",
         "I'm bullish on ETH, what should I do with 50 usdc?"),
    Stop("Never take a figure on trust: ask.", "why?"),
    Stop("What can go wrong is worth a question of its own.", "what can I lose?"),
    Stop("Say yes, and Beta checks everything and shows the card. You sign exactly what stands on it, by typing the "
         "four characters it asks for; the pretend wallet needs no password.", "looks good, go ahead"),
    Stop("The option is yours, on a chain on this machine.", "what do I hold?"),
    Stop("Gamma watches: values it every minute, warns, and sells by the rules you signed for.", "/watch --detach"),
    Stop("With a mark from the watcher, the position has a value.", "what do I hold?"),
)  # fmt: skip


def take_tour(
    talk: "Talk", go_on: Callable[[], bool], show: Callable[[str], None], stops: Sequence[Stop] = STOPS
) -> None:
    """Lead through the stops; go_on: waits for the person, and says whether to go on."""
    if talk.session.network != "sim":
        show(NOT_HERE)
        return
    for number, stop in enumerate(stops, 1):
        show(f"\n{number}/{len(stops)}  {stop.text}\n      You say: {stop.line}")
        if not go_on():
            show("Left the tour; /tour begins it again.")
            return
        code = talk.hear(stop.line).exit_code
        if isinstance(talk.context.pending, Confirm):
            show("      Alpha advises against it, and this is pretend money. You say: yes")
            code = talk.hear("yes").exit_code
        if code:
            show("This stop did not work out, and the tour ends here. Nothing is lost; /tour begins it again.")
            return
    show(FAREWELL)
