"""What every OptionsVenue promises."""

from datetime import timedelta
from decimal import Decimal
from functools import cache

import pytest
from market_worlds import VENUES, Market

from bethna_cli.domain.errors import NothingSuitable, OutsideError
from bethna_cli.domain.market import Asset, OptionBoard, Origin
from bethna_cli.domain.options import OptionKind, OptionQuote

every_venue = pytest.mark.parametrize("venue", VENUES)


@cache
def board(market: Market, venue: str) -> OptionBoard:
    return market.ask(lambda clients: VENUES[venue](clients).board(market.asset))


def most_it_pays(quote: OptionQuote) -> Decimal:
    return quote.strikes[-1] - quote.strikes[0] if quote.kind.is_spread else quote.strikes[0]


@every_venue
def test_every_kind_of_option_is_on_offer(market: Market, venue: str) -> None:
    assert {quote.kind for quote in board(market, venue).quotes} == set(OptionKind)


@every_venue
def test_every_quote_can_be_bought_now(market: Market, venue: str) -> None:
    for quote in board(market, venue).quotes:
        assert market.now < quote.good_until
        assert market.now < quote.expires_at
        assert quote.max_contracts > 0


@every_venue
def test_every_quote_costs_something_and_less_than_it_can_pay(market: Market, venue: str) -> None:
    for quote in board(market, venue).quotes:
        assert 0 < quote.price_usd < most_it_pays(quote)


@every_venue
def test_a_spread_has_two_strikes_in_order_and_the_others_one(market: Market, venue: str) -> None:
    for quote in board(market, venue).quotes:
        assert len(quote.strikes) == (2 if quote.kind.is_spread else 1)
        assert list(quote.strikes) == sorted(set(quote.strikes))


@every_venue
def test_greeks_have_the_sign_of_a_long_holder(market: Market, venue: str) -> None:
    for quote in board(market, venue).quotes:
        if quote.greeks is not None:
            assert 0 < quote.greeks.iv < 10
            assert quote.greeks.delta * (1 if quote.kind.is_call else -1) >= 0


@every_venue
def test_quotes_have_names_of_their_own(market: Market, venue: str) -> None:
    names = [quote.order_id for quote in board(market, venue).quotes]

    assert len(names) == len(set(names))


@every_venue
def test_what_is_left_out_is_counted(market: Market, venue: str) -> None:
    left_out = board(market, venue).left_out

    assert left_out["maker buys"] > 0
    assert all(count > 0 for count in left_out.values())


@every_venue
def test_its_mark_says_who_said_so_when_and_whether_it_is_real(market: Market, venue: str) -> None:
    found = board(market, venue)

    assert (found.provenance.source, found.provenance.origin) == (venue, market.origin)
    assert timedelta(0) <= market.now - found.provenance.observed_at <= timedelta(seconds=60)


@every_venue
def test_an_assumed_size_is_said_in_words_exactly_where_sizes_were_not_recorded(market: Market, venue: str) -> None:
    assert bool(board(market, venue).assumed_cap) is (market.origin is Origin.REPLAY)


@every_venue
def test_asking_twice_gives_the_same_answer(market: Market, venue: str) -> None:
    assert board(market, venue) == market.ask(lambda clients: VENUES[venue](clients).board(market.asset))


@every_venue
def test_an_outage_raises(outage: Market, venue: str) -> None:
    with pytest.raises(OutsideError):
        outage.ask(lambda clients: VENUES[venue](clients).board(Asset.ETH))


@pytest.mark.parametrize("venue", ["thetanuts"])
def test_where_a_bid_would_write_a_new_option_there_is_nothing_to_sell_to(market: Market, venue: str) -> None:
    with pytest.raises(NothingSuitable, match="write a new option"):
        market.ask(lambda clients: VENUES[venue](clients).bids(market.asset))
