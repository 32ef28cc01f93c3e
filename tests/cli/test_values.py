"""What people type: assets under their names, products, strikes, expiries."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from bethna_cli.cli.values import parse_asset, parse_expiry, parse_product, parse_purchase, parse_span, parse_strikes
from bethna_cli.domain.errors import NotFound, UnknownAsset, UsageError
from bethna_cli.domain.market import Asset
from bethna_cli.domain.options import OptionKind


@pytest.mark.parametrize("word", ["eth", "ETH", "Ether", "ethereum", " eth "])
def test_ether_has_many_names(word):
    assert parse_asset(word) is Asset.ETH


@pytest.mark.parametrize("word", ["btc", "XBT", "Bitcoin"])
def test_so_has_bitcoin(word):
    assert parse_asset(word) is Asset.BTC


@pytest.mark.parametrize("word", ["", "SOL", "ETH;BTC", "ＥＴＨ", "../eth", "eth\x00"])
def test_anything_else_is_an_unknown_asset(word):
    with pytest.raises(UnknownAsset):
        parse_asset(word)


def test_a_product_is_an_asset_and_perhaps_a_kind():
    assert (parse_product("eth").kind, parse_product("eth-calls").kind) == (None, OptionKind.CALL)
    assert parse_product("BTC-put-spread").kind is OptionKind.PUT_SPREAD


def test_an_unknown_kind_is_refused_with_the_nearest_one():
    with pytest.raises(NotFound) as refusal:
        parse_product("eth-cal")

    assert refusal.value.hint == "bethna strategies eth-call"


def test_a_straddle_is_a_call_and_a_put():
    assert parse_purchase("eth-straddle") == (Asset.ETH, frozenset({OptionKind.CALL, OptionKind.PUT}))


def test_strikes_come_out_in_ascending_order():
    assert parse_strikes("3200/3000.5") == (Decimal("3000.5"), Decimal(3200))


@pytest.mark.parametrize("word", ["", "3000/", "1/2/3", "-5", "1e3", "nan", "٣"])
def test_what_is_no_strike_is_refused(word):
    with pytest.raises(UsageError, match="--strike"):
        parse_strikes(word)


def test_an_expiry_is_a_span_a_time_or_a_day_at_the_hour_of_the_venue():
    assert parse_expiry("36h") == 1.5
    assert parse_expiry("2026-11-27T09:30Z") == datetime(2026, 11, 27, 9, 30, tzinfo=UTC)
    assert parse_expiry("2026-11-27") == datetime(2026, 11, 27, 8, tzinfo=UTC)


@pytest.mark.parametrize("word", ["2026-13-27", "2026-11-27T25:00Z", "tomorrow", "0d", "7"])
def test_what_is_no_expiry_is_refused(word):
    with pytest.raises(UsageError, match="--expiry"):
        parse_expiry(word)


def test_a_span_counts_in_its_unit():
    assert [parse_span(word) for word in ("90s", "15m", "6h", "2d", "1w")] == [
        timedelta(seconds=90), timedelta(minutes=15), timedelta(hours=6), timedelta(days=2), timedelta(weeks=1),
    ]  # fmt: skip
