"""What every chain behind the port does: the embedded one in this process and over HTTP, and anvil."""

from collections.abc import Iterator
from contextlib import suppress

import pytest

from bethna_cli.adapters.abi import artifact, keccak
from bethna_cli.adapters.evm import LONGEST_LOG_RANGE
from bethna_cli.domain.chain import Call, Hash, LogQuery, Tag
from bethna_cli.domain.errors import (
    CallerNotAllowed,
    ContractRefused,
    NodeBehind,
    NotEnoughTokens,
    OutcomeUnknown,
    TransactionRejected,
    UsageError,
    WrongChain,
)
from chain_places import (
    CHAIN_ID,
    ETH,
    OWNER,
    STRANGER,
    WALLET,
    Place,
    anvil,
    embedded_node,
    has_anvil,
    in_process,
    over_http,
)

NOWHERE = Hash("0x" + "77" * 32)
USDC = artifact("DevelopmentUSDC")


@pytest.fixture(params=["in this process", "over HTTP", pytest.param("anvil", marks=pytest.mark.node)])
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    if request.param == "in this process":
        yield in_process(embedded_node())
    elif request.param == "over HTTP":
        with over_http(embedded_node()) as served:
            yield served
    else:
        if not has_anvil():
            pytest.skip("no anvil: run `npm ci` in contracts/")
        with anvil() as served:
            yield served


def topic(address: str) -> Hash:
    return Hash("0x" + address[2:].rjust(64, "0"))


def test_a_block_is_the_same_by_tag_height_and_hash(place: Place):
    place.mined(STRANGER)

    async def look(chain):
        newest = await chain.block()
        return newest, await chain.block(newest.number), await chain.block(newest.hash)

    newest, by_height, by_hash = place.run(look)

    assert newest == by_height == by_hash
    assert newest.number >= 1


def test_a_block_that_is_not_there_is_not_made_up(place: Place):
    with pytest.raises(NodeBehind):
        place.run(lambda chain: chain.block(10**9))
    with pytest.raises(NodeBehind):
        place.run(lambda chain: chain.block(NOWHERE))


def test_accounts_show_balance_nonce_and_code(place: Place):
    usdc = place.usdc()

    wallet, contract = place.run(lambda chain: chain.accounts([OWNER, usdc]))

    assert 9_999 * ETH < wallet.balance_wei < 10_000 * ETH
    assert (wallet.nonce, wallet.code) == (1, b"")
    assert USDC.is_code(contract.code)


def test_a_state_is_read_at_the_block_that_is_named(place: Place):
    before = place.run(lambda chain: chain.block())
    place.mined(STRANGER)

    nonces = [place.run(lambda chain, at=at: chain.nonce(OWNER, at)) for at in (before.hash, before.number, Tag.LATEST)]

    assert nonces == [0, 0, 1]


def test_a_batch_keeps_its_order_and_a_refusal_takes_one_place_only(place: Place):
    usdc = place.usdc()
    decimals, transfer = USDC.function("decimals"), USDC.function("transfer")
    calls = [
        Call(usdc, decimals.encode()),
        Call(usdc, transfer.encode(STRANGER, 5), OWNER),
        Call(usdc, decimals.encode()),
    ]

    first, refused, last = place.run(lambda chain: chain.call_many(calls))

    assert decimals.decode(first) == decimals.decode(last) == (6,)
    assert isinstance(refused, NotEnoughTokens)
    assert refused.arguments == {"sender": OWNER, "balance": 0, "needed": 5}


def test_more_reads_than_one_exchange_holds_are_all_answered_in_order(place: Place):
    asked = [OWNER, STRANGER] * 60

    accounts = place.run(lambda chain: chain.accounts(asked))

    assert [account.address for account in accounts] == asked
    assert {account.balance_wei > 0 for account in accounts[::2]} == {True}
    assert {account.balance_wei for account in accounts[1::2]} == {0}


def test_a_single_call_that_reverts_raises_its_refusal(place: Place):
    usdc = place.usdc()
    mint = Call(usdc, USDC.function("mint").encode(STRANGER, 1), STRANGER)

    with pytest.raises(CallerNotAllowed) as refusal:
        place.run(lambda chain: chain.call(mint))

    assert refusal.value.arguments == {"account": STRANGER}


@pytest.mark.parametrize(
    ("code", "name", "arguments"),
    [
        ("08c379a0" + f"{32:064x}{3:064x}" + b"no!".hex().ljust(64, "0"), "Error", {"reason": "no!"}),
        ("4e487b71" + f"{0x11:064x}", "Panic", {"code": 0x11}),
        ("deadbeef" + f"{1:064x}", "UnknownError", {"data": "0xdeadbeef" + f"{1:064x}"}),
        ("", "UnknownError", {}),
    ],
)
def test_reverts_without_an_error_of_ours_keep_what_they_say(place: Place, code, name, arguments):
    with pytest.raises(ContractRefused) as refusal:
        place.run(lambda chain: chain.call(Call(None, reverting(bytes.fromhex(code)))))

    assert (refusal.value.name, refusal.value.arguments) == (name, arguments)


def reverting(data: bytes) -> bytes:
    """Return creation code that reverts with `data`: PUSH1 n, PUSH1 12, PUSH1 0, CODECOPY, PUSH1 n, PUSH1 0, REVERT."""
    return bytes([0x60, len(data), 0x60, 12, 0x60, 0, 0x39, 0x60, len(data), 0x60, 0, 0xFD]) + data


def test_fees_cover_the_base_fee_twice_and_name_a_tip(place: Place):
    place.mined(STRANGER)

    fees = place.run(lambda chain: chain.fees())

    assert fees.base_fee_wei > 0
    assert fees.tip_wei > 0
    assert fees.max_fee_wei == 2 * fees.base_fee_wei + fees.tip_wei


def test_gas_is_estimated_and_a_call_that_would_revert_is_refused(place: Place):
    usdc = place.usdc()
    transfer = Call(usdc, USDC.function("transfer").encode(STRANGER, 5), OWNER)

    assert place.run(lambda chain: chain.estimate_gas(Call(STRANGER, sender=OWNER))) == 21_000
    with pytest.raises(NotEnoughTokens):
        place.run(lambda chain: chain.estimate_gas(transfer))


def test_a_transaction_is_sent_under_its_own_hash_and_has_one_outcome(place: Place):
    raw = place.signed(STRANGER, value=7)

    sent = place.run(lambda chain: chain.send_raw(raw))
    receipt = place.run(lambda chain: chain.receipt(sent, confirmed=True))

    assert sent == "0x" + keccak(raw).hex()
    assert (receipt.transaction_hash, receipt.succeeded, receipt.sender, receipt.to) == (sent, True, OWNER, STRANGER)


def test_the_same_bytes_sent_again_are_never_a_failure(place: Place):
    raw = place.signed(STRANGER, value=7)
    place.run(lambda chain: chain.send_raw(raw))

    with suppress(OutcomeUnknown):
        place.run(lambda chain: chain.send_raw(raw))

    (stranger,) = place.run(lambda chain: chain.accounts([STRANGER]))
    assert stranger.balance_wei == 7


def test_a_used_nonce_leaves_the_outcome_open(place: Place):
    place.mined(STRANGER)
    late = place.signed(STRANGER, nonce=0, value=9)

    with pytest.raises(OutcomeUnknown) as unknown:
        place.run(lambda chain: chain.send_raw(late))

    assert unknown.value.transaction_hash == "0x" + keccak(late).hex()


def test_what_the_account_cannot_pay_is_rejected(place: Place):
    with pytest.raises(TransactionRejected, match="too little ETH"):
        place.run(lambda chain: chain.send_raw(place.signed(STRANGER, value=20_000 * ETH)))


def test_no_receipt_before_there_is_a_transaction(place: Place):
    assert place.run(lambda chain: chain.receipt(NOWHERE)) is None


def test_a_receipt_is_not_final_before_its_block_is(place: Place):
    mined = place.mined(STRANGER).transaction_hash

    young = place.run(lambda chain: chain.receipt(mined, Tag.FINALIZED))
    for _ in range(4):
        place.ask("evm_mine")
    old = place.run(lambda chain: chain.receipt(mined, Tag.FINALIZED))

    assert young is None
    assert old.transaction_hash == mined


def test_logs_of_a_range_come_in_order_and_are_those_asked_for(place: Place):
    usdc = place.usdc()
    first = place.mined(usdc, USDC.function("mint").encode(OWNER, 100)).block_number
    place.mined(usdc, USDC.function("transfer").encode(STRANGER, 1))
    last = place.mined(usdc, USDC.function("transfer").encode(STRANGER, 2)).block_number
    transfers = LogQuery((usdc,), ((USDC.event_topic("Transfer"),), None, (topic(STRANGER),)))

    found = place.run(lambda chain: chain.logs(transfers, first, last))

    assert [int.from_bytes(log.data) for log in found] == [1, 2]
    assert [log.block_number for log in found] == sorted(log.block_number for log in found)
    assert place.run(lambda chain: chain.logs(transfers, 0, first)) == []


def test_logs_of_blocks_that_are_not_there_are_an_error_and_no_empty_list(place: Place):
    head = place.run(lambda chain: chain.block()).number

    with pytest.raises(NodeBehind):
        place.run(lambda chain: chain.logs(LogQuery((STRANGER,)), 0, head + 40))


def test_a_range_without_a_bound_is_refused(place: Place):
    with pytest.raises(UsageError):
        place.run(lambda chain: chain.logs(LogQuery(), 0, LONGEST_LOG_RANGE))


@pytest.mark.parametrize("question", [lambda chain: chain.check(), lambda chain: chain.block()])
def test_another_chain_than_the_one_that_is_set_answers_nothing(place: Place, question):
    with pytest.raises(WrongChain) as wrong:
        place.run(question, chain_id=8453)

    assert (wrong.value.expected, wrong.value.found) == (8453, CHAIN_ID)


def test_nothing_is_sent_to_another_chain(place: Place):
    raw = place.signed(STRANGER)

    with pytest.raises(WrongChain):
        place.run(lambda chain: chain.send_raw(raw), chain_id=8453)

    assert int(place.ask("eth_getTransactionCount", WALLET.address, "pending"), 16) == 0
