"""From a line to its meaning: marks, a model for what is likely, rules for what cannot be, slots for the kind."""

from collections.abc import Mapping
from datetime import datetime

from bethna_cli.domain.utterance import MONEY_INTENTS, IntentKind, Understood
from bethna_cli.language.features import features_of, tokens_of
from bethna_cli.language.marks import mark
from bethna_cli.language.model import IntentModel
from bethna_cli.language.rules import INSTEAD, Judgement, is_plain_yes, judge
from bethna_cli.language.slots import shock_of, slots_of
from bethna_cli.language.spelling import Speller
from bethna_cli.language.words import fold

UNSURE_BELOW = 0.60
"""Below it the person is asked which of two kinds was meant."""

SURE_FOR_MONEY = 0.55
"""A money intent that is less likely than this is not taken as one."""


class LocalUnderstander:
    """Understands on this machine, in about two milliseconds, without any service."""

    def __init__(self, model: IntentModel) -> None:
        self._model = model
        self._speller = Speller({word: rank for rank, word in enumerate(model.words)})

    def understand(self, text: str, now: datetime) -> Understood:
        folded = fold(text)
        marked = mark(folded, now.date())
        tokens = tokens_of(marked, self._speller.correct)
        if not tokens:
            return Understood(IntentKind.OUT_OF_SCOPE, slots_of(marked, IntentKind.OUT_OF_SCOPE), 1.0)
        likely = without_doubtful_money(self._model.probabilities(features_of(tokens)), judge(folded, marked), marked)
        first, second = sorted(likely, key=lambda kind: (-likely[kind], kind))[:2]
        return Understood(
            kind=first,
            slots=slots_of(marked, first),
            confidence=likely[first],
            alternative=second if likely[first] < UNSURE_BELOW else None,
            shock_pct=shock_of(marked) if first is IntentKind.SHOW_RISK else None,
        )


def without_doubtful_money(
    likely: Mapping[IntentKind, float], judgement: Judgement, marked: str
) -> dict[IntentKind, float]:
    """Move the probability of every money intent that the words do not bear out to what they say instead."""
    refused = set(MONEY_INTENTS) if judgement.doubt else set(judgement.without_evidence)
    if not is_plain_yes(marked):
        refused.add(IntentKind.APPROVE)
    refused |= {kind for kind in MONEY_INTENTS if likely[kind] < SURE_FOR_MONEY}
    moved = sum(likely[kind] for kind in refused)
    kept = {kind: (0.0 if kind in refused else share) for kind, share in likely.items()}
    target = INSTEAD[judgement.doubt] if judgement.doubt else None
    if target is None:
        target = max((kind for kind in kept if kind not in MONEY_INTENTS), key=lambda kind: (kept[kind], kind))
    kept[target] += moved
    return kept
