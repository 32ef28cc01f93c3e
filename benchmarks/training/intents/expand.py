"""Turns the lines of utterances.txt into utterances: alternatives chosen, values filled in, some letters mistyped.

Deterministic: the seed is an argument. Every line gives some variants, a line with many alternatives gives more.
"""

import random
import re
from collections.abc import Iterator
from pathlib import Path

VALUES = {
    "asset": "ETH eth ether ethereum Ethereum BTC btc bitcoin Bitcoin eth btc eth btc sol".split(),
    "side": ["call", "put", "calls", "puts", "call", "put"],
    "side1": ["call", "put"],
    "strike": "3200 3,200 3000 3.2k 2800 100k 95k 3500 110,000 90000 4000 2500 $3,000 3150".split(),
    "amount": "$50|100 usdc|200 dollars|50 bucks|1k usdc|$1,500|250 USDC|a hundred bucks|half a grand".split("|"),
    "when": "7d|7 days|two weeks|30d|next friday|a week|14 days|1 month|tomorrow|2w|25 dec|end of month".split("|"),
    "span": ["week", "month", "two weeks", "few days", "30 days", "7 days"],
    "day": "friday|next friday|december 25|tomorrow|end of month|next week|4 dec|monday".split("|"),
    "month": ["october", "september", "march", "june", "january"],
    "pct": ["20%", "25 %", "30 percent", "10%", "50%", "15 pct", "5%", "40%", "100%"],
    "level": ["3000", "$2,500", "100k", "80k", "4000", "90,000"],
    "id": ["3f2a", "8c41d0", "a91b", "b04e77", "7ab2", "12ef", "9d3c01aa"],
    "num": ["200", "50", "150", "500", "1000", "75"],
    "num1": ["2", "1", "3", "5", "10"],
    "num2": ["20", "30", "50", "15", "10", "25"],
    "num3": ["10", "5", "20", "three", "100"],
}  # fmt: skip
_GROUP = re.compile(r"\(([^()]*)\)")
_VALUE = re.compile(r"\{(\w+)\}")
FEWEST, MOST = 12, 100
MISTYPED = 0.12


def lines_of(path: Path) -> Iterator[tuple[str, str]]:
    """Yield (kind, line) for every line of an utterance file."""
    kind = ""
    for line in path.read_text("utf-8").splitlines():
        if line.startswith("= "):
            kind = line[2:].strip()
        elif line.strip() and not line.startswith("#"):
            yield kind, line.strip()


def variants(line: str, chance: random.Random) -> list[str]:
    """Return different utterances of one line, in a stable order, some of them mistyped."""
    return [mistyped(text, chance) if chance.random() < MISTYPED else text for text in unmistyped(line, chance)]


def unmistyped(line: str, chance: random.Random) -> list[str]:
    """Return different utterances of one line, in a stable order."""
    wanted = max(FEWEST, min(MOST, int(combinations(line) ** 0.5)))
    return list(dict.fromkeys(one_of(line, chance) for _ in range(3 * wanted)))[:wanted]


def combinations(line: str) -> int:
    count = 1
    for group in _GROUP.findall(line):
        count *= group.count("|") + 1
    return count


def one_of(line: str, chance: random.Random) -> str:
    """Choose among alternatives, the innermost first, then fill in values."""
    while _GROUP.search(line):
        line = _GROUP.sub(lambda found: chance.choice(found[1].split("|")), line)
    return filled(line, chance)


def filled(line: str, chance: random.Random) -> str:
    """Fill in values."""
    return " ".join(_VALUE.sub(lambda found: chance.choice(VALUES[found[1]]), line).split())


def mistyped(text: str, chance: random.Random) -> str:
    """Spoil one longer word: a letter lost, doubled, or swapped with the next."""
    words = text.split(" ")
    long = [at for at, word in enumerate(words) if word.isalpha() and len(word) >= 5]
    if not long:
        return text
    at = chance.choice(long)
    word, place = words[at], chance.randrange(1, len(words[at]) - 1)
    words[at] = chance.choice(
        [
            word[:place] + word[place + 1 :],
            word[:place] + word[place] + word[place:],
            word[:place] + word[place + 1] + word[place] + word[place + 2 :],
        ]
    )
    return " ".join(words)
