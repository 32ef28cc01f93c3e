"""Answer a question from the stored recommendation and the glossary; no figure is from anywhere else.

Pure. Figures of the record carry its age, because a price that was true three minutes ago is history.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bethna_cli.domain.conversation import Speaker
from bethna_cli.domain.glossary import Term, terms_in

Record = Mapping[str, Any]

MOST_TERMS = 2
_WHY = re.compile(r"\b(why|how come|reasons?|rationale|explain (it|that|this|your|the)|kenapa|mengapa|convince)\b")
_LOSS = re.compile(r"\b(lose|loss|losing|worst|risk(s|y)?|wrong|downside|rugi)\b")
_GAIN = re.compile(r"\b(gain|win|make|profit|upside|best case|untung)\b")
_SURE = re.compile(r"\b(sure|confiden(t|ce)|certain|accura(te|cy)|track record|record|trust|reliable|win rate)\b")
_APPROVING = re.compile(
    r"\b((after|when|if|once) i (approve|say yes|sign|confirm|buy)|how (do(es)?|can|would) (i |approv\w+ )?"
    r"(approve|approving|sign|signing|buy|buying|work)|approv(e|ing) (do|mean|work)|say(ing)? yes)\b"
)
_SELLING = re.compile(
    r"\b((how|when|can|should) (do |can |could |would )?i (sell|close|exit|get out)|selling|sell early)\b"
)
_OTHER = re.compile(
    r"\bnot (?:a |an )?(call|put|straddle|spread)\b|\binstead of (?:a |an )?(call|put|straddle|spread)\b"
)

APPROVING = (
    "I check the trade, show you the card with every figure, and ask for the four characters that stand on it. "
    "Then your wallet's password signs exactly that. I check again, journal it, send it, and show the receipt. Until "
    "you have typed the code nothing happens."
)
SELLING = (
    "With bethna close ID, at any time before expiry, as far as somebody bids: the same card, a code you type, your "
    "signature. A stop-loss or take-profit signed in advance sells without you, while the watcher runs."
)
UNKNOWN = (
    "I have no answer to that. Ask about the idea on the table (why? what can I lose?), or about a word: what is delta?"
)


@dataclass(frozen=True, slots=True)
class Explanation:
    """Who answers, and the lines of the answer. known: whether there was one."""

    speaker: Speaker
    lines: tuple[str, ...]
    known: bool = True


def is_about_the_table(text: str) -> bool:
    """Say whether a line asks for what the record of a recommendation answers: reasons, stakes, how sure."""
    line = " ".join(text.lower().split())
    return any(pattern.search(line) for pattern in (_WHY, _LOSS, _GAIN, _SURE)) and not _defines(line)


def is_definition(text: str) -> bool:
    """Say whether a line asks for the meaning of a word of the field."""
    return _defines(" ".join(text.lower().split()))


def explain(question: str, record: Record | None, now: datetime) -> Explanation:
    """Answer from the recommendation on the table (None: nothing is) and the glossary."""
    line = " ".join(question.lower().split())
    if _APPROVING.search(line):
        return Explanation(Speaker.BETA, (APPROVING,))
    if _SELLING.search(line):
        return Explanation(Speaker.GAMMA, (SELLING,))
    if record is not None:
        if _WHY.search(line):
            return Explanation(Speaker.ALPHA, tuple(_reasons(line, record, now)))
        if _SURE.search(line):
            return Explanation(Speaker.ALPHA, tuple(_confidence(record, now)))
        if not _defines(line) and (_LOSS.search(line) or _GAIN.search(line)):
            return Explanation(Speaker.ALPHA, tuple(_stakes(record, now)))
    terms = terms_in(line)[:MOST_TERMS]
    if terms:
        return Explanation(terms[0].speaker, tuple(_defined(terms, record, now)))
    if record is not None:
        return Explanation(Speaker.ALPHA, tuple(_reasons(line, record, now)))
    if _WHY.search(line):
        return Explanation(Speaker.ALPHA, ("Nothing is on the table yet. Ask me first: what should I do with ETH?",))
    return Explanation(Speaker.COPILOT, (UNKNOWN,), known=False)


def _defines(line: str) -> bool:
    return bool(re.match(r"(what('?s| is| are| does)|define|meaning of|apa itu)\b", line)) and bool(terms_in(line))


def age_words(at: str, now: datetime) -> str:
    """Say how long ago an ISO time was."""
    seconds = max(0.0, (now - datetime.fromisoformat(at)).total_seconds())
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit} ago"
    return f"{seconds:.0f} s ago"


def shown_trade(record: Record) -> Record | None:
    """Return the trade that a recommendation shows: its own, or the candidate it refused."""
    return record if record["legs"] else record["candidate"]


def _seen(record: Record, now: datetime) -> str:
    spot = record["market"]["spot"]
    simulated = "simulated, " if record["simulated"] else ""
    if spot.get("value") is None:
        return f"({simulated}as of {age_words(record['created_at'], now)})"
    price = f"{record['asset']} at {spot['value']:,.2f} USD by {spot['source']}"
    return f"({simulated}{price}, {age_words(record['created_at'], now)})"


def _reasons(line: str, record: Record, now: datetime) -> Iterator[str]:
    yield f"On {record['asset']} I said {_called(record['signal'])} {_seen(record, now)}:"
    yield from (f"- {reason['text']}" for reason in record["reasons"])
    trade = record["candidate"] if record["signal"] == "HOLD" else None
    if trade and trade["refused_because"]:
        yield f"- The best candidate, {_called(trade['signal'])}: {trade['refused_because']}."
    other = _OTHER.search(line)
    view = record["view"]
    if view is not None:
        without = _called(view["signal_without"])
        yield f"- Your view counted: {view['sentiment'].lower()}, odds × {view['odds']:g}; without it: {without}."
    if other is not None:
        kind = other[1] or other[2]
        yield f"- The record holds no {kind} to compare with; see what one costs: show me {record['asset']} {kind}s"


def _confidence(record: Record, now: datetime) -> Iterator[str]:
    odds = record["prediction"]
    yield (
        f"Up {odds['bullish']:.1%}, flat {odds['neutral']:.1%}, down {odds['bearish']:.1%} in {odds['horizon_days']:g} "
        f"days {_seen(record, now)}."
    )
    if odds["shrink"] == 0:
        yield "That is no directional view: on held-out history the model was no better than plain frequencies."
    past = record["record"]
    if past is None:
        yield "There is no measured record of such trades yet, so I claim none."
    else:
        yield f"Measured: {past['trades']} trades, {past['win_rate']:.1%} won ({past['data']})."


def _stakes(record: Record, now: datetime) -> Iterator[str]:
    trade = shown_trade(record)
    if trade is None:
        yield "There is no trade on the table, so nothing to lose."
        return
    most = trade["max_profit_usdc"]
    gain = "without limit" if most is None else f"at most {most:,.2f} USDC"
    evens = " and ".join(f"{price:,.2f}" for price in trade["break_even"])
    yield (
        f"You lose at most {trade['max_loss_usdc']:,.2f} USDC, the premium, and gas; you gain {gain}, from "
        f"{evens} USD at expiry {_seen(record, now)}."
    )
    yield (
        f"Chance of profit {trade['probability_of_profit']:.1%}; expected value "
        f"{trade['expected_value_usdc']:+,.2f} USDC by these odds."
    )
    if quantiles := trade.get("payoff_quantiles"):
        ends = ", ".join(f"{share:.0%} of outcomes at or below {pnl:+,.2f}" for share, pnl in quantiles)
        yield f"By the same odds, in USDC: {ends}."


def _defined(terms: Sequence[Term], record: Record | None, now: datetime) -> Iterator[str]:
    trade = None if record is None else shown_trade(record)
    for term in terms:
        yield f"{term.title.capitalize() if term.title.islower() else term.title}: {term.text}"
        if term.figure and trade and record:
            values = [leg[term.figure] for leg in trade["legs"] if leg.get(term.figure) is not None]
            if values:
                here = ", ".join(_figure(term.figure, value) for value in values)
                yield f"On the table: {here} {_seen(record, now)}."


def _figure(name: str, value: Any) -> str:
    if name == "iv":
        return f"{value:.1%}"
    if name == "expiry":
        return str(value).replace("T", " ")[:16] + " UTC"
    if name in ("strike", "premium_usdc"):
        return f"{value:,.2f} {'USD' if name == 'strike' else 'USDC'}"
    return f"{value:+.4g}"


def _called(signal: str) -> str:
    return "HOLD" if signal == "HOLD" else signal.lower().replace("_", " ")
