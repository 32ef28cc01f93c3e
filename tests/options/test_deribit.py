"""Our figures against the ones that Deribit published for real options."""

import csv
import gzip
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from bethna_cli.options import black


class Tickers:
    """Single tickers with every Greek, as columns."""

    def __init__(self, path: Path) -> None:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            self._rows = list(csv.DictReader(file))
        self.forward, self.strike, self.iv = self["underlying_price"], self["strike"], self["mark_iv"]
        self.is_call = np.array([row["type"] == "C" for row in self._rows])
        seconds = [
            (datetime.fromisoformat(row["expiry"]) - datetime.fromisoformat(row["snapshot_ts"])).total_seconds()
            for row in self._rows
        ]
        self.years = np.array(seconds) / black.SECONDS_PER_YEAR

    def __getitem__(self, column: str) -> np.ndarray:
        return np.array([float(row[column] or "nan") for row in self._rows])

    def valued(self) -> tuple[np.ndarray, black.Greeks[np.ndarray]]:
        return black.price_and_greeks(self.forward, self.strike, self.years, self.iv, self.is_call)


@pytest.fixture(scope="module")
def tickers(market_data_dir: Path) -> Tickers:
    return Tickers(market_data_dir / "deribit_greeks_full.csv.gz")


def test_every_published_mark_is_met_within_a_thousandth_of_a_coin(tickers: Tickers) -> None:
    price, _ = tickers.valued()

    assert len(price) > 2_000
    assert np.abs(price / tickers.forward - tickers["mark"]).max() < 1e-3


@pytest.mark.parametrize(("greek", "within"), [("delta", 2e-4), ("gamma", 1e-5), ("vega", 0.02), ("rho", 0.01)])
def test_every_published_greek_is_met(tickers: Tickers, greek: str, within: float) -> None:
    published = tickers[greek]  # one source publishes no rho
    _, greeks = tickers.valued()

    difference = np.abs(getattr(greeks, greek) - published)

    assert np.isfinite(published).sum() > 2_000
    assert np.nanmax(difference) < within


def test_published_theta_is_ours_capped_by_the_last_day_and_the_mark(tickers: Tickers) -> None:
    _, greeks = tickers.valued()
    days = tickers.years * black.DAYS_PER_YEAR
    capped = -np.minimum(-greeks.theta * np.minimum(1, days), tickers["mark"] * tickers.forward)

    assert np.abs(capped - tickers["theta"]).max() < 0.5


def test_our_prices_give_back_the_published_volatilities(tickers: Tickers) -> None:
    price, greeks = tickers.valued()
    determined = price * 2.0**-52 < 1e-9 * 100 * greeks.vega

    found = black.implied_vol(price, tickers.forward, tickers.strike, tickers.years, tickers.is_call)

    assert determined.mean() > 0.99
    assert np.abs(found - tickers.iv)[determined].max() < 1e-8
