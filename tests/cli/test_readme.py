"""The README's promises, held to what bethna does."""

import re
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

README = (Path(__file__).resolve().parents[2] / "README.md").read_text("utf-8")


def test_the_example_is_what_the_command_prints(bethna: "Callable[..., CompletedProcess[str]]") -> None:
    shown = re.search(r"<!-- example -->\n```text\n(.*?)```", README, re.DOTALL)
    assert shown is not None

    printed = bethna("recommend", "ETH", "--at", "2026-11-22T12:00Z", NO_COLOR="1")

    assert shown[1].split() == printed.stdout.split()


def test_the_record_is_what_the_model_command_prints(bethna: "Callable[..., CompletedProcess[str]]") -> None:
    shown = re.search(r"<!-- record -->\n```text\n(.*?)```", README, re.DOTALL)
    assert shown is not None

    printed = bethna("model", NO_COLOR="1").stdout

    assert printed.split()[-len(shown[1].split()) :] == shown[1].split()


def test_the_two_commands_can_be_read_by_the_gate() -> None:
    blocks = dict(re.findall(r"<!-- (first|second)-command -->\n```sh\n(.*?)\n```", README, re.DOTALL))

    assert blocks["first"].endswith("bethna recommend ETH")
    assert blocks["second"].endswith("pytest -q -n auto")


def test_every_command_in_the_table_exists(bethna: "Callable[..., CompletedProcess[str]]") -> None:
    named = set(re.findall(r"^\| `bethna (\w+)", README, re.MULTILINE))
    listed = bethna("--help").stdout

    assert named
    assert {name for name in named if not re.search(rf"^  {name} ", listed, re.MULTILINE)} == set()
