"""What only the embedded chain promises: one clock, one file, its own refusals."""

import asyncio
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from eth_hash.auto import keccak
from hypothesis import given, settings
from hypothesis import strategies as st
from served_chains import GENESIS_TIME, RECORDER_CREATION, WALLET, HandClock, open_chain, word

from bethna_cli.adapters.sim import rpc_filters
from bethna_cli.adapters.sim.chain_store import ChainFileRefused
from bethna_cli.adapters.sim.evm import CATCH_UP_BLOCKS, EmbeddedChain
from bethna_cli.adapters.sim.node import Node, RpcError

NOBODY = "0x" + "00" * 19 + "99"
START_S = int(GENESIS_TIME.timestamp())


class Desk:
    """A node in this process with a clock moved by hand, and the wallet that trades on it."""

    def __init__(self, path: Path | str = ":memory:", **changes: Any) -> None:
        self.clock = HandClock()
        self.chain: EmbeddedChain = open_chain(path, **{"clock": self.clock, **changes})
        self.node = Node(self.chain)

    def ask(self, method: str, *params: object) -> Any:
        return self.node.request(method, list(params))

    def head(self) -> dict[str, Any]:
        block: dict[str, Any] = self.ask("eth_getBlockByNumber", "latest", False)
        return block

    def raw(
        self, nonce: int, to: str | None = NOBODY, data: bytes | str = b"", *, account: Any = WALLET, **changes: Any
    ) -> str:
        transaction = {
            "type": 2, "chainId": 779_977, "nonce": nonce, "to": to, "data": data, "value": 0, "gas": 200_000,
            "maxFeePerGas": 10**10, "maxPriorityFeePerGas": 10**6,
        }  # fmt: skip
        return "0x" + account.sign_transaction({**transaction, **changes}).raw_transaction.hex()

    def send(self, nonce: int, to: str | None = NOBODY, data: bytes | str = b"", **changes: Any) -> str:
        sent: str = self.ask("eth_sendRawTransaction", self.raw(nonce, to, data, **changes))
        return sent

    def answer(self, request: object) -> Any:
        return asyncio.run(self.node.handle(request))


@pytest.fixture
def desk() -> Desk:
    return Desk()


# ── one clock ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_block_is_due_every_two_seconds_of_the_clock(desk: Desk):
    desk.clock.advance(1.9)
    assert desk.ask("eth_blockNumber") == "0x0"

    desk.clock.advance(8.2)

    assert desk.ask("eth_blockNumber") == "0x5"
    assert int(desk.head()["timestamp"], 16) == START_S + 10


def test_a_long_silence_is_caught_up_with_a_few_blocks_that_end_at_the_present(desk: Desk):
    desk.clock.advance(86_400)

    head = desk.head()

    assert int(head["number"], 16) == CATCH_UP_BLOCKS
    assert int(head["timestamp"], 16) == START_S + 86_400
    first = desk.ask("eth_getBlockByNumber", "0x1", False)
    assert int(first["timestamp"], 16) == START_S + 86_400 - 2 * (CATCH_UP_BLOCKS - 1)


def test_many_transactions_in_one_second_do_not_run_ahead_of_the_clock(desk: Desk):
    desk.clock.advance(1)
    for nonce in range(20):
        desk.send(nonce)

    assert int(desk.head()["timestamp"], 16) == START_S + 1
    assert int(desk.head()["number"], 16) == 20


def test_a_call_at_the_head_runs_at_the_clocks_time(desk: Desk):
    address = desk.ask("eth_getTransactionReceipt", desk.send(0, None, RECORDER_CREATION))["contractAddress"]
    desk.clock.advance(1)

    latest = desk.ask("eth_call", {"to": address}, "latest")
    pending = desk.ask("eth_call", {"to": address}, "pending")

    assert int(latest[66:130], 16) == int(pending[66:130], 16) == START_S + 1
    assert (int(latest[130:194], 16), int(pending[130:194], 16)) == (1, 2)
    assert int(latest[194:258], 16) == 779_977
    assert latest[258:] == desk.ask("eth_getBlockByNumber", "0x0", False)["hash"][2:]


def test_moved_time_outlives_the_process(tmp_path: Path):
    desk = Desk(tmp_path / "chain.db")
    desk.ask("evm_increaseTime", 7_200)
    before = int(desk.head()["timestamp"], 16)
    desk.chain.close()

    again = Desk(tmp_path / "chain.db")

    assert int(again.head()["timestamp"], 16) == before == START_S + 7_200
    again.clock.advance(4)
    assert int(again.head()["timestamp"], 16) == before + 4


ACTIONS = st.one_of(
    st.tuples(st.just("advance"), st.floats(0, 100)),
    st.tuples(st.just("send"), st.integers(1, 2**64)),
    st.tuples(st.just("mine"), st.none()),
    st.tuples(st.just("jump"), st.integers(0, 1_000)),
    st.tuples(st.just("set"), st.integers(1, 1_000)),
    st.tuples(st.just("replace"), st.integers(1, 20)),
)


@settings(max_examples=40, deadline=None)
@given(actions=st.lists(ACTIONS, max_size=25))
def test_whatever_happens_blocks_link_times_rise_and_the_head_is_never_older_than_two_seconds(actions: list):
    desk = Desk()
    for action, amount in actions:
        number = int(desk.ask("eth_blockNumber"), 16)
        steps = {
            "advance": lambda amount=amount: desk.clock.advance(amount),
            "send": lambda amount=amount: desk.send(desk.chain.pending_nonce(_wallet()), value=amount),
            "mine": lambda: desk.ask("evm_mine"),
            "jump": lambda amount=amount: desk.ask("evm_increaseTime", amount),
            "set": lambda amount=amount: desk.ask("evm_mine", int(desk.head()["timestamp"], 16) + amount),
            "replace": lambda amount=amount, number=number: number and desk.ask("bethna_reorg", min(amount, number)),
        }
        steps[action]()

    head = desk.head()
    blocks = [desk.ask("eth_getBlockByNumber", hex(n), False) for n in range(int(head["number"], 16) + 1)]
    times = [int(block["timestamp"], 16) for block in blocks]
    assert [block["parentHash"] for block in blocks[1:]] == [block["hash"] for block in blocks[:-1]]
    assert times == sorted(times)
    assert 0 <= desk.chain.now_s() - times[-1] < 2


def _wallet() -> bytes:
    return bytes.fromhex(WALLET.address[2:])


# ── one file ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_genesis_depends_on_nothing_but_the_arguments():
    def genesis(**changes: Any) -> str:
        return str(Desk(**changes).ask("eth_getBlockByNumber", "0x0", False)["hash"])

    assert genesis() == genesis() == genesis(allocation={WALLET.address.lower(): 10**22})
    others = [
        genesis(chain_id=779_978),
        genesis(allocation={WALLET.address: 1}),
        genesis(genesis_time=GENESIS_TIME - timedelta(seconds=1)),
    ]
    assert len({genesis(), *others}) == 4


def test_a_reopened_chain_goes_on_where_it_was(tmp_path: Path):
    desk = Desk(tmp_path / "chain.db")
    transaction_hash = desk.send(0, value=77)
    desk.ask("evm_setAutomine", False)
    waiting = desk.send(1, value=5)
    before = desk.head()
    desk.chain.close()

    again = Desk(tmp_path / "chain.db")

    assert again.head() == before
    assert again.ask("eth_getTransactionReceipt", transaction_hash)["status"] == "0x1"
    assert again.ask("eth_getBalance", NOBODY) == hex(77)
    again.ask("evm_mine")
    assert again.ask("eth_getTransactionReceipt", waiting)["status"] == "0x1"


def test_a_chain_is_not_opened_as_another_one(tmp_path: Path):
    Desk(tmp_path / "chain.db").chain.close()

    for other in ({"chain_id": 8453}, {"allocation": {NOBODY: 1}}):
        with pytest.raises(ChainFileRefused, match="779977"):
            open_chain(tmp_path / "chain.db", **other)


def test_a_chain_has_one_writer_and_a_file_that_is_no_chain_is_refused(tmp_path: Path):
    desk = Desk(tmp_path / "chain.db")
    (tmp_path / "letter.txt").write_text("Dear reader, " * 1_000)

    for path in (tmp_path / "chain.db", tmp_path / "letter.txt", tmp_path / "nowhere/chain.db"):
        with pytest.raises(ChainFileRefused, match="cannot be opened"):
            open_chain(path)
    desk.send(0)


def test_a_block_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    desk = Desk(tmp_path / "chain.db")
    desk.send(0, value=1)
    before = desk.head()
    heard: list[object] = []
    desk.chain.listen(heard.append)

    def full_disk(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(desk.chain._store, "add_block", full_disk)
        with pytest.raises(sqlite3.OperationalError):
            desk.send(1, value=2)

    assert desk.head() == before
    assert heard == []
    assert desk.ask("eth_getTransactionReceipt", desk.send(1, value=2))["status"] == "0x1"
    assert [type(event).__name__ for event in heard] == ["TransactionAccepted", "BlockAdded"]
    assert desk.ask("eth_getBalance", NOBODY) == "0x3"


# ── finality and going back ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("depth", "expected"), [(2, 3), (0, 5), (5, 0), (64, 0)])
def test_finality_is_as_deep_as_the_setting_says(depth: int, expected: int):
    desk = Desk(finalized_depth=depth)
    desk.clock.advance(10)

    numbers = [int(desk.ask("eth_getBlockByNumber", tag, False)["number"], 16) for tag in ("finalized", "safe")]

    assert numbers == [expected, 4]


def test_a_reorganisation_can_drop_keep_and_insert_transactions(desk: Desk):
    kept, dropped, follower = desk.send(0, value=1), desk.send(1, value=10), desk.send(2, value=100)
    rival = desk.raw(1, value=1_000)
    old = desk.head()

    lost = desk.ask("bethna_reorg", 2, {"drop": [dropped], "insert": [rival]})

    assert lost == [dropped]
    assert desk.ask("eth_getBlockByHash", old["hash"], False) is None
    assert desk.head()["number"] == old["number"]
    assert desk.ask("eth_getTransactionReceipt", dropped) is None
    assert desk.ask("eth_getTransactionReceipt", follower)["blockNumber"] == "0x3"
    assert desk.ask("eth_getTransactionReceipt", kept)["blockNumber"] == "0x1"
    assert desk.ask("eth_getBalance", NOBODY) == hex(1_101)


def test_a_branch_with_the_same_transactions_has_blocks_of_its_own(desk: Desk):
    old = [desk.ask("eth_getTransactionReceipt", desk.send(nonce)) for nonce in range(3)]

    for _ in range(2):
        assert desk.ask("bethna_reorg", 3) == []
        new = [desk.ask("eth_getTransactionReceipt", receipt["transactionHash"]) for receipt in old]
        assert [r["blockNumber"] for r in new] == [r["blockNumber"] for r in old]
        assert not {r["blockHash"] for r in new} & {r["blockHash"] for r in old}
        old = new


def test_what_depended_on_a_dropped_transaction_is_dropped_too(desk: Desk):
    hashes = [desk.send(nonce, value=1) for nonce in range(3)]

    assert desk.ask("bethna_reorg", 3, {"drop": hashes[:1]}) == hashes
    assert desk.ask("eth_getTransactionCount", WALLET.address, "pending") == "0x0"


def test_the_genesis_cannot_be_replaced(desk: Desk):
    desk.send(0)

    for depth in (0, 2):
        with pytest.raises(RpcError, match="the head is 1"):
            desk.ask("bethna_reorg", depth)


def test_a_waiting_transaction_can_be_lost(desk: Desk):
    desk.ask("evm_setAutomine", False)
    transaction_hash = desk.send(0)

    assert desk.ask("bethna_dropTransaction", transaction_hash) is True
    desk.ask("evm_setAutomine", True)
    assert desk.ask("eth_getTransactionByHash", transaction_hash) is None
    assert desk.ask("eth_blockNumber") == "0x0"


# ── refusals ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"chainId": 84_532}, "invalid chain id for signer: have 84532 want 779977"),
        ({"nonce": 2**63}, "nonce has max value"),
        ({"gas": 20_999}, "intrinsic gas too low: gas 20999, minimum needed 21000"),
        ({"gas": 30_000_001}, "exceeds block gas limit"),
        ({"maxFeePerGas": 4_999_999, "maxPriorityFeePerGas": 1}, "max fee per gas less than block base fee"),
        ({"maxPriorityFeePerGas": 10**11}, "max priority fee per gas higher than max fee per gas"),
        ({"value": 10**22}, "insufficient funds for gas \\* price \\+ value: balance 10000"),
        ({"to": None, "data": b"\1" * 49_153, "gas": 10**7}, "max initcode size exceeded"),
        ({"data": b"\1" * 140_000, "gas": 10**7}, "oversized data"),
    ],
)
def test_a_transaction_that_cannot_be_mined_is_refused_in_geths_words(desk: Desk, changes: dict, words: str):
    with pytest.raises(RpcError, match=words) as refusal:
        desk.send(**({"nonce": 0} | changes))

    assert refusal.value.code == -32000
    assert desk.ask("eth_getTransactionCount", WALLET.address, "pending") == "0x0"


def test_a_transaction_without_replay_protection_is_refused(desk: Desk):
    unprotected = {"nonce": 0, "gasPrice": 10**10, "gas": 21_000, "to": NOBODY, "value": 1, "data": b""}
    raw = "0x" + WALLET.sign_transaction(unprotected).raw_transaction.hex()

    with pytest.raises(RpcError, match="EIP-155"):
        desk.ask("eth_sendRawTransaction", raw)


@settings(max_examples=300, deadline=None)
@given(noise=st.binary(max_size=200), place=st.integers(0, 10**6), bit=st.integers(0, 7), kind=st.sampled_from("nbt"))
def test_no_bytes_but_a_valid_transaction_change_the_chain(noise: bytes, place: int, bit: int, kind: str):
    desk = SHARED
    valid = bytearray.fromhex(desk.raw(0, value=1)[2:])
    flipped = bytearray(valid)
    flipped[place % len(valid)] ^= 1 << bit
    sent = {"n": noise, "b": bytes(flipped), "t": bytes(valid)[: place % len(valid)]}[kind]

    with pytest.raises(RpcError) as refusal:
        desk.ask("eth_sendRawTransaction", "0x" + sent.hex())

    assert refusal.value.code == -32000
    assert desk.ask("eth_getBlockByNumber", "latest", False)["hash"] == SHARED_GENESIS


SHARED, FUZZED = Desk(), Desk()
SHARED_GENESIS = SHARED.head()["hash"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10)
    | st.sampled_from(["0x", "0x1", "latest", NOBODY, "0x" + "ab" * 32, "0x" + "f" * 70, "0x" + "f" * 64, 2**62]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
        st.sampled_from(["to", "data", "from", "gas", "value", "address", "topics", "fromBlock", "blockHash"]), inner
    ),
    max_leaves=8,
)  # fmt: skip


@settings(max_examples=600, deadline=None)
@given(method=st.sampled_from(sorted(SHARED.node._methods)), params=st.lists(JSON, max_size=4))
def test_no_parameters_break_the_node(method: str, params: list):
    answer = FUZZED.node.respond({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})

    assert isinstance(answer, dict)
    assert ("result" in answer) != ("error" in answer)


@settings(max_examples=200, deadline=None)
@given(request=JSON)
def test_what_is_no_request_is_answered_with_its_code(request: object):
    answer = SHARED.answer({"jsonrpc": "2.0", "id": 1, "params": request})

    assert answer["error"]["code"] == -32600


def test_batches_are_bounded_and_notifications_are_not_answered(desk: Desk):
    one = {"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []}
    notification = {"jsonrpc": "2.0", "method": "eth_chainId", "params": []}

    assert desk.answer([])["error"]["code"] == -32600
    assert desk.answer([one] * 1_001)["error"]["code"] == -32600
    assert len(desk.answer([one] * 1_000)) == 1_000
    assert desk.answer([notification, one]) == [{"jsonrpc": "2.0", "id": 1, "result": "0xbe6c9"}]
    assert desk.answer(notification) is None
    assert desk.answer([1, one])[0]["error"]["code"] == -32600


def test_an_unknown_method_and_wrong_parameters_have_their_codes(desk: Desk):
    for method in ("eth_sendTransaction", "personal_sign", "__init__", "respond", "eth_subscribe"):
        with pytest.raises(RpcError) as unknown:
            desk.ask(method)
        assert unknown.value.code == -32601

    wrong: list[tuple[str, list[object]]] = [
        ("eth_getBalance", []),
        ("eth_getBalance", ["0x12"]),
        ("eth_getBalance", [NOBODY, "newest"]),
        ("eth_getBalance", [NOBODY, "latest", "more"]),
        ("eth_call", [{"to": NOBODY, "data": "0x1", "input": "0x11"}]),
        ("eth_call", [{"to": NOBODY, "data": "0x11", "input": "0x12"}]),
        ("eth_call", [{"to": NOBODY, "value": 5}]),
        ("eth_getLogs", [{"topics": [None] * 5}]),
        ("eth_getLogs", [{"fromBlock": "0x5", "toBlock": "0x1"}]),
        ("eth_feeHistory", ["0x1", "latest", [90, 10]]),
    ]
    desk.clock.advance(20)
    for method, params in wrong:
        with pytest.raises(RpcError) as invalid:
            desk.ask(method, *params)
        assert invalid.value.code == -32602


def test_a_log_with_fewer_topics_than_the_filter_has_places_does_not_match(desk: Desk):
    address = desk.ask("eth_getTransactionReceipt", desk.send(0, None, RECORDER_CREATION))["contractAddress"]
    names = {places: desk.ask("eth_newFilter", {"topics": [None] * places}) for places in (2, 3)}
    desk.send(1, address, word(1))

    for places, count in ((2, 1), (3, 0)):
        assert len(desk.ask("eth_getLogs", {"topics": [None] * places})) == count
        assert len(desk.ask("eth_getFilterChanges", names[places])) == count


def test_numbers_beyond_the_chain_are_no_trouble(desk: Desk):
    far = hex(2**256 - 1)

    assert desk.ask("eth_getBlockByNumber", far, False) is None
    assert desk.ask("eth_getLogs", {"fromBlock": far, "toBlock": far}) == []
    for method, params in (
        ("eth_getBalance", [NOBODY, far]),
        ("eth_feeHistory", ["0x1", far]),
        ("evm_increaseTime", [far]),
        ("evm_setNextBlockTimestamp", [far]),
        ("bethna_reorg", [far]),
    ):
        with pytest.raises(RpcError):
            desk.ask(method, *params)
    assert desk.ask("evm_revert", far) is False
    assert desk.ask("eth_getStorageAt", NOBODY, far) == word(0)


def test_a_range_of_logs_is_bounded(desk: Desk):
    for _ in range(320):
        desk.clock.advance(64)
        desk.ask("eth_blockNumber")
    head = int(desk.ask("eth_blockNumber"), 16)
    assert head > 10_000

    with pytest.raises(RpcError, match="longer than 10000") as refusal:
        desk.ask("eth_getLogs", {"fromBlock": "0x0", "toBlock": "latest"})
    assert refusal.value.code == -32602
    assert desk.ask("eth_getLogs", {"fromBlock": hex(head - 9_999), "toBlock": "latest"}) == []
    assert desk.ask("eth_getLogs", {"fromBlock": hex(head + 5), "toBlock": hex(head + 9)}) == []


def test_a_filter_that_nobody_polls_is_forgotten(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(rpc_filters, "MAX_BUFFERED", 64)
    polled, neglected = desk.ask("eth_newBlockFilter"), desk.ask("eth_newBlockFilter")
    for _ in range(3):
        desk.clock.advance(64)
        desk.ask("eth_blockNumber")
        assert len(desk.ask("eth_getFilterChanges", polled)) == 32

    with pytest.raises(RpcError, match="filter not found"):
        desk.ask("eth_getFilterChanges", neglected)


# ── answers ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_failed_transactions_receipt_carries_the_revert_data(desk: Desk):
    address = desk.ask("eth_getTransactionReceipt", desk.send(0, None, RECORDER_CREATION))["contractAddress"]

    receipt = desk.ask("eth_getTransactionReceipt", desk.send(1, address, word(0)))

    assert receipt["revertReason"] == "0x" + keccak(b"Refused(uint256)")[:4].hex() + word(42)[2:]


@pytest.mark.parametrize(
    ("code", "message"),
    [
        # mstore the ABI words of Error("no") or Panic(0x11), then revert with them
        ("08c379a0" + word(32)[2:] + word(2)[2:] + "6e6f" + "00" * 30, "execution reverted: no"),
        ("4e487b71" + word(17)[2:], "execution reverted: panic code 0x11"),
        ("08c379a0" + "ff" * 32, "execution reverted"),
        ("", "execution reverted"),
    ],
)
def test_a_revert_says_its_reason_when_it_has_one(desk: Desk, code: str, message: str):
    # A creation whose code copies what follows it to memory and reverts with it.
    revert = "60" + f"{len(code) // 2:02x}" + "600c600039" + "60" + f"{len(code) // 2:02x}" + "6000fd" + code
    assert len("60ff600c60003960ff6000fd") == 24

    with pytest.raises(RpcError) as reverted:
        desk.ask("eth_call", {"data": "0x" + revert})

    assert (reverted.value.code, reverted.value.message, reverted.value.data) == (3, message, "0x" + code)


def test_a_call_that_runs_out_of_gas_or_jumps_astray_is_no_revert(desk: Desk):
    for code, message in (("0x5b600056", "out of gas"), ("0xfe", "invalid opcode"), ("0x600156", "invalid jump")):
        with pytest.raises(RpcError, match=message) as failure:
            desk.ask("eth_call", {"data": code, "gas": "0xffff"})
        assert failure.value.code == -32000


def test_an_estimate_is_limited_by_what_the_sender_can_pay(desk: Desk):
    with pytest.raises(RpcError, match=r"gas required exceeds allowance \(0\)"):
        desk.ask("eth_estimateGas", {"from": NOBODY, "to": WALLET.address, "maxFeePerGas": "0x989680"})
    assert desk.ask("eth_estimateGas", {"from": NOBODY, "to": WALLET.address}) == "0x5208"


def test_calls_leave_nothing_behind(desk: Desk):
    address = desk.ask("eth_getTransactionReceipt", desk.send(0, None, RECORDER_CREATION))["contractAddress"]
    desk.ask("eth_call", {"to": address, "data": word(9)})
    desk.ask("eth_estimateGas", {"to": address, "data": word(9)})

    assert int(desk.ask("eth_getStorageAt", address, "0x0"), 16) == 0
    assert desk.ask("eth_getStorageAt", address, word(0)) == word(0)


def test_a_node_may_be_shared_by_threads(desk: Desk):
    people = [Account.from_key("0x" + f"{n:02x}" * 32) for n in range(1, 5)]
    for nonce, person in enumerate(people):
        desk.send(nonce, person.address, value=10**18)

    def pay_ten_times(person: Any) -> None:
        for nonce in range(10):
            desk.ask("eth_sendRawTransaction", desk.raw(nonce, value=1, account=person))
            desk.ask("eth_call", {"to": NOBODY})

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(pay_ten_times, people))

    assert desk.ask("eth_getBalance", NOBODY) == hex(40)
    assert int(desk.ask("eth_blockNumber"), 16) == 44


def test_value_is_neither_made_nor_lost_but_for_the_base_fee(desk: Desk):
    for nonce in range(5):
        desk.send(nonce, value=10**18)
    burned = sum(
        int(desk.ask("eth_getBlockByNumber", hex(number), False)["gasUsed"], 16) * 5_000_000 for number in range(1, 6)
    )
    fees = "0x4200000000000000000000000000000000000011"

    held = sum(int(desk.ask("eth_getBalance", address), 16) for address in (WALLET.address, NOBODY, fees))

    assert held == 10**22 - burned
    assert burned == 5 * 21_000 * 5_000_000
