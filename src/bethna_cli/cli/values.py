"""What people type, made strict: assets under their usual names, products like eth-call, durations of the sim clock.

A value that is not understood is refused with the nearest one that exists; nothing is guessed.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from difflib import get_close_matches

from bethna_cli.domain.errors import NotFound, UnknownAsset, UsageError
from bethna_cli.domain.market import Asset
from bethna_cli.domain.options import OptionKind
from bethna_cli.domain.text import clean
from bethna_cli.domain.units import Usdc, usdc_from_decimal

LONGEST_WORD = 24
VENUE_HOUR = "T08:00Z"
STRADDLE = "straddle"

ALIASES = {
    "eth": Asset.ETH,
    "ether": Asset.ETH,
    "ethereum": Asset.ETH,
    "weth": Asset.ETH,
    "btc": Asset.BTC,
    "xbt": Asset.BTC,
    "bitcoin": Asset.BTC,
    "cbbtc": Asset.BTC,
}
KINDS = {kind.value.lower().replace("_", "-"): kind for kind in OptionKind}
_SPAN = re.compile(r"(\d{1,6}(?:\.\d{1,4})?)([smhdw])", re.ASCII)
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?Z", re.ASCII)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_STRIKES = re.compile(r"\d{1,9}(\.\d{1,8})?(/\d{1,9}(\.\d{1,8})?)?", re.ASCII)
_PERCENT = re.compile(r"([+-]?)(\d{1,6}(?:\.\d{1,4})?) ?%?", re.ASCII)
_USDC = re.compile(r"\d{1,9}(\.\d{1,6})?", re.ASCII)
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
LONGEST_SPAN = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Product:
    """What is asked for on the board: an asset and, where named, one kind of option."""

    asset: Asset
    kind: OptionKind | None


def parse_asset(word: str) -> Asset:
    """Read an asset by its usual names, in any case. Raises UnknownAsset with the nearest one."""
    asset = ALIASES.get(word.strip().lower())
    if asset is None:
        near = get_close_matches(word.strip().lower(), ALIASES, n=1, cutoff=0.5)
        raise UnknownAsset(clean(word, LONGEST_WORD), list(Asset), ALIASES[near[0]] if near else None)
    return asset


def parse_product(word: str) -> Product:
    """Read `eth`, `eth-call`, `btc-put-spread`. Raises UnknownAsset or NotFound."""
    first, _, rest = word.strip().lower().partition("-")
    asset = parse_asset(first)
    if not rest:
        return Product(asset, None)
    kind = KINDS.get(rest.removesuffix("s"))
    if kind is None:
        near = get_close_matches(rest, KINDS, n=1)
        name = f"{asset.lower()}-{near[0] if near else 'call'}"
        known = ", ".join(KINDS)
        raise NotFound(
            f"No kind of option is called {clean(rest, LONGEST_WORD)!r}; there are {known}.",
            hint=f"bethna strategies {name}",
        )
    return Product(asset, kind)


def parse_purchase(word: str) -> tuple[Asset, frozenset[OptionKind]]:
    """Read what to buy: `eth-call`, `eth-put-spread`, `eth-straddle` (a call and a put). Raises as parse_product."""
    first, _, rest = word.strip().lower().partition("-")
    if rest == STRADDLE:
        return parse_asset(first), frozenset({OptionKind.CALL, OptionKind.PUT})
    product = parse_product(word)
    if product.kind is None:
        raise UsageError(f"{first} alone does not say what to buy.", hint=f"bethna strategies {first}-call")
    return product.asset, frozenset({product.kind})


def parse_strikes(word: str) -> tuple[Decimal, ...]:
    """Read one strike in USD, or the two of a spread as `3000/3200`; ascending. Raises UsageError."""
    if not _STRIKES.fullmatch(word.strip()):
        raise UsageError(f"--strike {word[:LONGEST_WORD]!a} must be USD like 3200, or 3000/3200.", hint="bethna buy -h")
    return tuple(sorted(Decimal(part) for part in word.strip().split("/")))


def parse_expiry(word: str) -> float | datetime:
    """Read an expiry as days from now (`7d`, `36h`), a UTC time (`2026-11-27T08:00Z`), or a day: 08:00, as the venue.

    Raises UsageError.
    """
    text = word.strip().upper()
    if _DAY.fullmatch(text):
        text += VENUE_HOUR
    if not _TIME.fullmatch(text):
        return parse_span(word, "--expiry ") / timedelta(days=1)
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError as error:
        raise UsageError(f"--expiry {text} is not a time.", hint="bethna strategies") from error


def parse_usdc(word: str, name: str) -> Usdc:
    """Read a positive amount of USDC like 50 or 99.50, as base units. Raises UsageError."""
    text = word.strip()
    if not _USDC.fullmatch(text) or not Decimal(text):
        raise UsageError(f"{name} {word[:LONGEST_WORD]!a} must be USDC, like 50 or 99.50.", hint="bethna -h")
    return usdc_from_decimal(Decimal(text))


def parse_span(word: str, name: str = "") -> timedelta:
    """Read a time span like 90s, 15m, 6h, 2d, 1w. Raises UsageError."""
    match = _SPAN.fullmatch(word.strip().lower())
    if match is None:
        raise UsageError(f"{name}{word[:LONGEST_WORD]!a} must be a time span like 6h or 7d.", hint="bethna -h")
    span = timedelta(seconds=float(match[1]) * _UNITS[match[2]])
    if not timedelta(0) < span <= LONGEST_SPAN:
        raise UsageError(f"{name}{word.strip()} must be more than nothing and at most 366d.", hint="bethna -h")
    return span


def parse_percent(word: str, flag: str, most: int) -> int:
    """Read `20` or `20%` as basis points: above 0 and at most `most` per cent. Raises UsageError."""
    match = _PERCENT.fullmatch(word.strip())
    bps = Decimal(match[2]) * 100 if match and not match[1] else Decimal(0)
    if bps != int(bps) or not 0 < bps <= 100 * most:
        raise UsageError(
            f"{flag} {clean(word, LONGEST_WORD)!r} is no share like 20%, at most {most}%.", hint="bethna -h"
        )
    return int(bps)


def parse_move(word: str) -> float:
    """Read a move of prices like `-10%` or `+5` as a fraction. Raises UsageError below -99 % or above 1,000 %."""
    match = _PERCENT.fullmatch(word.strip())
    move = Decimal(f"{match[1]}{match[2]}") / 100 if match else Decimal(100)
    if not Decimal("-0.99") <= move <= 10:
        raise UsageError(f"{clean(word, LONGEST_WORD)!r} is no move like -10% or +5%.", hint="bethna risk --shock -10%")
    return float(move)


def day_start(word: str | None, flag: str) -> datetime | None:
    """Read a day and return the moment it begins, UTC. Raises UsageError."""
    if word is None:
        return None
    try:
        return datetime.strptime(word, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError as error:
        raise UsageError(
            f"{flag} {word[:24]!a} must be a day like 2023-12-31.", hint=f"leave out {flag}, or give 2023-12-31"
        ) from error


def day_end(word: str | None, flag: str) -> datetime | None:
    """Read a day and return the moment it is over, UTC. Raises UsageError."""
    starts = day_start(word, flag)
    try:
        return None if starts is None else starts + timedelta(days=1)
    except OverflowError as error:
        raise UsageError(
            f"{flag} {word!a} is further than any data.", hint=f"leave out {flag}, or give 2023-12-31"
        ) from error
