"""From a line to its meaning: marks, a model for what is likely, rules for what cannot be, slots for the kind."""

import re
from collections.abc import Mapping
from datetime import datetime

from bethna_cli.domain.utterance import MONEY_INTENTS, IntentKind, Understood, asked_about
from bethna_cli.language.features import features_of, tokens_of
from bethna_cli.language.idioms import foreign_words
from bethna_cli.language.marks import mark
from bethna_cli.language.model import IntentModel
from bethna_cli.language.rules import INSTEAD, Doubt, Judgement, judge
from bethna_cli.language.slots import shock_of, slots_of
from bethna_cli.language.spelling import Speller
from bethna_cli.language.words import fold

UNSURE_BELOW = 0.60
"""Below it the person is asked which of two kinds was meant."""

SURE_FOR_MONEY = 0.60
"""A money intent that is less likely than this is not taken as one."""

_WORD = re.compile(r"(?<![~:\w])[a-z]{4,}(?![\w:])")
"""A word that is no mark and no part of one."""


class LocalUnderstander:
    """Understands on this machine, without any service."""

    def __init__(self, model: IntentModel) -> None:
        self._model = model
        self._speller = Speller({word: rank for rank, word in enumerate(model.words)})

    def understand(self, text: str, now: datetime) -> Understood:
        folded = fold(text)
        marked = mark(folded, now.date())
        tokens = tokens_of(marked, self._speller.correct)
        if not tokens:
            return Understood(IntentKind.OUT_OF_SCOPE, slots_of(marked, IntentKind.OUT_OF_SCOPE), 1.0)
        likely = self._model.probabilities(features_of(tokens))
        judgement = judge(folded, self._respelt(marked), foreign_words(tokens, self._model.order_words))
        if judgement.doubt is not None:
            likely = without_orders(likely, judgement.doubt)
        first = max(_allowed(likely, judgement), key=lambda kind: (likely[kind], kind))
        others = (kind for kind in likely if kind is not first and kind not in judgement.without_evidence)
        second = max(others, key=lambda kind: (likely[kind], kind))
        understood = Understood(
            kind=first,
            slots=slots_of(marked, first),
            confidence=likely[first],
            alternative=second if likely[first] < UNSURE_BELOW else None,
            shock_pct=shock_of(marked) if first is IntentKind.SHOW_RISK else None,
        )
        return asked_about(understood) if first in judgement.unexpected else understood

    def _respelt(self, marked: str) -> str:
        return _WORD.sub(lambda found: self._speller.correct(found[0]), marked)


def without_orders(likely: Mapping[IntentKind, float], doubt: Doubt) -> dict[IntentKind, float]:
    """Give the probability of every money intent to what the words are instead. An answer is no question either."""
    refused = MONEY_INTENTS | ({IntentKind.REJECT} if doubt is Doubt.QUESTION else set())
    kept = {kind: (0.0 if kind in refused else share) for kind, share in likely.items()}
    kept[INSTEAD[doubt]] += sum(likely[kind] for kind in refused)
    return kept


def _allowed(likely: Mapping[IntentKind, float], judgement: Judgement) -> list[IntentKind]:
    """List the kinds that may be understood: a money intent must be likely, and its words must be there."""
    refused = judgement.without_evidence | {kind for kind in MONEY_INTENTS if likely[kind] < SURE_FOR_MONEY}
    return [kind for kind in likely if kind not in refused]
