"""What a language model may look at: the same commands as everybody, their JSON, and nothing that changes anything.

`propose` ends in a question to the person, who may look at the trade on a card; it prices and buys nothing.
"""

import io
import json
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from typing import Any

from bethna_cli.domain.conversation import Request
from bethna_cli.domain.glossary import terms_in
from bethna_cli.ports import ReadTool

Runner = Callable[[Sequence[str]], int]

ASSETS = ("ETH", "BTC")
KINDS = ("call", "put", "call-spread", "put-spread", "straddle")
MOST_ROWS = 40
TOO_MUCH = frozenset({"payoff", "order_id", "good_until", "quotes", "left_out"})
_NUMBER = re.compile(r"\d{1,9}(?:\.\d{1,2})?", re.ASCII)
_EMPTY: Mapping[str, object] = {"type": "object", "properties": {}}
_ASSET = {"type": "string", "enum": list(ASSETS)}
_KIND = {"type": "string", "enum": list(KINDS)}


class Tools:
    """The tools of one answer, and what came of them: texts that were returned, and a proposal if there was one."""

    def __init__(self, run: Runner) -> None:
        self._run = run
        self.returned: list[str] = []
        self.proposed: Request | None = None

    def all(self) -> list[ReadTool]:
        """Return every tool."""
        asset = {"type": "object", "properties": {"asset": _ASSET}, "required": ["asset"]}
        board = {"type": "object", "properties": {"asset": _ASSET, "kind": _KIND}, "required": ["asset", "kind"]}
        shock = {"type": "object", "properties": {"shock_pct": {"type": "number"}}}
        term = {"type": "object", "properties": {"term": {"type": "string"}}, "required": ["term"]}
        number = {"type": "number"}
        trade = {"asset": _ASSET, "kind": _KIND, "strike": number, "expiry_days": number, "amount_usdc": number}
        wish = {"type": "object", "properties": trade, "required": ["asset", "kind", "strike"]}
        return [
            ReadTool("market", "Spot, IV, funding and mood, with source and age", asset, self._noted(self._market)),
            ReadTool("strategies", "What is on offer: strikes, prices, Greeks", board, self._noted(self._strategies)),
            ReadTool("positions", "The person's positions", _EMPTY, self._noted(lambda _: self._looked("positions"))),
            ReadTool("risk", "Greeks, value at risk, a what-if", shock, self._noted(self._risk)),
            ReadTool("history", "Closed trades", _EMPTY, self._noted(lambda _: self._looked("history"))),
            ReadTool("explain", "The meaning of a word of the field", term, self._noted(self._explain)),
            ReadTool("propose", "Offer the person to look at a purchase on a card", wish, self._noted(self._propose)),
        ]

    def _noted(self, look: Callable[[Mapping[str, object]], str]) -> Callable[[Mapping[str, object]], str]:
        def noted(arguments: Mapping[str, object]) -> str:
            found = look(arguments)
            self.returned.append(found)
            return found

        return noted

    def _looked(self, *command: str) -> str:
        """Run a command that only looks, and return its JSON without what is long and says little."""
        printed = io.StringIO()
        with redirect_stdout(printed), redirect_stderr(io.StringIO()):
            self._run((*command, "--json"))
        try:
            return json.dumps(_trimmed(json.loads(printed.getvalue())))
        except ValueError:
            return "There was no answer."

    def _market(self, arguments: Mapping[str, object]) -> str:
        asset = arguments.get("asset")
        return self._looked("market", str(asset)) if asset in ASSETS else _unknown("asset", ASSETS)

    def _strategies(self, arguments: Mapping[str, object]) -> str:
        asset, kind = arguments.get("asset"), arguments.get("kind")
        if asset not in ASSETS or kind not in KINDS[:-1]:
            return _unknown("asset and kind", (*ASSETS, *KINDS[:-1]))
        return self._looked("strategies", f"{str(asset).lower()}-{kind}")

    def _risk(self, arguments: Mapping[str, object]) -> str:
        shock = arguments.get("shock_pct")
        if isinstance(shock, int | float) and not isinstance(shock, bool) and -90 <= shock <= 900:
            return self._looked("risk", f"--shock={shock:g}%")
        return self._looked("risk")

    def _explain(self, arguments: Mapping[str, object]) -> str:
        found = terms_in(str(arguments.get("term"))[:100])
        return " ".join(f"{term.title}: {term.text}" for term in found) or "No such word in the glossary."

    def _propose(self, arguments: Mapping[str, object]) -> str:
        asset, kind, strike = arguments.get("asset"), arguments.get("kind"), _plain(arguments.get("strike"))
        days, amount = _plain(arguments.get("expiry_days")), _plain(arguments.get("amount_usdc"))
        if asset not in ASSETS or kind not in KINDS or strike is None:
            return _unknown("asset, kind and strike", (*ASSETS, *KINDS))
        expiry = None if days is None else f"{days}d"
        self.proposed = Request("buy", str(asset), str(kind), strike=strike, expiry=expiry, budget=amount)
        return "The person will be asked whether to look at it on a card. It is neither priced nor bought."


def _plain(value: object) -> str | None:
    """Read a positive number as flags take it; anything else is nothing."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    text = f"{value:.2f}".rstrip("0").rstrip(".") if value == value else ""
    return text if _NUMBER.fullmatch(text) and float(text) > 0 else None


def _unknown(what: str, known: Sequence[str]) -> str:
    return f"That is no {what} that exists. There are: {', '.join(known)}."


def _trimmed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _trimmed(one) for key, one in value.items() if key not in TOO_MUCH}
    if isinstance(value, list):
        return [_trimmed(one) for one in value[:MOST_ROWS]]
    return round(value, 6) if isinstance(value, float) else value


def trimmed_record(record: Mapping[str, Any]) -> str:
    """Return a recommendation as text for a model: everything but the long rows."""
    return json.dumps(_trimmed(dict(record)))
