"""From a trade that was decided to the intents that carry it out: the legs on one card, a large order in parts.

Every part is signed, bounded and journaled by itself. If a later one is refused the earlier ones stand: nothing here
pretends that several transactions are one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from bethna_cli.domain.approval import Schedule, Wanted
from bethna_cli.domain.chain import Address, Hash, SigningDomain
from bethna_cli.domain.errors import UsageError
from bethna_cli.domain.trade import PlannedTrade, Side, TradeIntent
from bethna_cli.domain.units import Bps
from bethna_cli.execution.approval import Keccak, deadline, intent_nonce, least_acceptable

MOST_CHUNKS = 12
LONGEST_SCHEDULE_S = 600
"""A purchase lives 15 minutes at most on chain, and all of them are signed at once."""
STOP_AT_MOVE = Fraction(2, 100)
"""How far the price may move from the first part's before the rest is left undone."""


@dataclass(frozen=True, slots=True)
class QuotedLeg:
    """One purchase or sale as the venue quoted it, in base units; `option_token` names exactly what is traded.

    after_s: how long after the first leg its turn comes.
    """

    side: Side
    option_token: Address
    router: Address
    amount_in: int
    quoted_amount_out: int
    after_s: int = 0


@dataclass(frozen=True, slots=True)
class Terms:
    """What all intents of a plan share.

    plan_id: 32 bytes, the same for the same decision. block_time_s: the newest block's, deadlines count from it.
    """

    plan_id: Hash
    domain: SigningDomain
    user: Address
    executor: Address
    ref: Hash
    slippage: Bps
    block_time_s: int
    lifetime_s: int


def planned(legs: Sequence[QuotedLeg], terms: Terms, keccak: Keccak) -> tuple[PlannedTrade, ...]:
    """Return one intent per leg, each with a nonce of its own. Raises ValueError when a bound cannot be kept."""
    if not legs:
        raise ValueError("a plan without a trade")
    sides = [leg.side.name.lower() for leg in legs]
    purposes = sides if len(legs) == 1 else [f"{side}-{number}" for number, side in enumerate(sides, 1)]
    return tuple(
        PlannedTrade(purpose, terms.domain, _intent(leg, purpose, terms, keccak))
        for purpose, leg in zip(purposes, legs, strict=True)
    )


def _intent(leg: QuotedLeg, purpose: str, terms: Terms, keccak: Keccak) -> TradeIntent:
    if leg.amount_in <= 0:
        raise ValueError(f"nothing to trade: {leg.amount_in}")
    return TradeIntent(
        user=terms.user,
        executor=terms.executor,
        side=leg.side,
        option_token=leg.option_token,
        router=leg.router,
        amount_in=leg.amount_in,
        quoted_amount_out=leg.quoted_amount_out,
        min_amount_out=least_acceptable(leg.quoted_amount_out, terms.slippage),
        nonce=intent_nonce(terms.plan_id, purpose, keccak),
        deadline_s=deadline(terms.block_time_s, leg.after_s + terms.lifetime_s, leg.side),
        ref=terms.ref,
    )


def in_parts(wanted: Wanted, schedule: Schedule | None) -> Wanted:
    """Cut a wish for one option into parts whose amounts add up to it. Raises UsageError when it cannot be cut so."""
    if schedule is None or schedule.parts == 1:
        return wanted
    if len(wanted.legs) != 1:
        raise UsageError("Only an order for one option can be cut into parts.", hint="leave out --chunks")
    (leg,) = wanted.legs
    if not 1 < schedule.parts <= MOST_CHUNKS or leg.amount_in < schedule.parts:
        raise UsageError(f"An order is cut into 2 to {MOST_CHUNKS} parts.", hint="leave out --chunks")
    last_s = (schedule.parts - 1) * schedule.interval_s
    if schedule.interval_s < 0 or last_s > LONGEST_SCHEDULE_S:
        raise UsageError(
            f"The last part would come after {last_s} s; all of them must be sent within {LONGEST_SCHEDULE_S}.",
            hint="leave out --every, or take fewer parts",
        )
    share, left = divmod(leg.amount_in, schedule.parts)
    expected = leg.expected_out
    legs = tuple(
        replace(
            leg,
            amount_in=(amount := share + (1 if number < left else 0)),
            expected_out=None if expected is None else expected * amount // leg.amount_in,
            after_s=number * schedule.interval_s,
        )
        for number in range(schedule.parts)
    )
    return replace(wanted, legs=legs, is_schedule=True)


def has_moved_too_far(first_price: int, price: int) -> bool:
    """Say whether the rest of a large order is to be left undone. Prices in one scale, positive.

    Raises ValueError for a price that is none, which stops it too.
    """
    if type(first_price) is not int or type(price) is not int or first_price <= 0 or price <= 0:
        raise ValueError(f"not prices: {first_price!r}, {price!r}")
    return abs(price - first_price) > STOP_AT_MOVE * first_price
