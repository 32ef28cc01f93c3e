"""The recordings themselves: they hold no key, say that they are simulated, and answer nothing else."""

import pytest
from market_worlds import FOLDER, HOLDER, KEY, PAST, Market, recorded
from vcr.errors import CannotOverwriteExistingCassetteException

from bethna_cli.domain.market import Asset


def text(asset: Asset) -> str:
    return (FOLDER / f"{asset.value.lower()}.yaml").read_text(encoding="utf-8")


def test_a_recording_holds_no_key(asset: Asset) -> None:
    assert KEY not in text(asset)
    assert "authorization" not in text(asset).lower()


def test_a_recording_says_that_every_answer_is_simulated(asset: Asset) -> None:
    assert text(asset).startswith("# Recorded from the simulated services and checked by hand")
    assert text(asset).count("x-bethna-origin") == text(asset).count("- request:") > 0


def test_the_questions_beside_the_contracts_were_recorded_too(asset: Asset) -> None:
    market = recorded(asset)

    past = market.ask(lambda clients: clients.pyth.spot_at(asset, PAST))
    prices = market.ask(lambda clients: clients.thetanuts.reference_prices(asset))
    health = market.ask(lambda clients: clients.thetanuts.health())

    assert past.provenance.observed_at == PAST
    assert all(price.ask_usd is None or price.ask_usd >= (price.bid_usd or 0) for price in prices)
    assert len(prices) > 50
    assert health.healthy
    assert market.ask(lambda clients: clients.thetanuts.positions(HOLDER)) == ()


def test_a_question_that_was_not_recorded_is_not_answered(asset: Asset) -> None:
    market: Market = recorded(asset)

    with pytest.raises(CannotOverwriteExistingCassetteException):
        market.ask(lambda clients: clients.dydx.history(asset, 7))
