"""Filling the order book from the person's own account, on a book with the real one's interface: what can go wrong."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import pytest

from approval_desk import HereSigner, Person, allowed, opened, recommended
from bethna_cli.adapters.abi import artifact, decode
from bethna_cli.adapters.book_evidence import BookEvidence
from bethna_cli.adapters.sim.public_keys import signed_transaction
from bethna_cli.cli.consent import WithinPolicy
from bethna_cli.domain.chain import Address, Hash
from bethna_cli.domain.embedded import EMBEDDED_BOOK, PUBLIC_ACCOUNTS, PUBLIC_BOOK
from bethna_cli.domain.errors import (
    ChainAnomaly,
    ContractRefused,
    OutcomeUnknown,
    SlippageTooHigh,
    TradeKnown,
    TradeRefused,
)
from bethna_cli.domain.journal import TradeState
from bethna_cli.domain.options import OptionKind
from bethna_cli.domain.position import PositionState
from bethna_cli.domain.signing import Approve, FillOrder
from bethna_cli.execution.direct import EXPERIMENTAL
from bethna_cli.flow.approve import approve
from bethna_cli.flow.carry import Carried, card_lines
from bethna_cli.flow.recover import recover
from bethna_cli.flow.resume import Resumed, resume
from bethna_cli.flow.review import Review
from bethna_cli.flow.sight import TradingDesk
from execution_desk import USDC, USER, Market
from record_desk import caught_up, positions

T = TypeVar("T")
STRADDLE = (OptionKind.CALL, OptionKind.PUT)
FILLED = artifact("DevelopmentOptionBook").event_topic("OrderFilled")


@pytest.fixture(autouse=True, scope="module")
def two_expiries() -> None:
    """Have the whole board here: what expires tomorrow can be waited for."""


@pytest.fixture(scope="module")
def begun_book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A chain with the book on it, begun once for all tests."""
    folder = tmp_path_factory.mktemp("book")
    Market(folder / "chain.db", folder / "sim.db", EMBEDDED_BOOK).close()
    return folder / "chain.db"


@pytest.fixture
def market(begun_book: Path, tmp_path: Path) -> Iterator[Market]:
    """The embedded exchange with the maker's orders signed for the book."""
    path = Path(shutil.copy(begun_book, tmp_path / "chain.db"))
    opened_market = Market(path, tmp_path / "sim.db", EMBEDDED_BOOK)
    yield opened_market
    opened_market.close()


def at_the_desk(market: Market, work: Callable[[TradingDesk], Awaitable[T]], signer: Any = None) -> T:
    async def session() -> T:
        async with opened(market, signer or HereSigner()) as desk:
            return await work(desk)

    return asyncio.run(session())


def bought(market: Market, person: Person, *kinds: OptionKind, signer: Any = None) -> Carried:
    async def work(desk: TradingDesk) -> Carried:
        return await approve(desk, await recommended(desk, *(kinds or (OptionKind.CALL,))), person)

    return at_the_desk(market, work, signer)


def options_of(market: Market, carried: Carried) -> list[tuple[Address, int]]:
    """Return the buyer and the size of each option that was made."""
    found = []
    for progress in carried.progresses:
        receipt = market.ask("eth_getTransactionReceipt", progress.entry.fill.transaction)
        option = next("0x" + log["data"][26:66] for log in receipt["logs"] if log["topics"][0] == FILLED)
        reads = [artifact("DevelopmentBookOption").function(name) for name in ("buyer", "numContracts")]
        values = [
            one.decode(bytes.fromhex(market.ask("eth_call", call(option, one), "latest")[2:]))[0] for one in reads
        ]
        found.append((Address(values[0]), values[1]))
    return found


def call(option: str, function: Any) -> dict[str, str]:
    return {"to": option, "data": "0x" + function.encode().hex()}


def maker_cancels_everything(market: Market) -> None:
    """The maker voids all orders that are out."""
    function = artifact("DevelopmentOptionBook").function("cancelOrdersExpiringBefore")
    maker = PUBLIC_ACCOUNTS["maker"]
    nonce = int(market.ask("eth_getTransactionCount", maker, "pending"), 16)
    raw = signed_transaction("maker", nonce, PUBLIC_BOOK, function.encode(2**40), 200_000)
    market.ask("eth_sendRawTransaction", "0x" + raw.hex())


# ── a policy, and a gap ───────────────────────────────────────────────────────────────────────────────────────────


def test_a_policy_for_the_book_covers_its_fills_up_to_the_day_and_not_beyond(market):
    policies = allowed(market, per_day=120, contract=Address(PUBLIC_BOOK))

    async def twice(desk: TradingDesk) -> Carried:
        carried = await approve(desk, await recommended(desk, OptionKind.CALL), WithinPolicy(policies))
        with pytest.raises(TradeRefused, match="are left until"):
            await approve(desk, await recommended(desk, OptionKind.PUT), WithinPolicy(policies))
        return carried

    carried = at_the_desk(market, twice)
    policies.close()

    assert (carried.is_complete, len(options_of(market, carried))) == (True, 1)


def test_a_gap_below_what_the_book_needs_is_filled_with_a_transaction_that_changes_nothing(market):
    person = Person()
    market.ask("evm_setAutomine", False)
    missing = market.send(PUBLIC_ACCOUNTS["owner"], b"")

    async def stuck(desk: TradingDesk) -> None:
        with pytest.raises(OutcomeUnknown):
            await approve(desk, await recommended(desk, OptionKind.CALL), person)

    async def healed(desk: TradingDesk) -> Resumed:
        return await resume(desk, person)

    at_the_desk(market, stuck)
    market.ask("bethna_dropTransaction", missing)
    market.ask("evm_setAutomine", True)
    done = at_the_desk(market, healed)

    assert [one.held_by for one in person.ways] == [None]
    assert done.made_way == (person.ways[0].nonce,)


# ── what comes of it ──────────────────────────────────────────────────────────────────────────────────────────────


def test_a_direct_fill_costs_its_premium_and_leaves_no_permission(market):
    carried = bought(market, Person())

    (intent,) = (trade.intent for trade in carried.review.trades)
    assert carried.is_complete
    assert carried.usdc_spent == intent.amount_in
    assert carried.purse.allowance == 0
    assert options_of(market, carried) == [(USER, intent.quoted_amount_out)]
    assert list(carried.held) == [intent.quoted_amount_out]


def test_a_fill_is_a_position_until_its_role_moves_or_it_is_paid_out(market):
    believed = {"books": (EMBEDDED_BOOK,)}
    kept, given = bought(market, Person()), bought(market, Person(), OptionKind.PUT)
    caught_up(market, **believed)
    first, second = positions(market)
    assert [(one.cost, one.contracts) for one in (first, second)] == [
        (carried.usdc_spent, carried.held[0]) for carried in (kept, given)
    ]
    assert first.terms.ticker == kept.review.wanted.legs[0].ticker

    option = artifact("DevelopmentBookOption")
    market.send(second.token, option.function("transfer").encode(True, PUBLIC_ACCOUNTS["owner"]))
    market.clock.advance(first.terms.expires_at.timestamp() - market.head_time_s() + 120)
    market.exchange.catch_up()
    before = market.usdc()
    market.send(first.token, option.function("settle").encode())
    caught_up(market, **believed)

    settled, external = positions(market)
    assert (settled.state, settled.proceeds) == (PositionState.SETTLED, market.usdc() - before)
    assert external.state is PositionState.EXTERNAL


def test_the_card_names_the_order_its_exact_price_and_that_it_is_experimental(market):
    person = Person()
    bought(market, person)

    (shown,) = person.shown
    lines = {line.label: line.value for line in card_lines(shown)}
    intent = shown.trades[0].intent
    assert lines["Caution"] == EXPERIMENTAL
    assert lines["Order"] == intent.option_token
    assert lines["You give"] == f"{intent.amount_in / 1_000_000:.6f} USDC"
    assert lines["You get"].startswith(f"{intent.quoted_amount_out / 1_000_000:.6f} contracts")
    assert lines["Contract"].startswith(f"OptionBook 1.0 {PUBLIC_BOOK} ")
    assert shown.exits == ()


def test_the_book_is_allowed_exactly_the_premium_and_then_filled(market):
    signer = HereSigner()
    carried = bought(market, Person(), signer=signer)

    (plan,) = signer.unlocked_plans
    assert [one.action for one in plan.steps] == [Approve(USDC, carried.usdc_spent), FillOrder(0)]


def test_a_straddle_is_two_orders_and_one_permission(market):
    carried = bought(market, Person(), *STRADDLE)

    assert carried.is_complete
    assert [buyer for buyer, _ in options_of(market, carried)] == [USER, USER]
    assert carried.usdc_spent == sum(trade.intent.amount_in for trade in carried.review.trades)
    assert carried.purse.allowance == 0


def test_the_same_recommendation_is_filled_once(market):
    async def work(desk: TradingDesk) -> str:
        name = await recommended(desk, OptionKind.CALL)
        await approve(desk, name, Person())
        return name

    name = at_the_desk(market, work)
    before = market.usdc()

    with pytest.raises((TradeKnown, TradeRefused)):
        at_the_desk(market, lambda desk: approve(desk, name, Person()))
    assert market.usdc() == before


def test_a_fill_becomes_final_by_itself(market):
    bought(market, Person())
    market.finalise()

    (progress, *_) = at_the_desk(market, lambda desk: recover(desk.execution, desk.mandates))

    assert progress.entry.state is TradeState.FINAL


# ── what is refused ───────────────────────────────────────────────────────────────────────────────────────────────


def test_an_order_that_was_replaced_while_the_person_read_is_shown_again(market):
    def waits(_: Review) -> None:
        market.clock.advance(70)

    person = Person(waits)
    signer = HereSigner()

    with pytest.raises((SlippageTooHigh, TradeRefused)):
        bought(market, person, signer=signer)
    assert len({shown.trades[0].intent.option_token for shown in person.shown}) == len(person.shown) == 3
    assert signer.signed == []
    assert market.transport.sent == []


def test_an_order_that_the_maker_took_back_is_not_filled(market):
    signer = HereSigner()

    with pytest.raises((ContractRefused, TradeRefused)):
        bought(market, Person(lambda _: maker_cancels_everything(market)), signer=signer)
    assert signer.signed == []
    assert market.transport.sent == []


def test_a_lost_answer_buys_once(market):
    market.transport.faults.extend(["none", "answer lost"])
    before = market.usdc()

    carried = bought(market, Person())

    assert carried.is_complete
    assert before - market.usdc() == carried.review.trades[0].intent.amount_in


# ── evidence ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def receipt_of_a_fill(begun_book, tmp_path_factory):
    folder = tmp_path_factory.mktemp("fill")
    market = Market(Path(shutil.copy(begun_book, folder / "chain.db")), folder / "sim.db", EMBEDDED_BOOK)
    entry = bought(market, Person()).progresses[0].entry

    async def work(desk: TradingDesk) -> Any:
        return await desk.chain.receipt(entry.fill.transaction)

    receipt = at_the_desk(market, work)
    market.close()
    return entry, receipt


def test_the_receipt_proves_the_fill(receipt_of_a_fill):
    entry, receipt = receipt_of_a_fill

    assert BookEvidence(USDC).fill(entry.trade, entry.digest, receipt) == entry.fill


@pytest.mark.parametrize("what", ["no event", "another book", "another buyer", "no option", "more paid", "less got"])
def test_a_receipt_that_does_not_prove_it_is_an_alarm(receipt_of_a_fill, what):
    entry, receipt = receipt_of_a_fill
    stranger, logs, trade = Address("0x" + "66" * 20), list(receipt.logs), entry.trade
    place = next(number for number, log in enumerate(logs) if log.topics[0] == FILLED)
    made = artifact("DevelopmentBookOption").event_topic("OptionInitialized")
    if what == "no event":
        del logs[place]
    elif what == "another book":
        logs[place] = logs[place]._replace(address=stranger)
    elif what == "another buyer":
        topics = logs[place].topics
        logs[place] = logs[place]._replace(topics=(*topics[:2], Hash("0x" + "00" * 12 + stranger[2:]), topics[3]))
    elif what == "no option":
        logs = [log for log in logs if log.topics[0] != made]
    else:
        change = {"amount_in": -1} if what == "more paid" else {"quoted_amount_out": 1, "min_amount_out": 1}
        intent = trade.intent
        trade = replace(
            trade, intent=replace(intent, **{name: getattr(intent, name) + by for name, by in change.items()})
        )

    with pytest.raises(ChainAnomaly):
        BookEvidence(USDC).fill(trade, entry.digest, replace(receipt, logs=tuple(logs)))


def test_the_book_pays_at_expiry_by_itself(market):
    carried = bought(market, Person())
    before = market.usdc()
    market.clock.advance(40 * 86_400)
    market.exchange.catch_up()

    paid = market.ask(
        "eth_getLogs",
        {"fromBlock": "0x0", "topics": [artifact("DevelopmentBookOption").event_topic("OptionPayout")]},
    )
    assert [decode(("uint256",), bytes.fromhex(one["data"][2:]))[0] for one in paid] == [market.usdc() - before]
    assert at_the_desk(
        market, lambda desk: desk.venue.balances(USER, [carried.review.trades[0].intent.option_token])
    ) == [0]
