"""The OptionBook's own events, decoded: fills, roles that change hands, payments; a stranger's word counts nothing."""

import asyncio
from dataclasses import dataclass, field

from eth_abi.abi import encode

from bethna_cli.adapters.abi import artifact, hash_text, keccak
from bethna_cli.adapters.book_events import OPTION_PAYOUT, ORDER_FILLED, ROLE_TRANSFERRED, BookLogs
from bethna_cli.adapters.event_words import Kept, address_word
from bethna_cli.domain.chain import Address, Call, Hash, Log
from bethna_cli.domain.options import OptionKind
from bethna_cli.domain.position import EventKind, OptionTerms
from bethna_cli.domain.venue import BASE_R12

BUYER, SELLER, NOBODY = (Address("0x" + pair * 20) for pair in ("aa", "bb", "00"))
OPTION, STRANGER = Address("0x" + "0d" * 20), Address("0x" + "66" * 20)
PUT = BASE_R12.implementation_of(OptionKind.PUT)
FEED = next(iter(BASE_R12.feeds))
EXPIRY = 1_790_323_200


@dataclass
class Reads:
    """A chain that knows one option of the book; `calls` is what it was asked."""

    calls: list[Call] = field(default_factory=list)

    async def call_many(self, calls: list[Call]) -> list[bytes]:
        self.calls += calls
        answers = {
            b"numContracts()": (["uint256"], [389_926]),
            b"getImplementation()": (["address"], [PUT]),
            b"chainlinkPriceFeed()": (["address"], [FEED]),
            b"getStrikes()": (["uint256[]"], [[234_000_000_000]]),
            b"expiryTimestamp()": (["uint256"], [EXPIRY]),
        }
        by_selector = {keccak(name)[:4]: encode(*answer) for name, answer in answers.items()}
        assert all(call.to == OPTION for call in calls)
        return [by_selector[call.data] for call in calls]


def log(address: Address, topics: list[str], data: bytes, index: int = 0) -> Log:
    return Log(
        address, tuple(Hash(one) for one in topics), data, 7, Hash("0x" + "01" * 32), Hash("0x" + "02" * 32), 0, index
    )


def fill(book: Address = BASE_R12.book, buyer: Address = BUYER) -> Log:
    types = ["address", "uint256", "uint256", "address", "uint256", "bool"]
    data = encode(types, [OPTION, 999_998, 124_999, NOBODY, 0, True])
    return log(book, [ORDER_FILLED, "0x" + "11" * 32, address_word(buyer), address_word(SELLER)], data)


def role(option: Address, giver: Address, taker: Address, *, is_buyer: bool = True, names: Address = OPTION) -> Log:
    topics = [ROLE_TRANSFERRED, address_word(names), address_word(giver), address_word(taker)]
    return log(option, topics, encode(["bool"], [is_buyer]), 3)


def payout(option: Address, buyer: Address = BUYER) -> Log:
    return log(option, [OPTION_PAYOUT, address_word(OPTION), address_word(buyer)], encode(["uint256"], [42_000_000]), 5)


def read(*logs: Log, known: dict[Address, OptionTerms] | None = None):
    return asyncio.run(BookLogs(Reads(), [BASE_R12]).events(BUYER, Kept(logs, {7: 0}), known or {}, {}))  # type: ignore[arg-type]


def terms() -> dict[Address, OptionTerms]:
    return read(fill())[1]


def test_the_topics_are_those_of_the_release():
    assert ORDER_FILLED == "0x0fee4799857c39adce81e92cca3ceec36011917cd675b91dad36d2be13e1fd2d"
    assert ROLE_TRANSFERRED == "0x83a50732194629dbdc1b6553381c106fd007ecfa402a02558dbfb039dda69fb7"
    assert OPTION_PAYOUT == "0x3a945388fe0a73ff7616714347533e2f1713377f609ad9e8b365949cbee1ff6e"


def test_a_fill_is_a_purchase_of_the_whole_option_for_the_premium():
    (bought,), found = read(fill())

    assert (bought.kind, bought.token, bought.venue) == (EventKind.BOUGHT, OPTION, BASE_R12.book)
    assert (bought.contracts, bought.usdc) == (389_926, 999_998)
    assert (found[OPTION].kind, found[OPTION].ticker) == (OptionKind.PUT, "ETH-25SEP26-2340-P")


def test_a_fill_that_another_contract_reports_or_that_is_somebody_else_s_is_none():
    assert read(fill(book=STRANGER)) == ([], {})
    assert read(fill(buyer=SELLER)) == ([], {})


def test_the_buyer_s_role_that_leaves_takes_everything_and_the_seller_s_nothing():
    (sent,), _ = read(role(OPTION, BUYER, STRANGER), known=terms())
    (came,), _ = read(role(OPTION, STRANGER, BUYER), known=terms())

    assert (sent.kind, sent.contracts, sent.usdc) == (EventKind.SENT, 389_926, 0)
    assert came.kind is EventKind.RECEIVED
    assert read(role(OPTION, BUYER, STRANGER, is_buyer=False), known=terms())[0] == []


def test_a_payment_at_expiry_is_the_option_s_own_word_to_its_buyer():
    (paid,), _ = read(payout(OPTION), known=terms())

    assert (paid.kind, paid.usdc) == (EventKind.REDEEMED, 42_000_000)
    assert read(payout(STRANGER), known=terms())[0] == []
    assert read(payout(OPTION, buyer=SELLER), known=terms())[0] == []
    assert read(payout(OPTION))[0] == [], "an option that was never bought here"


def test_two_moves_of_one_role_in_a_transaction_are_two():
    found, _ = read(role(OPTION, BUYER, STRANGER), role(OPTION, BUYER, SELLER), known=terms())

    assert [one.ordinal for one in found] == [0, 1]


def test_our_own_series_report_payments_under_the_name_that_is_read():
    from bethna_cli.adapters.option_events import REDEEMED

    assert artifact("OptionSeries").event_topic("Redeemed") == REDEEMED
    assert hash_text(keccak(b"Redeemed(address,uint256,uint256)")) == REDEEMED
