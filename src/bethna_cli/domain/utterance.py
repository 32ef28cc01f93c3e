"""What a person said, as bethna understood it: one of fifteen kinds, the values found in the text, and how sure it is.

It names what was meant and orders nothing: a money intent still ends at the review card, where a person types a yes.
"""

from dataclasses import dataclass, fields, replace
from decimal import Decimal
from enum import StrEnum


class IntentKind(StrEnum):
    """What an utterance asks for. The names are part of the JSON contract."""

    REQUEST_TRADE_RECOMMENDATION = "REQUEST_TRADE_RECOMMENDATION"
    BROWSE_STRATEGIES = "BROWSE_STRATEGIES"
    OPEN_POSITION = "OPEN_POSITION"
    APPROVE = "APPROVE"
    REJECT = "REJECT"
    SHOW_POSITIONS = "SHOW_POSITIONS"
    CLOSE_POSITION = "CLOSE_POSITION"
    SET_EXIT_RULE = "SET_EXIT_RULE"
    SHOW_MARKET = "SHOW_MARKET"
    SHOW_RISK = "SHOW_RISK"
    SHOW_HISTORY = "SHOW_HISTORY"
    SHOW_ALERTS = "SHOW_ALERTS"
    EXPLAIN = "EXPLAIN"
    HELP = "HELP"
    OUT_OF_SCOPE = "OUT_OF_SCOPE"

    @property
    def is_money(self) -> bool:
        """Whether following it leads to a signature. When in doubt, an utterance is not one of these."""
        return self in MONEY_INTENTS


MONEY_INTENTS = frozenset({IntentKind.APPROVE, IntentKind.OPEN_POSITION, IntentKind.CLOSE_POSITION})


class Feeling(StrEnum):
    """The person's opinion on the price, as they said it. VOLATILE: a large move, either way."""

    BULLISH = "BULLISH"
    BEARISH = "BEARISH"
    NEUTRAL = "NEUTRAL"
    VOLATILE = "VOLATILE"


class OptionSide(StrEnum):
    """Which kind of option was named."""

    CALL = "CALL"
    PUT = "PUT"


@dataclass(frozen=True, slots=True)
class Slots:
    """Values found in the text, None where there is none. The names are part of the JSON contract.

    asset: a ticker, whether bethna has a market for it or not. strike in USD, amount in USDC. expiry_days: days from
    now. position: the first digits of an id, or `all`, `last`. Percentages are positive: 20 is 20 %, a double is 100.
    """

    asset: str | None = None
    sentiment: Feeling | None = None
    option_type: OptionSide | None = None
    strike: Decimal | None = None
    expiry_days: float | None = None
    amount: Decimal | None = None
    position: str | None = None
    stop_loss_pct: float | None = None
    take_profit_pct: float | None = None


AS_LIKELY_AS_NOT = 0.50


@dataclass(frozen=True, slots=True)
class Understood:
    """One utterance, understood. confidence: 0..1, calibrated: of a hundred at 0.9 about ninety are right.

    alternative: the second kind, when the first is too unsure to act on: ask the person which of the two was meant.
    shock_pct: the move asked about in a what-if, signed (-10: the price falls by 10 %); not part of the JSON slots.
    """

    kind: IntentKind
    slots: Slots
    confidence: float
    alternative: IntentKind | None = None
    shock_pct: float | None = None


def asked_about(understood: Understood) -> Understood:
    """Return an order of which something is not as orders are: not taken for one, and asked about."""
    return replace(
        understood,
        kind=IntentKind.OUT_OF_SCOPE,
        slots=replace(understood.slots, position=None),
        confidence=AS_LIKELY_AS_NOT,
        alternative=understood.kind,
    )


def utterance_document(understood: Understood) -> dict[str, object]:
    """Return what was understood as scripts see it: slots that were not found are absent, numbers are JSON numbers."""
    found = {field.name: getattr(understood.slots, field.name) for field in fields(Slots)}
    return {
        "intent": understood.kind.value,
        "slots": {name: _plain(value) for name, value in found.items() if value is not None},
        "confidence": round(understood.confidence, 4),
    }


def _plain(value: object) -> object:
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, Decimal | float):
        return int(value) if value == int(value) else float(value)
    return value
