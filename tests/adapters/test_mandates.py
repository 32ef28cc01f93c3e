"""Exit mandates in the store: kept whole, found again, ended once; and what the contract makes of their numbers."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bethna_cli.adapters.mandates import SqliteMandates
from bethna_cli.domain.chain import NO_ADDRESS, Address, Hash, SigningDomain
from bethna_cli.domain.mandate import Mandate, MandateKind, MandateState
from bethna_cli.domain.trade import PlannedTrade, Side, TradeIntent

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
USER, WATCHER, TOKEN = (Address("0x" + digits * 20) for digits in ("11", "22", "33"))
PURCHASE, REF = (Hash("0x" + digits * 32) for digits in ("aa", "bb"))


def mandate(
    number: int = 1, *, kind: MandateKind = MandateKind.STOP_LOSS, side: Side = Side.SELL, **terms: int
) -> Mandate:
    amounts = {"amount_in": 3_000_000, "quoted_amount_out": 90_000_000, "min_amount_out": 45_000_000, **terms}
    intent = TradeIntent(
        user=USER, executor=WATCHER, side=side, option_token=TOKEN, router=NO_ADDRESS, nonce=7,
        deadline_s=1_795_000_000, ref=REF, **amounts,
    )  # fmt: skip
    trade = PlannedTrade(kind.value, SigningDomain("SentientTrader", "1", 779_977, NO_ADDRESS), intent)
    return Mandate(Hash(f"0x{number:064x}"), kind, trade, b"\x01" * 65, PURCHASE, NOON)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteMandates]:
    opened = SqliteMandates.open(tmp_path / "sim.db")
    yield opened
    opened.close()


def test_what_was_signed_comes_back_as_it_was(store):
    both = [mandate(1), mandate(2, kind=MandateKind.TAKE_PROFIT)]

    store.keep(both)
    store.keep(both)

    assert store.of_token(USER, TOKEN) == store.of_purchase(PURCHASE) == store.live() == both


def test_an_end_is_kept_and_the_signature_is_not(store):
    store.keep([mandate(1), mandate(2)])

    store.move([mandate(1).digest], MandateState.OPEN, NOON)
    store.move([mandate(1).digest], MandateState.USED, NOON)
    store.move([mandate(1).digest], MandateState.OPEN, NOON)

    used, waiting = store.of_token(USER, TOKEN)
    assert (used.state, used.signature) == (MandateState.USED, b"")
    assert (waiting.state, waiting.signature) == (MandateState.WAITING, b"\x01" * 65)
    assert store.live() == [waiting]


def test_a_signature_is_in_nothing_that_is_printed():
    assert "x01" not in repr(mandate())


@pytest.mark.parametrize("wrong", [{"side": Side.BUY}, {"amount_in": 0}], ids=str)
def test_only_a_sale_of_something_is_a_mandate(wrong):
    with pytest.raises(ValueError, match="watcher"):
        mandate(**wrong)


@given(
    amount=st.integers(1, 10**12),
    floor=st.integers(1, 10**15),
    held=st.integers(0, 10**12),
    trigger=st.integers(1, 10**15),
)
def test_a_part_of_the_position_has_its_part_of_the_floor_rounded_up(amount, floor, held, trigger):
    one = mandate(amount_in=amount, min_amount_out=floor, quoted_amount_out=trigger)
    sold = min(held, amount)

    assert floor * sold <= one.floor(held) * amount < floor * sold + amount
    assert one.trigger_value(amount) == trigger


def test_a_floor_below_nine_tenths_is_worth_nothing_in_the_last_quarter_of_an_hour():
    loose, tight = mandate(min_amount_out=80_999_999), mandate(min_amount_out=81_000_000)

    assert (loose.usable_until_s, tight.usable_until_s) == (1_795_000_000 - 901, 1_795_000_000)
