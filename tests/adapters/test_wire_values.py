"""What a value from outside may be: nothing that Python's own reader would let through by accident."""

import json
import subprocess
import sys
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bethna_cli.adapters.wire import Wire as Model
from bethna_cli.adapters.wire import parse, read_json
from bethna_cli.domain.errors import SourceMalformed

SCALARS = st.none() | st.booleans() | st.integers(-(10**70), 10**70) | st.text()
DOCUMENTS = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)


@pytest.mark.parametrize(
    "body",
    [
        b'{"price": NaN}',
        b'{"price": Infinity}',
        b'{"price": -Infinity}',
        b'{"price": 1e400}',
        b'{"price": -1e400}',
        b'{"price": 1, "price": 2}',
        b'{"price": ' + b"9" * 81 + b"}",
        b'{"price": 0.' + b"9" * 81 + b"}",
        b'{"price": 01}',
        b'{"price": 1,}',
        b"{'price': 1}",
        b'{"price": "\x1b[31m"}',
        b'{"price": 1} {"price": 2}',
        b'{"price": ',
        b"\xff\xfe",
        b"",
        b"<html></html>",
        b"[" * 250 + b"]" * 250,
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a":' * 5000 + b"1" + b"}" * 5000,
    ],
)
def test_what_is_not_strict_json_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError):
        read_json(body)


def test_deep_nesting_is_refused_even_where_the_interpreter_may_recurse_beyond_its_stack() -> None:
    program = (
        "import sys; sys.setrecursionlimit(10**6)\n"
        "from bethna_cli.adapters.wire import read_json\n"
        "try: read_json(b'[' * 10**6 + b']' * 10**6)\n"
        "except ValueError: print('refused')"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)

    assert (ended.returncode, ended.stdout) == (0, "refused\n")


@given(DOCUMENTS)
def test_every_json_document_of_modest_depth_is_read_as_it_is(document: object) -> None:
    assert read_json(json.dumps(document).encode()) == document


@given(st.binary(max_size=200))
def test_any_bytes_are_a_document_or_a_value_error(body: bytes) -> None:
    try:
        read_json(body)
    except ValueError:
        return


@given(st.decimals(allow_nan=False, allow_infinity=False, places=8, min_value=-(10**12), max_value=10**12))
def test_a_number_is_kept_to_the_last_digit(value: Decimal) -> None:
    assert read_json(f'{{"price": {value:f}}}'.encode()) == {"price": value}


class Price(Model):
    price: int


@pytest.mark.parametrize("value", [{"price": "\x1b[31m4"}, {"price": True}, {"price": 1.5}, {}, [], None, "price"])
def test_a_wrong_answer_is_named_by_its_place_and_never_repeated(value: object) -> None:
    with pytest.raises(SourceMalformed) as caught:
        parse("venue", Price, value)
    assert "\x1b" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_key_that_is_terminal_control_is_cleaned_in_the_error() -> None:
    class Prices(Model):
        prices: dict[str, int]

    with pytest.raises(SourceMalformed) as caught:
        parse("venue", Prices, {"prices": {"\x1b[31mETH": "x"}})
    assert "\x1b" not in str(caught.value)
