"""Logs of a real chain, decoded: what an indexer of two blocks of Ethereum must produce, and nothing else.

Logs are read fast, and anything out of the ordinary slowly; the two ways may never differ in what they let through.
"""

import csv
import gzip
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bethna_cli.adapters.event_words import word_address
from bethna_cli.adapters.evm_wire import log_of, logs_of, read_logs
from bethna_cli.adapters.option_events import transfers_of
from bethna_cli.adapters.rpc_answers import Readers, answers_of
from bethna_cli.adapters.wire import read_json
from bethna_cli.domain.errors import SourceMalformed

DATA = Path(os.environ.get("BETHNA_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))
LOGS, EXPECTED = DATA / "eth_logs.jsonl.gz", DATA / "eth_token_transfers_expected.csv.gz"
needs_data = pytest.mark.skipif(not (LOGS.is_file() and EXPECTED.is_file()), reason="no recorded logs: set BETHNA_DATA")


def recorded() -> list[dict[str, Any]]:
    with gzip.open(LOGS, "rt", encoding="utf-8") as stream:
        return [json.loads(line) for line in stream]


@needs_data
def test_the_transfers_of_two_real_blocks_are_those_of_an_independent_decoding():
    with gzip.open(EXPECTED, "rt", encoding="utf-8") as stream:
        expected = [tuple(row.values()) for row in csv.DictReader(stream)]

    found = [
        (
            str(log.block_number),
            str(log.log_index),
            log.transaction_hash,
            log.address,
            *map(word_address, log.topics[1:3]),
            str(value),
        )
        for log, value in transfers_of(read_logs(json.dumps(recorded()).encode()))
    ]
    assert found == expected
    assert len(found) > 200


@needs_data
def test_a_log_with_a_digit_missing_or_a_space_in_it_is_refused():
    sound = recorded()[0]
    for name in ("address", "blockHash", "transactionHash", "data"):
        text = sound[name]
        for wrong in (text[:-1], text[:-2] + " 0", text[:-1] + "g", "0X" + text[2:], text[2:], 7, None, " " + text[1:]):
            with pytest.raises((ValueError, TypeError)):
                log_of({**sound, name: wrong})
    with pytest.raises(ValueError):
        log_of({**sound, "removed": True})


DIGITS = "ab" * 32
ROW = {"address": "0x" + "ab" * 20, "topics": [], "data": "0x", "blockHash": "0x" + "cd" * 32}
ROW |= {"transactionHash": "0x" + "ef" * 32, "blockNumber": "0x1", "transactionIndex": "0x0", "logIndex": "0x0"}


@pytest.mark.parametrize(
    "words",
    [
        ("0x" + DIGITS + "0", "x" + DIGITS),
        ("0x" + DIGITS[:-1], "a0x" + DIGITS),
        ("0a" + DIGITS, "0x0x" + DIGITS[:-2]),
        ("0x" + DIGITS, "0y" + DIGITS),
        ("0x" + DIGITS, "1x" + DIGITS),
        ("0x" + DIGITS, "0x" + DIGITS[:-2] + "  "),
    ],
)
def test_words_that_are_hashes_only_together_are_refused(words: tuple[str, str]):
    with pytest.raises(ValueError):
        logs_of([{**ROW, "transactionHash": word} for word in words])
    with pytest.raises(ValueError):
        logs_of([{**ROW, "topics": list(words)}])


def test_data_with_spaces_between_its_octets_is_refused():
    for wrong in ("0xab cd ", "0xab  cd", "0x  "):
        with pytest.raises(ValueError):
            logs_of([ROW, {**ROW, "data": wrong}])


def test_however_a_node_writes_its_digits_a_log_is_the_same():
    capitals = {name: "0x" + ROW[name][2:].upper() for name in ("address", "transactionHash", "blockHash")}
    plain, loud = logs_of([{**ROW, "topics": ["0x" + DIGITS]}, {**ROW, **capitals, "topics": ["0x" + DIGITS.upper()]}])
    assert plain == loud


# ── hostile bodies ────────────────────────────────────────────────────────────────────────────────────────────────

SOUND: dict[str, str] = {
    "address": "0x[0-9a-fA-F]{40}",
    "data": "0x([0-9a-fA-F]{2})*",
    "blockNumber": "0x[0-9a-fA-F]{1,16}",
    "transactionHash": "0x[0-9a-fA-F]{64}",
    "transactionIndex": "0x[0-9a-fA-F]{1,16}",
    "blockHash": "0x[0-9a-fA-F]{64}",
    "logIndex": "0x[0-9a-fA-F]{1,16}",
}
HASH = st.binary(min_size=32, max_size=32).map(lambda octets: "0x" + octets.hex())
COUNT = st.integers(0, 2**64 - 1).map(hex)
LOG = st.fixed_dictionaries(
    {"address": HASH.map(lambda text: text[:42]), "topics": st.lists(HASH, max_size=4), "data": HASH | st.just("0x")}
    | {"blockNumber": COUNT, "blockHash": HASH.map(lambda text: "0x" + text[2:].upper()), "transactionHash": HASH}
    | {"transactionIndex": COUNT, "logIndex": COUNT},
    optional={"removed": st.sampled_from([False, None]), "blockTimestamp": st.just("0x5f5e100")},
)
WRONG = st.sampled_from(["", "0x", "0x0", "0x 1", "0xg1", "0X" + "0" * 64, "0x" + "f" * 65, 7, None, True, 1.5, [], {}])
SPOILERS: list[Callable[[bytes], bytes]] = [
    lambda text: text.replace(b'"data"', b'"data":"0x","data"', 1),
    lambda text: text.replace(b'"data"', b'"\\u0064ata":"0x","data"', 1),
    lambda text: text.replace(b'"topics"', b'"removed":true,"topics"', 1),
    lambda text: text.replace(b'"topics"', b'"strange":{"data":[{}],"data":1},"topics"', 1),
    lambda text: text.replace(b'"topics"', b'"strange":{"data":[{}]},"topics"', 1),
    lambda text: text.replace(b'"topics"', b'"strange":"\\"","topics"', 1),
    lambda text: text.replace(b'"topics"', b'"strange":' + b"[" * 300 + b"]" * 300 + b',"topics"', 1),
    lambda text: text.replace(b'"0x', b'"\\u0030x', 1),
    lambda text: text.replace(b'"0x', b'"0x\xff', 1),
    lambda text: text.replace(b'"0x', b"NaN,", 1),
    lambda text: text.replace(b",", b" , ").replace(b":", b"\n:"),
    lambda text: text + b"]",
    lambda text: text[:-1],
    lambda text: b"\xef\xbb\xbf" + text,
]


def slowly(text: bytes) -> object:
    """What the strict reader and a pattern for each member make of logs; None when they refuse."""
    try:
        rows: Any = read_json(text)
    except ValueError:
        return None
    return rows if isinstance(rows, list) and all(isinstance(row, dict) and is_sound(row) for row in rows) else None


def is_sound(row: dict[str, Any]) -> bool:
    topics = row.get("topics")
    return (
        isinstance(topics, list)
        and len(topics) <= 4
        and all(isinstance(one, str) and re.fullmatch(SOUND["blockHash"], one) for one in topics)
        and all(isinstance(row.get(name), str) and re.fullmatch(wanted, row[name]) for name, wanted in SOUND.items())
        and row.get("removed") in (None, False)
    )


def fast(text: bytes) -> object:
    try:
        return read_logs(text)
    except ValueError:
        return None


@settings(max_examples=200, deadline=None)
@given(data=st.data(), rows=st.lists(LOG, max_size=2))
def test_logs_read_fast_are_those_read_slowly_whatever_was_done_to_their_text(data: st.DataObject, rows: list[Any]):
    if rows and data.draw(st.booleans(), "a wrong value"):
        name = data.draw(st.sampled_from([*SOUND, "topics", "removed", "blockTimestamp"]))
        rows[0][name] = data.draw(WRONG | st.lists(WRONG, max_size=5))
    text = json.dumps(rows, separators=(",", ":")).encode()
    for spoil in data.draw(st.lists(st.sampled_from(SPOILERS), max_size=2), "spoilers"):
        text = spoil(text)

    expected, found = slowly(text), fast(text)
    assert (found is None) == (expected is None)
    if expected is not None:
        assert found == logs_of(expected)


ANSWER = json.dumps([{"jsonrpc": "2.0", "id": 0, "result": [ROW]}], separators=(",", ":")).encode()
ENVELOPES: list[Callable[[bytes], bytes]] = [
    lambda body: body.replace(b'"id":0', b'"id":1', 1),
    lambda body: body.replace(b'"id":0', b'"id":0,"id":0', 1),
    lambda body: body.replace(b'"id":0', b'"id":false', 1),
    lambda body: body.replace(b'"result"', b'"result":[],"result"', 1),
    lambda body: body.replace(b'"result"', b'"error":{"code":1,"message":"no"},"result"', 1),
    lambda body: body.replace(b'"result"', b'"result":1e999,"result"', 1),
    lambda body: body.replace(b'"result"', b'"strange":NaN,"result"', 1),
    lambda body: body.replace(b'"result"', b'"strange":[1,2],"result"', 1),
    lambda body: body.replace(b'"result"', b'"other"', 1),
    lambda body: body.replace(b"}]", b'},{"id":0,"result":[]}]', 1),
    lambda body: body[1:-1],
    lambda body: b"[" * 100_000 + body,
    lambda body: body.replace(b'"result":[', b'"result":[' + b"[" * 50_000, 1),
    lambda body: body.replace(b'"result":[', b'"result":null,"rest":[', 1),
    lambda body: body.replace(b'"result":[', b'"result":0,"rest":[', 1),
    lambda body: body + b"\xff",
]


@pytest.mark.parametrize("change", ENVELOPES)
def test_an_answer_with_logs_is_opened_as_strictly_as_any_other(change: Callable[[bytes], bytes]):
    body = change(ANSWER)

    def opened(readers: Readers) -> object:
        try:
            (logs,) = answers_of("rpc", body, [("eth_getLogs", [])], readers)
            return logs if readers else logs_of(logs)
        except (SourceMalformed, ValueError):
            return "refused"

    assert opened({"eth_getLogs": read_logs}) == opened({})


def test_an_answer_that_is_sound_is_opened():
    assert answers_of("rpc", ANSWER, [("eth_getLogs", [])], {"eth_getLogs": read_logs}) == [[log_of(ROW)]]
