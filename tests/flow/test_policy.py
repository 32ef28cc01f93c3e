"""Consent ahead of time: what was signed holds, a day is a day, and what was spent is counted from the journal."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bethna_cli.adapters.journal import SqliteJournal
from bethna_cli.adapters.policies import SqlitePolicies
from bethna_cli.adapters.signer import is_policy_signed
from bethna_cli.adapters.signer_sign import signed_plan
from bethna_cli.domain.chain import Hash, SigningDomain
from bethna_cli.domain.errors import TradeRefused
from bethna_cli.domain.journal import JournalEntry, TradeState
from bethna_cli.domain.policy import DAY_S, SignedPolicy, SpendingPolicy, day_of
from bethna_cli.domain.signing import Plan
from bethna_cli.domain.trade import PlannedTrade, Side, TradeIntent
from bethna_cli.domain.units import from_unix
from bethna_cli.flow.policy import require_within, standing
from signing_plans import BASE, BUY, CONTRACT, KEY, NOW_S, PINS, PURCHASE, STOP_LOSS, STRANGER, USER

WEEK_S = 7 * DAY_S
MIDNIGHT_S = day_of(NOW_S) + DAY_S
USDC = 1_000_000


class Desk:
    """A store with a policy and a journal."""

    def __init__(self, path: Path) -> None:
        self.policies = SqlitePolicies.open(path)
        self.journal = SqliteJournal.open(path)
        self._count = 0

    def allow(self, per_trade: int = 50, per_day: int = 120, **changes: object) -> SignedPolicy:
        policy = SpendingPolicy(BASE, CONTRACT, USER, per_trade * USDC, per_day * USDC, NOW_S, NOW_S + WEEK_S)
        policy = replace(policy, **changes)  # type: ignore[arg-type]
        answer = signed_plan(Plan(BASE, CONTRACT, USER, NOW_S, policy=policy), PINS, KEY, []).policy
        assert answer is not None
        signed = SignedPolicy(policy, answer.digest, answer.signature)
        self.policies.keep(signed, from_unix(NOW_S))
        return signed

    def buy(self, amount: int, at_s: int = NOW_S, intent: TradeIntent = BUY, chain_id: int = BASE) -> JournalEntry:
        self._count += 1
        digest = Hash(f"0x{self._count:064x}")
        trade = PlannedTrade(
            "buy", SigningDomain("SentientTrader", "1", chain_id, CONTRACT), replace(intent, amount_in=amount * USDC)
        )
        entry = JournalEntry(digest, digest, trade, TradeState.APPROVED, 1)
        self.journal.add([entry], from_unix(at_s))
        return entry

    def require(self, amount: int, at_s: int = NOW_S, **changes: object) -> SignedPolicy:
        plan = replace(PURCHASE, intents=(replace(BUY, amount_in=amount * USDC),), block_time_s=at_s)
        return require_within(self.policies, is_policy_signed, replace(plan, **changes))  # type: ignore[arg-type]

    def spent(self, at_s: int = NOW_S) -> int:
        found = standing(self.policies, is_policy_signed, USER, BASE, at_s)
        assert found is not None
        return found.spent_today // USDC


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    opened = Desk(tmp_path / "base.db")
    yield opened
    opened.policies.close()
    opened.journal.close()


def test_without_a_policy_nothing_is_within_one(desk: Desk):
    with pytest.raises(TradeRefused, match="there is no policy"):
        desk.require(1)


def test_a_trade_may_cost_its_limit_and_not_a_cent_more(desk: Desk):
    signed = desk.allow(per_trade=50)

    assert desk.require(50) == signed
    with pytest.raises(TradeRefused, match=r"costs 51 USDC; the policy allows 50 USDC a trade"):
        desk.require(51)


def test_a_day_may_cost_its_limit_and_begins_anew_at_midnight_utc(desk: Desk):
    desk.allow(per_trade=50, per_day=120)
    desk.buy(50)
    desk.buy(50)

    desk.require(20)
    with pytest.raises(TradeRefused, match=r"of 120 USDC a day 20 USDC are left until"):
        desk.require(21)
    with pytest.raises(TradeRefused):
        desk.require(21, MIDNIGHT_S - 1)
    desk.require(50, MIDNIGHT_S)


def test_what_yesterday_cost_is_yesterdays(desk: Desk):
    desk.allow(valid_from_s=NOW_S, per_day=60)
    desk.buy(50, day_of(NOW_S) - 1)
    assert desk.spent() == 0
    desk.buy(50, day_of(NOW_S))
    assert desk.spent() == 50


def test_a_trade_counts_until_it_is_known_to_have_spent_nothing(desk: Desk):
    desk.allow()
    states = (TradeState.CANCELLED, TradeState.DEAD, TradeState.REVERTED, TradeState.MINED, TradeState.FINAL)
    for state in states:
        entry = desk.buy(10)
        desk.journal.move(entry, state, None, from_unix(NOW_S))

    assert desk.spent() == 20


def test_sales_other_chains_and_other_accounts_do_not_count(desk: Desk):
    desk.allow()
    desk.buy(10, intent=STOP_LOSS)
    desk.buy(10, chain_id=84_532)
    desk.buy(10, intent=replace(BUY, user=STRANGER))

    assert desk.spent() == 0


def test_selling_is_within_every_policy_that_holds(desk: Desk):
    desk.allow(per_trade=1, per_day=1)

    sale = replace(BUY, side=Side.SELL, amount_in=10**12)
    desk.require(0, intents=(sale,))
    with pytest.raises(TradeRefused, match="held until"):
        desk.require(0, NOW_S + WEEK_S, intents=(sale,))


@pytest.mark.parametrize(("at_s", "holds"), [(0, True), (WEEK_S - 1, True), (WEEK_S, False), (-1, False)])
def test_a_policy_holds_from_its_first_second_to_before_its_last(desk: Desk, at_s: int, holds: bool):
    desk.allow()

    if holds:
        desk.require(1, NOW_S + at_s)
    else:
        with pytest.raises(TradeRefused, match="held until"):
            desk.require(1, NOW_S + at_s)


def test_a_new_policy_takes_the_place_of_the_one_before_and_an_ended_one_is_over(desk: Desk):
    desk.allow(per_trade=50)
    desk.allow(per_trade=5)
    with pytest.raises(TradeRefused, match="allows 5"):
        desk.require(6)

    assert desk.policies.end(USER, BASE, from_unix(NOW_S))
    assert not desk.policies.end(USER, BASE, from_unix(NOW_S))
    with pytest.raises(TradeRefused, match="no policy"):
        desk.require(1)


def test_a_policy_is_for_one_account_one_chain_and_one_contract(desk: Desk):
    desk.allow()

    for changes in ({"user": STRANGER}, {"chain_id": 84_532}, {"contract": STRANGER}):
        with pytest.raises(TradeRefused):
            desk.require(1, **changes)


def test_limits_that_were_widened_in_the_store_are_no_policy(desk: Desk):
    signed = desk.allow(per_trade=1)
    wider = replace(signed, policy=replace(signed.policy, max_per_trade=10**12, max_per_day=10**12))
    desk.policies.end(USER, BASE, from_unix(NOW_S))
    desk.policies._db.execute("delete from policies")
    desk.policies.keep(wider, from_unix(NOW_S))

    with pytest.raises(TradeRefused, match="no policy"):
        desk.require(2)
