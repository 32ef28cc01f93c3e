"""Every way a node can fail or lie, and the typed error that each becomes. Nothing is sent twice or invented."""

import copy
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bethna_cli.adapters.abi import artifact, keccak
from bethna_cli.adapters.clocks import FixedClock
from bethna_cli.adapters.rpc_transport import Http, InProcess
from bethna_cli.domain.chain import Hash, LogQuery
from bethna_cli.domain.errors import (
    EndpointsDisagree,
    NodeBehind,
    OutcomeUnknown,
    SourceMalformed,
    SourceStale,
    SourceUnavailable,
    TransactionRejected,
    WrongChain,
)
from chain_places import (
    OWNER,
    QUICK,
    STRANGER,
    Place,
    embedded_node,
    in_process,
    run,
)

USDC = artifact("DevelopmentUSDC")
TRANSFER = USDC.event_topic("Transfer")
KEY = "canary-5f2d77"

Tamper = Callable[[str, Any], Any]


class FaultNode:
    """The embedded node with someone in between who may change any answer, and who counts the requests."""

    def __init__(self, node: Any) -> None:
        self.node = node
        self.tamper: Tamper = lambda _, result: result
        self.asked: list[str] = []

    async def handle(self, request: Any) -> Any:
        batch = request if isinstance(request, list) else [request]
        self.asked += [one["method"] for one in batch]
        answers = copy.deepcopy(await self.node.handle(batch))
        for one, answer in zip(batch, answers, strict=True):
            if "result" in answer:
                answer["result"] = self.tamper(one["method"], answer["result"])
        return answers if isinstance(request, list) else answers[0]

    def transport(self) -> InProcess:
        return InProcess(self.handle)


@pytest.fixture
def node() -> Any:
    return embedded_node()


@pytest.fixture
def place(node: Any) -> Place:
    return in_process(node)


@pytest.fixture
def fault(node: Any) -> FaultNode:
    return FaultNode(node)


def only(method: str, change: Callable[[Any], Any]) -> Tamper:
    return lambda asked, result: change(result) if asked == method else result


# ── C1: the wrong chain ───────────────────────────────────────────────────────────────────────────────────────────


def test_a_chain_id_that_flips_after_the_start_is_noticed_when_it_is_checked_again(fault: FaultNode):
    async def work(chain):
        await chain.check()
        fault.tamper = only("eth_chainId", lambda _: hex(8453))
        await chain.check()

    with pytest.raises(WrongChain):
        run(work, fault.transport)


def test_a_chain_id_that_flips_before_sending_stops_the_transaction(fault: FaultNode, place: Place):
    raw = place.signed(STRANGER)

    async def work(chain):
        await chain.check()
        fault.tamper = only("eth_chainId", lambda _: hex(8453))
        await chain.send_raw(raw)

    with pytest.raises(WrongChain):
        run(work, fault.transport)
    assert "eth_sendRawTransaction" not in fault.asked


def test_one_endpoint_on_another_chain_is_not_passed_over(fault: FaultNode, place: Place):
    fault.tamper = only("eth_chainId", lambda _: hex(1))

    with pytest.raises(WrongChain, match="rpc 2"):
        run(lambda chain: chain.check(), place.transport, fault.transport)


# ── C2: stale ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_height_that_goes_backwards_is_a_node_behind(fault: FaultNode, place: Place):
    for _ in range(3):
        place.mined(STRANGER)
    genesis = place.ask("eth_getBlockByNumber", "0x0", False)

    async def work(chain):
        await chain.block()
        fault.tamper = only("eth_getBlockByNumber", lambda _: genesis)
        await chain.block()

    with pytest.raises(NodeBehind, match="from 3 to 0"):
        run(work, fault.transport)


@pytest.mark.parametrize(
    ("ahead_s", "expected", "words"), [(31, SourceStale, "31 s old"), (-31, SourceUnavailable, "ahead of this machine")]
)
def test_a_newest_block_far_from_the_clock_is_refused(place: Place, ahead_s, expected, words):
    newest = datetime.fromtimestamp(int(place.ask("eth_getBlockByNumber", "latest", False)["timestamp"], 16), UTC)
    near, far = (FixedClock(newest + timedelta(seconds=seconds)) for seconds in (ahead_s * 29 // 31, ahead_s))

    run(lambda chain: chain.block(), frozen(place), clock=near, max_block_age_s=30)
    with pytest.raises(expected, match=words):
        run(lambda chain: chain.block(), frozen(place), clock=far, max_block_age_s=30)


def test_a_check_before_signing_refuses_a_stale_chain(place: Place):
    an_hour_on = FixedClock(datetime.now(UTC) + timedelta(hours=1))

    with pytest.raises(SourceStale):
        run(lambda chain: chain.check(), frozen(place), clock=an_hour_on, max_block_age_s=30)


def frozen(place: Place) -> Callable[[], InProcess]:
    """A node that keeps showing the block it has now."""
    newest = place.ask("eth_getBlockByNumber", "latest", False)
    fault = FaultNode(embedded_node())
    fault.tamper = only("eth_getBlockByNumber", lambda _: newest)
    return fault.transport


def test_a_stale_first_endpoint_is_passed_over_for_one_that_is_not(fault: FaultNode, place: Place):
    fault.tamper = only("eth_getBlockByNumber", lambda _: None)

    block = run(lambda chain: chain.block(), fault.transport, place.transport)

    assert block.hash == place.ask("eth_getBlockByNumber", hex(block.number), False)["hash"]


# ── C3: logs ──────────────────────────────────────────────────────────────────────────────────────────────────────


def six_transfers(place: Place) -> tuple[LogQuery, int, int]:
    """Put six transfers into six blocks, and return the query that finds them."""
    usdc = place.usdc()
    first = last = place.mined(usdc, USDC.function("mint").encode(OWNER, 1_000)).block_number
    for amount in range(1, 6):
        last = place.mined(usdc, USDC.function("transfer").encode(STRANGER, amount)).block_number
    return LogQuery((usdc,), ((TRANSFER,),)), first, last


@pytest.fixture
def transfers(place: Place) -> tuple[LogQuery, int, int]:
    return six_transfers(place)


def test_an_empty_answer_for_a_range_that_holds_logs_is_not_believed(fault: FaultNode, transfers):
    fault.tamper = only("eth_getLogs", lambda logs: [] if len(logs) > 1 else logs)

    with pytest.raises(NodeBehind, match="left out logs"):
        run(lambda chain: chain.logs(*transfers), fault.transport)


def test_logs_left_out_by_one_endpoint_are_had_from_the_other(fault: FaultNode, place: Place, transfers):
    fault.tamper = only("eth_getLogs", lambda logs: logs[:-1] if len(logs) > 1 else logs)

    found = run(lambda chain: chain.logs(*transfers), fault.transport, place.transport)

    assert len(found) == 6


@settings(max_examples=40)
@given(dropped=st.sets(st.integers(0, 5)))
def test_whatever_is_dropped_from_a_range_an_answer_is_whole_or_none(dropped):
    fault, wanted = dropping_world()
    fault.tamper = only(
        "eth_getLogs", lambda logs: [log for n, log in enumerate(logs) if len(logs) == 1 or n not in dropped]
    )

    found: list[Any] = []
    with suppress(NodeBehind):
        found = run(lambda chain: chain.logs(*wanted), fault.transport)

    assert len(found) == (0 if dropped else 6)


_WORLDS: list[tuple[FaultNode, tuple[LogQuery, int, int]]] = []


def dropping_world() -> tuple[FaultNode, tuple[LogQuery, int, int]]:
    """One world for all examples: building one costs more than reading it."""
    if not _WORLDS:
        node = embedded_node()
        place = in_process(node)
        _WORLDS.append((FaultNode(node), six_transfers(place)))
    return _WORLDS[0]


def test_a_node_that_lacks_the_last_block_does_not_prove_an_empty_range(fault: FaultNode, place: Place):
    head = int(place.ask("eth_blockNumber"), 16)
    fault.tamper = only("eth_getBlockByNumber", lambda block: None if block and block["number"] == hex(head) else block)

    with pytest.raises(NodeBehind, match=f"does not have block {head}"):
        run(lambda chain: chain.logs(LogQuery((STRANGER,)), 0, head), fault.transport)


def edited(**changes: Any) -> Callable[[list[Any]], list[Any]]:
    return lambda logs: [*logs[:-1], {**logs[-1], **changes}] if logs else logs


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (edited(address="0x" + "66" * 20), SourceMalformed),
        (edited(topics=["0x" + "66" * 32]), SourceMalformed),
        (edited(blockNumber="0xffff"), SourceMalformed),
        (edited(blockHash="0x" + "66" * 32), NodeBehind),
        (edited(removed=True), SourceMalformed),
        (edited(data="0xabc"), SourceMalformed),
        (edited(logIndex="0x" + "f" * 64), SourceMalformed),
        (lambda logs: logs + logs[:1], SourceMalformed),
        (lambda logs: {"logs": logs}, SourceMalformed),
        (lambda _: None, SourceMalformed),
    ],
)
def test_logs_that_contradict_the_question_or_their_block_are_refused(fault: FaultNode, transfers, change, expected):
    fault.tamper = only("eth_getLogs", change)

    with pytest.raises(expected):
        run(lambda chain: chain.logs(*transfers), fault.transport)


def nobodys(query: LogQuery) -> LogQuery:
    return replace(query, addresses=(STRANGER,))


def of_another_kind(query: LogQuery) -> LogQuery:
    return replace(query, topics=((Hash("0x" + "66" * 32),),))


def of_one_topic_more(query: LogQuery) -> LogQuery:
    return replace(query, topics=(*query.topics, None, None, None))


@pytest.mark.parametrize("asked", [nobodys, of_another_kind, of_one_topic_more])
def test_logs_that_exist_but_were_not_asked_for_are_refused(fault: FaultNode, place: Place, transfers, asked):
    query, first, last = transfers
    reach = {"fromBlock": hex(first), "toBlock": hex(last)}
    others = place.ask("eth_getLogs", {"address": list(query.addresses)} | reach)
    fault.tamper = only("eth_getLogs", lambda _: others)

    with pytest.raises(SourceMalformed, match="not asked for"):
        run(lambda chain: chain.logs(asked(query), first, last), fault.transport)


def test_two_answers_that_put_different_logs_in_one_place_are_refused(fault: FaultNode, transfers):
    query, first, last = transfers
    answers = iter([{}, {"data": "0x" + "00" * 32}])
    fault.tamper = only("eth_getLogs", lambda logs: edited(**next(answers))(logs))

    with pytest.raises(SourceMalformed, match="two logs in one place"):
        run(lambda chain: chain.section([query, query], first, last), fault.transport)


def test_a_log_that_its_blocks_bloom_excludes_is_a_forgery(fault: FaultNode, place: Place, transfers):
    query, first, last = transfers
    place.ask("evm_mine")
    empty = place.ask("eth_getBlockByNumber", hex(last + 1), False)
    forged = edited(blockNumber=empty["number"], blockHash=empty["hash"])
    fault.tamper = only("eth_getLogs", lambda logs: forged(logs) if len(logs) > 1 else logs)

    with pytest.raises(SourceMalformed, match="cannot hold"):
        run(lambda chain: chain.logs(query, first, last + 1), fault.transport)


def test_headers_that_do_not_follow_each_other_are_a_chain_that_changed(fault: FaultNode, transfers):
    fault.tamper = only("eth_getBlockByNumber", lambda block: {**block, "parentHash": "0x" + "66" * 32})

    with pytest.raises(NodeBehind, match="changed"):
        run(lambda chain: chain.logs(*transfers), fault.transport)


# ── C5, C6: forged and hidden outcomes ────────────────────────────────────────────────────────────────────────────


def test_a_receipt_that_one_endpoint_forges_is_not_confirmed(fault: FaultNode, place: Place):
    mined = place.mined(STRANGER).transaction_hash
    fault.tamper = only("eth_getTransactionReceipt", lambda receipt: {**receipt, "gasUsed": "0x1"})

    with pytest.raises(EndpointsDisagree):
        run(lambda chain: chain.receipt(mined, confirmed=True), place.transport, fault.transport)


def test_a_receipt_that_one_endpoint_hides_is_seen_but_not_confirmed(fault: FaultNode, place: Place):
    mined = place.mined(STRANGER).transaction_hash
    fault.tamper = only("eth_getTransactionReceipt", lambda _: None)

    async def work(chain):
        return await chain.receipt(mined), await chain.receipt(mined, confirmed=True)

    seen, confirmed = run(work, fault.transport, place.transport)

    assert (seen.transaction_hash, confirmed) == (mined, None)


def test_endpoints_on_different_histories_halt(place: Place):
    other = in_process(embedded_node(genesis_time=datetime(2026, 1, 1, tzinfo=UTC)))
    for _ in range(3):
        place.mined(STRANGER)
        other.mined(STRANGER)

    with pytest.raises(EndpointsDisagree):
        run(lambda chain: chain.check(), place.transport, other.transport)


def test_endpoints_with_one_history_agree_though_one_lags(fault: FaultNode, place: Place):
    for _ in range(3):
        place.mined(STRANGER)
    second = place.ask("eth_getBlockByNumber", "0x2", False)
    fault.tamper = only("eth_getBlockByNumber", lambda _: second)

    run(lambda chain: chain.check(), place.transport, fault.transport)


@pytest.mark.parametrize(
    "changes",
    [
        {"transactionHash": "0x" + "66" * 32},
        {"status": "0x2"},
        {"status": None},
        {"from": "0x1"},
        {"logs": [{"address": STRANGER}]},
        {"blockNumber": "0x" + "f" * 64},
        {"effectiveGasPrice": "0x" + "f" * 65},
    ],
)
def test_a_receipt_that_is_not_one_is_refused(fault: FaultNode, place: Place, changes):
    mined = place.mined(STRANGER).transaction_hash
    fault.tamper = only("eth_getTransactionReceipt", lambda receipt: {**receipt, **changes})

    with pytest.raises(SourceMalformed):
        run(lambda chain: chain.receipt(mined), fault.transport)


def test_a_receipt_of_a_block_that_left_the_chain_is_no_outcome(fault: FaultNode, place: Place):
    mined = place.mined(STRANGER).transaction_hash
    fault.tamper = only("eth_getTransactionReceipt", lambda receipt: {**receipt, "blockHash": "0x" + "66" * 32})

    with pytest.raises(NodeBehind, match="left the chain"):
        run(lambda chain: chain.receipt(mined), fault.transport)


# ── A4, A5: a send has one of three ends ──────────────────────────────────────────────────────────────────────────


def test_a_lost_answer_is_unknown_and_nothing_is_sent_again(fault: FaultNode, place: Place):
    raw = place.signed(STRANGER, value=7)

    async def work(chain):
        await chain.check()
        fault.node, kept = LosesSends(fault.node), fault.node
        try:
            await chain.send_raw(raw)
        finally:
            fault.node = kept

    with pytest.raises(OutcomeUnknown) as unknown:
        run(work, fault.transport, place.transport)

    assert unknown.value.transaction_hash == "0x" + keccak(raw).hex()
    assert fault.asked.count("eth_sendRawTransaction") == 1
    assert place.run(lambda chain: chain.receipt(unknown.value.transaction_hash)).succeeded


class LosesSends:
    """Passes everything on, and breaks the connection after a transaction was accepted."""

    def __init__(self, node: Any) -> None:
        self._node = node

    async def handle(self, batch: list[Any]) -> Any:
        answers = await self._node.handle(batch)
        if any(one["method"] == "eth_sendRawTransaction" for one in batch):
            raise SourceUnavailable("rpc 1", "the connection broke")
        return answers


ALREADY = ("already known", "known transaction: ab12", "transaction already imported", "tx already in mempool")
OPEN = ("nonce too low", "nonce too low: next nonce 5, tx nonce 4", "Nonce is too low", "OldNonce, old nonce", "boom")
REFUSED = (
    "insufficient funds for gas * price + value: balance 0",
    "replacement transaction underpriced",
    "intrinsic gas too low",
    "exceeds block gas limit",
    "max fee per gas less than block base fee",
    "invalid sender",
)


class Refuses:
    """Answers a send with an error in a node's own words."""

    def __init__(self, node: Any, words: str) -> None:
        self._node, self._words = node, words

    async def handle(self, batch: list[Any]) -> Any:
        if batch[0]["method"] != "eth_sendRawTransaction":
            return await self._node.handle(batch)
        return [{"jsonrpc": "2.0", "id": batch[0]["id"], "error": {"code": -32000, "message": self._words}}]


@pytest.mark.parametrize("words", ALREADY)
def test_a_node_that_has_the_transaction_already_is_a_success(fault: FaultNode, place: Place, words):
    raw = place.signed(STRANGER)
    fault.node = Refuses(fault.node, words)

    assert run(lambda chain: chain.send_raw(raw), fault.transport) == "0x" + keccak(raw).hex()


@pytest.mark.parametrize("words", OPEN)
def test_words_that_may_mean_it_was_mined_leave_the_outcome_open(fault: FaultNode, place: Place, words):
    fault.node = Refuses(fault.node, words)

    with pytest.raises(OutcomeUnknown):
        run(lambda chain: chain.send_raw(place.signed(STRANGER)), fault.transport)


@pytest.mark.parametrize("words", REFUSED)
def test_words_that_refuse_a_transaction_are_a_rejection(fault: FaultNode, place: Place, words):
    fault.node = Refuses(fault.node, words)

    with pytest.raises(TransactionRejected):
        run(lambda chain: chain.send_raw(place.signed(STRANGER)), fault.transport)


def test_a_node_that_answers_with_another_hash_is_not_believed(fault: FaultNode, place: Place):
    fault.tamper = only("eth_sendRawTransaction", lambda _: "0x" + "66" * 32)

    with pytest.raises(OutcomeUnknown, match="another hash"):
        run(lambda chain: chain.send_raw(place.signed(STRANGER)), fault.transport)


def test_an_endpoint_that_cannot_be_reached_lets_the_next_one_send(place: Place):
    raw = place.signed(STRANGER)

    sent = run(
        lambda chain: chain.send_raw(raw), lambda: Http("rpc 1", "http://127.0.0.1:9"), place.transport, limits=QUICK
    )

    assert sent == "0x" + keccak(raw).hex()
