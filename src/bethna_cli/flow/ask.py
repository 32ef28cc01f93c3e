"""Listen: clean what was typed, once, and find out what it asks for. Nothing is looked up, decided or sent here."""

from bethna_cli.domain.text import clean
from bethna_cli.domain.utterance import Understood, asked_about
from bethna_cli.ports import Clock, Understander

LONGEST_UTTERANCE = 2_000


def ask(text: str, understander: Understander, clock: Clock) -> Understood:
    """Understand one utterance as of now; days like "friday" count from the clock. Never raises over what was typed.

    An order with characters in it that nobody sees was not typed as it is read: it is asked about.
    """
    understood = understander.understand(clean(text, LONGEST_UTTERANCE), clock.now())
    return asked_about(understood) if understood.kind.is_money and _hides_something(text) else understood


def _hides_something(text: str) -> bool:
    return any(not character.isprintable() and not character.isspace() for character in text)
