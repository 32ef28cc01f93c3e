"""What a language model may say that it understood: the same kinds and values as everybody else, within bounds."""

import re
from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

from bethna_cli.domain.utterance import Feeling, IntentKind, OptionSide, Slots, Understood

Percentage = Annotated[float, Field(gt=0, le=10_000, allow_inf_nan=False)]
Money = Annotated[Decimal, Field(gt=0, le=10**9, allow_inf_nan=False)]
_ASSET = re.compile(r"[A-Z]{2,8}", re.ASCII)
_POSITION = re.compile(r"(?:0x)?[0-9a-f]{4,64}|all|last", re.ASCII)


class Said(BaseModel):
    """A model's reading of one line. What it leaves out, or cannot know, is None."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    intent: IntentKind
    confidence: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = 0.5
    asset: str | None = None
    sentiment: Feeling | None = None
    option_type: OptionSide | None = None
    strike: Money | None = None
    expiry_days: Annotated[float, Field(gt=0, le=366, allow_inf_nan=False)] | None = None
    amount: Money | None = None
    position: str | None = None
    stop_loss_pct: Percentage | None = None
    take_profit_pct: Percentage | None = None

    @field_validator("asset")
    @classmethod
    def _is_ticker(cls, value: str | None) -> str | None:
        if value is not None and not _ASSET.fullmatch(value):
            raise ValueError("not a ticker")
        return value

    @field_validator("position")
    @classmethod
    def _is_position(cls, value: str | None) -> str | None:
        if value is not None and not _POSITION.fullmatch(value):
            raise ValueError("not a position")
        return value

    def understood(self) -> Understood:
        """Return it as everybody's noun."""
        values = self.model_dump(exclude={"intent", "confidence"})
        return Understood(self.intent, Slots(**values), self.confidence)


def _optional(kind: str, purpose: str, **more: object) -> dict[str, object]:
    return {"type": [kind, "null"], "description": purpose, **more}


INTENT_TOOL: dict[str, object] = {
    "type": "function",
    "function": {
        "name": "understood",
        "description": "What the person's line asks for.",
        "parameters": {
            "type": "object",
            "properties": {
                "intent": {"type": "string", "enum": [kind.value for kind in IntentKind]},
                "confidence": {"type": "number", "description": "0 to 1"},
                "asset": _optional("string", "a ticker like ETH"),
                "sentiment": _optional("string", "the person's view", enum=[*(one.value for one in Feeling), None]),
                "option_type": _optional("string", "CALL or PUT", enum=[*(one.value for one in OptionSide), None]),
                "strike": _optional("number", "USD"),
                "expiry_days": _optional("number", "days from now"),
                "amount": _optional("number", "USDC to spend"),
                "position": _optional("string", "first digits of an id, all, or last"),
                "stop_loss_pct": _optional("number", "20 is 20 %"),
                "take_profit_pct": _optional("number", "a double is 100"),
            },
            "required": ["intent", "confidence"],
        },
    },
}
