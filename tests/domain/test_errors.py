"""What an error says to a person."""

import pytest

from bethna_cli.domain.errors import SourceStale


@pytest.mark.parametrize(
    ("age_s", "words"),
    [
        (61, "61 s old; the limit is 60 s"),
        (58_193, "16.2 h old; the limit is 60 s"),
        (2_393_070, "27.7 days old; the limit is 60 s"),
    ],
)
def test_an_age_is_told_in_the_unit_people_would_use(age_s: float, words: str) -> None:
    assert str(SourceStale("dydx", age_s, 60)) == f"dydx: the data is {words}"
