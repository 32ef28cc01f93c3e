"""The account on paper: what it pays, what it gets, and when a rule sells."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bethna_cli.domain.backtest import BacktestTerms, Closed, Ending, Sale, Settlement, Strategy
from bethna_cli.domain.market import Asset
from bethna_cli.domain.options import OptionKind, OptionQuote
from bethna_cli.domain.recommendation import Leg, Signal
from bethna_cli.domain.units import PRICE_UNIT, Contracts, PriceE8, Usdc, premium_for
from bethna_cli.flow.paper import PaperAccount
from bethna_cli.options.fees import venue_fee

OPENED = datetime(2026, 3, 1, 15, 30, tzinfo=UTC)
EXPIRY = datetime(2026, 3, 8, 8, tzinfo=UTC)
ONE = Contracts(1_000_000)
TERMS = BacktestTerms(Asset.ETH, OPENED, EXPIRY)
SPOT = 2_000.0


def quote(kind: OptionKind = OptionKind.CALL, strikes: tuple[int, ...] = (2_000,)) -> OptionQuote:
    """A series that is offered at 50 USD."""
    price = PriceE8(50 * PRICE_UNIT)
    levels = tuple(map(Decimal, strikes))
    return OptionQuote(f"{kind}-{strikes}", kind, levels, EXPIRY, price, Contracts(10 * ONE), EXPIRY, "recorded")


CALL, PUT = quote(), quote(OptionKind.PUT)


@dataclass
class Moment:
    """What can be had for each series at a moment; a series that is not named is not listed."""

    offers: Mapping[OptionQuote, tuple[float | None, float]]
    at: datetime = OPENED + timedelta(days=1)

    def sale(self, wanted: OptionQuote) -> Sale | None:
        if wanted not in self.offers:
            return None
        bid, mark = self.offers[wanted]
        return Sale(None if bid is None else PriceE8(round(bid * PRICE_UNIT)), PriceE8(round(mark * PRICE_UNIT)))


@dataclass
class Market:
    """A market that settles at one price, or cannot."""

    settles_at: Settlement | None = field(default_factory=lambda: Settlement(SPOT))

    def settlement(self, expires_at: datetime) -> Settlement | None:
        return self.settles_at


@pytest.fixture
def closed() -> list[Closed]:
    return []


@pytest.fixture
def account(closed: list[Closed]) -> PaperAccount:
    return PaperAccount(Strategy.ALPHA, TERMS, closed.append)


def bought(account: PaperAccount, *quotes: OptionQuote, contracts: Contracts = ONE) -> None:
    legs = [Leg(each, contracts, premium_for(contracts, each.price)) for each in quotes]
    signal = Signal.LONG_CALL if len(legs) == 1 else Signal.LONG_STRADDLE
    account.buy(signal, legs, OPENED, SPOT)


def test_a_purchase_costs_the_ask_and_nothing_beside_it(account: PaperAccount) -> None:
    bought(account, CALL)

    assert account.cash == TERMS.capital - 50_000_000


@pytest.mark.parametrize(
    ("mark_usd", "ending"),
    [
        (25.0, Ending.STOP_LOSS),
        (25.000001, None),
        (99.999999, None),
        (100.0, Ending.TAKE_PROFIT),
        (0.0, Ending.STOP_LOSS),
    ],
)
def test_a_rule_sells_at_its_limit_and_not_a_cent_before(
    account: PaperAccount, closed: list[Closed], mark_usd: float, ending: Ending | None
) -> None:
    bought(account, CALL)

    account.look(Moment({CALL: (mark_usd or 0.1, mark_usd)}), SPOT)

    assert [one.ending for one in closed] == ([ending] if ending else [])


def test_a_sale_brings_the_bid_less_the_venues_fee(account: PaperAccount, closed: list[Closed]) -> None:
    bought(account, CALL)

    account.look(Moment({CALL: (110.0, 120.0)}), SPOT)

    assert closed[0].proceeds == 110_000_000 - 1_200_000  # 0.06 % of 2,000 USD is less than an eighth of 110
    assert account.cash == TERMS.capital - 50_000_000 + closed[0].proceeds


@given(contracts=st.integers(1, 10**9), premium=st.integers(0, 10**12), spot=st.floats(1, 1e6, allow_nan=False))
def test_the_fee_is_the_smaller_of_its_two_shares_and_never_eats_the_premium(
    contracts: int, premium: int, spot: float
) -> None:
    fee = venue_fee(contracts, premium, spot)

    assert 0 <= fee <= premium
    assert fee <= premium / 8 + 1
    assert fee <= contracts * spot * 0.0006 + 2


def test_the_venues_own_fill_had_this_fee() -> None:
    """A real fill: a put, premium 999,998 base units, of which 124,999 were fee (the venue rounds down)."""
    assert venue_fee(389_926, 999_998, 2_340.0) in (124_999, 125_000)


def test_without_a_bid_nothing_is_sold_and_the_next_moment_tries_again(
    account: PaperAccount, closed: list[Closed]
) -> None:
    bought(account, CALL)

    account.look(Moment({CALL: (None, 1.0)}), SPOT)
    assert (closed, account.counts()["without_bid"]) == ([], 1)

    account.look(Moment({CALL: (0.5, 1.0)}), SPOT)
    assert [one.ending for one in closed] == [Ending.STOP_LOSS]


def test_a_series_that_is_not_listed_keeps_its_position_and_is_worth_nothing_meanwhile(account: PaperAccount) -> None:
    bought(account, CALL)
    moment = Moment({})

    account.look(moment, SPOT)

    assert account.counts()["unlisted"] == 1
    assert account.worth(moment, SPOT) == account.cash


def test_the_legs_of_a_straddle_are_sold_each_by_its_own_rule(account: PaperAccount, closed: list[Closed]) -> None:
    bought(account, CALL, PUT)

    account.look(Moment({CALL: (150.0, 150.0), PUT: (40.0, 40.0)}), SPOT)

    assert [(one.quote, one.ending, one.trade) for one in closed] == [(CALL, Ending.TAKE_PROFIT, 0)]
    assert account.worth(Moment({PUT: (40.0, 40.0)}), SPOT) > account.cash


@pytest.mark.parametrize(
    ("held", "price_usd", "pays_usd"),
    [
        (CALL, 2_150.0, 150.0),
        (CALL, 1_900.0, 0.0),
        (PUT, 1_900.0, 100.0),
        (CALL, 9_000.0, 2_000.0),
        (quote(OptionKind.CALL_SPREAD, (2_000, 2_100)), 2_500.0, 100.0),
        (quote(OptionKind.PUT_SPREAD, (1_900, 2_000)), 1_950.0, 50.0),
    ],
)
def test_at_expiry_the_venues_payoff_is_paid_without_a_fee(
    account: PaperAccount, closed: list[Closed], held: OptionQuote, price_usd: float, pays_usd: float
) -> None:
    bought(account, held)

    account.settle(EXPIRY, Market(Settlement(price_usd)))  # type: ignore[arg-type]

    assert (closed[0].proceeds, closed[0].ending, closed[0].closed_at) == (pays_usd * 1e6, Ending.SETTLED, EXPIRY)


def test_before_its_expiry_nothing_is_settled(account: PaperAccount, closed: list[Closed]) -> None:
    bought(account, CALL)

    account.settle(EXPIRY - timedelta(seconds=1), Market())  # type: ignore[arg-type]

    assert closed == []


def test_what_cannot_be_settled_is_worthless_and_counted(account: PaperAccount, closed: list[Closed]) -> None:
    bought(account, CALL)

    account.settle(EXPIRY, Market(None))  # type: ignore[arg-type]

    assert (closed[0].proceeds, account.counts()["never_settled"]) == (0, 1)


def test_at_the_end_everything_is_sold_at_its_last_bid(account: PaperAccount, closed: list[Closed]) -> None:
    bought(account, CALL, PUT)

    account.end(Moment({CALL: (60.0, 61.0), PUT: (None, 0.5)}), SPOT)

    assert [(one.ending, one.proceeds > 0) for one in closed] == [(Ending.DATA_ENDED, True), (Ending.DATA_ENDED, False)]
    assert account.worth(Moment({}), SPOT) == account.cash


def test_a_purchase_beyond_the_cash_is_not_made_in_part(closed: list[Closed]) -> None:
    account = PaperAccount(
        Strategy.ALPHA, BacktestTerms(Asset.ETH, OPENED, EXPIRY, capital=Usdc(60_000_000)), closed.append
    )

    bought(account, CALL, PUT)

    assert (account.cash, account.trades, account.counts()["unaffordable"]) == (60_000_000, 0, 1)
