"""Implied volatility is read from what was bid and asked at the money."""

from pathlib import Path

import pytest

from bethna_cli.adapters.implied import RecordedVolatility, has_chains
from bethna_cli.domain.errors import DataRefused
from bethna_cli.domain.market import Asset
from recordings import CHAINS, recording

BID, ASK, MARK = 8, 9, 10


def test_quotes_around_a_volatility_imply_it_at_every_expiry(tmp_path: Path) -> None:
    made = recording(tmp_path, days=3, iv=0.55)
    # Marks may say anything: nobody could have traded at them.
    made.change(CHAINS, lambda rows: [[*row[:MARK], 0.5, *row[MARK + 1 :]] for row in rows])

    source = RecordedVolatility(tmp_path, Asset.ETH)
    found = source.terms()

    assert [at for at, _ in found] == made.moments
    assert all(len(term) == 2 and term[0][0] < term[1][0] for _, term in found)
    assert all(iv == pytest.approx(0.55, abs=2e-3) for _, term in found for _, iv in term)
    assert source.described().rows == len(made.rows(CHAINS)) - 1
    assert (has_chains(tmp_path, Asset.ETH), has_chains(tmp_path, Asset.BTC)) == (True, False)


def test_where_nothing_is_bid_nothing_is_implied(tmp_path: Path) -> None:
    made = recording(tmp_path, days=2)
    made.change(CHAINS, lambda rows: [[*row[:BID], "", *row[ASK:]] for row in rows])

    with pytest.raises(DataRefused, match="bid and asked at the money"):
        RecordedVolatility(tmp_path, Asset.ETH).terms()
