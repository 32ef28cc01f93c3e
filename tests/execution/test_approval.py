"""What is shown is what is signed, and what is signed is what the contract takes."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from eth_account.messages import encode_typed_data
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from plans import DOMAIN, NOW_S, OPTION, PLAN_ID, ROUTER, USER, leg, plans, terms

from bethna_cli.adapters.abi import keccak
from bethna_cli.domain.chain import Address, Hash, SigningDomain
from bethna_cli.domain.trade import PlannedTrade, Side, TradeIntent
from bethna_cli.domain.units import Bps
from bethna_cli.execution.approval import (
    card,
    deadline,
    intent_nonce,
    least_acceptable,
    read_card,
    reference,
    typed_data,
)
from bethna_cli.execution.plan import planned

VECTORS = Path(__file__).resolve().parents[2] / "contracts/test/vectors/trade_intents.json"
TRADE = planned([leg()], terms(), keccak)[0]
CARD = "\n".join(str(line) for line in card([TRADE]))


def digest(trade: PlannedTrade) -> bytes:
    message = encode_typed_data(full_message=typed_data(trade))
    return keccak(b"\x19" + message.version + message.header + message.body)


def rebuilt(trades: Sequence[PlannedTrade]) -> list[PlannedTrade]:
    return read_card("\n".join(str(line) for line in card(trades)))


# ── the digest ────────────────────────────────────────────────────────────────────────────────────────────────────


def from_vector(vector: dict[str, Any]) -> PlannedTrade:
    fields = vector["intent"]
    intent = TradeIntent(
        user=fields["user"].lower(),
        executor=fields["executor"].lower(),
        side=Side(int(fields["side"])),
        option_token=fields["optionToken"].lower(),
        router=fields["router"].lower(),
        amount_in=int(fields["amountIn"]),
        quoted_amount_out=int(fields["quotedAmountOut"]),
        min_amount_out=int(fields["minAmountOut"]),
        nonce=int(fields["nonce"]),
        deadline_s=int(fields["deadline"]),
        ref=fields["ref"].lower(),
    )
    domain = SigningDomain("SentientTrader", "1", vector["chainId"], Address(vector["verifyingContract"].lower()))
    return PlannedTrade("buy", domain, intent)


def vectors_in_time() -> list[dict[str, Any]]:
    vectors: list[dict[str, Any]] = json.loads(VECTORS.read_text())["vectors"]
    return [one for one in vectors if int(one["intent"]["deadline"]) < 253_402_300_800]


def test_the_typed_data_has_the_digests_that_the_contract_committed_to():
    vectors = vectors_in_time()

    assert len(vectors) > 5
    assert ["0x" + digest(from_vector(one)).hex() for one in vectors] == [one["digest"] for one in vectors]


def test_nothing_is_signed_for_a_domain_that_is_not_the_contracts():
    foreign = replace(TRADE, domain=replace(DOMAIN, name="OptionBook"))

    with pytest.raises(ValueError, match="domain"):
        typed_data(foreign)
    with pytest.raises(ValueError, match="domain"):
        card([foreign])


@pytest.mark.parametrize("value", [5.0, "5", True, -1, 2**256, None, float("nan")])
@pytest.mark.parametrize("name", ["amount_in", "quoted_amount_out", "min_amount_out", "nonce", "deadline_s"])
def test_an_amount_is_a_whole_number_and_nothing_that_looks_like_one(name: str, value: object):
    with pytest.raises(ValueError, match="not a"):
        replace(TRADE.intent, **{name: value})


@pytest.mark.parametrize("value", ["0x" + "AB" * 20, "0x12", OPTION + "\n", "", None, 7])
def test_an_address_is_twenty_bytes_in_lower_case(value: object):
    with pytest.raises(ValueError, match="not an address"):
        replace(TRADE.intent, option_token=value)


def test_a_deadline_in_milliseconds_is_not_taken_for_seconds():
    with pytest.raises(ValueError, match="seconds"):
        replace(TRADE.intent, deadline_s=NOW_S * 1_000)


# ── bounds ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_one_percent_slippage_of_an_odd_quote_is_rounded_in_the_buyers_favour():
    assert least_acceptable(1_000_001, Bps(100)) == 990_001
    assert least_acceptable(1, Bps(1_000)) == 1


@given(st.integers(1, 2**200), st.integers(0, 1_000))
def test_the_least_acceptable_is_never_below_what_the_contract_allows(quoted: int, slippage: int):
    least = least_acceptable(quoted, Bps(slippage))

    assert least * 10_000 >= quoted * 9_000
    assert (least - 1) * 10_000 < quoted * (10_000 - slippage) <= least * 10_000


@pytest.mark.parametrize(("quoted", "slippage"), [(0, 100), (-1, 100), (100, 1_001), (100, -1)])
def test_a_bound_that_the_contract_would_refuse_cannot_be_made(quoted: int, slippage: int):
    with pytest.raises(ValueError, match=r"quoted|slippage"):
        least_acceptable(quoted, Bps(slippage))


def test_a_buy_lives_fifteen_minutes_at_most_and_a_sell_thirty_days():
    assert deadline(NOW_S, 900, Side.BUY) == NOW_S + 900
    assert deadline(NOW_S, 30 * 86_400, Side.SELL) == NOW_S + 30 * 86_400


@pytest.mark.parametrize(
    ("lifetime_s", "side"), [(901, Side.BUY), (0, Side.BUY), (-5, Side.SELL), (30 * 86_400 + 1, Side.SELL)]
)
def test_a_deadline_too_far_or_passed_already_is_refused(lifetime_s: int, side: Side):
    with pytest.raises(ValueError, match="lives"):
        deadline(NOW_S, lifetime_s, side)


# ── nonce and reference ───────────────────────────────────────────────────────────────────────────────────────────


def test_one_plan_approved_twice_is_one_trade():
    assert planned([leg()], terms(), keccak) == planned([leg()], terms(), keccak)
    assert intent_nonce(PLAN_ID, "buy", keccak) == int.from_bytes(keccak(bytes.fromhex("55" * 32) + b"buy"), "big")


def test_two_plans_and_two_legs_have_nonces_of_their_own():
    other = Hash("0x" + "77" * 32)
    nonces = {intent_nonce(plan, purpose, keccak) for plan in (PLAN_ID, other) for purpose in ("buy-1", "buy-2")}

    assert len(nonces) == 4


def test_a_plan_id_of_another_length_is_refused_because_it_could_run_into_the_purpose():
    with pytest.raises(ValueError, match="32 bytes"):
        intent_nonce(Hash("0x55"), "buy", keccak)


def test_the_reference_does_not_depend_on_the_order_of_the_fields():
    assert reference({"a": 1, "b": [2]}, keccak) == reference({"b": [2], "a": 1}, keccak)
    assert reference({"a": 1}, keccak) != reference({"a": 2}, keccak)


def test_a_recommendation_with_a_number_that_is_none_has_no_reference():
    with pytest.raises(ValueError, match="JSON compliant"):
        reference({"premium": float("nan")}, keccak)


# ── the card ──────────────────────────────────────────────────────────────────────────────────────────────────────


@settings(max_examples=300)
@given(plans)
def test_the_digest_rebuilt_from_the_printed_card_is_the_signed_digest(trades: list[PlannedTrade]):
    assert [digest(trade) for trade in rebuilt(trades)] == [digest(trade) for trade in trades]


@pytest.mark.slow
@pytest.mark.timeout(900)
@settings(max_examples=10_000, deadline=None, suppress_health_check=list(HealthCheck))
@given(plans)
def test_the_digest_rebuilt_from_ten_thousand_printed_cards_is_the_signed_digest(trades: list[PlannedTrade]):
    assert [digest(trade) for trade in rebuilt(trades)] == [digest(trade) for trade in trades]


def test_a_buyer_reads_what_it_costs_what_was_quoted_and_what_must_arrive():
    values = {line.label: line.value for line in card([TRADE])}

    assert values["You give"] == "100.000000 USDC"
    assert values["Quoted"] == "2.000000 contracts"
    assert values["At least"] == "1.980000 contracts"
    assert values["Valid until"] == "2026-11-18T11:11:40Z (1795000300)"
    assert (values["Option"], values["Venue"], values["Your account"]) == (OPTION, ROUTER, USER)


def test_a_seller_reads_that_the_amount_is_a_ceiling():
    (sale,) = planned([leg(Side.SELL)], terms(), keccak)
    values = {line.label: line.value for line in card([sale])}

    assert values["You give"] == "up to 100.000000 contracts"
    assert values["At least"] == "1.980000 USDC"


@pytest.mark.parametrize(
    ("shown", "altered"),
    [
        ("100.000000 USDC", "100.00000 USDC"),
        ("100.000000 USDC", "0100.000000 USDC"),
        ("100.000000 USDC", "1e2 USDC"),
        ("100.000000 USDC", "100.000000 contracts"),
        ("buy this option, pay in USDC", "sell this option, be paid in USDC"),
        ("2026-11-18T11:11:40Z", "2027-01-01T00:00:00Z"),
        ("on chain 779977", "on chain 0779977"),
        ("1 of 1: buy", "1 of 2: buy"),
        ("Venue         ", "Vendor        "),
        ("SentientTrader 1", "SentientTrader 2"),
    ],
)
def test_a_card_that_says_it_otherwise_is_not_read(shown: str, altered: str):
    assert shown in CARD

    with pytest.raises(ValueError, match=r"card|number|address|domain"):
        read_card(CARD.replace(shown, altered))


@pytest.mark.parametrize("text", ["", CARD + "\nNote          trust me", "\n".join(CARD.splitlines()[:-1])])
def test_a_card_with_a_line_missing_or_one_too_many_is_not_read(text: str):
    with pytest.raises(ValueError, match="missing"):
        read_card(text)
