"""The markets that the contracts of market data are held against."""

import httpx
import pytest
from market_worlds import Market, broken, recorded, replayed, simulated

from bethna_cli.domain.market import Asset


@pytest.fixture(scope="session", params=list(Asset))
def asset(request: pytest.FixtureRequest) -> Asset:
    return request.param


@pytest.fixture(scope="session", params=["simulated", "recorded", "replayed"])
def market(request: pytest.FixtureRequest, asset: Asset) -> Market:
    """The embedded market, its answers on a cassette, and recorded history."""
    if request.param == "replayed":
        return replayed(asset, request.getfixturevalue("market_data_dir"))
    return {"simulated": simulated, "recorded": recorded}[request.param](asset)


@pytest.fixture(params=["down", "an error page", "empty"])
def outage(request: pytest.FixtureRequest) -> Market:
    """Services that answer nothing useful."""
    answers = {
        "down": httpx.Response(503),
        "an error page": httpx.Response(200, html="<html>maintenance</html>"),
        "empty": httpx.Response(200, json={}),
    }
    return broken(answers[request.param])
