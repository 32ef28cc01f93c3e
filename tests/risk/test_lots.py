"""Which signed exits guard which purchase of one option, after sales that took the oldest contracts first."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bethna_cli.domain.chain import NO_ADDRESS, Address, Hash, SigningDomain
from bethna_cli.domain.guarding import ExitFacts, ExitRules, Protection
from bethna_cli.domain.mandate import ExitTerms, Mandate, MandateKind, MandateState
from bethna_cli.domain.position import EventKind, Position, holding_of
from bethna_cli.domain.trade import PlannedTrade, Side, TradeIntent
from bethna_cli.domain.units import Bps, from_unix
from bethna_cli.flow.guard_words import ending_alert
from bethna_cli.risk.lots import SOLD_OLDER, covers_of, pairs_of, rules_by
from bethna_cli.risk.protection import ChainNow, Cover, endings, signed_shares
from position_histories import CHAIN_ID, HOLDER, START_S, TERMS, TOKENS, event

WATCHER = Address("0x" + "22" * 20)
NOW = ChainNow(START_S, WATCHER, None)


def exits_for(number: int, contracts: int, state: MandateState = MandateState.OPEN) -> list[Mandate]:
    """Stop and goal of the purchase in block `number`: for a hundred a stop at 10 and a goal at 40 USDC."""
    made = []
    for place, (kind, worth) in enumerate(((MandateKind.STOP_LOSS, 10), (MandateKind.TAKE_PROFIT, 40))):
        intent = TradeIntent(
            HOLDER, WATCHER, Side.SELL, TOKENS[0], NO_ADDRESS, contracts, worth * contracts // 100 or 1, 1, number,
            START_S + 86_400, Hash("0x" + "bb" * 32),
        )  # fmt: skip
        trade = PlannedTrade(kind.value, SigningDomain("SentientTrader", "1", CHAIN_ID, NO_ADDRESS), intent)
        digest, name = Hash(f"0x{2 * number + place:064x}"), f"0x{number:064x}"
        made.append(Mandate(digest, kind, trade, b"", None, from_unix(START_S), state, name))
    return made


def judged(
    sizes: list[int], fired: list[int], signed: list[int], by_hand: Sequence[int] = ()
) -> tuple[list[Position], dict[str, Cover]]:
    """Buy lots of these sizes, sell by the exits of some, and return the open ones with what guards them.

    by_hand: whose size the person has sold past the exits.
    """
    events = [event(EventKind.BOUGHT, size, 20 * size, number) for number, size in enumerate(sizes, 1)]
    events += [
        event(EventKind.SOLD, sizes[number - 1], 1, 100 + place) for place, number in enumerate([*fired, *by_hand])
    ]
    positions = holding_of(CHAIN_ID, TERMS[TOKENS[0]], events, None).positions
    mandates = [one for number in signed for one in exits_for(number, sizes[number - 1])]
    sold = {Hash(f"0x{2 * number:064x}") for number in fired}
    left = sum(one.contracts_left for one in positions)
    facts = {number: ExitFacts(left, 10**9, number in fired) for number in signed}
    covers = covers_of(positions, pairs_of(mandates, positions, {}, sold), facts, NOW)
    return [one for one in positions if one.is_open], covers


LOTS = st.lists(st.integers(1, 5), min_size=1, max_size=8)


@given(sizes=LOTS, chance=st.randoms(use_true_random=False))
def test_exits_are_never_promised_to_more_contracts_than_they_can_sell(sizes: list[int], chance):
    numbers = list(range(1, len(sizes) + 1))
    fired = chance.sample(numbers, chance.randint(0, len(numbers)))
    still_open, covers = judged([100 * size for size in sizes], fired, numbers)

    promised: dict[int, int] = {}
    for lot in still_open:
        number, cover = int(lot.transaction, 16), covers[lot.id]
        if number not in fired:
            assert (cover.protection, cover.is_passed_on) == (Protection.PROTECTED, False)
            assert {one.trade.intent.nonce for one in cover.usable} == {number}
        if cover.usable:
            intent = cover.usable[0].trade.intent
            assert intent.nonce not in fired
            promised[intent.nonce] = promised.get(intent.nonce, 0) + lot.contracts_left
            assert promised[intent.nonce] <= intent.amount_in
        else:
            assert cover.reason == SOLD_OLDER


@given(count=st.integers(1, 12), chance=st.randoms(use_true_random=False))
def test_of_equal_purchases_none_that_is_left_is_ever_without_exits_whichever_have_sold(count: int, chance):
    numbers = list(range(1, count + 1))
    fired = chance.sample(numbers, chance.randint(0, count))
    still_open, covers = judged([100] * count, fired, numbers)

    assert len(still_open) == count - len(fired)
    guards = [covers[lot.id].usable[0].trade.intent.nonce for lot in still_open]
    assert sorted(guards) == sorted(set(numbers) - set(fired))


def test_what_was_never_signed_for_is_not_sold_by_what_was_signed_for_another_purchase():
    for fired, by_hand in (([1], []), ([], [1])):
        (lot,), covers = judged([100, 100], fired, signed=[1], by_hand=by_hand)

        assert covers[lot.id].reason == "no exit is signed"


def test_exits_that_are_passed_on_keep_the_limits_that_they_were_signed_for():
    (lot,), covers = judged([100, 100], [2], signed=[1, 2])
    dearer = replace(lot, cost=8)

    rules = rules_by(dearer, covers[lot.id], ExitRules(expiry_near_h=3.0))

    assert (rules.stop_loss, rules.take_profit, rules.expiry_near_h) == (-2_500, 40_000, 3.0)


@pytest.mark.parametrize("state", [MandateState.CANCELLED, MandateState.EXPIRED])
def test_exits_signed_again_stand_whatever_became_of_the_earlier_ones(state: MandateState):
    events = [event(EventKind.BOUGHT, 100, 20, 1)]
    positions = holding_of(CHAIN_ID, TERMS[TOKENS[0]], events, None).positions
    again = [replace(one, position=positions[0].id) for one in exits_for(7, 100)]
    facts = {1: ExitFacts(100, 100, is_nonce_used=True), 7: ExitFacts(100, 100, is_nonce_used=False)}

    for earlier in (exits_for(1, 100), exits_for(1, 100, state)):  # put away already, or not yet
        pairs = pairs_of([*earlier, *again], positions, {}, ())
        cover = covers_of(positions, pairs, facts, NOW)[positions[0].id]

        assert cover.protection is Protection.PROTECTED
        assert {one.trade.intent.nonce for one in cover.usable} == {7}


@given(
    cost=st.integers(1_000_000, 10**12),
    contracts=st.integers(2_000_000, 10**12),
    stop=st.integers(1, 9_999),
    goal=st.integers(1, 100_000),
)
def test_the_limits_that_are_watched_are_the_shares_that_the_person_chose(
    cost: int, contracts: int, stop: int, goal: int
):
    """Signed for a little more than was quoted, as a purchase does it."""
    terms = ExitTerms(Bps(stop), Bps(goal))
    (lot,) = holding_of(CHAIN_ID, TERMS[TOKENS[0]], [event(EventKind.BOUGHT, contracts, cost, 1)], None).positions
    signed = []
    for one in exits_for(1, contracts):
        worth = terms.trigger(one.kind, cost * 102 // 100)
        assert worth is not None
        intent = replace(one.trade.intent, amount_in=contracts * 102 // 100, quoted_amount_out=worth)
        signed.append(replace(one, trade=replace(one.trade, intent=intent)))

    assert signed_shares(lot, signed) == (stop, goal)


@pytest.mark.parametrize(("hours_left", "said"), [(24.6, None), (23.0, "24 hours"), (2.0, "24 hours"), (0.9, "1 hour")])
def test_a_day_and_an_hour_before_exits_end_the_person_hears_of_both_at_once_and_what_to_do(hours_left, said):
    (lot,) = holding_of(CHAIN_ID, TERMS[TOKENS[0]], [event(EventKind.BOUGHT, 100, 20, 1)], None).positions
    signed = exits_for(1, 100)
    due = endings(signed, int(signed[0].usable_until_s - hours_left * 3_600))
    told = [ending_alert(lot, *one) for one in due]

    assert [one.title for one in told] == ([f"{lot.terms.ticker} exits end within {said}"] if said else [])
    again = replace(lot, terms=replace(lot.terms, expires_at=from_unix(signed[0].trade.intent.deadline_s + 3_600)))
    for one in due:
        assert f"bethna exits {lot.short_id} --stop-loss 50% --sign" in ending_alert(lot, *one).text
        # Nothing can be signed beyond an hour before expiry, so nobody is told to.
        assert ending_alert(again, *one).text.endswith(f"bethna close {lot.short_id}")
