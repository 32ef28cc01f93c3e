"""What Gamma decides about a position, and what it decides by: exit rules, a look, a verdict, the protection it has.

Money is USDC base units, shares are basis points, times are aware UTC.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bethna_cli.domain.alert import Alert
from bethna_cli.domain.market import Asset
from bethna_cli.domain.units import Bps

DEFAULT_STOP = Bps(5_000)
DEFAULT_GOAL = Bps(10_000)
"""A 7-day option moves by 60 % on an ordinary day: tighter limits would sell for no reason."""

DEFAULT_IV_CHANGE = Bps(5_000)


class ExitRule(StrEnum):
    """Why a position may be sold. The first two are what mandates are signed for."""

    STOP_LOSS = "stop-loss"
    TAKE_PROFIT = "take-profit"
    EXPIRY_NEAR = "expiry-near"
    TIME_DECAY = "time-decay"
    IV_CHANGE = "iv-change"


class Reaction(StrEnum):
    """What a rule does when it fires: nothing, tell the person, or sell within what they have signed."""

    OFF = "off"
    WARN = "warn"
    SELL = "sell"


class Confirmation(StrEnum):
    """What makes a breach believed: two looks some seconds apart, two sources that agree, or either of them."""

    LOOKS = "looks"
    SOURCES = "sources"
    EITHER = "either"


@dataclass(frozen=True, slots=True)
class ExitRules:
    """When one position is to be sold.

    stop_loss, take_profit: the loss and the gain on what was paid, None for no limit. iv_change: how far implied
    volatility may move from what it was at the purchase, as a share of that. expiry_near_h: hours before expiry.
    decay_days: a losing position with fewer days left than this decays too fast.
    """

    stop_loss: Bps | None = DEFAULT_STOP
    take_profit: Bps | None = DEFAULT_GOAL
    decay: Reaction = Reaction.WARN
    decay_days: float = 2.0
    iv: Reaction = Reaction.WARN
    iv_change: Bps = DEFAULT_IV_CHANGE
    expiry: Reaction = Reaction.WARN
    expiry_near_h: float = 6.0

    def reaction(self, rule: ExitRule) -> Reaction:
        """Say what a rule does; a limit on loss or gain always sells."""
        chosen = {ExitRule.TIME_DECAY: self.decay, ExitRule.IV_CHANGE: self.iv, ExitRule.EXPIRY_NEAR: self.expiry}
        return chosen.get(rule, Reaction.SELL)


@dataclass(frozen=True, slots=True)
class SpotView:
    """A spot price that may be acted on. band_usd: half the width of the source's own band, 0 where it states none.

    sources: how many agree with it; remarks: which ones were not used, and why.
    """

    asset: Asset
    usd: float
    band_usd: float
    observed_at: datetime
    source: str
    sources: int
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Unknown:
    """Why there is no value: a reason for people. Nothing is decided from it."""

    reason: str


@dataclass(frozen=True, slots=True)
class Seen:
    """One look at a position. cost: of the contracts that are left.

    value: theirs, at the edge of the spot's band that is worse for the holder; mark: at its middle, None where there is
    no band. observed_at: of the spot behind it. iv, entry_iv: fractions a year, None where not known.
    """

    cost: int
    value: int
    observed_at: datetime
    sources: int
    seconds_left: float
    iv: float | None = None
    entry_iv: float | None = None
    mark: int | None = None


@dataclass(frozen=True, slots=True)
class Breach:
    """A rule that a look has found broken, and the observation that did so first."""

    rule: ExitRule
    since: datetime


class Verdict(StrEnum):
    """HOLD: nothing to do. CONFIRM: a limit is broken, and one more look must say so. SELL, WARN: the rule fires."""

    HOLD = "HOLD"
    CONFIRM = "CONFIRM"
    WARN = "WARN"
    SELL = "SELL"


@dataclass(frozen=True, slots=True)
class ExitDecision:
    """What came of a look. rule: the one that decides; breach: what the next look has to know; words: why, in numbers.

    warnings: each rule that only warns and is broken, with its words.
    """

    verdict: Verdict
    rule: ExitRule | None
    breach: Breach | None
    words: str
    warnings: tuple[tuple[ExitRule, str], ...] = ()


class Protection(StrEnum):
    """Whether a stop would be acted on without the person. UNPROTECTED: it would not, and they must hear of it."""

    PROTECTED = "PROTECTED"
    UNPROTECTED = "UNPROTECTED"


@dataclass(frozen=True, slots=True)
class GuardState:
    """What is remembered of a position from one tick to the next.

    selling_since: when a confirmed rule first asked for a sale that has not happened. attempts: how often it was tried;
    next_try_at: not before.
    """

    position: str
    breach: Breach | None = None
    entry_iv: float | None = None
    protection: Protection = Protection.UNPROTECTED
    reason: str = "not looked at yet"
    selling_since: datetime | None = None
    attempts: int = 0
    next_try_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Decided:
    """One decision as it is kept. facts: what it saw, as JSON values; words: what was concluded."""

    position: str
    at: datetime
    verdict: str
    rule: ExitRule | None
    words: str
    facts: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class PackedMarks:
    """A tick's marks as they are kept: bytes in the machine's own order, and what says what they are.

    key: names `layout` and changes with it. options: 8-byte floats, a column after the other, NaN where not known. What
    a position is worth follows from its option's mark.
    """

    key: str
    layout: Callable[[], Mapping[str, object]]
    spots: Mapping[str, object]
    options: bytes


@dataclass(frozen=True, slots=True)
class TickNotes:
    """What one tick leaves behind, kept in one transaction: marks, the states that changed, decisions and alerts."""

    at: datetime
    marks: PackedMarks | None
    states: Sequence[GuardState]
    decisions: Sequence[Decided]
    alerts: Sequence[Alert]


@dataclass(frozen=True, slots=True)
class Watcher:
    """The process that watches, as the store knows it. token: one more with each start; the newest alone may write.

    interval_s, started_at, beat_at: by this machine's clock; beat_at: the end of the last tick. trouble: what went
    wrong in it, None when nothing did.
    """

    token: int
    pid: int
    started_at: datetime
    beat_at: datetime
    interval_s: float
    ticks: int
    trouble: str | None = None


@dataclass(frozen=True, slots=True)
class ExitFacts:
    """What the chain says of a mandate: the person's contracts, how many SentientTrader may take, is its nonce used."""

    balance: int
    allowance: int
    is_nonce_used: bool


@dataclass(frozen=True, slots=True)
class Chances:
    """Probabilities that add up to 1: stopped first, goal reached first, neither until the last step."""

    stopped: float
    reached: float
    neither: float
