"""What is said to everything that is no business of ours: briefly to small talk, firmly to transfers and secrets."""

import re

from bethna_cli.domain.conversation import Say, Speaker
from bethna_cli.domain.utterance import IntentKind

USAGE, REFUSED = 2, 3

HELP_LINES = """Say what you think, or ask:
  I'm bullish on ETH, what should I do?   what's the funding on BTC?
  show me ETH calls                       buy the 3200 ETH call, 100 usdc
  why?   make it 200   and for BTC?       looks good, go ahead
  what do I hold?                         close my ETH call if it's up 20%
  what happens if ETH drops 10%?          anything happen overnight?
Every bethna command works here with a slash, like /market ETH or /positions.
Nothing is bought or sold before you have typed a code from its card.
Ctrl-C drops the line or stops an answer; Ctrl-D leaves."""

_TRANSFER = re.compile(
    r"\b(send|transfer|withdraw|wire|forward|deposit|bridge|swap|pay|move|kirim|tarik|transfer(?:kan)?)\b"
    r".*(\b(usdc|usdt|eth|btc|funds?|money|coins?|tokens?|everything|all|balance|dana|uang|wallet)\b|0x[0-9a-f]|\[address\])"
)
_SECRET = re.compile(
    r"\b(private key|seed( phrase)?|mnemonic|recovery phrase|passw\w+|pass ?phrase|keystore|secret|api key|"
    r"kata sandi|kunci pribadi)\b"
)
_TALK = (
    (re.compile(r"\b(thanks?|thank you|thx|ty|cheers|makasih|terima kasih)\b"), "You're welcome."),
    (
        re.compile(r"\b(hi|hello|hey|gm|good (morning|evening|afternoon)|halo|hai|selamat \w+|yo|sup)\b"),
        "Hello. What do you think of ETH or BTC?",
    ),
    (re.compile(r"\b(bye|good ?night|see you|later|quit|exit|dadah)\b"), "Goodbye. Ctrl-D leaves."),
    (
        re.compile(r"\b(who|what) are you\b|\bare you (a |an )?(bot|human|ai|real)\b|siapa kamu"),
        "A program: Alpha looks and thinks, Beta checks and executes, Gamma watches. You decide.",
    ),
    (re.compile(r"\bhow are you\b|apa kabar"), "Running. What do you think of ETH or BTC?"),
)


def beyond(text: str, kind: IntentKind) -> Say:
    """Answer what leads to no command."""
    if kind is IntentKind.HELP:
        return Say(Speaker.COPILOT, HELP_LINES)
    line = " ".join(text.lower().split())
    if _TRANSFER.search(line):
        return Say(
            Speaker.BETA,
            "I send nothing to anybody: I buy and sell options from your own wallet, each after a card that you sign. "
            "For a transfer use your wallet's own program.",
            REFUSED,
        )
    if _SECRET.search(line):
        return Say(
            Speaker.BETA,
            "Keys, phrases and passwords are never shown and never asked for here. They are typed at a hidden prompt: "
            "bethna wallet -h",
            REFUSED,
        )
    for words, answer in _TALK:
        if words.search(line):
            return Say(Speaker.COPILOT, answer)
    return Say(
        Speaker.COPILOT, "That is not something I do. I know ETH and BTC options: what should I do with ETH?", USAGE
    )
