"""The words of the field, each in a sentence or two, and which of the three agents knows it best."""

import re
from dataclasses import dataclass
from functools import cache

from bethna_cli.domain.conversation import Speaker

_A, _B, _G = Speaker.ALPHA, Speaker.BETA, Speaker.GAMMA


@dataclass(frozen=True, slots=True)
class Term:
    """A word and what it means. names: how people write it, as a pattern; figure: where a leg has its value."""

    title: str
    names: str
    speaker: Speaker
    text: str
    figure: str | None = None


TERMS = (
    Term(
        "delta",
        r"deltas?",
        _A,
        "How much the option's price moves when the asset moves by 1 USD; for a call also roughly its chance to "
        "end in the money.",
        "delta",
    ),
    Term(
        "gamma",
        r"gammas?",
        _A,
        "How fast delta itself changes when the asset moves by 1 USD. It is largest near the strike shortly "
        "before expiry.",
        "gamma",
    ),
    Term(
        "theta",
        r"thetas?|time decay|decay",
        _A,
        "What the option loses in a day when nothing else changes. As a buyer you pay it.",
        "theta",
    ),
    Term(
        "vega",
        r"vegas?",
        _A,
        "How much the option's price moves when implied volatility moves by one point.",
        "vega",
    ),
    Term(
        "implied volatility",
        r"iv|implied vol(atility)?|volatility|vol",
        _A,
        "The yearly movement that an option's price implies. Dear options have a high one; it falls when fear "
        "does, and the option with it.",
        "iv",
    ),
    Term(
        "strike",
        r"strikes?( price)?",
        _A,
        "The price at which the option lets you buy (call) or sell (put) the asset at expiry.",
        "strike",
    ),
    Term(
        "expiry",
        r"expir(y|ies|ation|es?)",
        _A,
        "When the option ends, 08:00 UTC of its day. It is settled in USDC then; nothing has to be done.",
        "expiry",
    ),
    Term(
        "premium",
        r"premiums?",
        _A,
        "The price of the option, paid at once. It is the most a buyer can lose.",
        "premium_usdc",
    ),
    Term(
        "call",
        r"calls?( options?)?",
        _A,
        "Gains when the asset ends above strike plus premium. The most you lose is the premium. Collateral is "
        "USDC, so a call pays no more than its strike.",
    ),
    Term(
        "put",
        r"puts?( options?)?",
        _A,
        "Gains when the asset ends below strike less premium. The most you lose is the premium.",
    ),
    Term(
        "straddle",
        r"straddles?",
        _A,
        "A call and a put at one strike: it gains from a large move either way, and costs two premiums.",
    ),
    Term(
        "spread",
        r"(call |put |vertical )?spreads?",
        _A,
        "Two strikes in one option: cheaper than a plain call or put, and its gain ends at the second strike.",
    ),
    Term(
        "option",
        r"options?",
        _A,
        "A right that is worth something if the price ends where you said. Bought for a premium, which is all a "
        "buyer can lose.",
    ),
    Term(
        "break-even",
        r"break[- ]?evens?",
        _A,
        "The price at expiry from which the trade gains: strike and premium together.",
    ),
    Term(
        "funding",
        r"fundings?( rates?)?",
        _A,
        "What holders of perpetual futures pay each other. Positive: those who bet on a rise pay, so many of them do.",
    ),
    Term(
        "expected value",
        r"expected value|ev",
        _A,
        "What the trade would bring on average by the odds used. Below zero the option is too dear for them.",
    ),
    Term(
        "chance of profit",
        r"(chance|probability|odds) of (a )?profit|pop",
        _A,
        "How often the price would end beyond break-even by the odds used; it says nothing of how far.",
    ),
    Term(
        "sentiment",
        r"sentiment|mood|fear (and|&) greed|fear.greed",
        _A,
        "The mood of the crowd: Fear & Greed from 0 to 100, and posts where a source is set up.",
    ),
    Term(
        "hold",
        r"hold(ing)?",
        _A,
        "My answer when no option on offer is worth its price by the odds. The best candidate and what would "
        "change my mind stand beside it.",
    ),
    Term(
        "moneyness",
        r"(in|at|out)[- ]of?[- ]?the[- ]money|moneyness|[iao]tm",
        _A,
        "In the money: worth something if it ended now. At the money: the strike is at the price. Out of the "
        "money: it still needs a move.",
    ),
    Term(
        "slippage",
        r"slippage",
        _B,
        "How much less than quoted you would still accept. The bound is in what you sign; worse than that, "
        "nothing is bought.",
    ),
    Term(
        "gas",
        r"gas( price| fees?)?",
        _B,
        "What the network takes for a transaction, in ETH. I check it against your limit before the card and "
        "again before sending.",
    ),
    Term(
        "allowance",
        r"allowances?|approvals?|permits?",
        _B,
        "How much a contract may take from your wallet. I ask for exactly what a trade needs, and afterwards "
        "nothing is left but what open exits need.",
    ),
    Term(
        "nonce",
        r"nonces?",
        _B,
        "A number that is used once: it makes a signed trade impossible to execute twice.",
    ),
    Term(
        "signature",
        r"sign(ature|ing)?|eip-?712|digest",
        _B,
        "Your yes over exactly the figures on the card. The digest is their fingerprint: another figure, another "
        "digest.",
    ),
    Term(
        "deadline",
        r"deadlines?",
        _B,
        "Until when a signed trade may be executed. After it the contract refuses.",
    ),
    Term(
        "finality",
        r"final(ity)?|reorgani[sz]ations?|reorgs?",
        _B,
        "A block can still be replaced for a while. A trade is final when it cannot.",
    ),
    Term(
        "wallet",
        r"wallets?|keystores?",
        _B,
        "Your account. Its key stays encrypted on this machine and signs one plan at a time, after your password.",
    ),
    Term(
        "receipt",
        r"receipts?",
        _B,
        "What really happened: amounts by the contract's event and by your balances, slippage, gas.",
    ),
    Term(
        "stop-loss",
        r"stop[- ]?loss(es)?|\bsl\b",
        _G,
        "Sells when the position has lost that much. Best effort: someone has to bid, and never below the floor "
        "you signed.",
    ),
    Term(
        "take-profit",
        r"take[- ]?profits?|\btp\b",
        _G,
        "Sells when the position has gained that much, never below the floor you signed.",
    ),
    Term(
        "exit mandate",
        r"mandates?|exits?|exit rules?",
        _G,
        "A sale you sign in advance, bounded in token, amount, least proceeds and time. I can use it while you "
        "sleep, and nothing else.",
    ),
    Term(
        "value at risk",
        r"var|value[- ]at[- ]risk",
        _G,
        "A loss that a day exceeds once in twenty, by the model's figures.",
    ),
    Term(
        "mark",
        r"marks?|mark price",
        _G,
        "What a position is worth now. Where there is no fresh price I say unknown, not zero.",
    ),
    Term(
        "watcher",
        r"watch(er)?|monitor",
        _G,
        "The program that looks after your positions every minute. Without it running, no rule fires: bethna "
        "watch --detach",
    ),
    Term(
        "health score",
        r"health( score)?",
        _G,
        "How well your positions stand together, with its parts: bethna risk",
    ),
)


@cache
def _compiled() -> tuple[tuple[re.Pattern[str], Term], ...]:
    return tuple((re.compile(rf"\b(?:{term.names})\b", re.IGNORECASE), term) for term in TERMS)


def terms_in(text: str) -> list[Term]:
    """Return the terms that a text names, in the order in which they stand there."""
    found = [(match.start(), term) for pattern, term in _compiled() if (match := pattern.search(text))]
    return [term for _, term in sorted(found, key=lambda pair: pair[0])]
