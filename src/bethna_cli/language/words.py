"""What people type, made comparable: one case, full forms for short ones, fixed phrases as one word, numbers as digits.

Nothing is understood here, and nothing is lost that a number, a date or an id would need.
"""

import re
import unicodedata

_QUOTES = str.maketrans({"’": "'", "‘": "'", "`": "'", "´": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"'})

_SHORT_FORMS = {
    "dont": "do not", "doesnt": "does not", "didnt": "did not", "cant": "can not", "cannot": "can not",
    "couldnt": "could not", "wont": "will not", "wouldnt": "would not", "shouldnt": "should not", "isnt": "is not",
    "arent": "are not", "wasnt": "was not", "havent": "have not", "hasnt": "has not", "aint": "is not",
    "mustnt": "must not", "neednt": "need not", "dunno": "do not know", "im": "i am", "ive": "i have",
    "ill": "i will", "youre": "you are", "thats": "that is", "whats": "what is", "wats": "what is",
    "wat": "what", "wut": "what", "hows": "how is", "wheres": "where is", "whos": "who is",
    "theres": "there is", "heres": "here is", "lets": "let us", "its": "it is", "gimme": "give me",
    "lemme": "let me", "wanna": "want to", "gonna": "going to", "gotta": "have to", "u": "you", "ur": "your",
    "r": "are", "pls": "please", "plz": "please", "plse": "please", "thx": "thanks", "ty": "thanks", "tx": "thanks",
    "cuz": "because", "coz": "because", "rn": "right now", "atm": "right now", "abt": "about", "w": "with",
    "wich": "which", "wht": "what", "hw": "how", "shud": "should", "shld": "should", "cud": "could", "bc": "because",
    "tmrw": "tomorrow", "tmr": "tomorrow", "tomorow": "tomorrow", "yesterdays": "yesterday", "bout": "about",
    "fri": "friday", "kinda": "kind of", "btw": "by the way", "imo": "in my opinion", "idk": "do not know",
    "em": "them", "nvm": "nevermind", "sth": "something", "smth": "something", "wdyt": "what do you think",
    "mkt": "market", "opt": "option", "opts": "options", "yday": "yesterday", "alrts": "alerts", "thnx": "thanks",
    "dnt": "do not", "donot": "do not", "doont": "do not", "dun": "do not", "nvr": "never", "var": "value_at_risk",
    "sel": "sell", "sll": "sell", "buuy": "buy", "byu": "buy", "cal": "call",
    "cals": "calls", "cls": "close", "skp": "skip", "hlp": "help", "nd": "and", "ya'll": "you",
    "stoploss": "stop_loss", "sl": "stop_loss", "takeprofit": "take_profit", "tp": "take_profit",
    "pnl": "profit_and_loss", "upnl": "profit_and_loss", "vol": "volatility", "vola": "volatility",
}  # fmt: skip
_TAILS = (("n't", " not"), ("'re", " are"), ("'ve", " have"), ("'ll", " will"), ("'m", " am"), ("'d", " would"))
_IS_AFTER = frozenset("what how where who that there here it when why he she".split())

_PHRASES = tuple(
    (re.compile(rf"\b(?:{pattern})\b"), name)
    for pattern, name in (
        (r"id(?= (?:like|love|rather|prefer|want|say|go|be|buy|sell)\b)", "i would"),
        (r"bye(?= (?:me|a|an|the|some|eth|btc)\b)|^by(?= (?:me|a|an|the|some|eth|btc)\b)", "buy"),
        (r"stop[ -]?loss(?:es)?|cut[ -]?loss(?:es)? (?:at|di)", "stop_loss"),
        (r"take[ -]?profits?|profit[ -]?target", "take_profit"),
        (r"p *(?:&|/|and|n) *l", "profit_and_loss"),
        (r"implied vol(?:atility|a|s)?", "implied_volatility"),
        (r"fear (?:and|&|n) greed|fear[ -]?greed", "fear_greed"),
        (r"track record", "track_record"),
        (r"(?:win|success|hit)[ -]?rate|win */ *loss", "win_rate"),
        (r"break[ -]?evens?", "break_even"),
        (r"value at risk", "value_at_risk"),
        (r"what[ -]?ifs?", "what_if"),
        (r"go(?:ing)? ahead", "go_ahead"),
        (r"go for (?:it|this|that)", "go_for_it"),
        (r"pull the trigger", "pull_trigger"),
        (r"get rid of", "get_rid_of"),
        (r"seed[ -]?phrase|recovery phrase|secret phrase", "seed_phrase"),
        (r"private[ -]?keys?", "private_key"),
        (r"api[ -]?keys?", "api_key"),
        (r"never[ -]?mind", "nevermind"),
        (r"no[ -]?thanks?(?: you)?", "no_thanks"),
        (r"good (?:morning|evening|afternoon|night|day)", "good_day"),
        (r"instead of", "instead_of"),
        (r"rather not", "rather_not"),
        (r"either (?:way|direction|side)|(?:both|one) ways? or (?:the|an)other", "either_way"),
    )
)
_UNITS = {
    word: value
    for value, word in enumerate(
        (
            "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
            "fifteen sixteen seventeen eighteen nineteen"
        ).split()
    )
}
_TENS = {
    word: 10 * value
    for value, word in enumerate(["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"], 2)
}
_SCALES = {"hundred": 100, "thousand": 1000, "grand": 1000, "ratus": 100, "ribu": 1000, "million": 1_000_000}
_INDONESIAN = {
    "satu": 1, "dua": 2, "tiga": 3, "empat": 4, "lima": 5, "enam": 6, "tujuh": 7, "delapan": 8, "sembilan": 9,
    "sepuluh": 10, "seratus": 100, "seribu": 1000,
}  # fmt: skip
_NUMBERS = {**_UNITS, **_TENS, **_INDONESIAN}
_CURRENCY = re.compile(r"bucks?|dollars?|usdc?")
_PUNCTUATION = ".,;:!?"
_AFTER_ONE = re.compile(
    r"day|week|month|hour|year|hundred|thousand|grand|dollar|buck|usdc?|percent|eth|btc|call|put"
    r"|contract"
)
_WORD = re.compile(r"(?<![0-9a-z'])[a-z_]+(?:'[a-z]+)?(?![0-9a-z])")
"""A word, but not the unit that is glued to a number, as in `2w`, nor the beginning of an id, as in `bc00`."""


def fold(text: str) -> str:
    """Return `text` in lower case, with plain quotes, short forms in full, phrases joined, number words as digits."""
    line = unicodedata.normalize("NFKC", text).translate(_QUOTES).replace("~", " ").lower()
    line = " ".join(_WORD.sub(lambda found: _expanded(found[0]), line).split())
    for pattern, name in _PHRASES:
        line = pattern.sub(name, line)
    return _with_digits(line)


def _expanded(token: str) -> str:
    if token in _SHORT_FORMS:
        return _SHORT_FORMS[token]
    if "'" not in token:
        return token
    for tail, full in _TAILS:
        if token.endswith(tail):
            head = token[: -len(tail)]
            return {"ca": "can", "wo": "will", "sha": "shall", "ai": "is"}.get(head, head) + full
    head, _, tail = token.partition("'")
    if tail == "s":
        return f"{head} is" if head in _IS_AFTER else "let us" if head == "let" else head
    return token


def _with_digits(line: str) -> str:
    """Write number words as digits: "two hundred and fifty" is 250, "half a grand" is 500, "a hundred" is 100."""
    words = line.split(" ")
    out: list[str] = []
    at = 0
    while at < len(words):
        value, used = _number(words, at)
        if used:
            last = words[at + used - 1]
            currency = " usdc" if last.rstrip(_PUNCTUATION) == "grand" else ""
            out.append(f"{value:.10g}{currency}{last[len(last.rstrip(_PUNCTUATION)) :]}")
            at += used
        else:
            out.append(words[at])
            at += 1
    return " ".join(out)


def _number(words: list[str], at: int) -> tuple[float, int]:
    """Read the longest run of number words that starts at `at`: its value, and how many words it took (0: none)."""
    if words[at : at + 2] == ["half", "a"] and _bare(words, at + 2) in _SCALES:
        return _SCALES[_bare(words, at + 2)] / 2, 3
    if re.fullmatch(r"\d{1,6}(?:\.\d{1,4})?", words[at]) and _bare(words, at + 1) in _SCALES:
        return float(words[at]) * _SCALES[_bare(words, at + 1)], 2
    if words[at] in ("a", "an") and _bare(words, at + 1) not in _SCALES:
        return 0.0, 0
    run = _Run()
    while at + run.used < len(words):
        word, following = _bare(words, at + run.used), _bare(words, at + run.used + 1)
        if not run.take(word, following):
            break
        if words[at + run.used - 1] != word:
            break
    return run.total + run.group, run.used if run.seen else 0


class _Run:
    """A run of number words as it is read: what is above a thousand, what is below, and the last word's value."""

    def __init__(self) -> None:
        self.total, self.group, self.last, self.used, self.seen = 0.0, 0.0, 0.0, 0, False

    def take(self, word: str, following: str) -> bool:
        """Add one word, or say that the run ends before it."""
        part = _value(word)
        if word == "one" and not self.seen and not _AFTER_ONE.match(following):
            return False
        if part is not None:
            self.group, self.last, self.seen = self.group + part, float(part), True
        elif word == "puluh" and self.seen:
            self.group, self.last = self.group + 9 * self.last, 10 * self.last
        elif word in _SCALES and (self.seen or self.used or _CURRENCY.match(following)):
            self._scale(_SCALES[word])
        elif not (word in ("a", "an") and not self.used) and not (
            word == "and" and self.seen and following != "one" and _value(following) is not None
        ):
            return False
        self.used += 1
        return True

    def _scale(self, by: int) -> None:
        self.group, self.seen = max(self.group, 1.0) * by, True
        if by >= 1000:
            self.total, self.group = self.total + self.group, 0.0


def _value(word: str) -> int | None:
    if word in _NUMBERS:
        return _NUMBERS[word]
    tens, _, unit = word.partition("-")
    return _TENS[tens] + _UNITS[unit] if tens in _TENS and unit in _UNITS else None


def _bare(words: list[str], at: int) -> str:
    return words[at].rstrip(_PUNCTUATION) if at < len(words) else ""
