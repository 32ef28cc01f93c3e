"""When a position is to be sold: one decision for one look, and a quick look over many for those that need one.

Limits are compared in whole USDC base units, so that a stop fires at its limit and not a cent before. What cannot be
valued is not looked at here at all: nobody sells because of a number that is not there. A broken limit counts when a
second look at least ten seconds later confirms it, or when two sources agree on the price.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bethna_cli.domain.guarding import Breach, Confirmation, ExitDecision, ExitRule, ExitRules, Reaction, Seen, Verdict
from bethna_cli.domain.units import Usdc, usdc_to_decimal

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]

FULL = 10_000
CONFIRM_AFTER_S = 10.0
DAY_S = 86_400.0
NO_LIMIT = -1


@dataclass(frozen=True, slots=True)
class Strictness:
    """What confirms a breach; shown to the person with their rules."""

    by: Confirmation = Confirmation.EITHER
    looks_apart_s: float = CONFIRM_AFTER_S


STANDARD = Strictness()


def stop_value(cost: int, stop_loss: int) -> int:
    """Return the highest value at which a stop fires: a loss of `stop_loss` basis points or more. Base units."""
    return cost * (FULL - stop_loss) // FULL


def target_value(cost: int, take_profit: int) -> int:
    """Return the lowest value at which the gain is `take_profit` basis points or more. Base units."""
    return -(-cost * (FULL + take_profit) // FULL)


def decide_exit(rules: ExitRules, seen: Seen, breach: Breach | None, strictness: Strictness = STANDARD) -> ExitDecision:
    """Decide about one position from one valid look. breach: what an earlier look found, None when nothing."""
    broken = list(_broken(rules, seen))
    warnings = tuple(one for one in broken if rules.reaction(one[0]) is Reaction.WARN)
    selling = next((one for one in broken if rules.reaction(one[0]) is Reaction.SELL), None)
    if selling is None:
        words = "; ".join(one for _, one in warnings) or "no rule fires"
        rule = warnings[0][0] if warnings else None
        return ExitDecision(Verdict.WARN if warnings else Verdict.HOLD, rule, None, words, warnings)
    rule, words = selling
    since = breach.since if breach is not None and _is_same_side(breach.rule, rule) else seen.observed_at
    confirmed = _confirmation(seen.sources, (seen.observed_at - since).total_seconds(), strictness)
    kept = Breach(rule, since)
    if confirmed is None:
        return ExitDecision(Verdict.CONFIRM, rule, kept, f"{words}; one more look has to confirm it", warnings)
    return ExitDecision(Verdict.SELL, rule, kept, f"{words}; {confirmed}", warnings)


def _is_same_side(one: ExitRule, other: ExitRule) -> bool:
    """Say whether two looks confirm one another: a price that jumps from the stop to the goal confirms nothing."""
    return (one is ExitRule.TAKE_PROFIT) == (other is ExitRule.TAKE_PROFIT)


def _confirmation(sources: int, apart_s: float, strictness: Strictness) -> str | None:
    by = strictness.by
    if by is not Confirmation.LOOKS and sources >= 2:
        return f"{sources} sources agree"
    if by is not Confirmation.SOURCES and apart_s >= strictness.looks_apart_s:
        return f"two looks {apart_s:.0f} s apart agree"
    return None


def _broken(rules: ExitRules, seen: Seen) -> Iterator[tuple[ExitRule, str]]:
    """Yield the rules that this look breaks, those that sell for money's sake first; each with its words."""
    cost, value = seen.cost, seen.value
    if cost > 0 and rules.stop_loss is not None and value <= stop_value(cost, rules.stop_loss):
        yield (
            ExitRule.STOP_LOSS,
            f"{_value(seen)} is a loss of {_loss(seen):.1%}; the limit is {_share(rules.stop_loss)}",
        )
    if cost > 0 and rules.take_profit is not None and value >= target_value(cost, rules.take_profit):
        yield (
            ExitRule.TAKE_PROFIT,
            f"{_value(seen)} is a gain of {-_loss(seen):.1%}; the goal is {_share(rules.take_profit)}",
        )
    if rules.expiry is not Reaction.OFF and seen.seconds_left <= rules.expiry_near_h * 3600.0:
        yield (
            ExitRule.EXPIRY_NEAR,
            f"it expires in {seen.seconds_left / 3600.0:.1f} h; the limit is {rules.expiry_near_h:g} h",
        )
    if rules.decay is not Reaction.OFF and value < cost and seen.seconds_left < rules.decay_days * DAY_S:
        days = seen.seconds_left / DAY_S
        yield ExitRule.TIME_DECAY, f"it is {_loss(seen):.1%} down with {days:.1f} days left of {rules.decay_days:g}"
    change = _iv_change(seen)
    if rules.iv is not Reaction.OFF and change is not None and abs(change) * FULL >= rules.iv_change:
        yield (
            ExitRule.IV_CHANGE,
            f"IV has moved by {change:+.0%} since the purchase; the limit is {_share(rules.iv_change)}",
        )


def _iv_change(seen: Seen) -> float | None:
    if seen.iv is None or seen.entry_iv is None or not seen.entry_iv > 0.0 or not seen.iv > 0.0:
        return None
    return seen.iv / seen.entry_iv - 1.0


def _loss(seen: Seen) -> float:
    return 1.0 - seen.value / seen.cost


def _value(seen: Seen) -> str:
    value, mark = (f"{usdc_to_decimal(Usdc(amount or 0)):,.2f} USDC" for amount in (seen.value, seen.mark))
    beside = "" if seen.mark in (None, seen.value) else f" ({mark} at the middle of the price's band)"
    return f"a value of {value}{beside}"


def _share(bps: int) -> str:
    return f"{bps / 100:g} %"


# ── many at once ──────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class RuleColumns:
    """The rules of many positions, a row each. Limits are base units of value, NO_LIMIT without one.

    near_s: below so many seconds left a rule about time may fire. iv_low, iv_high: outside of them one about volatility
    may. is_pending: an earlier look left something to remember.
    """

    stop: "Ints"
    target: "Ints"
    near_s: "Floats"
    iv_low: "Floats"
    iv_high: "Floats"
    is_pending: "Flags"


def need_a_look(values: "Ints", seconds_left: "Floats", iv: "Floats", rules: RuleColumns) -> "Ints":
    """Return the rows with a value about which `decide_exit` may say anything but HOLD, or has something to forget.

    It errs towards a look too many. values: base units, negative where not known.
    """
    breaks = (values <= rules.stop) | ((rules.target >= 0) & (values >= rules.target))
    breaks |= rules.is_pending | (seconds_left <= rules.near_s) | (iv <= rules.iv_low) | (iv >= rules.iv_high)
    rows: Ints = np.flatnonzero(breaks & (values >= 0))
    return rows


def time_limit_s(rules: ExitRules) -> float:
    """Return the time left below which a rule about time may fire, -1 when none is on."""
    limits = [-1.0]
    if rules.expiry is not Reaction.OFF:
        limits.append(rules.expiry_near_h * 3600.0)
    if rules.decay is not Reaction.OFF:
        limits.append(rules.decay_days * DAY_S)
    return max(limits)
