"""What was typed into the chat is found again for a month, by its owner alone, and the file stays bounded."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bethna_cli.cli import repl_history
from bethna_cli.cli.repl_history import PrivateHistory

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
MONTH_AGO = NOW - timedelta(days=30)


@pytest.fixture
def kept(tmp_path) -> Path:
    return tmp_path / "history"


def typed_at(path: Path, at: datetime, text: str) -> None:
    """Leave what prompt-toolkit leaves when a person enters `text`: the local time, then its lines."""
    lines = "".join(f"+{line}\n" for line in text.split("\n"))
    with path.open("a") as file:
        file.write(f"\n# {at.astimezone().replace(tzinfo=None)}\n{lines}")


def remembered(path: Path, since: datetime = MONTH_AGO) -> list[str]:
    """Return the lines, oldest first, as a prompt that opens now offers them."""

    async def read() -> list[str]:
        return [line async for line in PrivateHistory(path, since).load()]

    return asyncio.run(read())[::-1]


def test_what_was_typed_a_month_ago_is_forgotten_and_the_rest_stands_as_it_was(kept):
    typed_at(kept, NOW - timedelta(days=31), "show me eth calls")
    typed_at(kept, NOW - timedelta(days=2), "what is\ndelta?")
    typed_at(kept, NOW - timedelta(hours=1), "# why?")

    assert remembered(kept) == ["what is\ndelta?", "# why?"]
    assert "eth calls" not in kept.read_text()


def test_the_file_holds_only_the_newest_lines(kept, monkeypatch):
    monkeypatch.setattr(repl_history, "MOST_LINES", 3)
    for hour in range(9, 0, -1):
        typed_at(kept, NOW - timedelta(hours=hour), f"line {hour}")

    assert remembered(kept) == ["line 3", "line 2", "line 1"]
    assert kept.read_text().count("+line") == 3


def test_what_this_prompt_keeps_it_finds_again(kept):
    PrivateHistory(kept, MONTH_AGO).store_string("buy the 3200 eth call")

    assert remembered(kept) == ["buy the 3200 eth call"]


def test_it_stays_for_its_owner_alone_when_it_is_written_anew(kept):
    typed_at(kept, NOW - timedelta(days=40), "old")
    kept.chmod(0o600)
    remembered(kept)

    assert kept.stat().st_mode & 0o777 == 0o600
    assert list(kept.parent.iterdir()) == [kept]


@pytest.mark.parametrize("rest", ["", "no stamp above\n", "\n# \n+\n", "\udcff".encode("utf-8", "surrogateescape")])
def test_a_damaged_file_is_read_as_far_as_it_goes(kept, rest):
    typed_at(kept, NOW, "why?")
    with kept.open("ab") as file:
        file.write(rest if isinstance(rest, bytes) else rest.encode())

    assert "why?" in remembered(kept)
