"""Listen: clean what was typed, once, and find out what it asks for. Nothing is looked up, decided or sent here."""

from bethna_cli.domain.text import clean
from bethna_cli.domain.utterance import Understood
from bethna_cli.ports import Clock, Understander

LONGEST_UTTERANCE = 2_000


def ask(text: str, understander: Understander, clock: Clock) -> Understood:
    """Understand one utterance as of now; days like "friday" count from the clock. Never raises over what was typed."""
    return understander.understand(clean(text, LONGEST_UTTERANCE), clock.now())
