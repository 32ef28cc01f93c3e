"""A signed trade as the store keeps it: JSON with its amounts as text, because other readers' numbers are fractions."""

import json
from dataclasses import asdict

from bethna_cli.domain.chain import SigningDomain
from bethna_cli.domain.trade import PlannedTrade, Side, TradeIntent

_NUMBERS = ("amount_in", "quoted_amount_out", "min_amount_out", "nonce", "deadline_s")


def trade_text(trade: PlannedTrade) -> str:
    """Write a trade."""
    document = asdict(trade)
    document["intent"] = {
        name: str(int(value)) if isinstance(value, int) else value for name, value in document["intent"].items()
    }
    return json.dumps(document, separators=(",", ":"))


def read_trade(text: str) -> PlannedTrade:
    """Read what `trade_text` wrote. Raises ValueError for a trade that cannot be one."""
    document = json.loads(text)
    fields = document["intent"]
    intent = TradeIntent(
        **{**fields, **{name: int(fields[name]) for name in _NUMBERS}, "side": Side(int(fields["side"]))}
    )
    return PlannedTrade(document["purpose"], SigningDomain(**document["domain"]), intent)
