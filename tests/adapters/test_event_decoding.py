"""Logs of a real chain, decoded: what an indexer of two blocks of Ethereum must produce, and nothing else."""

import csv
import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest

from bethna_cli.adapters.evm_wire import log_of, logs_of
from bethna_cli.adapters.option_events import transfers_of

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
            str(one.log.block_number),
            str(one.log.log_index),
            one.log.transaction_hash,
            one.token,
            one.sender,
            one.receiver,
            str(one.value),
        )
        for one in transfers_of(logs_of(recorded()))
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
