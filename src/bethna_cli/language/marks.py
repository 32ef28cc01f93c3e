"""The things in an utterance that have a value, found and marked: `sell the 3.2k eth call at +20%` becomes
`sell the ~strike:3200 ~asset:ETH ~call at ~pct:20`.

Marks serve twice: the slots are read from their values, and the classifier sees only their kinds, so that it learns
"buy the <strike> <asset> call" once. `~` cannot come from the person: fold() has removed it.
"""

import re
from datetime import date
from decimal import Decimal

from bethna_cli.language.when import mark_times

NUMBER = r"[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]{1,6})?|[0-9]{1,9}(?:\.[0-9]{1,6})?"
VALUE = r"[0-9.]+"
_ASSETS = {
    "ETH": "eth eht ehter ethreum ethereuem ehtereum etherreum ether"
    " ethereum etherium etherum etheruem ethereun etherem ethers weth eths",
    "BTC": "btc bct bitcoi bitocin bitcpin biitcoin"
    " bitcoin bitcoins btcs xbt cbbtc wbtc bitcion bitcon bitcoine bticoin",
    "SOL": "sol solana",
    "DOGE": "doge dogecoin",
    "XRP": "xrp ripple",
    "ADA": "cardano",
    "AVAX": "avax avalanche",
    "LINK": "chainlink",
    "MATIC": "matic polygon",
    "BNB": "bnb",
    "LTC": "ltc litecoin",
    "DOT": "polkadot",
    "PEPE": "pepe",
    "SHIB": "shib",
    "SUI": "sui",
    "ARB": "arb",
}  # fmt: skip
ASSETS = {word: ticker for ticker, words in _ASSETS.items() for word in words.split()}
_PAIR = r"(?:[-/]?usd[ct]?\b)?"
_ASSET = re.compile(
    rf"(?<![a-z0-9~:_])\$?({'|'.join(sorted(ASSETS, key=len, reverse=True))})(?:'s)?{_PAIR}(?![a-z0-9])"
)
_PLACES = (
    (re.compile(r"\bhttps?://\S+|\bwww\.\S+"), " ~url "),
    (re.compile(r"\b0x(?:[0-9a-f]{40}\b|\w*(?:…|\.{2,}))|\b[\w-]+\.eth\b|\b[\w.+-]+@[\w-]+\.[a-z]+\b"), " ~addr "),
)
_ID_WORD = (
    r"(?:position|positions|trade|trades|id|ids|rec|recommendation|posisi|option|number|no\.?|alert|on"
    r"|for|close|exit|sell|approve|reject|why|of|#)"
)
_IDS = (
    re.compile(
        rf"\b(?P<before>{_ID_WORD} (?:id |number "
        rf"|no\.? )?#?)(?<!:)(?P<id>(?=[a-f]*[0-9])(?![0-9]+\b)(?:0x)?[0-9a-f]{{4,64}})\b"
    ),
    re.compile(
        r"(?P<before>\b(?:position|trade|id|rec|recommendation|posisi|alert) (?:id |number |no\.? )?#?"
        r"|#)(?<!:)(?P<id>[0-9a-f]{4,64}|[0-9]{1,3})\b(?!%| ?(?:calls?|puts?|usdc?|bucks|percent)\b)"
    ),
    re.compile(
        r"^(?P<before>(?:please )?(?:close|exit|exits|why|approve|reject|positions?"
        r"|tutup) )(?P<id>[0-9]{4,64})$"
    ),
    re.compile(
        r"(?<!:)\b(?P<before>)(?P<id>0x[0-9a-f]{4,64}"
        r"|(?=[0-9a-f]*[0-9])(?=[0-9]*[a-f])(?![0-9]+[cdk]\b)(?![0-9]e[0-9]+\b)[0-9a-f]{4,64})\b"
    ),
)
_PERCENT = re.compile(
    rf"(?P<sign>[-+] ?|minus |plus )?(?P<value>{NUMBER}) ?(?:%|pct\b|percent\b|per cent\b|persen\b"
    rf"|prosen\b|percents\b)"
)
_CURRENCY = r"(?:usdc|usdt|usd|dollars?|dolar|dollar|bucks?|buck|\$(?![0-9])|quid)(?![a-z])"
_AMOUNT = re.compile(
    rf"\$ ?(?P<a>{NUMBER}) ?(?P<ka>k\b|m\b)?(?: ?(?:usdc?|dollars?|bucks?)\b)?"
    rf"|(?<![\w.,$~:-])(?P<b>{NUMBER}) ?(?P<kb>k\b|m\b|k(?=usd))? ?{_CURRENCY}"
)
_SHORT_OPTION = re.compile(rf"(?<![\w.,$~:])\$?(?P<a>{NUMBER})(?P<k>k)?-?(?P<side>[cp])\b")
_BARE = re.compile(rf"(?<![\w.,$~:])[-@]?(?P<a>{NUMBER})(?P<k>k|rb| rb| k)?(?![\w%]|[.,][0-9])")
_CALL = re.compile(r"(?<![a-z~_])calls?(?! (?:me|him|her|them|off|it|my|you|the police|back)\b)(?![a-z])")
_PUT = re.compile(r"(?<![a-z~_])puts?(?![a-z])")
_PUT_AS_VERB = re.compile(
    r"(?:(?<=^)|(?<=please )|(?<=to )|(?<=you )|(?<=i )|(?<=and )|(?<=us )|(?<=just )|(?<=then )|(?<=also )|(?<=, ))"
    r"put(?= (?:a|an|my|in|some|the|it|on|all|me|another|down|up|half|everything|this|that|~(?:usd|num|pct):\S+)\b)"
)
_OPTION = r"~(?:call|put)\b"
_ASSET_MARK = r"~asset:[A-Z]+"
_MOVES = (
    r"(?:falls?|drops?|dips?|goes|go|going|gets?|breaks?|crash(?:es)?|trades?|hits?|reach(?:es)?"
    r"|touch(?:es)?|rise[sn]?|climbs?|sinks?|moves?|pumps?|rallies|tembus|turun|naik|ke|runs?|closes?"
    r"|drifts?|heads?|back)"
)
_LEVEL = re.compile(
    rf"\b(?P<before>{_MOVES}(?: back| all the way| down| up)? (?:to |below |above |under |over |past "
    rf"|through |beneath |at |ke |di bawah |di atas |around )?|(?:below|above|beneath|past) "
    rf"|{_ASSET_MARK} to )~(?:usd|num):(?P<value>{VALUE})"
)
_LEAST_STRIKE = 500
"""Below it a number beside "call" on ETH or BTC is a count or an amount, never a strike."""


_NAMED_ID = re.compile(
    r"(?P<before>\b(?:position|posisi|recommendation|rec|id) (?:id |number |no\.? )?#?)(?P<id>[0-9a-f]{4,64})\b"
    r"(?!%| ?(?:calls?|puts?|usdc?|bucks|percent)\b)"
)
"""An id after a word that nothing else follows: `position 000d` is no number of days."""


def mark(line: str, today: date) -> str:
    """Return a folded line with its values marked: places, times, ids, percentages, assets, sides, strikes, amounts."""
    for pattern, name in _PLACES:
        line = pattern.sub(name, line)
    line = _NAMED_ID.sub(lambda found: _id(found).upper(), line)  # out of reach of what reads small letters
    line = mark_times(_thousands(line), today).lower()
    line = _PERCENT.sub(_percent, line)
    for pattern in _IDS:
        line = pattern.sub(_id, line)
    line = _ASSET.sub(lambda found: f" ~asset:{ASSETS[found[1]]} ", line)
    line = _SHORT_OPTION.sub(lambda found: f" ~num:{_value(found['a'], found['k'])} {_side(found['side'])} ", line)
    line = _AMOUNT.sub(lambda found: f" ~usd:{_value(found['a'] or found['b'], found['ka'] or found['kb'])} ", line)
    line = _BARE.sub(lambda found: f" ~num:{_value(found['a'], found['k'])} ", line)
    line = " ".join(line.split())
    line = _PUT_AS_VERB.sub("place", line)
    line = _PUT.sub(" ~put ", _CALL.sub(" ~call ", line))
    return _with_strikes(" ".join(line.split()))


def _id(found: re.Match[str]) -> str:
    return f"{found['before']} ~id:{found['id']} "


def _thousands(line: str) -> str:
    """Read the dot of `3.200` as the thousands' separator it is: three digits follow, and no amount has mills."""
    return re.sub(r"(?<![\w.,$])([1-9][0-9]{0,2})\.([0-9]{3})(?![0-9.k])", r"\1\2", line)


def _percent(found: re.Match[str]) -> str:
    sign = {"-": "m", "minus": "m", "+": "p", "plus": "p"}.get((found["sign"] or "").strip(), "")
    return f" ~pct:{sign}{_value(found['value'], None)} "


def _value(digits: str, scale: str | None) -> str:
    by = {"k": 1000, "rb": 1000, "m": 1_000_000}.get((scale or "").strip(), 1)
    return f"{(Decimal(digits.replace(',', '')) * by).normalize():f}"


def _side(letter: str) -> str:
    return "~call" if letter == "c" else "~put"


_STRIKES = (
    re.compile(rf"\bstrikes?(?: price)?(?: (?:of|at|is|around|near|about))?[ :=@]*~(?:num|usd):(?P<value>{VALUE})"),
    re.compile(rf"\bstruck(?: at)? ~(?:num|usd):(?P<value>{VALUE})"),
    re.compile(rf"~(?:num|usd):(?P<value>{VALUE})(?= strikes?\b)"),
)
_BESIDE = (
    re.compile(rf"~(?P<mark>num|usd):(?P<value>{VALUE})(?=[ -]?(?:{_ASSET_MARK} )?(?:usd )?(?:strike )?-?{_OPTION})"),
    re.compile(
        rf"(?P<before>{_OPTION}(?: options?)?(?: (?:on|for|in|untuk))?(?: the)?(?: {_ASSET_MARK})?(?:[ ,]"
        rf"| at| @| around| near| of| with| di| about)* )~(?P<mark>num|usd):(?P<value>{VALUE})"
    ),
    re.compile(rf"(?P<before>{_ASSET_MARK} (?:at |@ ?|around |near )?)~(?P<mark>num):(?P<value>{VALUE})(?= {_OPTION})"),
    re.compile(rf"(?P<before>(?:at|@|around|near|close to|di) )~(?P<mark>num):(?P<value>{VALUE})"),
)


def _with_strikes(line: str) -> str:
    """Mark as strikes the numbers that a strike's words stand by, and as levels the prices that something moves to."""
    for pattern in _STRIKES:
        line = pattern.sub(lambda found: f"~strike:{found['value']}", line)
    least = 1 if re.search(r"~asset:(?!ETH|BTC)", line) else _LEAST_STRIKE
    line = _LEVEL.sub(lambda found: _if_level(found, least), line)
    for pattern in _BESIDE:
        line = pattern.sub(lambda found: _if_strike(found, least), line)
    return " ".join(line.split())


def _if_level(found: re.Match[str], least: int) -> str:
    return f"{found['before']}~level:{found['value']}" if Decimal(found["value"]) >= least else found[0]


def _if_strike(found: re.Match[str], least: int) -> str:
    if Decimal(found["value"]) < least or (found["mark"] == "usd" and "before" in found.groupdict()):
        return found[0]
    return f"{found.groupdict().get('before') or ''}~strike:{found['value']}"
