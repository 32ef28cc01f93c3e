"""The venue's names of option series, read strictly and written back."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bethna_cli.adapters.tickers import read_ticker, write_ticker
from bethna_cli.domain.market import Asset
from bethna_cli.domain.options import OptionKind

STRIKES = st.decimals("0.5", "999999", places=2).filter(lambda strike: strike >= 1)
DAYS = st.integers(1704067200, 4070908800).map(lambda at_s: datetime.fromtimestamp(at_s, UTC))


@pytest.mark.parametrize(
    ("ticker", "expires_s", "kind", "strikes"),
    [
        ("ETH-19MAY26-2075-P", 1779177600, OptionKind.PUT, [2075]),
        ("ETH-16FEB26-1800-P", 1771228800, OptionKind.PUT, [1800]),
        ("BTC-8MAR26-90000-C", 1772956800, OptionKind.CALL, [90000]),
        ("ETH-25SEP26-2300/2500-CALL_SPREAD", 1790323200, OptionKind.CALL_SPREAD, [2300, 2500]),
        ("ETH-25SEP26-2500/2300-PUT_SPREAD", 1790323200, OptionKind.PUT_SPREAD, [2300, 2500]),
        ("ETH-28AUG26-2150/2200/2250/2300-RANGER", 1787904000, None, [2150, 2200, 2250, 2300]),
    ],
)
def test_a_name_in_the_grammar_is_understood(
    ticker: str, expires_s: int, kind: OptionKind | None, strikes: list[int]
) -> None:
    series = read_ticker(ticker)

    assert series.expires_at.timestamp() == expires_s
    assert (series.kind, list(series.strikes)) == (kind, strikes)


@pytest.mark.parametrize(
    "ticker",
    [
        "",
        "ETH",
        "eth-19MAY26-2075-P",
        "ETH-019MAY26-2075-P",
        "ETH-0MAY26-2075-P",
        "ETH-32MAY26-2075-P",
        "ETH-30FEB26-2075-P",
        "ETH-19may26-2075-P",
        "ETH-19MAI26-2075-P",
        "ETH-19MAY2026-2075-P",
        "ETH-19MAY26--2075-P",
        "ETH-19MAY26-0-P",
        "ETH-19MAY26-02075-P",
        "ETH-19MAY26-2075.-P",
        "ETH-19MAY26-2e3-P",
        "ETH-19MAY26-2075-p",
        "ETH-19MAY26-2075-P ",
        "ETH-19MAY26-2075-P\n",
        "ETH-19MAY26-٢٠٧٥-P",
        "ETH-19MAY26-2075/2100/2125/2150/2175-X",
        "\x1b[31mETH-19MAY26-2075-P",
        "[red]ETH-19MAY26-2075-P",
    ],
)
def test_anything_else_is_no_name(ticker: str) -> None:
    with pytest.raises(ValueError):
        read_ticker(ticker)


@given(st.sampled_from(list(Asset)), st.sampled_from(list(OptionKind)), st.sets(STRIKES, min_size=2, max_size=2), DAYS)
def test_a_written_name_reads_back_as_the_same_series(
    asset: Asset, kind: OptionKind, strikes: set[Decimal], expires_at: datetime
) -> None:
    chosen = sorted(strikes)[: 2 if kind.is_spread else 1]

    series = read_ticker(write_ticker(asset, kind, chosen, expires_at))

    assert (series.asset, series.kind, list(series.strikes)) == (asset, kind, chosen)
    assert series.day == expires_at.date()


@given(st.text(max_size=60))
def test_any_text_is_a_series_or_a_value_error(text: str) -> None:
    try:
        read_ticker(text)
    except ValueError:
        return
